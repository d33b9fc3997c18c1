//! The operator's own figures: a price instead of the list's, or a discount on it.

use super::book::{Found, Kind};
use crate::fleet::{Market, PriceSource, Timestamp, Usd, matches_wildcards};

/// What the configuration says of prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Off every list price for which no rule speaks.
    pub discount: Discount,
    /// The first that matches a machine wins.
    pub rules: Vec<Rule>,
    /// Since when the figures are so: the time of the configuration file.
    pub since: Timestamp,
}

/// One rule of the configuration; a part that is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// A pool's name; `*` stands for any text.
    pub pool: Option<String>,
    /// An instance type, `m5.*`, or a family, `m5`.
    pub instance_type: Option<String>,
    pub market: Option<Market>,
    pub usd_per_hour: Option<Usd>,
    pub discount: Option<Discount>,
}

/// A part of a price that is not paid, in hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discount {
    basis_points: u16,
}

impl Discount {
    /// Reads a percentage from 0 to 100; anything else is no discount.
    pub fn from_percent(percent: f64) -> Option<Self> {
        let is_sound = (0.0..=100.0).contains(&percent);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 0 and 100"
        )]
        is_sound.then(|| Self {
            basis_points: (percent * 100.0).round() as u16,
        })
    }

    fn apply(self, amount: Usd) -> Usd {
        const WHOLE: u64 = 10_000;
        amount.share(WHOLE - u64::from(self.basis_points), WHOLE)
    }
}

impl Terms {
    /// Returns the operator's own price of a machine.
    pub(super) fn own_price(&self, kind: Kind<'_>) -> Option<Found> {
        let per_hour = self.rule_for(kind)?.usd_per_hour?;
        Some(Found {
            per_hour,
            source: PriceSource::Configured,
            at: self.since,
        })
    }

    /// Returns what is paid of a price, and whether that differs from it.
    ///
    /// An own price is what is paid already.
    pub(super) fn discounted(&self, kind: Kind<'_>, found: Found) -> (Usd, bool) {
        if found.source == PriceSource::Configured {
            return (found.per_hour, false);
        }
        let rule = self.rule_for(kind).and_then(|it| it.discount);
        let discount = rule.unwrap_or(self.discount);
        let paid = discount.apply(found.per_hour);
        (paid, paid != found.per_hour)
    }

    fn rule_for(&self, kind: Kind<'_>) -> Option<&Rule> {
        self.rules.iter().find(|it| it.matches(kind))
    }
}

impl Rule {
    fn matches(&self, kind: Kind<'_>) -> bool {
        let pool = self.pool.as_deref();
        let family = kind.instance_type.split('.').next().unwrap_or("");
        let is_type = |it: &str| it == family || matches_wildcards(kind.instance_type, it);
        pool.is_none_or(|it| matches_wildcards(kind.pool, it))
            && self.instance_type.as_deref().is_none_or(is_type)
            && self.market.as_ref().is_none_or(|it| it == kind.market)
    }
}
