//! The steps that a member takes by itself, from one lifecycle state to the next.

use std::time::Duration;

use super::{dice, happening::Happening, hook::Transition, machine::Machine, world::World};
use crate::fleet::{ActivityStatus, Health, InstanceId, Lifecycle, MachineState};

impl World {
    /// Puts a member into another lifecycle state; whatever was scheduled for the old one is void.
    pub(super) fn enter(&mut self, id: &InstanceId, lifecycle: Lifecycle) {
        let now = self.now;
        self.edit_machine(id, |it| {
            it.lifecycle = Some(lifecycle);
            it.lifecycle_since = now;
        });
        if let Some(machine) = self.machines.get_mut(id) {
            machine.epoch += 1;
            machine.waits.clear();
        }
    }

    /// Schedules the next step of a member, unless it goes another way before.
    pub(super) fn step_after(&mut self, id: &InstanceId, after: Duration) {
        if let Some(machine) = self.machines.get(id) {
            let epoch = machine.epoch;
            self.schedule(
                after,
                Happening::Step {
                    instance: id.clone(),
                    epoch,
                },
            );
        }
    }

    pub(super) fn step(&mut self, id: &InstanceId) {
        let Some(lifecycle) = self.machines.get(id).and_then(|it| it.lifecycle().cloned()) else {
            return;
        };
        match lifecycle {
            Lifecycle::Pending => self.step_pending(id),
            Lifecycle::PendingProceed => self.enter_service(id),
            Lifecycle::WarmedPending => self.step_warm(id),
            Lifecycle::WarmedPendingProceed => self.rest_warm(id),
            Lifecycle::Terminating | Lifecycle::WarmedTerminating => {
                if !self.hold(id, Transition::Terminating) {
                    self.proceed_to_terminate(id);
                }
            }
            Lifecycle::EnteringStandby => {
                self.enter(id, Lifecycle::Standby);
                self.finish_activity(id, ActivityStatus::Successful);
            }
            Lifecycle::Detaching => self.leave_group(id),
            // These wait for a hook, for a call, or for EC2.
            Lifecycle::PendingWait
            | Lifecycle::InService
            | Lifecycle::Standby
            | Lifecycle::TerminatingWait
            | Lifecycle::TerminatingProceed
            | Lifecycle::TerminatingRetained
            | Lifecycle::Terminated
            | Lifecycle::Detached
            | Lifecycle::Quarantined
            | Lifecycle::ReplacingRootVolume
            | Lifecycle::ReplacingRootVolumeWait
            | Lifecycle::ReplacingRootVolumeProceed
            | Lifecycle::RootVolumeReplaced
            | Lifecycle::WarmedPendingWait
            | Lifecycle::WarmedPendingRetained
            | Lifecycle::WarmedTerminatingWait
            | Lifecycle::WarmedTerminatingProceed
            | Lifecycle::WarmedTerminatingRetained
            | Lifecycle::WarmedTerminated
            | Lifecycle::WarmedStopped
            | Lifecycle::WarmedRunning
            | Lifecycle::WarmedHibernated
            | Lifecycle::Other(_) => {}
        }
    }

    /// A machine that comes from standby runs already, and hooks do not apply to it.
    fn step_pending(&mut self, id: &InstanceId) {
        let is_new = self
            .machines
            .get(id)
            .is_some_and(|it| it.row.state == Some(MachineState::Pending));
        if is_new {
            self.edit_machine(id, |it| {
                it.state = Some(MachineState::Running);
                it.status_checks = Some("initializing".to_owned());
            });
            let passes = dice::secs(&mut self.dice.cloud, 60, 180);
            self.schedule(passes, Happening::ChecksPass(id.clone()));
            if self.hold(id, Transition::Launching) {
                return;
            }
        }
        self.enter_service(id);
    }

    pub(super) fn enter_service(&mut self, id: &InstanceId) {
        self.enter(id, Lifecycle::InService);
        let protects = self
            .machines
            .get(id)
            .and_then(|it| self.groups.get(it.pool()?))
            .is_some_and(|it| it.row.protects_new_instances);
        self.edit_machine(id, |it| {
            it.health = Some(Health::Healthy);
            it.protected |= protects;
        });
        self.finish_activity(id, ActivityStatus::Successful);
        if self.machines.get(id).is_some_and(|it| !it.is_alive()) {
            // It died where nobody looked, in standby or on its way in.
            self.schedule(Duration::from_mins(1), Happening::HealthCheck(id.clone()));
        }
        self.schedule_lifetime(id);
        if let Some(key) = self.pool_of(id) {
            self.wake(&key, Duration::from_secs(30));
        }
    }

    pub(super) fn pass_checks(&mut self, id: &InstanceId) {
        let is_running = self
            .machines
            .get(id)
            .is_some_and(|it| it.row.state == Some(MachineState::Running));
        if is_running {
            self.edit_machine(id, |it| it.status_checks = Some("ok".to_owned()));
        }
    }

    /// Ends a detachment: the machine runs on, and no group knows it.
    fn leave_group(&mut self, id: &InstanceId) {
        self.finish_activity(id, ActivityStatus::Successful);
        let key = self.pool_of(id);
        if let Some(machine) = self.machines.get_mut(id) {
            machine.epoch += 1;
        }
        self.edit_machine(id, |it| {
            it.lifecycle = None;
            it.health = None;
            it.protected = false;
            it.tags.remove("aws:autoscaling:groupName");
        });
        if let Some(group) = key.as_ref().and_then(|it| self.groups.get_mut(it)) {
            group.members.remove(id);
        }
        if let Some(key) = key {
            self.remove_deleted_group(&key);
        }
        if self.machines.get(id).is_some_and(Machine::is_terminated) {
            self.leave_for_good(id);
        }
    }

    pub(super) fn pool_of(&self, id: &InstanceId) -> Option<crate::fleet::PoolKey> {
        self.machines.get(id).and_then(|it| it.pool().cloned())
    }
}
