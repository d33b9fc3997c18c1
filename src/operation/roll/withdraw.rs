//! What was asked for and never launched is taken back, so that no instance that works goes for it.
//!
//! A smaller desired size lets AWS choose who dies, unless its group may end nobody: the Terminate
//! process is suspended around it, and resumed only once the group wants as many as it has.

use super::{ground::Ground, size};
use crate::{
    fleet::{Call, Process, Timestamp},
    operation::{Mark, Slot, WaitingOn, decide::Step},
};

/// Lowers desired to what is there; only for a roll that stops, and takes nobody with it.
pub(super) fn step(ground: &Ground<'_>) -> Step {
    let lower = size::set_desired(ground, ground.base());
    if matches!(lower, Step::Stuck(_)) {
        // It may not be lowered, and a group that may end nobody is no way to leave it.
        return match release(ground) {
            Step::Finished => lower,
            step => step,
        };
    }
    if !ground.pool.is_suspended(&Process::Terminate) {
        let call = || Call::SuspendProcesses {
            pool: ground.plan.pool.clone(),
            processes: vec![Process::Terminate],
        };
        let mark = anew(ground, Slot::Hold, Slot::Release);
        return ground
            .attempts()
            .attempt(mark, "the suspension of Terminate", call);
    }
    // Whoever is counted now was counted when the group could still end somebody.
    let held_at = ground.written_at(Slot::Hold);
    if held_at.is_some_and(|it| !ground.is_settled_since(it)) {
        return Step::Wait(WaitingOn::Settling {
            what: "the suspension of Terminate".to_owned(),
        });
    }
    lower
}

/// Returns whether there is something to take back: more is wanted than is there, nobody waits
/// for it any more, and those who are there are not too many.
pub(super) fn is_due(ground: &Ground<'_>) -> bool {
    ground.is_stopping()
        && 0 < ground.n_surplus()
        && ground.n_ready() <= ground.base()
        && !ground.awaits_newcomers()
}

/// Returns since when the group may end nobody by our call, if it may not yet again.
fn held_at(ground: &Ground<'_>) -> Option<Timestamp> {
    let released_at = ground.written_at(Slot::Release);
    let is_released = ground.state.mark(Slot::Release).is_applied();
    let held_at = ground.written_at(Slot::Hold)?;
    let is_held = !is_released || released_at < Some(held_at);
    is_held.then_some(held_at)
}

/// Returns how many have to go by name before the group may end instances again, because others
/// want fewer by now: it would choose them itself.
pub(super) fn n_too_many(ground: &Ground<'_>) -> u32 {
    let n = ground.n_there().saturating_sub(ground.capacity.desired);
    let is_settled = ground.is_settled_since(ground.state.desired_changed_at());
    let is_held = held_at(ground).is_some() && ground.pool.is_suspended(&Process::Terminate);
    if is_held && is_settled && !is_wanted_again(ground) {
        n
    } else {
        0
    }
}

/// Returns whether one came up after all, and nobody but us lowered desired.
fn is_wanted_again(ground: &Ground<'_>) -> bool {
    let n_ready = ground.n_ready();
    ground.state.has_lowered()
        && ground.state.n_fights == 0
        && ground.capacity.desired < n_ready
        && n_ready <= ground.capacity.max
}

/// Lets the group end instances again, once it wants no fewer than it has.
pub(super) fn release(ground: &Ground<'_>) -> Step {
    let is_suspended = ground.pool.is_suspended(&Process::Terminate);
    let held_at = held_at(ground);
    if held_at.is_none() && !(is_suspended && ground.state.has_lowered()) {
        return Step::Finished;
    }
    if is_suspended {
        if !ground.is_settled_since(ground.state.desired_changed_at()) {
            return Step::Wait(size::unsettled());
        }
        if is_wanted_again(ground) {
            // The group would end somebody for it.
            return size::set_desired(ground, ground.n_ready());
        }
        if 0 < n_too_many(ground) {
            // They go by name first.
            return Step::Finished;
        }
        let newcomer = ground.unready().next();
        if let Some(it) = newcomer.filter(|_| ground.capacity.desired < ground.n_counted()) {
            let state = it.lifecycle.as_ref().map_or("", |it| it.as_str());
            return Step::Wait(WaitingOn::Settling {
                what: format!("the agent or the end of {}, which is {state},", it.id),
            });
        }
    }
    let Some(held_at) = held_at else {
        return Step::Finished;
    };
    let mut ours = size::suspended_by(ground, Slot::Hold, &[Process::Terminate]);
    if ours.next().is_some() {
        let call = || Call::ResumeProcesses {
            pool: ground.plan.pool.clone(),
            processes: vec![Process::Terminate],
        };
        let mark = anew(ground, Slot::Release, Slot::Hold);
        let what = "the end of the suspension of Terminate";
        return ground.attempts().attempt(mark, what, call);
    }
    // Somebody else resumed it, or it does not show yet.
    if ground.is_settled_since(held_at) {
        return Step::Finished;
    }
    Step::Wait(WaitingOn::Settling {
        what: "the suspension of Terminate".to_owned(),
    })
}

/// Returns the mark of a call that its counterpart undid since: none.
fn anew<'a>(ground: &Ground<'a>, slot: Slot, undone_by: Slot) -> &'a Mark {
    let mark = ground.state.mark(slot);
    if mark.is_applied() && ground.written_at(slot) < ground.written_at(undone_by) {
        return &Mark::None;
    }
    mark
}
