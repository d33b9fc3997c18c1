//! Launches that fail, and images that are no good.

use std::time::Duration;

use pooldeck::{
    fleet::Process,
    sim::{Deed, ImageTrait, Shortage, World},
};

use crate::common::{START, busy_world, check, key, quiet, scenario, set_desired};

#[test]
fn a_launch_fails_where_ec2_has_too_little_and_another_zone_is_tried() {
    let zone = Some("us-east-1a".to_owned());
    let mut world = quiet(|it| it.shortages = vec![Shortage { zone, chance: 1.0 }]);
    world.apply(&set_desired(9)).unwrap();
    world.advance(Duration::from_mins(15));
    check(&world);
    let new = world
        .history()
        .launches
        .iter()
        .map(|it| &world.machine(&it.instance).unwrap().row.zone);
    let zones: Vec<_> = new.cloned().collect();
    assert!(
        3 <= zones.len() && zones.iter().all(|it| it != "us-east-1a"),
        "{zones:?}"
    );
    let activities = &world.group(&key()).unwrap().activities;
    let failed = activities
        .iter()
        .find(|it| it.status_message.is_some())
        .unwrap();
    let message = failed.status_message.as_deref().unwrap();
    assert!(
        message.contains("InsufficientInstanceCapacity"),
        "{message}"
    );
    assert!(
        message.contains("or choosing us-east-1b, us-east-1c. Launching EC2 instance failed."),
        "{message}"
    );
}

#[test]
fn a_group_that_fails_for_a_day_is_suspended_by_aws() {
    let mut world = quiet(|it| {
        it.shortages = vec![Shortage {
            zone: None,
            chance: 1.0,
        }];
    });
    world.apply(&set_desired(7)).unwrap();
    world.advance(Duration::from_hours(23));
    assert!(
        !world
            .group(&key())
            .unwrap()
            .row
            .is_suspended(&Process::Launch)
    );
    world.advance(Duration::from_hours(2));
    let suspended = &world.group(&key()).unwrap().row.suspended;
    assert!(
        suspended[0].reason.starts_with("Administrative suspension"),
        "{suspended:?}"
    );
}

#[test]
fn an_image_or_a_quota_can_be_in_the_way() {
    let last = |world: &World| {
        world
            .group(&key())
            .unwrap()
            .activities
            .back()
            .unwrap()
            .status_message
            .clone()
    };
    let mut world = quiet(|_| {});
    let image = pooldeck::fleet::ImageId::from("ami-gone");
    world.set_image(image.clone(), ImageTrait::Gone);
    world
        .meddle(&Deed::PublishVersion { pool: key(), image })
        .unwrap();
    world.apply(&set_desired(7)).unwrap();
    world.advance(Duration::from_mins(1));
    assert!(
        last(&world)
            .unwrap()
            .contains("The image id '[ami-gone]' does not exist")
    );

    let mut scenario = scenario(|_| {});
    scenario.regions[0].n_machines_max = Some(6);
    let mut world = World::new(1, scenario, START);
    world.apply(&set_desired(7)).unwrap();
    world.advance(Duration::from_mins(1));
    assert!(
        last(&world)
            .unwrap()
            .contains("your current vCPU limit of 48")
    );
}

#[test]
fn a_bad_image_never_registers_or_fails_every_job() {
    let mut world = busy_world(1);
    let image = pooldeck::fleet::ImageId::from("ami-poison");
    world.set_image(image.clone(), ImageTrait::FailsJobs);
    world
        .meddle(&Deed::PublishVersion {
            pool: key(),
            image: image.clone(),
        })
        .unwrap();
    world.apply(&set_desired(9)).unwrap();
    world.advance(Duration::from_hours(3));
    let outcomes = world.history().outcomes.clone();
    assert!(
        10 < outcomes[&image].n_failed && outcomes[&image].n_passed == 0,
        "{outcomes:?}"
    );
    let others = outcomes.iter().find(|it| *it.0 != image).unwrap().1;
    assert!(others.n_failed * 5 < others.n_passed, "{outcomes:?}");

    world.set_image(image.clone(), ImageTrait::NeverRegisters);
    world.apply(&set_desired(10)).unwrap();
    world.advance(Duration::from_hours(1));
    let newest = &world.history().launches.last().unwrap().instance;
    assert!(world.machine(newest).unwrap().is_alive() && world.agent_on(newest).is_none());
}
