//! What an operation that is over has not done, in sentences.

use super::{Claim, Operation, Spec, TAG, TargetState, freeze, refresh, roll};
use crate::fleet::{Fleet, InstanceId};

/// Says what is left undone, given the fleet as last observed.
pub fn left(operation: &Operation, fleet: &Fleet) -> Vec<String> {
    match &operation.spec {
        Spec::Drain(_) => not_terminated(operation, fleet),
        Spec::Freeze(it) => freeze::left(operation, it, fleet),
        Spec::Roll(it) => roll::left(operation, it, fleet)
            .into_iter()
            .chain(taken_over(operation, fleet))
            .chain(maybe_closed(operation, fleet))
            .collect(),
        Spec::Refresh(it) => refresh::left(operation, it, fleet),
    }
}

fn not_terminated(operation: &Operation, fleet: &Fleet) -> Vec<String> {
    let is_there = |it: &&InstanceId| fleet.instances.contains_key(*it);
    let is_kept =
        |it: &TargetState| it.untag.is_applied() || it.terminate.may_have_happened_at().is_none();
    let kept = operation.targets().filter(|it| is_kept(it.1));
    kept.map(|(id, _)| id)
        .filter(is_there)
        .map(|id| format!("{id} was not terminated{}", removed(operation, id)))
        .chain(taken_over(operation, fleet))
        .chain(maybe_closed(operation, fleet))
        .collect()
}

/// Names the agents that we closed, and that nobody listed when their cordon was to be lifted.
fn maybe_closed(operation: &Operation, fleet: &Fleet) -> Vec<String> {
    let given_back = operation.targets().filter(|(_, it)| it.untag.is_applied());
    given_back
        .filter(|(id, _)| fleet.instances.contains_key(*id))
        .flat_map(|(id, target)| {
            let closed = target.cordons.keys();
            let closed =
                closed.filter(|(controller, agent)| fleet.executor(controller, agent).is_none());
            closed.map(move |(controller, agent)| {
                format!(
                    "agent {agent} of {id} is not listed by {controller}, and may still be cordoned"
                )
            })
        })
        .collect()
}

/// Names the agents of a target that do not come back: their controller found no job on them.
fn removed(operation: &Operation, id: &InstanceId) -> String {
    let target = operation.target(id);
    let names: Vec<&str> = target.iter().flat_map(|it| it.removed()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(", and agent {} was removed from it", names.join(" and "))
}

/// Names the targets that another operation owns by now.
fn taken_over(operation: &Operation, fleet: &Fleet) -> impl Iterator<Item = String> {
    let begun = operation.targets().filter(|(_, it)| it.is_begun());
    begun.filter_map(|(id, _)| {
        let claim = Claim::parse(fleet.instances.get(id)?.tags.get(TAG)?);
        let is_anothers = !operation.owns(&claim.id);
        is_anothers.then(|| format!("{id} was taken over by operation {}", claim.words()))
    })
}
