//! What others change while a drain runs: detected, attributed, told once, and left alone.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, HookResult, InstanceId, Lifecycle, Process},
    operation::{Decision, Fight, Fought, Halt, Happening, Spec, Strategy, Subject, TAG},
    sim::{Faults, Machine},
};

use crate::{
    bench::Driver,
    drains::{drain, key, members, world},
    rolls,
};

/// A drain of two instances whose first agents are cordoned, and the settle time is over.
fn underway() -> Driver {
    let world = world(1, Faults::none());
    let targets = members(&world, 2);
    let mut driver = Driver::new(world, Spec::Drain(drain(targets, true)), 1);
    while driver
        .operation
        .targets()
        .any(|(_, it)| it.cordons.is_empty())
    {
        assert_eq!(driver.step(), None);
    }
    driver
}

fn meddle(driver: &mut Driver, call: &Call) {
    driver.world.apply(call).unwrap();
}

/// Goes on to the end, and returns what was told of others.
fn fights(mut driver: Driver) -> (Driver, Vec<Fight>) {
    assert_eq!(driver.run(), Decision::Done);
    let fights = driver.operation.fights().iter();
    let fights = fights.map(|it| it.1.clone()).collect();
    (driver, fights)
}

#[test]
fn a_desired_that_somebody_raises_is_told_with_its_cause_and_not_lowered_again() {
    let mut driver = underway();
    let desired = |it: &Driver| it.world.group(&key()).unwrap().capacity().unwrap().desired;
    let before = desired(&driver);
    meddle(
        &mut driver,
        &Call::SetDesiredCapacity {
            pool: key(),
            desired: before + 3,
        },
    );
    let (driver, fights) = fights(driver);
    let [fight] = &fights[..] else {
        panic!("{fights:#?}");
    };
    assert_eq!(fight.what, Fought::Desired);
    assert_eq!(fight.found, (before + 3).to_string());
    let cause = fight.cause.as_deref().unwrap_or_default();
    assert!(cause.contains("user request"), "{fight:#?}");
    assert_eq!(desired(&driver), before + 3 - 2, "only our own decrements");
    let words = fight.to_string();
    assert!(words.contains("somebody else changed desired"), "{words}");
}

/// An activity from before that led to another number explains nothing of this one.
#[test]
fn somebody_is_not_blamed_for_what_led_elsewhere() {
    let mut driver = underway();
    let before = driver
        .world
        .group(&key())
        .unwrap()
        .capacity()
        .unwrap()
        .desired;
    let set = |desired| Call::SetDesiredCapacity {
        pool: key(),
        desired,
    };
    meddle(&mut driver, &set(before + 3));
    meddle(&mut driver, &set(before + 1));
    let (_, fights) = fights(driver);
    for fight in &fights {
        let to = format!(" to {}", fight.found);
        let cause = fight.cause.as_deref().unwrap_or(&to);
        assert!(cause.contains(&to), "{fight:#?}");
    }
    assert!(!fights.is_empty());
}

#[test]
fn processes_that_somebody_suspends_are_told_and_stay_suspended() {
    let mut driver = underway();
    meddle(
        &mut driver,
        &Call::SuspendProcesses {
            pool: key(),
            processes: vec![Process::AzRebalance],
        },
    );
    let (driver, fights) = fights(driver);
    let [fight] = &fights[..] else {
        panic!("{fights:#?}");
    };
    assert_eq!(
        (fight.what, fight.left.as_str()),
        (Fought::Suspended, "none")
    );
    assert_eq!(fight.found, "AZRebalance");
    assert!(
        fight
            .cause
            .as_ref()
            .is_some_and(|it| it.contains("suspended")),
        "{fight:#?}"
    );
    let group = driver.world.group(&key()).unwrap();
    assert!(group.row.is_suspended(&Process::AzRebalance));
}

