//! What AWS itself says that a month has cost, beside what we have added up.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Timestamp, Usd};

/// What Cost Explorer says of the EC2 machines of an account in some regions, this month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    pub account: String,
    pub regions: Vec<String>,
    /// From the first of the month to before this day, in UTC.
    pub from: Timestamp,
    pub until: Timestamp,
    pub usd: Usd,
    /// Cost Explorer is behind by a day, and says so.
    pub is_estimate: bool,
    /// When it was asked.
    pub at: Timestamp,
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day: String = self.until.to_string().chars().take(10).collect();
        let about = if self.is_estimate { "about " } else { "" };
        let Self {
            usd,
            regions,
            account,
            ..
        } = self;
        write!(
            f,
            "Cost Explorer says {about}{usd} for EC2 of {account} in {}, before {day}",
            regions.join(" and ")
        )
    }
}
