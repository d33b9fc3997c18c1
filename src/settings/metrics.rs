//! `[metrics]`: where the numbers of executors stand in CloudWatch.

use serde::Deserialize;
use toml::Spanned;

use super::{SettingsError, file::Reader};
use crate::fleet::Namespace;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsTable {
    namespace: Option<Spanned<String>>,
}

/// Returns the namespace that is published to, and that the history is filled from.
pub(super) fn read(reader: &Reader<'_>, table: &MetricsTable) -> Result<Namespace, SettingsError> {
    let Some(name) = &table.namespace else {
        return Ok(Namespace::default());
    };
    Namespace::parse(name.get_ref()).or_else(|why| reader.error(name, why))
}
