//! The nouns: what a fleet is, and every change that we may ask of it.
//!
//! Plain data. Nothing here performs IO or reads a clock.

mod activity;
mod amount;
mod bill;
mod boot;
mod call;
mod controller;
mod doctor;
mod executor;
mod extra;
mod field;
mod filter;
mod freeze;
mod id;
mod image;
mod instance;
mod interruption;
mod joining;
mod launch_failure;
mod lifecycle;
mod metrics;
mod money;
mod namespace;
mod obstacle;
mod pool;
mod refresh;
mod row;
mod sample;
mod scope;
mod series;
mod source;
mod spending;
mod stray;
mod text;
mod time;
mod trend;
mod waiting;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

pub use activity::Activity;
pub use amount::Amount;
pub use bill::Bill;
pub use boot::Boot;
pub use call::{Call, Receipt};
pub use controller::{Controller, Grade};
pub use doctor::{Finding, FindingKind, Severity, doctor};
pub use executor::{Ended, Evidence, Executor, Job, Queue, Work};
pub use extra::Extra;
pub use field::{Align, Field, Record, Value, field_named, nearest};
pub use filter::{Filter, FilterError, matches_wildcards};
pub use freeze::{FreezeMark, Held};
pub use id::{ControllerName, ImageId, InstanceId, PoolKey, PoolName, Region, ScopeId};
pub use image::{Image, Lookup};
pub use instance::{ConsoleOutput, Instance};
pub use interruption::Interruption;
pub use joining::{JoinRule, Joining};
pub use launch_failure::LaunchFailure;
pub use lifecycle::{
    ActivityStatus, Health, Lifecycle, MachineState, Market, Phase, Process, RefreshStatus,
};
pub use metrics::{Datum, Metrics, PoolMetrics, Unit, Withheld, metrics};
pub use money::{
    Billing, ListPrice, OwnSpend, Price, PriceOrigin, PriceSource, PriceState, Spending, SpotPrice,
    Usd,
};
pub use namespace::Namespace;
pub use obstacle::{Obstacle, obstacles};
pub use pool::{
    Capacity, CiLink, Counts, Hook, HookResult, HookTransition, MixedInstances, Pool, PoolKind,
    Refresh, Suspension, Template, TemplateKind, Upkeep,
};
pub use refresh::{RefreshTerms, Reluctance, TemplateVersion};
pub use row::{
    ActivityRow, ExecutorRow, FindingRow, InstanceRow, JobRow, PoolRow, QueueRow, ScopeRow,
    StrayRow,
};
pub use sample::{Chronicle, Sample, Tale, Values};
pub use scope::{Failure, FailureKind, Identity, Liveness, Scope, SourceHealth, SourceId};
pub use series::{Marker, MarkerKind, Metric, MetricUnit, Past, Point, Series, Span};
pub use source::LaunchSource;
pub use spending::{ByUse, Split, Use};
pub use stray::{Stray, StrayKind, stray_machines, strays};
pub use text::{sanitize, sanitize_lines};
pub use time::{Timestamp, parse_duration, short_duration};
pub use trend::{Trend, TrendKind};
use waiting::waiting_in;
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
    /// Where the prices come from, and how old they are.
    pub prices: PriceState,
    /// What the machines have cost since the start; `None` before the first reading.
    pub spending: Option<Spending>,
    /// What our own readings cost since the start.
    pub own_spend: OwnSpend,
}

/// Every pool, machine and agent that we know of.
///
/// Rows are shared (`Arc`), so that a reading which changed nothing costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    pub scopes: Vec<Scope>,
    pub pools: BTreeMap<PoolKey, Arc<Pool>>,
    pub instances: BTreeMap<InstanceId, Arc<Instance>>,
    pub controllers: Vec<Controller>,
    pub executors: Vec<Arc<Executor>>,
    pub queues: Vec<Queue>,
    /// Newest first.
    pub activities: Vec<Arc<Activity>>,
    /// What the last day says against the pools.
    pub trends: Arc<Vec<Trend>>,
    /// The images that somebody asked for.
    images: BTreeMap<(ScopeId, ImageId), Lookup<Image>>,
    /// What the versions launch that somebody asked for.
    sources: BTreeMap<(ScopeId, LaunchSource), Lookup<Template>>,
    /// When each scope was read; the rows of one that fails now are from then.
    read_at: BTreeMap<ScopeId, Timestamp>,
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
    pub controllers: Vec<Controller>,
    pub executors: Vec<Arc<Executor>>,
    pub queues: Vec<Queue>,
    pub activities: Vec<Arc<Activity>>,
    /// When the scopes in it were last read without a page missing.
    pub read_at: Option<Timestamp>,
}

impl Part {
    /// Returns the same part after its door failed: what its agents do is not known any more.
    ///
    /// Everything else stays as it was last seen.
    #[must_use]
    pub fn turned_unknown(&self, why: &str) -> Self {
        let turned = |it: &Arc<Executor>| Arc::new(it.turned_unknown(why));
        let doubted = |it: &Controller| Controller {
            doubt: Some(why.to_owned()),
            ..it.clone()
        };
        Self {
            controllers: self.controllers.iter().map(doubted).collect(),
            executors: self.executors.iter().map(turned).collect(),
            ..self.clone()
        }
    }
}

