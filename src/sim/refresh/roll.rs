//! One look at a group under refresh: whom to replace now, or what to wait for.

use std::{collections::BTreeSet, time::Duration};

use super::{Reluctant, Rolling};
use crate::{
    fleet::{Health, InstanceId, Lifecycle, PoolKey, Process, RefreshStatus},
    sim::{Machine, history::Doom, world::World},
};

/// How long it waits for a protected or a standby machine before it fails.
const PATIENCE: Duration = Duration::from_hours(1);

/// What a look at the group says to do next.
enum Step {
    Replace(Vec<InstanceId>),
    Wait(String),
    /// Nothing but to wait for somebody else; not for ever.
    Stuck(String),
    Finished,
}

impl World {
    pub(super) fn roll(&mut self, key: &PoolKey, status: RefreshStatus) {
        self.strike_off(key);
        let step = self.next_step(key);
        let is_stuck = matches!(step, Step::Stuck(_));
        let now = self.now;
        let stuck_for = self
            .groups
            .get_mut(key)
            .and_then(|it| it.rolling.as_mut())
            .map(|it| {
                it.stuck_since = is_stuck.then(|| it.stuck_since.unwrap_or(now));
                now.since(it.stuck_since.unwrap_or(now))
            });
        match step {
            Step::Replace(victims) => {
                for id in victims {
                    // Struck off at once: the surge counts those who are still to go.
                    if let Some(rolling) =
                        self.groups.get_mut(key).and_then(|it| it.rolling.as_mut())
                    {
                        rolling.todo.remove(&id);
                    }
                    let cause = self.cause_of(&id, Doom::Refresh, None);
                    self.begin_termination(&id, Doom::Refresh, cause);
                }
                self.set_refresh(key, status, None);
            }
            Step::Stuck(why) if stuck_for.is_some_and(|it| PATIENCE < it) => {
                self.fail(key, &status, why);
            }
            Step::Wait(why) | Step::Stuck(why) => self.set_refresh(key, status, Some(why)),
            Step::Finished => self.finish(key, &status),
        }
        // The surge may have grown or shrunk with what is left to do.
        self.wake(key, Duration::from_secs(5));
    }

    /// Strikes those off who are gone, who match already, or whom it may ignore.
    fn strike_off(&mut self, key: &PoolKey) {
        let Some(rolling) = self.groups.get(key).and_then(|it| it.rolling.as_ref()) else {
            return;
        };
        let (spec, target) = (&rolling.spec, self.groups[key].launching_version().0);
        let is_left = |id: &&InstanceId| {
            let Some(machine) = self.machines.get(*id).filter(|it| !it.is_leaving()) else {
                return false;
            };
            let matches = machine.row.template_version == target;
            let is_standby = machine.is_in(&Lifecycle::Standby);
            let is_ignored = machine.row.protected && spec.protected == Reluctant::Ignore
                || is_standby && spec.standby == Reluctant::Ignore;
            machine.lifecycle().is_some() && !(spec.skip_matching && matches) && !is_ignored
        };
        let todo: BTreeSet<InstanceId> = rolling.todo.iter().filter(is_left).cloned().collect();
        if let Some(rolling) = self.groups.get_mut(key).and_then(|it| it.rolling.as_mut()) {
            rolling.todo = todo;
        }
    }

    fn next_step(&mut self, key: &PoolKey) -> Step {
        if self.is_suspended(key, &Process::InstanceRefresh) {
            return Step::Wait("The InstanceRefresh process is suspended.".to_owned());
        }
        if let Some(wait) = self.checkpoint(key) {
            return wait;
        }
        let (Some(group), now) = (self.groups.get(key), self.now) else {
            return Step::Finished;
        };
        let (Some(rolling), Some(capacity)) = (&group.rolling, group.row.capacity) else {
            return Step::Finished;
        };
        let is_warm = |it: &&Machine| {
            it.is_in(&Lifecycle::InService)
                && it.row.health == Some(Health::Healthy)
                && rolling.spec.warmup <= now.since(it.row.lifecycle_since)
        };
        let n_healthy =
            u32::try_from(self.members(key).filter(is_warm).count()).unwrap_or(u32::MAX);
        // A hook may hold somebody for days; a group that cannot launch is given up.
        let is_held = self.members(key).any(Machine::is_leaving);
        let slow = |why| {
            if is_held {
                Step::Wait(why)
            } else {
                Step::Stuck(why)
            }
        };
        if rolling.todo.is_empty() {
            return if n_healthy < capacity.desired {
                slow("Waiting for instances to warm up.".to_owned())
            } else {
                Step::Finished
            };
        }
        let floor = capacity.desired * rolling.spec.min_healthy_percent / 100;
        let is_at_rest = capacity.desired + group.surge() <= n_healthy;
        // At rest one may always go, or a floor of 100 % would end nothing.
        let n_may = n_healthy.saturating_sub(floor).max(u32::from(is_at_rest));
        if n_may == 0 {
            return slow(format!(
                "Waiting for remaining instances to be available. For example: {}.",
                rolling.todo.iter().next().map_or("", |it| it.as_str())
            ));
        }
        self.choose_replaced(rolling, usize::try_from(n_may).unwrap_or(usize::MAX))
    }

