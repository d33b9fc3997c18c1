//! Steps of time that values are added to: a mean by time, the range, and how much was seen.

use std::time::Duration;

use crate::fleet::{Metric, Point, Span, Timestamp};

/// What holds over a piece of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    /// Seconds since the epoch.
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) mean: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) last: f64,
    /// How much of it was seen, from 0 to 1.
    pub(super) seen: f64,
}

impl Piece {
    pub(super) fn flat(from: i64, until: i64, value: f64) -> Self {
        Self {
            from,
            until,
            mean: value,
            least: value,
            most: value,
            last: value,
            seen: 1.0,
        }
    }
}

/// The steps of a span.
///
/// What lies before or after the span counts for nothing, also where a step goes on:
/// the sum over the steps is the sum over the span.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    span_from: Timestamp,
    begins: i64,
    ends: i64,
    pub(super) from: i64,
    pub(super) step: i64,
    pub(super) sums: Vec<Sum>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    /// Values times seconds.
    total: f64,
    /// Seconds.
    pub(super) seen: f64,
    least: f64,
    most: f64,
    last: f64,
    last_until: i64,
}

impl Sum {
    const NOTHING: Self = Self {
        total: 0.0,
        seen: 0.0,
        least: f64::INFINITY,
        most: f64::NEG_INFINITY,
        last: 0.0,
        last_until: i64::MIN,
    };
}

/// What was found for one step; nothing is made of a step that was not seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) mean: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) last: f64,
    pub(super) seen: f64,
}

impl Buckets {
    /// Cuts a span into steps that begin at multiples of a step, so that they do not wander.
    pub(super) fn new(span: Span, step: Duration) -> Self {
        let step = i64::try_from(step.as_secs()).unwrap_or(i64::MAX).max(1);
        let from = seconds(span.from).div_euclid(step) * step;
        let ends = seconds(span.until);
        let length = (ends - from).max(0);
        let n = usize::try_from(length.div_euclid(step) + i64::from(length % step != 0));
        let n = n.unwrap_or(0).min(N_STEPS_MAX);
        Self {
            span_from: span.from,
            begins: seconds(span.from),
            ends,
            from,
            step,
            sums: vec![Sum::NOTHING; n],
        }
    }

    /// Returns the same steps, to which nothing is added that comes after `now`.
    ///
    /// The second that has begun counts: what was read in it is shown at once.
    pub(super) fn until(mut self, now: Timestamp) -> Self {
        self.ends = self.ends.min(seconds(now).saturating_add(1));
        self
    }

    /// Adds what holds over a piece of time to every step that it touches.
    pub(super) fn add(&mut self, piece: Piece) {
        let n_steps = i64::try_from(self.sums.len()).unwrap_or(i64::MAX);
        let from = piece.from.max(self.begins);
        let until = piece.until.min(self.from + n_steps * self.step);
        let until = until.min(self.ends);
        if until <= from || piece.seen <= 0.0 {
            return;
        }
        let first = (from - self.from) / self.step;
        let last = (until - 1 - self.from) / self.step;
        for step_idx in first..=last {
            let begins = self.from + step_idx * self.step;
            let secs = (until.min(begins + self.step) - from.max(begins)).max(0);
            let Some(sum) = usize::try_from(step_idx)
                .ok()
                .and_then(|it| self.sums.get_mut(it))
            else {
                return;
            };
            let secs = f64::from(u32::try_from(secs).unwrap_or(u32::MAX)) * piece.seen;
            sum.total += piece.mean * secs;
            sum.seen += secs;
            sum.least = sum.least.min(piece.least);
            sum.most = sum.most.max(piece.most);
            if sum.last_until <= piece.until {
                (sum.last, sum.last_until) = (piece.last, piece.until);
            }
        }
    }

