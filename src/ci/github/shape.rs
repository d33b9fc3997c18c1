//! What GitHub's REST API says, as far as we ask for it.

use serde::{Deserialize, Serialize};

use crate::ci::row::{Rows, lenient};

#[derive(Debug, Deserialize)]
pub(super) struct RunnerPage {
    pub(super) total_count: u64,
    pub(super) runners: Rows,
}

#[derive(Debug, Deserialize)]
pub(super) struct Runner {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) status: Option<String>,
    pub(super) busy: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ephemeral: Option<bool>,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
    /// `read-only` for those that a runner has by itself, or `custom`.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub(super) kind: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct NewLabels {
    pub(super) labels: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunPage {
    pub(super) total_count: u64,
    pub(super) workflow_runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobPage {
    pub(super) total_count: u64,
    pub(super) jobs: Vec<WorkflowJob>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkflowJob {
    pub(super) status: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) workflow_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) html_url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) labels: Option<Vec<String>>,
    /// Null or 0 until it is given to a runner.
    pub(super) runner_id: Option<u64>,
    pub(super) runner_name: Option<String>,
}
