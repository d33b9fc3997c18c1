//! What Buildkite's two APIs say, as far as we ask for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ci::row::{Told, lenient};

#[derive(Debug, Deserialize)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) connection_state: Option<String>,
    #[serde(default)]
    pub(super) job: Told<AgentJob>,
    pub(super) paused: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) paused_note: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) paused_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) paused_timeout_in_minutes: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) hostname: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ip_address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) meta_data: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) queue: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) last_job_finished_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) disconnected_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) lost_at: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AgentJob {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) web_url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Pause<'a> {
    pub(super) note: &'a str,
    /// Always told: left out, a pause ends after five minutes.
    pub(super) timeout_in_minutes: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct Stop {
    /// Always told: left out, it is true and cancels the job.
    pub(super) force: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Metrics {
    pub(super) jobs: JobMetrics,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobMetrics {
    #[serde(default)]
    pub(super) queues: BTreeMap<String, QueueMetrics>,
}

#[derive(Debug, Deserialize)]
pub(super) struct QueueMetrics {
    /// Ready for an agent.
    pub(super) scheduled: u32,
    /// Not ready: they wait for other jobs.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) waiting: Option<u32>,
}
