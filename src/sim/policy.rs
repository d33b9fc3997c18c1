//! A scaling policy of AWS: it follows the queue up, and idle slots down, and it
//! does not ask what runs on whom it shrinks away.

use std::time::Duration;

use super::{activity::aws_time, happening::Happening, world::World};
use crate::fleet::{Capacity, PoolKey, Process};

/// How often the alarm behind a policy is evaluated.
const PERIOD: Duration = Duration::from_mins(1);

impl World {
    pub(super) fn follow_policy(&mut self, key: &PoolKey) {
        self.schedule(PERIOD, Happening::Policy(key.clone()));
        let Some(group) = self.groups.get(key) else {
            return;
        };
        let (Some(policy), Some(capacity), Some(link)) =
            (group.spec.policy, group.row.capacity, &group.row.ci)
        else {
            return;
        };
        if self.is_suspended(key, &Process::AlarmNotification) {
            return;
        }
        let Some(controller) = self.controllers.get(&link.controller) else {
            return;
        };
        let per_instance = link.executors_per_instance.max(1);
        let n_queued = controller.n_queued(&link.label);
        let n_idle = controller.n_free(&link.label);
        let n_registering = self
            .members(key)
            .filter(|it| it.is_counted() && it.agents.is_empty() && !it.is_dud)
            .count();
        let n_coming = u32::try_from(n_registering)
            .unwrap_or(u32::MAX)
            .saturating_mul(per_instance);
        let n_missing = n_queued.saturating_sub(n_coming).div_ceil(per_instance);
        let mut desired = capacity.desired;
        let mut idle_since = None;
        if 0 < n_missing {
            desired = (capacity.desired + n_missing.min(3)).min(capacity.max);
        } else if policy.idle_max < n_idle {
            let since = group.idle_since.unwrap_or(self.now);
            idle_since = Some(since);
            if policy.idle_for <= self.now.since(since) {
                desired = capacity.desired.saturating_sub(1).max(capacity.min);
                idle_since = Some(self.now);
            }
        }
        if let Some(group) = self.groups.get_mut(key) {
            group.idle_since = idle_since;
        }
        if desired != capacity.desired {
            self.trigger_policy(key, capacity, desired);
        }
    }

    fn trigger_policy(&mut self, key: &PoolKey, capacity: Capacity, desired: u32) {
        let (alarm, policy) = if capacity.desired < desired {
            ("queue-high", "scale-out-on-queue")
        } else {
            ("idle-high", "scale-in-on-idle")
        };
        let words = format!(
            "At {} a monitor alarm {}-{alarm} in state ALARM triggered policy {policy} changing the desired capacity \
             from {} to {desired}.",
            aws_time(self.now),
            key.name,
            capacity.desired
        );
        self.change_desired(
            key,
            Capacity {
                desired,
                ..capacity
            },
            words,
        );
    }
}
