//! Terminating a named machine, through its group or behind its back.

use super::{below_min, no_such_instance};
use crate::{
    fleet::{Capacity, InstanceId, Lifecycle},
    sim::{
        activity::explicit_change,
        history::Doom,
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    /// `TerminateInstanceInAutoScalingGroup`: names its victim, protected or not.
    pub(in crate::sim) fn terminate_in_group(
        &mut self,
        id: &InstanceId,
        decrement: bool,
        why: Doom,
    ) -> Verdict {
        let not_managed = || {
            Refused::validation(format!(
                "Instance Id not found - No managed instance found for instance ID: {id}"
            ))
        };
        let machine = self.machines.get(id).ok_or_else(not_managed)?;
        let pool = machine.pool().cloned().ok_or_else(not_managed)?;
        let capacity = self.capacity_of(&pool).map_err(|_| not_managed())?;
        if machine.lifecycle().is_none() || machine.is_gone() {
            return Err(not_managed());
        }
        if machine.is_warm() {
            return Err(Refused::validation(format!(
                "The instance {id} is in the warm pool of the group; this operation is not for it"
            )));
        }
        let is_retained = machine.is_in(&Lifecycle::TerminatingRetained);
        if machine.is_leaving() && !is_retained {
            // Asking twice is allowed; a second decrement would shrink the group twice, as AWS does.
            if decrement && capacity.min < capacity.desired {
                let desired = capacity.desired - 1;
                let words = explicit_change(self.now, capacity.desired, desired);
                self.change_desired(
                    &pool,
                    Capacity {
                        desired,
                        ..capacity
                    },
                    words,
                );
            }
            return Ok(());
        }
        let mut shrinks = None;
        if decrement && machine.is_counted() {
            if capacity.desired <= capacity.min {
                return Err(below_min(capacity));
            }
            shrinks = Some((capacity.desired, capacity.desired - 1));
            self.set_capacity(
                &pool,
                Capacity {
                    desired: capacity.desired - 1,
                    ..capacity
                },
            );
        }
        let cause = self.cause_of(id, Doom::TerminatedByUs, shrinks);
        self.begin_termination(id, why, cause);
        Ok(())
    }

    /// EC2 `TerminateInstances`: no hook, no protection, no decrement; the group notices later.
    pub(in crate::sim) fn terminate_in_ec2(&mut self, id: &InstanceId, why: Doom) -> Verdict {
        if !self.machines.contains_key(id) {
            return Err(no_such_instance(id));
        }
        self.kill_machine(
            id,
            why,
            "Client.UserInitiatedShutdown: User initiated shutdown",
        );
        Ok(())
    }
}
