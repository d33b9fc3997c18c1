//! What happens by itself, and that nothing does without faults.

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use pooldeck::{
    fleet::{Call, Work},
    sim::{Deed, Doom, Faults, Weather, World},
};

use crate::common::{
    START, busy_world, check, first, jenkins, key, quiet, read, scenario, scope, set_desired, world,
};

fn with_weather(mut world: World, edit: impl FnOnce(&mut Weather)) -> World {
    let mut faults = Faults::none();
    edit(&mut faults.weather);
    world.set_faults(faults);
    world
}

#[test]
fn without_faults_every_reading_is_the_truth() {
    let mut world = world(1, |it| it.is_spot = true);
    for step in 0..500_u32 {
        world.advance(Duration::from_secs(20));
        if step % 50 == 0 {
            let _ = world.apply(&set_desired(3 + step % 7));
        }
        let fleet = read(&mut world);
        let listed: Vec<_> = world.machines().filter(|it| !it.is_gone()).collect();
        assert_eq!(fleet.instances.len(), listed.len());
        for machine in listed {
            assert_eq!(*fleet.instances[machine.id()], *machine.row);
        }
        for executor in &fleet.executors {
            let Some(id) = &executor.instance else {
                continue;
            };
            let is_dead = world.agent_on(id).is_none_or(|it| it.is_dead);
            assert!(is_dead || executor.jobs().len() == world.jobs_on(id).len());
        }
    }
    assert!(
        world
            .history()
            .deaths
            .iter()
            .all(|it| it.why == Doom::ScaleIn),
        "nothing else kills"
    );
}

#[test]
fn spot_machines_are_interrupted_and_others_are_not() {
    let deaths = |is_spot| {
        let world = world(1, |it| it.is_spot = is_spot);
        let mut world = with_weather(world, |it| it.spot_interruption = 0.01);
        world.advance(Duration::from_hours(4));
        check(&world);
        world
            .history()
            .deaths
            .iter()
            .filter(|it| it.why == Doom::SpotInterruption)
            .count()
    };
    assert!(5 < deaths(true));
    assert_eq!(deaths(false), 0);
}

#[test]
fn machines_fall_ill_and_are_replaced_with_whatever_runs_there() {
    let mut world = with_weather(busy_world(1), |it| it.sick_machine = 0.01);
    world.advance(Duration::from_hours(4));
    let history = world.history();
    assert!(
        history
            .deaths
            .iter()
            .filter(|it| it.why == Doom::Unhealthy)
            .count()
            > 5
    );
    assert!(0 < history.n_jobs_lost());
}

#[test]
fn agents_drop_and_come_back() {
    let mut world = with_weather(world(1, |_| {}), |it| it.agent_drops = 0.05);
    let mut n_offline = 0;
    for _ in 0..240 {
        world.advance(Duration::from_secs(30));
        let executors = read(&mut world).executors;
        n_offline += executors
            .iter()
            .filter(|it| matches!(it.work, Work::Offline { .. }))
            .count();
    }
    assert!(20 < n_offline, "{n_offline}");
    world.set_faults(Faults::none());
    world.advance(Duration::from_secs(200));
    assert!(
        world
            .controllers()
            .all(|it| it.agents.values().all(|it| it.is_online))
    );
}

#[test]
fn somebody_clears_cordons() {
    let mut world = with_weather(quiet(|_| {}), |it| it.cordon_cleared = 0.2);
    let executor = first(&world).to_string();
    let call = Call::Cordon {
        controller: jenkins(),
        executor: executor.clone(),
        note: "op".into(),
    };
    world.apply(&call).unwrap();
    world.advance(Duration::from_hours(1));
    assert!(
        world.controller(&jenkins()).unwrap().agents[&executor]
            .cordon
            .is_none()
    );
}

#[test]
fn somebody_else_changes_desired_and_the_activity_says_who() {
    let mut world = with_weather(quiet(|_| {}), |it| it.foreign_hand = 0.2);
    world.advance(Duration::from_hours(1));
    let activities = &world.group(&key()).unwrap().activities;
    assert!(activities.iter().any(|it| {
        it.cause
            .contains("a user request explicitly set group desired capacity")
    }));
}

#[test]
fn sources_fall_silent_and_controllers_restart() {
    let mut world = with_weather(quiet(|_| {}), |it| {
        it.silence = 0.1;
        it.silent_for = Duration::from_secs(90);
        it.restart = 0.05;
    });
    let (mut n_cloud, mut n_ci, mut starts) = (0, 0, BTreeSet::new());
    for _ in 0..240 {
        world.advance(Duration::from_secs(30));
        n_cloud += usize::from(world.observe(&scope()).is_err());
        match world.observe_ci(&jenkins()) {
            Ok(reading) => drop(starts.insert(reading.part.controllers[0].started_at)),
            Err(_) => n_ci += 1,
        }
    }
    assert!(10 < n_cloud && 10 < n_ci, "{n_cloud} and {n_ci} of 240");
    assert!(
        1 < starts.len(),
        "a restart shows in the controller's start"
    );
}

#[test]
fn a_retired_host_is_announced_and_stops() {
    let mut world = quiet(|_| {});
    let instance = first(&world);
    let after = Duration::from_hours(1);
    world
        .meddle(&Deed::Retire {
            instance: instance.clone(),
            after,
        })
        .unwrap();
    let fleet = read(&mut world);
    assert_eq!(
        fleet.instances[&instance].scheduled_event.as_deref(),
        Some("instance-retirement")
    );
    world.advance(after);
    assert!(!world.machine(&instance).unwrap().is_alive());
}

#[test]
fn the_same_seed_tells_the_same_story_in_the_worst_weather_too() {
    let story = || {
        let mut scenario = scenario(|it| it.is_spot = true);
        scenario.faults = Faults::bad_day();
        let mut world = World::new(99, scenario, START);
        let mut told = String::new();
        for round in 0..400_u32 {
            world.advance(Duration::from_secs(15));
            let answer = (round % 20 == 0).then(|| world.apply(&set_desired(3 + round % 9)));
            let reading = world
                .observe(&scope())
                .map(|it| (it.part.instances, it.part.pools, it.missing));
            let ci = world.observe_ci(&jenkins()).map(|it| it.part.executors);
            writeln!(told, "{answer:?} {reading:?} {ci:?}").unwrap();
        }
        told
    };
    assert_eq!(story(), story());
}
