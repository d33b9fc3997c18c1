//! What a month of 200 pools costs: the size of the history, the time of a
//! write, and the time of any graph, from its questions to the cells.
//!
//! `cargo bench --no-default-features --bench history` prints the numbers, and
//! fails when one of them is worse than what was promised. A number after `--`
//! is how many days are written instead of 30.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints what it measured"
)]

mod graphs;
#[path = "../common/rows.rs"]
mod rows;

use std::{
    env,
    hash::{DefaultHasher, Hash, Hasher},
    hint,
    path::Path,
    time::{Duration, Instant},
};

use pooldeck::{
    engine::{Kept, Limits, Store, Whose},
    fleet::{Metric, PoolKey, PoolName, Sample, Timestamp, Values},
};

const N_POOLS: u32 = 200;
const N_DAYS: i64 = 30;
const STEP: i64 = 15;
const START: i64 = 1_772_409_600;
const SCOPE: &str = "prod/us-east-1";
const ACCOUNT: &str = "123456789012";

fn main() {
    let n_days = env::args().find_map(|it| it.parse().ok()).unwrap_or(N_DAYS);
    let directory = tempfile::tempdir().unwrap();
    let opened = Store::open(directory.path(), Limits::default(), "bench", at(0)).unwrap();
    let mut store = opened.store;
    let names: Vec<PoolName> = (0..N_POOLS)
        .map(|it| format!("pool-{it:03}").into())
        .collect();
    let mut fleet: Vec<Pool> = (0..N_POOLS).map(Pool::new).collect();
    let (mut writes, mut pieces) = (Vec::new(), Vec::new());
    for secs in (0..n_days * 86_400).step_by(usize::try_from(STEP).unwrap()) {
        let sample = sample(secs, &names, &mut fleet);
        let began = Instant::now();
        assert_eq!(store.append(&sample).unwrap(), Kept::Written);
        writes.push(began.elapsed());
        if secs % 60 == 0 {
            tidy(&mut store, at(secs), &mut pieces);
        }
    }
    tidy(&mut store, at(n_days * 86_400), &mut pieces);
    let size = file_size(directory.path());
    println!(
        "{} samples of {N_POOLS} pools: {} MB",
        writes.len(),
        size / 1_000_000
    );
    let write = report("one sample written", &mut writes);
    report("one piece of tidying", &mut pieces);
    let now = at(n_days * 86_400);
    let look_back = look_back(&store, &names, now);
    let graph = graphs::measure(&store, &names, now);
    assert!(size <= 200_000_000, "the history is too large");
    assert!(write <= Duration::from_millis(5), "a write takes too long");
    assert!(graph <= Duration::from_millis(50), "a graph takes too long");
    assert!(
        look_back <= Duration::from_millis(500),
        "a summary takes too long"
    );
}

/// Looks for the trends of all pools, as `summary` does.
fn look_back(store: &Store, names: &[PoolName], now: Timestamp) -> Duration {
    let whose = Whose {
        scopes: vec![(SCOPE.into(), Some(ACCOUNT.to_owned()))],
    };
    let pools = names.iter().map(|it| PoolKey::new(SCOPE, it.as_str()));
    let pools: Vec<PoolKey> = pools.collect();
    let mut took: Vec<Duration> = (0..5)
        .map(|_| {
            let began = Instant::now();
            hint::black_box(store.trends(&pools, &whose, now));
            began.elapsed()
        })
        .collect();
    report(
        "the trends of all pools, as a summary tells them",
        &mut took,
    )
}

/// Prints the median, the 99th percentile and the worst; returns the percentile.
fn report(what: &str, took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    let (median, p99) = (at(50), at(99));
    println!(
        "{what}: median {median:.1?}, p99 {p99:.1?}, worst {:.1?}",
        at(100)
    );
    p99
}

fn tidy(store: &mut Store, now: Timestamp, pieces: &mut Vec<Duration>) {
    loop {
        let began = Instant::now();
        if !store.tidy(now).unwrap() {
            return;
        }
        pieces.push(began.elapsed());
    }
}

fn file_size(directory: &Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap();
    files.map(|it| it.unwrap().metadata().unwrap().len()).sum()
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

/// A pool whose size follows its load; every third never changes its size.
struct Pool {
    idx: u32,
    in_service: u32,
}

impl Pool {
    fn new(idx: u32) -> Self {
        Self {
            idx,
            in_service: 10,
        }
    }

    fn values(&mut self, secs: i64) -> Values {
        let hour = f64::from(i32::try_from(secs % 86_400).unwrap()) / 3600.0;
        let day = ((hour - 13.0) / 5.0).powi(2);
        let jobs = luck(&(self.idx, secs / 45)) % 5;
        let busy = whole(12.0 * (-day).exp()) + u32::try_from(jobs).unwrap();
        let desired = if self.idx.is_multiple_of(3) {
            14
        } else {
            busy + 2
        };
        if secs % 120 == 0 {
            self.in_service = desired;
        }
        let pending = desired.saturating_sub(self.in_service);
        let busy = busy.min(self.in_service);
        let idle = self.in_service - busy;
        let rate = 0.1428
            + f64::from(u32::try_from(luck(&(self.idx, secs / 5400)) % 100).unwrap()) / 10_000.0;
        let mut values = Values::UNKNOWN;
        // Every price is known: the known part of a sum is not kept beside the sum.
        for metric in Metric::ALL.iter().filter(|it| it.whole().is_none()) {
            values.set(*metric, Some(0.0));
        }
        let mut set = |metric, n: u32| values.set(metric, Some(f64::from(n)));
        set(Metric::Desired, desired);
        set(Metric::Min, 2);
        set(Metric::Max, 40);
        set(Metric::InService, self.in_service);
        set(Metric::Pending, pending);
        set(Metric::TotalExecutors, self.in_service);
        set(Metric::BusyExecutors, busy);
        set(Metric::IdleExecutors, idle);
        set(Metric::QueuedJobs, u32::try_from(jobs).unwrap());
        set(
            Metric::OldestQueuedSeconds,
            u32::try_from(secs % 300).unwrap(),
        );
        let mut usd = |metric, n: u32| values.set(metric, Some(f64::from(n) * rate));
        usd(Metric::UsdPerHour, self.in_service + pending);
        usd(Metric::BusyUsd, busy);
        usd(Metric::IdleUsd, idle);
        usd(Metric::WasteUsd, idle);
        usd(Metric::BootingUsd, pending);
        usd(Metric::SpotUsd, self.in_service + pending);
        usd(Metric::SpotSavingUsd, self.in_service);
        values
    }
}

fn sample(secs: i64, names: &[PoolName], fleet: &mut [Pool]) -> Sample {
    let pools = names.iter().zip(fleet);
    let sample = Sample {
        at: at(secs),
        scope: SCOPE.into(),
        account: ACCOUNT.to_owned(),
        good_for: Duration::from_secs(45),
        pools: pools
            .map(|(name, it)| (name.clone(), it.values(secs)))
            .collect(),
        total: Values::UNKNOWN,
    };
    sample.totalled(|_, _| true)
}

fn luck(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish() >> 8
}

fn whole(value: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and not negative"
    )]
    let n = value.max(0.0) as u32;
    n
}
