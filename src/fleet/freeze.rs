//! A freeze: which processes of a group were suspended together, by whom, and until when.
//!
//! It stands in a tag of the group, so that every console sees it and any may end it.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Pool, Process, Timestamp};

/// The mark of a freeze: what was suspended to hold a group still. Only this is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeMark {
    /// Who froze it, as `user@host`.
    pub by: String,
    pub at: Timestamp,
    /// `None` until somebody thaws it.
    pub until: Option<Timestamp>,
    /// The operation that set it, and ends it at its time.
    pub operation: Option<String>,
    /// What was not suspended already.
    pub processes: Vec<Process>,
}

/// What of a freeze is still as it was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Suspended by the freeze, and by nobody since.
    pub ours: Vec<Process>,
    /// What somebody changed since, in sentences.
    pub changed: Vec<String>,
}

impl FreezeMark {
    /// The key of the group's tag.
    pub const TAG: &'static str = "pooldeck:freeze";

    /// Everything by which a group changes its members by itself.
    ///
    /// Not `AddToLoadBalancer`: who launches without it is never added later.
    pub const PROCESSES: [Process; 8] = [
        Process::Launch,
        Process::Terminate,
        Process::AlarmNotification,
        Process::AzRebalance,
        Process::HealthCheck,
        Process::InstanceRefresh,
        Process::ReplaceUnhealthy,
        Process::ScheduledActions,
    ];

    /// How far AWS' clock may be from ours.
    const SKEW: Duration = Duration::from_mins(5);
    /// With everything else in the tag, AWS takes no more.
    const N_CHARS_BY_MAX: usize = 40;

    /// Returns the freeze of a group; an `Err` is a tag that cannot be read.
    pub fn of(pool: &Pool) -> Option<Result<Self, String>> {
        pool.tags.get(Self::TAG).map(|it| it.parse())
    }

    /// Returns the name of whoever freezes, in the characters that AWS allows in a tag.
    pub fn name(by: &str) -> String {
        let is_allowed = |it: char| it.is_ascii_alphanumeric() || "@._-+:/".contains(it);
        by.chars()
            .take(Self::N_CHARS_BY_MAX)
            .map(|it| if is_allowed(it) { it } else { '_' })
            .collect()
    }

    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|it| it <= now)
    }

    /// Tells what is still as the freeze left it from what somebody changed since.
    pub fn held(&self, pool: &Pool) -> Held {
        let mut held = Held::default();
        for process in &self.processes {
            match pool.suspended.iter().find(|it| it.process == *process) {
                None => held
                    .changed
                    .push(format!("{process} was resumed by somebody else")),
                Some(it) if it.is_by_aws() => held.changed.push(format!(
                    "{process} is suspended by AWS itself: {}",
                    it.reason
                )),
                Some(it) if it.at().is_some_and(|at| self.at + Self::SKEW < at) => {
                    held.changed.push(format!(
                        "{process} was suspended anew by somebody else: {}",
                        it.reason
                    ));
                }
                Some(it) if it.at().is_some_and(|at| at + Self::SKEW < self.at) => {
                    held.changed.push(format!(
                        "{process} was suspended before by somebody else: {}",
                        it.reason
                    ));
                }
                Some(_) => held.ours.push(process.clone()),
            }
        }
        held
    }
}

/// Writes the value of the tag.
impl fmt::Display for FreezeMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by={} at={}", Self::name(&self.by), in_seconds(self.at))?;
        if let Some(until) = self.until {
            write!(f, " until={}", in_seconds(until))?;
        }
        if let Some(operation) = &self.operation {
            write!(f, " op={operation}")?;
        }
        let processes: Vec<&str> = self.processes.iter().map(Process::as_str).collect();
        write!(f, " processes={}", processes.join("/"))
    }
}

impl FromStr for FreezeMark {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || format!("its tag {} says `{text}`", Self::TAG);
        let words: Vec<(&str, &str)> = text
            .split_whitespace()
            .map(|it| it.split_once('=').ok_or_else(unreadable))
            .collect::<Result<_, _>>()?;
        let word = |name: &str| words.iter().find(|it| it.0 == name).map(|it| it.1);
        let time = |it: &str| it.parse::<Timestamp>().map_err(|_| unreadable());
        let processes = word("processes").ok_or_else(unreadable)?.split('/');
        Ok(Self {
            by: word("by").ok_or_else(unreadable)?.to_owned(),
            at: time(word("at").ok_or_else(unreadable)?)?,
            until: word("until").map(time).transpose()?,
            operation: word("op").map(str::to_owned),
            processes: processes
                .filter(|it| !it.is_empty())
                .map(Process::from)
                .collect(),
        })
    }
}

fn in_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.as_millis().div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_freeze_fits_into_a_tag_and_reads_back() {
        let freeze = FreezeMark {
            by: "jörg the builder@a-very-long-host-name.internal.example.org".to_owned(),
            at: Timestamp::from_millis(1_763_719_200_123),
            until: Some(Timestamp::from_secs(1_763_722_800)),
            operation: Some("op-20261121-abcde".to_owned()),
            processes: FreezeMark::PROCESSES.to_vec(),
        };
        let value = freeze.to_string();
        assert!(value.len() <= 256, "{}: {value}", value.len());
        let is_allowed = |it: char| it.is_ascii_alphanumeric() || " @._-+:/=".contains(it);
        assert!(value.chars().all(is_allowed), "{value}");
        let back: FreezeMark = value.parse().unwrap();
        assert_eq!(back.at, Timestamp::from_secs(1_763_719_200));
        assert_eq!(back.until, freeze.until);
        assert_eq!(back.processes, freeze.processes);
        assert_eq!(back.to_string(), value);
    }

    #[test]
    fn a_tag_that_is_not_ours_is_not_guessed_at() {
        for text in ["", "yes", "by=ann at=now processes=Launch", "by=ann"] {
            assert!(text.parse::<FreezeMark>().is_err(), "{text}");
        }
    }
}
