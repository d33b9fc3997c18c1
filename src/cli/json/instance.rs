//! An instance in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fleet::{self, InstanceRow, Timestamp, Work};

/// One row of `instances`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Instance {
    pub id: String,
    /// The name of its pool; null for one whose pool does not exist.
    pub pool: Option<String>,
    /// The `id` of a scope.
    pub scope: String,
    /// AWS' word; null outside a group.
    pub lifecycle: Option<String>,
    /// When it was first seen so; AWS does not tell when it began.
    pub lifecycle_since: Timestamp,
    /// The state of the EC2 machine; null when EC2 has not shown it yet.
    pub state: Option<String>,
    pub state_reason: Option<String>,
    pub health: Option<String>,
    #[serde(rename = "type")]
    pub instance_type: Option<String>,
    pub az: Option<String>,
    /// `on-demand`, `spot`, ….
    pub market: String,
    pub image: Option<String>,
    pub template: Option<String>,
    pub template_version: Option<String>,
    pub launched_at: Option<Timestamp>,
    /// Protected from scale-in.
    pub protected: bool,
    /// From another image or template version than new instances would get.
    pub outdated: bool,
    pub private_address: Option<String>,
    pub public_address: Option<String>,
    pub private_dns: Option<String>,
    pub status_checks: Option<String>,
    pub scheduled_event: Option<String>,
    /// `busy`, `idle`, `offline` or `unknown`; without an agent it is not known.
    pub work: &'static str,
    /// Whether an agent on it takes no new jobs; null without an agent.
    pub cordoned: Option<bool>,
    /// What its agents run; null when that is not known. A busy agent may hide its jobs.
    pub jobs: Option<Vec<Job>>,
    pub tags: BTreeMap<String, String>,
}

/// A job that an agent of the instance runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    pub name: String,
    pub url: Option<String>,
    pub started_at: Option<Timestamp>,
    pub expected_end: Option<Timestamp>,
}

impl Instance {
    pub(in crate::cli) fn new(row: &InstanceRow<'_>) -> Self {
        let it = row.instance;
        let agents: Vec<_> = row.fleet.executors_on(&it.id).collect();
        let jobs = agents.iter().flat_map(|agent| agent.jobs());
        let is_known = matches!(row.work(), Some(Work::Busy(_) | Work::Idle { .. }));
        Self {
            id: it.id.to_string(),
            pool: it.pool.as_ref().map(|key| key.name.to_string()),
            scope: it.scope.to_string(),
            lifecycle: it.lifecycle.as_ref().map(ToString::to_string),
            lifecycle_since: it.lifecycle_since,
            state: it.state.as_ref().map(ToString::to_string),
            state_reason: it.state_reason.clone(),
            health: it.health.as_ref().map(ToString::to_string),
            instance_type: known(&it.instance_type),
            az: known(&it.zone),
            market: it.market.to_string(),
            image: it.image.as_ref().map(ToString::to_string),
            template: it.template_name.clone(),
            template_version: it.template_version.clone(),
            launched_at: it.launched_at,
            protected: it.protected,
            outdated: row.is_outdated(),
            private_address: it.private_address.clone(),
            public_address: it.public_address.clone(),
            private_dns: it.private_dns.clone(),
            status_checks: it.status_checks.clone(),
            scheduled_event: it.scheduled_event.clone(),
            work: row.work().map_or("unknown", Work::as_str),
            cordoned: (!agents.is_empty()).then(|| agents.iter().any(|it| it.cordoned)),
            jobs: is_known.then(|| jobs.map(Job::new).collect()),
            tags: it.tags.clone(),
        }
    }
}

impl Job {
    pub(super) fn new(job: &fleet::Job) -> Self {
        Self {
            name: job.name.clone(),
            url: job.url.clone(),
            started_at: job.started_at,
            expected_end: job.expected_end,
        }
    }
}

/// An empty text is how the model says that EC2 has not told yet.
fn known(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|it| !it.is_empty())
}
