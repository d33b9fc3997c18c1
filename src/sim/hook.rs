//! Lifecycle actions: what holds a member, until when, and who answers.

use std::time::Duration;

use super::{
    dice,
    happening::Happening,
    history::Doom,
    machine::{HookWait, Machine},
    world::World,
};
use crate::fleet::{
    ActivityStatus, HookResult, HookTransition, InstanceId, Lifecycle, MachineState,
};

/// The two moves of a member that hooks apply to.
pub(super) use crate::fleet::HookTransition as Transition;

impl World {
    /// Holds a member for the hooks of a transition; returns whether there are any.
    pub(super) fn hold(&mut self, id: &InstanceId, transition: Transition) -> bool {
        let hooks: Vec<_> = self
            .pool_of(id)
            .and_then(|it| self.groups.get(&it))
            .into_iter()
            .flat_map(|it| it.row.hooks.iter())
            .filter(|it| it.transition == transition)
            .cloned()
            .collect();
        if hooks.is_empty() {
            return false;
        }
        let Some(machine) = self.machines.get(id) else {
            return false;
        };
        let held = match transition {
            HookTransition::Launching if machine.is_warm() => Lifecycle::WarmedPendingWait,
            HookTransition::Launching => Lifecycle::PendingWait,
            HookTransition::Terminating => machine.way_out().wait,
        };
        self.enter(id, held);
        self.amend_activity(id, ActivityStatus::MidLifecycleAction);
        let now = self.now;
        let waits: Vec<HookWait> = hooks
            .into_iter()
            .map(|hook| HookWait {
                token: dice::uuid(&mut self.dice.cloud),
                deadline: now + hook.heartbeat_timeout.min(hook.global_timeout),
                global_deadline: now + hook.global_timeout,
                hook,
            })
            .collect();
        if let Some(machine) = self.machines.get_mut(id) {
            machine.waits = waits;
        }
        self.schedule_deadline(id);
        self.wake_host(id, Duration::from_secs(2));
        true
    }

    /// Extends a hook's deadline by its whole timeout, up to the global one.
    pub(super) fn heartbeat(&mut self, id: &InstanceId, hook: &str) -> bool {
        let now = self.now;
        let Some(wait) = self
            .machines
            .get_mut(id)
            .and_then(|it| it.waits.iter_mut().find(|it| it.hook.name == hook))
        else {
            return false;
        };
        wait.deadline = (now + wait.hook.heartbeat_timeout).min(wait.global_deadline);
        self.schedule_deadline(id);
        true
    }

    /// Answers a hook; returns whether it was waiting.
    pub(super) fn answer(&mut self, id: &InstanceId, hook: &str, result: HookResult) -> bool {
        let Some(machine) = self.machines.get_mut(id) else {
            return false;
        };
        let Some(wait_idx) = machine.waits.iter().position(|it| it.hook.name == hook) else {
            return false;
        };
        let wait = machine.waits.remove(wait_idx);
        // An abandoned action does not wait for the other hooks.
        if machine.waits.is_empty() || result == HookResult::Abandon {
            self.proceed(id, wait.hook.transition, result);
        }
        true
    }

    fn proceed(&mut self, id: &InstanceId, transition: Transition, result: HookResult) {
        let retains = self
            .pool_of(id)
            .and_then(|it| self.groups.get(&it))
            .is_some_and(|it| it.row.upkeep.retains_abandoned);
        let is_warm = self.machines.get(id).is_some_and(Machine::is_warm);
        match (transition, result) {
            (HookTransition::Launching, HookResult::Continue) => {
                let proceed = if is_warm {
                    Lifecycle::WarmedPendingProceed
                } else {
                    Lifecycle::PendingProceed
                };
                self.enter(id, proceed);
                let after = dice::secs(&mut self.dice.cloud, 1, 3);
                self.step_after(id, after);
            }
            (HookTransition::Launching, HookResult::Abandon) => {
                self.finish_activity(id, ActivityStatus::Cancelled);
                let cause = self.cause_of(id, Doom::LaunchAbandoned, None);
                self.begin_termination(id, Doom::LaunchAbandoned, cause);
            }
            (HookTransition::Terminating, HookResult::Abandon) if retains && !is_warm => {
                self.enter(id, Lifecycle::TerminatingRetained);
                self.finish_activity(id, ActivityStatus::Cancelled);
            }
            (HookTransition::Terminating, _) => self.proceed_to_terminate(id),
        }
    }

    /// Lets go of a member that hooks hold on its way out, without asking anyone.
    pub(super) fn forget_hooks(&mut self, id: &InstanceId) {
        let is_held = self
            .machines
            .get(id)
            .is_some_and(|it| it.is_in(&it.way_out().wait));
        if is_held {
            self.proceed_to_terminate(id);
        }
    }

    pub(super) fn check_deadlines(&mut self, id: &InstanceId) {
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let due = machine
            .waits
            .iter()
            .find(|it| it.deadline <= self.now)
            .map(|it| (it.hook.name.clone(), it.hook.default_result));
        if let Some((hook, result)) = due {
            self.answer(id, &hook, result);
        }
        // Another hook may wait on; a member that moved on has no more deadlines.
        self.schedule_deadline(id);
    }

    fn schedule_deadline(&mut self, id: &InstanceId) {
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let epoch = machine.epoch;
        if let Some(at) = machine.waits.iter().map(|it| it.deadline).min() {
            self.schedule_at(
                at,
                Happening::HookDeadline {
                    instance: id.clone(),
                    epoch,
                },
            );
        }
    }

    /// Lets the software on the host look at its hook soon, if there is any.
    pub(super) fn wake_host(&mut self, id: &InstanceId, after: Duration) {
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let epoch = machine.epoch;
        let answers = machine
            .pool()
            .and_then(|it| self.groups.get(it))
            .is_some_and(|it| it.spec.host.answers_hooks);
        if answers && !machine.waits.is_empty() {
            self.schedule(
                after,
                Happening::HostBeat {
                    instance: id.clone(),
                    epoch,
                },
            );
        }
    }

    /// Does what software on the host does: it completes the launching hook once
    /// the agent registered, and the terminating one once the agent runs nothing.
    pub(super) fn host_beat(&mut self, id: &InstanceId) {
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let is_running = machine.row.state == Some(MachineState::Running);
        let is_warm = machine.is_warm();
        let is_registered = !machine.agents.is_empty();
        let Some(wait) = machine.waits.first() else {
            return;
        };
        let (hook, transition) = (wait.hook.name.clone(), wait.hook.transition);
        let beat = wait.hook.heartbeat_timeout / 3;
        if !is_running {
            return;
        }
        match transition {
            HookTransition::Launching => {
                // Registration comes back here; nobody extends a boot that never ends.
                if is_registered || is_warm {
                    self.answer(id, &hook, HookResult::Continue);
                }
            }
            HookTransition::Terminating => {
                self.stop_agent(id);
                if self.jobs_on(id).is_empty() {
                    self.answer(id, &hook, HookResult::Continue);
                } else {
                    self.heartbeat(id, &hook);
                    self.wake_host(id, beat);
                }
            }
        }
    }
}
