//! Action × Fleet → Plan or Refusal. Pure: the same input gives the same plan.

use serde::Serialize;

use super::{
    draft::Draft,
    grammar::{Action, PoolArg},
    guardrail::{Confirmation, Policy},
    money::CostChange,
    risk::JobAtRisk,
    verb,
};
use crate::{
    fleet::{Call, Fleet, InstanceId, PoolKey, ScopeId},
    operation::{Drain, Spec},
};

/// What an action would do, shown before it is done.
///
/// Only `plan` makes one, and the plan that was confirmed is held against a
/// fresh one before anything is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The command line that asks for the same, for the same reason.
    pub command_line: String,
    pub verb: String,
    /// The exact writes, in their order.
    pub calls: Vec<Call>,
    /// What a long operation calls besides, where it is needed.
    pub conditional_calls: Vec<ConditionalCall>,
    /// What it touches, frozen when the plan was made.
    pub targets: Vec<Target>,
    /// What will be different, as `desired: 5 → 8`.
    pub changes: Vec<Change>,
    /// What changes in dollars per hour; `None` when as many instances run as before.
    pub cost: Option<CostChange>,
    /// The jobs that run on the targets, by name; they go on running unless a warning says otherwise.
    pub jobs_at_risk: Vec<JobAtRisk>,
    pub warnings: Vec<String>,
    /// Whether it can end work or capacity; then Enter alone never confirms it.
    pub is_destructive: bool,
    pub confirmation: Confirmation,
    /// The words of the guardrail that applies.
    pub guardrail: Option<String>,
    /// What to watch after the calls.
    pub follow: Option<Follow>,
    /// Set when the calls are the steps of a long operation: each is made when its time has come.
    pub operation: Option<Spec>,
    /// Private, so that only `plan` can make one.
    #[serde(skip)]
    pub(super) seal: Seal,
}

/// A call that depends on what is found when its time comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConditionalCall {
    pub call: Call,
    /// When it is made, in words: `while a job runs, and the hook holds it`.
    pub when: &'static str,
}

/// Says what may be called besides, the same for many instances once: in words that fit a screen.
pub fn conditional_words(calls: &[ConditionalCall]) -> Vec<String> {
    let mut kinds: Vec<(&ConditionalCall, usize)> = Vec::new();
    for it in calls {
        let is_same = |(first, _): &&mut (&ConditionalCall, usize)| {
            first.call.operation() == it.call.operation() && first.when == it.when
        };
        match kinds.iter_mut().find(is_same) {
            Some((_, n)) => *n += 1,
            None => kinds.push((it, 1)),
        }
    }
    let words = |(it, n): &(&ConditionalCall, usize)| match n {
        1 => format!("{} ({})", it.call, it.when),
        n => format!("{}, and {} more such ({})", it.call, n - 1, it.when),
    };
    kinds.iter().map(words).collect()
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seal;

impl Plan {
    /// Returns whether carrying out either plan would do the same.
    ///
    /// Words that only explain may differ: a job that ended meanwhile changes
    /// nothing, unless the action could have ended it.
    pub fn does_the_same_as(&self, other: &Self) -> bool {
        self.calls == other.calls
            && self.conditional_calls == other.conditional_calls
            && self.targets == other.targets
            && self.operation == other.operation
            && self.confirmation <= other.confirmation
            && self.is_destructive == other.is_destructive
            && (!self.is_loss_certain() || self.jobs_at_risk == other.jobs_at_risk)
    }

    /// Returns whether it carries out the same request as the other, on instances that were
    /// chosen otherwise.
    ///
    /// Only for an action that leaves the choice to us: a drain takes the idlest of the moment,
    /// and under a stream of builds those are others a second later. Whoever they are, each is
    /// drained by the same steps and proven idle before it goes, so what is compared is what the
    /// request comes to: how many, of which pool, and the sizes before and after.
    pub fn chose_otherwise_than(&self, other: &Self) -> bool {
        let (Some(Spec::Drain(ours)), Some(Spec::Drain(theirs))) =
            (&self.operation, &other.operation)
        else {
            return false;
        };
        let is_same_spec = Drain {
            targets: theirs.targets.clone(),
            ..ours.clone()
        } == *theirs;
        is_same_spec
            && ours.targets.len() == theirs.targets.len()
            && !ours.force
            && self.changes == other.changes
            && self.confirmation <= other.confirmation
            && self.guardrail == other.guardrail
    }

    /// Returns whether a job that runs now may be ended by it; a drain waits for its jobs.
    fn is_loss_certain(&self) -> bool {
        let waits = self.operation.as_ref().is_some_and(|it| !it.is_forced());
        self.is_destructive && !waits
    }

    /// Returns how many instances the plan touches: those it names, or those it adds.
    pub fn n_instances(&self) -> usize {
        self.targets.iter().map(|it| it.instances.len()).sum()
    }
}

/// One pool that an action touches, and the instances in it that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    pub pool: PoolKey,
    pub instances: Vec<InstanceId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub pool: PoolKey,
    pub what: String,
    pub from: String,
    pub to: String,
}

/// What an action is followed to, once its calls were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// Until this many instances, none of them among `known`, are in service or failed.
    Launch {
        pool: PoolKey,
        n_instances: u32,
        known: Vec<InstanceId>,
    },
}

