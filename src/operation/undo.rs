//! Giving back: what an operation borrowed returns, unless it was changed since.

use super::{
    Claim, Operation, Standing, TAG, WaitingOn, decide::Step, protocol::Context, target::Mark,
};
use crate::fleet::{Call, CiLink, Executor, Instance, Work};

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
    if !target.is_begun() {
        return Step::Finished;
    }
    let settle = terms.proof.settle;
    let is_recent = |at| context.now.since(at) < settle;
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
        return context.attempt(&target.uncordon, &what, call);
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
    let is_borrowed = target.protect.may_have_happened_at().is_some() && instance.protected;
    if is_borrowed && !target.unprotect.is_applied() {
        return context.attempt(&target.unprotect, "the end of its protection", unprotect);
    }
    let untag = || Call::UntagInstances {
        scope: instance.scope.clone(),
        instances: vec![instance.id.clone()],
        key: TAG.to_owned(),
    };
    context.attempt(&target.untag, "the end of its mark", untag)
}

/// Whether a cordon's note is ours, or that of the operation that we took over.
fn is_noted(operation: &Operation, note: &str) -> bool {
    let took_over = operation.took_over();
    note.contains(&operation.id.0) || took_over.is_some_and(|it| note.contains(&it.0))
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
    let has_cordoned = !target.cordons.is_empty() || target.uncordon != Mark::None;
    if target.gone_at.is_none() || !has_cordoned {
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
        let is_seen_open = fleet.executors.iter().any(|it| is_known_as_ours(it));
        let last_at = target.uncordon.may_have_happened_at().max(target.gone_at);
        // Longer than another try takes to fall due: it may only be missing from this reading.
        let patience = terms.proof.settle * 2;
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
    if !is_anothers && !matches!(executor.work, Work::Offline { .. }) {
        // Before its controller misses it, it might still be given a job.
        let what = format!("the end of agent {}", executor.name);
        return Step::Wait(WaitingOn::Settling { what });
    }
    let call = || Call::Uncordon {
        controller: executor.controller.clone(),
        executor: executor.id.clone(),
    };
    let what = format!("the end of the cordon of {}", executor.name);
    context.attempt(&target.uncordon, &what, call)
}

/// Names a write of ours that may have happened and may not show yet: what does
/// not show now is not known to need no undoing.
fn unsettled(context: &Context<'_>) -> Option<String> {
    let Context {
        target, terms, now, ..
    } = context;
    let is_recent = |mark: &Mark| {
        let sent_at = mark.may_have_happened_at();
        sent_at.is_some_and(|it| now.since(it) < terms.proof.settle)
    };
    if is_recent(&target.protect) && !target.unprotect.is_applied() {
        return Some("its protection".to_owned());
    }
    let recent = target.cordons.iter().find(|(_, mark)| is_recent(mark));
    recent.map(|((_, executor), _)| format!("the cordon of {executor}"))
}
