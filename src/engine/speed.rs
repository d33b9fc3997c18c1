//! Speeding an operation up: more instances at a time, as far as guardrails allow.

use super::{handle::Inner, journal::OperationError};
use crate::operation::{Happening, Operation};

/// Returns what makes the operation go faster, or why it cannot.
pub(super) fn faster(
    inner: &Inner,
    operation: &Operation,
    wanted: Option<u32>,
) -> Result<Happening, OperationError> {
    let refused = |why: String| OperationError::NotSpedUp {
        id: operation.id.clone(),
        why,
    };
    let Some(now) = operation.max_unavailable() else {
        let why = "it waits for no turn: all its instances are emptied at once";
        return Err(refused(why.to_owned()));
    };
    let max_unavailable = wanted.unwrap_or(now.saturating_mul(2));
    if max_unavailable <= now {
        return Err(refused(format!(
            "{now} may be out of service at a time already; name more"
        )));
    }
    let observation = inner.snapshot.borrow().clone();
    let fleet = &observation.fleet;
    let key = operation.spec.pool();
    let rule = fleet.scope(&key.scope).and_then(|scope| {
        let policy = &inner.config.policy;
        policy.guardrail_for(operation.spec.kind(), key.name.as_str(), scope)
    });
    let n_members = u32::try_from(fleet.roster(key).instances.len()).unwrap_or(u32::MAX);
    let by_percent = rule.and_then(|it| it.max_percent).map(|percent| {
        let most = u64::from(n_members) * u64::from(percent) / 100;
        u32::try_from(most).unwrap_or(u32::MAX)
    });
    let most = [rule.and_then(|it| it.max_instances), by_percent];
    let most = most.into_iter().flatten().min();
    if let Some(most) = most.filter(|it| *it < max_unavailable) {
        let reason = rule.and_then(|it| it.reason.as_ref());
        let reason = reason.map_or(String::new(), |it| format!(" ({it})"));
        return Err(refused(format!(
            "{max_unavailable} at a time, and a guardrail allows {most}{reason}"
        )));
    }
    Ok(Happening::SpedUp { max_unavailable })
}
