//! What an operation cost: the machines that were there for its sake, at what
//! the machines of their pool cost on the average at that time.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::fleet::{Extra, Metric, Past, Usd, short_duration};

/// What an operation cost, as far as it can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OperationCost {
    /// How long machines were there for its sake, all of them together.
    pub machine_time: Duration,
    /// What that cost, as far as prices are known.
    pub known: Usd,
    /// How much of that time has no known price.
    pub unpriced: Duration,
}

/// What has to be asked for.
pub const OPERATION_METRICS: [Metric; 11] = [
    Metric::UsdPerHour,
    Metric::Desired,
    Metric::InService,
    Metric::Pending,
    Metric::PendingWait,
    Metric::Standby,
    Metric::Terminating,
    Metric::TerminatingWait,
    Metric::Retained,
    Metric::Unattached,
    Metric::Other,
];

/// Everything above but the money and the setting.
const MACHINES: &[Metric] = OPERATION_METRICS.split_at(2).1;

impl OperationCost {
    /// Returns the cost; `None` when a part of it is not known.
    pub fn usd(&self) -> Option<Usd> {
        self.unpriced.is_zero().then_some(self.known)
    }

    fn add(&mut self, time: Duration, per_hour: Option<Usd>) {
        self.machine_time += time;
        match per_hour {
            Some(it) => self.known += it.for_time(time),
            None => self.unpriced += time,
        }
    }
}

impl fmt::Display for OperationCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = short_duration(self.machine_time);
        match self.usd() {
            _ if self.machine_time.is_zero() => f.write_str("no machine was there for it alone"),
            Some(usd) => write!(f, "{usd} for {time} of machines"),
            None if self.known == Usd::ZERO => {
                write!(f, "not known: {time} of machines without a known price")
            }
            None => write!(
                f,
                "at least {} for {time} of machines, {} of it without a known price",
                self.known,
                short_duration(self.unpriced)
            ),
        }
    }
}

/// Prices the machines of an operation by the pasts of their pools.
pub fn operation_cost<'a>(
    extras: &[Extra],
    past_of: impl Fn(&Extra) -> Option<&'a Past>,
) -> OperationCost {
    let mut cost = OperationCost::default();
    for extra in extras {
        let Some(past) = past_of(extra) else {
            cost.add(extra.machine_time(), None);
            continue;
        };
        let mut left = extra.span.length();
        for step in steps(past) {
            let from = step.at.max(extra.span.from);
            let time = (step.at + step.length).min(extra.span.until).since(from);
            if !time.is_zero() {
                left = left.saturating_sub(time);
                cost.add(time * extra.n_machines, step.per_machine);
            }
        }
        cost.add(left * extra.n_machines, None);
    }
    cost
}

/// Prices the machines beyond desired: so many more does AWS keep while it rolls by itself.
pub fn beyond_desired(past: &Past) -> OperationCost {
    let mut cost = OperationCost::default();
    for step in steps(past) {
        let desired = past.series(Metric::Desired);
        let desired = desired.and_then(|it| it.points.get(step.idx));
        let wanted = desired.and_then(|it| it.value);
        if let Some((machines, wanted)) = step.n_machines.zip(wanted) {
            let seen = desired.map_or(0.0, |it| it.seen);
            let n_more = (machines - wanted).max(0.0);
            let length = step.length.as_secs_f64() * seen * n_more;
            let time = Duration::try_from_secs_f64(length).unwrap_or_default();
            cost.add(time, step.per_machine);
        }
    }
    cost
}

/// A step of a past, and what a machine of the pool cost in it.
struct Step {
    idx: usize,
    at: crate::fleet::Timestamp,
    length: Duration,
    n_machines: Option<f64>,
    per_machine: Option<Usd>,
}

fn steps(past: &Past) -> impl Iterator<Item = Step> {
    let money = past.series(Metric::UsdPerHour);
    let points = money.into_iter().flat_map(|it| {
        let points = it.points.iter().enumerate();
        points.map(|(idx, point)| (it.step, idx, point))
    });
    points.map(|(length, idx, point)| {
        let counts = MACHINES.iter();
        let counts = counts.filter_map(|it| past.series(*it)?.points.get(idx)?.value);
        let n_machines = counts.fold(None, |sum, it| Some(sum.unwrap_or(0.0) + it));
        let mean = point.value.zip(n_machines.filter(|it| 0.0 < *it));
        Step {
            idx,
            at: point.at,
            length,
            n_machines,
            per_machine: mean.and_then(|(usd, n)| Usd::from_f64(usd / n)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::past, *};
    use crate::fleet::Span;

    const HOUR: Duration = Duration::from_hours(1);

    fn extra(past: &Past, from: f64, hours: f64, n_machines: u32) -> Extra {
        let from = past.span.from + HOUR.mul_f64(from);
        Extra {
            pool: past.pool.clone().unwrap(),
            span: Span {
                from,
                until: from + HOUR.mul_f64(hours),
            },
            n_machines,
        }
    }

    #[test]
    fn machine_time_is_paid_at_the_price_of_its_hour() {
        // Two machines at 1 dollar, then four at 2.
        let past = past(&[
            (Metric::UsdPerHour, &[Some(2.0), Some(8.0)]),
            (Metric::InService, &[Some(1.0), Some(3.0)]),
            (Metric::Terminating, &[Some(1.0), Some(1.0)]),
        ]);
        let cost = operation_cost(&[extra(&past, 0.5, 1.0, 2)], |_| Some(&past));
        assert_eq!(cost.machine_time, HOUR * 2);
        assert_eq!(cost.usd(), Some(Usd::from_cents(300)));
        assert_eq!(cost.to_string(), "$3.00 for 2h00m of machines");
    }

    #[test]
    fn what_nobody_saw_has_no_price_and_is_not_free() {
        let past = past(&[
            (Metric::UsdPerHour, &[Some(2.0), None]),
            (Metric::InService, &[Some(2.0), Some(2.0)]),
        ]);
        let cost = operation_cost(&[extra(&past, 0.0, 2.0, 1)], |_| Some(&past));
        assert_eq!((cost.usd(), cost.known), (None, Usd::from_cents(100)));
        assert_eq!(cost.unpriced, HOUR);
        // It went on after the end of what is kept.
        let cost = operation_cost(&[extra(&past, 1.5, 2.0, 1)], |_| Some(&past));
        assert_eq!((cost.usd(), cost.unpriced), (None, HOUR * 2));
        assert!(cost.to_string().starts_with("not known"), "{cost}");
        let nothing = operation_cost(&[], |_| None);
        assert_eq!(nothing.usd(), Some(Usd::ZERO));
    }

    #[test]
    fn a_roll_of_aws_costs_what_it_keeps_beyond_desired() {
        let past = past(&[
            (Metric::UsdPerHour, &[Some(4.0), Some(6.0), None]),
            (Metric::Desired, &[Some(4.0), Some(4.0), Some(4.0)]),
            (Metric::InService, &[Some(4.0), Some(4.0), Some(4.0)]),
            (Metric::Pending, &[Some(0.0), Some(1.0), Some(1.0)]),
            (Metric::Terminating, &[Some(0.0), Some(1.0), Some(0.0)]),
        ]);
        let cost = beyond_desired(&past);
        assert_eq!(cost.known, Usd::from_cents(200), "two more for an hour");
        assert_eq!((cost.machine_time, cost.unpriced), (HOUR * 3, HOUR));
    }
}
