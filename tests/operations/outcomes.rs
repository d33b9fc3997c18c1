//! Jobs that fail on a new image and did not on the old: the roll notices, and only then.

use std::time::Duration;

use pooldeck::{
    fleet::ImageId,
    operation::{Decision, Halt, OnFailure, Spec, Strategy},
    sim::{Faults, ImageTrait},
};

use crate::{
    bench::Driver,
    rolls::{NEW, OLD, check_end, roll, world},
};

/// A roll whose one canary is watched for long enough that jobs end on it.
fn driver(seed: u64, image: ImageTrait, on_failure: OnFailure) -> Driver {
    let mut world = world(seed, Faults::none(), &["linux"]);
    world.set_image(NEW.into(), image);
    let mut spec = roll(&world, Strategy::Surge);
    spec.bake = Duration::from_hours(4);
    spec.on_failure = on_failure;
    Driver::new(world, Spec::Roll(spec), seed)
}

#[test]
fn an_image_on_which_jobs_fail_leads_back_before_a_second_instance_has_it() {
    for seed in 0..6 {
        let mut driver = driver(seed, ImageTrait::FailsJobs, OnFailure::Rollback);
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        let why = driver.operation.turned_back().unwrap_or("it went on");
        assert!(
            why.contains("jobs failed on new instances, "),
            "seed {seed}: {why}"
        );
        check_end(&driver, OLD, &format!("seed {seed}"));
        let truth = &driver.world.history().outcomes[&ImageId::from(NEW)];
        assert_eq!(truth.n_passed, 0);
        assert!(
            truth.n_failed < 12,
            "seed {seed}: {} jobs had to fail",
            truth.n_failed
        );
    }
}

#[test]
fn a_roll_that_holds_says_that_jobs_fail() {
    let mut driver = driver(1, ImageTrait::FailsJobs, OnFailure::Hold);
    let end = driver.run();
    let Decision::Halt(halts) = &end else {
        panic!("{end:?}")
    };
    let [Halt::NewInstances { why, .. }] = &halts[..] else {
        panic!("{halts:?}")
    };
    assert!(why.contains("jobs failed on new instances"), "{why}");
}

#[test]
fn a_good_image_is_not_blamed_for_what_fails_anyway() {
    for seed in 0..12 {
        let mut driver = driver(seed, ImageTrait::Good, OnFailure::Rollback);
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        assert_eq!(driver.operation.turned_back(), None, "seed {seed}");
        check_end(&driver, NEW, &format!("seed {seed}"));
    }
}
