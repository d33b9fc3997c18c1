//! How much of the executors' time was work.

use serde::Serialize;

use super::{mean, most, seen_hours};
use crate::fleet::{Metric, Past, PoolKey};

/// How a pool was used; what was not seen counts for nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Utilisation {
    #[serde(skip)]
    pub pool: Option<PoolKey>,
    /// Busy executor-hours of all executor-hours, from 0 to 1.
    pub busy_share: Option<f64>,
    pub mean_executors: Option<f64>,
    pub mean_busy: Option<f64>,
    pub most_busy: Option<f64>,
    pub mean_idle: Option<f64>,
    pub most_queued: Option<f64>,
    pub longest_wait_seconds: Option<f64>,
    /// Of how many hours the executors are known.
    pub seen_hours: f64,
    /// The busy share by weekday, Monday first, and hour, in UTC.
    #[serde(rename = "busy_share_by_hour")]
    pub by_hour: [[Option<f64>; 24]; 7],
}

/// Adds up how a pool was used.
pub fn utilisation(past: &Past) -> Utilisation {
    let of = |metric, value: fn(&crate::fleet::Series) -> Option<f64>| {
        past.series(metric).and_then(value)
    };
    let pairs = busy_and_all(past);
    Utilisation {
        pool: past.pool.clone(),
        busy_share: share(pairs.iter().map(|it| (it.1, it.2))),
        mean_executors: of(Metric::TotalExecutors, mean),
        mean_busy: of(Metric::BusyExecutors, mean),
        most_busy: of(Metric::BusyExecutors, most),
        mean_idle: of(Metric::IdleExecutors, mean),
        most_queued: of(Metric::QueuedJobs, most),
        longest_wait_seconds: of(Metric::OldestQueuedSeconds, most),
        seen_hours: past.series(Metric::TotalExecutors).map_or(0.0, seen_hours),
        by_hour: by_hour(&pairs),
    }
}

/// Returns busy and all executor-seconds of each step in which both are known, and when.
fn busy_and_all(past: &Past) -> Vec<(i64, f64, f64)> {
    let series = |metric| past.series(metric).map(|it| (&it.points, it.step));
    let (Some((busy, step)), Some((all, _))) = (
        series(Metric::BusyExecutors),
        series(Metric::TotalExecutors),
    ) else {
        return Vec::new();
    };
    let pairs = busy.iter().zip(all);
    pairs
        .filter_map(|(busy, all)| {
            let secs = step.as_secs_f64() * busy.seen.min(all.seen);
            let at = busy.at.as_millis().div_euclid(1000);
            Some((at, busy.value? * secs, all.value? * secs))
        })
        .collect()
}

fn share(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (busy, all) = pairs.fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    (0.0 < all).then(|| (busy / all).min(1.0))
}

fn by_hour(pairs: &[(i64, f64, f64)]) -> [[Option<f64>; 24]; 7] {
    let mut sums = [[(0.0, 0.0); 24]; 7];
    for (at, busy, all) in pairs {
        let (day, hour) = (at.div_euclid(86_400), at.rem_euclid(86_400) / 3600);
        // The first of January 1970 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        let place = |it: i64| usize::try_from(it).unwrap_or(0);
        let sum: &mut (f64, f64) = &mut sums[place(weekday)][place(hour)];
        sum.0 += busy;
        sum.1 += all;
    }
    sums.map(|day| day.map(|(busy, all)| (0.0 < all).then(|| (busy / all).min(1.0))))
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::past, *};

    #[test]
    fn a_share_goes_by_what_was_seen() {
        let busy = [Some(2.0), None, Some(4.0)];
        let all = [Some(4.0), Some(4.0), Some(4.0)];
        let past = past(&[
            (Metric::BusyExecutors, &busy),
            (Metric::TotalExecutors, &all),
        ]);
        let found = utilisation(&past);
        assert_eq!(found.busy_share, Some(0.75), "the gap is no idleness");
        assert_eq!((found.mean_busy, found.most_busy), (Some(3.0), Some(4.0)));
        let monday = found.by_hour[0];
        assert_eq!(monday[..3], [Some(0.5), None, Some(1.0)]);
        assert!(found.by_hour[1].iter().all(Option::is_none));
    }

    #[test]
    fn a_pool_without_executors_has_no_share() {
        let none = [Some(0.0)];
        let past = past(&[
            (Metric::BusyExecutors, &none),
            (Metric::TotalExecutors, &none),
        ]);
        assert_eq!(utilisation(&past).busy_share, None);
        assert_eq!(utilisation(&past).mean_busy, Some(0.0));
    }
}
