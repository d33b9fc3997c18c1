//! The grammar of actions. A doc comment here is the `--help` there.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::rolling::{Reami, Rollback};
use crate::fleet::{InstanceId, PoolKey, PoolName, Process, Reluctance, ScopeId, parse_duration};

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
        instances: Instances,
        /// Let pooldeck choose --count instances of this pool
        #[arg(
            long,
            value_name = "POOL",
            conflicts_with = "instances",
            requires = "count"
        )]
        pool: Option<PoolName>,
        /// With --pool: how many
        #[arg(long, value_name = "N", requires = "pool")]
        count: Option<u32>,
        /// With --pool: the scope, where several have a pool of that name
        #[arg(long, value_name = "SCOPE", requires = "pool")]
        scope: Option<ScopeId>,
        /// Let the group launch replacements instead of lowering desired
        #[arg(long)]
        replace: bool,
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

/// What is to become of an instance refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RefreshAnswer {
    /// Begin one, and follow it to its end
    Start,
    /// Follow the one that is under way, whoever began it
    Follow,
    /// Let it rest: suspend its process
    Pause,
    /// Let it go on
    Resume,
    /// End it where it is
    Cancel,
    /// Turn it round: what was replaced is replaced again, by the old
    Rollback,
}

impl std::fmt::Display for RefreshAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Follow => "follow",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Rollback => "rollback",
        })
    }
}

/// On which terms an instance refresh starts; what is left out is left to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RefreshFlags {
    /// The template version to roll to, by its number; the pool's own when left out
    #[arg(long, value_name = "N")]
    pub template_version: Option<String>,
    /// Percent of desired that stays in service, 0 to 100
    #[arg(long, value_name = "PERCENT")]
    pub min_healthy: Option<u32>,
    /// Percent of desired that may be there, 100 to 200; above 100 replacements come first
    #[arg(long, value_name = "PERCENT")]
    pub max_healthy: Option<u32>,
    /// How long a new instance is watched before it counts
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub warmup: Option<Duration>,
    /// Percentages at which it stops for a while, such as 20,50,100
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',')]
    pub checkpoints: Vec<u32>,
    /// How long it stops at a checkpoint; an hour when left out
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub checkpoint_delay: Option<Duration>,
    /// How long it watches its alarms after the last replacement
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub bake: Option<Duration>,
    /// A CloudWatch alarm that ends it; may be repeated
    #[arg(long = "alarm", value_name = "NAME")]
    pub alarms: Vec<String>,
    /// Turn it round by itself when it fails or an alarm goes off
    #[arg(long)]
    pub auto_rollback: bool,
    /// Replace also what is as it should be already
    #[arg(long)]
    pub all: bool,
    /// What to do about instances that are protected from scale-in
    #[arg(long, value_enum, value_name = "WHAT")]
    pub protected: Option<OnProtected>,
    /// What to do about instances in standby
    #[arg(long, value_enum, value_name = "WHAT")]
    pub standby: Option<OnStandby>,
    /// Do not look at the jobs: they are lost where no hook holds their instance
    #[arg(long)]
    pub force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnProtected {
    Refresh,
    Ignore,
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnStandby {
    Terminate,
    Ignore,
    Wait,
}

impl From<OnProtected> for Reluctance {
    fn from(it: OnProtected) -> Self {
        match it {
            OnProtected::Refresh => Self::Replace,
            OnProtected::Ignore => Self::Ignore,
            OnProtected::Wait => Self::Wait,
        }
    }
}

impl From<OnStandby> for Reluctance {
    fn from(it: OnStandby) -> Self {
        match it {
            OnStandby::Terminate => Self::Replace,
            OnStandby::Ignore => Self::Ignore,
            OnStandby::Wait => Self::Wait,
        }
    }
}

impl RefreshFlags {
    fn write_to(&self, words: &mut Vec<String>) {
        flag(words, "--template-version", self.template_version.as_ref());
        flag(words, "--min-healthy", self.min_healthy.as_ref());
        flag(words, "--max-healthy", self.max_healthy.as_ref());
        seconds(words, "--warmup", self.warmup);
        let checkpoints: Vec<String> = self.checkpoints.iter().map(ToString::to_string).collect();
        let checkpoints = Some(checkpoints.join(",")).filter(|it| !it.is_empty());
        flag(words, "--checkpoints", checkpoints.as_ref());
        seconds(words, "--checkpoint-delay", self.checkpoint_delay);
        seconds(words, "--bake", self.bake);
        for alarm in &self.alarms {
            flag(words, "--alarm", Some(alarm));
        }
        words.extend(self.auto_rollback.then(|| "--auto-rollback".to_owned()));
        words.extend(self.all.then(|| "--all".to_owned()));
        let word = |it: Reluctance| it.of_protected().to_lowercase();
        flag(
            words,
            "--protected",
            self.protected.map(|it| word(it.into())).as_ref(),
        );
        let word = |it: Reluctance| it.of_standby().to_lowercase();
        flag(
            words,
            "--standby",
            self.standby.map(|it| word(it.into())).as_ref(),
        );
        words.extend(self.force.then(|| "--force".to_owned()));
    }
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

/// A size as an operator writes it: absolute, or relative to desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    To(u32),
    By(i64),
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || format!("`{text}` is not a size; write 12, +2 or -1");
        if text.starts_with(['+', '-']) {
            let by: i64 = text.parse().map_err(|_| expected())?;
            return if u32::try_from(by.unsigned_abs()).is_ok() {
                Ok(Self::By(by))
            } else {
                Err(expected())
            };
        }
        text.parse().map(Self::To).map_err(|_| expected())
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::To(n) => write!(f, "{n}"),
            Self::By(by) => write!(f, "{by:+}"),
        }
    }
}

