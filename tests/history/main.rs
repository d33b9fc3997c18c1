//! The past: what is kept, what becomes of it with age, and what goes wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ageing;
mod asking;
mod costing;
mod faults;
mod filling;
mod keeping;
mod killed;

use std::time::Duration;

use pooldeck::{
    engine::{Kept, PastQuery, Store, Whose},
    fleet::{Metric, Past, Point, PoolKey, Sample, Span, Timestamp, Values},
};

const ACCOUNT: &str = "123456789012";
const SCOPE: &str = "prod/us-east-1";
/// The beginning of a day.
const START: i64 = 1_772_409_600;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

fn span(from: i64, until: i64) -> Span {
    Span {
        from: at(from),
        until: at(until),
    }
}

/// A sample of one pool, `workhorse`, that stands for 45 s.
fn sample(secs: i64, values: &[(Metric, f64)]) -> Sample {
    let values: Values = values.iter().copied().collect();
    Sample {
        at: at(secs),
        scope: SCOPE.into(),
        account: ACCOUNT.to_owned(),
        good_for: Duration::from_secs(45),
        pools: vec![("workhorse".into(), values)],
        total: values,
    }
}

fn in_service(secs: i64, n: f64) -> Sample {
    sample(secs, &[(Metric::InService, n)])
}

fn workhorse() -> PoolKey {
    PoolKey::new(SCOPE, "workhorse")
}

fn whose() -> Whose {
    Whose {
        scopes: vec![(SCOPE.into(), Some(ACCOUNT.to_owned()))],
    }
}

fn query(metrics: &[Metric], span: Span, n_points: usize) -> PastQuery {
    PastQuery {
        pool: Some(workhorse()),
        metrics: metrics.to_vec(),
        span,
        n_points,
    }
}

/// Asks for the instances in service of `workhorse`.
fn ask(store: &Store, span: Span, n_points: usize) -> Past {
    let query = query(&[Metric::InService], span, n_points);
    store.past(&query, &whose()).unwrap()
}

fn values(past: &Past) -> Vec<Option<f64>> {
    let points = past.series[0].points.iter();
    points.map(|it: &Point| it.value).collect()
}

fn keep(store: &mut Store, sample: &Sample) {
    assert_eq!(store.append(sample).unwrap(), Kept::Written);
}

/// Does everything that is due.
fn tidy(store: &mut Store, now: Timestamp) {
    let mut n_pieces = 0;
    while store.tidy(now).unwrap() {
        n_pieces += 1;
        assert!(n_pieces < 10_000, "there is always something left to do");
    }
}
