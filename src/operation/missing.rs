//! A group that is not there any more: nothing of it is changed, and nothing of it is awaited.

use std::time::Duration;

use super::{
    Halt, Operation, Standing, Subject, WaitingOn, decide::Step, protocol::Attempts, undo,
};
use crate::fleet::{Fleet, PoolKey, Timestamp};

/// Returns what becomes of a pool that no reading shows.
///
/// Whether it was deleted or is only not looked at any more an operator knows, so that only an
/// abort ends the operation.
pub(super) fn step(operation: &Operation, key: &PoolKey, fleet: &Fleet, now: Timestamp) -> Step {
    let settle = operation.spec.proof().settle;
    if !is_gone(operation, key, fleet, settle) {
        let why = "its pool was not read yet, or is gone".to_owned();
        return Step::Wait(WaitingOn::Evidence { why });
    }
    let Standing::Aborting { .. } = operation.standing() else {
        return Step::Stuck(Halt::PoolGone { pool: key.clone() });
    };
    let attempts = Attempts {
        subject: Subject::Pool(key.clone()),
        settle,
        now,
        shown_at: now,
    };
    undo::left_agents(operation, key, fleet, &attempts)
}

/// Returns whether its scope was read as a whole, long enough after anything happened, and shows
/// neither it nor an instance of it.
fn is_gone(operation: &Operation, key: &PoolKey, fleet: &Fleet, settle: Duration) -> bool {
    let read_at = fleet.read_at(&key.scope);
    let mut targets = operation
        .targets()
        .filter(|it| operation.pool_of(it.0) == key);
    fleet.pool(key).is_none()
        && !targets.any(|it| fleet.instances.contains_key(it.0))
        && read_at.is_some_and(|it| settle <= it.since(operation.touched_at))
}
