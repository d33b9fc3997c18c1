//! What the last hours or days say against a pool, with the evidence.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PoolKey, Usd};

/// Something that goes on for a while, and that one reading cannot show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    pub pool: PoolKey,
    pub kind: TrendKind,
    /// A sentence without its subject, the evidence in it.
    pub why: String,
    /// What it cost in the time that was looked at, where that is known.
    pub usd: Option<Usd>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrendKind {
    /// Desired goes up and down, and machines boot for nothing.
    Flapping,
    /// Most of the executors have nothing to do.
    Idle,
    /// The size never changes, whatever there is to do.
    StaticSize,
    LaunchFailures,
    /// A newer image takes longer to its first job.
    SlowBoots,
}

impl TrendKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flapping => "flapping",
            Self::Idle => "idle",
            Self::StaticSize => "static_size",
            Self::LaunchFailures => "launch_failures",
            Self::SlowBoots => "slow_boots",
        }
    }
}

impl fmt::Display for TrendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
