//! What the Auto Scaling and EC2 APIs do when they are asked, and when they refuse.

mod action;
mod capacity;
mod group;
mod hook;
mod machine;
mod membership;
mod process;
mod protection;
mod refresh;
mod standby;
mod tag;
mod template;
mod terminate;

use std::collections::BTreeSet;

use crate::{
    fleet::{Capacity, InstanceId, PoolKey, Process},
    sim::{
        refusal::{Refused, Verdict},
        world::World,
    },
};

/// `EnterStandby`, `ExitStandby`, `AttachInstances` and `DetachInstances` take this many ids.
const N_IDS_MAX: usize = 20;

impl World {
    fn capacity_of(&self, pool: &PoolKey) -> Result<Capacity, Refused> {
        self.groups
            .get(pool)
            .filter(|it| it.row.status.is_none())
            .and_then(|it| it.row.capacity)
            .ok_or_else(|| {
                Refused::validation(format!(
                    "AutoScalingGroup name not found - AutoScalingGroup '{}' not found",
                    pool.name
                ))
            })
    }

    fn set_capacity(&mut self, pool: &PoolKey, capacity: Capacity) {
        self.edit_group(pool, |it| it.capacity = Some(capacity));
    }

    fn check_member(&self, pool: &PoolKey, id: &InstanceId) -> Verdict {
        let is_member = self
            .groups
            .get(pool)
            .is_some_and(|it| it.members.contains(id));
        if is_member {
            return Ok(());
        }
        Err(Refused::validation(format!(
            "The instance {id} is not part of Auto Scaling group {}.",
            pool.name
        )))
    }

    fn check_launch_resumed(&self, pool: &PoolKey) -> Verdict {
        if self.is_suspended(pool, &Process::Launch) {
            return Err(Refused::conflict(
                "ScalingActivityInProgress",
                format!(
                    "The Launch process is suspended for AutoScalingGroup {}.",
                    pool.name
                ),
            ));
        }
        Ok(())
    }
}

fn check_below_max(pool: &PoolKey, capacity: Capacity, ids: &[InstanceId], what: &str) -> Verdict {
    let n = n_ids(ids);
    if capacity.max < capacity.desired + n {
        return Err(Refused::validation(format!(
            "AutoScalingGroup {} has min-size={}, max-size={}, and desired-size={}. To {what} {n} instance(s), \
             please update the AutoScalingGroup sizes appropriately.",
            pool.name, capacity.min, capacity.max, capacity.desired
        )));
    }
    Ok(())
}

fn check_n_ids(ids: &[InstanceId], most: usize) -> Verdict {
    let n_distinct = ids.iter().collect::<BTreeSet<_>>().len();
    if ids.len() <= most && !ids.is_empty() && n_distinct == ids.len() {
        return Ok(());
    }
    Err(Refused::validation(format!(
        "1 validation error detected: Value at 'instanceIds' failed to satisfy constraint: Member must have length \
         less than or equal to {most}, and its {} members must be distinct",
        ids.len()
    )))
}

fn below_min(capacity: Capacity) -> Refused {
    Refused::validation(format!(
        "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min \
         size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
        capacity.min
    ))
}

fn no_such_instance(id: &InstanceId) -> Refused {
    Refused::not_found(
        "InvalidInstanceID.NotFound",
        format!("The instance ID '{id}' does not exist"),
    )
}

fn n_ids(ids: &[InstanceId]) -> u32 {
    u32::try_from(ids.len()).unwrap_or(u32::MAX)
}
