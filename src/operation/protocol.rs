//! The drain protocol: the way out for one instance, whatever the operation.
//!
//! Mark, protect, cordon, read the cordon back, prove idleness, terminate
//! through the group, and see it off through its hooks. Whose turn it is, and
//! when it is given back instead, each kind of operation decides for itself.

use std::time::Duration;

use super::{
    Claim, Halt, Operation, Proof, Sight, Spec, Standing, Subject, TAG, TargetState, WaitingOn,
    decide::Step,
    removal,
    target::{Mark, pause_after},
    undo,
};
use crate::fleet::{
    Call, Executor, FailureKind, Fleet, HookResult, Instance, InstanceId, MachineState, Phase,
    Pool, PoolKey, SourceId, Timestamp,
};

/// A refusal that may pass is tried so often, and then an operator is asked.
const N_TRIES_MAX: u32 = 4;
/// A group lists a member before every part of AWS knows of it; that takes a few minutes at most.
const N_TRIES_MAX_NEW: u32 = 12;
/// A cordon that is lifted more often than this is a fight, and fights are not ours to win.
const N_CORDONS_LOST_MAX: u32 = 5;
/// Nor is one that never shows.
const N_CORDONS_MAX: u32 = 10;

/// On which terms an instance goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    pub(super) pool: &'a PoolKey,
    pub(super) proof: &'a Proof,
    /// Whether desired goes down with it; otherwise the group replaces it.
    pub(super) decrement: bool,
    /// Does not look at the jobs.
    pub(super) force: bool,
}

/// Everything that a step of one instance may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) operation: &'a Operation,
    pub(super) terms: Terms<'a>,
    pub(super) id: &'a InstanceId,
    pub(super) target: &'a TargetState,
    pub(super) fleet: &'a Fleet,
    pub(super) now: Timestamp,
}

impl Context<'_> {
    /// Returns what time the reading of its scope shows: a page that failed keeps older rows.
    pub(super) fn shown_at(&self) -> Timestamp {
        shown_at(self.fleet, self.terms.pool, self.now)
    }

    /// Makes a call about this instance, as `Attempts` does.
    pub(super) fn attempt(&self, mark: &Mark, what: &str, call: impl FnOnce() -> Call) -> Step {
        let attempts = Attempts {
            subject: Subject::Instance(self.id.clone()),
            settle: self.terms.proof.settle,
            now: self.now,
            shown_at: self.shown_at(),
        };
        attempts.attempt(mark, what, call)
    }
}

/// What every kind does first: what is over, what is gone, what is on its way out.
///
/// `Err` is the step that this leads to; `Ok` is the instance that is still there.
#[expect(
    clippy::result_large_err,
    reason = "a step is made once and taken at once"
)]
pub(super) fn still_there<'a>(context: &Context<'a>) -> Result<&'a Instance, Step> {
    let Context {
        id,
        target,
        fleet,
        now,
        ..
    } = *context;
    if target.is_finished(now, context.terms.proof.settle) {
        return Err(undo::after_its_end(context));
    }
    let Some(instance) = fleet.instances.get(id) else {
        return Err(Step::Wait(WaitingOn::Settling {
            what: "its end".to_owned(),
        }));
    };
    // What another driver has taken over, it also sees off or gives back.
    if target.is_begun()
        && let Some(by) = foreign_owner(context, instance)
    {
        return Err(match context.operation.standing() {
            // A reading from before our own mark may show the other's.
            Standing::Aborting { .. } if target.tag.is_recent(now, context.terms.proof.settle) => {
                Step::Wait(WaitingOn::Settling {
                    what: "its mark".to_owned(),
                })
            }
            Standing::Aborting { .. } => Step::Finished,
            Standing::Running | Standing::Paused | Standing::Ended { .. } => {
                Step::Stuck(Halt::Owned {
                    instance: instance.id.clone(),
                    by,
                })
            }
        });
    }
    if super::sight::is_leaving(instance) {
        return Err(see_off(context, instance));
    }
    Ok(instance)
}