/// An action with the words that may follow any action.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    disable_help_subcommand = true
)]
pub struct ActionLine {
    #[command(subcommand)]
    pub action: Action,
    /// Why; goes to the audit log, and some guardrails want it
    #[arg(long, global = true, value_name = "TEXT")]
    pub reason: Option<String>,
}

impl std::str::FromStr for ActionLine {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let words = shlex::split(line)
            .ok_or_else(|| format!("`{line}`: a quotation mark is not closed"))?;
        Self::try_parse_from(words).map_err(|error| clap_sentence(&error))
    }
}

/// Returns clap's error without its usage block, as one line.
fn clap_sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let sentence: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|it| !it.starts_with("Usage:") && !it.starts_with("For more information"))
        .filter(|it| !it.is_empty())
        .collect();
    sentence.join(" ").trim_start_matches("error: ").to_owned()
}

/// What the screen has under its cursor and its marks, frozen when the key was pressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub pool: Option<PoolKey>,
    pub instances: Vec<InstanceId>,
}

impl Action {
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
            Self::Drain {
                instances: Instances { instances },
                pool,
                ..
            }
            | Self::Tag {
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

/// Writes the action as the command line that would do the same.
impl std::fmt::Display for Action {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each verb, and nothing else"
    )]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut words = vec![self.verb().to_owned()];
        let ids = |words: &mut Vec<String>, it: &[InstanceId]| {
            words.extend(it.iter().map(ToString::to_string));
        };
        match self {
            Self::Scale {
                pool,
                size,
                min,
                max,
            } => {
                pool.name_to(&mut words);
                words.extend(size.map(|it| it.to_string()));
                flag(&mut words, "--min", min.as_ref());
                flag(&mut words, "--max", max.as_ref());
                pool.scope_to(&mut words);
            }
            Self::Launch { pool, count } => {
                pool.name_to(&mut words);
                flag(&mut words, "--count", Some(count));
                pool.scope_to(&mut words);
            }
            Self::Drain {
                instances,
                pool,
                count,
                scope,
                replace,
                max_unavailable,
                deadline,
            } => {
                ids(&mut words, &instances.instances);
                flag(&mut words, "--pool", pool.as_ref());
                flag(&mut words, "--count", count.as_ref());
                flag(&mut words, "--scope", scope.as_ref());
                words.extend(replace.then(|| "--replace".to_owned()));
                let shown = (*max_unavailable != 1).then_some(max_unavailable);
                flag(&mut words, "--max-unavailable", shown);
                let deadline = deadline.map(|it| format!("{}s", it.as_secs()));
                flag(&mut words, "--deadline", deadline.as_ref());
            }
            Self::Terminate {
                instances,
                force,
                replace,
            } => {
                ids(&mut words, &instances.instances);
                words.extend(force.then(|| "--force".to_owned()));
                words.extend(replace.then(|| "--replace".to_owned()));
            }
            Self::Protect(it)
            | Self::Unprotect(it)
            | Self::Activate(it)
            | Self::Cordon(it)
            | Self::Uncordon(it) => {
                ids(&mut words, &it.instances);
            }
            Self::Standby { instances, replace } => {
                ids(&mut words, &instances.instances);
                words.extend(replace.then(|| "--replace".to_owned()));
            }
            Self::Suspend { pool, processes } | Self::Resume { pool, processes } => {
                pool.name_to(&mut words);
                words.extend(processes.iter().map(ToString::to_string));
                pool.scope_to(&mut words);
            }
            Self::Hook {
                answer,
                instances,
                name,
                force,
            } => {
                words.push(answer.to_string());
                ids(&mut words, &instances.instances);
                flag(&mut words, "--hook", name.as_ref());
                words.extend(force.then(|| "--force".to_owned()));
            }
            Self::Refresh {
                answer,
                pool,
                terms,
            } => {
                words.push(answer.to_string());
                pool.name_to(&mut words);
                terms.write_to(&mut words);
                pool.scope_to(&mut words);
            }
            Self::Reami(it) => words.extend(it.words()),
            Self::Rollback(it) => words.extend(it.words()),
            Self::Freeze { pool, duration } => {
                pool.name_to(&mut words);
                seconds(&mut words, "--for", *duration);
                pool.scope_to(&mut words);
            }
            Self::Harden {
                pool,
                heartbeat,
                launch_hook,
                no_protection,
            } => {
                pool.name_to(&mut words);
                seconds(&mut words, "--heartbeat", *heartbeat);
                words.extend(launch_hook.then(|| "--launch-hook".to_owned()));
                words.extend(no_protection.then(|| "--no-protection".to_owned()));
                pool.scope_to(&mut words);
            }
            Self::EnableMetrics { pool } | Self::Thaw { pool } => {
                pool.name_to(&mut words);
                pool.scope_to(&mut words);
            }
            Self::Tag {
                tag: (key, value),
                instances,
                pool,
                propagate,
                scope,
            } => {
                words.push(format!("{key}={value}"));
                ids(&mut words, instances);
                flag(&mut words, "--pool", pool.as_ref());
                words.extend(propagate.then(|| "--propagate".to_owned()));
                flag(&mut words, "--scope", scope.as_ref());
            }
        }
        // A NUL byte cannot be quoted, and no argument of ours can hold one.
        let line =
            shlex::try_join(words.iter().map(String::as_str)).map_err(|_| std::fmt::Error)?;
        f.write_str(&line)
    }
}

