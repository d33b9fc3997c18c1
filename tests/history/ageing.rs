//! With age the past takes less room, and stays honest.

use std::time::Duration;

use pooldeck::{
    cost::past::{SPENT_METRICS, spent},
    engine::{Limits, Store},
    fleet::{Metric, Sample, Timestamp},
};
use tempfile::TempDir;

use crate::{START, ask, at, in_service, keep, query, sample, span, tidy, values, whose};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Every quarter of a minute; a spike of one sample in each hour.
fn spiky(secs: i64) -> Sample {
    let n = if secs % HOUR == 1800 { 40.0 } else { 4.0 };
    in_service(secs, n)
}

fn spiky_days(n_days: i64) -> Store {
    let mut store = Store::in_memory().unwrap();
    for secs in (0..n_days * DAY).step_by(15) {
        keep(&mut store, &spiky(secs));
        if secs % HOUR == 0 {
            tidy(&mut store, at(secs));
        }
    }
    store
}

#[test]
fn an_old_spike_is_still_seen_as_the_most_of_its_step() {
    let store = spiky_days(5);
    // The first day is kept in steps only; a year of hours would not show the spike as a mean.
    let past = ask(&store, span(0, DAY), 24);
    for point in &past.series[0].points {
        assert_eq!(
            (point.least, point.most),
            (Some(4.0), Some(40.0)),
            "{point:?}"
        );
        let mean = point.value.unwrap();
        assert!((mean - (4.0 + 36.0 * 15.0 / 3600.0)).abs() < 0.01, "{mean}");
        assert!(0.99 < point.seen, "{point:?}");
    }
}

#[test]
fn every_fineness_tells_the_same_integral() {
    let store = spiky_days(4);
    let total = |n_points| {
        let past = ask(&store, span(0, 4 * DAY), n_points);
        past.series[0].total_hours().unwrap()
    };
    let expected = 4.0 * 24.0 * (4.0 + 36.0 * 15.0 / 3600.0);
    for n_points in [5, 96, 400, 2000] {
        let found = total(n_points);
        let off = (found - expected).abs() / expected;
        assert!(off < 0.002, "{n_points} points: {found} for {expected}");
    }
}

#[test]
fn a_cheap_machine_costs_the_same_when_it_is_long_ago() {
    // A t4g.nano, a larger one, and something great.
    for rate in [0.0042, 0.1428, 3.6255, 41.5055] {
        let mut store = Store::in_memory().unwrap();
        for secs in (0..4 * DAY).step_by(60) {
            let mut sample = sample(secs, &[(Metric::UsdPerHour, rate), (Metric::Desired, 3.0)]);
            sample.good_for = Duration::from_mins(1);
            keep(&mut store, &sample);
        }
        tidy(&mut store, at(4 * DAY));
        for n_points in [2, 24, 288] {
            let asked = query(&SPENT_METRICS, span(0, DAY), n_points);
            let told = spent(&store.past(&asked, &whose()).unwrap());
            let (told, exact) = (told.total.unwrap().as_f64(), rate * 24.0);
            assert!(
                (told / exact - 1.0).abs() < 0.000_5,
                "{told} told of {exact}"
            );
        }
    }
}

#[test]
fn a_gap_stays_a_gap_when_it_grows_old() {
    let mut store = Store::in_memory().unwrap();
    let is_away = |secs: i64| (6 * HOUR..9 * HOUR).contains(&secs);
    for secs in (0..4 * DAY).step_by(15).filter(|it| !is_away(*it)) {
        keep(&mut store, &in_service(secs, 0.0));
        if secs % HOUR == 0 {
            tidy(&mut store, at(secs));
        }
    }
    let past = ask(&store, span(0, DAY), 24);
    let gaps: Vec<usize> = (0..24).filter(|it| values(&past)[*it].is_none()).collect();
    // The last sample stands for 45 s of the hour that follows it.
    assert!(past.series[0].points[6].seen < 0.02);
    assert_eq!(gaps, [7, 8]);
    assert_eq!(values(&past)[0], Some(0.0), "zero is not a gap");
}

#[test]
fn what_is_too_old_goes() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        raw: Duration::from_hours(24),
        fine: Duration::from_hours(48),
        coarse: Duration::from_hours(72),
        ..Limits::default()
    };
    let opened = Store::open(directory.path(), limits, "me", at(0)).unwrap();
    let mut store = opened.store;
    for secs in (0..6 * DAY).step_by(60) {
        keep(&mut store, &in_service(secs, 4.0));
        if secs % HOUR == 0 {
            tidy(&mut store, at(secs));
        }
    }
    tidy(&mut store, at(6 * DAY));
    let first_known = |n_points| {
        let past = ask(&store, span(0, 6 * DAY), n_points);
        let points = past.series[0].points.iter();
        let known = points.filter(|it| it.value.is_some()).map(|it| it.at);
        known.min().unwrap()
    };
    assert_eq!(first_known(144), Timestamp::from_secs(START + 3 * DAY));
}

#[test]
fn the_file_stays_below_its_limit_and_the_newest_is_kept() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        n_bytes: 512 * 1024,
        ..Limits::default()
    };
    let opened = Store::open(directory.path(), limits, "me", at(0)).unwrap();
    let mut store = opened.store;
    let n_secs = 40 * HOUR;
    for secs in (0..n_secs).step_by(15) {
        let mut noisy = in_service(secs, 0.0);
        // A sample has the known part of a sum only where it lacks the sum.
        let kept = Metric::ALL.iter().filter(|it| it.whole().is_none());
        let values = kept.enumerate().map(|(idx, metric)| {
            let scatter = (secs * 7919 + i64::try_from(idx).unwrap() * 104_729) % 10_007;
            (*metric, f64::from(i32::try_from(scatter).unwrap()) / 3.0)
        });
        noisy.pools[0].1 = values.collect();
        keep(&mut store, &noisy);
        if secs % 300 == 0 {
            tidy(&mut store, at(secs));
        }
    }
    tidy(&mut store, at(n_secs));
    let file = directory.path().join("history.sqlite");
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size <= limits.n_bytes, "{size} bytes");
    let newest = query(&[Metric::InService], span(n_secs - HOUR, n_secs), 10);
    let past = store.past(&newest, &whose()).unwrap();
    assert!(
        values(&past).iter().all(Option::is_some),
        "{:?}",
        values(&past)
    );
    let oldest: i64 = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("select min(start) from block where tier = 0", [], |it| {
            it.get(0)
        })
        .unwrap();
    assert!(
        START + 2 * HOUR < oldest,
        "the oldest went, of {size} bytes"
    );
}
