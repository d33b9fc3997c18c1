//! What a group does by itself: grow, shrink, replace, even out; and what suspension stops.

use std::time::Duration;

use pooldeck::{
    fleet::{ActivityStatus, Call, HookResult, Lifecycle, PoolKind, Process},
    sim::{Deed, Doom},
};

use crate::common::{check, first, ids, key, lifecycle, n_in, path, quiet, terminate, terminating};

const LONG: u64 = 6 * 3600;

#[test]
fn an_unhealthy_member_is_replaced_protected_or_not() {
    let mut world = quiet(|it| it.protects_new_instances = true);
    let id = first(&world);
    assert!(world.machine(&id).unwrap().row.protected);
    world
        .meddle(&Deed::SetHealth {
            instance: id.clone(),
            is_healthy: false,
        })
        .unwrap();
    assert_eq!(
        path(&mut world, &id, 200),
        ["Terminating", "Terminating:Proceed", "-"]
    );
    assert_eq!(n_in(&world, &Lifecycle::InService), 6);
}

#[test]
fn suspended_replacement_acts_at_once_when_it_is_resumed() {
    let mut world = quiet(|it| it.suspended = vec![Process::ReplaceUnhealthy]);
    let id = first(&world);
    world
        .meddle(&Deed::SetHealth {
            instance: id.clone(),
            is_healthy: false,
        })
        .unwrap();
    assert_eq!(path(&mut world, &id, LONG), ["InService"]);
    world
        .apply(&Call::ResumeProcesses {
            pool: key(),
            processes: vec![Process::ReplaceUnhealthy],
        })
        .unwrap();
    assert_eq!(lifecycle(&world, &id), Some(Lifecycle::Terminating));
}

#[test]
fn a_suspended_launch_leaves_the_group_short_and_blocks_the_way_back_from_standby() {
    let mut world = quiet(|_| {});
    let id = first(&world);
    let instances = vec![id.clone()];
    world
        .apply(&Call::EnterStandby {
            pool: key(),
            instances: instances.clone(),
            decrement: true,
        })
        .unwrap();
    world.advance(Duration::from_mins(1));
    world
        .apply(&Call::SuspendProcesses {
            pool: key(),
            processes: vec![Process::Launch],
        })
        .unwrap();
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 8,
        })
        .unwrap();
    world.advance(Duration::from_hours(1));
    assert_eq!(n_in(&world, &Lifecycle::InService), 5);
    let refused = world
        .apply(&Call::ExitStandby {
            pool: key(),
            instances,
        })
        .unwrap_err();
    assert!(
        refused.what.contains("Launch process is suspended"),
        "{refused}"
    );
    world
        .apply(&Call::ResumeProcesses {
            pool: key(),
            processes: Vec::new(),
        })
        .unwrap();
    world.advance(Duration::from_secs(200));
    assert_eq!(n_in(&world, &Lifecycle::InService), 8);
}

#[test]
fn a_suspended_termination_leaves_the_group_large() {
    let mut world = quiet(|it| it.suspended = vec![Process::Terminate]);
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 3,
        })
        .unwrap();
    world.advance(Duration::from_hours(1));
    assert_eq!(n_in(&world, &Lifecycle::InService), 6);
}

#[test]
fn a_smaller_desired_takes_from_the_fullest_zone_and_never_the_protected() {
    for seed in 0..20 {
        let mut world = crate::common::world(seed, |it| it.suspended = vec![Process::AzRebalance]);
        let in_a = ids(&world, |it| it.row.zone == "us-east-1a");
        assert_eq!(in_a.len(), 2);
        // Zones b and c lose one each by name, so that a is the fullest.
        for zone in ["us-east-1b", "us-east-1c"] {
            let id = ids(&world, |it| it.row.zone == zone).remove(0);
            terminate(&mut world, &id, true);
        }
        world.advance(Duration::from_mins(5));
        let (pool, instances) = (key(), vec![in_a[0].clone()]);
        world
            .apply(&Call::SetInstanceProtection {
                pool,
                instances,
                protected: true,
            })
            .unwrap();
        world
            .apply(&Call::SetDesiredCapacity {
                pool: key(),
                desired: 3,
            })
            .unwrap();
        world.advance(Duration::from_mins(5));
        assert!(
            world.machine(&in_a[0]).unwrap().is_alive(),
            "seed {seed}: it was protected"
        );
        assert!(
            !world.machine(&in_a[1]).unwrap().is_alive(),
            "seed {seed}: the open one of the fullest zone goes"
        );
        assert_eq!(world.history().deaths.last().unwrap().why, Doom::ScaleIn);
    }
}

/// Found by the soak: the newcomer was the only one that could go, so it went, for ever.
#[test]
fn zones_are_not_evened_out_around_members_that_are_all_protected() {
    let mut world = quiet(|_| {});
    let instances = ids(&world, |it| it.row.zone == "us-east-1a");
    world
        .apply(&Call::SetInstanceProtection {
            pool: key(),
            instances,
            protected: true,
        })
        .unwrap();
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 2,
        })
        .unwrap();
    world.advance(Duration::from_hours(3));
    assert_eq!(
        world.history().launches.len(),
        0,
        "{:?}",
        world.history().launches
    );
}