impl PoolArg {
    fn name_to(&self, words: &mut Vec<String>) {
        words.extend(self.pool.iter().map(ToString::to_string));
    }

    fn scope_to(&self, words: &mut Vec<String>) {
        flag(words, "--scope", self.scope.as_ref());
    }
}

fn flag(words: &mut Vec<String>, name: &str, value: Option<&impl ToString>) {
    if let Some(value) = value {
        words.extend([name.to_owned(), value.to_string()]);
    }
}

fn seconds(words: &mut Vec<String>, name: &str, value: Option<Duration>) {
    flag(
        words,
        name,
        value.map(|it| format!("{}s", it.as_secs())).as_ref(),
    );
}

/// A verb as help and the palette show it, read off the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verb {
    pub name: String,
    pub about: String,
    pub usage: String,
    /// What the words after the verb are, in their order: `POOL`, `INSTANCE`; the last may repeat.
    pub arguments: Vec<String>,
    pub flags: Vec<Flag>,
}

/// A flag of a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// With its dashes.
    pub name: String,
    pub about: String,
    /// The word for its value, where it takes one.
    pub value: Option<String>,
}

/// Returns every verb of the grammar, in its order.
pub fn verbs() -> Vec<Verb> {
    use clap::CommandFactory as _;
    let mut command = ActionLine::command();
    command.build();
    command
        .get_subcommands_mut()
        .map(|it| Verb {
            name: it.get_name().to_owned(),
            about: it.get_about().map(ToString::to_string).unwrap_or_default(),
            usage: it
                .render_usage()
                .to_string()
                .trim_start_matches("Usage: ")
                .trim()
                .to_owned(),
            arguments: it.get_positionals().map(value_name).collect(),
            flags: it
                .get_opts()
                .chain(switches(it))
                .filter_map(flag_of)
                .collect(),
        })
        .collect()
}

