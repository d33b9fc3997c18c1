//! What the screens of the past ask for.

use std::time::Duration;

use super::{CURVES, MARKETS, Split, USES};
use crate::{
    cost::past::SAVINGS_METRICS,
    engine::PastQuery,
    fleet::{Metric, PoolKey, Span, Timestamp},
    tui::app::{App, Topic, View},
};

/// How far back the hours of the week go: whole weeks, so that each weighs the same.
pub(super) const WEEKS: u64 = 4;
const HOUR: Duration = Duration::from_hours(1);
/// How far back boots are compared.
const BOOTS_SPAN: Duration = Duration::from_hours(30 * 24);

impl App {
    /// Returns every part of the past that the screen shows.
    pub(in crate::tui::app) fn wanted_past(&self) -> Vec<(Topic, PastQuery)> {
        match &self.screen().view {
            View::Graph(pool) => {
                let metrics = CURVES.iter().map(|it| it.0).collect();
                // Two dots in a cell.
                let query = self.window_query(Some(pool.clone()), metrics, 2);
                vec![(Topic::Curves(pool.clone()), query)]
            }
            View::CostGraph(pool) => self.wanted_money(pool.as_ref()),
            View::Utilisation(pool) => {
                let metrics = vec![Metric::BusyExecutors, Metric::IdleExecutors];
                let span = Span::before(next_hour(self.now), HOUR * hours(WEEKS));
                let query = query(Some(pool.clone()), metrics, span, HOUR);
                vec![(Topic::Weeks(pool.clone()), query)]
            }
            View::Boots(pool) => {
                let span = Span::before(next_hour(self.now), BOOTS_SPAN);
                let query = query(Some(pool.clone()), Vec::new(), span, BOOTS_SPAN);
                vec![(Topic::Boots(pool.clone()), query)]
            }
            View::Cost => self.wanted_months(),
            _ => Vec::new(),
        }
    }

    fn wanted_money(&self, pool: Option<&PoolKey>) -> Vec<(Topic, PastQuery)> {
        let parts: &[(Metric, &str)] = match self.money_split() {
            Split::Use => &USES,
            Split::Market => &MARKETS,
            Split::Pool => &[],
        };
        let mut metrics: Vec<Metric> = parts.iter().map(|it| it.0).collect();
        metrics.extend([Metric::UsdPerHour, Metric::PricedUsd]);
        let whole = self.window_query(pool.cloned(), metrics, 1);
        let mut wanted = vec![(Topic::Money(pool.cloned()), whole)];
        if self.money_split() == Split::Pool {
            for key in self.stacked_pools() {
                let query = self.window_query(Some(key.clone()), vec![Metric::PricedUsd], 1);
                wanted.push((Topic::Share(key), query));
            }
        }
        wanted
    }

    /// The pools on the screen, and all of them together.
    fn wanted_months(&self) -> Vec<(Topic, PastQuery)> {
        let span = month(self.now);
        let mut metrics = SAVINGS_METRICS.to_vec();
        metrics.push(Metric::WasteUsd);
        let pools = self.shown_pools().into_iter().map(Some);
        let topics = std::iter::once(None).chain(pools);
        topics
            .map(|it| {
                let query = query(it.clone(), metrics.clone(), span, HOUR);
                (Topic::Month(it), query)
            })
            .collect()
    }

    fn window_query(
        &self,
        pool: Option<PoolKey>,
        metrics: Vec<Metric>,
        per_column: usize,
    ) -> PastQuery {
        let window = self.window().finer(per_column);
        PastQuery {
            pool,
            metrics,
            span: Span {
                from: window.begins(),
                until: window.ends(),
            },
            n_points: window.n_columns(),
        }
    }
}

fn query(pool: Option<PoolKey>, metrics: Vec<Metric>, span: Span, step: Duration) -> PastQuery {
    let n_points = span.length().as_millis().div_ceil(step.as_millis().max(1));
    PastQuery {
        pool,
        metrics,
        span,
        n_points: usize::try_from(n_points).unwrap_or(1).max(1),
    }
}

/// Returns the month up to now, to the end of the hour.
fn month(now: Timestamp) -> Span {
    Span {
        from: now.month().0,
        until: next_hour(now),
    }
}

/// Returns the end of the hour that a time is in.
fn next_hour(at: Timestamp) -> Timestamp {
    let hour = i64::try_from(HOUR.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(
        at.as_millis()
            .div_euclid(hour)
            .saturating_add(1)
            .saturating_mul(hour),
    )
}

fn hours(weeks: u64) -> u32 {
    u32::try_from(weeks * 7 * 24).unwrap_or(u32::MAX)
}
