//! What a roll stands on: one pool as it was last read, beside what was planned and done.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::withdraw;
use crate::{
    fleet::{
        Capacity, Executor, Fleet, Health, Instance, InstanceId, LaunchSource, Phase, Pool,
        Template, Timestamp, Work,
    },
    operation::{
        Change, Mark, Operation, PoolRoll, PoolState, Roll, Slot, Standing, TAG, TargetState,
        protocol::{Attempts, shown_at},
    },
};

/// So many boot budgets may pass before a group that tells of no failed launch has failed.
pub(super) const N_BUDGETS_UNTRIED: u32 = 3;
/// How far AWS' clock may be from ours; it refuses requests that are further from its own.
pub(super) const SKEW: Duration = Duration::from_mins(5);

#[derive(Clone, Debug)]
pub(super) struct Ground<'a> {
    pub(super) operation: &'a Operation,
    pub(super) roll: &'a Roll,
    pub(super) plan: &'a PoolRoll,
    pub(super) state: &'a PoolState,
    pub(super) pool: &'a Arc<Pool>,
    pub(super) template: &'a Template,
    pub(super) capacity: Capacity,
    pub(super) members: &'a [Arc<Instance>],
    pub(super) fleet: &'a Fleet,
    pub(super) now: Timestamp,
    /// When the pool was read.
    pub(super) read_at: Timestamp,
    /// What every member shall be made from; `None` until it is made itself.
    pub(super) goal: Option<LaunchSource>,
    /// What a roll that turned back came from.
    pub(super) left_behind: Option<LaunchSource>,
}

impl<'a> Ground<'a> {
    /// Returns `None` for a pool that was not read yet, or is no group any more.
    pub(super) fn new(
        operation: &'a Operation,
        roll: &'a Roll,
        plan: &'a PoolRoll,
        fleet: &'a Fleet,
        now: Timestamp,
    ) -> Option<Self> {
        let pool = fleet.pool(&plan.pool)?;
        let state = operation.pool(&plan.pool);
        let forward = match (&plan.to, &plan.from) {
            (Change::Existing(it), _) => Some(it.clone()),
            (Change::Copy { .. }, from) => state.made(Slot::Create).map(|made| match from {
                LaunchSource::Template(it) => {
                    let mut version = it.clone();
                    made.clone_into(&mut version.version);
                    LaunchSource::Template(version)
                }
                LaunchSource::Configuration(_) => LaunchSource::Configuration(made.to_owned()),
            }),
        };
        let (goal, left_behind) = match operation.turned_back() {
            Some(_) => (Some(plan.from.clone()), forward),
            None => (forward, None),
        };
        Some(Self {
            operation,
            roll,
            plan,
            state,
            pool,
            template: pool.template.as_ref()?,
            capacity: pool.capacity?,
            members: &fleet.roster(&plan.pool).instances,
            fleet,
            now,
            read_at: shown_at(fleet, &plan.pool, now),
            goal,
            left_behind,
        })
    }

    pub(super) fn attempts(&self) -> Attempts {
        Attempts {
            subject: self.plan.pool.clone().into(),
            settle: self.settle(),
            now: self.now,
            shown_at: self.read_at,
        }
    }

    pub(super) fn settle(&self) -> Duration {
        self.roll.proof.settle
    }

    /// Returns whether the reading is late enough to show what was written then.
    pub(super) fn is_settled_since(&self, at: Timestamp) -> bool {
        self.settle() <= self.read_at.since(at)
    }

    /// Returns whether nothing more is begun: it was aborted, or its deadline is over.
    ///
    /// One that began to take back what was never launched does not go on, whatever clock says
    /// that there is time left.
    pub(super) fn is_stopping(&self) -> bool {
        let ends_at = self.roll.deadline.map(|it| self.operation.started_at + it);
        matches!(self.operation.standing(), Standing::Aborting { .. })
            || ends_at.is_some_and(|it| it <= self.now)
            || self.written_at(Slot::Hold).is_some()
    }

