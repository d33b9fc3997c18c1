//! The crash matrix: every kind, every step of its journal, and before the call, after the
//! call, or its answer lost: all come to the same end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pooldeck::{
    fleet::FreezeMark,
    operation::{Decision, Event, Happening},
    sim::World,
};

use crate::{
    bench::{Crash, Driver},
    case::{Case, Verb, key},
};

const CRASHES: [Crash; 3] = [Crash::BeforeCall, Crash::AfterCall, Crash::ReplyLost];
/// Of a call that an operation makes again and again: the first so many times, and the last.
const N_OF_A_KIND: usize = 2;

/// What a resumed operation and an undisturbed one must leave alike.
#[derive(Debug, PartialEq, Eq)]
struct End {
    desired: u32,
    bounds: (u32, u32),
    suspended: BTreeSet<String>,
    n_members: usize,
    /// Of those that were there at the start.
    survivors: BTreeSet<String>,
    n_protected: usize,
    n_cordoned: usize,
    n_tags: usize,
    n_standby: usize,
    /// What the group launches, what its members were made from, and how its refresh ended.
    launches: Option<String>,
    images: BTreeSet<String>,
    refresh: Option<String>,
    is_frozen: bool,
}

fn end(world: &World, before: &BTreeSet<String>) -> End {
    let pool = key();
    let group = world.group(&pool).unwrap();
    let capacity = group.capacity().unwrap();
    let members: Vec<_> = world.members(&pool).filter(|it| it.is_counted()).collect();
    let ids = members.iter().map(|it| it.id().to_string());
    let agents = world.controllers().flat_map(|it| it.agents.values());
    let template = group.row.template.as_ref();
    let standby = world
        .members(&pool)
        .filter(|it| it.is_alive() && !it.is_counted());
    let images = members.iter().filter_map(|it| it.row.image.as_ref());
    let refresh = group.row.refresh.as_ref();
    End {
        desired: capacity.desired,
        bounds: (capacity.min, capacity.max),
        suspended: group
            .row
            .suspended
            .iter()
            .map(|it| it.process.to_string())
            .collect(),
        n_members: members.len(),
        survivors: ids.filter(|it| before.contains(it)).collect(),
        n_protected: members.iter().filter(|it| it.row.protected).count(),
        n_cordoned: agents.filter(|it| it.cordon.is_some()).count(),
        n_tags: members.iter().map(|it| it.row.tags.len()).sum(),
        n_standby: standby.count(),
        launches: template.and_then(|it| it.resolved_version.clone()),
        images: images.map(ToString::to_string).collect(),
        refresh: refresh.map(|it| it.status.to_string()),
        is_frozen: FreezeMark::of(&group.row).is_some(),
    }
}

/// Runs to the end, and lets the group come to rest.
fn settled(driver: &mut Driver, before: &BTreeSet<String>) -> End {
    assert_eq!(driver.run(), Decision::Done);
    driver.check_no_leaks();
    if let Err(violation) = driver.judge_end() {
        panic!("{violation}\n{}", driver.told());
    }
    driver.world.advance(Duration::from_mins(30));
    end(&driver.world, before)
}

fn members(driver: &Driver) -> BTreeSet<String> {
    let pool = key();
    let members = driver.world.members(&pool);
    members.map(|it| it.id().to_string()).collect()
}

/// Returns the lines after which a driver may die in the midst of a call: all of a short
/// journal, and of a long one every kind of call, the first times and the last.
fn steps(journal: &[Event], is_long: bool) -> Vec<usize> {
    let mut steps: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (event_idx, event) in journal.iter().enumerate() {
        if let Happening::Intended { call } = &event.what {
            steps
                .entry(call.operation())
                .or_default()
                .push(event_idx + 1);
        }
    }
    let of_kind = |lines: &Vec<usize>| {
        let n = if is_long { N_OF_A_KIND } else { lines.len() };
        let first = lines.iter().take(n).copied();
        let last = lines.last().copied();
        first.chain(last).collect::<BTreeSet<usize>>()
    };
    let steps: BTreeSet<usize> = steps.values().flat_map(of_kind).collect();
    steps.into_iter().collect()
}