/// Marks, protects and cordons, reads the cordon back, and waits for the proof.
pub(super) fn empty(context: &Context<'_>, instance: &Instance) -> Step {
    let Context { target, terms, .. } = context;
    if let Some(by) = foreign_owner(context, instance) {
        return Step::Stuck(Halt::Owned {
            instance: instance.id.clone(),
            by,
        });
    }
    let wants_protection = !instance.protected && instance.phase() == Phase::InService;
    // A call whose effect an earlier reading has shown is not made again.
    let tag = || Call::TagInstances {
        scope: instance.scope.clone(),
        instances: vec![instance.id.clone()],
        key: TAG.to_owned(),
        value: Claim::of(context.operation, wants_protection).to_string(),
    };
    let is_marked = instance.tags.contains_key(TAG) && target.is_begun();
    // Somebody gave all of it back, and a driver that slept would not know.
    let mut agents = context.fleet.executors_on(context.id);
    let is_open = |it: &Executor| {
        let key = (it.controller.clone(), it.id.clone());
        !it.cordoned && target.cordons.contains_key(&key)
    };
    if let Mark::Applied(at) = target.tag
        && *context.operation.standing() == Standing::Running
        && matches!(context.operation.spec, Spec::Drain(_))
        && !is_marked
        && agents.any(|it| is_open(it))
        && terms.proof.settle <= context.shown_at().since(at)
    {
        return Step::Stuck(Halt::Unmarked {
            subject: instance.id.clone().into(),
        });
    }
    if !is_marked && !target.tag.is_applied() {
        return context.attempt(&target.tag, "its mark", tag);
    }
    let protect = || Call::SetInstanceProtection {
        pool: terms.pool.clone(),
        instances: vec![instance.id.clone()],
        protected: true,
    };
    if wants_protection && !target.protect.is_applied() {
        return context.attempt(&target.protect, "its protection", protect);
    }
    if let Some(step) = cordon(context).or_else(|| removal::confirm(context)) {
        return step;
    }
    match prove(context) {
        Some(waiting_on) => Step::Wait(waiting_on),
        None => removal::remove(context).unwrap_or_else(|| terminate(context)),
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
    // The cordon of an operation that lost the instance to us ends with that operation, so it
    // is made ours: also where that operation wrote its note over ours before it saw our mark,
    // because it leaves without it. One that a person set stays theirs.
    let mark = fleet.instances.get(*id).and_then(|it| it.tags.get(TAG));
    let is_owner = mark.is_some_and(|it| operation.owns(&Claim::parse(it).id));
    let is_anothers = |it: &Executor| {
        let claim = it.note.as_deref().and_then(Claim::of_note);
        let key = (it.controller.clone(), it.id.clone());
        let is_new = !target.cordons.contains_key(&key);
        claim.is_some_and(|it| !operation.owns(&it.id)) && (is_new || is_owner)
    };
    let mut agents = fleet.executors_on(id);
    let executor = agents.find(|it| !it.cordoned || is_anothers(it))?;
    let key = (executor.controller.clone(), executor.id.clone());
    let n = target.n_cordoned(&key);
    if N_CORDONS_MAX <= n {
        return Some(Step::Stuck(Halt::CordonIgnored {
            instance: (*id).clone(),
            executor: executor.name.clone(),
            n,
        }));
    }
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
    Some(context.attempt(mark, &what, call))
}

/// Returns what the proof of idleness still lacks; `None` when it is whole and fresh.
fn prove(context: &Context<'_>) -> Option<WaitingOn> {
    let Context {
        target, terms, now, ..
    } = context;
    let proof = terms.proof;
    if is_removed(context) {
        return None;
    }
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
    let n = target.idle_at.len();
    let span = span_of(&target.idle_at, proof.max_age / 3);
    let is_fresh = target
        .idle_at
        .last()
        .is_some_and(|it| now.since(*it) <= proof.max_age);
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

/// Returns whether all of its agents are off their controllers by our hand, so that no job runs
/// on it and none can come.
pub(super) fn is_removed(context: &Context<'_>) -> bool {
    let agents = context.fleet.executors_on(context.id);
    let agents: Vec<&Executor> = agents.map(|it| &**it).collect();
    context.target.removed_at(&agents).is_some()
}

/// Returns how long somebody watched: the time between readings, as far as it is believed.
///
/// A clock that is set forward between two of them would pass for a minute of idleness.
fn span_of(idle_at: &[Timestamp], believed: Duration) -> Duration {
    let gaps = idle_at.windows(2).map(|it| it[1].since(it[0]));
    gaps.map(|it| it.min(believed)).sum()
}

pub(super) fn terminate(context: &Context<'_>) -> Step {
    let Context {
        id, target, terms, ..
    } = context;
    let call = || Call::TerminateInstance {
        pool: terms.pool.clone(),
        instance: (*id).clone(),
        decrement: terms.decrement,
    };
    context.attempt(&target.terminate, "its termination", call)
}

/// The machine is on its way out, by us or by somebody else: its hooks decide how long it lives.
fn see_off(context: &Context<'_>, instance: &Instance) -> Step {
    let Context {
        target,
        fleet,
        terms,
        ..
    } = context;
    let waiting = || Step::Wait(WaitingOn::Termination);
    match instance.phase() {
        // Its group waits for exactly this.
        Phase::Retained if terms.force => return terminate(context),
        Phase::Retained => {
            return Step::Stuck(Halt::Retained {
                instance: instance.id.clone(),
            });
        }
        Phase::TerminatingWait => {}
        // Its group does not look at who is in standby, and would keep the dead for ever.
        Phase::Standby if instance.state == Some(MachineState::Terminated) => {
            return terminate(context);
        }
        _ => return waiting(),
    }
    let pool = fleet.pool(terms.pool);
    let hook = pool
        .zip(instance.lifecycle.as_ref())
        .and_then(|(pool, it)| Pool::hook_for(pool, it));
    let Some(hook) = hook else { return waiting() };
    let is_powered_off = instance.state == Some(MachineState::Terminated);
    // By force: the operator knows of the jobs, and does not wait for them.
    let is_asked = !is_powered_off && !terms.force;
    let is_proven = prove(context).is_none();
    let removal = is_asked.then(|| match removal::confirm(context) {
        None if is_proven => removal::remove(context),
        step => step,
    });
    let removal = match removal.flatten() {
        Some(step @ Step::Apply(_)) => return step,
        removal => removal,
    };
    if !is_asked || is_proven && removal.is_none() {
        let call = || Call::CompleteHook {
            pool: terms.pool.clone(),
            instance: instance.id.clone(),
            hook: hook.name.clone(),
            result: HookResult::Continue,
        };
        return context.attempt(&target.hook, "the end of its hook", call);
    }
    // A job runs, or may run: the hook is kept alive, well before a third of its time is left.
    let since = |at: Timestamp| context.now.since(at);
    let is_due = match &target.heartbeat {
        Mark::Applied(at) => hook.heartbeat_timeout / 3 <= since(*at),
        // Unanswered: it may not have counted, and one more does no harm.
        Mark::Intended { at, .. } => hook.heartbeat_timeout / 15 <= since(*at),
        Mark::None | Mark::Refused { .. } => {
            hook.heartbeat_timeout / 3 <= since(instance.lifecycle_since)
        }
    };
    let is_within_cap = context.now < instance.lifecycle_since + hook.global_timeout;
    if is_due && is_within_cap && !is_backing_off(&target.heartbeat, context) {
        return Step::Apply(Call::Heartbeat {
            pool: terms.pool.clone(),
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
        _ => removal.unwrap_or_else(waiting),
    }
}

/// Returns what time the last whole reading of a pool shows, by a clock that may have been set.
pub(super) fn shown_at(fleet: &Fleet, pool: &PoolKey, now: Timestamp) -> Timestamp {
    fleet.read_at(&pool.scope).unwrap_or_default().min(now)
}

/// Calls about one subject, none of them made more often than it has to be.
pub(super) struct Attempts {
    pub(super) subject: Subject,
    pub(super) settle: Duration,
    pub(super) now: Timestamp,
    /// What time the reading of the pool shows.
    pub(super) shown_at: Timestamp,
}

impl Attempts {
    /// Makes a call whose effect is not seen yet, unless it was just made or may not be made again.
    pub(super) fn attempt(&self, mark: &Mark, what: &str, call: impl FnOnce() -> Call) -> Step {
        match mark {
            // It was answered, or its answer was lost: the next readings tell.
            Mark::Intended { at, .. } | Mark::Applied(at) => {
                let call = call();
                let is_seen_until = match call.source() {
                    SourceId::Scope(_) => self.shown_at,
                    SourceId::Controller(_) => self.now,
                };
                if self.settle <= is_seen_until.since(*at) {
                    return Step::Apply(call);
                }
                Step::Wait(WaitingOn::Settling {
                    what: what.to_owned(),
                })
            }
            Mark::None => Step::Apply(call()),
            Mark::Refused {
                kind, why, n, at, ..
            } => {
                let is_new =
                    matches!(self.subject, Subject::Instance(_)) && *kind == FailureKind::NotFound;
                let n_max = if is_new { N_TRIES_MAX_NEW } else { N_TRIES_MAX };
                if !kind.may_pass() && n_max <= *n || *kind == FailureKind::Denied {
                    return Step::Stuck(Halt::Refused {
                        subject: self.subject.clone(),
                        call: call().operation().to_owned(),
                        why: why.clone(),
                    });
                }
                let retry_at = *at + pause_after(*n);
                if self.now < retry_at {
                    return Step::Wait(WaitingOn::Retry {
                        why: why.clone(),
                        at: retry_at,
                    });
                }
                Step::Apply(call())
            }
        }
    }
}

fn is_backing_off(mark: &Mark, context: &Context<'_>) -> bool {
    matches!(mark, Mark::Refused { at, n, .. } if context.now < *at + pause_after(*n))
}

fn foreign_owner(context: &Context<'_>, instance: &Instance) -> Option<String> {
    let claim = Claim::parse(instance.tags.get(TAG)?);
    (!context.operation.owns(&claim.id)).then(|| claim.words())
}
