//! From an observation to numbers. What was not read, or is old, is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::boots::Boots;
use crate::{
    cost,
    fleet::{
        Activity, ActivityStatus, Boot, Executor, FailureKind, Fleet, InstanceId, Interruption,
        LaunchFailure, MachineState, Marker, MarkerKind, Metric, Observation, Pool, PoolKey,
        PoolMetrics, PoolName, Sample, ScopeId, SourceId, Timestamp, Usd, Use, Values, Work,
        metrics,
    },
};

/// The pause between two samples, as short as it gets.
const PAUSE: Duration = Duration::from_secs(15);
/// A late source is waited for this long before it becomes a gap.
const LATE_MAX: Duration = Duration::from_secs(30);
/// A sample stands for at least this long when no other follows.
const GOOD_FOR_MIN: Duration = Duration::from_secs(45);

/// What an observation leaves behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) samples: Vec<Sample>,
    /// Each with its account and a name that no other has.
    pub(super) markers: Vec<(String, String, Marker)>,
    /// Each with its account.
    pub(super) boots: Vec<(String, Boot)>,
}

/// Remembers when it sampled last, and what it has told already.
#[derive(Debug)]
pub(super) struct Sampler {
    good_for: Duration,
    first_at: Option<Timestamp>,
    sampled_at: Option<Timestamp>,
    boots: Boots,
    told_activities: BTreeSet<String>,
    told_interruptions: BTreeSet<InstanceId>,
    /// What ran on spot machines when it was last known.
    worked: BTreeMap<InstanceId, Vec<Arc<Executor>>>,
}

impl Sampler {
    /// `interval` is how often the sources are read.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            good_for: GOOD_FOR_MIN.max(interval * 5 / 2),
            first_at: None,
            sampled_at: None,
            boots: Boots::default(),
            told_activities: BTreeSet::new(),
            told_interruptions: BTreeSet::new(),
            worked: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, observation: &Observation) -> Seen {
        let accounts = accounts(observation);
        let account_of = |pool: &PoolKey| accounts.get(&pool.scope).cloned();
        let mut seen = Seen {
            boots: self
                .boots
                .follow(observation)
                .into_iter()
                .filter_map(|it| Some((account_of(&it.pool)?, it)))
                .collect(),
            ..Seen::default()
        };
        let marks = self.activities(&observation.fleet);
        let marks = marks.into_iter().chain(self.interruptions(observation));
        for (name, marker) in marks {
            if let Some(account) = marker.pool.as_ref().and_then(account_of) {
                seen.markers.push((account, name, marker));
            }
        }
        if self.is_due(observation) {
            self.sampled_at = Some(observation.at);
            seen.samples = self.samples(observation, &accounts);
        }
        seen
    }

    /// Samples in peace: a source that is a little late is waited for, but not for ever.
    fn is_due(&mut self, observation: &Observation) -> bool {
        let now = observation.at;
        let since = *self.first_at.get_or_insert(now);
        let is_heard =
            |it: &crate::fleet::SourceHealth| it.read_at.is_some() || it.failure.is_some();
        let is_whole = observation.sources.iter().all(|it| {
            is_heard(it)
                && (it.failure.is_some() || it.liveness(now) == crate::fleet::Liveness::Live)
        });
        match self.sampled_at {
            // A clock that went back has to be told, too.
            Some(last) if now < last => true,
            Some(last) if now.since(last) < PAUSE => false,
            Some(last) => is_whole || LATE_MAX <= now.since(last),
            None => is_whole || LATE_MAX <= now.since(since),
        }
    }

    fn samples(
        &self,
        observation: &Observation,
        accounts: &BTreeMap<ScopeId, String>,
    ) -> Vec<Sample> {
        let fleet = &observation.fleet;
        let published = metrics(observation);
        let agents: BTreeMap<&PoolKey, &PoolMetrics> =
            published.pools.iter().map(|it| (&it.pool, it)).collect();
        let samples = accounts.iter().map(|(scope, account)| {
            let is_read = self.is_read(observation, scope);
            let pools = fleet.pools.iter().filter(|it| it.0.scope == *scope);
            let pools = pools.map(|(key, pool)| {
                let mut values = if is_read {
                    of_aws(fleet, pool, observation.at)
                } else {
                    Values::UNKNOWN
                };
                for datum in agents.get(key).into_iter().flat_map(|it| &it.data) {
                    if let Some(metric) = Metric::of_published(datum.name) {
                        values.set(metric, Some(datum.value));
                    }
                }
                (key.name.clone(), values)
            });
            let sample = Sample {
                at: observation.at,
                scope: scope.clone(),
                account: account.clone(),
                good_for: self.good_for,
                pools: pools.collect(),
                total: Values::UNKNOWN,
            };
            sample.totalled(|name, metric| has(fleet, scope, name, metric))
        });
        samples.collect()
    }

    /// Returns whether a scope was read lately and whole; a denial is how it always is.
    fn is_read(&self, observation: &Observation, scope: &ScopeId) -> bool {
        let source = SourceId::Scope(scope.clone());
        let health = observation.sources.iter().find(|it| it.source == source);
        let is_fresh = health.is_some_and(|it| {
            let is_young = |at| observation.at.since(at) <= self.good_for;
            it.failure.is_none() && it.read_at.is_some_and(is_young)
        });
        let mut its = observation.errors.iter().filter(|it| it.0 == source);
        is_fresh && its.all(|it| it.1.kind == FailureKind::Denied)
    }

    /// Tells what the groups did, each thing once.
    fn activities(&mut self, fleet: &Fleet) -> Vec<(String, Marker)> {
        let mut marks = Vec::new();
        let mut told = BTreeSet::new();
        for activity in &fleet.activities {
            let is_failed = activity.status == ActivityStatus::Failed;
            let name = format!("activity {} {is_failed}", activity.id);
            if !self.told_activities.contains(&name) {
                marks.push((name.clone(), mark_of(activity)));
            }
            told.insert(name);
        }
        // Only what is still listed can be listed again.
        self.told_activities = told;
        marks
    }

    fn interruptions(&mut self, observation: &Observation) -> Vec<(String, Marker)> {
        let instances = observation.fleet.instances.values();
        let taken = instances.filter(|it| {
            let reason = it.state_reason.as_deref().unwrap_or_default();
            it.is_spot() && reason.contains("SpotInstance")
        });
        let mut marks = Vec::new();
        let mut told = BTreeSet::new();
        for it in taken {
            if !self.told_interruptions.contains(&it.id) {
                let marker = Marker {
                    at: observation.at,
                    pool: it.pool.clone(),
                    kind: MarkerKind::Interruption,
                    what: Interruption::new(
                        it,
                        self.worked.get(&it.id).map(Vec::as_slice),
                        observation.at,
                    )
                    .to_string(),
                };
                marks.push((format!("spot {}", it.id), marker));
            }
            told.insert(it.id.clone());
        }
        self.told_interruptions = told;
        self.remember_work(&observation.fleet);
        marks
    }

    /// Remembers what runs on spot machines: once one is taken back, nobody can tell any more.
    fn remember_work(&mut self, fleet: &Fleet) {
        let mut worked = std::mem::take(&mut self.worked);
        worked.retain(|id, _| fleet.instances.contains_key(id));
        let running = fleet
            .instances
            .values()
            .filter(|it| it.is_spot() && it.state == Some(MachineState::Running));
        for instance in running {
            let agents = || fleet.executors_on(&instance.id);
            let is_known =
                |it: &&Arc<Executor>| matches!(it.work, Work::Busy(_) | Work::Idle { .. });
            if agents().next().is_some() && agents().all(|it| is_known(&it)) {
                worked.insert(instance.id.clone(), agents().cloned().collect());
            }
        }
        self.worked = worked;
    }
}

