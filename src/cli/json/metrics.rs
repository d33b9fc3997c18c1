//! What `publish --dry-run` would publish, in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{SourceError, VERSION};
use crate::fleet::{self, Failure, SourceId, Timestamp};

/// The document of `publish --dry-run -o json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    pub version: u32,
    pub at: Timestamp,
    pub namespace: String,
    pub metrics: Vec<Metric>,
    /// The pools that are left out, and why.
    pub withheld: Vec<Withheld>,
    pub errors: Vec<SourceError>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Where it is published: the `id` of a scope.
    pub scope: String,
    pub name: &'static str,
    pub dimensions: BTreeMap<&'static str, String>,
    pub value: f64,
    pub unit: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Withheld {
    pub scope: String,
    pub pool: String,
    pub why: String,
}

impl Metrics {
    pub(in crate::cli) fn new(
        at: Timestamp,
        namespace: &str,
        metrics: &fleet::Metrics,
        failures: &[(SourceId, Failure)],
    ) -> Self {
        let rows = metrics.pools.iter().flat_map(|it| {
            let scope = &it.pool.scope;
            it.data.iter().map(move |datum| Metric {
                scope: scope.to_string(),
                name: datum.name,
                dimensions: datum
                    .dimensions()
                    .map(|(name, value)| (name, value.to_owned()))
                    .into(),
                value: datum.value,
                unit: datum.unit.as_str(),
            })
        });
        Self {
            version: VERSION,
            at,
            namespace: namespace.to_owned(),
            metrics: rows.collect(),
            withheld: metrics.withheld.iter().map(Withheld::new).collect(),
            errors: failures.iter().map(SourceError::new).collect(),
        }
    }
}

impl Withheld {
    fn new(it: &fleet::Withheld) -> Self {
        Self {
            scope: it.pool.scope.to_string(),
            pool: it.pool.name.to_string(),
            why: it.why.clone(),
        }
    }
}