    fn choose_replaced(&self, rolling: &Rolling, n_may: usize) -> Step {
        let spec = &rolling.spec;
        let mut reluctant = None;
        let mut victims = Vec::new();
        for machine in rolling.todo.iter().filter_map(|it| self.machines.get(it)) {
            let is_standby = machine.is_in(&Lifecycle::Standby);
            let waits = if machine.row.protected && spec.protected == Reluctant::Wait {
                Some("protected from scale-in")
            } else if is_standby && spec.standby == Reluctant::Wait {
                Some("in Standby")
            } else {
                None
            };
            if let Some(why) = waits {
                reluctant = Some(format!(
                    "Waiting for instance {}, which is {why}.",
                    machine.id()
                ));
            } else if is_standby || machine.is_in(&Lifecycle::InService) {
                victims.push(machine.id().clone());
            }
        }
        victims.truncate(n_may);
        match (victims.is_empty(), reluctant) {
            (false, _) => Step::Replace(victims),
            (true, Some(why)) => Step::Stuck(why),
            (true, None) => Step::Wait("Waiting for instances to enter service.".to_owned()),
        }
    }

    /// Holds a refresh at the percentage that it was told to stop at.
    fn checkpoint(&mut self, key: &PoolKey) -> Option<Step> {
        let now = self.now;
        let rolling = self.groups.get_mut(key)?.rolling.as_mut()?;
        let percent = *rolling.spec.checkpoints.get(rolling.n_checkpoints_passed)?;
        let n_done = rolling.n_total.saturating_sub(rolling.todo.len());
        let reached = n_done * 100 / rolling.n_total.max(1);
        if reached < percent as usize || rolling.todo.is_empty() {
            return None;
        }
        let since = *rolling.checkpoint_since.get_or_insert(now);
        if rolling.spec.checkpoint_delay <= now.since(since) {
            rolling.n_checkpoints_passed += 1;
            rolling.checkpoint_since = None;
            return None;
        }
        Some(Step::Wait(format!(
            "Waiting at the checkpoint of {percent}%."
        )))
    }

    fn finish(&mut self, key: &PoolKey, status: &RefreshStatus) {
        let bake = self.groups[key]
            .rolling
            .as_ref()
            .map_or(Duration::ZERO, |it| it.spec.bake);
        if bake.is_zero() || *status == RefreshStatus::RollbackInProgress {
            self.succeed(key, status);
            return;
        }
        let bakes_until = self.now + bake;
        if let Some(rolling) = self.groups.get_mut(key).and_then(|it| it.rolling.as_mut()) {
            rolling.bakes_until = Some(bakes_until);
        }
        self.set_refresh(key, RefreshStatus::Baking, None);
    }

    /// The group's template is the desired configuration from now on.
    pub(super) fn succeed(&mut self, key: &PoolKey, status: &RefreshStatus) {
        let (version, image) = self.groups[key].launching_version();
        let is_rollback = *status == RefreshStatus::RollbackInProgress;
        let end = if is_rollback {
            RefreshStatus::RollbackSuccessful
        } else {
            RefreshStatus::Successful
        };
        let is_pinned = self.groups[key]
            .rolling
            .as_ref()
            .is_some_and(|it| it.spec.version.is_some());
        self.edit_group(key, |it| {
            if let Some(template) = it.template.as_mut().filter(|_| is_pinned) {
                template.version = version.clone().unwrap_or_default();
                template.resolved_version = version;
                template.image = image;
            }
        });
        self.set_refresh(key, end, None);
    }

    fn fail(&mut self, key: &PoolKey, status: &RefreshStatus, why: String) {
        let goes_back = self.groups[key]
            .rolling
            .as_ref()
            .is_some_and(|it| it.spec.auto_rollback && it.spec.version.is_some());
        match status {
            RefreshStatus::RollbackInProgress => {
                self.set_refresh(key, RefreshStatus::RollbackFailed, Some(why));
            }
            _ if goes_back => self.turn_back(key, &why),
            _ => self.set_refresh(key, RefreshStatus::Failed, Some(why)),
        }
    }
}
