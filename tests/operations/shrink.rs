//! Makes a failing case smaller, as long as it still fails in the same way.

use std::panic::Location;

use pooldeck::fleet::Grade;

use crate::{
    case::{Case, Room},
    checks::Violation,
};

/// How many runs the search for a smaller case may take.
const N_RUNS_MAX: u32 = 400;

/// Returns a case that fails by the same invariant and has nothing left to take away.
pub(crate) fn shrink(case: &Case, fails: impl Fn(&Case) -> Option<Violation>) -> Case {
    let Some(wanted) = fails(case).map(|it| it.invariant) else {
        return case.clone();
    };
    let mut smallest = case.clone();
    let mut n_runs = 0;
    loop {
        let smaller = candidates(&smallest).into_iter().find(|it| {
            n_runs += 1;
            n_runs < N_RUNS_MAX && fails(it).is_some_and(|it| it.invariant == wanted)
        });
        match smaller {
            Some(it) => smallest = it,
            None => return smallest,
        }
    }
}

/// Returns every case that is a step smaller, the largest steps first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut smaller = Vec::new();
    let mut offer = |edit: &dyn Fn(&mut Case)| {
        let mut it = case.clone();
        edit(&mut it);
        if it != *case {
            smaller.push(it);
        }
    };
    let n_faults = case.faults.len();
    offer(&|it| it.faults.truncate(n_faults / 2));
    offer(&|it| drop(it.faults.drain(..n_faults / 2)));
    offer(&|it| it.crash = 0);
    offer(&|it| it.abort = None);
    offer(&|it| it.pause = None);
    offer(&|it| it.n_targets = 1);
    offer(&|it| it.has_hook = false);
    offer(&|it| it.room = Room::Plenty);
    offer(&|it| it.n_agents = 1);
    offer(&|it| it.grade = Grade::Durable);
    for fault_idx in 0..n_faults {
        offer(&|it| drop(it.faults.remove(fault_idx)));
    }
    offer(&|it| it.calm /= 2);
    offer(&|it| it.calm = it.calm * 9 / 10);
    smaller
}

/// Runs a case; a failure is shrunk, and told with the command that repeats it.
#[track_caller]
pub(crate) fn check(case: &Case) {
    let Err((violation, _)) = case.run() else {
        return;
    };
    let smallest = shrink(case, |it| it.run().err().map(|it| it.0));
    let Err((violation, driver)) = smallest.run() else {
        panic!("{violation}: {case}; it does not fail again")
    };
    panic!(
        "{violation}\n  of: {case}\n  shortest: {smallest}\n  again: CASE='{smallest}' cargo test \
         --no-default-features --test operations the_case_that_is_asked_for\n  at {}; journal:\n{}",
        Location::caller(),
        driver.told()
    );
}
