//! What spot saved over a time, less the work that its interruptions threw away.

use std::time::Duration;

use serde::Serialize;

use super::{dollars_within, total_within};
use crate::fleet::{Interruption, MarkerKind, Metric, Past, PoolKey, Span, Usd};

/// What spot saved against on-demand, and what its interruptions cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Savings {
    #[serde(skip)]
    pub pool: Option<PoolKey>,
    #[serde(rename = "spot_usd")]
    pub spot: Option<Usd>,
    #[serde(rename = "on_demand_usd")]
    pub on_demand: Option<Usd>,
    /// What the spot machines would have cost more on demand.
    #[serde(rename = "saved_usd")]
    pub saved: Option<Usd>,
    #[serde(rename = "interruptions")]
    pub n_interruptions: usize,
    /// Minutes of jobs that had to begin again.
    #[serde(rename = "lost_job_minutes")]
    pub lost_minutes: u64,
    /// Interruptions of which nobody knows what they cost.
    #[serde(rename = "interruptions_of_unknown_cost")]
    pub n_unknown: usize,
    /// What the lost minutes cost, of the interruptions that are known.
    #[serde(rename = "lost_usd")]
    pub lost: Option<Usd>,
    /// Saved, less what was lost; with unknown interruptions it is no more than this.
    #[serde(rename = "net_usd")]
    pub net: Option<Usd>,
    /// What the lost minutes cost at the least, where not every price is known.
    #[serde(skip)]
    pub lost_least: Option<Usd>,
}

/// What has to be asked for.
pub const SAVINGS_METRICS: [Metric; 9] = [
    Metric::UsdPerHour,
    Metric::PricedUsd,
    Metric::SpotUsd,
    Metric::OnDemandUsd,
    Metric::SpotSavingUsd,
    Metric::InService,
    Metric::Pending,
    Metric::Unattached,
    Metric::TotalExecutors,
];

/// Adds up what spot saved.
pub fn savings(past: &Past) -> Savings {
    savings_within(past, past.span)
}

/// Adds up what spot saved in a part of a past.
pub fn savings_within(past: &Past, span: Span) -> Savings {
    let taken = past.markers.iter();
    let taken = taken.filter(|it| it.kind == MarkerKind::Interruption && span.contains(it.at));
    let lost: Vec<Option<u64>> = taken
        .map(|it| Interruption::lost_minutes(&it.what))
        .collect();
    let lost_minutes = lost.iter().flatten().sum();
    let lost_at = |money: Metric| match lost_minutes {
        0 => Some(Usd::ZERO),
        _ => Some(job_hour(past, span, money)?.for_time(Duration::from_mins(lost_minutes))),
    };
    let lost_usd = lost_at(Metric::UsdPerHour);
    let saved = dollars_within(past, Metric::SpotSavingUsd, span);
    Savings {
        pool: past.pool.clone(),
        spot: dollars_within(past, Metric::SpotUsd, span),
        on_demand: dollars_within(past, Metric::OnDemandUsd, span),
        saved,
        n_interruptions: lost.len(),
        lost_minutes,
        n_unknown: lost.iter().filter(|it| it.is_none()).count(),
        lost: lost_usd,
        net: saved.zip(lost_usd).map(|(saved, lost)| saved - lost),
        lost_least: lost_usd.or(lost_at(Metric::PricedUsd)),
    }
}

impl Savings {
    /// Returns the most that the net can be: what was lost is known at the least.
    pub fn net_most(&self) -> Option<Usd> {
        let both = self.saved.zip(self.lost_least);
        self.net.or(both.map(|(saved, lost)| saved - lost))
    }

    /// Returns whether there was any spot, or any of it was taken back.
    pub fn is_any(&self) -> bool {
        self.n_interruptions != 0 || self.saved.is_some_and(|it| it != Usd::ZERO)
    }
}

/// Returns what an hour of a job cost on the average: its executor's share of a machine.
///
/// Where no executors are known, a machine is taken to run one job.
fn job_hour(past: &Past, span: Span, money: Metric) -> Option<Usd> {
    let hours = |metric: Metric| total_within(past.series(metric)?, span);
    let machines = [Metric::InService, Metric::Pending, Metric::Unattached];
    let machines: f64 = machines.into_iter().filter_map(hours).sum();
    let slots = hours(Metric::TotalExecutors).filter(|it| 0.0 < *it);
    let slots = slots.unwrap_or(machines);
    let total = dollars_within(past, money, span)?;
    (0.0 < slots).then(|| Usd::from_f64(total.as_f64() / slots))?
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::past, *};
    use crate::fleet::Marker;

    fn taken(past: &Past, hour: u32, what: &str) -> Marker {
        Marker {
            at: past.span.from + Duration::from_hours(1) * hour,
            pool: past.pool.clone(),
            kind: MarkerKind::Interruption,
            what: what.to_owned(),
        }
    }

    #[test]
    fn lost_work_is_taken_off_the_savings() {
        let mut past = past(&[
            (Metric::SpotSavingUsd, &[Some(3.0), Some(3.0)]),
            (Metric::UsdPerHour, &[Some(4.0), Some(4.0)]),
            (Metric::InService, &[Some(4.0), Some(4.0)]),
        ]);
        past.markers = vec![
            taken(&past, 0, "spot took back i-1 (c7i, a), 30 job-minutes lost"),
            taken(
                &past,
                1,
                "spot took back i-2 (c7i, a), what ran there is not known",
            ),
        ];
        let found = savings(&past);
        assert_eq!((found.n_interruptions, found.n_unknown), (2, 1));
        assert_eq!(found.lost, Some(Usd::from_cents(50)));
        assert_eq!(found.net, Some(Usd::from_cents(550)));
        let second = Span {
            from: past.span.from + Duration::from_hours(1),
            ..past.span
        };
        let found = savings_within(&past, second);
        assert_eq!((found.n_interruptions, found.lost_minutes), (1, 0));
        assert_eq!(found.net, Some(Usd::from_cents(300)));
    }

    #[test]
    fn a_job_pays_for_its_own_executor_and_an_unknown_price_leaves_the_net_unknown() {
        let two_hours = |it| [Some(it), Some(it)];
        let lost = "spot took back i-1 (c7i, a), 60 job-minutes lost";
        let mut several = past(&[
            (Metric::SpotSavingUsd, &two_hours(3.0)),
            (Metric::UsdPerHour, &two_hours(4.0)),
            (Metric::InService, &two_hours(4.0)),
            (Metric::TotalExecutors, &two_hours(16.0)),
        ]);
        several.markers = vec![taken(&several, 0, lost)];
        assert_eq!(savings(&several).lost, Some(Usd::from_cents(25)));
        let mut unpriced = past(&[
            (Metric::SpotSavingUsd, &two_hours(3.0)),
            (Metric::InService, &two_hours(4.0)),
        ]);
        unpriced.markers = vec![taken(&unpriced, 0, lost)];
        let found = savings(&unpriced);
        assert_eq!((found.lost, found.net), (None, None));
        assert_eq!(found.saved, Some(Usd::from_cents(600)));
        assert_eq!(found.net_most(), None, "nothing is known of what was lost");
        let mut half = past(&[
            (Metric::SpotSavingUsd, &two_hours(3.0)),
            (Metric::PricedUsd, &two_hours(4.0)),
            (Metric::InService, &two_hours(4.0)),
        ]);
        half.markers = vec![taken(&half, 0, lost)];
        let found = savings(&half);
        assert_eq!((found.lost, found.net), (None, None));
        assert_eq!(found.net_most(), Some(Usd::from_cents(500)));
    }
}
