//! The way out: from the decision that a machine goes to the moment that AWS forgets it.

use std::time::Duration;

use super::{
    dice,
    happening::Happening,
    history::{Death, Doom},
    world::World,
};
use crate::fleet::{ActivityStatus, InstanceId, Lifecycle, MachineState};

/// How long EC2 keeps a terminated machine in its answers; less than an hour, says AWS.
const REMEMBERED: Duration = Duration::from_mins(30);

impl World {
    /// Decides that a member goes. From here on nothing puts it back into service.
    pub(super) fn begin_termination(&mut self, id: &InstanceId, why: Doom, cause: String) {
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        let is_retained = machine.is_in(&Lifecycle::TerminatingRetained);
        if machine.is_leaving() && !is_retained {
            return;
        }
        machine.doom = machine.doom.or(Some(why));
        let terminating = machine.way_out().terminating;
        self.finish_activity(id, ActivityStatus::Cancelled);
        self.enter(id, terminating);
        self.start_activity(id, &format!("Terminating EC2 instance: {id}"), cause);
        if is_retained {
            // Its hook was answered once; AWS does not ask again.
            self.proceed_to_terminate(id);
        } else {
            let after = dice::secs(&mut self.dice.cloud, 1, 4);
            self.step_after(id, after);
        }
        if let Some(key) = self.pool_of(id) {
            let after = dice::secs(&mut self.dice.cloud, 5, 20);
            self.wake(&key, after);
        }
    }

    /// No hook holds the member any more: EC2 terminates it, if it has not yet.
    pub(super) fn proceed_to_terminate(&mut self, id: &InstanceId) {
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let proceed = machine.way_out().proceed;
        self.enter(id, proceed);
        self.amend_activity(id, ActivityStatus::InProgress);
        let state = self.machines.get(id).and_then(|it| it.row.state.clone());
        match state {
            Some(MachineState::Terminated) => self.leave_for_good(id),
            // EC2 was faster than the group; its last step comes by itself.
            Some(MachineState::ShuttingDown) => {}
            _ => self.power_off(id, &MachineState::ShuttingDown, None),
        }
    }

    /// Stops the machine: whatever runs there is lost now.
    pub(super) fn power_off(
        &mut self,
        id: &InstanceId,
        state: &MachineState,
        reason: Option<&str>,
    ) {
        let now = self.now;
        let jobs = self.jobs_on(id);
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        let was_alive = machine.is_alive();
        machine.died_at = machine.died_at.or(Some(now));
        let (pool, why) = (
            machine.pool().cloned(),
            machine.doom.unwrap_or(Doom::Failed),
        );
        self.edit_machine(id, |it| {
            it.state = Some(state.clone());
            it.status_checks = None;
            it.state_reason = reason.map(str::to_owned).or(it.state_reason.take());
        });
        if was_alive {
            self.lose_agent(id);
            self.history.deaths.push(Death {
                at: now,
                instance: id.clone(),
                pool,
                why,
                jobs,
            });
        }
        if *state == MachineState::ShuttingDown {
            let after = dice::secs(&mut self.dice.cloud, 15, 50);
            self.schedule(after, Happening::Terminated(id.clone()));
        }
    }

    pub(super) fn terminated(&mut self, id: &InstanceId) {
        self.edit_machine(id, |it| it.state = Some(MachineState::Terminated));
        let lifecycle = self.machines.get(id).and_then(|it| it.lifecycle().cloned());
        match lifecycle {
            Some(Lifecycle::TerminatingProceed | Lifecycle::WarmedTerminatingProceed) | None => {
                self.leave_for_good(id);
            }
            // The group has not noticed yet, or a hook still waits on a dead machine.
            Some(_) => {}
        }
    }

    /// The last step: no group lists it, and EC2 for a while only.
    pub(super) fn leave_for_good(&mut self, id: &InstanceId) {
        self.finish_activity(id, ActivityStatus::Successful);
        let key = self.pool_of(id);
        if let Some(group) = key.as_ref().and_then(|it| self.groups.get_mut(it)) {
            group.members.remove(id);
        }
        let still_listed = dice::up_to(&mut self.dice.door, self.faults.cloud.still_listed_for);
        if let Some(machine) = self.machines.get_mut(id) {
            machine.epoch += 1;
            machine.listed_until = Some(self.now + still_listed);
        }
        self.schedule(REMEMBERED, Happening::Forget(id.clone()));
        if let Some(key) = key {
            let after = dice::secs(&mut self.dice.cloud, 2, 10);
            self.wake(&key, after);
            self.remove_deleted_group(&key);
        }
    }
}