/// Returns the flags that take no value.
fn switches(command: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    let is_switch = |it: &&clap::Arg| !it.is_positional() && !it.get_action().takes_values();
    command.get_arguments().filter(is_switch)
}

fn value_name(arg: &clap::Arg) -> String {
    let name = arg.get_value_names().and_then(<[_]>::first);
    name.map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string)
}

fn flag_of(arg: &clap::Arg) -> Option<Flag> {
    Some(Flag {
        name: format!("--{}", arg.get_long()?),
        about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        value: arg.get_action().takes_values().then(|| value_name(arg)),
    })
}

fn parse_process(text: &str) -> Result<Process, String> {
    let known = || Process::KNOWN.iter();
    if let Some(process) = known().find(|it| it.as_str().eq_ignore_ascii_case(text)) {
        return Ok(process.clone());
    }
    let names = known().map(Process::as_str);
    let hint = crate::fleet::nearest(text, names.clone()).map_or_else(
        || format!("one of {}", names.collect::<Vec<_>>().join(", ")),
        |it| format!("did you mean `{it}`?"),
    );
    Err(format!("no process is called `{text}`; {hint}"))
}

fn parse_instance(text: &str) -> Result<InstanceId, String> {
    if InstanceId::is_well_formed(text) {
        Ok(InstanceId::from(text))
    } else {
        Err(format!(
            "`{text}` is not an instance id; it looks like i-0123456789abcdef0"
        ))
    }
}

/// A freeze that nobody remembers is worse than none, so it is not for ever.
fn parse_freeze(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if (Duration::from_mins(1)..=Duration::from_hours(7 * 24)).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "`{text}` is no time for a freeze; from 1m to 7d, or leave it out and thaw by hand"
        ))
    }
}

/// The limits are those of `PutLifecycleHook`.
fn parse_heartbeat(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if (Duration::from_secs(30)..=Duration::from_hours(2)).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "`{text}` is no heartbeat timeout; AWS takes 30s to 2h"
        ))
    }
}

