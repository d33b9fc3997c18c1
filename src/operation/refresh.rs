//! An instance refresh: EC2 Auto Scaling rolls, and we start it, watch it, hold it and end it.
//!
//! Level-triggered like the others: a refresh that somebody else cancels or
//! turns round is followed to whatever end it comes to.

use std::time::Duration;

use super::{
    Mark, Operation, PoolState, Refresh, Slot, Standing, WaitingOn,
    decide::{Decision, Step, Tally},
    protocol::{Attempts, shown_at},
    token::token,
};
use crate::fleet::{
    self, Call, Fleet, Pool, Process, RefreshStatus, RefreshTerms, TemplateVersion, Timestamp,
};

/// How far AWS' clock may be from ours.
const SKEW: Duration = Duration::from_mins(5);

pub(super) fn decide(
    operation: &Operation,
    spec: &Refresh,
    fleet: &Fleet,
    now: Timestamp,
) -> Decision {
    let mut tally = Tally::default();
    let step = step(operation, spec, fleet, now);
    tally
        .take(spec.pool.clone(), step)
        .unwrap_or_else(|| tally.decide())
}

/// Says how a refresh ended, unless it ended as it should.
pub(super) fn left(operation: &Operation, spec: &Refresh, fleet: &Fleet) -> Vec<String> {
    let name = &spec.pool.name;
    let Some(pool) = fleet.pool(&spec.pool) else {
        return vec![format!("{name} is gone")];
    };
    let mut left = Vec::new();
    match ours(operation, spec, pool) {
        Some(it) if it.status == RefreshStatus::Successful => {}
        Some(it) if it.status == RefreshStatus::Cancelled && is_aborting(operation) => {}
        Some(it) => {
            let why = it.reason.as_ref();
            let why = why.map_or(String::new(), |it| format!(": {it}"));
            let percent = it.percent_complete.unwrap_or(0);
            left.push(format!(
                "the refresh of {name} ended as {} at {percent} %{why}",
                it.status
            ));
        }
        None if operation
            .pool(&spec.pool)
            .mark(Slot::StartRefresh)
            .may_have_happened_at()
            .is_some() =>
        {
            left.push(format!("how the refresh of {name} ended is not known"));
        }
        None => {}
    }
    left
}

/// Says how far it has come, where AWS tells.
pub(super) fn phase(operation: &Operation, spec: &Refresh, fleet: &Fleet) -> Option<String> {
    if spec.copy.is_some() && goal(operation, spec).is_none() {
        return Some("makes its new template".to_owned());
    }
    let refresh = ours(operation, spec, fleet.pool(&spec.pool)?)?;
    let percent = refresh.percent_complete?;
    Some(format!("{}, {percent} % replaced", refresh.status))
}

fn is_aborting(operation: &Operation) -> bool {
    match operation.standing() {
        Standing::Aborting { .. } => true,
        Standing::Ended { aborted, .. } => aborted.is_some(),
        Standing::Running | Standing::Paused => false,
    }
}

/// Finds our refresh: by the id that its start answered, or, where that answer was
/// lost, by what it rolls to and when it began.
fn ours<'a>(operation: &Operation, spec: &Refresh, pool: &'a Pool) -> Option<&'a fleet::Refresh> {
    let refresh = pool.refresh.as_ref()?;
    let state = operation.pool(&spec.pool);
    let id = spec.follows.as_deref();
    if let Some(id) = id.or(state.made(Slot::StartRefresh)) {
        return (refresh.id == id).then_some(refresh);
    }
    state.mark(Slot::StartRefresh).may_have_happened_at()?;
    let goal = goal(operation, spec);
    let is_alike = refresh.version == goal.map(|it| it.version);
    let is_new = refresh
        .started_at
        .is_some_and(|it| operation.started_at <= it + SKEW);
    (is_alike && is_new).then_some(refresh)
}

/// Returns what it rolls to, where it rolls to anything; `None` too until that is made.
fn goal(operation: &Operation, spec: &Refresh) -> Option<TemplateVersion> {
    let Some(copy) = &spec.copy else {
        return spec.terms.template.clone();
    };
    let version = operation.pool(&spec.pool).made(Slot::Create)?;
    Some(TemplateVersion {
        version: version.to_owned(),
        ..copy.from.clone()
    })
}

fn step(operation: &Operation, spec: &Refresh, fleet: &Fleet, now: Timestamp) -> Step {
    let Some(pool) = fleet.pool(&spec.pool) else {
        return if is_aborting(operation) {
            Step::Finished
        } else {
            let why = format!("{} was not read yet", spec.pool);
            Step::Wait(WaitingOn::Evidence { why })
        };
    };
    let attempts = Attempts {
        subject: spec.pool.clone().into(),
        settle: operation.spec.proof().settle,
        now,
        shown_at: shown_at(fleet, &spec.pool, now),
    };
    match ours(operation, spec, pool) {
        Some(refresh) if refresh.status.is_over() => {
            // Nothing is left to hold.
            release(operation, spec, pool, &attempts).unwrap_or(Step::Finished)
        }
        Some(refresh) => watch(operation, spec, pool, refresh, &attempts),
        None => start(operation, spec, pool, &attempts),
    }
}

