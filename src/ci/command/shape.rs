//! The JSON of `format.md`, as it is read and written.

use serde::{Deserialize, Serialize};

use crate::{
    ci::{
        epoch,
        row::{Rows, lenient},
    },
    fleet::{FailureKind, Timestamp},
};

/// The version of the format that is spoken here.
pub(super) const VERSION: u64 = 1;

#[derive(Debug, Serialize)]
pub(super) struct Question<'a> {
    pub(super) version: u64,
    pub(super) verb: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) executor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'a str>,
}

/// What every answer has: its version, and perhaps an error.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) version: u64,
    pub(super) error: Option<AnswerError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AnswerError {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) kind: Option<FailureKind>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) what: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) retry_in_seconds: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Observation {
    pub(super) at: Option<Time>,
    #[serde(default)]
    pub(super) complete: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) controller: Option<ControllerInfo>,
    pub(super) executors: Rows,
    #[serde(default)]
    pub(super) queues: Rows,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ControllerInfo {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) version: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) quieting_down: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) cordon: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExecutorInfo {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) state: State,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) since: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) why: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) slots: Option<u32>,
    #[serde(default)]
    pub(super) cordoned: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) note: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) labels: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) instance: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) host: Option<Vec<String>>,
    #[serde(default)]
    pub(super) jobs: Vec<JobInfo>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ended: Option<Vec<EndedInfo>>,
}

/// A job that is over.
#[derive(Debug, Deserialize)]
pub(super) struct EndedInfo {
    pub(super) at: Time,
    pub(super) passed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Busy,
    Idle,
    Offline,
    Unknown,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobInfo {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) started_at: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) expected_end: Option<Time>,
}

#[derive(Debug, Deserialize)]
pub(super) struct QueueInfo {
    pub(super) label: String,
    pub(super) length: u32,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) oldest_since: Option<Time>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) why: Option<String>,
}

/// A time in text or as a number of some unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        let at = match Written::deserialize(deserializer)? {
            Written::Number(number) => epoch::from_number(number),
            Written::Text(text) => epoch::from_text(&text),
        };
        at.map(Self)
            .ok_or_else(|| serde::de::Error::custom("this is not a time"))
    }
}
