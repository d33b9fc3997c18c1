//! What Jenkins says, as far as we ask for it.
//!
//! What decides whether an agent is idle has to have the right type, or the agent is
//! unknown; what only decorates may be anything.

use serde::Deserialize;

use crate::ci::row::{Rows, lenient, objects};

/// What is asked of every computer: always named, because without `tree` Jenkins leaves
/// the executors empty, and an empty executor is not an idle one.
pub(super) const COMPUTERS: &str = "computer[_class,displayName,description,idle,offline,\
    temporarilyOffline,offlineCause[_class,timestamp],offlineCauseReason,numExecutors,icon,\
    absoluteRemotePath,assignedLabels[name],\
    executors[idle,currentExecutable[number,url,fullDisplayName,timestamp,estimatedDuration]],\
    oneOffExecutors[idle,currentExecutable[number,url,fullDisplayName,timestamp,estimatedDuration]]]";

pub(super) const QUEUE: &str = "items[task[name],why,inQueueSince],discoverableItems[task[name]]";

/// The load history is kept in memory, a point every ten seconds: its length tells how
/// long the controller has been up.
pub(super) const HEALTH: &str =
    "quietingDown,quietDownReason,overallLoad[busyExecutors[sec10[history]]]";

/// How many points of ten seconds the load history keeps at most.
pub(super) const N_HISTORY_MAX: usize = 2160;

#[derive(Debug, Deserialize)]
pub(super) struct ComputerSet {
    pub(super) computer: Rows,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Computer {
    #[serde(default, rename = "_class", deserialize_with = "lenient")]
    pub(super) class: Option<String>,
    pub(super) display_name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) description: Option<String>,
    pub(super) idle: Option<bool>,
    pub(super) offline: Option<bool>,
    pub(super) temporarily_offline: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) offline_cause: Option<OfflineCause>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) offline_cause_reason: Option<String>,
    pub(super) num_executors: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) icon: Option<String>,
    /// Only a connected agent has one, and only who may connect agents sees it.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) absolute_remote_path: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) assigned_labels: Option<Vec<Label>>,
    #[serde(default, deserialize_with = "objects")]
    pub(super) executors: Option<Vec<Slot>>,
    #[serde(default, deserialize_with = "objects")]
    pub(super) one_off_executors: Option<Vec<Slot>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OfflineCause {
    #[serde(default, rename = "_class", deserialize_with = "lenient")]
    pub(super) class: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) timestamp: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Slot {
    pub(super) idle: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) current_executable: Option<Executable>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Executable {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) number: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) full_display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) timestamp: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) estimated_duration: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueSet {
    pub(super) items: Rows,
    #[serde(default)]
    pub(super) discoverable_items: Rows,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueueItem {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) task: Option<Task>,
    /// In the language of the server, or of whoever it takes us for.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) why: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) in_queue_since: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Task {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) quieting_down: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) quiet_down_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) overall_load: Option<Load>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Load {
    pub(super) busy_executors: Series,
}

#[derive(Debug, Deserialize)]
pub(super) struct Series {
    pub(super) sec10: Points,
}

#[derive(Debug, Deserialize)]
pub(super) struct Points {
    pub(super) history: Vec<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelLoad {
    pub(super) load_statistics: LabelStatistics,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelStatistics {
    pub(super) queue_length: LatestSeries,
}

#[derive(Debug, Deserialize)]
pub(super) struct LatestSeries {
    pub(super) sec10: Latest,
}

#[derive(Debug, Deserialize)]
pub(super) struct Latest {
    pub(super) latest: f64,
}

/// A build, once it is over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Build {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) building: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) result: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) timestamp: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) duration: Option<f64>,
}

impl Build {
    pub(super) const TREE: &str = "building,result,timestamp,duration";
}

/// What is asked of one computer before its cordon is lifted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cordon {
    pub(super) temporarily_offline: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Crumb {
    pub(super) crumb: String,
    pub(super) crumb_request_field: String,
}
