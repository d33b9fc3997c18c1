//! A finding of the doctor, in JSON.

use serde::Serialize;

use crate::fleet::FindingRow;

/// One row of `doctor`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Such as `no_terminate_hook` or `az_rebalance`.
    pub finding: &'static str,
    /// `danger`, `warning`, `unknown` (it could not be looked at) or `advice`.
    pub severity: &'static str,
    /// Null for what is wrong with a source as a whole.
    pub pool: Option<String>,
    /// The `id` of a scope, or the name of a controller.
    pub source: String,
    pub evidence: String,
    /// The command line of ours that mends it, without the program's name; null where there is none.
    pub fix: Option<String>,
}

impl Finding {
    pub(in crate::cli) fn new(row: &FindingRow<'_>) -> Self {
        let it = row.0;
        Self {
            finding: it.kind.as_str(),
            severity: it.severity.as_str(),
            pool: it.pool.as_ref().map(|key| key.name.to_string()),
            source: it.source.to_string(),
            evidence: it.evidence.clone(),
            fix: it.fix.clone(),
        }
    }
}
