//! Aborts while nothing can be launched: desired comes back, and nobody goes for it.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, Capacity, Hook, HookResult, HookTransition, InstanceId, Process, Timestamp},
    operation::{Decision, Halt, Happening, OnFailure, Roll, Spec, Strategy},
    sim::{Deed, Doom, Faults, ImageTrait, World},
};

use crate::{
    bench::Driver,
    rolls::{NEW, key, roll, world},
};

/// A roll to an image that is gone, in the middle of its surge.
fn surging(seed: u64) -> Driver {
    surging_with(seed, |_| {})
}

pub(crate) fn surging_with(seed: u64, edit: impl FnOnce(&mut Roll)) -> Driver {
    let mut world = world(seed, Faults::none(), &["linux"]);
    world.set_image(NEW.into(), ImageTrait::Gone);
    let mut spec = roll(&world, Strategy::Surge);
    spec.on_failure = OnFailure::Hold;
    edit(&mut spec);
    let mut driver = Driver::new(world, Spec::Roll(spec), seed);
    step_until(&mut driver, |it| capacity(it).desired == 7);
    driver
}

/// A roll that is aborted, and lets its group end nobody for a while.
fn held(seed: u64) -> Driver {
    let mut driver = surging(seed);
    abort(&mut driver);
    step_until(&mut driver, is_held);
    driver
}

fn set_desired(desired: u32) -> Call {
    Call::SetDesiredCapacity {
        pool: key(),
        desired,
    }
}

pub(crate) fn set_bounds(min: Option<u32>, max: Option<u32>) -> Call {
    Call::UpdateBounds {
        pool: key(),
        min,
        max,
    }
}

/// Somebody else does that.
fn meddle(driver: &mut Driver, call: Call) {
    driver.world.meddle(&Deed::Call(call)).unwrap();
}

/// It comes to its own end, and its group ends nobody, then or later.
#[track_caller]
fn check_ends_well(driver: &mut Driver, desired: u32) {
    assert_eq!(driver.try_run(), Ok(Decision::Done), "{}", driver.told());
    assert!(!is_held(driver), "{}", driver.told());
    driver.check_no_leaks();
    driver.world.advance(Duration::from_mins(30));
    assert_eq!(capacity(driver).desired, desired, "{}", driver.told());
    let deaths = &driver.world.history().deaths;
    let chosen = deaths.iter().find(|it| it.why == Doom::ScaleIn);
    assert!(chosen.is_none(), "{chosen:?}\n{}", driver.told());
}

fn step_until(driver: &mut Driver, is_so: impl Fn(&Driver) -> bool) {
    for _ in 0..10_000 {
        if is_so(driver) {
            return;
        }
        assert_eq!(driver.step(), None, "{}", driver.told());
    }
    panic!("it never came to that:\n{}", driver.told());
}

pub(crate) fn abort(driver: &mut Driver) {
    driver.record(Happening::Aborted {
        why: "the image is gone".to_owned(),
    });
}

pub(crate) fn capacity(driver: &Driver) -> Capacity {
    driver.world.group(&key()).unwrap().capacity().unwrap()
}

pub(crate) fn is_held(driver: &Driver) -> bool {
    let group = driver.world.group(&key()).unwrap();
    group.row.is_suspended(&Process::Terminate)
}

fn members(driver: &Driver) -> Vec<InstanceId> {
    members_of(&driver.world)
}

fn members_of(world: &World) -> Vec<InstanceId> {
    let key = key();
    let members = world.members(&key).filter(|it| it.is_counted());
    members.map(|it| it.id().clone()).collect()
}

fn has_terminated(driver: &Driver) -> bool {
    let is_it = |it: &Happening| {
        matches!(
            it,
            Happening::Intended {
                call: Call::TerminateInstance { .. }
            }
        )
    };
    driver.journal.iter().any(|it| is_it(&it.what))
}

#[test]
fn an_abort_while_nothing_can_be_launched_keeps_every_instance() {
    for seed in 0..6 {
        let mut driver = surging(seed);
        let before = members(&driver);
        abort(&mut driver);
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        driver.check_no_leaks();
        assert_eq!(members(&driver), before, "seed {seed}: {}", driver.told());
        assert!(!has_terminated(&driver), "{}", driver.told());
        assert!(!is_held(&driver), "seed {seed}");
        let (capacity, max) = (capacity(&driver), if seed % 2 == 0 { 6 } else { 12 });
        assert_eq!((capacity.desired, capacity.max), (6, max), "seed {seed}");
        // The group is content with that: nobody is ended later.
        driver.world.advance(Duration::from_hours(1));
        assert_eq!(members(&driver), before, "seed {seed}");
    }
}

