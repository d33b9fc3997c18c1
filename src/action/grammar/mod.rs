//! The grammar of actions. A doc comment here is the `--help` there.

mod drained;
mod engine;
mod line;
mod parse;
mod refresh;
mod size;
#[cfg(test)]
mod tests;
mod verbs;
mod words;

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use self::parse::{parse_freeze, parse_heartbeat, parse_instance, parse_process, parse_tag};
pub use self::{
    drained::Drained,
    engine::{EngineArg, EngineFlags},
    line::ActionLine,
    refresh::{RefreshAnswer, RefreshFlags},
    size::Size,
    verbs::{Flag, Verb, verbs},
};
use super::rolling::{Reami, Rollback};
use crate::fleet::{InstanceId, PoolKey, PoolName, Process, ScopeId, parse_duration};

/// One action as an operator writes it: `scale workhorse 12 --reason "monday"`.
///
/// The same definition reads the command line, the `:` line and the values of
/// a keymap. What is left out is filled from the selection on the screen, and
/// is an error headless.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Action {
    /// Set how many instances a pool wants, and its bounds
    #[command(allow_negative_numbers = true)]
    Scale {
        #[command(flatten)]
        pool: PoolArg,
        /// The number wanted: 12, or +2 more, or -1 fewer
        #[arg(allow_hyphen_values = true)]
        size: Option<Size>,
        /// Lower bound of desired
        #[arg(long, value_name = "N")]
        min: Option<u32>,
        /// Upper bound of desired
        #[arg(long, value_name = "N")]
        max: Option<u32>,
    },
    /// Launch more instances and follow each until it is in service
    Launch {
        #[command(flatten)]
        pool: PoolArg,
        /// How many more
        #[arg(long, default_value_t = 1, value_name = "N")]
        count: u32,
    },
    /// Empty instances of their jobs, then terminate them through their group
    Drain {
        #[command(flatten)]
        drained: Drained,
        /// Let the group launch replacements instead of lowering desired
        #[arg(long)]
        replace: bool,
        /// Lower desired with each instance, as without --replace
        #[arg(long, conflicts_with = "replace")]
        decrement: bool,
        /// With --replace: how many instances the pool may lack at any time
        #[arg(long, value_name = "N", default_value_t = 1, requires = "replace")]
        max_unavailable: u32,
        /// Give back what is not terminated by then, such as 2h
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        deadline: Option<Duration>,
    },
    /// Give pools another image, and replace every instance without ending a job
    Reami(Box<Reami>),
    /// Take pools back to the template before, and replace every instance without ending a job
    Rollback(Box<Rollback>),
    /// Terminate instances; one that is not proven idle only by --force, with a reason
    Terminate {
        #[command(flatten)]
        instances: Instances,
        /// Do not look at the jobs: they are lost
        #[arg(long)]
        force: bool,
        /// Let the group launch replacements instead of lowering desired
        #[arg(long)]
        replace: bool,
    },
    /// Give the agents of instances no new jobs
    Cordon(Instances),
    /// Let the agents of instances take jobs again
    Uncordon(Instances),
    /// Protect instances from scale-in
    Protect(Instances),
    /// End the scale-in protection of instances
    Unprotect(Instances),
    /// Suspend processes of a pool's group
    Suspend {
        #[command(flatten)]
        pool: PoolArg,
        /// The processes; all when none is named
        #[arg(value_parser = parse_process, value_name = "PROCESS")]
        processes: Vec<Process>,
    },
    /// Resume processes of a pool's group
    Resume {
        #[command(flatten)]
        pool: PoolArg,
        /// The processes; all that are suspended when none is named
        #[arg(value_parser = parse_process, value_name = "PROCESS")]
        processes: Vec<Process>,
    },
    /// Take instances out of service and keep them running
    Standby {
        #[command(flatten)]
        instances: Instances,
        /// Launch replacements instead of lowering desired
        #[arg(long)]
        replace: bool,
    },
    /// Put instances in standby back into service
    Activate(Instances),
    /// Answer the lifecycle hook that holds instances, or give it more time
    Hook {
        /// What is said to it
        #[arg(value_enum, value_name = "ANSWER")]
        answer: HookAnswer,
        #[command(flatten)]
        instances: Instances,
        /// The hook that is meant, where several may hold an instance
        #[arg(long = "hook", value_name = "NAME")]
        name: Option<String>,
        /// Do not look at the jobs: they are lost
        #[arg(long)]
        force: bool,
    },
    /// Suspend what a pool's group does by itself, and remember what to resume
    Freeze {
        #[command(flatten)]
        pool: PoolArg,
        /// Thaw by itself after this, such as 1h
        #[arg(long = "for", value_name = "DURATION", value_parser = parse_freeze)]
        duration: Option<Duration>,
    },
    /// Resume what a freeze suspended, and nothing else
    Thaw {
        #[command(flatten)]
        pool: PoolArg,
    },
    /// Make a group wait, protect and retain before it ends a job: hooks, protection, retention
    Harden {
        #[command(flatten)]
        pool: PoolArg,
        /// How long a termination waits for an answer or a heartbeat, 30s to 2h
        #[arg(long, value_name = "DURATION", value_parser = parse_heartbeat)]
        heartbeat: Option<Duration>,
        /// Also let each launch wait until it is answered
        #[arg(long)]
        launch_hook: bool,
        /// Leave the scale-in protection of instances as it is
        #[arg(long)]
        no_protection: bool,
    },
    /// Let EC2 Auto Scaling roll a pool, and watch, hold, end or turn that round
    Refresh {
        /// What is to be done
        #[arg(value_enum, value_name = "ANSWER")]
        answer: RefreshAnswer,
        #[command(flatten)]
        pool: PoolArg,
        #[command(flatten)]
        terms: RefreshFlags,
    },
    /// Let CloudWatch collect the metrics of a pool's group
    EnableMetrics {
        #[command(flatten)]
        pool: PoolArg,
    },
    /// Set a tag on instances, or on a pool
    Tag {
        /// KEY=VALUE
        #[arg(value_parser = parse_tag, value_name = "KEY=VALUE")]
        tag: (String, String),
        /// The instances; the selected ones when none is named
        instances: Vec<InstanceId>,
        /// Tag the pool's group instead
        #[arg(long, value_name = "POOL", conflicts_with = "instances")]
        pool: Option<PoolName>,
        /// With --pool: also tag the instances that the group launches from now on
        #[arg(long, requires = "pool")]
        propagate: bool,
        /// With --pool: the scope, where several have a pool of that name
        #[arg(long, value_name = "SCOPE", requires = "pool")]
        scope: Option<ScopeId>,
    },
}

