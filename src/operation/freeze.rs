//! A freeze: the processes of a group are suspended, and resumed at their time.
//!
//! Only what it suspended itself is resumed, and of that only what nobody changed since.

use super::{
    Freeze, Halt, Mark, Operation, Slot, Standing, WaitingOn,
    decide::{Decision, Step, Tally},
    protocol::{Attempts, shown_at},
};
use crate::fleet::{Call, Fleet, FreezeMark, Pool, Process, Timestamp};

pub(super) fn decide(
    operation: &Operation,
    freeze: &Freeze,
    fleet: &Fleet,
    now: Timestamp,
) -> Decision {
    let mut tally = Tally::default();
    let step = step(operation, freeze, fleet, now);
    tally
        .take(freeze.pool.clone(), step)
        .unwrap_or_else(|| tally.decide())
}

/// Says what stays suspended after a freeze that ended: somebody else wanted that.
pub(super) fn left(operation: &Operation, freeze: &Freeze, fleet: &Fleet) -> Vec<String> {
    let is_thawed = freeze.duration.is_some() || is_aborting(operation);
    let Some(pool) = fleet.pool(&freeze.pool).filter(|_| is_thawed) else {
        return Vec::new();
    };
    let ours = |process: &Process| freeze.processes.contains(process);
    let kept = pool.suspended.iter().filter(|it| ours(&it.process));
    kept.map(|it| {
        format!(
            "{} of {} stays suspended, as somebody else left it: {}",
            it.process, freeze.pool.name, it.reason
        )
    })
    .collect()
}

fn is_aborting(operation: &Operation) -> bool {
    match operation.standing() {
        Standing::Aborting { .. } => true,
        Standing::Ended { aborted, .. } => aborted.is_some(),
        Standing::Running | Standing::Paused => false,
    }
}

/// Everything that a step may look at.
struct Context<'a> {
    operation: &'a Operation,
    freeze: &'a Freeze,
    pool: &'a Pool,
    mark: FreezeMark,
    attempts: Attempts,
    now: Timestamp,
}

fn step(operation: &Operation, freeze: &Freeze, fleet: &Fleet, now: Timestamp) -> Step {
    let Some(pool) = fleet.pool(&freeze.pool) else {
        // A group that is gone keeps nothing suspended.
        return if is_aborting(operation) {
            Step::Finished
        } else {
            let why = format!("{} was not read yet", freeze.pool);
            Step::Wait(WaitingOn::Evidence { why })
        };
    };
    let until = freeze.duration.map(|it| operation.started_at + it);
    let suspend = operation.pool(&freeze.pool).mark(Slot::Suspend);
    let sent_at = suspend.may_have_happened_at();
    let context = Context {
        operation,
        freeze,
        pool,
        mark: FreezeMark {
            by: operation.owner.to_string(),
            // What was suspended later than we sent it was suspended by somebody else.
            at: sent_at.unwrap_or(now),
            until,
            operation: Some(operation.id.to_string()),
            processes: freeze.processes.clone(),
        },
        attempts: Attempts {
            subject: freeze.pool.clone().into(),
            settle: operation.spec.proof().settle,
            now,
            shown_at: shown_at(fleet, &freeze.pool, now),
        },
        now,
    };
    // A thaw that began goes on, wherever the clock is set meanwhile.
    let has_begun = |slot| {
        operation
            .pool(&freeze.pool)
            .mark(slot)
            .may_have_happened_at()
            .is_some()
    };
    let is_thawing = has_begun(Slot::Resume) || has_begun(Slot::Untag);
    if is_thawing || is_aborting(operation) {
        return thaw(&context);
    }
    // Whoever pauses it wants it to stay as it is, also beyond its time.
    if *operation.standing() == Standing::Paused {
        return Step::Wait(WaitingOn::Paused);
    }
    if until.is_some_and(|it| it <= now) {
        return thaw(&context);
    }
    if let Some(step) = hold(&context) {
        return step;
    }
    match until {
        Some(at) => Step::Wait(WaitingOn::Time {
            what: "its thaw".to_owned(),
            at,
        }),
        None => Step::Finished,
    }
}

