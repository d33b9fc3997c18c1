//! The crash matrix: every kind, every line of its journal, and before the call, after the
//! call, or its answer lost: all come to the same end.

use std::collections::BTreeSet;

use pooldeck::{operation::Decision, sim::World};

use crate::{
    bench::{Crash, Driver},
    case::{Case, key},
};

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
}

fn end(world: &World, before: &BTreeSet<String>) -> End {
    let group = world.group(&key()).unwrap();
    let capacity = group.capacity().unwrap();
    let members: Vec<_> = world.members(&key()).filter(|it| it.is_counted()).collect();
    let ids = members.iter().map(|it| it.id().to_string());
    let agents = world.controllers().flat_map(|it| it.agents.values());
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
    }
}

/// Runs to the end, and lets the group come to rest.
fn settled(driver: &mut Driver, before: &BTreeSet<String>) -> End {
    assert_eq!(driver.run(), Decision::Done);
    driver.check_no_leaks();
    driver.world.advance(std::time::Duration::from_mins(30));
    end(&driver.world, before)
}

fn members(driver: &Driver) -> BTreeSet<String> {
    driver
        .world
        .members(&key())
        .map(|it| it.id().to_string())
        .collect()
}

#[test]
fn a_crash_at_any_line_comes_to_the_same_end() {
    for line in [
        "seed=1 verb=replace targets=2",
        "seed=2 verb=drain targets=2 hook=true",
        "seed=3 verb=scale targets=3",
        "seed=4 verb=scale targets=2 hook=true",
        "seed=5 verb=terminate targets=2 hook=true",
        "seed=6 verb=force targets=2",
        "seed=7 verb=force targets=1 hook=true",
    ] {
        let case: Case = line.parse().unwrap();
        let mut calm = case.driver();
        let before = members(&calm);
        let expected = settled(&mut calm, &before);
        assert!(
            expected.survivors.len() < before.len(),
            "{line}: nothing went"
        );
        let mut n_crashes = 0;
        for journal_line in 1..=calm.journal.len() + 1 {
            for crash in [Crash::BeforeCall, Crash::AfterCall, Crash::ReplyLost] {
                let mut driver = case.driver();
                driver.crash_at = Some((journal_line, crash));
                let found = settled(&mut driver, &before);
                assert_eq!(found, expected, "{line}: {crash:?} at {journal_line}");
                n_crashes += driver.n_crashes;
            }
        }
        assert!(3 < n_crashes, "{line}: only {n_crashes} crashes");
    }
}

#[test]
fn an_abort_after_a_crash_at_any_line_gives_everything_back() {
    for line in [
        "seed=8 verb=drain abort=7 hook=true",
        "seed=9 verb=replace abort=12 targets=2",
    ] {
        let case: Case = line.parse().unwrap();
        let calm = case.run().map_err(|it| it.0).unwrap();
        for journal_line in 1..=calm.journal.len() {
            for crash in [Crash::BeforeCall, Crash::AfterCall, Crash::ReplyLost] {
                let mut driver = case.driver();
                driver.crash_at = Some((journal_line, crash));
                if let Err(violation) = case.run_with(&mut driver) {
                    panic!(
                        "{line}: {crash:?} at {journal_line}: {violation}\n{}",
                        driver.told()
                    );
                }
            }
        }
    }
}
