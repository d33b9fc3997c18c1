//! Freezes: held for their time, and thawed exactly, whatever dies or meddles in between.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, Capacity, FreezeMark, Pool, PoolKey, Process, Timestamp},
    operation::{Decision, Freeze, Happening, Spec, left},
    sim::{Deed, Faults, LoadSpec, PoolSpec, Project, Scenario, World},
};

use crate::bench::{Crash, Driver};

const START: Timestamp = Timestamp::from_secs(1_763_719_200);
const HOUR: Duration = Duration::from_hours(1);

fn key() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

/// A pool under load whose rebalancing somebody suspended before.
fn world(seed: u64, faults: Faults) -> World {
    let capacity = Capacity {
        desired: 6,
        min: 1,
        max: 12,
    };
    let mut pool = PoolSpec::group("linux", "us-east-1", capacity);
    pool.suspended = vec![Process::AzRebalance];
    let load = LoadSpec {
        label: "linux".to_owned(),
        projects: vec![Project::new("api/tests", 60, 1200)],
        jobs_per_hour: 30,
        night_percent: 100,
        ..LoadSpec::default()
    };
    let mut world = World::new(seed, Scenario::of(vec![pool], vec![load]), START);
    world.advance(Duration::from_mins(5));
    world.set_faults(faults);
    world
}

fn driver(seed: u64, faults: Faults, duration: Option<Duration>) -> Driver {
    let world = world(seed, faults);
    let ours = |it: &Process| *it != Process::AzRebalance;
    let spec = Freeze {
        pool: key(),
        processes: FreezeMark::PROCESSES.into_iter().filter(ours).collect(),
        duration,
    };
    Driver::new(world, Spec::Freeze(spec), seed)
}

fn row(driver: &Driver) -> &Pool {
    &driver.world.group(&key()).unwrap().row
}

fn suspended(driver: &Driver) -> Vec<Process> {
    let mut names: Vec<Process> = row(driver)
        .suspended
        .iter()
        .map(|it| it.process.clone())
        .collect();
    names.sort();
    names
}

fn mark(driver: &Driver) -> Option<FreezeMark> {
    FreezeMark::of(row(driver)).map(Result::unwrap)
}

/// Goes on until the group is frozen, and the operation waits for its end.
fn freeze(driver: &mut Driver) {
    while suspended(driver).len() < FreezeMark::PROCESSES.len() {
        assert_eq!(driver.step(), None);
    }
}

fn meddle(driver: &mut Driver, call: Call) {
    driver.world.meddle(&Deed::Call(call)).unwrap();
}

/// As it was before: only what somebody else suspended is, and no mark is left.
#[track_caller]
fn check_restored(driver: &Driver) {
    assert_eq!(suspended(driver), [Process::AzRebalance]);
    assert_eq!(mark(driver), None);
}

#[test]
fn a_freeze_holds_for_its_time_and_leaves_nothing_behind() {
    let mut driver = driver(1, Faults::none(), Some(HOUR));
    freeze(&mut driver);
    let found = mark(&driver).expect("the mark comes before the suspension");
    assert_eq!(found.until, Some(driver.operation.started_at + HOUR));
    assert_eq!(found.operation.as_ref(), Some(&driver.operation.id.0));
    let frozen_at = driver.world.now();
    let n_launched = driver.world.machines().count();
    assert_eq!(driver.run(), Decision::Done);
    let lasted = driver.world.now().since(frozen_at);
    assert!(
        (HOUR.checked_sub(Duration::from_mins(2)).unwrap()..HOUR + Duration::from_mins(2))
            .contains(&lasted)
    );
    assert_eq!(driver.world.machines().count(), n_launched, "it held still");
    check_restored(&driver);
}

#[test]
fn without_an_end_it_is_over_once_it_holds() {
    let mut driver = driver(2, Faults::none(), None);
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(suspended(&driver).len(), FreezeMark::PROCESSES.len());
    let found = mark(&driver).unwrap();
    assert_eq!(found.until, None);
    let fleet = driver.read();
    let Spec::Freeze(_) = &driver.operation.spec else {
        unreachable!()
    };
    assert_eq!(left(&driver.operation, &fleet), [] as [String; 0]);
}

#[test]
fn what_somebody_changes_meanwhile_is_theirs() {
    let mut driver = driver(3, Faults::none(), Some(HOUR));
    freeze(&mut driver);
    driver.advance(Duration::from_mins(20));
    let resume = |it: Process| Call::ResumeProcesses {
        pool: key(),
        processes: vec![it],
    };
    let suspend = |it: Process| Call::SuspendProcesses {
        pool: key(),
        processes: vec![it],
    };
    // One that they want to run, one that they want to rest, and one of their own.
    meddle(&mut driver, resume(Process::AlarmNotification));
    meddle(&mut driver, resume(Process::ScheduledActions));
    meddle(&mut driver, suspend(Process::ScheduledActions));
    meddle(&mut driver, suspend(Process::AddToLoadBalancer));
    let mut n_before = 0;
    while driver.world.now() < driver.operation.started_at + HOUR {
        assert_eq!(driver.step(), None);
        n_before = driver.journal.len();
    }
    assert!(!row(&driver).is_suspended(&Process::AlarmNotification));
    assert_eq!(driver.run(), Decision::Done);
    assert!(n_before < driver.journal.len(), "the thaw");
    let mut theirs = vec![
        Process::AddToLoadBalancer,
        Process::AzRebalance,
        Process::ScheduledActions,
    ];
    theirs.sort();
    assert_eq!(suspended(&driver), theirs);
    assert_eq!(mark(&driver), None);
    let fleet = driver.read();
    let told = left(&driver.operation, &fleet);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("ScheduledActions of linux stays suspended"));
}

