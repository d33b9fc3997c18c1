//! Instance refreshes: started once, followed to any end, held, ended, and never lost.

use std::time::Duration;

use pooldeck::{
    fleet::{
        Call, Capacity, Hook, HookResult, HookTransition, Phase, Pool, PoolKey, Process,
        RefreshStatus, RefreshTerms, Reluctance, TemplateVersion, Timestamp,
    },
    operation::{Decision, Event, Happening, Refresh, Spec, VersionCopy, WaitingOn, decide, left},
    sim::{Deed, Faults, PoolSpec, RefreshSpec, Scenario, World},
};

use crate::bench::{Crash, Driver};

const START: Timestamp = Timestamp::from_secs(1_763_719_200);

fn key() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

/// A pool of six from an old version, whose host answers its termination hook.
fn world(seed: u64, faults: Faults) -> World {
    let capacity = Capacity {
        desired: 6,
        min: 1,
        max: 12,
    };
    let mut pool = PoolSpec::group("linux", "us-east-1", capacity);
    pool.images = vec!["ami-1".into(), "ami-2".into()];
    pool.n_outdated = 6;
    pool.host.answers_hooks = true;
    pool.hooks.push(Hook::new(
        "drain",
        HookTransition::Terminating,
        Duration::from_mins(5),
        HookResult::Abandon,
    ));
    let mut world = World::new(seed, Scenario::of(vec![pool], Vec::new()), START);
    world.advance(Duration::from_mins(1));
    world.set_faults(faults);
    world
}

fn terms() -> RefreshTerms {
    RefreshTerms {
        template: Some(TemplateVersion {
            id: None,
            name: "linux".to_owned(),
            version: "2".to_owned(),
        }),
        min_healthy_percent: Some(50),
        skip_matching: true,
        protected: Reluctance::Ignore,
        standby: Reluctance::Ignore,
        ..RefreshTerms::default()
    }
}

fn driver(seed: u64, faults: Faults, terms: RefreshTerms) -> Driver {
    let spec = Refresh {
        pool: key(),
        terms,
        copy: None,
        from: None,
        follows: None,
        force: false,
    };
    Driver::new(world(seed, faults), Spec::Refresh(spec), seed)
}

fn row(world: &World) -> &Pool {
    &world.group(&key()).unwrap().row
}

fn status(driver: &Driver) -> Option<RefreshStatus> {
    let refresh = row(&driver.world).refresh.as_ref();
    refresh.map(|it| it.status.clone())
}

/// Goes on until the refresh has come so far.
fn roll_to(driver: &mut Driver, percent: u32) {
    let reached = |it: &Driver| {
        let refresh = row(&it.world).refresh.as_ref();
        refresh.is_some_and(|it| Some(percent) <= it.percent_complete)
    };
    while !reached(driver) {
        assert_eq!(driver.step(), None);
    }
}

fn n_calls(driver: &Driver, wanted: impl Fn(&Call) -> bool) -> usize {
    let is_wanted = |it: &&Event| matches!(&it.what, Happening::Intended { call } if wanted(call));
    driver.journal.iter().filter(is_wanted).count()
}

fn told(driver: &mut Driver) -> Vec<String> {
    let fleet = driver.read();
    left(&driver.operation, &fleet)
}

#[test]
fn a_refresh_is_started_once_and_followed_to_its_end() {
    let mut driver = driver(1, Faults::none(), terms());
    roll_to(&mut driver, 30);
    let fleet = driver.read();
    let Decision::Wait(waits) = decide(&driver.operation, &fleet, driver.world.now()) else {
        panic!("it is under way")
    };
    let words = waits[0].1.to_string();
    assert!(
        words.starts_with("EC2 Auto Scaling: InProgress, "),
        "{words}"
    );
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(status(&driver), Some(RefreshStatus::Successful));
    let is_start = |it: &Call| matches!(it, Call::StartRefresh { .. });
    assert_eq!(n_calls(&driver, is_start), 1);
    assert_eq!(told(&mut driver), [] as [String; 0]);
    let template = row(&driver.world).template.as_ref().unwrap();
    assert_eq!(template.version, "2");
}

