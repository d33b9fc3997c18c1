//! Giving back: what an operation borrowed returns, unless it was changed since.

use std::{sync::Arc, time::Duration};

use super::{
    Claim, Operation, Standing, TAG, TargetState, WaitingOn,
    decide::Step,
    protocol::{self, Attempts, Context},
    target::Mark,
};
use crate::fleet::{Call, CiLink, ControllerName, Executor, Fleet, Instance, PoolKey, Work};

/// How many times as long as an effect takes to show an agent may be missing from the readings:
/// longer than another try takes to fall due.
const PATIENCE: u32 = 2;

/// So long a controller may take to miss the agent of a machine that is gone.
const DETACHED_AFTER: Duration = Duration::from_mins(15);

/// The next step of giving one instance back: its agents, its protection, its mark.
pub(super) fn step(context: &Context<'_>, instance: &Instance) -> Step {
    let Context {
        operation,
        id,
        target,
        fleet,
        terms,
        ..
    } = context;
    // A journal that was cut short knows less than the marks do.
    let tag = instance.tags.get(TAG).map(|it| Claim::parse(it));
    let tag = tag.filter(|it| operation.owns(&it.id));
    let is_begun = target.is_begun() || tag.is_some();
    let is_noted_ours = |it: &Executor| {
        let note = it.note.as_ref().filter(|_| it.cordoned);
        note.is_some_and(|it| is_noted(operation, it))
    };
    let is_closed = fleet.executors_on(id).any(|it| is_noted_ours(it));
    // One that left by itself is closed without a mark, and a reading may show it back for once.
    if !is_begun && !has_cordoned(target) && !is_closed {
        return Step::Finished;
    }
    // Nothing gives it its agents back, and a machine without any serves nobody; unless its group
    // does not let it go.
    let is_kept = matches!(&target.terminate, Mark::Refused { kind, .. } if !kind.may_pass());
    if protocol::is_removed(context) && !is_kept {
        return protocol::terminate(context);
    }
    let settle = terms.proof.settle;
    let is_recent = |at| context.shown_at().since(at) < settle;
    if target
        .terminate
        .may_have_happened_at()
        .is_some_and(is_recent)
    {
        // It may be on its way out; nothing can call it back.
        return Step::Wait(WaitingOn::Termination);
    }
    if let Some(what) = unsettled(context) {
        return Step::Wait(WaitingOn::Settling { what });
    }
    // A cordon with somebody else's note is theirs by now, and one that lost its note may be ours.
    let is_ours = |it: &Executor| match &it.note {
        Some(note) => is_noted(operation, note),
        None => target
            .cordons
            .contains_key(&(it.controller.clone(), it.id.clone())),
    };
    let mut cordoned = fleet.executors_on(id).filter(|it| it.cordoned);
    if let Some(executor) = cordoned.find(|it| is_ours(it)) {
        let call = || Call::Uncordon {
            controller: executor.controller.clone(),
            executor: executor.id.clone(),
        };
        let what = format!("the end of the cordon of {}", executor.name);
        return context.attempt(uncordon_of(target, executor), &what, call);
    }
    // Its agent may only be missing from this reading, and would come back closed.
    let agents: Vec<&Executor> = fleet.executors_on(id).map(|it| &**it).collect();
    let is_missed = agents.is_empty() || target.missed(&agents).is_some();
    let seen = target.seen.as_ref().filter(|_| is_missed);
    let is_patient = seen.is_some_and(|it| context.now.since(it.at()) < settle * PATIENCE);
    if is_patient && has_cordoned(target) {
        let what = "its unlisted agent".to_owned();
        return Step::Wait(WaitingOn::Settling { what });
    }
    if let Some(step) = open_unread(context, &agents) {
        return step;
    }
    let is_anothers = |it: &String| !operation.owns(&Claim::parse(it).id);
    if instance.tags.get(TAG).is_some_and(is_anothers) {
        // Two began at once, and this one came second: protection and mark are the other's now.
        return Step::Finished;
    }
    let unprotect = || Call::SetInstanceProtection {
        pool: terms.pool.clone(),
        instances: vec![instance.id.clone()],
        protected: false,
    };
    // Somebody who lifted it meanwhile wanted that; only what is still as we left it is undone.
    let has_protected = target.protect.may_have_happened_at().is_some();
    let is_borrowed = (has_protected || tag.is_some_and(|it| it.protects)) && instance.protected;
    if is_borrowed && !target.unprotect.is_applied() {
        return context.attempt(&target.unprotect, "the end of its protection", unprotect);
    }
    if !is_begun {
        return Step::Finished;
    }
    let untag = || Call::UntagInstances {
        scope: instance.scope.clone(),
        instances: vec![instance.id.clone()],
        key: TAG.to_owned(),
    };
    context.attempt(&target.untag, "the end of its mark", untag)
}

/// Lifts a cordon of ours from an agent of which its controller says nothing that can be read:
/// that it does not look closed means as little as that it does not look busy.
fn open_unread(context: &Context<'_>, agents: &[&Executor]) -> Option<Step> {
    let target = context.target;
    let key_of = |it: &Executor| (it.controller.clone(), it.id.clone());
    let is_unread = |it: &&&Executor| {
        matches!(it.work, Work::Unknown(_))
            && !it.cordoned
            && target.cordons.contains_key(&key_of(it))
    };
    let agent = agents.iter().find(is_unread)?;
    let call = || Call::Uncordon {
        controller: agent.controller.clone(),
        executor: agent.id.clone(),
    };
    let what = format!("the end of the cordon of {}", agent.name);
    Some(context.attempt(uncordon_of(target, agent), &what, call))
}

