//! The demo is alive from its first second, and tells the same story twice.

use std::{fmt::Write, time::Duration};

use pooldeck::{
    fleet::{Executor, Fleet, Lifecycle, Phase, PoolKey, Process, Work, waiting},
    sim::{World, demo},
};

use crate::common::{START, read};

fn first_reading(seed: u64) -> (Fleet, Vec<pooldeck::sim::Death>) {
    let demo = demo(seed, START);
    let mut world = demo.world.lock().unwrap();
    (read(&mut world), world.history().deaths.clone())
}

/// Everything that any door shows over ten minutes, as JSON.
fn story(seed: u64) -> String {
    let demo = demo(seed, START);
    let mut world = demo.world.lock().unwrap();
    let mut told = String::new();
    for _ in 0..60 {
        tell(&mut told, &mut world);
        world.advance(Duration::from_secs(10));
    }
    told
}

fn tell(told: &mut String, world: &mut World) {
    let fleet = read(world);
    let json = serde_json::to_string(&(
        fleet.pools.values().collect::<Vec<_>>(),
        fleet.instances.values().collect::<Vec<_>>(),
        &fleet.executors,
        &fleet.queues,
        &fleet.activities,
    ));
    writeln!(told, "{}", json.unwrap()).unwrap();
}

#[test]
fn the_same_seed_tells_the_same_story_byte_for_byte() {
    let told = story(7);
    assert_eq!(told, story(7));
    assert_ne!(told, story(8), "another seed is another story");
}

#[test]
fn how_often_it_is_read_does_not_change_the_story() {
    let (often, once) = (demo(3, START), demo(3, START));
    let (mut often, mut once) = (often.world.lock().unwrap(), once.world.lock().unwrap());
    for _ in 0..120 {
        often.advance(Duration::from_secs(5));
        read(&mut often);
    }
    once.advance(Duration::from_mins(10));
    let (mut a, mut b) = (String::new(), String::new());
    tell(&mut a, &mut often);
    tell(&mut b, &mut once);
    assert_eq!(a, b);
}

#[test]
fn every_screen_is_alive_at_the_first_second_of_any_seed() {
    for seed in 0..20 {
        let (fleet, _) = first_reading(seed);
        let n_instances = fleet.instances.len();
        assert!(
            (60..=100).contains(&n_instances),
            "seed {seed}: {n_instances} instances"
        );
        let n_busy = fleet
            .executors
            .iter()
            .filter(|it| matches!(it.work, Work::Busy(_)))
            .count();
        assert!(20 <= n_busy, "seed {seed}: {n_busy} busy");
        assert!(
            fleet
                .executors
                .iter()
                .any(|it| matches!(it.work, Work::Idle { .. })),
            "seed {seed}"
        );
        let count = |phase| {
            fleet
                .pools
                .keys()
                .map(|it| fleet.roster(it).counts.get(phase))
                .sum::<u32>()
        };
        for phase in [
            Phase::InService,
            Phase::PendingWait,
            Phase::Standby,
            Phase::TerminatingWait,
            Phase::Unattached,
        ] {
            assert!(
                0 < count(phase),
                "seed {seed}: nobody is {}",
                phase.as_str()
            );
        }
        let queued = |label: &str| {
            fleet
                .queues
                .iter()
                .any(|it| it.label == label && 0 < it.length)
        };
        assert!(
            queued("gpu") && queued("freebsd"),
            "seed {seed}: nothing waits"
        );
        assert!(10 <= fleet.activities.len(), "seed {seed}");
    }
}

#[test]
fn something_is_the_matter_in_most_pools() {
    for seed in 0..20 {
        let (fleet, _) = first_reading(seed);
        let us = |name: &str| PoolKey::new("demo/us-east-1", name);
        let why = waiting(&fleet, START)
            .into_iter()
            .find(|it| it.pool == us("gpu"))
            .expect("gpu waits")
            .why;
        assert!(
            why.contains("sufficient g5.2xlarge capacity"),
            "seed {seed}: {why}"
        );
        assert!(fleet.pools[&us("windows")].is_suspended(&Process::AzRebalance));

        let outdated = fleet.roster(&us("release")).instances.iter();
        assert!(
            1 <= outdated
                .filter(|it| it.template_version.as_deref() == Some("1"))
                .count()
        );

        let loose = fleet
            .roster(&us("workhorse"))
            .instances
            .iter()
            .find(|it| it.lifecycle.is_none());
        let loose = loose.expect("one workhorse is in no group");
        assert_eq!(
            fleet.executors_on(&loose.id).count(),
            1,
            "and its agent takes jobs"
        );

        let held = fleet
            .instances
            .values()
            .filter(|it| it.lifecycle == Some(Lifecycle::TerminatingWait));
        let n_held_by_jobs = held
            .filter(|it| fleet.executors_on(&it.id).any(|it| !it.jobs().is_empty()))
            .count();
        assert!(
            1 <= n_held_by_jobs,
            "seed {seed}: no job holds a terminating machine"
        );

        let boots = fleet
            .roster(&PoolKey::new("demo/eu-west-1", "arm-linux"))
            .instances
            .iter();
        let n_never = boots
            .filter(|it| it.lifecycle == Some(Lifecycle::PendingWait))
            .filter(|it| {
                it.launched_at
                    .is_some_and(|it| Duration::from_mins(10) < START.since(it))
            })
            .count();
        assert_eq!(n_never, 1, "seed {seed}: one machine never registers");
    }
}

#[test]
fn every_connected_agent_finds_its_machine() {
    let (fleet, _) = first_reading(1);
    let connected = |it: &&std::sync::Arc<Executor>| !matches!(it.work, Work::Offline { .. });
    for executor in fleet.executors.iter().filter(connected) {
        assert!(
            executor.instance.is_some(),
            "{} has no machine: {:?}",
            executor.name,
            executor.joining
        );
    }
}
