//! What comes next: the drain protocol, one instance at a time.

use std::time::Duration;

use super::{
    Drain, Halt, Operation, Sight, Spec, Standing, TAG, TargetState, WaitingOn, sight::is_leaving,
    state::Mark, undo,
};
use crate::fleet::{
    Call, FailureKind, Fleet, HookResult, Instance, InstanceId, MachineState, Phase, Pool,
    Timestamp,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Apply(Call),
    /// For each target that is not finished, what it waits for.
    Wait(Vec<(InstanceId, WaitingOn)>),
    /// Nothing can be done without an operator.
    Halt(Vec<Halt>),
    Done,
}

/// What comes next for one target.
pub(super) enum Step {
    Apply(Call),
    Wait(WaitingOn),
    Stuck(Halt),
    Finished,
}

/// A refusal that may pass is tried so often, and then an operator is asked.
const N_TRIES_MAX: u32 = 4;
/// A cordon that is lifted more often than this is a fight, and fights are not ours to win.
const N_CORDONS_LOST_MAX: u32 = 5;

/// Decides the next step, given the fleet as last observed. Pure.
pub fn decide(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Decision {
    let Spec::Drain(drain) = &operation.spec;
    if let Standing::Ended { .. } = operation.standing() {
        return Decision::Done;
    }
    let mut waits = Vec::new();
    let mut halts = Vec::new();
    for (id, target) in operation.targets() {
        let context = Context {
            operation,
            drain,
            id,
            target,
            fleet,
            now,
        };
        match step(&context) {
            Step::Apply(call) => return Decision::Apply(call),
            Step::Wait(waiting_on) => waits.push((id.clone(), waiting_on)),
            Step::Stuck(halt) => halts.push(halt),
            Step::Finished => {}
        }
    }
    match (waits.is_empty(), halts.is_empty()) {
        (true, true) => Decision::Done,
        (true, false) => Decision::Halt(halts),
        // Those that are stuck wait for an operator while the others go on.
        (false, _) => Decision::Wait(waits),
    }
}

/// Everything that a step may look at.
pub(super) struct Context<'a> {
    pub(super) operation: &'a Operation,
    pub(super) drain: &'a Drain,
    pub(super) id: &'a InstanceId,
    pub(super) target: &'a TargetState,
    pub(super) fleet: &'a Fleet,
    pub(super) now: Timestamp,
}

fn step(context: &Context<'_>) -> Step {
    let Context {
        operation,
        drain,
        id,
        target,
        fleet,
        now,
    } = context;
    if target.is_finished(*now, drain.proof.settle) {
        return Step::Finished;
    }
    let Some(instance) = fleet.instances.get(*id) else {
        return Step::Wait(WaitingOn::Settling {
            what: "its end".to_owned(),
        });
    };
    if is_leaving(instance) {
        return see_off(context, instance);
    }
    match operation.standing() {
        Standing::Aborting { .. } => return undo::step(context, instance),
        Standing::Paused => return Step::Wait(WaitingOn::Paused),
        Standing::Running | Standing::Ended { .. } => {}
    }
    let is_late = drain
        .deadline
        .is_some_and(|it| operation.started_at + it <= *now);
    if is_late && target.terminate.may_have_happened_at().is_none() {
        return undo::step(context, instance);
    }
    if drain.force {
        return terminate(context);
    }
    empty(context, instance)
}

/// Marks, protects and cordons, reads the cordon back, and waits for the proof.
fn empty(context: &Context<'_>, instance: &Instance) -> Step {
    let Context { target, drain, .. } = context;
    if !target.is_begun()
        && let Some(wait) = wait_for_turn(context)
    {
        return Step::Wait(wait);
    }
    if let Some(by) = foreign_owner(context, instance) {
        return Step::Stuck(Halt::Owned {
            instance: instance.id.clone(),
            by,
        });
    }
    // A call whose effect an earlier reading has shown is not made again.
    let tag = || Call::TagInstances {
        scope: instance.scope.clone(),
        instances: vec![instance.id.clone()],
        key: TAG.to_owned(),
        value: context.operation.id.to_string(),
    };
    if !target.tag.is_applied() {
        return attempt(context, &target.tag, "its mark", tag);
    }
    let protect = || Call::SetInstanceProtection {
        pool: drain.pool.clone(),
        instances: vec![instance.id.clone()],
        protected: true,
    };
    let wants_protection = !instance.protected && instance.phase() == Phase::InService;
    if wants_protection && !target.protect.is_applied() {
        return attempt(context, &target.protect, "its protection", protect);
    }
    if let Some(step) = cordon(context) {
        return step;
    }
    match prove(context) {
        Some(waiting_on) => Step::Wait(waiting_on),
        None => terminate(context),
    }
}

