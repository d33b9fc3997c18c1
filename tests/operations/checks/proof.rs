//! Idleness: what was truly read, and whether it proves anything.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, ControllerName, Executor, Fleet, Grade, InstanceId, Timestamp, Work},
    sim::{Agent, Machine, World},
};

use super::{Before, Checks, Verdict, ensure};

/// A reading that found an instance idle and closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdleReading {
    evidence_at: Timestamp,
    made_at: Timestamp,
}

/// Keeps a ledger of idle readings that is not the operation's own.
pub(super) fn note(checks: &mut Checks, fleet: &Fleet, world: &World) {
    let now = world.now();
    for id in fleet.instances.keys() {
        let is_listed = |it: &Agent| fleet.executors_on(id).any(|of| of.id == it.name);
        let are_listed = world.agents_on(id).all(is_listed);
        match idle_since(fleet, id).filter(|_| are_listed) {
            Some(at) => {
                let readings = checks.idle_at.entry(id.clone()).or_default();
                // The evidence carries the driver's clock, which may be wrong; `now` is not.
                if readings.last().is_none_or(|it| it.evidence_at != at) {
                    readings.push(IdleReading {
                        evidence_at: at,
                        made_at: now,
                    });
                }
            }
            None => drop(checks.idle_at.remove(id)),
        }
    }
}

/// Returns when every agent of an instance was found closed and idle.
fn idle_since(fleet: &Fleet, id: &InstanceId) -> Option<Timestamp> {
    let newest = |it: &Executor| it.evidence.iter().map(|it| it.at).max();
    let mut oldest: Option<Timestamp> = None;
    for agent in fleet.executors_on(id) {
        let is_idle = matches!(agent.work, Work::Idle { .. }) && agent.n_busy_slots == 0;
        if !is_idle || !agent.cordoned {
            return None;
        }
        let at = newest(agent)?;
        oldest = Some(oldest.map_or(at, |it| it.min(at)));
    }
    oldest
}

/// What was read before a cordon proves nothing after it.
pub(super) fn note_call(checks: &mut Checks, call: &Call) {
    if let Call::Cordon { executor, note, .. } = call {
        checks
            .idle_at
            .retain(|id, _| !note.contains(id.as_str()) && id.as_str() != executor);
    }
    if let Call::RemoveExecutor { executor, .. } = call {
        checks.removed.insert(executor.clone());
    }
}

/// 2.
pub(super) fn a_termination_follows_its_proof(checks: &Checks, before: &Before<'_>) -> Verdict {
    let Some(instance) = judged(checks, before) else {
        return Ok(());
    };
    let proof = checks.proof();
    let readings = checks.idle_at.get(instance).map_or(&[][..], Vec::as_slice);
    let span = match readings {
        [first, .., last] => last.made_at.since(first.made_at),
        _ => Duration::ZERO,
    };
    let n_wanted = proof.n_readings as usize;
    ensure(
        n_wanted <= readings.len() && proof.span <= span + checks.slack,
        2,
        || {
            format!(
                "{} of {instance} after {} idle readings over {span:?}",
                before.call.operation(),
                readings.len()
            )
        },
    )
}

/// 3.
pub(super) fn unknown_is_not_idle(checks: &Checks, before: &Before<'_>) -> Verdict {
    let Some(instance) = judged(checks, before) else {
        return Ok(());
    };
    ensure(checks.idle_at.contains_key(instance), 3, || {
        let call = before.call.operation();
        format!("{call} of {instance}, and the last reading did not say that it is idle")
    })
}

/// 15.
pub(super) fn nothing_is_done_on_old_data(checks: &Checks, before: &Before<'_>) -> Verdict {
    let source = before.call.source();
    let now = before.world.now();
    let read_at = checks.read_at.get(&source);
    let is_fresh = read_at.is_some_and(|it| now.since(*it) <= checks.proof().max_age);
    ensure(is_fresh, 15, || {
        format!(
            "{} at {now}, and {source:?} was read at {read_at:?}",
            before.call
        )
    })
}

fn judged<'a>(checks: &Checks, before: &'a Before<'_>) -> Option<&'a InstanceId> {
    match before.call {
        Call::TerminateInstance { instance, .. } if !checks.spec.is_forced() => {
            // Nothing runs on what EC2 has ended already.
            let machine = before.world.machine(instance);
            let is_alive = machine.is_some_and(Machine::is_alive);
            (is_alive && !was_removed(before.world, instance)).then_some(instance)
        }
        // Where the answer was lost, it is asked again about an agent that is not listed any more.
        Call::RemoveExecutor {
            controller,
            executor,
        } if !checks.removed.contains(executor) => {
            let controller = before.world.controller(controller)?;
            let agent = controller.agents.get(executor);
            agent.filter(|it| !it.is_dead).map(|it| &it.instance)
        }
        _ => None,
    }
}

/// Returns whether every agent of a machine is truly off a controller that refuses this under a
/// job: nothing runs there, and nothing can.
fn was_removed(world: &World, id: &InstanceId) -> bool {
    let agents = world.machine(id).map_or(&[][..], |it| &it.agents);
    let is_off = |(name, agent): &(ControllerName, String)| {
        let controller = world.controller(name);
        controller.is_some_and(|it| it.grade == Grade::Atomic && !it.agents.contains_key(agent))
    };
    !agents.is_empty() && agents.iter().all(is_off)
}