#[test]
fn a_thaw_by_another_console_ends_it() {
    let mut driver = driver(4, Faults::none(), Some(HOUR));
    freeze(&mut driver);
    driver.advance(Duration::from_mins(10));
    let held = mark(&driver).unwrap().held(row(&driver)).ours;
    let resume = Call::ResumeProcesses {
        pool: key(),
        processes: held,
    };
    let untag = Call::UntagPool {
        pool: key(),
        key: FreezeMark::TAG.to_owned(),
    };
    meddle(&mut driver, resume);
    meddle(&mut driver, untag);
    let at = driver.world.now();
    assert_eq!(driver.run(), Decision::Done);
    assert!(driver.world.now().since(at) < Duration::from_mins(1));
    check_restored(&driver);
}

/// Whoever resumes a freeze that somebody else thawed does not freeze the group again.
#[test]
fn a_freeze_that_was_thawed_while_it_was_paused_is_over_when_it_is_resumed() {
    let mut driver = driver(4, Faults::none(), Some(HOUR));
    freeze(&mut driver);
    driver.record(Happening::Paused);
    driver.advance(Duration::from_mins(10));
    let processes = mark(&driver).unwrap().held(row(&driver)).ours;
    let resume = Call::ResumeProcesses {
        pool: key(),
        processes,
    };
    meddle(&mut driver, resume);
    let untag = Call::UntagPool {
        pool: key(),
        key: FreezeMark::TAG.to_owned(),
    };
    meddle(&mut driver, untag);
    driver.record(Happening::Resumed);
    assert_eq!(driver.run(), Decision::Done);
    check_restored(&driver);
}

#[test]
fn a_freeze_of_somebody_else_is_theirs_to_end() {
    let theirs = "by=bob@other at=2025-11-21T10:00:00Z op=op-bob processes=Launch";
    let tag = || Call::TagPool {
        pool: key(),
        key: FreezeMark::TAG.to_owned(),
        value: theirs.to_owned(),
        propagate: false,
    };
    let mut driver = driver(8, Faults::none(), Some(HOUR));
    freeze(&mut driver);
    driver.advance(Duration::from_mins(2));
    meddle(&mut driver, tag());
    assert!(matches!(driver.run(), Decision::Halt(_)));
    // Nor does a resume take it from them.
    driver.record(Happening::Resumed);
    assert!(matches!(driver.run(), Decision::Halt(_)));
    driver.record(Happening::Aborted {
        why: "a test".to_owned(),
    });
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(mark(&driver).unwrap().by, "bob@other");
    assert_eq!(suspended(&driver).len(), FreezeMark::PROCESSES.len());
}

#[test]
fn a_mark_that_is_taken_away_alone_is_set_again() {
    let mut driver = driver(5, Faults::none(), Some(HOUR));
    freeze(&mut driver);
    driver.advance(Duration::from_mins(10));
    let untag = Call::UntagPool {
        pool: key(),
        key: FreezeMark::TAG.to_owned(),
    };
    meddle(&mut driver, untag);
    assert_eq!(driver.step(), None);
    assert!(mark(&driver).is_some(), "nobody else would see the freeze");
    assert_eq!(driver.run(), Decision::Done);
    check_restored(&driver);
}

#[test]
fn an_abort_thaws_at_any_time() {
    for n_steps in 0..12 {
        let mut driver = driver(n_steps, Faults::none(), Some(HOUR));
        for _ in 0..n_steps {
            assert_eq!(driver.step(), None);
        }
        driver.record(Happening::Aborted {
            why: "a test".to_owned(),
        });
        assert_eq!(driver.run(), Decision::Done, "after {n_steps} steps");
        check_restored(&driver);
    }
}

#[test]
fn a_paused_freeze_stays_frozen_beyond_its_time_until_it_is_resumed() {
    let mut driver = driver(6, Faults::none(), Some(HOUR));
    freeze(&mut driver);
    driver.record(Happening::Paused);
    let end = driver.world.now() + HOUR * 2;
    while driver.world.now() < end {
        assert_eq!(driver.step(), None, "nobody resumed it");
    }
    let is_suspended = !driver.world.group(&key()).unwrap().row.suspended.is_empty();
    assert!(is_suspended, "{}", driver.told());
    driver.record(Happening::Resumed);
    assert_eq!(driver.run(), Decision::Done);
    check_restored(&driver);
}

#[test]
fn a_crash_at_any_line_of_the_journal_changes_nothing_about_the_end() {
    for crash in [Crash::BeforeCall, Crash::AfterCall] {
        for line in 1..16 {
            let mut driver = driver(7, Faults::none(), Some(HOUR));
            driver.crash_at = Some((line, crash));
            assert_eq!(driver.run(), Decision::Done, "{crash:?} at {line}");
            check_restored(&driver);
        }
    }
}

#[test]
fn every_seed_thaws_exactly_on_a_bad_day() {
    for seed in 0..300 {
        let mut faults = Faults::bad_day();
        // Whoever else suspends and resumes has a test of their own.
        faults.weather.foreign_hand = 0.0;
        let duration = Duration::from_mins(1 + seed % 20);
        let mut driver = driver(seed, faults, Some(duration));
        driver.crash_percent = if seed % 3 == 0 { 20 } else { 0 };
        if let Decision::Halt(_) = driver.run() {
            driver.record(Happening::Aborted {
                why: "a test".to_owned(),
            });
            assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        }
        assert_eq!(suspended(&driver), [Process::AzRebalance], "seed {seed}");
        assert_eq!(mark(&driver), None, "seed {seed}");
    }
}