    /// Returns what the pool shall have in the end; its min forbids less.
    pub(super) fn base(&self) -> u32 {
        self.state.base.max(self.capacity.min)
    }

    /// Returns the targets of this pool, in their order.
    pub(super) fn targets(&self) -> impl Iterator<Item = (&'a InstanceId, &'a TargetState)> {
        let key = &self.plan.pool;
        let operation = self.operation;
        operation
            .targets()
            .filter(move |(id, _)| operation.pool_of(id) == key)
    }

    pub(super) fn is_on_goal(&self, instance: &Instance) -> bool {
        self.goal.as_ref().is_some_and(|it| it.is_of(instance))
    }

    /// Returns whether it has to be replaced; nothing has to before there is a goal.
    pub(super) fn is_outdated(&self, instance: &Instance) -> bool {
        self.goal.as_ref().is_some_and(|it| !it.is_of(instance))
    }

    /// Returns whether a target is to be replaced, or is still one too many.
    pub(super) fn has_to_go(&self, instance: &Instance, target: &TargetState) -> bool {
        let desired = self.state.desired();
        let is_too_many = || target.is_surplus && desired.is_none_or(|it| self.base() < it);
        self.is_outdated(instance) || is_too_many()
    }

    /// Returns whether it is still a member of this group.
    pub(super) fn is_member(&self, instance: &Instance) -> bool {
        let is_placed = !matches!(
            instance.phase(),
            Phase::Detached | Phase::Unattached | Phase::Warm
        );
        is_placed && instance.pool.as_ref() == Some(&self.plan.pool)
    }

    /// Returns whether it came up after the operation began, so that its agent has yet to be seen.
    ///
    /// The launch is of AWS' clock and in whole seconds, and the beginning of ours: whoever might
    /// be new is, unless it was planned to go.
    pub(super) fn is_new(&self, instance: &Instance) -> bool {
        let is_planned = self.plan.targets.contains(&instance.id);
        !is_planned && self.operation.started_at <= launched_at(instance) + SKEW
    }

    /// Returns whether it takes jobs, as far as this operation is concerned.
    pub(super) fn is_serving(&self, instance: &Instance) -> bool {
        let target = self.operation.target(&instance.id);
        let is_ours =
            target.is_some_and(|it| it.is_begun() && !it.is_finished(self.now, self.settle()));
        let has_agent = !self.is_new(instance) || self.state.registered.contains_key(&instance.id);
        self.is_up(instance) && has_agent && !is_ours
    }

    /// Returns whether it came up, and had the time to take jobs, and takes none.
    pub(super) fn has_failed(&self, instance: &Instance) -> bool {
        let budget = self.plan.boot_budget;
        instance.phase() == Phase::InService
            && self.is_new(instance)
            && !self.is_serving(instance)
            && launched_at(instance) + budget <= self.now
    }