    /// Adds what was seen at other times of the same steps.
    pub(super) fn join(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            sum.total += other.total;
            sum.seen += other.seen;
            sum.least = sum.least.min(other.least);
            sum.most = sum.most.max(other.most);
            if sum.last_until <= other.last_until {
                (sum.last, sum.last_until) = (other.last, other.last_until);
            }
        }
    }

    /// Fills the steps in which nothing was seen from another source.
    pub(super) fn fill_gaps_from(&mut self, other: &Self) -> bool {
        let mut has_filled = false;
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            if sum.seen <= 0.0 && 0.0 < other.seen {
                *sum = *other;
                has_filled = true;
            }
        }
        has_filled
    }

    pub(super) fn has_gaps(&self) -> bool {
        self.sums.iter().any(|it| it.seen <= 0.0)
    }

    pub(super) fn found(&self, step_idx: usize) -> Option<Found> {
        let sum = self.sums.get(step_idx).filter(|it| 0.0 < it.seen)?;
        let step = f64::from(i32::try_from(self.step).unwrap_or(i32::MAX));
        Some(Found {
            mean: sum.total / sum.seen,
            least: sum.least,
            most: sum.most,
            last: sum.last,
            seen: (sum.seen / step).min(1.0),
        })
    }

    pub(super) fn at(&self, step_idx: usize) -> i64 {
        self.from + self.step * i64::try_from(step_idx).unwrap_or(i64::MAX)
    }

    /// Returns when a step begins; the first begins with the span.
    ///
    /// That may be within a second: a step that began before the span would not be of it.
    pub(super) fn begin_of(&self, step_idx: usize) -> Timestamp {
        Timestamp::from_secs(self.at(step_idx)).max(self.span_from)
    }

    pub(super) fn points(&self, metric: Metric) -> Vec<Point> {
        let steps = 0..self.sums.len();
        steps
            .map(|step_idx| {
                let at = self.begin_of(step_idx);
                self.found(step_idx).map_or(Point::gap(at), |it| Point {
                    at,
                    value: Some(if metric.is_setting() {
                        it.last
                    } else {
                        it.mean
                    }),
                    least: Some(it.least),
                    most: Some(it.most),
                    seen: it.seen,
                })
            })
            .collect()
    }
}

/// More steps than any screen has columns, and a bound for a mistaken question.
const N_STEPS_MAX: usize = 100_000;

pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(from: i64, until: i64, step: u64) -> Buckets {
        let at = Timestamp::from_secs;
        let span = Span {
            from: at(from),
            until: at(until),
        };
        Buckets::new(span, Duration::from_secs(step))
    }

    #[test]
    fn a_mean_goes_by_time_and_the_range_is_kept() {
        let mut buckets = buckets(0, 60, 60);
        buckets.add(Piece::flat(0, 45, 4.0));
        buckets.add(Piece::flat(45, 60, 8.0));
        let found = buckets.found(0).unwrap();
        assert_eq!((found.mean, found.least, found.most), (5.0, 4.0, 8.0));
        assert_eq!((found.last, found.seen), (8.0, 1.0));
        let desired = buckets.points(Metric::Desired);
        assert_eq!(desired[0].value, Some(8.0), "a setting has no mean");
    }

    #[test]
    fn what_was_not_seen_is_a_gap() {
        let mut buckets = buckets(30, 100, 30);
        buckets.add(Piece::flat(0, 40, 1.0));
        let points = buckets.points(Metric::InService);
        let values: Vec<_> = points.iter().map(|it| it.value).collect();
        assert_eq!(values, [Some(1.0), None, None]);
        assert!((points[0].seen - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn what_two_have_seen_of_a_step_is_one_mean() {
        let (mut part, mut whole) = (buckets(0, 120, 60), buckets(0, 120, 60));
        part.add(Piece::flat(0, 15, 2.0));
        whole.add(Piece::flat(15, 60, 6.0));
        whole.add(Piece::flat(60, 90, 7.0));
        part.join(&whole);
        let found = part.found(0).unwrap();
        assert_eq!((found.mean, found.least, found.most), (5.0, 2.0, 6.0));
        assert_eq!((found.last, found.seen), (6.0, 1.0));
        let found = part.found(1).unwrap();
        assert_eq!((found.mean, found.seen), (7.0, 0.5));
    }

    #[test]
    fn steps_do_not_wander_with_the_span() {
        let at = |from| buckets(from, 100, 30).at(0);
        assert_eq!((at(31), at(59), at(60)), (30, 30, 60));
        assert_eq!(buckets(50, 20, 30).sums.len(), 0, "a span that ends first");
    }

    #[test]
    fn the_steps_of_a_span_sum_up_to_what_was_in_it() {
        // Seven steps of a minute, the first and the last of them cut.
        let mut buckets = buckets(50, 380, 60);
        buckets.add(Piece::flat(0, 1000, 2.0));
        let points = buckets.points(Metric::UsdPerHour);
        let sum: f64 = points
            .iter()
            .map(|it| it.value.unwrap() * it.seen * 60.0)
            .sum();
        assert!((sum - 660.0).abs() < 1e-9, "{sum} dollar-seconds");
        let begins: Vec<i64> = points.iter().map(|it| it.at.as_millis() / 1000).collect();
        assert_eq!(begins, [50, 60, 120, 180, 240, 300, 360]);
    }
}
