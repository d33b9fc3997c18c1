//! The size of a pool during a roll: what is borrowed for new instances, and given back.

use std::{sync::Arc, time::Duration};

use super::ground::{Ground, SKEW, count, is_counted};
use crate::{
    fleet::{Call, Instance, Phase, Process, Suspension},
    operation::{Halt, Mark, Slot, Strategy, WaitingOn, decide::Step},
};

/// A zone that stays empty has no room; it is not filled for ever.
const N_EVENED_MAX: usize = 3;
/// So long after our own last change others that leave are waited for.
const LEAVERS_MAX: Duration = Duration::from_mins(15);
/// Somebody who changes desired more often than this is not raced.
const N_FIGHTS_MAX: u32 = 5;

/// Raises desired, so that new instances come up before old ones go.
pub(super) fn grow(ground: &Ground<'_>) -> Step {
    if ground.is_stopping() {
        return Step::Finished;
    }
    let n_ahead = match ground.roll.strategy {
        _ if evens_out(ground) => 1,
        Strategy::Surge => n_ahead(ground),
        Strategy::TerminateFirst => 0,
    };
    if n_ahead == 0 {
        return Step::Finished;
    }
    let wanted = ground.state.base.saturating_add(n_ahead);
    let Some(desired) = ground.state.desired() else {
        return Step::Wait(unsettled());
    };
    if wanted <= desired {
        return Step::Finished;
    }
    // Somebody wants more already, and our number would be a smaller one: AWS would choose who dies.
    if wanted < ground.capacity.desired {
        return Step::Wait(unsettled());
    }
    if N_FIGHTS_MAX < ground.state.n_fights {
        return Step::Stuck(Halt::DesiredFought {
            pool: ground.plan.pool.clone(),
            n: ground.state.n_fights,
            by: ground.state.desired_by.clone().unwrap_or_default(),
        });
    }
    if ground.capacity.max < wanted {
        let bounds = || Call::UpdateBounds {
            pool: ground.plan.pool.clone(),
            min: None,
            max: Some(wanted),
        };
        let mark = fresh(
            ground.state.mark(Slot::Bounds),
            ground.state.max_written != Some(wanted),
        );
        return ground.attempts().attempt(mark, "its larger max", bounds);
    }
    set_desired(ground, wanted)
}

pub(super) fn set_desired(ground: &Ground<'_>, desired: u32) -> Step {
    let call = || Call::SetDesiredCapacity {
        pool: ground.plan.pool.clone(),
        desired,
    };
    // What was answered is certain; only a call whose answer is missing is waited for.
    let mark = fresh(ground.state.mark(Slot::Desired), true);
    ground.attempts().attempt(mark, "its desired size", call)
}

/// Returns how many new instances shall be there before old ones go.
fn n_ahead(ground: &Ground<'_>) -> u32 {
    let progress = ground.progress();
    let n_room = ground.limit().saturating_sub(progress.n_gone);
    let n_outdated = ground.outdated_in_service().count();
    count(0..ground.window().min(n_room).min(n_outdated))
}

/// At the end the zones are evened out by a newcomer in the emptiest, and a drain in the
/// fullest: AWS, once it may again, would do so without asking what runs.
fn evens_out(ground: &Ground<'_>) -> bool {
    let n_evened = ground.targets().filter(|it| it.1.is_surplus).count();
    ground.plan.suspends.contains(&Process::AzRebalance)
        && n_evened < N_EVENED_MAX
        && !ground.has_outdated()
        && ground.is_lopsided()
}

/// Suspends what would undo the roll, or end jobs because of it, unless somebody did already.
pub(super) fn suspend(ground: &Ground<'_>) -> Step {
    let mark = ground.state.mark(Slot::Suspend);
    let running = ground.plan.suspends.iter();
    let running: Vec<Process> = running
        .filter(|it| !ground.pool.is_suspended(it))
        .cloned()
        .collect();
    if mark.is_applied() || mark == &Mark::None && running.is_empty() {
        return Step::Finished;
    }
    let call = || Call::SuspendProcesses {
        pool: ground.plan.pool.clone(),
        processes: if running.is_empty() {
            // It was sent before, and its answer is missing.
            ground.plan.suspends.clone()
        } else {
            running
        },
    };
    ground
        .attempts()
        .attempt(mark, "the suspension of its processes", call)
}