/// Marks the group, then suspends; `None` once both were seen, or somebody undid them.
fn hold(context: &Context<'_>) -> Option<Step> {
    let Context {
        operation,
        freeze,
        pool,
        attempts,
        ..
    } = context;
    let state = operation.pool(&freeze.pool);
    let missing = |it: &&Process| !pool.is_suspended(it);
    let n_missing = freeze.processes.iter().filter(missing).count();
    let tag = state.mark(Slot::Tag);
    let suspend = state.mark(Slot::Suspend);
    let found = FreezeMark::of(pool);
    // Whoever reads the mark judges by its time what was suspended after it.
    let is_old = |it: &FreezeMark| attempts.settle < context.now.since(it.at);
    // One call suspends all of them. Where its answer was lost, those that show it tell: to ask
    // again would make the earlier ones look like somebody else's, and they would stay.
    let is_sent = suspend.may_have_happened_at().is_some();
    let shows = || n_missing < held(context, found.as_ref()).len();
    // Whoever is missing was resumed by somebody since.
    let is_suspended = was_done(context, suspend) || is_sent && shows();
    let is_late = matches!(&found, Some(Ok(it)) if is_ours(operation, it) && is_old(it))
        && 0 < n_missing
        && !is_suspended;
    let is_foreign = matches!(&found, Some(Ok(it)) if !is_ours(operation, it));
    if is_foreign && was_done(context, tag) {
        return Some(Step::Stuck(Halt::Refused {
            subject: attempts.subject.clone(),
            call: "autoscaling:SuspendProcesses".to_owned(),
            why: "somebody else froze it meanwhile".to_owned(),
        }));
    }
    if !matches!(&found, Some(Ok(it)) if is_ours(operation, it)) || is_late {
        if found.is_none() && was_done(context, tag) && n_missing == freeze.processes.len() {
            // Somebody thawed it: the mark is gone, and all of it runs.
            return Some(Step::Finished);
        }
        // The mark comes first: nothing is suspended that nobody could see or resume.
        let call = || Call::TagPool {
            pool: freeze.pool.clone(),
            key: FreezeMark::TAG.to_owned(),
            value: FreezeMark {
                at: context.now,
                ..context.mark.clone()
            }
            .to_string(),
            propagate: false,
        };
        return Some(attempts.attempt(tag, "its mark", call));
    }
    if n_missing == 0 {
        return None;
    }
    if is_suspended {
        // Somebody resumed some of it since, and that is theirs to want.
        return None;
    }
    let call = || Call::SuspendProcesses {
        pool: freeze.pool.clone(),
        processes: freeze.processes.clone(),
    };
    Some(attempts.attempt(suspend, "the suspension", call))
}

/// Returns whether a call was answered long enough ago to show in every reading.
fn was_done(context: &Context<'_>, mark: &Mark) -> bool {
    let is_settled = |at| context.attempts.settle <= context.now.since(at);
    mark.is_applied() && mark.may_have_happened_at().is_some_and(is_settled)
}

fn is_ours(operation: &Operation, mark: &FreezeMark) -> bool {
    mark.operation.as_deref() == Some(operation.id.0.as_str())
}

/// Returns what is suspended as we left it.
///
/// Our clock may have been set since: what it said then stands in the mark, and what it would
/// have said by today's is what we reckon with.
fn held(context: &Context<'_>, found: Option<&Result<FreezeMark, String>>) -> Vec<Process> {
    let mut ours = context.mark.held(context.pool).ours;
    if let Some(Ok(mark)) = found {
        let by_mark = mark.held(context.pool).ours;
        let new: Vec<Process> = by_mark
            .into_iter()
            .filter(|it| !ours.contains(it))
            .collect();
        ours.extend(new);
    }
    ours
}

/// Resumes what is still as we left it, then takes the mark away.
fn thaw(context: &Context<'_>) -> Step {
    let Context {
        operation,
        freeze,
        pool,
        attempts,
        now,
        ..
    } = context;
    let state = operation.pool(&freeze.pool);
    let is_recent = |slot| {
        let at = state.mark(slot).may_have_happened_at();
        at.is_some_and(|it| now.since(it) < attempts.settle)
    };
    let found = FreezeMark::of(pool);
    if matches!(&found, Some(Ok(it)) if !is_ours(operation, it)) {
        // Somebody else's freeze holds the same processes now, and ends them.
        return Step::Finished;
    }
    let resume = state.mark(Slot::Resume);
    let may_hold = state.mark(Slot::Suspend).may_have_happened_at().is_some();
    if may_hold {
        let processes = held(context, found.as_ref());
        if is_recent(Slot::Suspend)
            && processes.len() < freeze.processes.len()
            && !resume.is_applied()
        {
            // What does not show yet is not known to need no undoing.
            return Step::Wait(WaitingOn::Settling {
                what: "the suspension".to_owned(),
            });
        }
        // Once resumed, what is suspended again was suspended by somebody else.
        let is_done = resume.is_applied() && !is_recent(Slot::Resume);
        if !processes.is_empty() && !is_done {
            let call = || Call::ResumeProcesses {
                pool: freeze.pool.clone(),
                processes,
            };
            return attempts.attempt(resume, "the thaw", call);
        }
    }
    match found {
        Some(Ok(_)) => {
            let call = || Call::UntagPool {
                pool: freeze.pool.clone(),
                key: FreezeMark::TAG.to_owned(),
            };
            attempts.attempt(state.mark(Slot::Untag), "the end of its mark", call)
        }
        None if is_recent(Slot::Tag) && !state.mark(Slot::Untag).is_applied() => {
            Step::Wait(WaitingOn::Settling {
                what: "its mark".to_owned(),
            })
        }
        // Gone; or a mark that somebody else wrote, and only they can read.
        None | Some(Err(_)) => Step::Finished,
    }
}
