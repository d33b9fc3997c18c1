//! What happens to an operation, as its journal keeps it.

use serde::{Deserialize, Serialize};

use super::{Agent, Fight, OperationId, Outcomes, Owner, Shape, Sight, Spec};
use crate::fleet::{Call, FailureKind, InstanceId, PoolKey, Timestamp};

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the first of a journal, and a journal is short"
)]
pub enum Happening {
    /// Always the first, and only the first.
    Planned {
        version: u32,
        id: OperationId,
        spec: Spec,
        owner: Owner,
        reason: Option<String>,
        command_line: String,
    },
    /// On disk before the call is sent: after a crash it may or may not have happened.
    Intended {
        call: Call,
    },
    Applied {
        call: Call,
        /// What the call made, by the name that the service gave it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made: Option<String>,
    },
    /// The service answered no, so nothing happened.
    Refused {
        call: Call,
        kind: FailureKind,
        why: String,
    },
    /// No answer: it may have happened.
    Unanswered {
        call: Call,
        why: String,
    },
    /// What a reading said of a target.
    Saw {
        instance: InstanceId,
        sight: Sight,
        /// The agents that no earlier reading showed on it: one that is missed later may run a job.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        met: Vec<Agent>,
    },
    /// A source could not be read, so nothing is done until it can be.
    Stalled {
        why: String,
    },
    /// Every source is read again.
    Unstalled,
    /// The driver's clock was set, or its machine slept: what was written before is as much
    /// younger as the clock says too much.
    ClockSet {
        by_millis: i64,
    },
    /// What desired was seen to be, where our own calls leave it open or do not explain it.
    SawDesired {
        pool: PoolKey,
        desired: u32,
        /// Set when it was somebody else: what AWS says of it.
        by: Option<String>,
        /// What the pool shall have in the end from now on; what was seen, when it is not told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<u32>,
    },
    /// A new instance is in service, and its agent has registered.
    Registered {
        pool: PoolKey,
        instance: InstanceId,
    },
    /// How jobs ended on the old instances of a pool.
    Outcomes {
        pool: PoolKey,
        outcomes: Outcomes,
    },
    /// The group has fewer members than it wants, or has them all again.
    Short {
        pool: PoolKey,
        is_short: bool,
    },
    /// An instance that has to go too: of the wrong template, or one too many.
    Enlisted {
        pool: PoolKey,
        instance: InstanceId,
        is_surplus: bool,
    },
    /// The group launches from what was wanted; whoever changes that from now on is somebody else.
    InUse {
        pool: PoolKey,
    },
    /// The canaries, or those of a checkpoint, are replaced.
    Reached {
        pool: PoolKey,
    },
    /// New instances do not come up: the template before is the goal from now on.
    TurnedBack {
        why: String,
    },
    /// What a group is like, to be compared with later readings.
    Noted {
        pool: PoolKey,
        shape: Shape,
    },
    /// Somebody else changed what we left; it is not changed back.
    Fought {
        fight: Fight,
    },
    /// So many may be out of service at a time from now on.
    SpedUp {
        max_unavailable: u32,
    },
    Paused,
    Resumed,
    /// Gives back what has not been terminated, and ends.
    Aborted {
        why: String,
    },
    /// It goes on with what another operation began, of which only the marks are known.
    TookOver {
        from: OperationId,
        owner: Option<Owner>,
    },
    /// What that operation had done, by its marks.
    Found {
        call: Call,
    },
    /// Another driver took over.
    Adopted {
        owner: Owner,
    },
    /// Nothing more will happen; the sentences say what was not done.
    Ended {
        left: Vec<String>,
    },
}

impl Event {
    pub const VERSION: u32 = 1;
}
