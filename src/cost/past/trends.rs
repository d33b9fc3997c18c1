//! What the last days say against a pool. Every sentence carries its evidence.

use std::{collections::BTreeMap, time::Duration};

use super::{dollars, most, readiness, seen_hours};
use crate::fleet::{
    LaunchFailure, MarkerKind, Metric, Past, PoolKey, Series, Trend, TrendKind, Usd, short_duration,
};

/// How far back a trend is looked for.
pub const TREND_SPAN: Duration = Duration::from_hours(24);
/// How far back boots are compared: images change less often than sizes.
pub const TREND_BOOTS_SPAN: Duration = Duration::from_hours(7 * 24);
/// What has to be asked for.
pub const TREND_METRICS: [Metric; 8] = [
    Metric::Desired,
    Metric::InService,
    Metric::TotalExecutors,
    Metric::BusyExecutors,
    Metric::IdleExecutors,
    Metric::BootingUsd,
    Metric::DrainingUsd,
    Metric::IdleUsd,
];

/// Less than this much of a past says nothing about a habit.
const SEEN_HOURS_MIN: f64 = 4.0;
/// Turns of desired in an hour from which on it flaps.
const TURNS_PER_HOUR: f64 = 2.0;
/// The share of idle executors from which on a pool is too large.
const IDLE_SHARE: f64 = 0.5;
/// Launch failures of one cause in one zone that are worth a word.
const N_FAILURES: usize = 3;
/// Boots of each image that make a comparison.
const N_BOOTS: usize = 3;
/// How much longer a newer image may take.
const SLOWER: f64 = 1.3;

/// Finds what the past says against a pool.
pub fn trends(past: &Past) -> Vec<Trend> {
    let Some(pool) = &past.pool else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(flapping(pool, past));
    // A pool that never changes its size is told that, and not that it idles as well.
    match static_size(pool, past) {
        Some(it) => found.push(it),
        None => found.extend(idle(pool, past)),
    }
    found.extend(launch_failures(pool, past));
    found.extend(slow_boots(pool, past));
    found
}

fn seen(past: &Past, metric: Metric) -> Option<&Series> {
    past.series(metric)
        .filter(|it| SEEN_HOURS_MIN <= seen_hours(it))
}

/// Counts how often desired turned around; a step in the same direction is no turn.
fn n_turns(series: &Series) -> usize {
    let values = series.points.iter().filter_map(|it| it.value);
    let (mut n_turns, mut last, mut direction) = (0, None, 0);
    for value in values {
        let moved = last.map_or(0, |last| match value.total_cmp(&last) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        });
        if moved != 0 {
            n_turns += usize::from(direction == -moved);
            direction = moved;
        }
        last = Some(value);
    }
    n_turns
}

fn flapping(pool: &PoolKey, past: &Past) -> Option<Trend> {
    let desired = seen(past, Metric::Desired)?;
    let (n_turns, hours) = (n_turns(desired), seen_hours(desired));
    let per_hour = f64::from(u32::try_from(n_turns).ok()?) / hours;
    if per_hour < TURNS_PER_HOUR {
        return None;
    }
    let parts = [Metric::BootingUsd, Metric::DrainingUsd].map(|it| dollars(past, it));
    let usd = parts.iter().copied().sum::<Option<Usd>>();
    let cost = usd.map_or(String::new(), |it| format!("; boots and drains cost {it}"));
    Some(Trend {
        pool: pool.clone(),
        kind: TrendKind::Flapping,
        why: format!(
            "desired turned around {n_turns} times in {hours:.0} h, {per_hour:.1} times an hour{cost}"
        ),
        usd,
    })
}

fn idle(pool: &PoolKey, past: &Past) -> Option<Trend> {
    let idle = seen(past, Metric::IdleExecutors)?.total_hours()?;
    let all = seen(past, Metric::TotalExecutors)?;
    let hours = seen_hours(all);
    let all = all.total_hours().filter(|it| 0.0 < *it)?;
    let share = idle / all;
    if share < IDLE_SHARE {
        return None;
    }
    let usd = dollars(past, Metric::IdleUsd);
    let cost = usd.map_or(String::new(), |it| format!("; that cost {it}"));
    Some(Trend {
        pool: pool.clone(),
        kind: TrendKind::Idle,
        why: format!(
            "{:.0} % of the executors' time was idle in the {hours:.0} h that were seen{cost}",
            share * 100.0
        ),
        usd,
    })
}

