//! A drain: which of its instances may go now, and which are given back.

use super::{
    Drain, Operation, Standing, WaitingOn,
    decide::{Decision, Step, Tally},
    missing,
    protocol::{self, Context, Terms},
    undo,
};
use crate::fleet::{Fleet, Instance, InstanceId, Phase, Timestamp};

pub(super) fn decide(
    operation: &Operation,
    drain: &Drain,
    fleet: &Fleet,
    now: Timestamp,
) -> Decision {
    let is_counted = |id: &InstanceId| {
        let instance = fleet.instances.get(id);
        instance.is_none_or(|it| it.counts_towards_desired())
    };
    let terms_of = |id: &InstanceId| Terms {
        pool: &drain.pool,
        proof: &drain.proof,
        decrement: drain.decrement && is_counted(id),
        force: drain.force,
    };
    let mut tally = Tally::default();
    if fleet.pool(&drain.pool).is_none() {
        let step = missing::step(operation, &drain.pool, fleet, now);
        return tally
            .take(drain.pool.clone(), step)
            .unwrap_or_else(|| tally.decide());
    }
    for (id, target) in operation.targets() {
        let context = Context {
            operation,
            terms: terms_of(id),
            id,
            target,
            fleet,
            now,
        };
        if let Some(decision) = tally.take(id.clone(), step(&context, drain)) {
            return decision;
        }
    }
    // Whoever waits for one that is stuck waits for an operator, too.
    tally.forget_waits_for_the_stuck();
    tally.decide()
}

fn step(context: &Context<'_>, drain: &Drain) -> Step {
    let instance = match protocol::still_there(context) {
        Ok(it) => it,
        Err(step) => return step,
    };
    let Context {
        operation,
        target,
        now,
        ..
    } = *context;
    match operation.standing() {
        Standing::Aborting { .. } => return undo::step(context, instance),
        Standing::Paused => return Step::Wait(WaitingOn::Paused),
        Standing::Running | Standing::Ended { .. } => {}
    }
    let is_late = drain
        .deadline
        .is_some_and(|it| operation.started_at + it <= now);
    if is_late && target.terminate.may_have_happened_at().is_none() {
        return undo::step(context, instance);
    }
    if drain.force {
        return protocol::terminate(context);
    }
    if !target.is_begun()
        && let Some(wait) = wait_for_turn(context, drain)
    {
        return Step::Wait(wait);
    }
    protocol::empty(context, instance)
}

/// A replacing drain takes only so many out of service at a time.
fn wait_for_turn(context: &Context<'_>, drain: &Drain) -> Option<WaitingOn> {
    let Context {
        operation,
        fleet,
        now,
        ..
    } = *context;
    let capacity = fleet.pool(&drain.pool).and_then(|it| it.capacity)?;
    if drain.decrement {
        return None;
    }
    let is_ours = |id: &InstanceId| {
        let target = operation.target(id);
        target.is_some_and(|it| it.is_begun() && !it.is_finished(now, drain.proof.settle))
    };
    let members = &fleet.roster(&drain.pool).instances;
    let is_serving =
        |it: &&std::sync::Arc<Instance>| it.phase() == Phase::InService && !is_ours(&it.id);
    let n_serving = u32::try_from(members.iter().filter(is_serving).count()).unwrap_or(u32::MAX);
    let n_missing = capacity.desired.saturating_sub(n_serving);
    let max_unavailable = operation.max_unavailable().unwrap_or(drain.max_unavailable);
    (max_unavailable <= n_missing).then_some(WaitingOn::Turn {
        n_missing,
        max_unavailable,
    })
}
