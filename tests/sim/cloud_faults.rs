//! What goes wrong between us and AWS: each fault is seen to happen.

use std::{collections::BTreeSet, time::Duration};

use pooldeck::{
    fleet::{Call, FailureKind, InstanceId, Lifecycle, SourceId, Timestamp},
    sim::{CloudFaults, Deed, Faults, World},
};

use crate::common::{START, desired, first, jenkins, key, quiet, read, scope, set_desired, world};

fn with_cloud(mut world: World, edit: impl FnOnce(&mut CloudFaults)) -> World {
    let mut faults = Faults::none();
    edit(&mut faults.cloud);
    world.set_faults(faults);
    world
}

/// Makes the same write many times over, and counts the answers of a kind.
fn n_failures(world: &mut World, kind: FailureKind, n: usize) -> usize {
    let answers = (0..n).map(|_| world.apply(&set_desired(6)));
    answers
        .filter(|it| it.as_ref().is_err_and(|it| it.kind == kind))
        .count()
}

#[test]
fn a_changed_row_may_be_shown_as_it_was_but_not_for_ever() {
    let mut world = with_cloud(quiet(|_| {}), |it| {
        it.stale_read = 0.5;
        it.stale_for = Duration::from_secs(20);
    });
    let id = first(&world);
    let instances = vec![id.clone()];
    world
        .apply(&Call::SetInstanceProtection {
            pool: key(),
            instances,
            protected: true,
        })
        .unwrap();
    world.apply(&set_desired(8)).unwrap();
    let shown = |world: &mut World| {
        let part = world.observe(&scope()).unwrap().part;
        let row = part
            .instances
            .iter()
            .find(|it| it.id == id)
            .unwrap()
            .protected;
        (row, part.pools[0].capacity.unwrap().desired)
    };
    let seen: BTreeSet<_> = (0..50).map(|_| shown(&mut world)).collect();
    assert_eq!(seen.len(), 4, "each row lags on its own: {seen:?}");
    world.advance(Duration::from_secs(21));
    let seen: BTreeSet<_> = (0..50).map(|_| shown(&mut world)).collect();
    assert_eq!(
        seen,
        BTreeSet::from([(true, 8)]),
        "and catches up within its time"
    );
}

#[test]
fn a_new_machine_is_unlisted_then_unknown_to_ec2_then_there() {
    let mut stages = BTreeSet::new();
    for seed in 0..20 {
        let mut world = with_cloud(world(seed, |_| {}), |it| {
            it.hidden_for = Duration::from_mins(1);
        });
        world.apply(&set_desired(7)).unwrap();
        for _ in 0..90 {
            world.advance(Duration::from_secs(1));
            let Some(launch) = world.history().launches.first().cloned() else {
                continue;
            };
            let part = world.observe(&scope()).unwrap().part;
            let row = part.instances.iter().find(|it| it.id == launch.instance);
            let age = world.now().since(launch.at);
            assert!(age <= Duration::from_mins(1) || row.is_some_and(|it| it.state.is_some()));
            stages.insert(row.map(|it| it.state.is_some()));
        }
    }
    assert_eq!(stages, BTreeSet::from([None, Some(false), Some(true)]));
}

#[test]
fn a_machine_that_ec2_does_not_show_cannot_be_tagged() {
    let mut world = with_cloud(quiet(|_| {}), |it| it.hidden_for = Duration::from_mins(1));
    world.apply(&set_desired(12)).unwrap();
    world.advance(Duration::from_secs(16));
    let instances: Vec<_> = world
        .history()
        .launches
        .iter()
        .map(|it| it.instance.clone())
        .collect();
    let tag = Call::TagInstances {
        scope: scope(),
        instances,
        key: "op".into(),
        value: "1".into(),
    };
    assert_eq!(world.apply(&tag).unwrap_err().kind, FailureKind::NotFound);
    world.advance(Duration::from_mins(1));
    world.apply(&tag).unwrap();
}