/// A pool that is as large at night as at noon, and never needed all of it.
fn static_size(pool: &PoolKey, past: &Past) -> Option<Trend> {
    let size = seen(past, Metric::InService)?;
    let hours = seen_hours(size);
    // Less than most of a day says nothing about the night.
    if hours < 18.0 {
        return None;
    }
    let desired = past.series(Metric::Desired);
    let set = desired.filter(|it| it.last().is_some()).unwrap_or(size);
    let least = set.points.iter().filter_map(|it| it.least);
    let least = least.min_by(f64::total_cmp)?;
    let largest = most(set).filter(|it| 0.0 < *it)?;
    let busy = most(seen(past, Metric::BusyExecutors)?)?;
    let all = most(seen(past, Metric::TotalExecutors)?).filter(|it| 0.0 < *it)?;
    let is_static = least.total_cmp(&largest).is_eq();
    if !is_static || 0.8 * all <= busy {
        return None;
    }
    let usd = dollars(past, Metric::IdleUsd);
    let cost = usd.map_or(String::new(), |it| format!("; idle machines cost {it}"));
    Some(Trend {
        pool: pool.clone(),
        kind: TrendKind::StaticSize,
        why: format!(
            "its size was {largest:.0} for all {hours:.0} h, and never more than {busy:.0} of {all:.0} executors were busy{cost}"
        ),
        usd,
    })
}

fn launch_failures(pool: &PoolKey, past: &Past) -> Vec<Trend> {
    let mut counts: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
    let failures = past.markers.iter();
    for it in failures.filter(|it| it.kind == MarkerKind::LaunchFailure) {
        let failure = LaunchFailure::parse(&it.what);
        *counts.entry((failure.cause, failure.zone)).or_default() += 1;
    }
    let counts = counts.into_iter().filter(|it| N_FAILURES <= it.1);
    let length = short_duration(past.span.length());
    counts
        .map(|((cause, zone), n)| {
            let zone = zone.map_or(String::new(), |it| format!(" in {it}"));
            Trend {
                pool: pool.clone(),
                kind: TrendKind::LaunchFailures,
                why: format!("{n} launches failed in {length}{zone}: {cause}"),
                usd: None,
            }
        })
        .collect()
}

