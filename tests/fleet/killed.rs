//! Operations whose driver is killed at random times end as planned, and no build is lost.

use std::time::{Duration, Instant};

use crate::{
    driver::Operator,
    fleet::{Fleet, Member, Worker},
};

/// The whole of it, servers included.
const PATIENCE: Duration = Duration::from_mins(4);

/// Another image than the fleet begins with; the server knows it from its start.
const IMAGE: &str = "ami-785db401";

#[test]
fn a_driver_that_is_killed_at_random_times_loses_no_build() {
    let started = Instant::now();
    // `FLEET_SEED=7 cargo test --test fleet` repeats the deaths of a run, as far as processes can.
    let seed = seed();
    println!("FLEET_SEED={seed}");
    let fleet = Fleet::start();
    println!("the fleet is up after {:?}", started.elapsed());
    let mut operator = Operator::of(&fleet, seed);

    let before = members(&fleet);
    operator.carry_out(
        "drain --pool workhorse --count 2 --replace --yes --reason test",
        4,
    );
    check_end(&fleet, &operator, 6);
    let drained = members(&fleet);
    let n_kept = before.iter().filter(|it| drained.contains(it)).count();
    assert_eq!(n_kept, 4, "two of {before:?} were to go: {drained:?}");

    // Three ahead of six are more than max allows, so that is borrowed too.
    let line = format!("reami workhorse {IMAGE} --batch 3 --bake 3s --yes --reason test");
    operator.carry_out(&line, 6);
    check_end(&fleet, &operator, 6);
    let truth = fleet.truth();
    assert_eq!((&*truth.version, truth.n_versions), ("2", 2), "made once");
    let is_new = |it: &Member| it.version == "2" && it.image == IMAGE;
    assert!(truth.members.iter().all(is_new), "{truth:#?}");
    let after = members(&fleet);
    assert!(after.iter().all(|it| !drained.contains(it)), "{after:?}");

    operator.carry_out("scale workhorse 3 --yes --reason test", 3);
    check_end(&fleet, &operator, 3);
    assert!(
        members(&fleet).iter().all(|it| after.contains(it)),
        "nothing is launched by fewer"
    );
    assert!(0 < operator.n_kills, "the driver was never killed");

    // The measure measures: a machine that dies under its build is a build that was killed.
    check_measure(&fleet);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

fn seed() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a run is repeated by whoever runs the tests"
    )]
    let wanted = std::env::var("FLEET_SEED").ok();
    wanted.map_or_else(|| fastrand::u64(..10_000), |it| it.parse().unwrap())
}

fn members(fleet: &Fleet) -> Vec<String> {
    let members = fleet.truth().members.into_iter();
    members.map(|it| it.id).collect()
}

/// Nobody's build was lost, so many serve, and nothing of ours is left anywhere.
#[track_caller]
fn check_end(fleet: &Fleet, operator: &Operator, n_members: usize) {
    let is_at_rest = fleet.comes_to(Duration::from_secs(30), |it| {
        let members = it.truth().members;
        members.len() == n_members && members.iter().all(|it| it.lifecycle == "InService")
    });
    assert!(is_at_rest, "{:#?}\n{}", fleet.truth(), operator.told());
    let killed = fleet.killed();
    assert!(killed.is_empty(), "{killed:?}\n{}", operator.told());
    let n_built = fleet.builds().iter().filter(|it| it.complete).count();
    assert!(10 < n_built, "only {n_built} builds: nothing was at risk");

    let truth = fleet.truth();
    assert_eq!(
        (truth.desired as usize, truth.min, truth.max),
        (n_members, 1, 8)
    );
    assert!(truth.suspended.is_empty(), "{truth:?}");
    let ours = |tags: &[String]| tags.iter().any(|it| it.starts_with("pooldeck"));
    assert!(!ours(&truth.tags), "{truth:?}");
    for member in &truth.members {
        assert!(!ours(&member.tags) && !member.protected, "{member:?}");
    }
    let paused: Vec<_> = fleet.workers().into_iter().filter(|it| it.paused).collect();
    assert!(paused.is_empty(), "{paused:#?}\n{}", operator.told());
    let operations = operator.operations();
    assert!(
        operations.iter().all(|it| it["state"] == "done"),
        "{operations:#?}"
    );
}

fn check_measure(fleet: &Fleet) {
    // A build may be over before its machine is, so every machine that builds goes, until one was
    // caught: there were no killed builds before.
    fleet.until("a killed build", Duration::from_mins(1), |it| {
        it.kill(&building(it));
        !it.killed().is_empty()
    });
}

/// Returns the instances whose workers build just now.
fn building(fleet: &Fleet) -> Vec<String> {
    let builds = fleet.builds();
    let builds_now = |it: &Worker| {
        let mut running = builds.iter().filter(|it| !it.complete);
        running.any(|build| build.workerid == it.workerid)
    };
    let workers = fleet.workers().into_iter().filter(builds_now);
    workers.map(|it| it.name).collect()
}
