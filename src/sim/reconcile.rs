//! What a group does by itself: it launches towards desired, shrinks towards it,
//! and spreads its members over the zones.

use std::{cmp::Ordering, collections::BTreeMap, time::Duration};

use super::{activity::aws_time, dice, happening::Happening, history::Doom, world::World};
use crate::fleet::{Capacity, Lifecycle, PoolKey, PoolKind, Process};

const ALL_PROTECTED: &str = "Could not scale to desired capacity because all remaining instances are protected from scale-in.";

impl World {
    /// Lets a group look at itself that soon, unless it does so sooner already.
    pub(super) fn wake(&mut self, key: &PoolKey, after: Duration) {
        let at = self.now + after;
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        let comes_sooner = group.reconciles_at.is_some_and(|it| it <= at);
        if group.row.kind != PoolKind::Group || comes_sooner {
            return;
        }
        group.reconciles_at = Some(at);
        self.schedule_at(at, Happening::Reconcile(key.clone()));
    }

    pub(super) fn reconcile_if_due(&mut self, key: &PoolKey) {
        let now = self.now;
        if let Some(group) = self.groups.get_mut(key)
            && group.reconciles_at == Some(now)
        {
            group.reconciles_at = None;
            self.reconcile(key);
        }
    }

    fn reconcile(&mut self, key: &PoolKey) {
        let Some(group) = self.groups.get(key) else {
            return;
        };
        let (Some(mut capacity), surge) = (group.row.capacity, group.surge()) else {
            return;
        };
        // A refresh may want more than desired for a while.
        capacity.desired += surge;
        let n_counted = count(self.members(key).filter(|it| it.is_counted()));
        if n_counted <= capacity.desired
            && let Some(group) = self.groups.get_mut(key)
        {
            // The newcomer that was to even out the zones did not live to do so.
            group.is_balancing = false;
        }
        match n_counted.cmp(&capacity.desired) {
            Ordering::Less => self.grow(key, n_counted, capacity.desired),
            Ordering::Greater => self.shrink(key, n_counted, capacity),
            Ordering::Equal => self.rebalance(key, n_counted, capacity),
        }
        self.refill_warm(key);
    }

    fn grow(&mut self, key: &PoolKey, n_counted: u32, desired: u32) {
        if self.is_suspended(key, &Process::Launch) {
            return;
        }
        let cause = format!(
            "{}At {} an instance was started in response to a difference between desired and actual capacity, \
             increasing the capacity from {n_counted} to {desired}.",
            self.change_words(key),
            aws_time(self.now)
        );
        for _ in n_counted..desired {
            if !self.take_warm(key, &cause) && !self.launch(key, None, &cause) {
                // AWS tries again, ever more slowly.
                let n_failures = self.groups.get(key).map_or(0, |it| it.n_failures);
                let back_off = Duration::from_secs(20 << n_failures.min(5));
                self.wake(key, back_off);
                return;
            }
        }
        self.settle_change(key);
    }

    fn shrink(&mut self, key: &PoolKey, n_counted: u32, capacity: Capacity) {
        if self.is_suspended(key, &Process::Terminate) {
            self.rebalance(key, n_counted, capacity);
            return;
        }
        let n_in_service = count(
            self.members(key)
                .filter(|it| it.is_in(&Lifecycle::InService)),
        );
        let is_balancing = self.groups.get(key).is_some_and(|it| it.is_balancing);
        if is_balancing && n_in_service <= capacity.desired {
            // The newcomer in the emptier zone is awaited first; its service wakes us.
            return;
        }
        let why = if is_balancing {
            Doom::Rebalance
        } else {
            Doom::ScaleIn
        };
        let change = self.change_words(key);
        for n_left in (capacity.desired..n_counted).rev() {
            let Some(victim) = self.choose_victim(key) else {
                self.report_all_protected(key, &change);
                return;
            };
            let cause = format!(
                "{change}{}",
                self.cause_of(&victim, why, Some((n_left + 1, n_left)))
            );
            self.begin_termination(&victim, why, cause);
        }
        self.settle_change(key);
        if let Some(group) = self.groups.get_mut(key) {
            group.is_balancing = false;
        }
    }

    /// Says once, not at every look, that protection keeps the group large.
    fn report_all_protected(&mut self, key: &PoolKey, change: &str) {
        let is_told = self
            .groups
            .get(key)
            .and_then(|it| it.activities.back())
            .is_some_and(|it| it.description == ALL_PROTECTED);
        if !is_told {
            self.record_failure(
                key,
                ALL_PROTECTED,
                change.trim_end().to_owned(),
                ALL_PROTECTED,
            );
        }
    }

    /// Launches one machine in the emptiest zone when the zones differ by two or
    /// more; the fullest zone loses one once that machine is in service.
    fn rebalance(&mut self, key: &PoolKey, n_counted: u32, capacity: Capacity) {
        let is_off = [Process::AzRebalance, Process::Launch]
            .iter()
            .any(|it| self.is_suspended(key, it));
        // While it rebalances a group may exceed its max by a tenth, or by one.
        let most = capacity.max + (capacity.max / 10).max(1);
        if is_off || most <= n_counted {
            return;
        }
        let counts = self.zone_counts(key);
        let emptiest = counts.iter().min_by_key(|it| it.1);
        let fullest = counts.iter().max_by_key(|it| it.1);
        let (Some((zone, least)), Some((crowded, largest))) = (emptiest, fullest) else {
            return;
        };
        let is_short = self
            .groups
            .get(key)
            .is_some_and(|it| it.short_zones.contains(zone));
        // A zone whose members are all protected would lose none of them.
        let has_victim = self.members(key).any(|it| {
            it.row.zone == *crowded && it.is_in(&Lifecycle::InService) && !it.row.protected
        });
        if *largest < least + 2 || is_short || !has_victim {
            return;
        }
        let cause = format!(
            "At {} instances were launched to balance instances in zones {zone} with other zones resulting in more \
             than desired number of instances in the group.",
            aws_time(self.now)
        );
        let zone = zone.clone();
        if self.launch(key, Some(&zone), &cause)
            && let Some(group) = self.groups.get_mut(key)
        {
            group.is_balancing = true;
        }
        let after = dice::secs(&mut self.dice.cloud, 60, 180);
        self.wake(key, after);
    }

    /// Returns how many counted members each zone of the group has.
    pub(super) fn zone_counts(&self, key: &PoolKey) -> BTreeMap<String, u32> {
        let zones = self.groups.get(key).map_or(&[][..], |it| &it.row.zones);
        let mut counts: BTreeMap<String, u32> = zones.iter().map(|it| (it.clone(), 0)).collect();
        for machine in self.members(key).filter(|it| it.is_counted()) {
            *counts.entry(machine.row.zone.clone()).or_default() += 1;
        }
        counts
    }

    pub(super) fn is_suspended(&self, key: &PoolKey, process: &Process) -> bool {
        self.groups
            .get(key)
            .is_some_and(|it| it.row.is_suspended(process))
    }

    /// Returns AWS' words for the change that is being followed, with a gap after them.
    fn change_words(&self, key: &PoolKey) -> String {
        self.groups
            .get(key)
            .and_then(|it| it.change.as_ref())
            .map_or(String::new(), |it| format!("{it}  "))
    }

    fn settle_change(&mut self, key: &PoolKey) {
        if let Some(group) = self.groups.get_mut(key) {
            group.change = None;
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