/// Reads `KEY=VALUE`; the limits are EC2's: 128 and 256 characters, no `aws:` keys.
fn parse_tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not a tag; write KEY=VALUE"))?;
    if key.is_empty() || 128 < key.chars().count() || 256 < value.chars().count() {
        return Err(format!(
            "`{text}`: a tag's key has 1 to 128 characters, its value at most 256"
        ));
    }
    if key.to_lowercase().starts_with("aws:") {
        return Err(format!(
            "`{key}`: AWS keeps the keys that begin with `aws:` for itself"
        ));
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Action {
        line.parse::<ActionLine>().unwrap().action
    }

    #[test]
    fn every_verb_writes_itself_as_it_is_read() {
        for line in [
            "scale workhorse 12",
            "scale workhorse +2 --min 1 --max 30",
            "scale workhorse -1 --scope prod/us-east-1",
            "scale workhorse --max 9",
            "launch workhorse --count 3",
            "drain i-0123456789abcdef0 --replace --max-unavailable 2 --deadline 7200s",
            "drain --pool workhorse --count 2 --scope prod/us-east-1",
            "reami workhorse ami-0123456789abcdef0",
            "reami 'workhorse,arm' --bootstrap --strategy terminate-first --canary 0 --batch 2 --max-unavailable 2 \
             --max-unavailable-total 3 --bake 60s --checkpoints '25,50' --checkpoint-delay 600s --boot-budget 900s \
             --deadline 7200s --on-failure hold --scope prod/us-east-1",
            "reami workhorse --template-version 7 --no-rollback",
            "rollback 'workhorse,arm' --to '3,5'",
            "rollback op-20251121-abcde",
            "terminate i-0123456789abcdef0 --force --replace",
            "cordon i-0123456789abcdef0",
            "uncordon i-0123456789abcdef0",
            "protect i-0123456789abcdef0 i-0123456789abcdef1",
            "unprotect i-0123456789abcdef0",
            "suspend workhorse Launch AZRebalance",
            "resume workhorse",
            "standby i-0123456789abcdef0 --replace",
            "activate i-0123456789abcdef0",
            "enable-metrics workhorse",
            "hook complete i-0123456789abcdef0 i-0123456789abcdef1 --hook drain --force",
            "hook heartbeat i-0123456789abcdef0",
            "freeze workhorse --for 3600s --scope prod/us-east-1",
            "freeze workhorse",
            "refresh start workhorse --template-version 7 --min-healthy 50 --max-healthy 120 --checkpoints '20,100' \
             --checkpoint-delay 600s --bake 60s --alarm a --alarm b --auto-rollback --all --protected ignore \
             --standby terminate --force",
            "refresh rollback workhorse --scope prod/us-east-1",
            "thaw workhorse",
            "harden workhorse --heartbeat 900s --launch-hook --no-protection",
            "tag 'owner=build' i-0123456789abcdef0",
            "tag 'note=two words' --pool workhorse --propagate",
        ] {
            assert_eq!(parse(line).to_string(), line);
        }
    }

    #[test]
    fn one_word_is_the_size_when_a_pool_is_selected() {
        let selection = Selection {
            pool: Some(PoolKey::new("prod/us-east-1", "workhorse")),
            instances: Vec::new(),
        };
        let filled = |line| parse(line).fill(&selection).to_string();
        assert_eq!(
            filled("scale 12"),
            "scale workhorse 12 --scope prod/us-east-1"
        );
        assert_eq!(
            filled("scale +2"),
            "scale workhorse +2 --scope prod/us-east-1"
        );
        assert_eq!(filled("scale other 3"), "scale other 3");
        assert_eq!(
            filled("suspend launch"),
            "suspend workhorse Launch --scope prod/us-east-1"
        );
    }

    #[test]
    fn a_bad_line_is_answered_with_a_sentence() {
        let error = |line: &str| line.parse::<ActionLine>().unwrap_err();
        assert!(
            error("scael workhorse 12").contains("scale"),
            "{}",
            error("scael workhorse 12")
        );
        assert!(error("protect i-xyz").contains("not an instance id"));
        assert!(error("suspend workhorse Lanch").contains("did you mean `Launch`?"));
        assert!(error("tag aws:x=1").contains("for itself"));
        assert!(error("freeze workhorse --for 10s").contains("from 1m to 7d"));
        assert!(error("freeze workhorse --for soon").contains("not a duration"));
        assert!(error("harden workhorse --heartbeat 3h").contains("30s to 2h"));
        assert!(error("hook compleet i-0123456789abcdef0").contains("complete"));
        assert!(error("scale 'open").contains("quotation"));
        assert!(!error("scale a b c d").contains('\n'));
    }

    #[test]
    fn the_words_and_flags_of_a_verb_are_read_off_the_grammar() {
        let verbs = verbs();
        let scale = verbs.iter().find(|it| it.name == "scale").unwrap();
        assert_eq!(scale.arguments, ["POOL", "SIZE"]);
        let flag = |name: &str| scale.flags.iter().find(|it| it.name == name).unwrap();
        assert_eq!(flag("--max").value.as_deref(), Some("N"));
        assert_eq!(flag("--scope").value.as_deref(), Some("SCOPE"));
        let standby = verbs.iter().find(|it| it.name == "standby").unwrap();
        let replace = standby
            .flags
            .iter()
            .find(|it| it.name == "--replace")
            .unwrap();
        assert_eq!(
            (replace.value.as_deref(), replace.about.is_empty()),
            (None, false)
        );
    }

    #[test]
    fn every_verb_says_what_it_does() {
        for verb in verbs() {
            assert!(
                !verb.about.is_empty() && !verb.about.ends_with('.'),
                "{}",
                verb.name
            );
        }
    }
}
