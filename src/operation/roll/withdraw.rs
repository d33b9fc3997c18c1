//! What was asked for and never launched is taken back, so that no instance that works goes for it.
//!
//! A smaller desired size lets AWS choose who dies, unless its group may end nobody: the Terminate
//! process is suspended around it, and resumed only once the group wants as many as it has.

use super::{ground::Ground, size};
use crate::{
    fleet::{Call, Process},
    operation::{Mark, Slot, WaitingOn, decide::Step},
};

/// Lowers desired to what is there; only for a roll that stops, and takes nobody with it.
pub(super) fn step(ground: &Ground<'_>) -> Step {
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
    size::set_desired(ground, ground.state.base)
}

/// Returns whether there is something to take back: more is wanted than is there, nobody waits
/// for it any more, and those who are there are not too many.
pub(super) fn is_due(ground: &Ground<'_>) -> bool {
    ground.is_stopping()
        && 0 < ground.n_surplus()
        && ground.n_counted() <= ground.state.base
        && !ground.awaits_newcomers()
}

/// Lets the group end instances again, once it wants no fewer than it has.
pub(super) fn release(ground: &Ground<'_>) -> Step {
    if ground.state.has_lowered() && ground.pool.is_suspended(&Process::Terminate) {
        if !ground.is_settled_since(ground.state.desired_changed_at()) {
            return Step::Wait(size::unsettled());
        }
        let n_counted = ground.n_counted();
        if ground.capacity.desired < n_counted {
            // One came up after all: the group would end somebody for it, so it is wanted again.
            return size::set_desired(ground, n_counted.min(ground.capacity.max));
        }
    }
    let released_at = ground.written_at(Slot::Release);
    let is_released = ground.state.mark(Slot::Release).is_applied();
    let Some(held_at) = ground
        .written_at(Slot::Hold)
        .filter(|it| !is_released || released_at < Some(*it))
    else {
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
