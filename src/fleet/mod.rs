//! The nouns: what a fleet is, and every change that we may ask of it.
//!
//! Plain data. Nothing here performs IO or reads a clock.

mod activity;
mod call;
mod executor;
mod field;
mod filter;
mod id;
mod instance;
mod lifecycle;
mod pool;
mod row;
mod scope;
mod time;
mod waiting;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

pub use activity::Activity;
pub use call::{Call, Receipt};
pub use executor::{Evidence, Executor, Job, Queue, Work};
pub use field::{Align, Field, Record, Value, field_named, nearest};
pub use filter::{Filter, FilterError, matches_wildcards};
pub use id::{ControllerName, ImageId, InstanceId, PoolKey, PoolName, Region, ScopeId};
pub use instance::{ConsoleOutput, Instance};
pub use lifecycle::{
    ActivityStatus, Health, Lifecycle, MachineState, Market, Phase, Process, RefreshStatus,
};
pub use pool::{
    Capacity, CiLink, Counts, Hook, HookResult, HookTransition, MixedInstances, Pool, PoolKind,
    Refresh, Suspension, Template, TemplateKind,
};
pub use row::{ActivityRow, InstanceRow, PoolRow, ScopeRow};
pub use scope::{Failure, FailureKind, Identity, Liveness, Scope, SourceHealth, SourceId};
pub use time::{Timestamp, parse_duration, short_duration};
pub use waiting::{Waiting, waiting};

/// What was seen at one time, and what could not be.
///
/// A failing region never blanks the screen: its last good rows stay in
/// `fleet`, its `SourceHealth` says how old they are, and `errors` says why.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    pub at: Timestamp,
    pub fleet: Fleet,
    pub sources: Vec<SourceHealth>,
    /// Parts that could not be read, by source: a partial read is not an error.
    pub errors: Vec<(SourceId, Failure)>,
}

/// Every pool, machine and agent that we know of.
///
/// Rows are shared (`Arc`), so that a reading which changed nothing costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    pub scopes: Vec<Scope>,
    pub pools: BTreeMap<PoolKey, Arc<Pool>>,
    pub instances: BTreeMap<InstanceId, Arc<Instance>>,
    pub executors: Vec<Arc<Executor>>,
    pub queues: Vec<Queue>,
    /// Newest first.
    pub activities: Vec<Arc<Activity>>,
    rosters: BTreeMap<PoolKey, Roster>,
    /// Indices into `executors`.
    agents: HashMap<InstanceId, Vec<usize>>,
}

/// The members of one pool, and how many are in which phase.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    pub instances: Vec<Arc<Instance>>,
    pub counts: Counts,
}

/// What one door saw, before the doors are joined.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub scopes: Vec<Scope>,
    pub pools: Vec<Arc<Pool>>,
    pub instances: Vec<Arc<Instance>>,
    pub executors: Vec<Arc<Executor>>,
    pub queues: Vec<Queue>,
    pub activities: Vec<Arc<Activity>>,
}

impl Fleet {
    /// Joins what the doors saw into one fleet.
    pub fn join<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Self {
        let mut fleet = Self::default();
        for part in parts {
            fleet.scopes.extend(part.scopes.iter().cloned());
            fleet
                .pools
                .extend(part.pools.iter().map(|it| (it.key(), it.clone())));
            fleet
                .instances
                .extend(part.instances.iter().map(|it| (it.id.clone(), it.clone())));
            fleet.executors.extend(part.executors.iter().cloned());
            fleet.queues.extend(part.queues.iter().cloned());
            fleet.activities.extend(part.activities.iter().cloned());
        }
        fleet
            .activities
            .sort_by_key(|it| std::cmp::Reverse(it.started_at));
        fleet.fill_rosters();
        fleet.join_executors();
        fleet
    }

    pub fn pool(&self, key: &PoolKey) -> Option<&Arc<Pool>> {
        self.pools.get(key)
    }

    pub fn scope(&self, id: &ScopeId) -> Option<&Scope> {
        self.scopes.iter().find(|it| it.id == *id)
    }

    /// Returns the members of a pool; an unknown pool has none.
    pub fn roster(&self, key: &PoolKey) -> &Roster {
        static EMPTY: std::sync::LazyLock<Roster> = std::sync::LazyLock::new(Roster::default);
        self.rosters.get(key).unwrap_or(&EMPTY)
    }

    /// Returns the agents on an instance; none, one, or several are all ordinary.
    pub fn executors_on(&self, id: &InstanceId) -> impl Iterator<Item = &Arc<Executor>> {
        self.agents
            .get(id)
            .into_iter()
            .flatten()
            .map(|&executor_idx| &self.executors[executor_idx])
    }

    /// Returns the pools with this name, in every scope.
    pub fn pools_named(&self, name: &str) -> Vec<&Arc<Pool>> {
        self.pools
            .values()
            .filter(|it| it.name.as_str() == name)
            .collect()
    }

    fn fill_rosters(&mut self) {
        for instance in self.instances.values() {
            if let Some(key) = &instance.pool {
                let roster = self.rosters.entry(key.clone()).or_default();
                roster.counts.add(instance.phase());
                roster.instances.push(instance.clone());
            }
        }
    }

    /// Finds the machine of every agent: an id in its name or host hints, else an address.
    fn join_executors(&mut self) {
        let mut by_address: HashMap<&str, &InstanceId> = HashMap::new();
        for instance in self.instances.values() {
            let names = [
                &instance.private_address,
                &instance.private_dns,
                &instance.public_address,
            ];
            for name in names.into_iter().flatten() {
                by_address.insert(name, &instance.id);
            }
        }
        for (executor_idx, executor) in self.executors.iter_mut().enumerate() {
            let found = executor.instance.clone().or_else(|| {
                let hints = || std::iter::once(&executor.name).chain(&executor.host_hints);
                let by_id = hints()
                    .filter_map(|it| instance_id_in(it))
                    .find(|it| self.instances.contains_key(it));
                by_id.or_else(|| {
                    hints().find_map(|it| by_address.get(it.as_str()).map(|it| (*it).clone()))
                })
            });
            let Some(id) = found else { continue };
            self.agents
                .entry(id.clone())
                .or_default()
                .push(executor_idx);
            let pool = self.instances.get(&id).and_then(|it| it.pool.clone());
            if executor.instance.as_ref() != Some(&id) || executor.pool != pool {
                let executor = Arc::make_mut(executor);
                executor.instance = Some(id);
                executor.pool = pool;
            }
        }
    }
}

/// Returns the instance id that stands somewhere in `text`.
fn instance_id_in(text: &str) -> Option<InstanceId> {
    text.match_indices("i-").find_map(|(start, _)| {
        let is_word_start = start == 0 || !text.as_bytes()[start - 1].is_ascii_alphanumeric();
        let rest = &text[start + 2..];
        let n_hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let candidate = &text[start..start + 2 + n_hex];
        (is_word_start && InstanceId::is_well_formed(candidate))
            .then(|| InstanceId::from(candidate))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_is_found_inside_a_name() {
        let found = |text| instance_id_in(text).map(|it| it.to_string());
        assert_eq!(
            found("agent (i-0123456789abcdef0)"),
            Some("i-0123456789abcdef0".to_owned())
        );
        assert_eq!(found("linux-i-0a1b2c3d"), Some("i-0a1b2c3d".to_owned()));
        assert_eq!(
            found("ci-12345678"),
            None,
            "`ci-` is not the start of an id"
        );
        assert_eq!(found("i-xyz"), None);
    }
}