/// Returns how far the end of this agent's cordon has come: the answer for one agent is none for
/// another of the same instance.
fn uncordon_of<'a>(target: &'a TargetState, agent: &Executor) -> &'a Mark {
    let key = (agent.controller.clone(), agent.id.clone());
    if target.uncordon.is_applied() && !target.opened.contains(&key) {
        return &Mark::None;
    }
    &target.uncordon
}

/// Returns whether we may have closed an agent of it, lifted since or not.
fn has_cordoned(target: &TargetState) -> bool {
    !target.cordons.is_empty() || target.uncordon != Mark::None
}

/// Whether a cordon's note is ours, or that of the operation that we took over.
fn is_noted(operation: &Operation, note: &str) -> bool {
    let took_over = operation.took_over();
    note.contains(&operation.id.0) || took_over.is_some_and(|it| note.contains(&it.0))
}

/// Lifts the cordons that are left on agents of a group that is not there any more.
pub(super) fn left_agents(
    operation: &Operation,
    pool: &PoolKey,
    fleet: &Fleet,
    attempts: &Attempts,
) -> Step {
    let of_pool = operation
        .targets()
        .filter(|(id, it)| operation.pool_of(id) == pool && has_cordoned(it));
    for (id, target) in of_pool {
        let is_ours = |it: &&Arc<Executor>| {
            let note = it.note.as_ref().filter(|_| it.cordoned);
            note.is_some_and(|it| is_noted(operation, it) && it.contains(id.as_str()))
        };
        if let Some(executor) = fleet.executors.iter().find(is_ours) {
            let call = || Call::Uncordon {
                controller: executor.controller.clone(),
                executor: executor.id.clone(),
            };
            let what = format!("the end of the cordon of {}", executor.name);
            return attempts.attempt(uncordon_of(target, executor), &what, call);
        }
    }
    Step::Finished
}

/// The next step for one that is gone: its agent may stay known, and a machine that
/// takes its name over would never be given a job.
pub(super) fn after_its_end(context: &Context<'_>) -> Step {
    let Context {
        operation,
        id,
        target,
        fleet,
        terms,
        ..
    } = context;
    let is_removed = target.removed_at(&[]).is_some();
    if target.gone_at.is_none() || !has_cordoned(target) || is_removed {
        return Step::Finished;
    }
    if *operation.standing() == Standing::Paused {
        return Step::Wait(WaitingOn::Paused);
    }
    let link = fleet.pool(terms.pool).and_then(|it| it.ci.as_ref());
    let is_read = |it: &CiLink| fleet.controllers.iter().any(|of| of.name == it.controller);
    if !link.is_some_and(is_read) {
        let why = "its controller was not read yet".to_owned();
        return Step::Wait(WaitingOn::Evidence { why });
    }
    let is_known_as_ours = |it: &Executor| {
        let key = (it.controller.clone(), it.id.clone());
        target.cordons.contains_key(&key)
    };
    let is_ours = |it: &Executor| match &it.note {
        Some(note) => is_noted(operation, note) && note.contains(id.as_str()),
        None => is_known_as_ours(it),
    };
    let mut cordoned = fleet.executors.iter().filter(|it| it.cordoned);
    let Some(executor) = cordoned.find(|it| is_ours(it)) else {
        if let Some(what) = unsettled_cordon(context) {
            return Step::Wait(WaitingOn::Settling { what });
        }
        // Each of them: one may only be missing from this reading.
        let is_listed = |key: &(ControllerName, String)| fleet.executor(&key.0, &key.1).is_some();
        let mut ours = target.cordons.keys().chain(&target.opened).peekable();
        let is_seen_open = ours.peek().is_some() && ours.all(is_listed);
        let last_at = target.uncordon.may_have_happened_at().max(target.gone_at);
        let patience = terms.proof.settle * PATIENCE;
        let is_recent = last_at.is_some_and(|it| context.now.since(it) < patience);
        return if is_recent && !is_seen_open {
            Step::Wait(WaitingOn::Settling {
                what: "the end of its agent".to_owned(),
            })
        } else {
            Step::Finished
        };
    };
    let is_anothers = executor.instance.as_ref().is_some_and(|it| it != *id);
    // One that lives so long without its instance runs on a machine that was detached.
    let is_detached = target
        .gone_at
        .is_some_and(|it| DETACHED_AFTER <= context.now.since(it));
    if !is_anothers && !is_detached && !matches!(executor.work, Work::Offline { .. }) {
        // Before its controller misses it, it might still be given a job.
        let what = format!("the end of agent {}", executor.name);
        return Step::Wait(WaitingOn::Settling { what });
    }
    let call = || Call::Uncordon {
        controller: executor.controller.clone(),
        executor: executor.id.clone(),
    };
    let what = format!("the end of the cordon of {}", executor.name);
    context.attempt(uncordon_of(target, executor), &what, call)
}

/// Names a write of ours that may have happened and may not show yet: what does
/// not show now is not known to need no undoing.
fn unsettled(context: &Context<'_>) -> Option<String> {
    let target = context.target;
    let settle = context.terms.proof.settle;
    if target.protect.is_recent(context.shown_at(), settle) && !target.unprotect.is_applied() {
        return Some("its protection".to_owned());
    }
    unsettled_cordon(context)
}

fn unsettled_cordon(context: &Context<'_>) -> Option<String> {
    let settle = context.terms.proof.settle;
    let is_recent = |mark: &Mark| mark.is_recent(context.now, settle);
    let mut cordons = context.target.cordons.iter();
    let ((_, executor), _) = cordons.find(|it| is_recent(it.1))?;
    Some(format!("the cordon of {executor}"))
}
