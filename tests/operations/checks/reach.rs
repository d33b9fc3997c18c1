//! Reach: whose instances and agents a call may touch, and which calls there may be.

use std::collections::BTreeMap;

use pooldeck::{
    fleet::{Call, FreezeMark, InstanceId, LaunchSource, Lifecycle, Process, SourceId, Timestamp},
    operation::{Change, PoolRoll, Spec, TAG, VersionCopy},
    sim::World,
};

use super::{Before, Checks, Verdict, ensure};

/// Returns the instances that a call touches, through their agents too.
fn touched(before: &Before<'_>) -> Vec<InstanceId> {
    let agent = match before.call {
        Call::Cordon {
            controller,
            executor,
            ..
        }
        | Call::Uncordon {
            controller,
            executor,
        }
        | Call::RemoveExecutor {
            controller,
            executor,
        } => before
            .world
            .controller(controller)
            .and_then(|it| it.agents.get(executor)),
        _ => None,
    };
    let on_agent = agent.map(|it| it.instance.clone());
    before
        .call
        .instances()
        .iter()
        .cloned()
        .chain(on_agent)
        .collect()
}

/// Whose mark each instance carries, and since when.
#[derive(Default)]
pub(super) struct Owners {
    since: BTreeMap<InstanceId, (String, Timestamp)>,
}

impl Owners {
    pub(super) fn note(&mut self, world: &World) {
        let alive = world
            .machines()
            .filter(|it| it.is_alive() && !it.is_leaving());
        for machine in alive {
            match machine.row.tags.get(TAG) {
                Some(owner) if self.since.get(machine.id()).is_none_or(|it| it.0 != *owner) => {
                    let since = (owner.clone(), world.now());
                    self.since.insert(machine.id().clone(), since);
                }
                Some(_) => {}
                None => drop(self.since.remove(machine.id())),
            }
        }
    }
}

/// 7: what carries another operation's mark is that operation's.
pub(super) fn nobody_elses_instance_is_touched(checks: &Checks, before: &Before<'_>) -> Verdict {
    // By force: the operator named it, and gave a reason.
    if checks.spec.is_forced() {
        return Ok(());
    }
    let is_final = matches!(before.call, Call::TerminateInstance { .. });
    if let Call::Uncordon {
        controller,
        executor,
    } = before.call
        && let Some(controller) = before.world.controller(controller)
        && let Some(agent) = controller.agents.get(executor)
        && let Some(note) = &agent.cordon
        && note.contains(&checks.id.0)
    {
        // Whoever lost the race for an instance takes its own cordon back.
        return Ok(());
    }
    for id in touched(before) {
        let machine = before.world.machine(&id).filter(|it| !it.is_leaving());
        let owner = machine.and_then(|_| checks.owners.since.get(&id));
        let Some((owner, since)) = owner.filter(|it| !checks.is_ours(&it.0)) else {
            continue;
        };
        // A mark takes time to show; what ends an instance has waited longer than that.
        let is_known = is_final || checks.proof().settle <= before.world.now().since(*since);
        ensure(!is_known, 7, || {
            format!("{}: {id} belongs to {owner} since {since}", before.call)
        })?;
    }
    Ok(())
}

/// 12.
pub(super) fn only_what_was_asked_for_is_touched(checks: &Checks, before: &Before<'_>) -> Verdict {
    for id in touched(before) {
        ensure(before.targets.contains(&id), 12, || {
            format!("{}: {id} was not named", before.call)
        })?;
        let home = before.world.machine(&id).and_then(|it| it.row.pool.clone());
        let is_home = home.is_none_or(|it| checks.spec.pools().contains(&&it));
        ensure(is_home, 12, || {
            format!("{}: {id} is of another pool", before.call)
        })?;
    }
    let is_known = match before.call.source() {
        SourceId::Scope(scope) => checks.spec.pools().iter().any(|it| it.scope == scope),
        SourceId::Controller(name) => checks.spec.pools().iter().any(|it| {
            let group = before.world.group(it);
            // What is left of a group that was deleted is only opened.
            let is_opened = group.is_none() && matches!(before.call, Call::Uncordon { .. });
            let link = group.and_then(|it| it.row.ci.as_ref());
            is_opened || link.is_some_and(|it| it.controller == name)
        }),
    };
    ensure(is_known, 12, || {
        format!("{} is none of its business", before.call)
    })
}

