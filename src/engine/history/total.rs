//! Several series as one: their sum, where each of them is known.

use super::bucket::{Buckets, Found};
use crate::fleet::{Metric, Point, Timestamp};

/// What was seen, and the same with its gaps filled by another source.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    own: Buckets,
    pub(super) whole: Buckets,
}

impl From<Buckets> for Filled {
    fn from(own: Buckets) -> Self {
        Self {
            whole: own.clone(),
            own,
        }
    }
}

/// Returns the first step at which anything was seen of what was asked of one series.
///
/// Of a place that is watched, and of whose money nothing is known, the money still counts:
/// a sum without it would be a part that looks like all.
pub(super) fn begin(metrics: &[Filled]) -> Option<usize> {
    let first = |it: &Filled| (0..it.own.sums.len()).find(|idx| it.own.found(*idx).is_some());
    metrics.iter().filter_map(first).min()
}

/// Adds up series step by step.
///
/// A series counts from the step on at which it `begins`; where one that counts is
/// not known, neither is the sum. What another source knows closes a gap of the sum
/// only where it knows every series: a part of them is not all.
pub(super) fn points(series: &[&Filled], begins: &[Option<usize>], metric: Metric) -> Vec<Point> {
    let [first, ..] = series else {
        return Vec::new();
    };
    if series.len() == 1 {
        return first.whole.points(metric);
    }
    let n_steps = first.own.sums.len();
    (0..n_steps)
        .map(|step_idx| {
            let at = first.own.begin_of(step_idx);
            let whole: Option<Vec<Found>> =
                series.iter().map(|it| it.whole.found(step_idx)).collect();
            let counted = series.iter().zip(begins);
            let counted = counted.filter(|it| it.1.is_some_and(|begin| begin <= step_idx));
            let seen = || counted.map(|it| it.0.own.found(step_idx)).collect();
            let found: Option<Vec<Found>> = whole.or_else(seen);
            match found.as_deref() {
                None | Some([]) => Point::gap(at),
                Some(found) => together(at, found, metric),
            }
        })
        .collect()
}

fn together(at: Timestamp, found: &[Found], metric: Metric) -> Point {
    let add = |value: fn(&Found) -> f64| -> f64 {
        let values = found.iter().map(value);
        if metric == Metric::OldestQueuedSeconds {
            values.fold(0.0, f64::max)
        } else {
            values.sum()
        }
    };
    let value = if metric.is_setting() {
        add(|it| it.last)
    } else {
        add(|it| it.mean)
    };
    Point {
        at,
        value: Some(value),
        least: Some(add(|it| it.least)),
        most: Some(add(|it| it.most)),
        seen: found.iter().map(|it| it.seen).fold(1.0, f64::min),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{engine::history::bucket::Piece, fleet::Span};

    fn series(pieces: &[(i64, f64)]) -> Filled {
        let span = Span {
            from: Timestamp::EPOCH,
            until: Timestamp::from_secs(40),
        };
        let mut buckets = Buckets::new(span, Duration::from_secs(10));
        for (at, value) in pieces {
            buckets.add(Piece::flat(*at, at + 10, *value));
        }
        buckets.into()
    }

    fn begin_of(series: &Filled) -> Option<usize> {
        begin(std::slice::from_ref(series))
    }

    #[test]
    fn what_another_source_knows_of_a_part_is_not_the_sum() {
        let seen = series(&[(20, 1.0), (30, 1.0)]);
        let mut filled = seen.clone();
        let told = series(&[(0, 4.0), (10, 4.0)]);
        filled.whole.fill_gaps_from(&told.whole);
        let values = |series: &[&Filled]| -> Vec<Option<f64>> {
            let begins: Vec<_> = series.iter().map(|it| begin_of(it)).collect();
            let points = points(series, &begins, Metric::InService);
            points.iter().map(|it| it.value).collect()
        };
        assert_eq!(
            values(&[&filled, &seen]),
            [None, None, Some(2.0), Some(2.0)]
        );
        let whole = [Some(8.0), Some(8.0), Some(2.0), Some(2.0)];
        assert_eq!(values(&[&filled, &filled]), whole);
    }

    #[test]
    fn a_sum_is_a_gap_where_a_part_is() {
        let whole = series(&[(0, 1.0), (10, 1.0), (20, 1.0), (30, 1.0)]);
        // Begins later, and is not known in the end.
        let partly = series(&[(10, 5.0), (20, 5.0)]);
        let both = [&whole, &partly];
        let begins = both.map(begin_of);
        let sum = points(&both, &begins, Metric::InService);
        let values: Vec<_> = sum.iter().map(|it| it.value).collect();
        assert_eq!(values, [Some(1.0), Some(6.0), Some(6.0), None]);
    }

    #[test]
    fn money_that_was_never_known_of_a_place_that_was_seen_is_missing_in_the_sum() {
        let known = series(&[(0, 1.0), (10, 1.0), (20, 1.0), (30, 1.0)]);
        let (machines, money) = (known.clone(), series(&[]));
        let begins = [begin_of(&known), begin(&[money.clone(), machines])];
        let sum = points(&[&known, &money], &begins, Metric::UsdPerHour);
        assert!(sum.iter().all(|it| it.value.is_none()), "{sum:?}");
    }
}