impl Fleet {
    /// Joins what the doors saw into one fleet.
    pub fn join<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Self {
        let parts: Vec<&Part> = parts.into_iter().collect();
        let mut fleet = Self {
            // Collected at once, because doors list in order and a sorted list is cheap to index.
            pools: parts
                .iter()
                .flat_map(|it| &it.pools)
                .map(|it| (it.key(), it.clone()))
                .collect(),
            instances: parts
                .iter()
                .flat_map(|it| &it.instances)
                .map(|it| (it.id.clone(), it.clone()))
                .collect(),
            ..Self::default()
        };
        for part in parts {
            fleet.scopes.extend(part.scopes.iter().cloned());
            let scopes = part.scopes.iter().map(|it| it.id.clone());
            fleet.read_at.extend(
                scopes
                    .zip(std::iter::repeat(part.read_at))
                    .filter_map(|(id, at)| Some((id, at?))),
            );
            fleet.controllers.extend(part.controllers.iter().cloned());
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

    /// Returns what came of looking an image up; `None` when nobody did.
    pub fn image(&self, scope: &ScopeId, id: &ImageId) -> Option<&Lookup<Image>> {
        self.images.get(&(scope.clone(), id.clone()))
    }

    pub fn note_image(&mut self, scope: ScopeId, id: ImageId, lookup: Lookup<Image>) {
        self.images.insert((scope, id), lookup);
    }

    /// Returns what came of looking a template version or a launch configuration up; `None` when
    /// nobody did.
    pub fn source(&self, scope: &ScopeId, source: &LaunchSource) -> Option<&Lookup<Template>> {
        self.sources.get(&(scope.clone(), source.clone()))
    }

    pub fn note_source(&mut self, scope: ScopeId, source: LaunchSource, lookup: Lookup<Template>) {
        self.sources.insert((scope, source), lookup);
    }

    /// Takes the hooks of a pool of which they were not read before.
    pub fn note_hooks(&mut self, key: &PoolKey, hooks: Vec<Hook>, at: Timestamp) {
        if let Some(pool) = self.pools.get_mut(key) {
            let pool = Arc::make_mut(pool);
            pool.hooks = hooks;
            pool.hooks_read_at = Some(at);
        }
    }

    /// Returns when a scope was read, where its door says so.
    pub fn read_at(&self, scope: &ScopeId) -> Option<Timestamp> {
        self.read_at.get(scope).copied()
    }

    pub fn scope(&self, id: &ScopeId) -> Option<&Scope> {
        self.scopes.iter().find(|it| it.id == *id)
    }

    /// Returns the members of a pool; an unknown pool has none.
    pub fn roster(&self, key: &PoolKey) -> &Roster {
        static EMPTY: std::sync::LazyLock<Roster> = std::sync::LazyLock::new(Roster::default);
        self.rosters.get(key).unwrap_or(&EMPTY)
    }

    /// Returns how safely a controller lets a worker be emptied; nothing until it was read.
    pub fn grade_of(&self, name: &ControllerName) -> Option<Grade> {
        let controller = self.controllers.iter().find(|it| it.name == *name);
        controller.map(|it| it.grade)
    }

    pub fn executor(&self, controller: &ControllerName, id: &str) -> Option<&Arc<Executor>> {
        let mut executors = self.executors.iter();
        executors.find(|it| it.controller == *controller && it.id == id)
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
        let mut rosters: HashMap<&PoolKey, Roster> = HashMap::new();
        for instance in self.instances.values() {
            if let Some(key) = &instance.pool {
                let roster = rosters.entry(key).or_default();
                roster.counts.add(instance.phase());
                roster.instances.push(instance.clone());
            }
        }
        let owned = rosters.into_iter().map(|(key, it)| (key.clone(), it));
        self.rosters = owned.collect();
    }

    /// Finds the machine of every agent, and records how.
    fn join_executors(&mut self) {
        let machines = joining::Machines::new(&self.pools, &self.instances);
        self.agents.reserve(self.executors.len());
        for (executor_idx, executor) in self.executors.iter_mut().enumerate() {
            if let Some(id) = &executor.instance
                && machines.is_still_joined(executor)
            {
                self.agents
                    .entry(id.clone())
                    .or_default()
                    .push(executor_idx);
                continue;
            }
            let (instance, joining) = machines.machine_of(executor);
            let pool = instance
                .as_ref()
                .and_then(|it| self.instances.get(it))
                .and_then(|it| it.pool.clone());
            if let Some(id) = &instance {
                let agents = self.agents.entry(id.clone()).or_default();
                agents.push(executor_idx);
            }
            let is_as_before = executor.instance == instance
                && executor.joining == joining
                && executor.pool == pool;
            if !is_as_before {
                let executor = Arc::make_mut(executor);
                executor.instance = instance;
                executor.joining = joining;
                executor.pool = pool;
            }
        }
    }
}