/// Whoever suspended Terminate before has it suspended after.
#[test]
fn a_group_that_may_end_nobody_stays_so() {
    let mut driver = surging(1);
    let suspend = Call::SuspendProcesses {
        pool: key(),
        processes: vec![Process::Terminate],
    };
    driver.world.apply(&suspend).unwrap();
    let before = members(&driver);
    abort(&mut driver);
    assert_eq!(driver.run(), Decision::Done);
    driver.check_no_leaks();
    assert_eq!((capacity(&driver).desired, members(&driver)), (6, before));
    assert!(is_held(&driver));
}

/// One came up just when desired was to be lowered: it is drained by name, as anybody else.
#[test]
fn a_newcomer_that_comes_up_after_all_is_not_for_the_group_to_end() {
    for seed in 0..6 {
        let mut driver = surging(seed);
        abort(&mut driver);
        step_until(&mut driver, is_held);
        driver.world.set_image(NEW.into(), ImageTrait::Good);
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        driver.check_no_leaks();
        assert!(!is_held(&driver), "seed {seed}");
        assert_eq!(capacity(&driver).desired, 6, "seed {seed}");
        assert_eq!(members(&driver).len(), 6, "seed {seed}");
    }
}

/// Somebody wants fewer meanwhile: those that are too many go by name, and only then the group may
/// end instances again.
#[test]
fn a_scale_in_by_somebody_else_while_it_is_held_names_its_victims() {
    for seed in 0..10 {
        for is_lowered in [false, true] {
            let mut driver = held(seed);
            if is_lowered {
                step_until(&mut driver, |it| capacity(it).desired == 6);
            }
            driver.advance(Duration::from_secs(20));
            meddle(&mut driver, set_desired(4));
            check_ends_well(&mut driver, 4);
            assert_eq!(members(&driver).len(), 4);
        }
    }
}

#[test]
fn a_max_that_is_lowered_while_it_is_held_names_its_victims() {
    for is_lowered in [false, true] {
        let mut driver = held(1);
        if is_lowered {
            step_until(&mut driver, |it| capacity(it).desired == 6);
        }
        meddle(&mut driver, set_bounds(None, Some(5)));
        check_ends_well(&mut driver, 5);
        assert_eq!(members(&driver).len(), 5);
    }
}

/// More than the surge made of desired cannot be taken back: somebody forbids less.
#[test]
fn a_min_that_is_raised_meanwhile_is_what_the_pool_shall_have() {
    let mut driver = surging(1);
    let before = members(&driver);
    meddle(&mut driver, set_bounds(Some(7), None));
    abort(&mut driver);
    check_ends_well(&mut driver, 7);
    assert_eq!(members(&driver), before);
}

/// An operator takes back by hand what was never launched: that is no wish for fewer.
#[test]
fn a_surge_that_somebody_takes_back_is_no_scale_in() {
    let mut driver = surging(1);
    let before = members(&driver);
    driver.step();
    driver.world.advance(Duration::from_mins(5));
    meddle(&mut driver, set_desired(6));
    abort(&mut driver);
    check_ends_well(&mut driver, 6);
    assert_eq!(members(&driver), before);
}

#[test]
fn what_was_never_launched_costs_nobody_whatever_may_be_out() {
    let mut driver = surging_with(1, |it| it.max_unavailable = 2);
    let before = members(&driver);
    abort(&mut driver);
    check_ends_well(&mut driver, 6);
    assert_eq!(members(&driver), before);
}

/// Who may not lower desired leaves the group as it was, and asks.
#[test]
fn a_denied_call_leaves_no_group_that_may_end_nobody() {
    for denied in ["SetDesiredCapacity", "SuspendProcesses"] {
        let mut driver = surging(1);
        abort(&mut driver);
        let mut faults = Faults::none();
        faults.cloud.denied = vec![format!("autoscaling:{denied}")];
        driver.world.set_faults(faults);
        let end = driver.try_run();
        assert!(matches!(end, Ok(Decision::Halt(_))), "{denied}: {end:?}");
        assert!(!is_held(&driver), "{denied}");
        driver.world.set_faults(Faults::none());
        driver.record(Happening::Resumed);
        check_ends_well(&mut driver, 6);
    }
}

