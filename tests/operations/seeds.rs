//! Thousands of seeds over all verbs: each ends, kills no job, and leaves nothing behind.

use std::{
    num::NonZero,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{
    case::Case,
    checks::Violation,
    shrink::{check, shrink},
};

/// `SEEDS=100000 cargo test --release --no-default-features --test operations every_seed` soaks;
/// `SEEDS=7000..9000 VERB=surge,canary` looks closer.
const N_SEEDS: u64 = 2040;

fn asked(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a soak, or one case, is asked for by whoever runs the tests"
    )]
    std::env::var(name).ok()
}

/// Returns the seeds that are asked for, `N` or `FROM..TO`.
fn seeds() -> Range<u64> {
    let Some(wanted) = asked("SEEDS") else {
        return 0..N_SEEDS;
    };
    let number = |it: &str| it.parse().expect("SEEDS is a number, or two");
    match wanted.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&wanted),
    }
}

#[test]
fn every_seed_ends_kills_no_job_and_leaves_nothing_behind() {
    let verbs = asked("VERB");
    let is_wanted = |it: &Case| {
        let name = it.verb.name();
        verbs
            .as_ref()
            .is_none_or(|it| it.split(',').any(|it| it == name))
    };
    let n_threads = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let (seeds, n_run, failed) = (seeds(), AtomicU64::new(0), Mutex::new(Vec::new()));
    // Each thread takes its share, and goes on after a failure: a soak tells all of them.
    thread::scope(|scope| {
        for first in 0..n_threads {
            let (from, to) = (seeds.start + first, seeds.end);
            let (n_run, failed) = (&n_run, &failed);
            scope.spawn(move || {
                let share = (from..to).step_by(usize::try_from(n_threads).unwrap());
                for case in share.map(Case::of).filter(is_wanted) {
                    n_run.fetch_add(1, Ordering::Relaxed);
                    if let Err((violation, _)) = case.run() {
                        let line = format!("{violation}: {case}");
                        failed.lock().unwrap().push((case.seed, line));
                    }
                }
            });
        }
    });
    let (n_run, mut failed) = (n_run.into_inner(), failed.into_inner().unwrap());
    failed.sort();
    let Some((seed, _)) = failed.first() else {
        assert!(0 < n_run, "no seed was asked for");
        return;
    };
    let lines: Vec<&str> = failed.iter().map(|it| it.1.as_str()).collect();
    let (n_failed, lines) = (failed.len(), lines.join("\n"));
    eprintln!("{n_failed} of {n_run} seeds failed, and the first is made smaller:\n{lines}");
    check(&Case::of(*seed));
    panic!("seed {seed} failed, and does not fail again");
}

/// `CASE='seed=7 verb=drain …'`, as a failure prints it; with `SHRINK=no` as it is.
#[test]
fn the_case_that_is_asked_for() {
    let Some(line) = asked("CASE") else { return };
    let case: Case = line.parse().unwrap();
    if asked("SHRINK").is_some_and(|it| it == "no")
        && let Err((violation, driver)) = case.run()
    {
        panic!("{violation}\n{}", driver.told());
    }
    check(&case);
}

#[test]
fn a_case_is_one_line_and_back() {
    for seed in 0..100 {
        let case = Case::of(seed);
        assert_eq!(case.to_string().parse(), Ok(case));
    }
}

#[test]
fn the_same_seed_gives_the_same_journal_byte_for_byte() {
    for seed in 0..60 {
        let journal = || {
            let ran = Case::of(seed).run();
            ran.map_err(|it| it.0).unwrap().told()
        };
        assert_eq!(journal(), journal(), "seed {seed}");
    }
}

#[test]
fn a_failing_case_is_shrunk_to_what_makes_it_fail() {
    let case = Case {
        n_targets: 3,
        ..Case::of(7)
    };
    // Fails wherever replies are lost and two go.
    let fails = |it: &Case| {
        let is_so = it.has("lost-reply") && 1 < it.n_targets;
        is_so.then(|| Violation {
            invariant: 1,
            what: String::new(),
        })
    };
    assert!(fails(&case).is_some());
    let smallest = shrink(&case, fails);
    assert_eq!(smallest.faults, ["lost-reply"]);
    assert_eq!(
        (smallest.crash, smallest.abort, smallest.n_targets),
        (0, None, 3)
    );
    assert_eq!(smallest.calm, 0);
}

/// Found by simulation: a clock was set forward between two readings, and what had been
/// watched for half a minute passed for a minute of idleness.
#[test]
fn seed_571_a_clock_that_is_set_forward_proves_no_idleness() {
    let faults = "faults=ci-lost-reply,ci-refused,sets-clock";
    let line = format!("seed=571 verb=drain targets=3 calm=16 {faults}");
    check(&line.parse().unwrap());
}