#[test]
fn a_protection_and_a_mark_that_somebody_takes_away_are_told_once_each() {
    let mut driver = underway();
    driver.advance(Duration::from_mins(2));
    let (id, _) = driver.operation.targets().next().unwrap();
    let id = id.clone();
    assert!(
        driver.world.machine(&id).is_some_and(|it| it.row.protected),
        "the drain protects what it empties"
    );
    let instances = vec![id.clone()];
    meddle(
        &mut driver,
        &Call::SetInstanceProtection {
            pool: key(),
            instances: instances.clone(),
            protected: false,
        },
    );
    meddle(
        &mut driver,
        &Call::UntagInstances {
            scope: key().scope,
            instances,
            key: TAG.to_owned(),
        },
    );
    for _ in 0..4 {
        driver.step();
    }
    let told: Vec<Fought> = driver
        .operation
        .fights()
        .iter()
        .map(|it| it.1.what)
        .collect();
    assert_eq!(
        told,
        [Fought::Protection, Fought::Mark],
        "{:#?}",
        driver.operation.fights()
    );
    let machine = driver.world.machine(&id).unwrap();
    assert!(!machine.row.protected, "it is not set again");
}

/// Another host took a roll over and gave it back while the driver here slept.
#[test]
fn a_roll_that_slept_through_its_give_back_asks_before_it_goes_on() {
    let world = rolls::world(1, Faults::none(), &["linux"]);
    let spec = rolls::roll(&world, Strategy::Surge);
    let mut driver = Driver::new(world, Spec::Roll(spec), 1);
    let is_begun = |it: &Driver| {
        let mut targets = it.operation.targets();
        targets.any(|it| !it.1.cordons.is_empty())
    };
    while !is_begun(&driver) {
        assert_eq!(driver.step(), None);
    }
    driver.advance(Duration::from_mins(2));
    meddle(
        &mut driver,
        &Call::UntagPool {
            pool: rolls::key(),
            key: TAG.to_owned(),
        },
    );
    let n_before = driver.world.history().launches.len();
    let Decision::Halt(halts) = driver.run() else {
        panic!("it went on: {}", driver.told());
    };
    let is_it = |it: &Halt| {
        matches!(
            it,
            Halt::Unmarked {
                subject: Subject::Pool(_)
            }
        )
    };
    assert!(halts.iter().any(is_it), "{halts:?}");
    assert_eq!(driver.world.history().launches.len(), n_before);
    driver.record(Happening::Resumed);
    assert_eq!(driver.run(), Decision::Done);
    driver.check_no_leaks();
}

/// Somebody abandons the hook of the last one, and its group keeps it to be looked at: what was
/// borrowed is given back all the same, and an operator is asked.
#[test]
fn a_roll_whose_last_target_is_retained_gives_back_and_asks() {
    let world = rolls::world(4, Faults::none(), &["linux"]);
    let spec = rolls::roll(&world, Strategy::Surge);
    let mut driver = Driver::new(world, Spec::Roll(spec), 4);
    let retain = Call::RetainAbandoned {
        pool: rolls::key(),
        retain: true,
    };
    meddle(&mut driver, &retain);
    let held = |it: &Driver| -> Option<InstanceId> {
        let key = rolls::key();
        let mut members = it.world.members(&key);
        let is_held = |it: &&Machine| it.lifecycle() == Some(&Lifecycle::TerminatingWait);
        Some(members.find(is_held)?.id().clone())
    };
    let (mut kept, mut end) = (None, None);
    while end.is_none() {
        end = driver.step();
        let Some(id) = held(&driver).filter(|_| kept.is_none()) else {
            continue;
        };
        let abandon = Call::CompleteHook {
            pool: rolls::key(),
            instance: id.clone(),
            hook: "drain".to_owned(),
            result: HookResult::Abandon,
        };
        meddle(&mut driver, &abandon);
        kept = Some(id);
    }
    let Some(Decision::Halt(halts)) = end else {
        panic!("{end:?}: {}", driver.told());
    };
    assert!(matches!(halts[0], Halt::Retained { .. }), "{halts:?}");
    let group = driver.world.group(&rolls::key()).unwrap();
    assert_eq!(group.capacity().unwrap().max, 6, "{}", driver.told());
    assert!(group.row.suspended.is_empty());
    assert!(!group.row.tags.contains_key(TAG));
}
