//! What a pool cost over a time, what of it was waste, and what spot saved.

use super::{dollars, seen_hours};
use crate::fleet::{Interruption, MarkerKind, Metric, Past, PoolKey, Usd, Use};

/// What a pool cost in the time that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    pub pool: Option<PoolKey>,
    pub total: Option<Usd>,
    pub waste: Option<Usd>,
    /// In the order of `Use::ALL`.
    pub by_use: [(Use, Option<Usd>); Use::ALL.len()],
    /// Of how many hours the money is known, and of how many it was asked.
    pub seen_hours: f64,
    pub asked_hours: f64,
}

/// Adds up what a pool cost.
pub fn spent(past: &Past) -> Spent {
    Spent {
        pool: past.pool.clone(),
        total: dollars(past, Metric::UsdPerHour),
        waste: dollars(past, Metric::WasteUsd),
        by_use: Use::ALL.map(|it| (it, dollars(past, Metric::of_use(it)))),
        seen_hours: past.series(Metric::UsdPerHour).map_or(0.0, seen_hours),
        asked_hours: past.span.length().as_secs_f64() / 3600.0,
    }
}

/// What spot saved against on-demand, and what its interruptions cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Savings {
    pub pool: Option<PoolKey>,
    pub spot: Option<Usd>,
    pub on_demand: Option<Usd>,
    /// What the spot machines would have cost more on demand.
    pub saved: Option<Usd>,
    pub n_interruptions: usize,
    /// Minutes of jobs that had to begin again, and what the machines cost meanwhile.
    pub lost_minutes: u64,
    /// Interruptions of which nobody knows what they cost.
    pub n_unknown: usize,
    pub lost: Option<Usd>,
    /// Saved, less what was lost.
    pub net: Option<Usd>,
}

/// Adds up what spot saved.
pub fn savings(past: &Past) -> Savings {
    let taken = past.markers.iter();
    let taken = taken.filter(|it| it.kind == MarkerKind::Interruption);
    let lost: Vec<Option<u64>> = taken
        .map(|it| Interruption::lost_minutes(&it.what))
        .collect();
    let lost_minutes = lost.iter().flatten().sum();
    let lost_usd = if lost_minutes == 0 {
        Some(Usd::ZERO)
    } else {
        mean_machine(past).map(|it| it.for_time(std::time::Duration::from_mins(lost_minutes)))
    };
    let saved = dollars(past, Metric::SpotSavingUsd);
    Savings {
        pool: past.pool.clone(),
        spot: dollars(past, Metric::SpotUsd),
        on_demand: dollars(past, Metric::OnDemandUsd),
        saved,
        n_interruptions: lost.len(),
        lost_minutes,
        n_unknown: lost.iter().filter(|it| it.is_none()).count(),
        lost: lost_usd,
        net: saved.zip(lost_usd).map(|(saved, lost)| saved - lost),
    }
}

/// Returns what a machine of the pool cost per hour on the average.
fn mean_machine(past: &Past) -> Option<Usd> {
    let machine_hours: f64 = [Metric::InService, Metric::Pending, Metric::Unattached]
        .iter()
        .filter_map(|it| past.series(*it)?.total_hours())
        .sum();
    let total = dollars(past, Metric::UsdPerHour)?;
    (0.0 < machine_hours).then(|| Usd::from_f64(total.as_f64() / machine_hours))?
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::past, *};
    use crate::fleet::Marker;

    #[test]
    fn what_is_not_known_is_not_spent_for_nothing() {
        let rates = [Some(2.0), None, Some(4.0)];
        let mut past = past(&[(Metric::UsdPerHour, &rates)]);
        let spent_on = |past: &Past| spent(past);
        let spent = spent_on(&past);
        assert_eq!(spent.total, Some(Usd::from_cents(600)));
        assert_eq!((spent.seen_hours, spent.asked_hours), (2.0, 3.0));
        assert_eq!(spent.waste, None);
        // A price that came in the last of many hours says nothing of the others.
        let hours = [Some(4.0); 3];
        let late = [None, None, Some(0.0)];
        past =
            super::super::fixture::past(&[(Metric::InService, &hours), (Metric::WasteUsd, &late)]);
        assert_eq!(spent_on(&past).waste, None);
    }

    #[test]
    fn lost_work_is_taken_off_the_savings() {
        let mut past = past(&[
            (Metric::SpotSavingUsd, &[Some(3.0), Some(3.0)]),
            (Metric::UsdPerHour, &[Some(4.0), Some(4.0)]),
            (Metric::InService, &[Some(4.0), Some(4.0)]),
        ]);
        let marker = |what: &str| Marker {
            at: past.span.from,
            pool: past.pool.clone(),
            kind: MarkerKind::Interruption,
            what: what.to_owned(),
        };
        past.markers = vec![
            marker("spot took back i-1 (c7i, a), 30 job-minutes lost"),
            marker("spot took back i-2 (c7i, a), what ran there is not known"),
        ];
        let found = savings(&past);
        assert_eq!((found.n_interruptions, found.n_unknown), (2, 1));
        assert_eq!(found.lost, Some(Usd::from_cents(50)));
        assert_eq!(found.net, Some(Usd::from_cents(550)));
    }
}
