//! An instance in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fleet::{self, Billing, InstanceRow, Timestamp, Usd, Work};

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
    /// What EC2 bills it as, such as `Linux/UNIX`; null when EC2 has not shown it yet.
    pub platform: Option<String>,
    /// What it costs now, 0 while AWS bills nothing for it; null when its price is not known.
    pub usd_per_hour: Option<Usd>,
    /// What that goes to: `busy`, `idle`, `booting`, `draining`, `standby`, `retained`, `stray`
    /// or `unknown`; null while it costs nothing.
    pub r#use: Option<&'static str>,
    pub price: Option<Price>,
    pub tags: BTreeMap<String, String>,
}

/// What a machine costs while it runs, who said so, and as of when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Price {
    pub usd_per_hour: Usd,
    /// `configured`, `pricing_api`, `spot_history` or `bundled`.
    pub source: &'static str,
    /// The date of the price list, or when the spot price began.
    pub at: Timestamp,
    /// The same machine on demand; null when that is not known.
    pub on_demand_usd_per_hour: Option<Usd>,
    /// `per_second` or `per_hour`.
    pub billing: Billing,
    /// Whether a discount of the configuration is taken off.
    pub discounted: bool,
}

impl Price {
    fn new(it: &fleet::Price) -> Self {
        Self {
            usd_per_hour: it.per_hour,
            source: it.source.as_str(),
            at: it.at,
            on_demand_usd_per_hour: it.on_demand,
            billing: it.billing,
            discounted: it.is_adjusted,
        }
    }
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
    pub(in crate::cli) fn new(row: &InstanceRow<'_>, now: Timestamp) -> Self {
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
            platform: it.platform.clone(),
            usd_per_hour: it.usd_per_hour(),
            r#use: row.fleet.use_of(it, now).map(fleet::Use::as_str),
            price: it.price.as_ref().map(Price::new),
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