/// Cordons every agent that is still open; `None` once all readings show them closed.
fn cordon(context: &Context<'_>) -> Option<Step> {
    let Context {
        operation,
        id,
        target,
        fleet,
        ..
    } = context;
    if N_CORDONS_LOST_MAX < target.n_cordons_lost {
        return Some(Step::Stuck(Halt::CordonLost {
            instance: (*id).clone(),
            n: target.n_cordons_lost,
        }));
    }
    let executor = fleet.executors_on(id).find(|it| !it.cordoned)?;
    let key = (executor.controller.clone(), executor.id.clone());
    let none = Mark::None;
    let mark = target.cordons.get(&key).unwrap_or(&none);
    let reason = operation.reason.as_ref();
    let reason = reason.map_or(String::new(), |it| format!(" ({it})"));
    let kind = operation.spec.kind();
    // The note names the instance: it is how a replay knows whose cordon this is.
    let words = format!("pooldeck {}: {kind} of {id}{reason}", operation.id);
    let call = || Call::Cordon {
        controller: executor.controller.clone(),
        executor: executor.id.clone(),
        note: words,
    };
    let what = format!("the cordon of {}", executor.name);
    Some(attempt(context, mark, &what, call))
}

/// Returns what the proof of idleness still lacks; `None` when it is whole and fresh.
fn prove(context: &Context<'_>) -> Option<WaitingOn> {
    let Context {
        target, drain, now, ..
    } = context;
    let proof = &drain.proof;
    match &target.seen {
        Some(Sight::Busy { jobs, .. }) => return Some(WaitingOn::Jobs { jobs: jobs.clone() }),
        Some(Sight::Unknown { why, .. }) => return Some(WaitingOn::Evidence { why: why.clone() }),
        Some(Sight::Open { executor, .. }) => {
            let what = format!("the cordon of {executor}");
            return Some(WaitingOn::Settling { what });
        }
        None | Some(Sight::Gone { .. } | Sight::Leaving { .. }) => {
            let why = "it was not looked at yet".to_owned();
            return Some(WaitingOn::Evidence { why });
        }
        Some(Sight::Idle { .. }) => {}
    }
    let (first, last) = (target.idle_at.first(), target.idle_at.last());
    let n = target.idle_at.len();
    let span = first
        .zip(last)
        .map_or(Duration::ZERO, |(first, last)| last.since(*first));
    let is_fresh = last.is_some_and(|it| now.since(*it) <= proof.max_age);
    let n_wanted = usize::try_from(proof.n_readings).unwrap_or(usize::MAX);
    if n_wanted <= n && proof.span <= span && is_fresh {
        return None;
    }
    Some(WaitingOn::Proof {
        n: n.min(n_wanted),
        of: proof.n_readings,
        span_left: proof.span.saturating_sub(span),
    })
}

fn terminate(context: &Context<'_>) -> Step {
    let Context {
        id, target, drain, ..
    } = context;
    let call = || Call::TerminateInstance {
        pool: drain.pool.clone(),
        instance: (*id).clone(),
        decrement: drain.decrement,
    };
    attempt(context, &target.terminate, "its termination", call)
}

/// The machine is on its way out, by us or by somebody else: its hooks decide how long it lives.
fn see_off(context: &Context<'_>, instance: &Instance) -> Step {
    let Context {
        target,
        fleet,
        drain,
        ..
    } = context;
    let waiting = || Step::Wait(WaitingOn::Termination);
    match instance.phase() {
        Phase::Retained => {
            return Step::Stuck(Halt::Retained {
                instance: instance.id.clone(),
            });
        }
        Phase::TerminatingWait => {}
        _ => return waiting(),
    }
    let pool = fleet.pool(&drain.pool);
    let hook = pool
        .zip(instance.lifecycle.as_ref())
        .and_then(|(pool, it)| Pool::hook_for(pool, it));
    let Some(hook) = hook else { return waiting() };
    let is_powered_off = instance.state == Some(MachineState::Terminated);
    // By force: the operator knows of the jobs, and does not wait for them.
    if is_powered_off || drain.force || is_idle_now(context) {
        let call = || Call::CompleteHook {
            pool: drain.pool.clone(),
            instance: instance.id.clone(),
            hook: hook.name.clone(),
            result: HookResult::Continue,
        };
        return attempt(context, &target.hook, "the end of its hook", call);
    }
    // A job runs, or may run: the hook is kept alive, well before a third of its time is left.
    let since = |at: Timestamp| context.now.since(at);
    let is_due = match &target.heartbeat {
        Mark::Applied(at) => hook.heartbeat_timeout / 3 <= since(*at),
        // Unanswered: it may not have counted, and one more does no harm.
        Mark::Intended(at) => hook.heartbeat_timeout / 15 <= since(*at),
        Mark::None | Mark::Refused { .. } => {
            hook.heartbeat_timeout / 3 <= since(instance.lifecycle_since)
        }
    };
    let is_within_cap = context.now < instance.lifecycle_since + hook.global_timeout;
    if is_due && is_within_cap && !is_backing_off(&target.heartbeat, context) {
        return Step::Apply(Call::Heartbeat {
            pool: drain.pool.clone(),
            instance: instance.id.clone(),
            hook: hook.name.clone(),
        });
    }
    // Its agent may have lost our cordon, or never had one: an open agent is given
    // job after job, until the hook's last deadline ends one of them.
    if let Some(step @ Step::Apply(_)) = cordon(context) {
        return step;
    }
    match &target.seen {
        Some(Sight::Busy { jobs, .. }) => Step::Wait(WaitingOn::Jobs { jobs: jobs.clone() }),
        Some(Sight::Unknown { why, .. }) => Step::Wait(WaitingOn::Evidence { why: why.clone() }),
        _ => waiting(),
    }
}