#[test]
fn a_smaller_desired_takes_the_outdated_first() {
    for seed in 0..10 {
        let mut world = crate::common::world(seed, |it| {
            it.images = vec!["ami-1".into(), "ami-2".into()];
            it.n_outdated = 3;
        });
        world
            .apply(&Call::SetDesiredCapacity {
                pool: key(),
                desired: 3,
            })
            .unwrap();
        world.advance(Duration::from_secs(200));
        let n_old = world
            .members(&key())
            .filter(|it| it.row.template_version.as_deref() == Some("1"))
            .count();
        assert_eq!(n_old, 0, "seed {seed}");
    }
}

#[test]
fn scale_in_is_told_once_when_everything_is_protected() {
    let mut world = quiet(|it| it.protects_new_instances = true);
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 3,
        })
        .unwrap();
    world.advance(Duration::from_hours(1));
    assert_eq!(n_in(&world, &Lifecycle::InService), 6);
    let told = &world.group(&key()).unwrap().activities;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].status, ActivityStatus::Failed);
    assert!(told[0].description.contains("protected from scale-in"));
    let instances = ids(&world, |_| true);
    world
        .apply(&Call::SetInstanceProtection {
            pool: key(),
            instances,
            protected: false,
        })
        .unwrap();
    world.advance(Duration::from_mins(5));
    assert_eq!(
        n_in(&world, &Lifecycle::InService),
        3,
        "without protection it goes on"
    );
}

#[test]
fn uneven_zones_are_rebalanced_by_launching_first() {
    let mut world = quiet(|_| {});
    for id in ids(&world, |it| it.row.zone == "us-east-1a") {
        terminate(&mut world, &id, true);
    }
    let mut most = 0;
    for _ in 0..120 {
        world.advance(Duration::from_secs(10));
        most = most.max(world.members(&key()).filter(|it| it.is_counted()).count());
        check(&world);
    }
    assert_eq!(most, 5, "one more than desired, for a while");
    let zones: Vec<_> = world
        .members(&key())
        .map(|it| it.row.zone.clone())
        .collect();
    assert!(zones.contains(&"us-east-1a".to_owned()), "{zones:?}");
    assert!(
        world
            .history()
            .deaths
            .iter()
            .any(|it| it.why == Doom::Rebalance)
    );
    let causes: Vec<_> = world
        .group(&key())
        .unwrap()
        .activities
        .iter()
        .map(|it| it.cause.clone())
        .collect();
    assert!(
        causes
            .iter()
            .any(|it| it.contains("to balance instances in zones us-east-1a")),
        "{causes:?}"
    );
}

#[test]
fn suspended_rebalancing_leaves_the_zones_uneven() {
    let mut world = quiet(|it| it.suspended = vec![Process::AzRebalance]);
    for id in ids(&world, |it| it.row.zone == "us-east-1a") {
        terminate(&mut world, &id, true);
    }
    world.advance(Duration::from_hours(1));
    assert_eq!(world.history().launches.len(), 0);
}

#[test]
fn a_group_deleted_by_force_asks_no_hook_and_leaves_no_member() {
    let mut world = quiet(terminating(HookResult::Abandon));
    let refused = world
        .meddle(&Deed::DeleteGroup {
            pool: key(),
            force: false,
        })
        .unwrap_err();
    assert!(refused.what.starts_with("ResourceInUse"), "{refused}");
    world
        .meddle(&Deed::DeleteGroup {
            pool: key(),
            force: true,
        })
        .unwrap();
    assert_eq!(
        world.group(&key()).unwrap().row.status.as_deref(),
        Some("Delete in progress")
    );
    world.advance(Duration::from_secs(200));
    assert!(world.group(&key()).is_none());
    assert!(world.machines().all(|it| !it.is_alive()));
    check(&world);
}

#[test]
fn a_static_pool_is_kept_at_no_size() {
    let mut world = quiet(|it| {
        it.kind = PoolKind::Static;
        it.capacity = None;
        it.n_members = 0;
        it.n_loose = 3;
    });
    let id = ids(&world, |_| true).remove(0);
    world
        .meddle(&Deed::TerminateInEc2 { instance: id })
        .unwrap();
    world.advance(Duration::from_hours(1));
    assert_eq!(world.machines().filter(|it| it.is_alive()).count(), 2);
    check(&world);
}

#[test]
fn nobody_grows_older_than_the_group_allows() {
    let mut world = quiet(|it| it.max_lifetime = Some(Duration::from_hours(24)));
    world.advance(Duration::from_hours(25));
    let oldest = world
        .members(&key())
        .filter_map(|it| it.row.launched_at)
        .min()
        .unwrap();
    assert!(world.now().since(oldest) < Duration::from_hours(25));
    assert_eq!(n_in(&world, &Lifecycle::InService), 6);
    assert!(
        world
            .history()
            .deaths
            .iter()
            .all(|it| it.why == Doom::Lifetime)
    );
    check(&world);
}
