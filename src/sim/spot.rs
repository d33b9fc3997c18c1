//! Machines that fail or are taken away, and the group that notices.

use std::time::Duration;

use super::{dice, happening::Happening, history::Doom, world::World};
use crate::fleet::{Health, InstanceId, Lifecycle, MachineState, PoolKey, Process};

/// The notice that EC2 gives before it takes a spot machine.
const NOTICE: Duration = Duration::from_mins(2);

impl World {
    /// Gives a spot machine its notice; two minutes later it is gone, hook or not.
    pub fn interrupt(&mut self, id: &InstanceId) {
        let at = self.now + NOTICE;
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        if machine.is_alive() && machine.reclaimed_at.is_none() {
            machine.reclaimed_at = Some(at);
            self.schedule_at(at, Happening::Reclaim(id.clone()));
        }
    }

    pub(super) fn reclaim(&mut self, id: &InstanceId) {
        self.kill_machine(
            id,
            Doom::SpotInterruption,
            "Server.SpotInstanceTermination: Spot instance termination",
        );
    }

    /// Terminates a machine behind its group's back.
    pub(super) fn kill_machine(&mut self, id: &InstanceId, why: Doom, reason: &str) {
        let Some(machine) = self.machines.get_mut(id).filter(|it| it.is_alive()) else {
            return;
        };
        // It dies of this, whatever else was planned for it.
        machine.doom = Some(why);
        self.power_off(id, &MachineState::ShuttingDown, Some(reason));
        let after = dice::secs(&mut self.dice.cloud, 20, 90);
        self.schedule(after, Happening::HealthCheck(id.clone()));
    }

    /// Stops a machine; its disk stays, and what ran there is lost all the same.
    pub(super) fn stop_machine(&mut self, id: &InstanceId) {
        let Some(machine) = self.machines.get_mut(id).filter(|it| it.is_alive()) else {
            return;
        };
        machine.doom = machine.doom.or(Some(Doom::Failed));
        let reason = "Client.InstanceInitiatedShutdown: Instance initiated shutdown";
        self.power_off(id, &MachineState::Stopping, Some(reason));
        let stopped = dice::secs(&mut self.dice.cloud, 10, 40);
        self.schedule(stopped, Happening::Stopped(id.clone()));
        let noticed = dice::secs(&mut self.dice.cloud, 60, 180);
        self.schedule(noticed, Happening::HealthCheck(id.clone()));
    }

    pub(super) fn stopped(&mut self, id: &InstanceId) {
        self.edit_machine(id, |it| {
            if it.state == Some(MachineState::Stopping) {
                it.state = Some(MachineState::Stopped);
            }
        });
    }

    /// Schedules the end of a member that may not grow older than its group allows.
    pub(super) fn schedule_lifetime(&mut self, id: &InstanceId) {
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let most = machine
            .pool()
            .and_then(|it| self.groups.get(it)?.spec.max_lifetime);
        if let (Some(most), Some(launched_at)) = (most, machine.row.launched_at) {
            // AWS spreads replacements out; those that are due already go one by one.
            let spread = dice::secs(&mut self.dice.cloud, 0, 600);
            let at = (launched_at + most).max(self.now) + spread;
            self.schedule_at(at, Happening::Outlived(id.clone()));
        }
    }

    pub(super) fn outlived(&mut self, id: &InstanceId) {
        if self
            .machines
            .get(id)
            .is_some_and(|it| it.is_in(&Lifecycle::InService))
        {
            let cause = self.cause_of(id, Doom::Lifetime, None);
            self.begin_termination(id, Doom::Lifetime, cause);
        }
    }

    /// Makes a machine's status checks fail; what runs there goes on.
    pub fn sicken(&mut self, id: &InstanceId) {
        self.edit_machine(id, |it| it.status_checks = Some("impaired".to_owned()));
        let after = dice::secs(&mut self.dice.cloud, 60, 300);
        self.schedule(after, Happening::HealthCheck(id.clone()));
    }

    pub(super) fn check_health(&mut self, id: &InstanceId) {
        let Some(key) = self.pool_of(id) else {
            return;
        };
        if self.is_suspended(&key, &Process::HealthCheck) {
            self.schedule(Duration::from_mins(1), Happening::HealthCheck(id.clone()));
            return;
        }
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let is_ill =
            !machine.is_alive() || machine.row.status_checks.as_deref() == Some("impaired");
        // Standby is not checked; what leaves already is not checked again.
        let is_checked = machine.is_counted();
        if machine.is_warm() && !machine.is_alive() {
            let why = machine.doom.unwrap_or(Doom::Failed);
            let cause = self.cause_of(id, why, None);
            self.begin_termination(id, why, cause);
        } else if is_ill && is_checked {
            self.set_unhealthy(id);
        }
    }

    /// Marks a member unhealthy, and replaces it at once unless that is suspended.
    pub(super) fn set_unhealthy(&mut self, id: &InstanceId) {
        self.edit_machine(id, |it| it.health = Some(Health::Unhealthy));
        if let Some(key) = self.pool_of(id) {
            self.replace_unhealthy(&key);
        }
    }

    /// Terminates every member that is marked unhealthy; protection does not save it.
    pub(super) fn replace_unhealthy(&mut self, key: &PoolKey) {
        if self.is_suspended(key, &Process::ReplaceUnhealthy) {
            return;
        }
        let ill = self.member_ids(key, |it| {
            it.row.health == Some(Health::Unhealthy) && it.is_counted()
        });
        for id in ill {
            let why = match self.machines.get(&id) {
                Some(it) if it.is_alive() => Doom::Unhealthy,
                Some(it) => it.doom.unwrap_or(Doom::Failed),
                None => continue,
            };
            let cause = self.cause_of(&id, why, None);
            self.begin_termination(&id, why, cause);
        }
    }
}
