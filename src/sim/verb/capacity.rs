//! Desired and its bounds.

use crate::{
    fleet::{Capacity, Phase, PoolKey},
    sim::{
        activity::{aws_time, explicit_change},
        dice,
        machine::Machine,
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    pub(in crate::sim) fn set_desired(&mut self, pool: &PoolKey, desired: u32) -> Verdict {
        let capacity = self.capacity_of(pool)?;
        if capacity.max < desired {
            return Err(Refused::validation(format!(
                "New SetDesiredCapacity value {desired} is above max value {} for the AutoScalingGroup.",
                capacity.max
            )));
        }
        if desired < capacity.min {
            return Err(Refused::validation(format!(
                "New SetDesiredCapacity value {desired} is below min value {} for the AutoScalingGroup.",
                capacity.min
            )));
        }
        if desired != capacity.desired {
            let words = explicit_change(self.now, capacity.desired, desired);
            self.change_desired(
                pool,
                Capacity {
                    desired,
                    ..capacity
                },
                words,
            );
        }
        Ok(())
    }

    /// Takes a new capacity, and lets the group follow it soon.
    pub(in crate::sim) fn change_desired(
        &mut self,
        pool: &PoolKey,
        capacity: Capacity,
        words: String,
    ) {
        self.set_capacity(pool, capacity);
        if let Some(group) = self.groups.get_mut(pool) {
            group.change = Some(words);
        }
        let after = dice::secs(&mut self.dice.cloud, 3, 15);
        self.wake(pool, after);
    }

    pub(in crate::sim) fn update_bounds(
        &mut self,
        pool: &PoolKey,
        min: Option<u32>,
        max: Option<u32>,
    ) -> Verdict {
        let old = self.capacity_of(pool)?;
        let (min, max) = (min.unwrap_or(old.min), max.unwrap_or(old.max));
        if max < min {
            return Err(Refused::validation(format!(
                "Min bound, {min}, must be less than or equal to max bound, {max}"
            )));
        }
        // AWS moves desired along when a bound passes it. A new max is compared with "the current
        // size of the group", and nobody says that those on their way out are not of it.
        // (UpdateAutoScalingGroup)
        let counts = |it: &&Machine| {
            !matches!(
                it.row.phase(),
                Phase::Standby | Phase::Warm | Phase::Retained
            )
        };
        let size = self.members(pool).filter(counts).count();
        let is_above_max = max < old.max && max < u32::try_from(size).unwrap_or(u32::MAX);
        let desired = if is_above_max {
            max
        } else {
            old.desired.clamp(min, max)
        };
        let words = format!(
            "At {} a user request update of AutoScalingGroup constraints to min: {min}, max: {max}, desired: {desired} \
             changing the desired capacity from {} to {desired}.",
            aws_time(self.now),
            old.desired
        );
        let capacity = Capacity { desired, min, max };
        if desired == old.desired {
            self.set_capacity(pool, capacity);
        } else {
            self.change_desired(pool, capacity, words);
        }
        Ok(())
    }
}
