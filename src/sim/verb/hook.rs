//! Adding and deleting lifecycle hooks.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    fleet::{Hook, HookResult, HookTransition, InstanceId, PoolKey},
    sim::{
        refusal::{Refused, Verdict},
        world::World,
    },
};

/// What a heartbeat timeout may be.
const HEARTBEAT: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_hours(2);
/// Hooks that one group may have.
const N_HOOKS_MAX: usize = 50;

impl World {
    /// Adds a hook or changes one; an action under way keeps its old times.
    pub(in crate::sim) fn put_hook(&mut self, pool: &PoolKey, hook: &Hook) -> Verdict {
        self.capacity_of(pool)?;
        if !HEARTBEAT.contains(&hook.heartbeat_timeout) {
            return Err(Refused::validation(
                "Heartbeat timeout must be between 30 and 7200 seconds.",
            ));
        }
        let now = self.now;
        let others = self.groups[pool]
            .row
            .hooks
            .iter()
            .filter(|it| it.name != hook.name);
        if N_HOOKS_MAX <= others.count() {
            return Err(Refused::conflict(
                "LimitExceeded",
                "The hook limit is 50 for each group.",
            ));
        }
        self.edit_group(pool, |it| {
            it.hooks.retain(|it| it.name != hook.name);
            it.hooks.push(hook.clone());
            it.hooks_read_at = Some(now);
        });
        Ok(())
    }

    /// Deletes a hook. AWS answers its actions under way: ABANDON for those who
    /// launch, CONTINUE for those who terminate.
    pub(in crate::sim) fn delete_hook(&mut self, pool: &PoolKey, name: &str) -> Verdict {
        self.capacity_of(pool)?;
        let found = self.groups[pool]
            .row
            .hooks
            .iter()
            .find(|it| it.name == name);
        let Some(transition) = found.map(|it| it.transition) else {
            return Err(Refused::validation(format!(
                "Lifecycle Hook {name} does not exist"
            )));
        };
        let now = self.now;
        self.edit_group(pool, |it| {
            it.hooks.retain(|it| it.name != name);
            it.hooks_read_at = Some(now);
        });
        let result = match transition {
            HookTransition::Launching => HookResult::Abandon,
            HookTransition::Terminating => HookResult::Continue,
        };
        let held: Vec<InstanceId> = self
            .members(pool)
            .filter(|it| it.waits.iter().any(|it| it.hook.name == name))
            .map(|it| it.id().clone())
            .collect();
        for id in held {
            self.answer(&id, name, result);
        }
        Ok(())
    }
}
