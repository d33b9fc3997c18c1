//! Looking ahead: estimates from what jobs and hooks say, and never from nothing.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    fleet::{
        Executor, Fleet, Hook, HookResult, HookTransition, Instance, InstanceId, Job, Lifecycle,
        Part, Pool, Timestamp, Work,
    },
    operation::{Collision, Drain, Outlook, Spec, outlook_of_plan},
    sim::Faults,
};

use crate::drains::{drain, members, world};

const NOW: Timestamp = Timestamp::from_secs(1_763_720_400);

fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

/// The members of the simulated pool, with a job on each that ends so many minutes from now.
fn fleet(
    ends: &[Option<u64>],
    change: impl Fn(&mut Pool, &mut Instance),
) -> (Fleet, Vec<InstanceId>) {
    let mut world = world(1, Faults::none());
    let ids = members(&world, ends.len());
    let scope = world.scopes().next().unwrap().clone();
    let seen = world.observe(&scope.id).unwrap().part;
    let mut pool = (*seen.pools[0]).clone();
    let mut part = Part {
        scopes: vec![scope],
        ..Part::default()
    };
    for (id, end) in ids.iter().zip(ends) {
        let found = seen.instances.iter().find(|it| it.id == *id).unwrap();
        let mut instance = (**found).clone();
        change(&mut pool, &mut instance);
        let mut agent = Executor::new("jenkins".into(), id.as_str());
        agent.host_hints = vec![id.to_string()];
        agent.work = Work::Busy(vec![Job {
            name: format!("job of {id}"),
            url: None,
            started_at: Some(NOW),
            expected_end: end.map(|it| NOW + minutes(it)),
        }]);
        part.instances.push(Arc::new(instance));
        part.executors.push(Arc::new(agent));
    }
    part.pools.push(Arc::new(pool));
    let fleet = Fleet::join(&[part]);
    assert!(
        ids.iter().all(|it| fleet.executors_on(it).count() == 1),
        "joined by its name"
    );
    (fleet, ids)
}

fn look(fleet: &Fleet, spec: Drain) -> Outlook {
    outlook_of_plan(&Spec::Drain(spec), fleet, NOW)
}

#[test]
fn a_drain_ends_after_its_longest_job_the_proof_and_the_shutdown() {
    let (fleet, ids) = fleet(&[Some(30), Some(10)], |_, _| {});
    let outlook = look(&fleet, drain(ids, true));
    assert_eq!(
        outlook.ends_at,
        Some(NOW + minutes(30) + minutes(1) + minutes(1))
    );
    assert_eq!(outlook.collisions, []);
}

#[test]
fn an_end_that_nobody_tells_is_not_guessed() {
    let (fleet, ids) = fleet(&[Some(30), None], |_, _| {});
    let outlook = look(&fleet, drain(ids, true));
    assert_eq!(outlook.ends_at, None);
    assert!(outlook.targets[0].1.is_some(), "the other is told");
    assert!(outlook.eta_words(NOW).contains("not known"));
}

#[test]
fn a_replacing_drain_goes_one_after_the_other() {
    let (fleet, ids) = fleet(&[Some(10), Some(10), Some(10)], |_, _| {});
    let one = look(&fleet, drain(ids.clone(), false)).ends_at.unwrap();
    let mut wider = drain(ids, false);
    wider.max_unavailable = 3;
    let three = look(&fleet, wider).ends_at.unwrap();
    assert_eq!(three, NOW + minutes(12));
    assert!(three < one, "one at a time takes longer: {one}");
}

#[test]
fn a_job_that_ends_after_the_deadline_is_named_with_by_how_much() {
    let (fleet, ids) = fleet(&[Some(50), Some(5)], |_, _| {});
    let mut spec = drain(ids.clone(), true);
    spec.deadline = Some(minutes(30));
    let outlook = look(&fleet, spec);
    let [collision] = &outlook.collisions[..] else {
        panic!("{outlook:#?}");
    };
    let words = collision.to_string();
    assert!(
        words.contains(&format!("job job of {} on {}", ids[0], ids[0])),
        "{words}"
    );
    assert!(
        words.contains("ends 20m00s after the deadline")
            || words.contains("ends 20m after the deadline"),
        "{words}"
    );
}

#[test]
fn a_job_that_outlives_the_cap_of_its_hook_is_named() {
    let hook = Hook {
        name: "drain".to_owned(),
        transition: HookTransition::Terminating,
        heartbeat_timeout: Duration::from_hours(1),
        global_timeout: Duration::from_hours(48),
        default_result: HookResult::Abandon,
    };
    let (fleet, ids) = fleet(&[Some(40)], |pool, instance| {
        pool.hooks = vec![hook.clone()];
        instance.lifecycle = Some(Lifecycle::TerminatingWait);
        // 20 minutes are left of the 48 hours.
        instance.lifecycle_since = NOW + minutes(20) - Duration::from_hours(48);
    });
    let outlook = look(&fleet, drain(ids, true));
    let is_cap = |it: &Collision| matches!(it, Collision::Cap { by, .. } if *by == minutes(20));
    assert!(outlook.collisions.iter().any(is_cap), "{outlook:#?}");
    let words = outlook.collisions[0].to_string();
    assert!(
        words.contains("will outlive the 2d") || words.contains("will outlive the 48h"),
        "{words}"
    );
}

#[test]
fn a_drain_that_takes_longer_than_its_deadline_as_a_whole_says_so() {
    let (fleet, ids) = fleet(&[Some(10), Some(10), Some(10)], |_, _| {});
    let mut spec = drain(ids, false);
    spec.deadline = Some(minutes(20));
    let outlook = look(&fleet, spec);
    assert!(
        matches!(outlook.collisions[..], [Collision::Late { .. }]),
        "{outlook:#?}"
    );
}