/// Lets the driver die at each step, in each way, and compares the ends.
#[track_caller]
fn check(lines: &[&str]) {
    for line in lines {
        let case: Case = line.parse().unwrap();
        let mut calm = case.driver();
        let before = members(&calm);
        let expected = settled(&mut calm, &before);
        let is_kept = case.verb == Verb::Freeze || case.has("lost-image") || case.has("mute-image");
        assert!(
            is_kept || expected.survivors.len() < before.len(),
            "{line}: nothing went"
        );
        let mut n_crashes = 0;
        for step in steps(&calm.journal, !case.verb.is_drain()) {
            for crash in CRASHES {
                let mut driver = case.driver();
                driver.crash_at = Some((step, crash));
                let found = settled(&mut driver, &before);
                assert_eq!(
                    found,
                    expected,
                    "{line}: {crash:?} at {step}\n{}",
                    driver.told()
                );
                n_crashes += driver.n_crashes;
            }
        }
        // A refresh makes one call, and AWS does the rest.
        assert!(1 < n_crashes, "{line}: only {n_crashes} crashes");
    }
}

#[test]
fn a_crash_at_any_step_of_a_drain_comes_to_the_same_end() {
    check(&[
        "seed=1 verb=replace targets=2",
        "seed=2 verb=drain targets=2 hook=true",
        "seed=3 verb=scale targets=3",
        "seed=4 verb=scale targets=2 hook=true",
        "seed=5 verb=terminate targets=2 hook=true",
        "seed=6 verb=force targets=2",
        "seed=7 verb=force targets=1 hook=true",
    ]);
}

#[test]
fn a_crash_at_any_step_of_a_surge_comes_to_the_same_end() {
    check(&[
        "seed=11 verb=surge targets=2",
        "seed=12 verb=surge targets=1 room=none hook=true",
        "seed=14 verb=canary targets=3 room=none",
    ]);
}

#[test]
fn a_crash_at_any_step_of_another_roll_comes_to_the_same_end() {
    check(&[
        "seed=13 verb=terminate-first targets=2 hook=true",
        "seed=15 verb=staged targets=2",
        "seed=16 verb=rollback targets=2 hook=true room=none",
    ]);
}

#[test]
fn a_crash_at_any_step_of_a_roll_that_turns_back_comes_to_the_same_end() {
    check(&[
        "seed=20 verb=surge targets=2 faults=mute-image",
        "seed=21 verb=terminate-first targets=1 faults=lost-image",
    ]);
}

#[test]
fn a_crash_at_any_step_of_a_freeze_or_a_refresh_comes_to_the_same_end() {
    check(&[
        "seed=17 verb=freeze targets=1",
        "seed=18 verb=refresh targets=2 hook=true",
        "seed=19 verb=refresh targets=1",
    ]);
}

#[test]
fn an_abort_after_a_crash_at_any_step_gives_everything_back() {
    for line in [
        "seed=8 verb=drain abort=7 hook=true",
        "seed=9 verb=replace abort=12 targets=2",
        "seed=22 verb=surge abort=30 targets=2 room=none",
        "seed=23 verb=terminate-first abort=60 targets=2 hook=true",
        "seed=24 verb=canary abort=90 targets=2",
        "seed=25 verb=staged abort=120 targets=2",
        "seed=26 verb=rollback abort=40 targets=2 hook=true",
        "seed=27 verb=freeze abort=9",
        "seed=28 verb=refresh abort=20 hook=true",
    ] {
        let case: Case = line.parse().unwrap();
        let calm = case.run().map_err(|it| it.0).unwrap();
        for step in steps(&calm.journal, !case.verb.is_drain()) {
            for crash in CRASHES {
                let mut driver = case.driver();
                driver.crash_at = Some((step, crash));
                if let Err(violation) = case.run_with(&mut driver) {
                    panic!(
                        "{line}: {crash:?} at {step}: {violation}\n{}",
                        driver.told()
                    );
                }
            }
        }
    }
}

/// A pause, and what an operator does after it, survive the driver's death too.
#[test]
fn a_crash_at_any_step_around_a_pause_loses_nothing() {
    for line in [
        "seed=31 verb=drain pause=8 targets=2",
        "seed=32 verb=surge pause=30 targets=2",
        "seed=33 verb=refresh pause=6 hook=true",
        "seed=34 verb=freeze pause=4",
    ] {
        let case: Case = line.parse().unwrap();
        let calm = case.run().map_err(|it| it.0).unwrap();
        for step in steps(&calm.journal, !case.verb.is_drain()) {
            for crash in CRASHES {
                let mut driver = case.driver();
                driver.crash_at = Some((step, crash));
                if let Err(violation) = case.run_with(&mut driver) {
                    panic!(
                        "{line}: {crash:?} at {step}: {violation}\n{}",
                        driver.told()
                    );
                }
            }
        }
    }
}
