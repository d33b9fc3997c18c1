//! What a door remembers between two readings, so that only what changed is asked for.
//!
//! A reading may be dropped at any `await`: what is noted here as wanted stays
//! wanted until it was read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Selection,
    activities::{Log, is_of_refresh},
    denials::{Denials, Subject},
    details::{Details, Errand},
    groups::{Group, Member},
    machines::Machines,
    pages::Walk,
    rows::{Rows, members},
    status::Statuses,
    templates::{Blueprint, Templates},
    walks::{Schedule, SlowWalk, choose},
};
use crate::fleet::{InstanceId, Phase, PoolName, Timestamp};

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) groups: BTreeMap<PoolName, Group>,
    pub(super) details: Details,
    pub(super) templates: Templates,
    pub(super) machines: Machines,
    /// Machines that carry the pool's tag and belong to no group.
    pub(super) loose: BTreeSet<InstanceId>,
    pub(super) statuses: Statuses,
    pub(super) log: Log,
    pub(super) rows: Rows,
    pub(super) loose_walk: Schedule,
    pub(super) status_walk: Schedule,
    pub(super) denials: Denials,
    pub(super) n_readings: u64,
    /// When no page of groups or machines was missing for the last time.
    pub(super) whole_at: Option<Timestamp>,
}

/// What this reading asks beside the groups.
#[derive(Debug)]
pub(super) struct Todo {
    pub(super) blueprints: Vec<Blueprint>,
    pub(super) members: Vec<Member>,
    pub(super) walks: Vec<SlowWalk>,
    pub(super) errands: Vec<Errand>,
    pub(super) reads_activities: bool,
}

impl Memory {
    /// Takes what the listing of the groups saw, and notes what follows from it.
    pub(super) fn take_groups(&mut self, listing: Walk<Group>, now: Timestamp) {
        let is_whole = listing.failure.is_none();
        let mut gone: BTreeSet<PoolName> = self.groups.keys().cloned().collect();
        for group in listing.rows {
            let name = group.pool.name.clone();
            gone.remove(&name);
            let old = self.groups.get(&name);
            if old == Some(&group) {
                continue;
            }
            self.log.set_due();
            if self.begins_to_wait(old, &group, now) {
                self.details.want_hooks(&name);
            }
            if old.is_some_and(|it| it.blueprint != group.blueprint) {
                self.details.want_refresh(&name);
            }
            self.groups.insert(name, group);
        }
        // A listing that broke off proves nothing about the groups after it.
        if is_whole && !gone.is_empty() {
            self.log.set_due();
            self.groups.retain(|name, _| !gone.contains(name));
            self.details.retain(&self.groups);
        }
    }

    /// Returns whether a member began to wait on a hook, and its hooks were not read just now.
    fn begins_to_wait(&self, old: Option<&Group>, new: &Group, now: Timestamp) -> bool {
        const JUST_NOW: Duration = Duration::from_mins(1);
        let read_at = self
            .details
            .get(&new.pool.name)
            .and_then(|it| it.hooks_read_at);
        if read_at.is_some_and(|it| now.since(it) < JUST_NOW) {
            return false;
        }
        let waited_before = |member: &Member| {
            let same = |it: &Member| it.id == member.id && it.lifecycle == member.lifecycle;
            old.is_some_and(|it| it.members.iter().any(same))
        };
        let waits = |it: &&Member| it.lifecycle.is_waiting_on_hook();
        new.members
            .iter()
            .filter(waits)
            .any(|it| !waited_before(it))
    }

    /// Decides what this reading asks for beside the groups.
    ///
    /// In a quiet fleet that is at most one walk through EC2: the machines that
    /// change come first, and the slow walks take turns in the readings between.
    pub(super) fn todo(&self, selection: &Selection, now: Timestamp) -> Todo {
        let is_first = self.n_readings == 0;
        let may = |subject| !self.denials.is_denied(subject, now);
        let blueprints: Vec<Blueprint> = self
            .groups
            .values()
            .filter_map(|it| it.blueprint.clone())
            .collect();
        let changing = self
            .members()
            .filter(|it| self.machines.is_changing(it, now));
        let mut members: Vec<Member> = changing.cloned().collect();
        let is_quiet = members.is_empty();
        let walks = choose(&self.candidates(selection, &blueprints, now), is_quiet, now);
        if is_quiet && walks.is_empty() {
            members.extend(
                self.machines
                    .oldest(self.members(), now)
                    .into_iter()
                    .cloned(),
            );
        }
        if selection.skips_machines || !may(Subject::Machines) {
            members.clear();
        }
        let mut errands = self
            .details
            .errands(&self.groups, &selection.details_of, is_first, now);
        errands.retain(|it| may(it.subject()));
        let is_short = self.groups.values().any(is_short);
        Todo {
            blueprints: if may(Subject::Templates) {
                blueprints
            } else {
                Vec::new()
            },
            members,
            walks,
            errands,
            reads_activities: !selection.skips_activities
                && may(Subject::Activities)
                && self.log.wants_reading(is_short, now),
        }
    }

    /// Returns the slow walks that this reading may make.
    fn candidates(
        &self,
        selection: &Selection,
        blueprints: &[Blueprint],
        now: Timestamp,
    ) -> Vec<(SlowWalk, Schedule)> {
        let may = |subject| !self.denials.is_denied(subject, now);
        let mut candidates = Vec::new();
        if selection.tag.is_some() && may(Subject::Loose) {
            candidates.push((SlowWalk::Loose, self.loose_walk));
        }
        // The first reading is awaited, and a machine that just came has no checks to show.
        if 0 < self.n_readings && may(Subject::Status) {
            candidates.push((SlowWalk::Status, self.status_walk));
        }
        if let Some(schedule) = self.templates.pointers_schedule(blueprints)
            && may(Subject::Templates)
        {
            candidates.push((SlowWalk::Pointers, schedule));
        }
        candidates
    }

    /// Drops what belongs to machines that are gone, and notes what the activities tell.
    pub(super) fn settle(&mut self) {
        let mut ids: BTreeSet<&InstanceId> = self.loose.iter().collect();
        for (name, group) in &self.groups {
            ids.extend(members(group, self.details.get(name)).map(|it| &it.id));
        }
        self.machines.retain(|it| ids.contains(it));
        for activity in self.log.all().iter().filter(|it| is_of_refresh(it)) {
            let name = &activity.pool.name;
            let read_at = self.details.get(name).and_then(|it| it.refresh_read_at);
            // Never read: its turn comes.
            if read_at.is_some_and(|it| it < activity.started_at) {
                self.details.want_refresh(name);
            }
        }
        self.n_readings += 1;
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.groups
            .iter()
            .flat_map(|(name, group)| members(group, self.details.get(name)))
    }
}

/// Returns whether a group has fewer machines than it wants.
fn is_short(group: &Group) -> bool {
    let counts = |it: &&Member| {
        matches!(
            it.lifecycle.phase(),
            Phase::Pending | Phase::PendingWait | Phase::InService
        )
    };
    let n_there = group.members.iter().filter(counts).count();
    group
        .pool
        .capacity
        .is_some_and(|it| n_there < usize::try_from(it.desired).unwrap_or(usize::MAX))
}