#[test]
fn a_pause_holds_it_and_a_resume_lets_it_go() {
    let mut driver = driver(2, Faults::none(), terms());
    roll_to(&mut driver, 10);
    for _ in 0..2 {
        driver.record(Happening::Paused);
        while !row(&driver.world).is_suspended(&Process::InstanceRefresh) {
            assert_eq!(driver.step(), None);
        }
        driver.advance(Duration::from_mins(5));
        assert_eq!(driver.step(), None);
        driver.record(Happening::Resumed);
        driver.advance(Duration::from_mins(2));
        while row(&driver.world).is_suspended(&Process::InstanceRefresh) {
            assert_eq!(driver.step(), None);
        }
    }
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(status(&driver), Some(RefreshStatus::Successful));
    assert!(row(&driver.world).suspended.is_empty());
}

/// `refresh resume` on the pool of a paused operation: whoever said that is not overruled.
#[test]
fn a_held_refresh_that_somebody_lets_go_goes_on_and_is_held_again_when_asked() {
    let mut driver = driver(2, Faults::none(), terms());
    roll_to(&mut driver, 10);
    let hold = |it: &mut Driver| {
        it.record(Happening::Paused);
        while !row(&it.world).is_suspended(&Process::InstanceRefresh) {
            assert_eq!(it.step(), None);
        }
    };
    hold(&mut driver);
    driver.advance(Duration::from_mins(2));
    let resume = Call::ResumeProcesses {
        pool: key(),
        processes: vec![Process::InstanceRefresh],
    };
    driver.world.apply(&resume).unwrap();
    for _ in 0..3 {
        assert_eq!(driver.step(), None);
        let is_held = row(&driver.world).is_suspended(&Process::InstanceRefresh);
        assert!(!is_held, "{}", driver.told());
    }
    driver.record(Happening::Resumed);
    assert_eq!(driver.step(), None);
    hold(&mut driver);
    driver.record(Happening::Resumed);
    assert_eq!(driver.run(), Decision::Done);
    assert!(row(&driver.world).suspended.is_empty());
}

#[test]
fn an_abort_cancels_it_and_leaves_nothing_held() {
    for percent in [0, 20, 60] {
        let mut driver = driver(3, Faults::none(), terms());
        roll_to(&mut driver, percent);
        driver.record(Happening::Aborted {
            why: "a test".to_owned(),
        });
        assert_eq!(driver.run(), Decision::Done);
        assert_eq!(status(&driver), Some(RefreshStatus::Cancelled));
        assert_eq!(told(&mut driver), [] as [String; 0], "as was asked");
    }
    // Before it began there is nothing to cancel.
    let mut driver = driver(4, Faults::none(), terms());
    driver.record(Happening::Aborted {
        why: "a test".to_owned(),
    });
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(status(&driver), None);
}

#[test]
fn whoever_else_ends_it_it_is_followed_to_that_end() {
    for (deed, end, word) in [
        (
            Deed::CancelRefresh { pool: key() },
            RefreshStatus::Cancelled,
            "ended as Cancelled",
        ),
        (
            Deed::RollbackRefresh { pool: key() },
            RefreshStatus::RollbackSuccessful,
            "ended as RollbackSuccessful",
        ),
    ] {
        let mut driver = driver(5, Faults::none(), terms());
        roll_to(&mut driver, 30);
        driver.world.meddle(&deed).unwrap();
        assert_eq!(driver.run(), Decision::Done);
        assert_eq!(status(&driver), Some(end));
        let told = told(&mut driver);
        assert!(told[0].contains(word), "{told:?}");
    }
}

#[test]
fn one_that_fails_says_why() {
    let waits = RefreshTerms {
        protected: Reluctance::Wait,
        ..terms()
    };
    let mut driver = driver(6, Faults::none(), waits);
    let ids: Vec<_> = driver
        .world
        .members(&key())
        .map(|it| it.id().clone())
        .collect();
    let protect = Call::SetInstanceProtection {
        pool: key(),
        instances: ids,
        protected: true,
    };
    driver.world.meddle(&Deed::Call(protect)).unwrap();
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(status(&driver), Some(RefreshStatus::Failed));
    let told = told(&mut driver);
    assert!(told[0].contains("protected from scale-in"), "{told:?}");
}