/// Returns whether the last thing seen is idleness, after a whole proof.
fn is_idle_now(context: &Context<'_>) -> bool {
    let n_wanted = usize::try_from(context.drain.proof.n_readings).unwrap_or(usize::MAX);
    matches!(context.target.seen, Some(Sight::Idle { .. }))
        && n_wanted <= context.target.idle_at.len()
}

/// Makes a call whose effect is not seen yet, unless it was just made or may not be made again.
pub(super) fn attempt(
    context: &Context<'_>,
    mark: &Mark,
    what: &str,
    call: impl FnOnce() -> Call,
) -> Step {
    let settle = context.drain.proof.settle;
    match mark {
        // It was answered, or its answer was lost: the next readings tell.
        Mark::Intended(at) | Mark::Applied(at) if context.now.since(*at) < settle => {
            Step::Wait(WaitingOn::Settling {
                what: what.to_owned(),
            })
        }
        Mark::None | Mark::Intended(_) | Mark::Applied(_) => Step::Apply(call()),
        Mark::Refused { kind, why, n, at } => {
            let may_pass = matches!(
                kind,
                FailureKind::Throttled | FailureKind::Credentials | FailureKind::Unknown
            );
            if !may_pass && N_TRIES_MAX <= *n || *kind == FailureKind::Denied {
                return Step::Stuck(Halt::Refused {
                    instance: context.id.clone(),
                    call: call().operation().to_owned(),
                    why: why.clone(),
                });
            }
            let retry_at = *at + pause_after(*n);
            if context.now < retry_at {
                return Step::Wait(WaitingOn::Retry {
                    why: why.clone(),
                    at: retry_at,
                });
            }
            Step::Apply(call())
        }
    }
}

fn is_backing_off(mark: &Mark, context: &Context<'_>) -> bool {
    matches!(mark, Mark::Refused { at, n, .. } if context.now < *at + pause_after(*n))
}

/// 5 s, doubled with each refusal, up to about five minutes.
fn pause_after(n_refusals: u32) -> Duration {
    Duration::from_secs(5 << n_refusals.saturating_sub(1).min(6))
}

/// A replacing drain takes only so many out of service at a time.
fn wait_for_turn(context: &Context<'_>) -> Option<WaitingOn> {
    let Context {
        operation,
        drain,
        fleet,
        now,
        ..
    } = context;
    let capacity = fleet.pool(&drain.pool).and_then(|it| it.capacity)?;
    if drain.decrement {
        return None;
    }
    let is_ours = |id: &InstanceId| {
        let target = operation.target(id);
        target.is_some_and(|it| it.is_begun() && !it.is_finished(*now, drain.proof.settle))
    };
    let members = &fleet.roster(&drain.pool).instances;
    let is_serving =
        |it: &&std::sync::Arc<Instance>| it.phase() == Phase::InService && !is_ours(&it.id);
    let n_serving = u32::try_from(members.iter().filter(is_serving).count()).unwrap_or(u32::MAX);
    let n_missing = capacity.desired.saturating_sub(n_serving);
    (drain.max_unavailable <= n_missing).then_some(WaitingOn::Turn {
        n_missing,
        max_unavailable: drain.max_unavailable,
    })
}

fn foreign_owner(context: &Context<'_>, instance: &Instance) -> Option<String> {
    let owner = instance.tags.get(TAG)?;
    (*owner != context.operation.id.0).then(|| owner.clone())
}
