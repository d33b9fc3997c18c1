//! EC2 Auto Scaling's own roll: what it promises, and what it does not care about.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, Capacity, FailureKind, HookResult, Lifecycle, Process, Refresh, RefreshStatus},
    sim::{Deed, Doom, PoolSpec, RefreshSpec, Reluctant, World},
};

use crate::common::{busy_world, check, first, ids, key, n_in, quiet, terminating, wait_for};

/// Two versions of the template, and everybody still on the first.
fn outdated(pool: &mut PoolSpec) {
    pool.images = vec!["ami-1".into(), "ami-2".into()];
    pool.n_outdated = 6;
}

fn start(world: &mut World, spec: RefreshSpec) {
    world
        .meddle(&Deed::StartRefresh { pool: key(), spec })
        .unwrap();
}

fn refresh(world: &World) -> Refresh {
    world.group(&key()).unwrap().row.refresh.clone().unwrap()
}

fn n_of_version(world: &World, version: &str) -> usize {
    let is_wanted = |it: &&pooldeck::sim::Machine| {
        it.is_counted() && it.row.template_version.as_deref() == Some(version)
    };
    world.members(&key()).filter(is_wanted).count()
}

/// Runs a refresh to its end, and returns its status with the fewest and the most in service.
fn run(world: &mut World) -> (RefreshStatus, usize, usize) {
    let (mut least, mut most) = (usize::MAX, 0);
    for _ in 0..4000 {
        world.advance(Duration::from_secs(5));
        check(world);
        least = least.min(n_in(world, &Lifecycle::InService));
        most = most.max(world.members(&key()).filter(|it| it.is_counted()).count());
        if refresh(world).status.is_over() {
            break;
        }
    }
    (refresh(world).status, least, most)
}

#[test]
fn a_refresh_replaces_everybody_and_keeps_its_floor() {
    let mut world = quiet(outdated);
    start(
        &mut world,
        RefreshSpec {
            min_healthy_percent: 70,
            ..RefreshSpec::default()
        },
    );
    let (status, least, most) = run(&mut world);
    assert_eq!((status, least, most), (RefreshStatus::Successful, 4, 6));
    assert_eq!(n_of_version(&world, "2"), 6);
    let refresh = refresh(&world);
    assert_eq!(
        (refresh.percent_complete, refresh.n_instances_to_update),
        (Some(100), Some(0))
    );
    assert!(refresh.ended_at.is_some());
    let causes = world
        .group(&key())
        .unwrap()
        .activities
        .iter()
        .map(|it| it.cause.clone());
    assert_eq!(
        causes
            .filter(|it| it.contains("in response to an instance refresh"))
            .count(),
        6
    );
}

#[test]
fn a_refresh_that_may_surge_launches_first() {
    let mut world = quiet(outdated);
    let spec = RefreshSpec {
        min_healthy_percent: 100,
        max_healthy_percent: 150,
        ..RefreshSpec::default()
    };
    start(&mut world, spec);
    let (status, least, most) = run(&mut world);
    assert_eq!((status, least, most), (RefreshStatus::Successful, 6, 9));
    world.advance(Duration::from_mins(10));
    assert_eq!(n_of_version(&world, "2"), 6, "the surge is gone again");
    assert!(
        world
            .history()
            .deaths
            .iter()
            .all(|it| it.why != Doom::ScaleIn),
        "{:?}",
        world.history().deaths
    );
}

#[test]
fn a_group_of_one_is_terminated_before_its_successor_is_launched() {
    let mut world = quiet(|it| {
        outdated(it);
        it.capacity = Some(Capacity {
            desired: 1,
            min: 0,
            max: 2,
        });
        it.n_members = 1;
    });
    start(&mut world, RefreshSpec::default());
    assert_eq!(run(&mut world), (RefreshStatus::Successful, 0, 1));
}

#[test]
fn a_refresh_asks_the_hooks_and_not_the_jobs() {
    let mut world = quiet(|it| {
        outdated(it);
        terminating(HookResult::Continue)(it);
    });
    start(&mut world, RefreshSpec::default());
    wait_for(&mut world, 120, "a held member", |it| {
        n_in(it, &Lifecycle::TerminatingWait) == 1
    });
    assert_eq!(run(&mut world).0, RefreshStatus::Successful);

    let mut world = busy_world(1);
    start(&mut world, RefreshSpec::default());
    assert_eq!(run(&mut world).0, RefreshStatus::Successful);
    assert!(
        3 < world.history().n_jobs_lost(),
        "{} jobs lost",
        world.history().n_jobs_lost()
    );
}