/// Compares the newest image with the one before it, of the same type.
fn slow_boots(pool: &PoolKey, past: &Past) -> Option<Trend> {
    let groups = readiness(&past.boots);
    groups.iter().enumerate().find_map(|(idx, newer)| {
        let enough = |it: &super::Took| N_BOOTS <= it.n;
        let new = newer.registered.filter(enough)?;
        let is_older = |it: &&super::Readiness| {
            it.instance_type == newer.instance_type && it.image != newer.image
        };
        let older = groups[idx + 1..].iter().find(is_older)?;
        let old = older.registered.filter(enough)?;
        if new.median.as_secs_f64() < old.median.as_secs_f64() * SLOWER {
            return None;
        }
        let name = |it: &super::Readiness| {
            let image = it.image.as_ref();
            image.map_or("no image".to_owned(), ToString::to_string)
        };
        Some(Trend {
            pool: pool.clone(),
            kind: TrendKind::SlowBoots,
            why: format!(
                "{} takes {} to register, {} took {} (medians of {} and {} boots)",
                name(newer),
                short_duration(new.median),
                name(older),
                short_duration(old.median),
                new.n,
                old.n
            ),
            usd: None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::past, *};
    use crate::fleet::{Boot, Marker, Timestamp};

    fn kinds(past: &Past) -> Vec<TrendKind> {
        trends(past).iter().map(|it| it.kind).collect()
    }

    fn saw(n: usize, values: &[f64]) -> Vec<Option<f64>> {
        (0..n).map(|it| Some(values[it % values.len()])).collect()
    }

    #[test]
    fn a_desired_that_goes_up_and_down_flaps_and_one_that_climbs_does_not() {
        let mut flapping = past(&[(Metric::Desired, &saw(8, &[4.0, 8.0]))]);
        // Four samples an hour instead of one: six turns in two hours.
        flapping.series[0].step = Duration::from_hours(1);
        assert_eq!(kinds(&flapping), [], "less than once an hour");
        let mut points = flapping.series[0].points.clone();
        for _ in 0..3 {
            points.extend(flapping.series[0].points.clone());
        }
        flapping.series[0].points = points;
        flapping.series[0].step = Duration::from_mins(15);
        let found = trends(&flapping);
        assert_eq!(found[0].kind, TrendKind::Flapping);
        assert!(found[0].why.contains("30 times in 8 h"), "{}", found[0].why);
        let climbing: Vec<_> = (0..24).map(|it| Some(f64::from(it))).collect();
        assert_eq!(kinds(&past(&[(Metric::Desired, &climbing)])), []);
    }

    #[test]
    fn an_idle_pool_is_told_what_it_cost() {
        let idle = past(&[
            (Metric::IdleExecutors, &saw(6, &[3.0])),
            (Metric::TotalExecutors, &saw(6, &[4.0])),
            (Metric::IdleUsd, &saw(6, &[0.5])),
        ]);
        let found = trends(&idle);
        assert_eq!(found[0].kind, TrendKind::Idle);
        assert_eq!(found[0].usd, Some(Usd::from_cents(300)));
        assert!(found[0].why.starts_with("75 %"), "{}", found[0].why);
        let busy = past(&[
            (Metric::IdleExecutors, &saw(6, &[1.0])),
            (Metric::TotalExecutors, &saw(6, &[4.0])),
        ]);
        assert_eq!(kinds(&busy), []);
        let unseen = past(&[
            (Metric::IdleExecutors, &saw(2, &[4.0])),
            (Metric::TotalExecutors, &saw(2, &[4.0])),
        ]);
        assert_eq!(kinds(&unseen), [], "two hours are no habit");
    }

    #[test]
    fn a_size_that_never_changes_is_paid_for_at_night() {
        let day = |most_busy: f64| {
            past(&[
                (Metric::Desired, &saw(24, &[6.0])),
                (Metric::InService, &saw(24, &[6.0])),
                (Metric::BusyExecutors, &saw(24, &[0.0, most_busy])),
                (Metric::TotalExecutors, &saw(24, &[6.0])),
            ])
        };
        let found = trends(&day(3.0));
        assert_eq!(found[0].kind, TrendKind::StaticSize);
        assert!(
            found[0].why.contains("3 of 6 executors"),
            "{}",
            found[0].why
        );
        assert_eq!(kinds(&day(6.0)), [], "it was needed");
    }

    #[test]
    fn launch_failures_are_counted_by_cause_and_zone() {
        let mut past = past(&[]);
        let failure = |zone: &str| Marker {
            at: past.span.from,
            pool: past.pool.clone(),
            kind: MarkerKind::LaunchFailure,
            what: format!("InsufficientInstanceCapacity in {zone}: no capacity"),
        };
        past.markers = vec![
            failure("us-east-1d"),
            failure("us-east-1d"),
            failure("us-east-1a"),
            failure("us-east-1d"),
        ];
        let found = trends(&past);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].why.contains("3 launches failed") && found[0].why.contains("us-east-1d"),
            "{}",
            found[0].why
        );
    }

    #[test]
    fn an_image_that_boots_slower_is_named_beside_the_one_before() {
        let boot = |image: &str, n: i64, took: i64| Boot {
            instance: format!("i-{n}").into(),
            pool: PoolKey::new("prod/us-east-1", "workhorse"),
            image: Some(image.into()),
            instance_type: "c7i.2xlarge".to_owned(),
            zone: "us-east-1a".to_owned(),
            requested_at: Some(Timestamp::from_secs(n * 1000)),
            running_at: None,
            registered_at: Some(Timestamp::from_secs(n * 1000 + took)),
            first_job_at: None,
        };
        let mut past = past(&[]);
        past.boots = (0..6)
            .map(|it| {
                boot(
                    if it < 3 { "ami-1" } else { "ami-2" },
                    it,
                    if it < 3 { 100 } else { 180 },
                )
            })
            .collect();
        let found = trends(&past);
        assert_eq!(found[0].kind, TrendKind::SlowBoots);
        assert!(
            found[0].why.starts_with("ami-2 takes 3m00s"),
            "{}",
            found[0].why
        );
        past.boots.pop();
        assert_eq!(kinds(&past), [], "two boots are chance");
    }
}