#[test]
fn a_machine_that_is_gone_may_still_be_listed() {
    let mut n_listed = 0;
    for seed in 0..10 {
        let mut world = with_cloud(world(seed, |_| {}), |it| {
            it.still_listed_for = Duration::from_secs(30);
        });
        let instance = first(&world);
        world
            .meddle(&Deed::TerminateInGroup {
                instance: instance.clone(),
                decrement: true,
            })
            .unwrap();
        crate::common::wait_for(&mut world, 120, "gone", |it| {
            it.machine(&instance).unwrap().is_gone()
        });
        let is_listed = |world: &mut World| {
            let part = world.observe(&scope()).unwrap().part;
            part.instances.iter().any(|it| it.id == instance)
        };
        n_listed += u32::from(is_listed(&mut world));
        world.advance(Duration::from_secs(31));
        assert!(!is_listed(&mut world));
    }
    assert!(5 <= n_listed, "{n_listed} of 10");
}

#[test]
fn a_lost_page_keeps_the_rows_that_the_reader_had_and_says_so() {
    let mut world = with_cloud(quiet(|_| {}), |it| it.partial_read = 0.5);
    let (mut n_partial, mut n_older) = (0, 0);
    for round in 0..200_u32 {
        let desired = 3 + round % 8;
        let _ = world.apply(&set_desired(desired));
        world.advance(Duration::from_secs(20));
        let reading = world.observe(&scope()).unwrap();
        let is_whole = reading.missing.is_empty();
        let whole_at = reading.part.read_at;
        assert_eq!(whole_at == Some(world.now()), is_whole, "{whole_at:?}");
        if is_whole {
            continue;
        }
        n_partial += 1;
        assert!(reading.missing[0].what.contains("a page could not be read"));
        let is_older = |it: &std::sync::Arc<pooldeck::fleet::Instance>| {
            world.machine(&it.id).is_none_or(|at| at.row != *it)
        };
        n_older += usize::from(reading.part.instances.iter().any(is_older));
    }
    assert!(
        50 < n_partial && 0 < n_older,
        "{n_partial} partial readings, {n_older} with older rows"
    );
}

#[test]
fn an_undocumented_word_is_shown_now_and_then() {
    let mut world = with_cloud(quiet(|_| {}), |it| it.odd_word = 0.3);
    let fleet = read(&mut world);
    assert!(
        fleet
            .instances
            .values()
            .any(|it| matches!(it.lifecycle, Some(Lifecycle::Other(_))))
    );
    assert!(
        world
            .machines()
            .all(|it| it.lifecycle() == Some(&Lifecycle::InService)),
        "the truth is known"
    );
}

#[test]
fn throttling_refuses_reads_and_writes_alike() {
    let mut world = with_cloud(quiet(|_| {}), |it| it.throttled = 0.5);
    let n = n_failures(&mut world, FailureKind::Throttled, 200);
    assert!((60..140).contains(&n), "{n} of 200 writes");
    let n = (0..200)
        .filter(|_| world.observe(&scope()).is_err())
        .count();
    assert!(60 < n, "{n} of 200 readings");
    let refused = (0..50)
        .find_map(|_| world.apply(&set_desired(6)).err())
        .unwrap();
    assert_eq!(
        refused.what,
        "autoscaling:SetDesiredCapacity: Throttling: Rate exceeded"
    );
}

#[test]
fn a_lost_reply_happened_and_a_lost_call_did_not() {
    let mut world = with_cloud(quiet(|_| {}), |it| it.lost_reply = 1.0);
    assert_eq!(
        world.apply(&set_desired(9)).unwrap_err().kind,
        FailureKind::Unknown
    );
    assert_eq!(desired(&world), 9);
    let refused = world.apply(&set_desired(99)).unwrap_err();
    assert_eq!(
        refused.kind,
        FailureKind::Invalid,
        "a refusal has its answer"
    );

    let mut world = with_cloud(quiet(|_| {}), |it| it.lost_call = 1.0);
    let lost = world.apply(&set_desired(9)).unwrap_err();
    assert_eq!((lost.kind, lost.request_id), (FailureKind::Unknown, None));
    assert_eq!(desired(&world), 6);

    let mut world = with_cloud(quiet(|_| {}), |it| it.server_error = 1.0);
    assert!(
        world
            .apply(&set_desired(9))
            .unwrap_err()
            .what
            .contains("InternalFailure")
    );
    assert_eq!(desired(&world), 6);
}

