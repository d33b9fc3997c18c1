//! Why nothing is being done, in words that an operator reads.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Sight, TargetState};
use crate::fleet::{InstanceId, Job, PoolKey, Timestamp, short_duration};

/// Whom a wait or a halt is about: one instance, or a pool as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Subject {
    Instance(InstanceId),
    Pool(PoolKey),
}

impl Subject {
    pub fn is_instance(&self, id: &InstanceId) -> bool {
        matches!(self, Self::Instance(it) if it == id)
    }
}

impl From<InstanceId> for Subject {
    fn from(id: InstanceId) -> Self {
        Self::Instance(id)
    }
}

impl From<PoolKey> for Subject {
    fn from(key: PoolKey) -> Self {
        Self::Pool(key)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => write!(f, "{id}"),
            Self::Pool(key) => write!(f, "{key}"),
        }
    }
}

/// What an operation waits for; shown word for word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "waiting_on", rename_all = "snake_case")]
pub enum WaitingOn {
    /// The effect of our own write does not show yet.
    Settling {
        what: String,
    },
    /// A smaller max would raise desired while they are counted.
    Leavers {
        instances: Vec<InstanceId>,
    },
    /// Jobs run to their end; nobody hurries them.
    Jobs {
        jobs: Vec<Job>,
    },
    /// It cannot be told whether it is idle, and unknown is not idle.
    Evidence {
        why: String,
    },
    /// Idle so far; the proof takes several readings.
    Proof {
        n: usize,
        of: u32,
        span_left: std::time::Duration,
    },
    /// Its turn comes when the pool is whole enough.
    Turn {
        n_missing: u32,
        max_unavailable: u32,
    },
    /// So many of its pool are under way already.
    Batch {
        n_under_way: usize,
        batch: usize,
    },
    /// All pools of the operation together lack as many as they may.
    Total {
        n_missing: u32,
        max_unavailable: u32,
    },
    /// The canaries, or a checkpoint, come first.
    Stage {
        what: String,
    },
    /// So many instances more than the pool shall have in the end go first.
    Surplus {
        n: u32,
    },
    /// Watches what was replaced so far, until then.
    Bake {
        what: String,
        until: Timestamp,
        /// An operator may resume before.
        may_resume: bool,
    },
    /// The group launches them, and their agents register.
    NewInstances {
        n_ready: u32,
        n_wanted: u32,
    },
    /// AWS takes it down.
    Termination,
    /// A service asked us to come back later.
    Retry {
        why: String,
        at: Timestamp,
    },
    /// EC2 Auto Scaling rolls; what it says of that.
    Refresh {
        status: String,
        percent: Option<u32>,
        reason: Option<String>,
    },
    /// A point in time.
    Time {
        what: String,
        at: Timestamp,
    },
    Paused,
}

impl WaitingOn {
    /// Returns whether it ends only when others of the same operation, or newcomers, get on.
    pub(super) fn is_for_others(&self) -> bool {
        matches!(
            self,
            Self::Turn { .. }
                | Self::Batch { .. }
                | Self::Total { .. }
                | Self::Stage { .. }
                | Self::Surplus { .. }
                | Self::NewInstances { .. }
                | Self::Leavers { .. }
        )
    }
}

impl fmt::Display for WaitingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settling { what } => write!(f, "{what} to show"),
            Self::Leavers { instances } => {
                let ids: Vec<&str> = instances.iter().map(InstanceId::as_str).collect();
                write!(
                    f,
                    "the end of {} before max is lowered, which would raise desired while they count",
                    ids.join(", ")
                )
            }
            Self::Jobs { jobs } => match &jobs[..] {
                [] => f.write_str("a job that its controller hides from us"),
                [job] => write!(f, "job {}", job.name),
                [job, others @ ..] => write!(f, "job {} and {} more", job.name, others.len()),
            },
            Self::Evidence { why } => write!(f, "evidence: {why}"),
            Self::Proof { n, of, span_left } if span_left.is_zero() => {
                write!(f, "proof of idleness: {n} of {of} readings")
            }
            Self::Proof { n, of, span_left } => {
                let left = short_duration(*span_left);
                write!(f, "proof of idleness: {n} of {of} readings, {left} to go")
            }
            Self::Turn {
                n_missing,
                max_unavailable,
            } => {
                write!(
                    f,
                    "its turn: the pool lacks {n_missing} instances of at most {max_unavailable}"
                )
            }
            Self::Batch { n_under_way, batch } => {
                write!(
                    f,
                    "its turn: {n_under_way} of a batch of {batch} are under way"
                )
            }
            Self::Total {
                n_missing,
                max_unavailable,
            } => write!(
                f,
                "its turn: all pools together lack {n_missing} instances of at most {max_unavailable}"
            ),
            Self::Stage { what } => write!(f, "{what}"),
            Self::Surplus { n: 1 } => f.write_str("the one that is too many to go"),
            Self::Surplus { n } => write!(f, "the {n} that are too many to go"),
            Self::Bake {
                what,
                until,
                may_resume,
            } => {
                write!(f, "{what} to prove itself until {}", until.clock_time())?;
                if *may_resume {
                    f.write_str(", or an operator to resume it")?;
                }
                Ok(())
            }
            Self::NewInstances { n_ready, n_wanted } => write!(
                f,
                "new instances: {n_ready} of {n_wanted} are in service with their agents"
            ),
            Self::Termination => f.write_str("AWS to terminate it"),
            Self::Retry { why, .. } => write!(f, "another try after: {why}"),
            Self::Refresh {
                status,
                percent,
                reason,
            } => {
                write!(f, "EC2 Auto Scaling: {status}")?;
                if let Some(percent) = percent {
                    write!(f, ", {percent} %")?;
                }
                match reason {
                    Some(reason) => write!(f, ": {reason}"),
                    None => Ok(()),
                }
            }
            Self::Time { what, at } => write!(f, "{what} at {at}"),
            Self::Paused => f.write_str("an operator to resume it"),
        }
    }
}

