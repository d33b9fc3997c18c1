//! A part of the past, as operators name it.

use std::time::Duration;

use clap::Args;

use crate::fleet::{Timestamp, parse_duration};

#[derive(Clone, Debug, Args)]
pub struct WhenFlags {
    /// From when on: how long ago, such as 24h or 7d, or a time such as 2026-09-22T08:00:00Z
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = When::parse)]
    pub since: When,
    /// Until when, written like --since
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = When::parse)]
    pub until: When,
}

/// A time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    Ago(Duration),
}

impl When {
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(ago) = parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        let wrong = |_| {
            format!(
                "`{text}` is neither a duration such as 24h nor a time such as 2026-09-22T08:00:00Z"
            )
        };
        text.parse().map(Self::At).map_err(wrong)
    }

    pub(in crate::cli) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}
