//! What was seen of a scope's pools at one time, as numbers.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use super::{Boot, Marker, Metric, PoolName, ScopeId, Timestamp};

/// A value for each metric; what was not read is `None`, never zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values([Option<f64>; Metric::ALL.len()]);

impl Values {
    pub const UNKNOWN: Self = Self([None; Metric::ALL.len()]);

    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0[metric as usize]
    }

    pub fn set(&mut self, metric: Metric, value: Option<f64>) {
        // What is no number is not known.
        self.0[metric as usize] = value.filter(|it| it.is_finite());
    }

    pub fn iter(&self) -> impl Iterator<Item = (Metric, Option<f64>)> {
        Metric::ALL.iter().map(|it| (*it, self.get(*it)))
    }
}

impl FromIterator<(Metric, f64)> for Values {
    fn from_iter<I: IntoIterator<Item = (Metric, f64)>>(values: I) -> Self {
        let mut found = Self::UNKNOWN;
        for (metric, value) in values {
            found.set(metric, Some(value));
        }
        found
    }
}

/// The pools of one scope at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub at: Timestamp,
    pub scope: ScopeId,
    /// Proven by STS: another account under the same name is another past.
    pub account: String,
    /// How long the values stand for when no other sample follows.
    pub good_for: Duration,
    pub pools: Vec<(PoolName, Values)>,
    /// All pools together; a metric is unknown as soon as it is of one pool that has it.
    pub total: Values,
}

impl Sample {
    /// Adds up the pools; `has` tells which pools have a metric at all.
    ///
    /// The known part of a sum takes what is whole as it is.
    #[must_use]
    pub fn totalled(mut self, has: impl Fn(&PoolName, Metric) -> bool) -> Self {
        for metric in Metric::ALL {
            let whole = metric.whole();
            if whole.is_some_and(|it| self.total.get(it).is_some()) {
                continue;
            }
            let known = |it: &Values| it.get(*metric).or_else(|| it.get(whole?));
            let its = self.pools.iter().filter(|it| has(&it.0, *metric));
            let mut its = its.map(|it| known(&it.1)).peekable();
            let is_there = its.peek().is_some();
            let total: Option<f64> = if *metric == Metric::OldestQueuedSeconds {
                its.try_fold(0.0, |most: f64, it| Some(most.max(it?)))
            } else {
                its.sum()
            };
            self.total.set(*metric, total.filter(|_| is_there));
        }
        self
    }
}

/// A past that is told as a whole, such as the demo's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chronicle {
    /// Oldest first.
    pub samples: Vec<Sample>,
    pub markers: Vec<Marker>,
    pub boots: Vec<Boot>,
}

/// A past that is told when somebody first asks for it, so that nobody waits for it before.
#[derive(Clone, Debug)]
pub struct Tale(Arc<LazyLock<Chronicle, Telling>>);

type Telling = Box<dyn FnOnce() -> Chronicle + Send>;

impl Tale {
    pub fn new(tell: impl FnOnce() -> Chronicle + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(tell))))
    }

    /// Returns the past; the first who asks waits until it is told.
    pub fn chronicle(&self) -> &Chronicle {
        &self.0
    }
}

impl Default for Tale {
    /// Nothing has happened.
    fn default() -> Self {
        Self::new(Chronicle::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(pools: Vec<(&str, Values)>) -> Sample {
        let pools = pools.into_iter().map(|(name, it)| (name.into(), it));
        Sample {
            at: Timestamp::EPOCH,
            scope: "prod/us-east-1".into(),
            account: "123456789012".to_owned(),
            good_for: Duration::from_secs(45),
            pools: pools.collect(),
            total: Values::UNKNOWN,
        }
    }

    #[test]
    fn a_total_is_unknown_when_a_part_of_it_is() {
        let known = Values::from_iter([(Metric::InService, 2.0), (Metric::BusyExecutors, 1.0)]);
        let half = Values::from_iter([(Metric::InService, 3.0)]);
        let total = |has: fn(&PoolName, Metric) -> bool| {
            sample(vec![("a", known), ("b", half)]).totalled(has).total
        };
        let all = total(|_, _| true);
        assert_eq!(all.get(Metric::InService), Some(5.0));
        assert_eq!(all.get(Metric::BusyExecutors), None, "b was not read");
        let tied = total(|name, metric| name.as_str() == "a" || metric == Metric::InService);
        assert_eq!(
            tied.get(Metric::BusyExecutors),
            Some(1.0),
            "b has no executors"
        );
        assert_eq!(tied.get(Metric::Desired), None, "nobody was asked");
    }

    #[test]
    fn a_total_with_an_unknown_part_has_a_known_part() {
        let whole = Values::from_iter([(Metric::UsdPerHour, 2.0)]);
        let part = Values::from_iter([(Metric::PricedUsd, 0.5)]);
        let total = |pools| sample(pools).totalled(|_, _| true).total;
        let money = |it: &Values| (it.get(Metric::UsdPerHour), it.get(Metric::PricedUsd));
        let both = total(vec![("a", whole), ("b", part)]);
        assert_eq!(money(&both), (None, Some(2.5)));
        let all = total(vec![("a", whole), ("b", whole)]);
        assert_eq!(money(&all), (Some(4.0), None), "nothing is kept twice");
        let unread = total(vec![("a", whole), ("b", Values::UNKNOWN)]);
        assert_eq!(money(&unread), (None, None), "b was not read");
    }
}