    /// Returns the targets that never took a job.
    pub(super) fn failed_targets(&self) -> impl Iterator<Item = &'a InstanceId> {
        let has_failed = |id: &InstanceId| {
            let instance = self.fleet.instances.get(id);
            instance.is_some_and(|it| {
                it.phase() == Phase::InService
                    && self.is_new(it)
                    && !self.state.registered.contains_key(id)
            })
        };
        let targets = self.targets().filter(|it| it.1.is_surplus);
        targets.map(|it| it.0).filter(move |it| has_failed(it))
    }

    /// Returns how many more the pool has than it shall have in the end, by our own calls.
    pub(super) fn n_surplus(&self) -> u32 {
        let desired = self.state.desired();
        desired.map_or(0, |it| it.saturating_sub(self.base()))
    }

    /// Returns the members that AWS counts towards desired.
    fn counted(&self) -> impl Iterator<Item = &'a Arc<Instance>> {
        self.members.iter().filter(|it| is_counted(it))
    }

    pub(super) fn n_counted(&self) -> u32 {
        count(self.counted())
    }

    /// Returns whether a newcomer is there, or on its way in, and never took a job.
    fn is_unready(&self, instance: &Instance) -> bool {
        let is_overdue = || launched_at(instance) + self.plan.boot_budget <= self.now;
        let hangs = || matches!(instance.phase(), Phase::Pending | Phase::PendingWait);
        self.is_new(instance)
            && !self.state.registered.contains_key(&instance.id)
            // Where nobody tells of agents, only one that is late on its way in is known.
            && (self.knows_agents() || hangs() && is_overdue())
    }

    /// Returns the counted newcomers that never took a job.
    pub(super) fn unready(&self) -> impl Iterator<Item = &'a Arc<Instance>> {
        self.counted().filter(|it| self.is_unready(it))
    }

    /// Returns how many of the counted take jobs, or did.
    pub(super) fn n_ready(&self) -> u32 {
        count(self.counted().filter(|it| !self.is_unready(it)))
    }

    /// Returns how many there are that may go: a newcomer goes by name once it is in service, and
    /// has had the time to come up.
    pub(super) fn n_there(&self) -> u32 {
        let has_had_time = |it: &&Arc<Instance>| {
            it.phase() == Phase::InService && launched_at(it) + self.plan.boot_budget <= self.now
        };
        self.n_ready() + count(self.unready().filter(has_had_time))
    }

    /// Returns whether it lacks members that take jobs: a newcomer may come up and die, again and
    /// again, before its agent registers.
    pub(super) fn is_short(&self) -> bool {
        self.n_ready() < self.capacity.desired
    }

    /// Returns how many instances go that are too many. A roll that stops takes none for what was
    /// never launched, or never took a job.
    pub(super) fn n_to_shed(&self) -> usize {
        let n_surplus = self.n_surplus();
        let n = if self.is_stopping() {
            let n_too_many = self.n_there().saturating_sub(self.base());
            n_surplus.min(n_too_many).max(withdraw::n_too_many(self))
        } else {
            n_surplus
        };
        usize::try_from(n).unwrap_or(usize::MAX)
    }

    /// Returns whether newcomers may still come up that take jobs instead of others.
    pub(super) fn awaits_newcomers(&self) -> bool {
        let budget = self.plan.boot_budget;
        let is_short_for_less_than = |most: Duration| {
            let short_since = self.state.short_since;
            short_since.is_some_and(|it| self.now.since(it) < most)
        };
        // Those that come up and die are not awaited for ever.
        let is_coming =
            self.state.short_since.is_none() || is_short_for_less_than(budget * N_BUDGETS_UNTRIED);
        is_short_for_less_than(budget)
            || !self.is_settled_since(self.state.desired_changed_at())
            || is_coming && self.has_coming()
    }

    /// Returns whether a newcomer is on its way to take jobs, and has the time for that.
    pub(super) fn has_coming(&self) -> bool {
        let is_coming = |it: &Arc<Instance>| {
            self.is_new(it)
                && !self.is_serving(it)
                && self.operation.target(&it.id).is_none()
                && self.now.since(launched_at(it)) < self.plan.boot_budget
        };
        self.members.iter().any(is_coming)
    }

    /// Returns whether a target goes, or is gone, and nothing calls it back.
    ///
    /// A termination whose answer was lost may never have happened: then it is in service still.
    pub(super) fn is_out(&self, id: &InstanceId, target: &TargetState) -> bool {
        let is_void = |at: Timestamp| {
            let instance = self.fleet.instances.get(id);
            self.is_settled_since(at) && instance.is_some_and(|it| it.phase() == Phase::InService)
        };
        let terminated_at = target.terminate.may_have_happened_at();
        terminated_at.is_some_and(|it| !is_void(it)) || target.is_finished(self.now, self.settle())
    }

    #[expect(clippy::unused_self, reason = "it is asked like its neighbours")]
    pub(super) fn is_up(&self, instance: &Instance) -> bool {
        instance.phase() == Phase::InService && instance.health != Some(Health::Unhealthy)
    }

    pub(super) fn n_serving(&self) -> u32 {
        count(self.members.iter().filter(|it| self.is_serving(it)))
    }

    /// Returns how many instances the pool lacks of what it shall have in the end.
    pub(super) fn n_missing(&self) -> u32 {
        self.base().saturating_sub(self.n_serving())
    }

    /// Returns those that have to go and are in service.
    pub(super) fn outdated_in_service(&self) -> impl Iterator<Item = &'a Arc<Instance>> {
        self.members
            .iter()
            .filter(|it| it.phase() == Phase::InService && self.is_outdated(it))
    }

    /// Returns whether a member that has to go is there, or is on its way in.
    pub(super) fn has_outdated(&self) -> bool {
        self.counted().any(|it| self.is_outdated(it))
    }

    /// Returns how many targets are begun or gone, how many of them are still emptied, and
    /// how many are gone or going.
    pub(super) fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for (id, target) in self.targets().filter(|it| !it.1.is_surplus) {
            let is_gone = target.gone_at.is_some() || target.was_leaving;
            let is_over = is_gone || target.is_finished(self.now, self.settle());
            progress.n_all += 1;
            progress.n_begun += usize::from(target.is_begun() || is_over);
            progress.n_gone += usize::from(is_over);
            let is_there = self.fleet.instances.contains_key(id);
            progress.n_under_way += usize::from(target.is_begun() && !is_over && is_there);
        }
        progress
    }

    /// Returns whether something comes by itself that others wait for: a newcomer, or a time.
    pub(super) fn is_moving(&self) -> bool {
        let budget = self.plan.boot_budget;
        let is_coming = |it: &Arc<Instance>| {
            self.is_new(it) && !self.is_serving(it) && self.now.since(launched_at(it)) < budget
        };
        let is_short = self.n_counted() < self.capacity.desired;
        is_short || self.baking().is_some() || self.members.iter().any(is_coming)
    }

    /// Counts the members of each zone, without those that go.
    pub(super) fn n_in_zones(&self) -> BTreeMap<&'a str, usize> {
        let zones = self.pool.zones.iter().map(|it| (it.as_str(), 0));
        let mut n_in_zone: BTreeMap<&str, usize> = zones.collect();
        for member in self.members {
            let target = self.operation.target(&member.id);
            let is_going =
                target.is_some_and(|it| it.is_begun() && !it.is_finished(self.now, self.settle()));
            let is_counted = matches!(
                member.phase(),
                Phase::InService | Phase::Pending | Phase::PendingWait
            );
            if is_counted && !is_going {
                *n_in_zone.entry(&member.zone).or_default() += 1;
            }
        }
        n_in_zone
    }

    /// Chooses so many of those that may go: each from the zone that is the fullest without those
    /// before it, and there idle ones first, and of these the youngest.
    ///
    /// Zones that differ by two are evened out by AWS, which asks no job.
    pub(super) fn of_fullest_zones(
        &self,
        mut open: Vec<&'a Arc<Instance>>,
        n: usize,
    ) -> Vec<&'a InstanceId> {
        let mut n_in_zone = self.n_in_zones();
        let mut chosen = Vec::new();
        while chosen.len() < n {
            let rank = |it: &Instance| {
                let n_in = n_in_zone.get(it.zone.as_str()).copied();
                (n_in, self.is_idle(&it.id), launched_at(it))
            };
            let Some(next) = (0..open.len()).max_by_key(|idx| rank(open[*idx])) else {
                break;
            };
            let next = open.swap_remove(next);
            if let Some(n) = n_in_zone.get_mut(next.zone.as_str()) {
                *n = n.saturating_sub(1);
            }
            chosen.push(&next.id);
        }
        chosen
    }

    pub(super) fn is_idle(&self, id: &InstanceId) -> bool {
        let mut agents = self.fleet.executors_on(id);
        agents.all(|it| matches!(it.work, Work::Idle { .. }))
    }

    /// Returns whether AWS would even the zones out as soon as it may.
    pub(super) fn is_lopsided(&self) -> bool {
        let n_in_zone = self.n_in_zones();
        let (least, most) = (n_in_zone.values().min(), n_in_zone.values().max());
        least
            .zip(most)
            .is_some_and(|(least, most)| least + 2 <= *most)
    }

    /// Returns the instance whose turn is before that of this one, and why.
    ///
    /// The fullest zone first: a roll that unbalances the zones would be followed by AWS' own
    /// balancing, which asks no job. In it idle ones first, then in the order of the plan.
    pub(super) fn goes_before(&self, instance: &Instance) -> Option<String> {
        let n_in_zone = self.n_in_zones();
        let n_in = |it: &Instance| n_in_zone.get(it.zone.as_str()).copied().unwrap_or(0);
        let waiting = self.targets().filter_map(|(id, target)| {
            let it = self.fleet.instances.get(id)?;
            let has_to_go = self.has_to_go(it, target);
            // One that somebody else owns would hold up all others.
            let is_free = !target.is_begun() && !it.tags.contains_key(TAG);
            (it.phase() == Phase::InService && has_to_go && is_free).then_some(it)
        });
        let mut first: Option<(&Arc<Instance>, (usize, bool))> = None;
        for it in waiting {
            let rank = (n_in(it), self.is_idle(&it.id));
            if first.is_none_or(|first| first.1 < rank) {
                first = Some((it, rank));
            }
        }
        let (first, (n, _)) = first.filter(|it| it.0.id != instance.id)?;
        Some(if n_in(instance) < n {
            format!("zone {} first, which has more instances", first.zone)
        } else {
            format!("{} first", first.id)
        })
    }

    /// Returns when the last call of this kind was sent, if it may have happened.
    pub(super) fn written_at(&self, slot: Slot) -> Option<Timestamp> {
        Mark::may_have_happened_at(self.state.mark(slot))
    }

    /// Returns whether a controller of this pool was read lately, so that a missing agent is missing.
    pub(super) fn knows_agents(&self) -> bool {
        let Some(link) = &self.pool.ci else {
            return true;
        };
        let max_age = self.roll.proof.max_age;
        let is_fresh = |it: &&Arc<Executor>| {
            let newest = it.evidence.iter().map(|it| it.at).max();
            it.controller == link.controller
                && !matches!(it.work, Work::Unknown(_))
                && newest.is_some_and(|at| self.now.since(at) <= max_age)
        };
        let mut agents = self.fleet.executors.iter();
        if agents.clone().any(|it| it.controller == link.controller) {
            return agents.any(|it| is_fresh(&it));
        }
        // A whole list may be empty; that of a controller that just started says little.
        let mut controllers = self.fleet.controllers.iter();
        controllers.any(|it| {
            let is_new = it
                .started_at
                .is_some_and(|at| self.now.since(at) < self.plan.boot_budget);
            it.name == link.controller && it.doubt.is_none() && !is_new
        })
    }
}

/// How far the targets of a pool have come, in numbers.
#[expect(
    clippy::struct_field_names,
    reason = "all are numbers of the same things"
)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) n_all: usize,
    /// Those that are gone included.
    pub(super) n_begun: usize,
    pub(super) n_under_way: usize,
    /// Those on their way out included.
    pub(super) n_gone: usize,
}

/// Returns whether AWS counts it towards desired.
pub(super) fn is_counted(instance: &Instance) -> bool {
    matches!(
        instance.phase(),
        Phase::InService | Phase::Pending | Phase::PendingWait | Phase::Other
    )
}

pub(super) fn launched_at(instance: &Instance) -> Timestamp {
    instance.launched_at.unwrap_or(instance.lifecycle_since)
}

pub(super) fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