/// Resumes what we suspended, unless somebody else resumed it, or suspended it anew.
pub(super) fn resume(ground: &Ground<'_>) -> Step {
    let mark = ground.state.mark(Slot::Resume);
    let Some(suspended_at) = ground
        .written_at(Slot::Suspend)
        .filter(|_| !mark.is_applied())
    else {
        return Step::Finished;
    };
    let suspended: Vec<Process> =
        suspended_by(ground, Slot::Suspend, &ground.plan.suspends).collect();
    if !suspended.is_empty() {
        let call = || Call::ResumeProcesses {
            pool: ground.plan.pool.clone(),
            processes: suspended,
        };
        return ground
            .attempts()
            .attempt(mark, "the end of its suspension", call);
    }
    if ground.is_settled_since(suspended_at) {
        return Step::Finished;
    }
    Step::Wait(WaitingOn::Settling {
        what: "the suspension of its processes".to_owned(),
    })
}

/// Returns which of these processes stand suspended by our call of this kind.
pub(super) fn suspended_by<'a>(
    ground: &Ground<'a>,
    slot: Slot,
    processes: &'a [Process],
) -> impl Iterator<Item = Process> {
    // By either clock, where ours was set since.
    let last_at = ground.written_at(slot).max(ground.state.said_at(slot));
    let is_ours = move |it: &&Suspension| {
        let is_later = last_at
            .zip(it.at())
            .is_some_and(|(last, at)| last + SKEW < at);
        processes.contains(&it.process) && !is_later && !it.is_by_aws()
    };
    let suspended = ground.pool.suspended.iter().filter(is_ours);
    suspended.map(|it| it.process.clone())
}

/// Gives max back at the end, unless somebody else changed it since.
pub(super) fn restore(ground: &Ground<'_>) -> Step {
    // Somebody may want more meanwhile than the old max allows.
    let wanted = ground.plan.capacity.max.max(ground.base());
    if ground.state.max_borrowed.is_empty() {
        return Step::Finished;
    }
    let mark = ground.state.mark(Slot::Bounds);
    let is_restored = ground.state.max_written == Some(wanted) && mark.is_applied();
    if is_restored {
        return Step::Finished;
    }
    if ground.state.max_borrowed.contains(&ground.capacity.max) {
        // AWS would lower desired with max, and choose who dies.
        if wanted < ground.capacity.desired {
            return Step::Wait(unsettled());
        }
        if let Some(wait) = wait_for_leavers(ground, wanted) {
            return Step::Wait(wait);
        }
        let bounds = || Call::UpdateBounds {
            pool: ground.plan.pool.clone(),
            min: None,
            max: Some(wanted),
        };
        let mark = fresh(mark, ground.state.max_written != Some(wanted));
        return ground.attempts().attempt(mark, "its max as it was", bounds);
    }
    match ground.written_at(Slot::Bounds) {
        Some(at) if !ground.is_settled_since(at) => Step::Wait(WaitingOn::Settling {
            what: "its max".to_owned(),
        }),
        _ => Step::Finished,
    }
}

/// Returns whose end is waited for, as long as the group may be larger than its smaller max.
///
/// `UpdateAutoScalingGroup` takes a max that is "smaller than the current size of the group" for
/// desired as well, and nobody says that those on their way out are not of its size. Where others
/// leave all the time, or a hook of theirs holds one for days, that is not waited for.
fn wait_for_leavers(ground: &Ground<'_>, max: u32) -> Option<WaitingOn> {
    let is_patient = ground.now.since(ground.state.desired_changed_at()) < LEAVERS_MAX;
    let is_leaver = |it: &&Arc<Instance>| {
        let target = ground.operation.target(&it.id);
        // A row may be older than what was done to it.
        let is_ours = target.is_some_and(|it| {
            let is_finished = it.is_finished(ground.now, ground.settle());
            it.terminate.may_have_happened_at().is_some() && !is_finished
        });
        match it.phase() {
            Phase::Terminating | Phase::TerminatingWait => is_ours || is_patient,
            Phase::InService => is_ours,
            _ => false,
        }
    };
    let (leavers, others): (Vec<_>, Vec<_>) = ground.members.iter().partition(is_leaver);
    let n_others = count(others.into_iter().filter(|it| is_counted(it)));
    let is_larger = max < n_others + count(leavers.iter()) && !leavers.is_empty();
    is_larger.then(|| WaitingOn::Leavers {
        instances: leavers.iter().map(|it| it.id.clone()).collect(),
    })
}

pub(super) fn unsettled() -> WaitingOn {
    WaitingOn::Settling {
        what: "its desired size".to_owned(),
    }
}

/// Returns the mark of a call that says something else than the last one of its kind.
fn fresh(mark: &Mark, is_different: bool) -> &Mark {
    if is_different && mark.is_applied() {
        return &Mark::None;
    }
    mark
}
