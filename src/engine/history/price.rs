//! What operations cost, by what is kept of their pools.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Historian, PastQuery, Whose};
use crate::{
    cost::past::{OPERATION_METRICS, OperationCost, beyond_desired, operation_cost},
    fleet::{Past, Span, Timestamp},
    operation::{Operation, OperationId, Spec},
};

/// As fine as samples are.
const STEP_SECS: u64 = 15;
/// A cost of days is told in longer steps.
const N_POINTS_MAX: u64 = 2000;
/// An operation that has been over for so long costs no more, and its samples are all written.
const SETTLED: Duration = Duration::from_mins(5);

/// What operations cost that are over.
#[derive(Debug, Default)]
pub(super) struct Settled(Mutex<BTreeMap<OperationId, OperationCost>>);

impl Historian {
    /// Returns what an operation has cost up to now.
    pub(in crate::engine) async fn cost(
        &self,
        operation: &Operation,
        whose: &Whose,
        now: Timestamp,
    ) -> OperationCost {
        let settled = || {
            self.settled
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(cost) = settled().get(&operation.id) {
            return *cost;
        }
        let mut pasts = Vec::new();
        for query in questions(operation, now) {
            pasts.push(self.past(query, whose.clone()).await);
        }
        let cost = cost(operation, &pasts, now);
        if operation.is_over() && SETTLED <= now.since(operation.touched_at) {
            settled().insert(operation.id.clone(), cost);
        }
        cost
    }
}

/// Returns what has to be known of the past: nothing, when no machine was there for its sake.
pub(super) fn questions(operation: &Operation, now: Timestamp) -> Vec<PastQuery> {
    let is_refresh = matches!(operation.spec, Spec::Refresh(_));
    if !is_refresh && operation.extras(now).is_empty() {
        return Vec::new();
    }
    let until = if operation.is_over() {
        operation.touched_at
    } else {
        now
    };
    let span = Span {
        from: operation.started_at,
        // The last second is in it.
        until: until.max(operation.started_at) + Duration::from_secs(1),
    };
    let n_points = (span.length().as_secs() / STEP_SECS).clamp(1, N_POINTS_MAX);
    let pools = operation.spec.pools().into_iter();
    pools
        .map(|pool| PastQuery {
            pool: Some(pool.clone()),
            metrics: OPERATION_METRICS.to_vec(),
            span,
            n_points: usize::try_from(n_points).unwrap_or(1),
        })
        .collect()
}

/// Prices an operation by the answers to its questions.
pub(super) fn cost(operation: &Operation, pasts: &[Past], now: Timestamp) -> OperationCost {
    match &operation.spec {
        // Whom AWS launches ahead is in no journal.
        Spec::Refresh(_) => pasts.first().map(beyond_desired).unwrap_or_default(),
        Spec::Drain(_) | Spec::Freeze(_) | Spec::Roll(_) => {
            operation_cost(&operation.extras(now), |extra| {
                pasts
                    .iter()
                    .find(|it| it.pool.as_ref() == Some(&extra.pool))
            })
        }
    }
}
