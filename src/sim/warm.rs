//! A warm pool: machines that booted once and were stopped, so that a group grows faster.

use std::time::Duration;

use super::{
    activity::aws_time, dice, happening::Happening, history::Launch, machine::Machine, world::World,
};
use crate::fleet::{ActivityStatus, InstanceId, Lifecycle, MachineState, Market, PoolKey, Process};

impl World {
    /// Starts a stopped machine of the warm pool for its group, if there is one.
    pub(super) fn take_warm(&mut self, key: &PoolKey, cause: &str) -> bool {
        let stopped = self
            .members(key)
            .find(|it| it.is_in(&Lifecycle::WarmedStopped) && it.is_alive());
        let Some(id) = stopped.map(|it| it.id().clone()) else {
            return false;
        };
        self.enter(&id, Lifecycle::Pending);
        self.edit_machine(&id, |it| it.state = Some(MachineState::Pending));
        let description = format!("Launching a new EC2 instance from warm pool: {id}");
        self.start_activity(&id, &description, cause.to_owned());
        let at = self.now;
        let (instance, pool, cause) = (id.clone(), key.clone(), cause.to_owned());
        self.history.launches.push(Launch {
            at,
            instance,
            pool,
            cause,
        });
        let up_after = dice::secs(&mut self.dice.cloud, 2, 8);
        self.step_after(&id, up_after);
        let registers = dice::secs(&mut self.dice.cloud, 15, 45);
        self.schedule(registers, Happening::Register(id));
        true
    }

    /// Launches machines into the warm pool until it has its size.
    pub(super) fn refill_warm(&mut self, key: &PoolKey) {
        let Some(size) = self.groups.get(key).and_then(|it| it.row.warm_pool_size) else {
            return;
        };
        let n_warm = self
            .members(key)
            .filter(|it| it.is_warm() && !it.is_leaving())
            .count();
        let n_missing = usize::try_from(size).unwrap_or(0).saturating_sub(n_warm);
        if self.is_suspended(key, &Process::Launch) {
            return;
        }
        for _ in 0..n_missing {
            let cause = format!(
                "At {} an instance was started in response to a difference between desired and actual warm pool \
                 capacity.",
                aws_time(self.now)
            );
            let Some(id) = self.make_warm(key) else {
                return;
            };
            self.enter(&id, Lifecycle::WarmedPending);
            let description = format!("Launching a new EC2 instance into warm pool: {id}");
            self.start_activity(&id, &description, cause);
            let up_after = dice::secs(&mut self.dice.cloud, 20, 60);
            self.step_after(&id, up_after);
        }
    }

    /// Makes a machine that belongs to the warm pool.
    pub(super) fn make_warm(&mut self, key: &PoolKey) -> Option<InstanceId> {
        let group = self.groups.get(key)?;
        let zone_idx = self.machines.len() % group.row.zones.len().max(1);
        let zone = group.row.zones.get(zone_idx)?.clone();
        let instance_type = group.spec.instance_types.first()?.clone();
        // A warm pool has no spot machines.
        let id = self.make_machine(key, &zone, &instance_type, Market::OnDemand, self.now);
        self.groups.get_mut(key)?.members.insert(id.clone());
        Some(id)
    }

    /// Ends the way into the warm pool: the machine stops, ready to be started.
    pub(super) fn rest_warm(&mut self, id: &InstanceId) {
        if !self.machines.get(id).is_some_and(Machine::is_alive) {
            // EC2 took it on its way in; the next health check sees to that.
            return;
        }
        self.enter(id, Lifecycle::WarmedStopped);
        self.edit_machine(id, |it| {
            it.state = Some(MachineState::Stopped);
            it.status_checks = None;
        });
        self.finish_activity(id, ActivityStatus::Successful);
    }

    /// Boots a machine on its way into the warm pool.
    pub(super) fn step_warm(&mut self, id: &InstanceId) {
        if !self.machines.get(id).is_some_and(Machine::is_alive) {
            return;
        }
        self.edit_machine(id, |it| it.state = Some(MachineState::Running));
        if !self.hold(id, super::hook::Transition::Launching) {
            self.rest_warm(id);
        }
        self.wake_host(id, Duration::from_secs(30));
    }
}

impl Machine {
    /// Returns whether it belongs to its group's warm pool.
    pub fn is_warm(&self) -> bool {
        self.lifecycle()
            .is_some_and(|it| it.phase() == crate::fleet::Phase::Warm)
    }

    /// Returns the words for its way out: those of the warm pool, or the ordinary ones.
    pub(super) fn way_out(&self) -> WayOut {
        if self.is_warm() {
            WayOut {
                terminating: Lifecycle::WarmedTerminating,
                wait: Lifecycle::WarmedTerminatingWait,
                proceed: Lifecycle::WarmedTerminatingProceed,
            }
        } else {
            WayOut {
                terminating: Lifecycle::Terminating,
                wait: Lifecycle::TerminatingWait,
                proceed: Lifecycle::TerminatingProceed,
            }
        }
    }
}

/// The states that a member leaves through.
pub(super) struct WayOut {
    pub(super) terminating: Lifecycle,
    pub(super) wait: Lifecycle,
    pub(super) proceed: Lifecycle,
}