#[test]
fn matching_instances_are_skipped_when_asked() {
    let mut world = quiet(|it| {
        outdated(it);
        it.n_outdated = 2;
    });
    start(
        &mut world,
        RefreshSpec {
            skip_matching: true,
            ..RefreshSpec::default()
        },
    );
    assert_eq!(run(&mut world).0, RefreshStatus::Successful);
    assert_eq!(world.history().deaths.len(), 2);
}

#[test]
fn checkpoints_hold_a_refresh_for_their_delay() {
    let mut world = quiet(outdated);
    let spec = RefreshSpec {
        checkpoints: vec![20, 50, 100],
        checkpoint_delay: Duration::from_mins(30),
        ..RefreshSpec::default()
    };
    start(&mut world, spec);
    world.advance(Duration::from_mins(20));
    assert_eq!(
        refresh(&world).reason.as_deref(),
        Some("Waiting at the checkpoint of 20%.")
    );
    assert_eq!(n_of_version(&world, "2"), 2);
    world.advance(Duration::from_mins(35));
    assert_eq!(
        refresh(&world).reason.as_deref(),
        Some("Waiting at the checkpoint of 50%.")
    );
    assert_eq!(n_of_version(&world, "2"), 3);
    assert_eq!(run(&mut world).0, RefreshStatus::Successful);
}

#[test]
fn a_suspended_process_is_the_pause_button() {
    let mut world = quiet(outdated);
    start(&mut world, RefreshSpec::default());
    world.advance(Duration::from_secs(90));
    let processes = vec![Process::InstanceRefresh];
    world
        .apply(&Call::SuspendProcesses {
            pool: key(),
            processes: processes.clone(),
        })
        .unwrap();
    world.advance(Duration::from_mins(5));
    let done = n_of_version(&world, "2");
    world.advance(Duration::from_hours(5));
    assert_eq!(n_of_version(&world, "2"), done);
    assert_eq!(refresh(&world).status, RefreshStatus::InProgress);
    world
        .apply(&Call::ResumeProcesses {
            pool: key(),
            processes,
        })
        .unwrap();
    assert_eq!(run(&mut world).0, RefreshStatus::Successful);
}

#[test]
fn cancelling_leaves_what_was_replaced_and_what_was_not() {
    let mut world = quiet(outdated);
    start(&mut world, RefreshSpec::default());
    world.advance(Duration::from_secs(90));
    world.meddle(&Deed::CancelRefresh { pool: key() }).unwrap();
    assert_eq!(refresh(&world).status, RefreshStatus::Cancelling);
    assert_eq!(run(&mut world).0, RefreshStatus::Cancelled);
    let (old, new) = (n_of_version(&world, "1"), n_of_version(&world, "2"));
    assert!(
        0 < old && 0 < new && old + new == 6,
        "{old} old and {new} new"
    );
    let again = world
        .meddle(&Deed::CancelRefresh { pool: key() })
        .unwrap_err();
    assert!(
        again.what.starts_with("ActiveInstanceRefreshNotFound"),
        "{again}"
    );
}

#[test]
fn rolling_back_replaces_the_replaced_and_needs_a_desired_configuration() {
    let mut world = quiet(|it| {
        outdated(it);
        it.n_outdated = 0;
    });
    // Everybody is on version 2, and the refresh goes back to 1 on purpose.
    start(
        &mut world,
        RefreshSpec {
            version: Some(1),
            ..RefreshSpec::default()
        },
    );
    world.advance(Duration::from_secs(90));
    assert!(0 < n_of_version(&world, "1"));
    world
        .meddle(&Deed::RollbackRefresh { pool: key() })
        .unwrap();
    assert_eq!(refresh(&world).status, RefreshStatus::RollbackInProgress);
    assert_eq!(run(&mut world).0, RefreshStatus::RollbackSuccessful);
    assert_eq!(n_of_version(&world, "2"), 6);

    let mut world = quiet(outdated);
    start(&mut world, RefreshSpec::default());
    let refused = world
        .meddle(&Deed::RollbackRefresh { pool: key() })
        .unwrap_err();
    assert!(
        refused.what.starts_with("IrreversibleInstanceRefresh"),
        "{refused}"
    );
}

