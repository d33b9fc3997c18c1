//! Aborts while nothing can be launched: desired comes back, and nobody goes for it.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, Capacity, InstanceId, Process},
    operation::{Decision, Happening, OnFailure, Spec, Strategy},
    sim::{Faults, ImageTrait},
};

use crate::{
    bench::Driver,
    rolls::{NEW, key, roll, world},
};

/// A roll to an image that is gone, in the middle of its surge.
fn surging(seed: u64) -> Driver {
    let mut world = world(seed, Faults::none(), &["linux"]);
    world.set_image(NEW.into(), ImageTrait::Gone);
    let mut spec = roll(&world, Strategy::Surge);
    spec.on_failure = OnFailure::Hold;
    let mut driver = Driver::new(world, Spec::Roll(spec), seed);
    step_until(&mut driver, |it| capacity(it).desired == 7);
    driver
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

fn abort(driver: &mut Driver) {
    driver.record(Happening::Aborted {
        why: "the image is gone".to_owned(),
    });
}

fn capacity(driver: &Driver) -> Capacity {
    driver.world.group(&key()).unwrap().capacity().unwrap()
}

fn is_held(driver: &Driver) -> bool {
    let group = driver.world.group(&key()).unwrap();
    group.row.is_suspended(&Process::Terminate)
}

fn members(driver: &Driver) -> Vec<InstanceId> {
    let key = key();
    let members = driver.world.members(&key).filter(|it| it.is_counted());
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
