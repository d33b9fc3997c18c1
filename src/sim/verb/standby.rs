//! Out of service and back, still running.

use super::{N_IDS_MAX, check_below_max, check_n_ids, n_ids};
use crate::{
    fleet::{Capacity, InstanceId, Lifecycle, PoolKey},
    sim::{
        activity::aws_time,
        dice,
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    pub(in crate::sim) fn enter_standby(
        &mut self,
        pool: &PoolKey,
        ids: &[InstanceId],
        decrement: bool,
    ) -> Verdict {
        let capacity = self.capacity_of(pool)?;
        check_n_ids(ids, N_IDS_MAX)?;
        for id in ids {
            self.check_in_service(pool, id)?;
        }
        let n = n_ids(ids);
        if decrement && capacity.desired < capacity.min + n {
            return Err(Refused::validation(format!(
                "AutoScalingGroup {} has min-size={}, max-size={}, and desired-size={}. To place into standby {n} \
                 instance(s), please update the AutoScalingGroup sizes appropriately.",
                pool.name, capacity.min, capacity.max, capacity.desired
            )));
        }
        let mut desired = capacity.desired;
        for id in ids {
            let shrinking = if decrement {
                desired -= 1;
                format!(", shrinking the capacity from {} to {desired}", desired + 1)
            } else {
                String::new()
            };
            let cause = format!(
                "At {} instance {id} was moved to standby in response to a user request{shrinking}.",
                aws_time(self.now)
            );
            self.enter(id, Lifecycle::EnteringStandby);
            self.start_activity(id, &format!("Moving EC2 instance to Standby: {id}"), cause);
            let after = dice::secs(&mut self.dice.cloud, 2, 10);
            self.step_after(id, after);
        }
        self.set_capacity(
            pool,
            Capacity {
                desired,
                ..capacity
            },
        );
        let after = dice::secs(&mut self.dice.cloud, 3, 15);
        self.wake(pool, after);
        Ok(())
    }

    pub(in crate::sim) fn exit_standby(&mut self, pool: &PoolKey, ids: &[InstanceId]) -> Verdict {
        let capacity = self.capacity_of(pool)?;
        check_n_ids(ids, N_IDS_MAX)?;
        self.check_launch_resumed(pool)?;
        for id in ids {
            self.check_member(pool, id)?;
            if !self
                .machines
                .get(id)
                .is_some_and(|it| it.is_in(&Lifecycle::Standby))
            {
                return Err(Refused::validation(format!(
                    "The instance {id} is not in Standby."
                )));
            }
        }
        check_below_max(pool, capacity, ids, "exit standby")?;
        let mut desired = capacity.desired;
        for id in ids {
            desired += 1;
            let cause = format!(
                "At {} instance {id} was moved out of standby in response to a user request, increasing the capacity \
                 from {} to {desired}.",
                aws_time(self.now),
                desired - 1
            );
            self.enter(id, Lifecycle::Pending);
            self.start_activity(
                id,
                &format!("Moving EC2 instance out of Standby: {id}"),
                cause,
            );
            let after = dice::secs(&mut self.dice.cloud, 5, 20);
            self.step_after(id, after);
        }
        self.set_capacity(
            pool,
            Capacity {
                desired,
                ..capacity
            },
        );
        Ok(())
    }

    fn check_in_service(&self, pool: &PoolKey, id: &InstanceId) -> Verdict {
        self.check_member(pool, id)?;
        if self
            .machines
            .get(id)
            .is_some_and(|it| it.is_in(&Lifecycle::InService))
        {
            return Ok(());
        }
        Err(Refused::validation(format!(
            "The instance {id} is not in InService."
        )))
    }
}
