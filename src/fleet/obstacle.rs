//! Why nothing is happening: the whole chain of what stands in a pool's way, in
//! sentences. What operations and this session add, their own rooms say.

use super::{
    Capacity, Fleet, Observation, Phase, Pool, PoolKey, Process, SourceId, Timestamp, waiting_in,
};

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// A sentence with its subject.
    pub what: String,
    /// Whether an operator should look at it.
    pub is_alarming: bool,
    /// When it ends by itself, where that is known.
    pub until: Option<Timestamp>,
}

impl Obstacle {
    pub fn new(what: impl Into<String>, is_alarming: bool) -> Self {
        Self {
            what: what.into(),
            is_alarming,
            until: None,
        }
    }
}

/// Lists what stands in the way of a pool, from what we can see down to what the group may do.
pub fn obstacles(observation: &Observation, key: &PoolKey) -> Vec<Obstacle> {
    let fleet = &observation.fleet;
    let Some(pool) = fleet.pool(key) else {
        return Vec::new();
    };
    let mut found = sources(observation, pool);
    if let Some(scope) = fleet.scope(&key.scope).filter(|it| it.read_only) {
        let what = format!("{} is read-only here: `--write` allows writes", scope.id);
        found.push(Obstacle::new(what, false));
    }
    if let Some(status) = &pool.status {
        let what = format!("the group is being deleted: {status}");
        found.push(Obstacle::new(what, true));
    }
    found.extend(suspensions(pool));
    if let Some(capacity) = pool.capacity {
        found.extend(bounds(capacity));
    }
    found.extend(protection(fleet, pool));
    found.extend(agents(fleet, pool));
    found.extend(
        waiting_in(fleet, pool, observation.at)
            .into_iter()
            .map(|it| {
                let subject = it.instance.map_or(String::new(), |id| format!("{id}: "));
                Obstacle {
                    what: format!("{subject}{}", it.why),
                    is_alarming: it.is_alarming,
                    until: it.until,
                }
            }),
    );
    found
}

/// What cannot be seen cannot be acted on.
fn sources(observation: &Observation, pool: &Pool) -> Vec<Obstacle> {
    let controller = pool.ci.as_ref().map(|it| it.controller.clone());
    let ours = [
        Some(SourceId::Scope(pool.scope.clone())),
        controller.map(SourceId::Controller),
    ];
    let errors = observation.errors.iter();
    let mut found: Vec<Obstacle> = errors
        .filter(|(source, _)| ours.iter().flatten().any(|it| it == source))
        .map(|(source, failure)| {
            let what = format!("{source} cannot be read: {}", failure.what);
            Obstacle {
                until: failure.retry_at,
                ..Obstacle::new(what, true)
            }
        })
        .collect();
    if pool.ci.is_none() {
        let what = "no controller is configured for it: what its instances do is not known, and unknown is not idle";
        found.push(Obstacle::new(what, false));
    }
    found
}

fn suspensions(pool: &Pool) -> Vec<Obstacle> {
    let effect = |process: &Process| match process {
        Process::Launch => "nothing is launched",
        Process::Terminate => "nothing is terminated by the group",
        Process::HealthCheck => "nobody is found unhealthy",
        Process::ReplaceUnhealthy => "the unhealthy are not replaced",
        Process::AzRebalance => "zones are not evened out",
        Process::AlarmNotification => "no alarm scales it",
        Process::ScheduledActions => "no schedule scales it",
        Process::AddToLoadBalancer => "the new ones are not added to load balancers",
        Process::InstanceRefresh => "no instance refresh goes on",
        Process::Other(_) => "the group leaves that out",
    };
    let suspended = pool.suspended.iter();
    suspended
        .map(|it| {
            let because = if it.reason.is_empty() {
                String::new()
            } else {
                format!(" ({})", it.reason)
            };
            let what = format!(
                "{} is suspended: {}{because}",
                it.process,
                effect(&it.process)
            );
            Obstacle::new(what, it.process == Process::Launch)
        })
        .collect()
}

fn bounds(capacity: Capacity) -> Vec<Obstacle> {
    let Capacity { desired, min, max } = capacity;
    let mut found = Vec::new();
    if max <= desired {
        let what = format!("desired is {desired}, and max too: nothing scales it further out");
        found.push(Obstacle::new(what, false));
    }
    if desired <= min {
        let what = format!("desired is {desired}, and min too: nothing scales it further in");
        found.push(Obstacle::new(what, false));
    }
    found
}

fn protection(fleet: &Fleet, pool: &Pool) -> Option<Obstacle> {
    let members = &fleet.roster(&pool.key()).instances;
    let serving: Vec<_> = members
        .iter()
        .filter(|it| it.phase() == Phase::InService)
        .collect();
    let n_protected = serving.iter().filter(|it| it.protected).count();
    let n_serving = serving.len();
    if n_protected == 0 {
        return None;
    }
    let all = if n_protected == n_serving {
        ": the group terminates none of them"
    } else {
        ""
    };
    let what = format!("{n_protected} of {n_serving} in service are protected from scale-in{all}");
    Some(Obstacle::new(what, false))
}

fn agents(fleet: &Fleet, pool: &Pool) -> Vec<Obstacle> {
    let key = pool.key();
    let ours: Vec<_> = fleet
        .executors
        .iter()
        .filter(|it| it.pool.as_ref() == Some(&key))
        .collect();
    let cordoned: Vec<_> = ours.iter().filter(|it| it.cordoned).collect();
    if cordoned.is_empty() {
        return Vec::new();
    }
    let is_all = cordoned.len() == ours.len();
    let mut what = format!(
        "{} of {} agents are cordoned and take no job",
        cordoned.len(),
        ours.len()
    );
    let mut notes: Vec<&str> = cordoned
        .iter()
        .filter_map(|it| it.note.as_deref())
        .collect();
    notes.dedup();
    if let Some(first) = notes.first() {
        what = format!("{what}: {first}");
        if 1 < notes.len() {
            what = format!("{what}, and {} more notes", notes.len() - 1);
        }
    }
    vec![Obstacle::new(what, is_all)]
}
