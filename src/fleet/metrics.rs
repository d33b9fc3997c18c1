//! What a fleet's executors add up to, as numbers for CloudWatch. What was not
//! read is left out and named; it is never zero.

use super::{
    CiLink, Executor, Failure, FailureKind, Fleet, Observation, Pool, PoolKey, Queue, SourceId,
    Timestamp, Work,
};

/// What to publish of a fleet, and what not, and why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    pub pools: Vec<PoolMetrics>,
    pub withheld: Vec<Withheld>,
}

/// The numbers of one pool.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolMetrics {
    pub pool: PoolKey,
    pub data: Vec<Datum>,
}

/// A pool of which nothing is published now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    pub pool: PoolKey,
    pub why: String,
}

/// One number, and what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    pub name: &'static str,
    pub pool: String,
    pub label: String,
    pub value: f64,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
}

impl Unit {
    /// Returns CloudWatch's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
        }
    }
}

impl Datum {
    /// Returns what tells this number from others of the same name.
    pub fn dimensions(&self) -> [(&'static str, &str); 2] {
        [("Pool", &self.pool), ("Label", &self.label)]
    }
}

/// Adds up every pool that is tied to a controller.
///
/// A pool counts only when its scope and its controller were read on time and
/// whole, and no agent of it is in doubt.
pub fn metrics(observation: &Observation) -> Metrics {
    let fleet = &observation.fleet;
    let mut metrics = Metrics::default();
    for (key, pool) in &fleet.pools {
        let Some(link) = &pool.ci else { continue };
        let pool_key = key.clone();
        match doubt(observation, pool, link) {
            Some(why) => metrics.withheld.push(Withheld {
                pool: pool_key,
                why,
            }),
            None => metrics.pools.push(PoolMetrics {
                pool: pool_key,
                data: add_up(fleet, pool, link, observation.at),
            }),
        }
    }
    metrics
}

/// Returns why a pool's numbers cannot be trusted.
fn doubt(observation: &Observation, pool: &Pool, link: &CiLink) -> Option<String> {
    let fleet = &observation.fleet;
    let scope = SourceId::Scope(pool.scope.clone());
    let controller = SourceId::Controller(link.controller.clone());
    // What a role may never read is missing every time; it hides an agent only where one
    // is not joined with its machine.
    let mut agents = fleet.executors.iter();
    let is_whole =
        agents.all(|it| it.controller != link.controller || it.is_latent || it.instance.is_some());
    let matters = |source: &SourceId, failure: &Failure| {
        let may_hide_an_agent =
            !matches!(failure.kind, FailureKind::Denied | FailureKind::NotFound);
        may_hide_an_agent || *source == controller || !is_whole
    };
    for source in [&scope, &controller] {
        if let Some(why) = source_doubt(observation, source, matters) {
            return Some(format!("{source} {why}"));
        }
    }
    agents_of(fleet, pool).find_map(|it| match &it.work {
        Work::Unknown(why) => Some(format!("what agent {} does is not known: {why}", it.name)),
        Work::Busy(_) | Work::Idle { .. } | Work::Offline { .. } => None,
    })
}

fn source_doubt(
    observation: &Observation,
    source: &SourceId,
    matters: impl Fn(&SourceId, &Failure) -> bool,
) -> Option<String> {
    let mut failures = observation.errors.iter();
    let failure = failures.find(|(it, failure)| it == source && matters(it, failure));
    if let Some((_, failure)) = failure {
        return Some(format!("was not read whole: {}", failure.what));
    }
    let health = observation.sources.iter().find(|it| it.source == *source);
    let Some(health) = health else {
        return Some("is not configured".to_owned());
    };
    match health.read_at {
        None => Some("was not read yet".to_owned()),
        Some(_) if health.liveness(observation.at) == super::Liveness::Live => None,
        Some(read_at) => {
            let age = super::short_duration(observation.at.since(read_at));
            Some(format!("was last read {age} ago"))
        }
    }
}

fn agents_of<'a>(fleet: &'a Fleet, pool: &Pool) -> impl Iterator<Item = &'a Executor> {
    let instances = &fleet.roster(&pool.key()).instances;
    let agents = instances.iter().flat_map(|it| fleet.executors_on(&it.id));
    agents.map(|it| &**it)
}

/// A draining agent that runs a job is busy too; one that runs none is not idle.
fn add_up(fleet: &Fleet, pool: &Pool, link: &CiLink, now: Timestamp) -> Vec<Datum> {
    let count = |is_meant: fn(&Executor) -> bool| {
        let n = agents_of(fleet, pool).filter(|it| is_meant(it)).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    };
    let is_ours = |it: &&Queue| it.controller == link.controller && it.label == link.label;
    let queues: Vec<&Queue> = fleet.queues.iter().filter(is_ours).collect();
    let n_queued: u32 = queues.iter().map(|it| it.length).sum();
    let counts = [
        ("TotalExecutors", count(|_| true)),
        (
            "BusyExecutors",
            count(|it| matches!(it.work, Work::Busy(_))),
        ),
        ("IdleExecutors", count(Executor::is_available)),
        (
            "OfflineExecutors",
            count(|it| matches!(it.work, Work::Offline { .. })),
        ),
        (
            "DrainingExecutors",
            count(|it| it.cordoned && !matches!(it.work, Work::Offline { .. })),
        ),
        ("QueuedJobs", n_queued),
    ];
    let datum = |name, value, unit| Datum {
        name,
        pool: pool.name.to_string(),
        label: link.label.clone(),
        value,
        unit,
    };
    let mut data: Vec<Datum> = counts
        .map(|(name, n)| datum(name, f64::from(n), Unit::Count))
        .into();
    let oldest = queues.iter().filter_map(|it| it.oldest_since).min();
    let waited = match oldest {
        _ if n_queued == 0 => Some(0.0),
        Some(since) => Some(now.since(since).as_secs_f64().floor()),
        // Something waits, and the controller does not tell since when.
        None => None,
    };
    data.extend(waited.map(|it| datum("OldestQueuedSeconds", it, Unit::Seconds)));
    data
}
