//! What Buildbot's REST API says, as far as we ask for it.

use serde::Deserialize;

use crate::ci::row::{Rows, lenient, objects};

// The API can only filter by a field that it was asked for.
pub(super) const WORKER_FIELDS: [&str; 8] = [
    "workerid",
    "name",
    "workerinfo",
    "paused",
    "pause_reason",
    "graceful",
    "connected_to",
    "configured_on",
];
pub(super) const BUILD_FIELDS: [&str; 7] = [
    "buildid",
    "complete",
    "number",
    "builderid",
    "buildrequestid",
    "workerid",
    "started_at",
];
pub(super) const ENDED_FIELDS: [&str; 5] =
    ["buildid", "complete", "workerid", "complete_at", "results"];
pub(super) const REQUEST_FIELDS: [&str; 5] = [
    "buildrequestid",
    "complete",
    "builderid",
    "claimed",
    "submitted_at",
];
pub(super) const BUILDER_FIELDS: [&str; 2] = ["builderid", "name"];

/// Every collection comes with how many items there are, of which these may be some.
///
/// For workers that is true; for builds it is the length of the page, whatever there is.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) meta: Meta,
    #[serde(
        alias = "workers",
        alias = "builds",
        alias = "buildrequests",
        alias = "builders"
    )]
    pub(super) items: Rows,
}

#[derive(Debug, Deserialize)]
pub(super) struct Meta {
    pub(super) total: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Worker {
    pub(super) workerid: u64,
    pub(super) name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) workerinfo: Option<WorkerInfo>,
    pub(super) paused: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) pause_reason: Option<String>,
    pub(super) graceful: Option<bool>,
    #[serde(default, deserialize_with = "objects")]
    pub(super) connected_to: Option<Vec<ConnectedTo>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) configured_on: Option<Vec<ConfiguredOn>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkerInfo {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) host: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) access_uri: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConnectedTo {
    #[serde(rename = "masterid")]
    _masterid: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConfiguredOn {
    pub(super) builderid: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Build {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) number: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) builderid: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) buildrequestid: Option<u64>,
    /// A build that does not say where it runs may run anywhere.
    pub(super) workerid: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<f64>,
}

/// A build that is over.
#[derive(Debug, Deserialize)]
pub(super) struct EndedBuild {
    pub(super) workerid: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) complete_at: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) results: Option<u8>,
}

impl EndedBuild {
    /// Returns whether it did what it should; `None` for one that was skipped or cancelled.
    ///
    /// The codes are those of "Build Result Codes" in Buildbot's manual.
    pub(super) fn passed(&self) -> Option<bool> {
        match self.results? {
            // Success, warnings.
            0 | 1 => Some(true),
            // Failure, exception, retry.
            2 | 4 | 5 => Some(false),
            _ => None,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct BuildRequest {
    pub(super) buildrequestid: u64,
    pub(super) builderid: u64,
    pub(super) claimed: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) submitted_at: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Builder {
    pub(super) builderid: u64,
    pub(super) name: String,
}

/// What the web front end is told of the master.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) auth: Option<Auth>,
    /// Pairs of a program and its version.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) versions: Option<Vec<(String, String)>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Auth {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) oauth2: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) error: Option<AnswerError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AnswerError {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) message: Option<String>,
}