/// 14: an operation makes the calls that its plan showed, and the undoing of them.
pub(super) fn only_planned_calls_are_made(checks: &Checks, before: &Before<'_>) -> Verdict {
    let is_planned = match &checks.spec {
        Spec::Drain(it) => match before.call {
            // Desired does not count who is in standby.
            Call::TerminateInstance {
                decrement,
                instance,
                ..
            } => {
                let machine = before.world.machine(instance);
                let is_aside = machine.is_some_and(|it| {
                    let states = [Lifecycle::Standby, Lifecycle::EnteringStandby];
                    // A row may be older than its way back.
                    let lately = before.world.now().since(it.row.lifecycle_since);
                    let is_aside = it.lifecycle().is_some_and(|it| states.contains(it));
                    is_aside || lately < checks.proof().settle
                });
                *decrement == it.decrement || !decrement && is_aside
            }
            call => is_of_a_drain(call),
        },
        Spec::Roll(it) => is_of_a_roll(&it.pools[0], before.call),
        Spec::Freeze(it) => match before.call {
            Call::SuspendProcesses { processes, .. } | Call::ResumeProcesses { processes, .. } => {
                processes.iter().all(|of| it.processes.contains(of))
            }
            Call::TagPool { key, .. } | Call::UntagPool { key, .. } => key == FreezeMark::TAG,
            _ => false,
        },
        Spec::Refresh(it) => match before.call {
            Call::StartRefresh { terms, .. } => {
                let mut planned = it.terms.clone();
                if it.copy.is_some() {
                    // Its number is known once it is made.
                    planned.template.clone_from(&terms.template);
                }
                it.follows.is_none() && **terms == planned
            }
            Call::CreateTemplateVersion { from, image, .. } => {
                let is_it =
                    |it: &VersionCopy| it.from == *from && Some(&it.image) == image.as_ref();
                it.copy.as_ref().is_some_and(is_it)
            }
            Call::CancelRefresh { .. } => true,
            // How it is held, and let go.
            Call::SuspendProcesses { processes, .. } | Call::ResumeProcesses { processes, .. } => {
                *processes == [Process::InstanceRefresh]
            }
            _ => false,
        },
    };
    ensure(is_planned, 14, || {
        format!("{} was never shown", before.call)
    })
}

fn is_of_a_drain(call: &Call) -> bool {
    matches!(
        call,
        Call::TagInstances { .. }
            | Call::UntagInstances { .. }
            | Call::SetInstanceProtection { .. }
            | Call::Cordon { .. }
            | Call::Uncordon { .. }
            | Call::RemoveExecutor { .. }
            | Call::CompleteHook { .. }
            | Call::Heartbeat { .. }
    )
}

fn is_of_a_roll(plan: &PoolRoll, call: &Call) -> bool {
    match call {
        // What was never launched is taken back while the group may end nobody.
        Call::SuspendProcesses { processes, .. } | Call::ResumeProcesses { processes, .. } => {
            processes.iter().all(|it| plan.suspends.contains(it))
                || *processes == [Process::Terminate]
        }
        Call::CreateTemplateVersion { from, image, .. } => {
            let is_from = matches!(&plan.from, LaunchSource::Template(it) if it == from);
            is_from
                && plan.to
                    == Change::Copy {
                        image: image.clone(),
                    }
        }
        Call::TagPool { key, propagate, .. } => key == TAG && !propagate,
        Call::UntagPool { key, .. } => key == TAG,
        Call::UpdateBounds { min, .. } => min.is_none(),
        Call::LaunchFrom { source, .. } => match &plan.to {
            Change::Existing(to) => source == to || *source == plan.from,
            Change::Copy { .. } => true,
        },
        Call::SetDesiredCapacity { .. }
        | Call::EnterStandby { .. }
        | Call::TerminateInstance { .. } => true,
        _ => is_of_a_drain(call),
    }
}