/// It runs: it is held, let go, or ended, as an operator wants; and otherwise watched.
fn watch(
    operation: &Operation,
    spec: &Refresh,
    pool: &Pool,
    refresh: &fleet::Refresh,
    attempts: &Attempts,
) -> Step {
    let state = operation.pool(&spec.pool);
    let is_held = pool.is_suspended(&Process::InstanceRefresh);
    match operation.standing() {
        Standing::Aborting { .. } if refresh.status != RefreshStatus::Cancelling => {
            let call = || Call::CancelRefresh {
                pool: spec.pool.clone(),
            };
            return attempts.attempt(state.mark(Slot::CancelRefresh), "the cancellation", call);
        }
        // Somebody let it go on, and is not overruled: it is watched.
        Standing::Paused if !is_held && was_let_go(state, attempts) => {}
        Standing::Paused if !is_held => {
            let call = || Call::SuspendProcesses {
                pool: spec.pool.clone(),
                processes: vec![Process::InstanceRefresh],
            };
            return attempts.attempt(state.mark(Slot::Suspend), "the suspension", call);
        }
        Standing::Paused => return Step::Wait(WaitingOn::Paused),
        Standing::Running => {
            if let Some(step) = release(operation, spec, pool, attempts) {
                return step;
            }
        }
        Standing::Aborting { .. } | Standing::Ended { .. } => {}
    }
    Step::Wait(WaitingOn::Refresh {
        status: refresh.status.to_string(),
        percent: refresh.percent_complete,
        reason: refresh.reason.clone(),
    })
}

/// Returns whether it was held for this pause, long enough ago to show, unless it was let go since.
fn was_let_go(state: &PoolState, attempts: &Attempts) -> bool {
    let Mark::Applied(held_at) = *state.mark(Slot::Suspend) else {
        return false;
    };
    let is_of_this_pause = state.resumed_at.is_none_or(|it| it < held_at);
    is_of_this_pause && attempts.settle <= attempts.shown_at.since(held_at)
}

/// Lets the refresh go on, if it was we who held it; `None` when nothing has to be done.
fn release(
    operation: &Operation,
    spec: &Refresh,
    pool: &Pool,
    attempts: &Attempts,
) -> Option<Step> {
    let state = operation.pool(&spec.pool);
    let held_at = state.mark(Slot::Suspend).may_have_happened_at()?;
    let resume = state.mark(Slot::Resume);
    let released_at = resume.may_have_happened_at();
    let is_released = resume.is_applied() && released_at.is_some_and(|it| held_at < it);
    if is_released {
        // Suspended again after that: by somebody who wants it.
        return None;
    }
    let is_recent = attempts.now.since(held_at) < attempts.settle;
    if !pool.is_suspended(&Process::InstanceRefresh) {
        return is_recent.then(|| {
            Step::Wait(WaitingOn::Settling {
                what: "the suspension".to_owned(),
            })
        });
    }
    let call = || Call::ResumeProcesses {
        pool: spec.pool.clone(),
        processes: vec![Process::InstanceRefresh],
    };
    // A resume from before the hold says nothing of this one.
    let is_of_this_hold = released_at.is_none_or(|it| held_at < it);
    Some(if is_of_this_hold {
        attempts.attempt(resume, "its release", call)
    } else {
        Step::Apply(call())
    })
}

/// It is not there yet, or is not seen yet.
fn start(operation: &Operation, spec: &Refresh, pool: &Pool, attempts: &Attempts) -> Step {
    let mark = operation.pool(&spec.pool).mark(Slot::StartRefresh);
    let sent_at = mark.may_have_happened_at();
    let settling = || {
        Step::Wait(WaitingOn::Settling {
            what: "the refresh".to_owned(),
        })
    };
    if spec.follows.is_some() {
        // A newer one hides it: AWS shows what came after.
        let is_settled = attempts.settle <= attempts.now.since(operation.started_at);
        return if is_settled {
            Step::Finished
        } else {
            settling()
        };
    }
    if mark.is_applied() {
        // It is never started twice: one that is hidden by a newer one is over.
        let is_hidden = pool
            .refresh
            .as_ref()
            .zip(sent_at)
            .is_some_and(|(it, sent_at)| it.started_at.is_some_and(|at| sent_at + SKEW < at));
        let is_lost = sent_at.is_some_and(|it| attempts.settle * 10 <= attempts.now.since(it));
        return if is_hidden || is_lost {
            Step::Finished
        } else {
            settling()
        };
    }
    match operation.standing() {
        Standing::Aborting { .. } => {
            // An answer that was lost may still turn out to have been a yes.
            let is_recent = sent_at.is_some_and(|it| attempts.now.since(it) < attempts.settle);
            return if is_recent {
                settling()
            } else {
                Step::Finished
            };
        }
        Standing::Paused => return Step::Wait(WaitingOn::Paused),
        Standing::Running | Standing::Ended { .. } => {}
    }
    let goal = goal(operation, spec);
    if let (Some(copy), None) = (&spec.copy, &goal) {
        let call = || Call::CreateTemplateVersion {
            pool: spec.pool.clone(),
            from: copy.from.clone(),
            image: Some(copy.image.clone()),
            token: token(operation, &spec.pool),
        };
        let made = operation.pool(&spec.pool).mark(Slot::Create);
        return attempts.attempt(made, "its new template", call);
    }
    let call = || Call::StartRefresh {
        pool: spec.pool.clone(),
        terms: Box::new(RefreshTerms {
            template: goal,
            ..spec.terms.clone()
        }),
    };
    attempts.attempt(mark, "the refresh", call)
}