#[test]
fn a_finished_refresh_pins_its_desired_configuration() {
    let mut world = quiet(outdated);
    start(
        &mut world,
        RefreshSpec {
            version: Some(1),
            skip_matching: true,
            ..RefreshSpec::default()
        },
    );
    assert_eq!(run(&mut world).0, RefreshStatus::Successful);
    let template = world.group(&key()).unwrap().row.template.clone().unwrap();
    assert_eq!(
        (
            template.version.as_str(),
            template.resolved_version.as_deref()
        ),
        ("1", Some("1"))
    );
    world
        .meddle(&Deed::PublishVersion {
            pool: key(),
            image: "ami-3".into(),
        })
        .unwrap();
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 7,
        })
        .unwrap();
    world.advance(Duration::from_mins(2));
    assert_eq!(
        n_of_version(&world, "1"),
        7,
        "a new version does not move it"
    );
}

#[test]
fn what_is_launched_meanwhile_has_the_desired_configuration() {
    let mut world = quiet(|it| {
        outdated(it);
        it.n_outdated = 0;
    });
    start(
        &mut world,
        RefreshSpec {
            version: Some(1),
            warmup: Duration::from_hours(1),
            ..RefreshSpec::default()
        },
    );
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 8,
        })
        .unwrap();
    world.advance(Duration::from_mins(5));
    assert!(2 <= n_of_version(&world, "1"));
}

#[test]
fn protection_fails_a_refresh_that_waits_and_not_one_that_ignores_or_replaces() {
    for (protected, status, n_replaced) in [
        (Reluctant::Wait, RefreshStatus::Failed, 5),
        (Reluctant::Ignore, RefreshStatus::Successful, 5),
        (Reluctant::Replace, RefreshStatus::Successful, 6),
    ] {
        let mut world = quiet(outdated);
        let instances = vec![first(&world)];
        world
            .apply(&Call::SetInstanceProtection {
                pool: key(),
                instances,
                protected: true,
            })
            .unwrap();
        start(
            &mut world,
            RefreshSpec {
                protected,
                ..RefreshSpec::default()
            },
        );
        let began = world.now();
        assert_eq!(run(&mut world).0, status, "{protected:?}");
        assert_eq!(world.history().deaths.len(), n_replaced, "{protected:?}");
        if protected == Reluctant::Wait {
            assert!(Duration::from_hours(1) < world.now().since(began));
            assert!(
                refresh(&world)
                    .reason
                    .unwrap()
                    .contains("protected from scale-in")
            );
        }
    }
}

#[test]
fn a_failed_refresh_rolls_itself_back_where_it_may() {
    let mut world = quiet(|it| {
        outdated(it);
        it.n_outdated = 0;
    });
    let instances = vec![first(&world)];
    world
        .apply(&Call::SetInstanceProtection {
            pool: key(),
            instances,
            protected: true,
        })
        .unwrap();
    let spec = RefreshSpec {
        version: Some(1),
        auto_rollback: true,
        ..RefreshSpec::default()
    };
    start(&mut world, spec);
    assert_eq!(run(&mut world).0, RefreshStatus::RollbackSuccessful);
    assert_eq!(n_of_version(&world, "2"), 6);
}

#[test]
fn a_refresh_bakes_before_it_is_successful() {
    let mut world = quiet(outdated);
    start(
        &mut world,
        RefreshSpec {
            bake: Duration::from_hours(1),
            ..RefreshSpec::default()
        },
    );
    wait_for(&mut world, 7200, "baking", |it| {
        refresh(it).status == RefreshStatus::Baking
    });
    let baked_from = world.now();
    assert_eq!(n_of_version(&world, "2"), 6);
    assert_eq!(run(&mut world).0, RefreshStatus::Successful);
    assert!(Duration::from_hours(1) <= world.now().since(baked_from));
}

#[test]
fn one_refresh_at_a_time_with_sensible_numbers() {
    let mut world = quiet(outdated);
    let start = |world: &mut World, spec| world.meddle(&Deed::StartRefresh { pool: key(), spec });
    for (spec, sentence) in [
        (
            RefreshSpec {
                version: Some(3),
                ..RefreshSpec::default()
            },
            "version, 3, does not exist",
        ),
        (
            RefreshSpec {
                max_healthy_percent: 210,
                ..RefreshSpec::default()
            },
            "must lie in 0-100 and 100-200",
        ),
        (
            RefreshSpec {
                min_healthy_percent: 50,
                max_healthy_percent: 160,
                ..RefreshSpec::default()
            },
            "differ by no more than 100",
        ),
    ] {
        let refused = start(&mut world, spec).unwrap_err();
        assert!(refused.what.contains(sentence), "{refused}");
    }
    start(&mut world, RefreshSpec::default()).unwrap();
    let refused = start(&mut world, RefreshSpec::default()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Conflict);
    assert!(refused.what.starts_with("InstanceRefreshInProgress"));
    assert_eq!(ids(&world, pooldeck::sim::Machine::is_alive).len(), 6);
}
