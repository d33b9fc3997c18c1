//! Where an operation is, and when it may be over. Pure.

use super::{Operation, Spec, refresh, roll};
use crate::fleet::{Fleet, InstanceId, Timestamp};

/// Says where an operation is, beyond what each of its instances waits for.
pub fn phase(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Option<String> {
    match &operation.spec {
        Spec::Roll(it) if !operation.is_over() => Some(roll::phase(operation, it, fleet, now)),
        Spec::Refresh(it) if !operation.is_over() => refresh::phase(operation, it, fleet),
        _ => None,
    }
}

/// Estimates when an operation is over, from what jobs and new instances really take.
///
/// `None` is not known: a job without an expected end, or nothing to measure by yet.
pub fn eta(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Option<Timestamp> {
    if operation.is_over() {
        return None;
    }
    match &operation.spec {
        Spec::Roll(it) => roll::eta(operation, it, fleet, now),
        // AWS does not tell, and its percentages go back as well as on.
        Spec::Refresh(_) => None,
        // It lasts as long as it was asked to.
        Spec::Freeze(it) => it.duration.map(|it| operation.started_at + it),
        Spec::Drain(drain) => {
            let settle = drain.proof.settle;
            let open = operation
                .targets()
                .filter(|it| !it.1.is_finished(now, settle));
            let ends: Option<Vec<Timestamp>> =
                open.map(|it| emptied_at(fleet, it.0, now)).collect();
            let last = ends?.into_iter().max().unwrap_or(now);
            Some(last + drain.proof.span)
        }
    }
}

/// Returns when the jobs of an instance are expected to be over.
fn emptied_at(fleet: &Fleet, id: &InstanceId, now: Timestamp) -> Option<Timestamp> {
    let jobs = fleet.executors_on(id).flat_map(|it| it.jobs());
    let ends: Option<Vec<Timestamp>> = jobs.map(|it| it.expected_end).collect();
    Some(ends?.into_iter().max().unwrap_or(now).max(now))
}
