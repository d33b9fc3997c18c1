//! Taking an idle agent off its controller, where the controller itself refuses that while a job
//! runs: the last word on idleness, and the point from which an instance does not come back.

use super::{WaitingOn, decide::Step, protocol::Context, target::Mark, target::pause_after};
use crate::fleet::{Call, ControllerName, Executor, Grade};

/// Removes what the proof has found idle; `None` once nothing is left that can be removed so.
pub(super) fn remove(context: &Context<'_>) -> Option<Step> {
    let Context {
        fleet, id, target, ..
    } = context;
    let is_atomic = |it: &Executor| fleet.grade_of(&it.controller) == Some(Grade::Atomic);
    let is_removed = |it: &Executor| {
        let mark = target.removals.get(&(it.controller.clone(), it.id.clone()));
        // A reading from before its removal still shows it.
        mark.is_some_and(|mark| {
            mark.is_applied() && mark.is_recent(context.now, context.terms.proof.settle)
        })
    };
    let mut agents = fleet.executors_on(id);
    let agent = agents.find(|it| is_atomic(it) && !is_removed(it))?;
    Some(attempt(context, &agent.controller, &agent.id, &agent.name))
}

/// Asks again about a removal whose answer was lost, once its agent is not listed any more.
pub(super) fn confirm(context: &Context<'_>) -> Option<Step> {
    let Context {
        fleet, id, target, ..
    } = context;
    let is_open =
        |mark: &Mark| mark.may_have_happened_at().is_some() && mark.removed_at().is_none();
    let is_listed = |key: &(ControllerName, String)| {
        let mut agents = fleet.executors_on(id);
        agents.any(|it| it.controller == key.0 && it.id == key.1)
    };
    let mut removals = target.removals.iter();
    let (key, _) = removals.find(|(key, mark)| is_open(mark) && !is_listed(key))?;
    let name = target.agents.get(key).map_or(&*key.1, |it| &it.name);
    Some(attempt(context, &key.0, &key.1, name))
}

fn attempt(context: &Context<'_>, controller: &ControllerName, id: &str, name: &str) -> Step {
    let key = (controller.clone(), id.to_owned());
    let mark = context.target.removals.get(&key).unwrap_or(&Mark::None);
    let call = || Call::RemoveExecutor {
        controller: controller.clone(),
        executor: id.to_owned(),
    };
    // A job runs there after all: it was not known, and it is waited for.
    if let Mark::Refused { at, why, n, .. } = mark
        && mark.is_busy()
    {
        let retry_at = *at + pause_after(*n);
        if context.now < retry_at {
            let why = why.clone();
            return Step::Wait(WaitingOn::Retry { why, at: retry_at });
        }
        return Step::Apply(call());
    }
    context.attempt(mark, &format!("the removal of agent {name}"), call)
}
