//! What an operation was asked to do; it never changes while it runs.

use std::{fmt, sync::LazyLock, time::Duration};

use serde::{Deserialize, Serialize};

use crate::fleet::{
    Capacity, ImageId, InstanceId, LaunchSource, PoolKey, Process, RefreshTerms, TemplateVersion,
    short_duration,
};

/// The key of the EC2 tag that says which operation owns an instance.
pub const TAG: &str = "pooldeck:operation";

/// The name of an operation, the same in journals, tags and cordon notes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub String);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who drives an operation: one person on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub user: String,
    pub host: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Spec {
    Drain(Drain),
    Freeze(Freeze),
    Roll(Roll),
    Refresh(Refresh),
}

/// Empties the named instances of their jobs, and terminates them through their group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    pub pool: PoolKey,
    /// In the order in which they go.
    pub targets: Vec<InstanceId>,
    /// Whether desired goes down with each; otherwise the group replaces it.
    pub decrement: bool,
    /// How many instances the pool may be short of, at any time; only replacing drains count.
    pub max_unavailable: u32,
    pub proof: Proof,
    /// After this, what has not been terminated is given back.
    pub deadline: Option<Duration>,
    /// Terminates without looking at the jobs; the operator named each instance and gave a reason.
    pub force: bool,
}

/// Suspends processes of a group, and resumes them when their time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub pool: PoolKey,
    /// Those that ran when it was planned; the others are not ours to resume.
    pub processes: Vec<Process>,
    /// Without one it is over once it holds, and somebody has to thaw it.
    pub duration: Option<Duration>,
}

/// Gives pools another template, and then replaces their instances without ending a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// All at once, each by its own stages; a failure in one turns all of them back.
    pub pools: Vec<PoolRoll>,
    pub strategy: Strategy,
    /// So many go first, alone, and are watched for `bake`.
    pub canary: u32,
    /// How many instances each pool may be short of, at any time.
    pub max_unavailable: u32,
    /// How many all pools together may be short of.
    pub max_unavailable_total: Option<u32>,
    /// How long the canaries are watched.
    pub bake: Duration,
    /// Percentages of a pool at which it stops for `checkpoint_delay`, ascending.
    pub checkpoints: Vec<u32>,
    pub checkpoint_delay: Duration,
    /// After this, what has not been terminated is given back.
    pub deadline: Option<Duration>,
    pub on_failure: OnFailure,
    pub proof: Proof,
    /// Whether it goes back to what an earlier operation left.
    pub is_rollback: bool,
}

/// One pool of a roll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRoll {
    pub pool: PoolKey,
    /// What it launched from when this was planned: where a failure leads back to.
    pub from: LaunchSource,
    /// `$Latest` or `$Default`, where the group said that instead of a number.
    pub word: Option<String>,
    pub to: Change,
    /// In the order in which they go.
    pub targets: Vec<InstanceId>,
    pub capacity: Capacity,
    /// Suspended while it rolls: a surge unbalances the zones, and AWS would even them out by
    /// terminating whom it likes.
    pub suspends: Vec<Process>,
    /// So many are replaced at a time.
    pub batch: u32,
    /// How long an instance may take from its launch until its agent registers.
    pub boot_budget: Duration,
}

/// How a pool comes to launch something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A copy of what it launches from, with this image; with the same one instances boot afresh.
    Copy { image: Option<ImageId> },
    /// Something that is there already.
    Existing(LaunchSource),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// New instances first, then as many old ones go.
    #[default]
    Surge,
    /// An old instance goes first, and the group replaces it.
    TerminateFirst,
}

/// What a roll does when new instances do not come up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Stops, and waits for an operator.
    Hold,
    /// Goes back to the template before, and replaces what is new already.
    #[default]
    Rollback,
}

/// Lets EC2 Auto Scaling roll a pool, and follows that to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    pub pool: PoolKey,
    pub terms: RefreshTerms,
    /// The version that is made before it starts, and that it rolls to; the terms name none then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<VersionCopy>,
    /// What the group launched from before, where it rolls to another version that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Box<TemplateVersion>>,
    /// The id of a refresh that is under way already: it is followed, and none is started.
    pub follows: Option<String>,
    /// No hook holds its instances; the operator knows, and gave a reason.
    pub force: bool,
}

/// A version of a launch template as a copy of another, with this image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionCopy {
    pub from: TemplateVersion,
    pub image: ImageId,
}

/// What it takes to believe that an instance is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// So many readings, each newer than the last.
    pub n_readings: u32,
    /// From the first to the last of them.
    pub span: Duration,
    /// The last of them is not older than this when the instance is terminated.
    pub max_age: Duration,
    /// How long reads may lag behind writes: so long our own intents are remembered.
    pub settle: Duration,
}

