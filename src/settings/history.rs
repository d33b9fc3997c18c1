//! `[history]`: whether the past is kept, and how much of it.

use serde::Deserialize;
use toml::Spanned;

use super::{SettingsError, file::Reader};

/// What the configuration says of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    pub keep: bool,
    /// The greatest size of its file; the oldest goes first.
    pub n_bytes: u64,
}

const MEGABYTE: u64 = 1024 * 1024;
/// Less than this does not hold a day of a small fleet.
const N_MEGABYTES_MIN: u64 = 4;

impl Default for HistorySettings {
    fn default() -> Self {
        Self {
            keep: true,
            n_bytes: 200 * MEGABYTE,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryTable {
    keep: Option<bool>,
    max_megabytes: Option<Spanned<u64>>,
}

pub(super) fn read(
    reader: &Reader<'_>,
    table: &HistoryTable,
) -> Result<HistorySettings, SettingsError> {
    let default = HistorySettings::default();
    let n_bytes = match &table.max_megabytes {
        None => default.n_bytes,
        Some(it) if *it.get_ref() < N_MEGABYTES_MIN => {
            let what = format!(
                "`max_megabytes` is {}; a history takes {N_MEGABYTES_MIN} or more",
                it.get_ref()
            );
            return reader.error(it, what);
        }
        Some(it) => it.get_ref().saturating_mul(MEGABYTE),
    };
    Ok(HistorySettings {
        keep: table.keep.unwrap_or(default.keep),
        n_bytes,
    })
}