/// Whose each scope is; one that was not proven yet leaves no trace.
pub(super) fn accounts(observation: &Observation) -> BTreeMap<ScopeId, String> {
    let scopes = observation.fleet.scopes.iter();
    let proven =
        scopes.filter_map(|it| Some((it.id.clone(), it.identity.as_ref()?.account.clone())));
    proven.collect()
}

fn mark_of(activity: &Activity) -> Marker {
    let pool = Some(activity.pool.clone());
    if let Some(failure) = LaunchFailure::of(activity) {
        return Marker {
            at: activity.started_at,
            pool,
            kind: MarkerKind::LaunchFailure,
            what: failure.to_string(),
        };
    }
    // A failure that is no launch tells its reason; everything else what was done.
    let message = activity.status_message.as_ref();
    let what = message
        .filter(|_| activity.status == ActivityStatus::Failed)
        .map_or_else(
            || activity.description.clone(),
            |it| format!("{}: {it}", activity.description),
        );
    Marker {
        at: activity.started_at,
        pool,
        kind: MarkerKind::Activity,
        what,
    }
}

/// Returns whether a pool has a metric at all, known or not.
fn has(fleet: &Fleet, scope: &ScopeId, name: &PoolName, metric: Metric) -> bool {
    let key = PoolKey {
        scope: scope.clone(),
        name: name.clone(),
    };
    let Some(pool) = fleet.pool(&key) else {
        return false;
    };
    if metric.is_setting() {
        pool.capacity.is_some()
    } else if metric.is_of_controller() {
        pool.ci.is_some()
    } else {
        true
    }
}

/// What AWS says of a pool, and what it costs.
fn of_aws(fleet: &Fleet, pool: &Pool, now: Timestamp) -> Values {
    let mut values = Values::UNKNOWN;
    for (phase, n) in fleet.roster(&pool.key()).counts.iter() {
        values.set(Metric::of_phase(phase), Some(f64::from(n)));
    }
    if let Some(capacity) = pool.capacity {
        values.set(Metric::Desired, Some(f64::from(capacity.desired)));
        values.set(Metric::Min, Some(f64::from(capacity.min)));
        values.set(Metric::Max, Some(f64::from(capacity.max)));
    }
    let split = cost::split(fleet, &pool.key(), now);
    let usd = |it: Option<Usd>| it.map(Usd::as_f64);
    values.set(Metric::WasteUsd, usd(split.waste()));
    spend(
        &mut values,
        Metric::UsdPerHour,
        split.total(),
        split.known(),
    );
    for used in Use::ALL {
        let (whole, part) = (split.known_part(used), split.part(used));
        spend(&mut values, Metric::of_use(used), whole, part);
    }
    for (metric, is_spot) in [(Metric::SpotUsd, true), (Metric::OnDemandUsd, false)] {
        let instances = fleet.roster(&pool.key()).instances.iter();
        let its = instances.filter(|it| it.is_spot() == is_spot);
        let split = fleet.split_of(its, now);
        spend(&mut values, metric, split.total(), split.known());
    }
    let saved = cost::spot_saving(&fleet.roster(&pool.key()).instances);
    values.set(Metric::SpotSavingUsd, usd(saved));
    values
}

/// Sets money; where a price in it is not known, the part that is.
fn spend(values: &mut Values, metric: Metric, whole: Option<Usd>, part: Usd) {
    match (whole, metric.priced()) {
        (None, Some(priced)) => values.set(priced, Some(part.as_f64())),
        (whole, _) => values.set(metric, whole.map(Usd::as_f64)),
    }
}