impl Default for Proof {
    /// Busy flags have been seen wrong for 25 to 60 s after a job began, so a
    /// minute of idleness is asked for.
    fn default() -> Self {
        Self {
            n_readings: 3,
            span: Duration::from_mins(1),
            max_age: Duration::from_secs(45),
            settle: Duration::from_mins(1),
        }
    }
}

impl Proof {
    /// Says in which way this asks for less than the default does; `None` when it does not.
    pub fn weakness(&self) -> Option<String> {
        let safe = Self::default();
        let is_weak = self.n_readings < safe.n_readings
            || self.span < safe.span
            || safe.max_age < self.max_age
            || self.settle < safe.settle;
        is_weak.then(|| {
            format!(
                "the configuration's [proof] believes {self}; less than {safe} has taken a busy agent for an idle one"
            )
        })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (span, max_age) = (short_duration(self.span), short_duration(self.max_age));
        let settle = short_duration(self.settle);
        write!(
            f,
            "{} readings over {span}, the last not older than {max_age}, and writes that show within {settle}",
            self.n_readings
        )
    }
}

/// What operations go by that ask for no proof of their own.
static USUAL: LazyLock<Proof> = LazyLock::new(Proof::default);

impl Spec {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Drain(_) => "drain",
            Self::Freeze(_) => "freeze",
            Self::Roll(it) if it.is_rollback => "rollback",
            Self::Roll(_) => "reami",
            Self::Refresh(_) => "refresh",
        }
    }

    /// Returns the pool that it is about; of several, the first.
    pub fn pool(&self) -> &PoolKey {
        match self {
            Self::Drain(it) => &it.pool,
            Self::Freeze(it) => &it.pool,
            Self::Roll(it) => &it.pools[0].pool,
            Self::Refresh(it) => &it.pool,
        }
    }

    /// Returns every pool that it may touch.
    pub fn pools(&self) -> Vec<&PoolKey> {
        match self {
            Self::Drain(it) => vec![&it.pool],
            Self::Freeze(it) => vec![&it.pool],
            Self::Roll(it) => it.pools.iter().map(|it| &it.pool).collect(),
            Self::Refresh(it) => vec![&it.pool],
        }
    }

    /// Returns whether it ends jobs that run; every other operation waits for them.
    pub fn is_forced(&self) -> bool {
        match self {
            Self::Drain(it) => it.force,
            Self::Freeze(_) | Self::Roll(_) => false,
            Self::Refresh(it) => it.force,
        }
    }

    /// Returns whether it looks at jobs; what does not goes on while a controller is silent.
    pub fn asks_controllers(&self) -> bool {
        match self {
            Self::Drain(_) | Self::Roll(_) => true,
            Self::Freeze(_) | Self::Refresh(_) => false,
        }
    }

    /// Returns after how long what has not been terminated is given back.
    pub fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Drain(it) => it.deadline,
            Self::Roll(it) => it.deadline,
            Self::Freeze(_) | Self::Refresh(_) => None,
        }
    }

    /// Returns how many may be out of service at a time; none when all go at once.
    pub fn max_unavailable(&self) -> Option<u32> {
        match self {
            Self::Drain(it) => (!it.decrement && !it.force).then_some(it.max_unavailable),
            Self::Roll(it) => Some(it.max_unavailable),
            Self::Freeze(_) | Self::Refresh(_) => None,
        }
    }

    pub fn proof(&self) -> &Proof {
        match self {
            Self::Drain(it) => &it.proof,
            // It proves nothing idle; only how long reads lag matters.
            Self::Roll(it) => &it.proof,
            Self::Freeze(_) | Self::Refresh(_) => &USUAL,
        }
    }

    /// Returns the instances that were named when it was planned; it may come to know more.
    pub fn targets(&self) -> Vec<InstanceId> {
        let homes = self.homes().into_iter();
        homes.map(|(_, id)| id.clone()).collect()
    }

    /// Returns the same instances, each with its pool.
    pub(super) fn homes(&self) -> Vec<(&PoolKey, &InstanceId)> {
        match self {
            Self::Drain(it) => it.targets.iter().map(|id| (&it.pool, id)).collect(),
            Self::Roll(it) => {
                let pools = it.pools.iter();
                pools
                    .flat_map(|it| it.targets.iter().map(move |id| (&it.pool, id)))
                    .collect()
            }
            Self::Freeze(_) | Self::Refresh(_) => Vec::new(),
        }
    }
}
