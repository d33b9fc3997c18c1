//! What this session saw change, instance by instance.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::fleet::{Fleet, Health, Instance, InstanceId, Lifecycle, MachineState, Timestamp, Work};

/// How many changes are remembered, over all instances.
const N_TRANSITIONS_MAX: usize = 20_000;

/// One thing that was different in a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub at: Timestamp,
    pub what: String,
}

#[derive(Clone, Debug, Default)]
pub struct Timeline {
    by_instance: BTreeMap<InstanceId, Vec<Transition>>,
    /// In which order the changes were seen, to forget the oldest.
    order: VecDeque<InstanceId>,
}

impl Timeline {
    /// Returns what changed on an instance, the oldest first.
    pub fn of(&self, id: &InstanceId) -> &[Transition] {
        self.by_instance.get(id).map_or(&[], Vec::as_slice)
    }

    /// Compares two readings, and remembers what is different.
    pub(super) fn compare(&mut self, before: &Fleet, after: &Fleet, at: Timestamp) {
        // The first reading shows what is, not what changed.
        if before.instances.is_empty() {
            return;
        }
        // Both are in the order of their ids: one walk sees every difference.
        let mut old_rows = before.instances.iter().peekable();
        for (id, new) in &after.instances {
            while let Some((gone, _)) = old_rows.next_if(|it| it.0 < id) {
                self.add(gone, at, "gone".to_owned());
            }
            let Some((_, old)) = old_rows.next_if(|it| it.0 == id) else {
                let state = new.lifecycle.as_ref();
                let state = state.map_or("outside a group", Lifecycle::as_str);
                self.add(id, at, format!("first seen, {state}"));
                continue;
            };
            // A row that was not read anew is shared, and cannot differ.
            if !Arc::ptr_eq(old, new) {
                for what in differences(old, new) {
                    self.add(id, at, what);
                }
            }
        }
        for (gone, _) in old_rows {
            self.add(gone, at, "gone".to_owned());
        }
        self.compare_work(before, after, at);
    }

    fn compare_work(&mut self, before: &Fleet, after: &Fleet, at: Timestamp) {
        let same_place = before.executors.iter().zip(&after.executors);
        for (old, new) in same_place {
            if Arc::ptr_eq(old, new) || is_same_work(&old.work, &new.work) {
                continue;
            }
            let is_same_agent = old.id == new.id && old.controller == new.controller;
            if let Some(id) = new.instance.as_ref().filter(|_| is_same_agent) {
                let what = format!("agent {}: {}", new.name, work_words(&new.work));
                self.add(id, at, what);
            }
        }
    }

    fn add(&mut self, id: &InstanceId, at: Timestamp, what: String) {
        self.by_instance
            .entry(id.clone())
            .or_default()
            .push(Transition { at, what });
        self.order.push_back(id.clone());
        if N_TRANSITIONS_MAX < self.order.len()
            && let Some(oldest) = self.order.pop_front()
            && let Some(transitions) = self.by_instance.get_mut(&oldest)
        {
            transitions.remove(0);
            if transitions.is_empty() {
                self.by_instance.remove(&oldest);
            }
        }
    }
}

/// Whether `work_words` would say the same of both.
fn is_same_work(old: &Work, new: &Work) -> bool {
    match (old, new) {
        (Work::Busy(old), Work::Busy(new)) => {
            old.first().map(|it| &it.name) == new.first().map(|it| &it.name)
        }
        (old, new) => old.as_str() == new.as_str(),
    }
}

fn work_words(work: &Work) -> String {
    match work {
        Work::Busy(jobs) => jobs
            .first()
            .map_or_else(|| "busy".to_owned(), |it| format!("busy with {}", it.name)),
        Work::Idle { .. } | Work::Offline { .. } | Work::Unknown(_) => work.as_str().to_owned(),
    }
}

fn differences(old: &Instance, new: &Instance) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, old: Option<&str>, new: Option<&str>| {
        if old != new {
            let (old, new) = (old.unwrap_or("unknown"), new.unwrap_or("unknown"));
            found.push(format!("{what} {old} → {new}"));
        }
    };
    compare(
        "lifecycle",
        old.lifecycle.as_ref().map(Lifecycle::as_str),
        new.lifecycle.as_ref().map(Lifecycle::as_str),
    );
    compare(
        "machine",
        old.state.as_ref().map(MachineState::as_str),
        new.state.as_ref().map(MachineState::as_str),
    );
    compare(
        "health",
        old.health.as_ref().map(Health::as_str),
        new.health.as_ref().map(Health::as_str),
    );
    compare(
        "checks",
        old.status_checks.as_deref(),
        new.status_checks.as_deref(),
    );
    let word = |it: bool| Some(if it { "on" } else { "off" });
    compare("protection", word(old.protected), word(new.protected));
    found
}
