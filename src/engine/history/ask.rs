//! What is asked of the past.

use std::time::Duration;

use super::bucket::Buckets;
use crate::fleet::{Metric, Past, PoolKey, Series, Span};

/// Which past is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct PastQuery {
    /// `None` is all pools together.
    pub pool: Option<PoolKey>,
    pub metrics: Vec<Metric>,
    pub span: Span,
    /// How many points a series shall have at the most.
    pub n_points: usize,
}

impl PastQuery {
    /// Returns how long a step is: the span in whole seconds, cut into `n_points`.
    pub fn step(&self) -> Duration {
        let n_points = u64::try_from(self.n_points.max(1)).unwrap_or(u64::MAX);
        let secs = self.span.length().as_secs().div_ceil(n_points);
        Duration::from_secs(secs.max(1))
    }

    /// Returns the answer of nobody who has looked: gaps everywhere.
    pub(in crate::engine) fn unseen(&self) -> Past {
        let step = self.step();
        let steps = Buckets::new(self.span, step);
        let series = self.metrics.iter().map(|metric| Series {
            metric: *metric,
            step,
            points: steps.points(*metric),
        });
        Past {
            pool: self.pool.clone(),
            span: self.span,
            series: series.collect(),
            markers: Vec::new(),
            boots: Vec::new(),
            notes: Vec::new(),
            failure: None,
        }
    }
}
