//! What waits for a label, in JSON.

use serde::Serialize;

use crate::fleet::{QueueRow, Timestamp};

/// One row of `queue`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Queue {
    pub controller: String,
    pub label: String,
    pub length: u32,
    /// How long the oldest has waited; null where the controller does not tell.
    pub oldest_seconds: Option<u64>,
    pub oldest_since: Option<Timestamp>,
    /// The controller's own words for why the oldest waits.
    pub why: Option<String>,
}

impl Queue {
    pub(in crate::cli) fn new(row: &QueueRow<'_>, now: Timestamp) -> Self {
        let it = row.0;
        Self {
            controller: it.controller.to_string(),
            label: it.label.clone(),
            length: it.length,
            oldest_seconds: it.oldest_since.map(|since| now.since(since).as_secs()),
            oldest_since: it.oldest_since,
            why: it.why.clone(),
        }
    }
}