#[test]
fn a_write_may_be_carried_out_twice() {
    let mut world = with_cloud(quiet(|_| {}), |it| it.duplicated = 1.0);
    let (pool, instance) = (key(), first(&world));
    world
        .apply(&Call::TerminateInstance {
            pool,
            instance,
            decrement: true,
        })
        .unwrap();
    assert_eq!(desired(&world), 4, "a decrement is not idempotent");
    assert_eq!(
        world.members(&key()).filter(|it| it.is_leaving()).count(),
        1
    );
}

#[test]
fn a_denied_operation_is_denied_and_no_other() {
    let mut world = with_cloud(quiet(|_| {}), |it| {
        it.denied = vec!["autoscaling:SetDesiredCapacity".to_owned()];
    });
    let refused = world.apply(&set_desired(9)).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Denied);
    assert!(
        refused
            .what
            .contains("not authorized to perform: autoscaling:SetDesiredCapacity")
    );
    world.apply(&Call::EnableMetrics { pool: key() }).unwrap();
    world.observe(&scope()).unwrap();
}

#[test]
fn credentials_end_when_they_said_and_hold_again_once_renewed() {
    let end = START + Duration::from_mins(10);
    let mut world = with_cloud(quiet(|_| {}), |it| it.credentials_end = Some(end));
    assert_eq!(world.identify(&scope()).unwrap().expires_at, Some(end));
    world.advance(Duration::from_secs(599));
    world.observe(&scope()).unwrap();
    world.advance(Duration::from_secs(1));
    assert_eq!(
        world.observe(&scope()).unwrap_err().kind,
        FailureKind::Credentials
    );
    assert_eq!(
        world.identify(&scope()).unwrap_err().kind,
        FailureKind::Credentials
    );
    assert_eq!(
        world.apply(&set_desired(9)).unwrap_err().kind,
        FailureKind::Credentials
    );
    world
        .observe_ci(&jenkins())
        .expect("the controller has credentials of its own");
    world.set_faults(Faults::none());
    world.observe(&scope()).unwrap();
}

#[test]
fn a_silent_source_answers_nothing_and_the_other_does() {
    let mut world = quiet(|_| {});
    world.silence(SourceId::Scope(scope()), Duration::from_mins(1));
    assert_eq!(
        world.observe(&scope()).unwrap_err().kind,
        FailureKind::Unknown
    );
    assert_eq!(
        world.apply(&set_desired(9)).unwrap_err().kind,
        FailureKind::Unknown
    );
    assert_eq!(desired(&world), 6);
    world.observe_ci(&jenkins()).unwrap();
    world.advance(Duration::from_mins(1));
    world.observe(&scope()).unwrap();
}

#[test]
fn the_beginning_of_a_state_is_what_a_reader_saw_first() {
    let mut world = with_cloud(quiet(|_| {}), |it| it.hides_state_begin = true);
    let since = |world: &mut World, id: &InstanceId| -> Timestamp {
        let part = world.observe(&scope()).unwrap().part;
        part.instances
            .iter()
            .find(|it| it.id == *id)
            .unwrap()
            .lifecycle_since
    };
    let id = first(&world);
    assert_eq!(since(&mut world, &id), START);
    let instances = vec![id.clone()];
    world
        .apply(&Call::EnterStandby {
            pool: key(),
            instances,
            decrement: true,
        })
        .unwrap();
    world.advance(Duration::from_secs(100));
    let first_seen = world.now();
    assert_eq!(since(&mut world, &id), first_seen);
    world.advance(Duration::from_secs(100));
    assert_eq!(since(&mut world, &id), first_seen);
}
