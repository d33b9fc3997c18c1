//! What the past of a pool comes to: how it was used, what it cost, what it wasted.

mod operation;
mod readiness;
mod savings;
mod spending;
mod trends;
mod utilisation;

pub use operation::{OPERATION_METRICS, OperationCost, beyond_desired, operation_cost};
pub use readiness::{Readiness, Took, readiness};
pub use savings::{SAVINGS_METRICS, Savings, savings, savings_within};
pub use spending::{SPENT_METRICS, Spent, spent, spent_within};
pub use trends::{TREND_BOOTS_SPAN, TREND_METRICS, TREND_SPAN, trends};
pub use utilisation::{Utilisation, utilisation};

use crate::fleet::{Metric, Past, Point, Series, Span, Usd};

/// Returns the sum over the time that was seen, in dollars.
///
/// What was priced for less than half of the time in which the pool was seen is
/// not known: the rest was not for nothing.
fn dollars(past: &Past, metric: Metric) -> Option<Usd> {
    dollars_within(past, metric, past.span)
}

fn dollars_within(past: &Past, metric: Metric, span: Span) -> Option<Usd> {
    let series = past.series(metric)?;
    let all = past.series.iter().map(|it| seen_within(it, span));
    let longest = all.fold(0.0, f64::max);
    if seen_within(series, span) < longest / 2.0 {
        return None;
    }
    Usd::from_f64(total_within(series, span)?)
}

/// Returns the integral over what was seen of a span, in units times hours.
fn total_within(series: &Series, span: Span) -> Option<f64> {
    let points = series.points.iter().filter(|it| span.contains(it.at));
    let seen = points.filter_map(|it| Some(it.value? * it.seen));
    let sum = seen.fold(None, |sum, it| Some(sum.unwrap_or(0.0) + it));
    sum.map(|it| it * series.step.as_secs_f64() / 3600.0)
}

/// Returns the mean by the time that was seen.
fn mean(series: &Series) -> Option<f64> {
    let hours = seen_hours(series);
    series
        .total_hours()
        .filter(|_| 0.0 < hours)
        .map(|it| it / hours)
}

fn seen_hours(series: &Series) -> f64 {
    seen(series.points.iter()) * series.step.as_secs_f64() / 3600.0
}

fn seen_within(series: &Series, span: Span) -> f64 {
    let points = series.points.iter().filter(|it| span.contains(it.at));
    seen(points) * series.step.as_secs_f64() / 3600.0
}

/// How many steps were seen; a part of one counts as a part.
fn seen<'a>(points: impl Iterator<Item = &'a Point>) -> f64 {
    let seen = points.filter(|it| it.value.is_some());
    seen.fold(0.0, |sum, it| sum + it.seen)
}

fn most(series: &Series) -> Option<f64> {
    let values = series.points.iter().filter_map(|it| it.most);
    values.max_by(f64::total_cmp)
}

#[cfg(test)]
mod fixture {
    use std::time::Duration;

    use crate::fleet::{Metric, Past, Point, PoolKey, Series, Span, Timestamp};

    /// A past in steps of an hour from a Monday midnight on; `None` is a gap.
    pub(super) fn past(series: &[(Metric, &[Option<f64>])]) -> Past {
        // 2026-03-02 was a Monday.
        let start = Timestamp::from_secs(1_772_409_600);
        let hour = Duration::from_hours(1);
        let at = |idx: usize| start + hour * u32::try_from(idx).unwrap();
        let n = series.iter().map(|it| it.1.len()).max().unwrap_or(0);
        let point = |(idx, value): (usize, &Option<f64>)| {
            value.map_or(Point::gap(at(idx)), |it| Point::flat(at(idx), it))
        };
        Past {
            pool: Some(PoolKey::new("prod/us-east-1", "workhorse")),
            span: Span {
                from: start,
                until: at(n),
            },
            series: series
                .iter()
                .map(|(metric, values)| Series {
                    metric: *metric,
                    step: hour,
                    points: values.iter().enumerate().map(point).collect(),
                })
                .collect(),
            markers: Vec::new(),
            boots: Vec::new(),
            notes: Vec::new(),
            failure: None,
        }
    }
}
