//! What a pool cost over a time, what of it was waste, and what a month comes to.

use std::time::Duration;

use super::{dollars_within, seen_within};
use crate::fleet::{Amount, Metric, Past, PoolKey, Span, Usd, Use};

/// What a pool cost in the time that was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    pub pool: Option<PoolKey>,
    /// `None` when nothing of the time was seen, or no price was known in it.
    pub total: Option<Usd>,
    /// What it was as far as prices are known; `None` when nothing of the time was seen.
    pub priced: Option<Usd>,
    pub waste: Option<Usd>,
    /// In the order of `Use::ALL`; only what was asked for.
    pub by_use: Vec<(Use, Option<Usd>)>,
    /// Of how much of the time the money is known, and of how much it was asked.
    pub seen: Duration,
    pub asked: Duration,
}

/// What has to be asked for, at the least; the parts come with their own metrics.
pub const SPENT_METRICS: [Metric; 3] = [Metric::UsdPerHour, Metric::PricedUsd, Metric::WasteUsd];

/// Adds up what a pool cost.
pub fn spent(past: &Past) -> Spent {
    spent_within(past, past.span)
}

/// Adds up what a pool cost in a part of a past.
pub fn spent_within(past: &Past, span: Span) -> Spent {
    let asked = Use::ALL.into_iter();
    let asked = asked.filter(|it| past.series(Metric::of_use(*it)).is_some());
    let amount = |it: Use| (it, dollars_within(past, Metric::of_use(it), span));
    let money = past.series(Metric::UsdPerHour);
    let hours = money.map_or(0.0, |it| seen_within(it, span));
    let seen = Duration::try_from_secs_f64(hours * 3600.0).unwrap_or_default();
    Spent {
        pool: past.pool.clone(),
        total: dollars_within(past, Metric::UsdPerHour, span),
        priced: dollars_within(past, Metric::PricedUsd, span),
        waste: dollars_within(past, Metric::WasteUsd, span),
        by_use: asked.map(amount).collect(),
        seen: seen.min(span.length()),
        asked: span.length(),
    }
}

impl Spent {
    /// Returns whether a part of the time was not seen: it cost more than is known.
    ///
    /// Half a minute at either end, and one step in fifty, are no gap.
    pub fn is_partial(&self) -> bool {
        const EDGES: Duration = Duration::from_mins(1);
        self.seen + EDGES < self.asked * 49 / 50
    }

    /// Returns the least that it was: what has a known price, in the time that was seen.
    ///
    /// Nothing is the least of everything, and says nothing.
    pub fn least(&self) -> Option<Usd> {
        let least = self.priced.max(self.total);
        least.filter(|it| self.total.is_some() || Usd::ZERO < *it)
    }

    /// Returns what it was, as far as it was seen and prices are known.
    pub fn amount(&self) -> Amount {
        let whole = self.total.filter(|_| !self.is_partial());
        match self.least() {
            Some(least) if whole.is_none() => Amount::AtLeast(least),
            _ => whole.into(),
        }
    }

    /// Returns what of it was waste, as far as it was seen.
    pub fn amount_of_waste(&self) -> Amount {
        match self.waste {
            Some(waste) if self.is_partial() => Amount::AtLeast(waste),
            waste => waste.into(),
        }
    }

    /// Returns what the whole of a longer span comes to at the mean rate that was seen.
    ///
    /// Less than an hour says nothing of a month.
    pub fn projected(&self, whole: Duration) -> Option<Usd> {
        const LEAST: Duration = Duration::from_hours(1);
        if self.seen < LEAST {
            return None;
        }
        let secs = |it: Duration| it.as_secs().max(1);
        Some(self.total?.share(secs(whole), secs(self.seen)))
    }

    pub fn seen_hours(&self) -> f64 {
        self.seen.as_secs_f64() / 3600.0
    }

    pub fn asked_hours(&self) -> f64 {
        self.asked.as_secs_f64() / 3600.0
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::past, *};

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn what_is_not_known_is_not_spent_for_nothing() {
        let rates = [Some(2.0), None, Some(4.0)];
        let past = past(&[(Metric::UsdPerHour, &rates)]);
        let found = spent(&past);
        assert_eq!(found.total, Some(Usd::from_cents(600)));
        assert_eq!((found.seen, found.asked), (HOUR * 2, HOUR * 3));
        assert!(found.is_partial());
        assert_eq!(found.waste, None);
        assert_eq!(found.least(), found.total);
        let nothing = Past {
            series: Vec::new(),
            ..past
        };
        assert_eq!(spent(&nothing).total, None, "unknown is not zero");
        // A price that came in the last of many hours says nothing of the others.
        let hours = [Some(4.0); 3];
        let late = [None, None, Some(0.0)];
        let past =
            super::super::fixture::past(&[(Metric::InService, &hours), (Metric::WasteUsd, &late)]);
        assert_eq!(spent(&past).waste, None);
    }

    #[test]
    fn what_has_a_price_is_the_least_where_another_price_is_not_known() {
        let hours = [Some(4.0); 2];
        let money = |priced: f64| {
            past(&[
                (Metric::InService, &hours),
                (Metric::UsdPerHour, &[None, None]),
                (Metric::PricedUsd, &[Some(priced), Some(priced)]),
            ])
        };
        let found = spent(&money(1.5));
        assert_eq!(
            (found.total, found.least()),
            (None, Some(Usd::from_cents(300)))
        );
        let found = spent(&money(0.0));
        assert_eq!(found.least(), None, "nothing is no amount");
        assert_eq!(found.priced, Some(Usd::ZERO), "but it was seen");
    }

    #[test]
    fn a_part_of_a_past_is_added_up_alone() {
        let past = past(&[(Metric::UsdPerHour, &[Some(2.0), Some(3.0), Some(4.0)])]);
        let last = Span {
            from: past.span.from + HOUR,
            ..past.span
        };
        let found = spent_within(&past, last);
        assert_eq!(found.total, Some(Usd::from_cents(700)));
        assert!(!found.is_partial());
        assert_eq!(found.asked, HOUR * 2);
    }

    #[test]
    fn a_month_is_projected_from_the_mean_of_what_was_seen() {
        let rates = [Some(1.0), None, Some(3.0)];
        let found = spent(&past(&[(Metric::UsdPerHour, &rates)]));
        let month = HOUR * 24 * 30;
        assert_eq!(found.projected(month), Some(Usd::from_cents(144_000)));
        let barely = Spent {
            seen: Duration::from_mins(10),
            ..found
        };
        assert_eq!(barely.projected(month), None);
    }
}