/// Why an operation cannot go on without an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "halt", rename_all = "snake_case")]
pub enum Halt {
    Refused {
        subject: Subject,
        call: String,
        why: String,
    },
    /// Somebody or something lifts our cordon again and again.
    CordonLost { instance: InstanceId, n: u32 },
    /// Its controller says that it cordons an agent, and the agent stays open.
    CordonIgnored {
        instance: InstanceId,
        executor: String,
        n: u32,
    },
    /// Kept by AWS after its hook was abandoned.
    Retained { instance: InstanceId },
    /// Another operation owns it.
    Owned { instance: InstanceId, by: String },
    /// Another operation rolls the pool.
    PoolOwned { pool: PoolKey, by: String },
    /// Somebody took our mark off.
    Unmarked { subject: Subject },
    /// Its group is not in what is read any more.
    PoolGone { pool: PoolKey },
    /// Somebody else changed what the group launches from.
    TemplateChanged {
        pool: PoolKey,
        is: String,
        wanted: String,
    },
    /// Somebody or something changes desired again and again.
    DesiredFought { pool: PoolKey, n: u32, by: String },
    /// Somebody else rolls the same pool.
    RefreshRunning { pool: PoolKey, id: String },
    /// New instances do not come up.
    NewInstances { pool: PoolKey, why: String },
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { subject, call, why } => {
                write!(f, "{subject}: {call} was refused: {why}")
            }
            Self::CordonLost { instance, n } => {
                write!(
                    f,
                    "{instance}: its cordon was lifted {n} times by somebody else"
                )
            }
            Self::CordonIgnored {
                instance,
                executor,
                n,
            } => write!(
                f,
                "{instance}: agent {executor} was cordoned {n} times and is open still: its controller does not take \
                 that, or somebody lifts it at once"
            ),
            Self::Retained { instance } => {
                write!(
                    f,
                    "{instance}: retained by its group; look at it, and terminate it by name"
                )
            }
            Self::Owned { instance, by } => write!(f, "{instance}: operation {by} owns it"),
            Self::PoolOwned { pool, by } => write!(
                f,
                "{pool}: operation {by} owns it; abort one of the two, and resume the other"
            ),
            Self::Unmarked { subject } => write!(
                f,
                "{subject}: its mark is gone, as after `ops adopt --give-back` on another host; resume marks it \
                 again, abort leaves it"
            ),
            Self::PoolGone { pool } => write!(
                f,
                "{pool} is not there: it was deleted, or this configuration does not look at it; abort ends this, and \
                 lifts what cordons are left"
            ),
            Self::TemplateChanged { pool, is, wanted } => write!(
                f,
                "{pool}: somebody else made it launch from {is}, and {wanted} was wanted; AWS does not say who; \
                 resume sets {wanted} again, abort leaves it"
            ),
            Self::DesiredFought { pool, n, by } => write!(
                f,
                "{pool}: its desired size was changed {n} times by somebody else, last: {by}; resume tries again, \
                 and terminate-first needs no larger size"
            ),
            Self::RefreshRunning { pool, id } => write!(
                f,
                "{pool}: instance refresh {id} is under way; cancel it, and resume"
            ),
            Self::NewInstances { pool, why } => write!(
                f,
                "{pool}: {why}; resume goes on with what is there, abort stops, rollback goes back"
            ),
        }
    }
}

impl TargetState {
    /// Returns how far the target has come, in a word.
    pub fn step(&self) -> &'static str {
        if self.standby.is_applied() {
            return "standby";
        }
        if self.untag.is_applied() {
            return "given back";
        }
        if self.gone_at.is_some() {
            return "gone";
        }
        if self.terminate.may_have_happened_at().is_some() {
            return "terminating";
        }
        match &self.seen {
            Some(Sight::Idle { .. }) => "proving",
            _ if !self.cordons.is_empty() => "draining",
            _ if self.is_begun() => "marked",
            _ => "to come",
        }
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle { .. } => f.write_str("idle, and cordoned"),
            Self::Busy { jobs, .. } => match &jobs[..] {
                [] => f.write_str("busy with a job that its controller hides from us"),
                [job] => write!(f, "busy with {}", job.name),
                [job, others @ ..] => write!(f, "busy with {} and {} more", job.name, others.len()),
            },
            Self::Open { executor, .. } => write!(f, "agent {executor} may still be given a job"),
            Self::Unknown { why, .. } => write!(f, "not known: {why}"),
            Self::Leaving { .. } => f.write_str("on its way out"),
            Self::Gone { .. } => f.write_str("gone"),
        }
    }
}
