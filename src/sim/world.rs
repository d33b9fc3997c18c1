//! The world: its time, its queue of happenings, and its true state for whoever judges.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    agent::{Agent, Controller, Run},
    dice::Dice,
    faults::Faults,
    group::Group,
    happening::Happening,
    history::History,
    image::ImageTrait,
    machine::Machine,
};
use crate::fleet::{
    ControllerName, Datum, ImageId, Instance, InstanceId, Pool, PoolKey, Scope, ScopeId, SourceId,
    Timestamp,
};

/// One AWS account with its regions, and the CI controllers beside it.
///
/// Nothing happens in it but by [`advance`](Self::advance) and by calls.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) now: Timestamp,
    pub(super) faults: Faults,
    pub(super) dice: Dice,
    pub(super) queue: BTreeMap<(Timestamp, u64), Happening>,
    pub(super) n_scheduled: u64,
    pub(super) regions: BTreeMap<ScopeId, Region>,
    pub(super) groups: BTreeMap<PoolKey, Group>,
    pub(super) machines: BTreeMap<InstanceId, Machine>,
    pub(super) controllers: BTreeMap<ControllerName, Controller>,
    /// Sources that do not answer, and until when.
    pub(super) silent: BTreeMap<SourceId, Timestamp>,
    /// Whether the next minute's weather is scheduled.
    /// The images that are not as they should be.
    pub(super) images: BTreeMap<ImageId, ImageTrait>,
    pub(super) has_weather: bool,
    /// The rows of the last reading of a scope, where pages get lost.
    pub(super) last_rows: BTreeMap<ScopeId, Vec<Arc<Instance>>>,
    /// When each scope was last read without a page missing.
    pub(super) whole_at: BTreeMap<ScopeId, Timestamp>,
    pub(super) history: History,
    /// What was published, oldest first.
    pub(super) published: Vec<Published>,
}

/// Numbers that somebody published.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    pub scope: ScopeId,
    pub namespace: String,
    pub at: Timestamp,
    pub data: Vec<Datum>,
}

#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) scope: Scope,
    pub(super) account: String,
    pub(super) n_addresses: u32,
    /// The quota, in machines.
    pub(super) n_machines_max: Option<u32>,
}

impl World {
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
        self.schedule_weather();
    }

    /// Lets that much time pass.
    pub fn advance(&mut self, by: Duration) {
        self.advance_to(self.now + by);
    }

    /// Lets time pass until then; a time that is over already changes nothing.
    pub fn advance_to(&mut self, until: Timestamp) {
        while let Some(entry) = self.queue.first_entry() {
            let at = entry.key().0;
            if until < at {
                break;
            }
            let happening = entry.remove();
            self.now = self.now.max(at);
            self.happen(happening);
        }
        self.now = self.now.max(until);
    }

    /// Returns when something happens next.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|it| it.0)
    }

    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.regions.values().map(|it| &it.scope)
    }

    /// Returns what was published, oldest first.
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// Returns every pool as it truly is.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    pub fn group(&self, key: &PoolKey) -> Option<&Group> {
        self.groups.get(key)
    }

    /// Returns every machine as it truly is, the dead that AWS may still list included.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    pub fn machine(&self, id: &InstanceId) -> Option<&Machine> {
        self.machines.get(id)
    }

    /// Returns the members of a pool's group, in the order of their ids.
    pub fn members<'a>(&'a self, key: &PoolKey) -> impl Iterator<Item = &'a Machine> {
        let ids = self.groups.get(key).map(|it| &it.members);
        ids.into_iter()
            .flatten()
            .filter_map(|it| self.machines.get(it))
    }

    pub fn controllers(&self) -> impl Iterator<Item = &Controller> {
        self.controllers.values()
    }

    pub fn controller(&self, name: &ControllerName) -> Option<&Controller> {
        self.controllers.get(name)
    }

    /// Returns the first agent on a machine; most have one.
    pub fn agent_on(&self, id: &InstanceId) -> Option<&Agent> {
        self.agents_on(id).next()
    }

    /// Returns the agents on a machine that registered and were not removed.
    pub fn agents_on(&self, id: &InstanceId) -> impl Iterator<Item = &Agent> {
        let agents = self.machines.get(id).map_or(&[][..], |it| &it.agents);
        agents
            .iter()
            .filter_map(|(controller, name)| self.controllers.get(controller)?.agents.get(name))
    }

    /// Returns what truly runs on a machine now, whatever any reader is told.
    pub fn jobs_on(&self, id: &InstanceId) -> Vec<Run> {
        let is_alive = self.machines.get(id).is_some_and(Machine::is_alive);
        let agents = self.agents_on(id).filter(|_| is_alive);
        agents.flat_map(|it| it.runs.iter().cloned()).collect()
    }

    /// Returns what truly happened so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Stops a source from answering for a while.
    pub fn silence(&mut self, source: SourceId, duration: Duration) {
        self.silent.insert(source, self.now + duration);
    }

    pub(super) fn is_silent(&self, source: &SourceId) -> bool {
        self.silent
            .get(source)
            .is_some_and(|until| self.now < *until)
    }

    pub(super) fn schedule(&mut self, after: Duration, happening: Happening) {
        self.schedule_at(self.now + after, happening);
    }

    pub(super) fn schedule_at(&mut self, at: Timestamp, happening: Happening) {
        self.n_scheduled += 1;
        self.queue.insert((at, self.n_scheduled), happening);
    }

    /// Changes what AWS says of a machine.
    pub(super) fn edit_machine(&mut self, id: &InstanceId, edit: impl FnOnce(&mut Instance)) {
        let memory = self.memory();
        if let Some(machine) = self.machines.get_mut(id) {
            machine.edit(self.now, memory, edit);
        }
    }

    /// Changes what AWS says of a group.
    pub(super) fn edit_group(&mut self, key: &PoolKey, edit: impl FnOnce(&mut Pool)) {
        let memory = self.memory();
        if let Some(group) = self.groups.get_mut(key) {
            group.edit(self.now, memory, edit);
        }
    }

    /// Returns for how long an old row may still be shown.
    fn memory(&self) -> Duration {
        self.faults.cloud.stale_for
    }

    /// Returns the ids of a group's members that satisfy `wanted`, in their order.
    pub(super) fn member_ids(
        &self,
        key: &PoolKey,
        wanted: impl Fn(&Machine) -> bool,
    ) -> BTreeSet<InstanceId> {
        self.members(key)
            .filter(|it| wanted(it))
            .map(|it| it.row.id.clone())
            .collect()
    }
}
