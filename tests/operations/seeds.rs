//! Thousands of seeds over all verbs: each ends, kills no job, and leaves nothing behind.

use crate::{
    case::Case,
    checks::Violation,
    shrink::{check, shrink},
};

/// `SEEDS=100000 cargo test --release --no-default-features --test operations every_seed` soaks.
const N_SEEDS: u64 = 2000;

fn asked(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a soak, or one case, is asked for by whoever runs the tests"
    )]
    std::env::var(name).ok()
}

#[test]
fn every_seed_ends_kills_no_job_and_leaves_nothing_behind() {
    let wanted = asked("SEEDS");
    let n_seeds = wanted.map_or(N_SEEDS, |it| it.parse().expect("SEEDS is a number"));
    let n_threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    // Each thread takes its share; the lowest failing seed of the first to fail is told.
    std::thread::scope(|scope| {
        for first in 0..n_threads {
            scope.spawn(move || {
                let step = usize::try_from(n_threads).unwrap();
                (first..n_seeds)
                    .step_by(step)
                    .for_each(|it| check(&Case::of(it)));
            });
        }
    });
}

/// `CASE='seed=7 verb=drain …'`, as a failure prints it.
#[test]
fn the_case_that_is_asked_for() {
    if let Some(line) = asked("CASE") {
        check(&line.parse().unwrap());
    }
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