#[test]
fn one_that_somebody_else_began_is_followed_and_can_be_cancelled() {
    let mut world = world(7, Faults::none());
    let start = Deed::StartRefresh {
        pool: key(),
        spec: RefreshSpec {
            version: Some(2),
            ..RefreshSpec::default()
        },
    };
    world.meddle(&start).unwrap();
    let id = row(&world).refresh.as_ref().unwrap().id.clone();
    let spec = Refresh {
        pool: key(),
        terms: RefreshTerms::default(),
        copy: None,
        from: None,
        follows: Some(id),
        force: false,
    };
    let mut driver = Driver::new(world, Spec::Refresh(spec), 7);
    roll_to(&mut driver, 10);
    driver.record(Happening::Aborted {
        why: "a test".to_owned(),
    });
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(status(&driver), Some(RefreshStatus::Cancelled));
    let is_start = |it: &Call| matches!(it, Call::StartRefresh { .. });
    assert_eq!(n_calls(&driver, is_start), 0);
}

#[test]
fn a_crash_at_any_line_of_the_journal_starts_nothing_twice() {
    for crash in [Crash::BeforeCall, Crash::AfterCall] {
        for line in 1..8 {
            let mut driver = driver(8, Faults::none(), terms());
            driver.crash_at = Some((line, crash));
            assert_eq!(driver.run(), Decision::Done, "{crash:?} at {line}");
            assert_eq!(status(&driver), Some(RefreshStatus::Successful));
        }
    }
}

/// A refresh to a version that is not made yet.
fn copying(seed: u64, faults: Faults) -> Driver {
    let copied = terms().template.unwrap();
    let from = TemplateVersion {
        version: "1".to_owned(),
        ..copied
    };
    let spec = Refresh {
        pool: key(),
        terms: RefreshTerms {
            template: None,
            auto_rollback: true,
            ..terms()
        },
        copy: Some(VersionCopy {
            from,
            image: "ami-3".into(),
        }),
        from: None,
        follows: None,
        force: false,
    };
    Driver::new(world(seed, faults), Spec::Refresh(spec), seed)
}

#[track_caller]
fn check_copied(driver: &mut Driver, what: &str) {
    assert_eq!(status(driver), Some(RefreshStatus::Successful), "{what}");
    assert_eq!(told(driver), [] as [String; 0], "{what}");
    let template = row(&driver.world).template.as_ref().unwrap();
    assert_eq!(template.version, "3", "{what}: made once, and rolled to");
    let fleet = driver.read();
    let members = fleet.roster(&key()).instances.iter();
    let serving = members.filter(|it| it.phase() == Phase::InService);
    let versions: Vec<_> = serving.map(|it| it.template_version.clone()).collect();
    assert_eq!(versions, vec![Some("3".to_owned()); 6], "{what}");
}

#[test]
fn a_version_is_made_once_before_it_is_rolled_to() {
    let mut driver = copying(1, Faults::none());
    assert_eq!(driver.run(), Decision::Done);
    check_copied(&mut driver, "a quiet day");
    for crash in [Crash::BeforeCall, Crash::AfterCall] {
        for line in 1..10 {
            let mut driver = copying(9, Faults::none());
            driver.crash_at = Some((line, crash));
            assert_eq!(driver.run(), Decision::Done, "{crash:?} at {line}");
            check_copied(&mut driver, &format!("{crash:?} at {line}"));
        }
    }
    // One that is aborted before it has begun rolls nothing.
    let mut driver = copying(3, Faults::none());
    driver.record(Happening::Aborted {
        why: "a test".to_owned(),
    });
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(status(&driver), None);
}

#[test]
fn every_seed_comes_to_an_end_on_a_bad_day() {
    for seed in 0..120 {
        let mut faults = Faults::bad_day();
        faults.weather.foreign_hand = 0.0;
        let mut driver = if seed % 2 == 0 {
            driver(seed, faults, terms())
        } else {
            copying(seed, faults)
        };
        driver.crash_percent = if seed % 3 == 0 { 10 } else { 0 };
        if let Decision::Halt(_) = driver.run() {
            driver.record(Happening::Aborted {
                why: "a test".to_owned(),
            });
            assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        }
        let is_over = status(&driver).is_none_or(|it| it.is_over());
        assert!(is_over, "seed {seed}: {:?}", status(&driver));
        let is_held = row(&driver.world).is_suspended(&Process::InstanceRefresh);
        assert!(!is_held, "seed {seed} leaves it held");
    }
}

#[test]
fn what_it_waits_for_is_said_in_aws_own_words() {
    let wait = WaitingOn::Refresh {
        status: "InProgress".to_owned(),
        percent: Some(40),
        reason: Some("Waiting at the checkpoint of 40%.".to_owned()),
    };
    assert_eq!(
        wait.to_string(),
        "EC2 Auto Scaling: InProgress, 40 %: Waiting at the checkpoint of 40%."
    );
}