/// A pool by its name, and by its scope where several have that name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct PoolArg {
    /// The pool's name
    #[arg(value_name = "POOL")]
    pub pool: Option<PoolName>,
    /// The scope, where several have a pool of that name
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<ScopeId>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Instances {
    /// The instances, by id
    #[arg(value_name = "INSTANCE", value_parser = parse_instance)]
    pub instances: Vec<InstanceId>,
}

/// What is said to a lifecycle hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HookAnswer {
    /// Go on: into service, or to the termination
    Complete,
    /// Give up: a launch is replaced, a termination is retained or done at once
    Abandon,
    /// Wait the whole timeout anew
    Heartbeat,
}

impl std::fmt::Display for HookAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Abandon => "abandon",
            Self::Heartbeat => "heartbeat",
        })
    }
}

/// What the screen has under its cursor and its marks, frozen when the key was pressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub pool: Option<PoolKey>,
    pub instances: Vec<InstanceId>,
}

impl Action {
    /// Returns whether it changes nothing, so that nobody has to be asked.
    pub fn only_watches(&self) -> bool {
        let follow = RefreshAnswer::Follow;
        matches!(self, Self::Refresh { answer, .. } if *answer == follow)
    }

    /// Returns whether it says how many instances go, and leaves to us which.
    pub fn leaves_choice(&self) -> bool {
        match self {
            Self::Scale { .. } => true,
            Self::Drain { drained, .. } => drained.instances.is_empty() && drained.count.is_some(),
            _ => false,
        }
    }

    /// Fills what the operator left out from the selection.
    #[must_use]
    pub fn fill(mut self, selection: &Selection) -> Self {
        match &mut self {
            Self::Scale { pool, size, .. } => {
                // `:scale 12` on a selected pool: the one word is the size.
                let word = pool.pool.as_ref().map(|it| it.as_str().parse());
                if let (None, Some(Ok(found)), Some(_)) = (&size, word, &selection.pool) {
                    *size = Some(found);
                    pool.pool = None;
                }
                pool.fill(selection);
            }
            Self::Suspend { pool, processes } | Self::Resume { pool, processes } => {
                let word = pool.pool.as_ref().map(|it| parse_process(it.as_str()));
                if let (Some(Ok(process)), Some(_)) = (word, &selection.pool) {
                    processes.insert(0, process);
                    pool.pool = None;
                }
                pool.fill(selection);
            }
            Self::Reami(it) => it.fill(selection.pool.as_ref()),
            Self::Rollback(it) => it.fill(selection.pool.as_ref()),
            Self::Launch { pool, .. }
            | Self::EnableMetrics { pool }
            | Self::Freeze { pool, .. }
            | Self::Thaw { pool }
            | Self::Refresh { pool, .. }
            | Self::Harden { pool, .. } => pool.fill(selection),
            Self::Protect(it)
            | Self::Unprotect(it)
            | Self::Activate(it)
            | Self::Cordon(it)
            | Self::Uncordon(it)
            | Self::Terminate { instances: it, .. }
            | Self::Hook { instances: it, .. }
            | Self::Standby { instances: it, .. } => {
                if it.instances.is_empty() {
                    it.instances.clone_from(&selection.instances);
                }
            }
            Self::Drain { drained, .. } => {
                if drained.pool.is_none() && drained.instances.is_empty() {
                    drained.instances.clone_from(&selection.instances);
                }
            }
            Self::Tag {
                instances, pool, ..
            } => {
                if pool.is_none() && instances.is_empty() {
                    instances.clone_from(&selection.instances);
                }
            }
        }
        self
    }

    /// Returns the verb, as the command line names it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Scale { .. } => "scale",
            Self::Launch { .. } => "launch",
            Self::Drain { .. } => "drain",
            Self::Terminate { .. } => "terminate",
            Self::Cordon(_) => "cordon",
            Self::Uncordon(_) => "uncordon",
            Self::Protect(_) => "protect",
            Self::Unprotect(_) => "unprotect",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Standby { .. } => "standby",
            Self::Activate(_) => "activate",
            Self::Reami(_) => "reami",
            Self::Rollback(_) => "rollback",
            Self::Hook { .. } => "hook",
            Self::Freeze { .. } => "freeze",
            Self::Thaw { .. } => "thaw",
            Self::Harden { .. } => "harden",
            Self::Refresh { .. } => "refresh",
            Self::EnableMetrics { .. } => "enable-metrics",
            Self::Tag { .. } => "tag",
        }
    }
}

impl PoolArg {
    fn fill(&mut self, selection: &Selection) {
        if self.pool.is_none()
            && let Some(key) = &selection.pool
        {
            self.pool = Some(key.name.clone());
            self.scope = Some(key.scope.clone());
        }
    }
}
