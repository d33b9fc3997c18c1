//! Taking running machines out of a group and into one; hooks do not apply.

use super::{N_IDS_MAX, below_min, check_below_max, check_n_ids, n_ids};
use crate::{
    fleet::{Capacity, Health, InstanceId, Lifecycle, MachineState, PoolKey},
    sim::{
        activity::aws_time,
        dice,
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    /// Takes members out of the group; they run on, and hooks do not apply.
    pub(in crate::sim) fn detach(
        &mut self,
        pool: &PoolKey,
        ids: &[InstanceId],
        decrement: bool,
    ) -> Verdict {
        let capacity = self.capacity_of(pool)?;
        check_n_ids(ids, N_IDS_MAX)?;
        for id in ids {
            self.check_member(pool, id)?;
            let is_detachable = self
                .machines
                .get(id)
                .is_some_and(|it| it.is_in(&Lifecycle::InService) || it.is_in(&Lifecycle::Standby));
            if !is_detachable {
                return Err(Refused::validation(format!(
                    "The instance {id} is not in InService or Standby."
                )));
            }
        }
        let n_counted = n_ids(ids);
        if decrement && capacity.desired < capacity.min + n_counted {
            return Err(below_min(capacity));
        }
        for id in ids {
            let cause = format!(
                "At {} instance {id} was detached in response to a user request.",
                aws_time(self.now)
            );
            self.enter(id, Lifecycle::Detaching);
            self.start_activity(id, &format!("Detaching EC2 instance: {id}"), cause);
            let after = dice::secs(&mut self.dice.cloud, 2, 10);
            self.step_after(id, after);
        }
        if decrement {
            let desired = capacity.desired - n_counted;
            self.set_capacity(
                pool,
                Capacity {
                    desired,
                    ..capacity
                },
            );
        }
        let after = dice::secs(&mut self.dice.cloud, 3, 15);
        self.wake(pool, after);
        Ok(())
    }

    /// Takes running machines into the group; desired grows with them.
    pub(in crate::sim) fn attach(&mut self, pool: &PoolKey, ids: &[InstanceId]) -> Verdict {
        let capacity = self.capacity_of(pool)?;
        check_n_ids(ids, N_IDS_MAX)?;
        self.check_launch_resumed(pool)?;
        for id in ids {
            let machine = self.machines.get(id).ok_or_else(|| {
                Refused::validation(format!("Invalid Instance ID(s): [{id}] specified"))
            })?;
            if machine.lifecycle().is_some() {
                return Err(Refused::validation(format!(
                    "Instance {id} is already part of AutoScalingGroup:{}",
                    machine.row.pool_name()
                )));
            }
            if machine.row.state != Some(MachineState::Running) {
                return Err(Refused::validation(format!(
                    "Instance {id} is not in correct state. Instance(s) must be in 'running' state"
                )));
            }
        }
        check_below_max(pool, capacity, ids, "attach")?;
        for id in ids {
            let cause = format!(
                "At {} an instance was attached in response to a user request.",
                aws_time(self.now)
            );
            self.edit_machine(id, |it| {
                it.pool = Some(pool.clone());
                it.health = Some(Health::Healthy);
            });
            if let Some(group) = self.groups.get_mut(pool) {
                group.members.insert(id.clone());
            }
            self.enter(id, Lifecycle::Pending);
            self.start_activity(
                id,
                &format!("Attaching an existing EC2 instance: {id}"),
                cause,
            );
            let after = dice::secs(&mut self.dice.cloud, 5, 20);
            self.step_after(id, after);
        }
        let desired = capacity.desired + n_ids(ids);
        self.set_capacity(
            pool,
            Capacity {
                desired,
                ..capacity
            },
        );
        Ok(())
    }
}