/// Why an action may not be done. Every sentence says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{verb} needs {what}")]
    Incomplete { verb: String, what: &'static str },
    #[error("no pool is called `{name}`{}", did_you_mean(.nearest.as_deref()))]
    NoSuchPool {
        name: String,
        nearest: Option<String>,
    },
    #[error("{} scopes have a pool called `{name}`; add --scope with one of {}", .scopes.len(), .scopes.join(", "))]
    AmbiguousPool { name: String, scopes: Vec<String> },
    #[error("no instance {id} is known; it may be gone, or in a region that is not configured")]
    NoSuchInstance { id: InstanceId },
    #[error(
        "{pool} is {kind}: no Auto Scaling group stands behind it, so there is nothing to {verb}"
    )]
    NotAGroup {
        pool: PoolKey,
        kind: &'static str,
        verb: String,
    },
    #[error("{id} belongs to no Auto Scaling group, so there is nothing to {verb}")]
    NotAMember { id: InstanceId, verb: String },
    #[error("{0}")]
    Unsound(String),
    #[error("{scope} is read-only{}; start with --write, or change `read_only` in the configuration", because(.why))]
    ReadOnly { scope: ScopeId, why: String },
    #[error("a guardrail forbids {verb} on {pool}{}", because(.reason.as_deref().unwrap_or("")))]
    Denied {
        verb: String,
        pool: String,
        reason: Option<String>,
    },
    #[error("{verb} would touch {n} of {of} instances of {pool}, and a guardrail allows {allowed}{}", because(.reason.as_deref().unwrap_or("")))]
    TooMany {
        verb: String,
        pool: String,
        n: u32,
        of: u32,
        allowed: String,
        reason: Option<String>,
    },
    #[error("{verb} on {pool} needs a reason; add --reason{}", because(.why.as_deref().unwrap_or("")))]
    ReasonMissing {
        verb: String,
        pool: String,
        why: Option<String>,
    },
    /// The action is already so; nothing needs to be done.
    #[error("nothing to do: {0}")]
    AlreadySo(String),
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |it| format!("; did you mean `{it}`?"))
}

fn because(why: &str) -> String {
    if why.is_empty() {
        String::new()
    } else {
        format!(" ({why})")
    }
}

/// Plans `action` against the fleet as last observed.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each verb, and nothing else"
)]
pub fn plan(
    action: &Action,
    reason: Option<&str>,
    fleet: &Fleet,
    policy: &Policy,
) -> Result<Plan, Refusal> {
    let mut draft = Draft::new(action, reason, fleet, policy);
    match action {
        Action::Scale {
            pool,
            size,
            min,
            max,
        } => verb::scale(&mut draft, pool, *size, *min, *max)?,
        Action::Launch { pool, count } => verb::launch(&mut draft, pool, *count)?,
        Action::Drain {
            drained,
            replace,
            decrement: _,
            max_unavailable,
            deadline,
        } => {
            let pool = PoolArg {
                pool: drained.pool.clone(),
                scope: drained.scope.clone(),
            };
            let choice = verb::Choice {
                named: &drained.instances,
                pool: &pool,
                count: drained.count,
            };
            let terms = verb::Terms {
                decrement: !replace,
                max_unavailable: *max_unavailable,
                deadline: *deadline,
                force: false,
            };
            verb::drain(&mut draft, &choice, terms)?;
        }
        Action::Terminate {
            instances,
            force,
            replace,
        } => verb::terminate(&mut draft, &instances.instances, *force, *replace, reason)?,
        Action::Cordon(it) => verb::cordon(&mut draft, &it.instances, reason)?,
        Action::Uncordon(it) => verb::uncordon(&mut draft, &it.instances)?,
        Action::Protect(it) => verb::protect(&mut draft, &it.instances, true)?,
        Action::Unprotect(it) => verb::protect(&mut draft, &it.instances, false)?,
        Action::Suspend { pool, processes } => verb::suspend(&mut draft, pool, processes)?,
        Action::Resume { pool, processes } => verb::resume(&mut draft, pool, processes)?,
        Action::Standby { instances, replace } => {
            verb::standby(&mut draft, &instances.instances, *replace)?;
        }
        Action::Activate(it) => verb::activate(&mut draft, &it.instances)?,
        Action::Hook {
            answer,
            instances,
            name,
            force,
        } => {
            let answer = verb::Answer {
                said: *answer,
                name: name.as_deref(),
                force: *force,
            };
            verb::hook(&mut draft, &instances.instances, &answer, reason)?;
        }
        Action::Reami(it) => verb::reami(&mut draft, it, reason)?,
        Action::Rollback(it) => verb::rollback(&mut draft, it)?,
        Action::Freeze { pool, duration } => verb::freeze(&mut draft, pool, *duration)?,
        Action::Refresh {
            answer,
            pool,
            terms,
        } => verb::refresh(&mut draft, *answer, pool, terms, reason)?,
        Action::Thaw { pool } => verb::thaw(&mut draft, pool)?,
        Action::Harden {
            pool,
            heartbeat,
            launch_hook,
            no_protection,
        } => {
            let hardness = verb::Hardness {
                heartbeat: *heartbeat,
                launch_hook: *launch_hook,
                protects: !no_protection,
            };
            verb::harden(&mut draft, pool, hardness)?;
        }
        Action::EnableMetrics { pool } => verb::enable_metrics(&mut draft, pool)?,
        Action::Tag {
            tag,
            instances,
            pool,
            propagate,
            scope,
        } => match pool {
            Some(_) => {
                let pool = PoolArg {
                    pool: pool.clone(),
                    scope: scope.clone(),
                };
                verb::tag_pool(&mut draft, &pool, tag, *propagate)?;
            }
            None => verb::tag_instances(&mut draft, instances, tag)?,
        },
    }
    draft.finish(reason, policy)
}