/// A clock that is ahead ends it by its deadline, and is set right while the group is held.
#[test]
fn a_deadline_by_a_wrong_clock_leaves_no_group_that_may_end_nobody() {
    let mut driver = surging_with(1, |it| it.deadline = Some(Duration::from_hours(6)));
    driver.step_clock(6 * 3600);
    step_until(&mut driver, is_held);
    driver.world.set_image(NEW.into(), ImageTrait::Good);
    driver.step_clock(0);
    check_ends_well(&mut driver, 6);
}

/// Whatever is launched dies before its agent registers, again and again.
#[test]
fn newcomers_that_boot_and_die_are_not_awaited_for_ever() {
    for is_aborted in [false, true] {
        let mut world = world(1, Faults::none(), &["linux"]);
        world.set_image(NEW.into(), ImageTrait::NeverRegisters);
        let spec = roll(&world, Strategy::Surge);
        let old = spec.pools[0].targets.clone();
        let mut driver = Driver::new(world, Spec::Roll(spec), 1);
        step_until(&mut driver, |it| capacity(it).desired == 7);
        if is_aborted {
            abort(&mut driver);
        }
        let (mut end, stop) = (None, driver.world.now() + Duration::from_hours(4));
        while end.is_none() && driver.operation.turned_back().is_none() {
            assert!(driver.world.now() < stop, "{}", driver.told());
            for instance in grown_newcomers(&driver, &old) {
                driver.world.meddle(&Deed::StopItself { instance }).unwrap();
            }
            end = driver.step();
        }
        if is_aborted {
            assert_eq!(end, Some(Decision::Done));
            assert!(old.iter().all(|it| members(&driver).contains(it)));
        } else {
            let why = driver.operation.turned_back().unwrap();
            assert!(why.contains("no new instance came to take jobs"), "{why}");
        }
    }
}

/// Returns the newcomers that are three minutes old.
fn grown_newcomers(driver: &Driver, old: &[InstanceId]) -> Vec<InstanceId> {
    let (key, now) = (key(), driver.world.now());
    let is_grown = |at: Timestamp| Duration::from_mins(3) <= now.since(at);
    let members = driver.world.members(&key).filter(|it| it.is_counted());
    let grown = members.filter(|it| it.row.launched_at.is_some_and(is_grown));
    let ids = grown.map(|it| it.id().clone());
    ids.filter(|it| !old.contains(it)).collect()
}

/// A newcomer that nobody answers for hangs in its launching hook: it is no one too many.
#[test]
fn a_newcomer_that_hangs_on_its_way_in_costs_nobody() {
    let mut world = world(0, Faults::none(), &["linux"]);
    let timeout = Duration::from_hours(2);
    let transition = HookTransition::Launching;
    let hook = Hook::new("boot", transition, timeout, HookResult::Abandon);
    world.meddle(&Deed::PutHook { pool: key(), hook }).unwrap();
    world.set_image(NEW.into(), ImageTrait::NeverRegisters);
    let mut spec = roll(&world, Strategy::Surge);
    spec.on_failure = OnFailure::Hold;
    let mut driver = Driver::new(world, Spec::Roll(spec), 1);
    let before = members(&driver);
    step_until(&mut driver, |it| capacity(it).desired == 7);
    abort(&mut driver);
    check_ends_well(&mut driver, 6);
    assert_eq!(members(&driver), before);
}

/// Only an operator knows whether a group was deleted, or is not looked at any more.
#[test]
fn an_operation_whose_group_is_gone_asks_and_is_ended_by_an_abort() {
    let drain = |seed| {
        let world = world(seed, Faults::none(), &["linux"]);
        let ids = members_of(&world).into_iter().take(2).collect();
        let drain = crate::drains::drain(ids, true);
        let mut driver = Driver::new(world, Spec::Drain(drain), seed);
        for _ in 0..10 {
            assert_eq!(driver.step(), None);
        }
        driver
    };
    for mut driver in [surging(1), drain(1), drain(2)] {
        let deed = Deed::DeleteGroup {
            pool: key(),
            force: true,
        };
        driver.world.meddle(&deed).unwrap();
        let end = driver.try_run();
        if matches!(driver.operation.spec, Spec::Drain(_)) && end == Ok(Decision::Done) {
            // It saw them go before the group was gone.
            continue;
        }
        let Ok(Decision::Halt(halts)) = end else {
            panic!("{end:?}\n{}", driver.told());
        };
        assert!(matches!(halts[0], Halt::PoolGone { .. }), "{halts:?}");
        abort(&mut driver);
        assert_eq!(driver.try_run(), Ok(Decision::Done));
        driver.check_no_leaks();
    }
}
