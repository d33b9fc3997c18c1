//! The command line. A doc comment here is the `--help` there; the verbs come
//! from the action grammar, so that the `:` line and a script speak alike.

use std::{ffi::OsString, path::PathBuf, sync::LazyLock, time::Duration};

use clap::{
    ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
    error::ErrorKind,
};

use super::{
    cost::CostFlags,
    exit::{EXAMPLES, EXIT_CODES},
    overview::{self, STYLES},
    prices::PricesFlags,
    summary::SummaryFlags,
};
use crate::{
    action::Action,
    fleet::{Metric, Timestamp, parse_duration},
};

/// Watch and operate fleets of CI workers on EC2
///
/// Without a command, the full-screen console starts. Every command writes
/// data to stdout and talk to stderr.
#[derive(Clone, Debug, Parser)]
#[command(name = "pooldeck", version, styles = STYLES, after_help = EXAMPLES, after_long_help = LONG_END.as_str())]
#[command(subcommand_value_name = "COMMAND", max_term_width = 100)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub console: ConsoleFlags,
    #[command(flatten)]
    pub global: GlobalFlags,
    /// What may follow an action; of no meaning elsewhere.
    #[arg(skip)]
    pub act: ActFlags,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// List pools
    Pools {
        #[command(flatten)]
        pools: PoolPatterns,
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List instances
    Instances {
        #[command(flatten)]
        pools: PoolPatterns,
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List what the groups did, newest first
    Activities {
        #[command(flatten)]
        pools: PoolPatterns,
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List CI agents: what they do, where they run, and how we know
    Executors {
        #[command(flatten)]
        pools: PoolPatterns,
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List running jobs
    Jobs {
        #[command(flatten)]
        pools: PoolPatterns,
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List what waits for an agent, per label, and why
    Queue {
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List where EC2 and the CI controllers disagree about who is there
    Strays {
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List what about the pools' configuration ends jobs, and what mends it
    Doctor {
        #[command(flatten)]
        pools: PoolPatterns,
        #[command(flatten)]
        read: ReadFlags,
    },
    /// List where we look, who we are there, and how well we can see
    Scopes {
        #[command(flatten)]
        read: ReadFlags,
    },
    /// Say what is known of one instance, how, and what a proof of idleness lacks
    Explain {
        #[command(flatten)]
        explain: ExplainFlags,
    },
    /// Show what pools cost: now, today, this month, and what of it is waste
    ///
    /// Compute only, at list or spot prices less the discounts of the
    /// configuration: volumes, traffic and savings plans are not in it. What
    /// was spent is known for as long as a console or `--watch` has looked.
    Cost {
        #[command(flatten)]
        cost: CostFlags,
    },
    /// Sum the fleet up in one chat message
    Summary {
        #[command(flatten)]
        summary: SummaryFlags,
    },
    /// Show where the prices come from and how old they are, or read them anew
    Prices {
        #[command(flatten)]
        prices: PricesFlags,
    },
    /// Publish the executors and the queue of every pool to CloudWatch
    ///
    /// `TotalExecutors`, `BusyExecutors`, `IdleExecutors`, `OfflineExecutors`,
    /// `DrainingExecutors`, `QueuedJobs` and `OldestQueuedSeconds`, each with the
    /// dimensions Pool and Label, in the pool's own account and region. A
    /// cordoned executor is draining, never idle. A pool whose controller or
    /// region was not read on time and whole is left out and named on stderr,
    /// never published as zero. The audit log has no line of it.
    Publish {
        #[command(flatten)]
        publish: PublishFlags,
    },
    /// Show what was measured of a pool over time; what was not seen is left empty
    ///
    /// The history is kept while the console or any command runs. A step shows
    /// the mean by time; json has the least and the greatest value, too, and how
    /// much of the step was seen.
    History {
        #[command(flatten)]
        history: HistoryFlags,
    },
    /// Report what the past comes to: how pools were used, what they wasted or saved
    Report {
        #[command(flatten)]
        report: ReportFlags,
    },
    /// List long operations such as drains, or tell one what to do
    Ops {
        #[command(subcommand)]
        verb: Option<OpsVerb>,
        /// How to write them
        #[arg(
            short,
            long,
            value_name = "FORMAT",
            default_value = "table",
            global = true
        )]
        output: ActFormat,
    },
    /// Show paths, versions and what is configured; never a secret
    Info {
        #[command(flatten)]
        info: InfoFlags,
    },
    #[command(flatten)]
    Act(Action),
    /// Print a completion script for a shell
    Completions {
        /// The shell that it is for
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or the page of one command
    Man {
        /// The command, such as scale
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
}

impl Command {
    /// Returns the pools that a listing names and how it is written; `None` for other commands.
    pub(super) fn reading(&self) -> Option<(&[String], &ReadFlags)> {
        match self {
            Self::Pools { pools, read }
            | Self::Instances { pools, read }
            | Self::Activities { pools, read }
            | Self::Executors { pools, read }
            | Self::Jobs { pools, read }
            | Self::Doctor { pools, read } => Some((&pools.pools, read)),
            Self::Queue { read } | Self::Strays { read } | Self::Scopes { read } => {
                Some((&[], read))
            }
            Self::History { .. }
            | Self::Report { .. }
            | Self::Ops { .. }
            | Self::Explain { .. }
            | Self::Publish { .. }
            | Self::Cost { .. }
            | Self::Summary { .. }
            | Self::Prices { .. }
            | Self::Info { .. }
            | Self::Act(_)
            | Self::Completions { .. }
            | Self::Man { .. } => None,
        }
    }
}

#[derive(Clone, Debug, Subcommand)]
pub enum OpsVerb {
    /// Show one operation: each instance, and what it waits for
    Show {
        /// The operation's id
        id: String,
    },
    /// Let an operation rest; nothing is given back
    Pause {
        /// The operation's id
        id: String,
    },
    /// Go on with an operation that rests, or whose driver died, and follow it to its end
    Resume {
        /// The operation's id
        id: String,
        /// Print the id, and let it go on without this terminal
        #[arg(long)]
        detach: bool,
    },
    /// Let an operation take more instances out of service at a time, within the guardrails
    SpeedUp {
        /// The operation's id
        id: String,
        /// How many; left out, twice as many as now
        #[arg(long, value_name = "N")]
        max_unavailable: Option<u32>,
    },
    /// Take over an operation of another host or of a driver that died, and follow it to its end
    ///
    /// An operation without a journal here is known by its marks: the tags of its
    /// instances and the notes of its cordons. A journal begins here under a new
    /// id, the marks are changed to it, and the former driver sees that and stops.
    Adopt {
        /// The operation's id, as `ops` or a tag shows it
        id: String,
        /// Go on with nothing: uncordon, unprotect and unmark its instances
        #[arg(long)]
        give_back: bool,
        /// Print the new id, and let it go on without this terminal
        #[arg(long)]
        detach: bool,
    },
    /// Give back what an operation has not terminated, and end it
    Abort {
        /// The operation's id
        id: String,
        /// Why; goes to the journal
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
        /// Print the id, and let it give back without this terminal
        #[arg(long)]
        detach: bool,
    },
}

#[derive(Clone, Debug, Default, Args)]
pub struct PoolPatterns {
    /// Pools by name, or by scope/name; * stands for any text
    #[arg(value_name = "POOL")]
    pub pools: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct ReadFlags {
    /// How to write the rows
    ///
    /// json is one document with a version, the time of the reading, the rows
    /// and what could not be read. ndjson is one row per line. csv has plain
    /// values: ages in seconds, times in UTC; text that a spreadsheet would
    /// take for a formula gets an apostrophe in front.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Only rows that pass, such as 'state=InService az=*a age>2h !spot word'
    ///
    /// Terms are separated by spaces, and all must hold: field=value and
    /// field!=value (* stands for any text, a comma separates alternatives),
    /// field~text (contains), field>value and >=, <, <= (numbers, ages such as
    /// 2h, times), flag and !flag, and any other word is looked for fuzzily.
    #[arg(short, long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// The columns of a table or csv; +name adds to the usual ones
    #[arg(short, long, value_name = "NAME,…", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Order by these fields; -name turns the order around
    #[arg(
        short,
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub sort: Vec<String>,
    /// Leave out the line of column titles
    #[arg(long)]
    pub no_headers: bool,
    /// Read again and again, and write when something changed
    ///
    /// On a terminal the table is drawn in place. ndjson writes one line per
    /// change: the whole document of json. Ctrl-C ends it with exit code 0.
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        value_parser = parse_refresh
    )]
    pub watch: Option<Option<Duration>>,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug, Args)]
pub struct HistoryFlags {
    /// The pool, by name or by scope/name; left out, all pools together
    #[arg(value_name = "POOL")]
    pub pool: Option<String>,
    /// What to show, such as `desired,busy_executors`
    #[arg(
        short,
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "desired,in_service,busy_executors,idle_executors,queued_jobs,usd_per_hour",
        value_parser = Metric::parse
    )]
    pub metric: Vec<Metric>,
    #[command(flatten)]
    pub when: WhenFlags,
    /// How long a step is, such as 5m; left out, what makes some sixty of them
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub step: Option<Duration>,
    /// Fill what was not seen from CloudWatch first; AWS bills a cent for a thousand metrics
    #[arg(long)]
    pub backfill: bool,
    /// How to write the steps
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug, Args)]
pub struct ReportFlags {
    /// What to report
    #[arg(value_name = "WHAT")]
    pub what: ReportKind,
    #[command(flatten)]
    pub pools: PoolPatterns,
    #[command(flatten)]
    pub when: WhenFlags,
    /// How to write the rows
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportKind {
    /// How much of the executors' time was work
    Utilisation,
    /// What was paid for idle, standby, retained and stray machines
    Waste,
    /// What spot saved, less the work that interruptions cost
    Savings,
    /// How long machines took to their first job, by image and type
    TimeToReady,
    /// What the last day says against a pool, with the evidence
    Trends,
}

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

    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub struct ExplainFlags {
    /// An instance's or an operation's id, or a pool: then, why nothing is happening
    #[arg(value_name = "INSTANCE|POOL|OPERATION")]
    pub instance: String,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: ActFormat,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug, Args)]
pub struct PublishFlags {
    /// Publish what is there now, and end
    #[arg(long, conflicts_with = "interval")]
    pub once: bool,
    /// How often to publish, until Ctrl-C
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "60",
        value_parser = parse_refresh
    )]
    pub interval: Duration,
    /// The namespace of the metrics
    #[arg(long, value_name = "NAME", default_value = "pooldeck")]
    pub namespace: String,
    /// Print what would be published, and publish nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How a dry run is written
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: InfoFormat,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

impl PublishFlags {
    /// Returns how often to read: twice as often as is published, so that nothing published is late.
    fn pause(&self) -> Duration {
        (self.interval / 2).clamp(Duration::from_secs(1), Duration::from_secs(30))
    }
}

// No doc comment: clap would take it for the help of the action that these follow.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Action options")]
pub struct ActFlags {
    /// Show the plan and its API calls, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(short, long)]
    pub yes: bool,
    /// Why; goes to the audit log, and some guardrails want it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not follow longer than this, such as 10m; what was called goes on
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// Print the id of the long operation, and let it go on without this terminal
    #[arg(long)]
    pub detach: bool,
    /// How to write the plan and the result; ndjson writes each event as it happens
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: ActFormat,
}

#[derive(Clone, Debug, Default, Args)]
pub struct InfoFlags {
    /// Print a configuration file with every key explained
    #[arg(long)]
    pub config_example: bool,
    /// Print what the program or endpoint of a `command` controller has to speak
    #[arg(long, conflicts_with = "config_example")]
    pub command_format: bool,
    /// Print the keys of the keymap in use
    #[arg(long, conflicts_with_all = ["config_example", "command_format"])]
    pub print_keys: bool,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: InfoFormat,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Console options")]
pub struct ConsoleFlags {
    /// Name of the theme
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub theme: Option<String>,
    /// Name of the keymap
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub keymap: Option<String>,
    /// Draw with ASCII characters only
    #[arg(long, hide_short_help = true)]
    pub ascii: bool,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalFlags {
    /// Configuration file instead of the one in the configuration directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// AWS profile, or alias of a configured scope; may be repeated
    #[arg(
        long = "profile",
        global = true,
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub profiles: Vec<String>,
    /// AWS region; may be repeated
    #[arg(
        long = "region",
        global = true,
        value_name = "REGION",
        value_delimiter = ','
    )]
    pub regions: Vec<String>,
    /// Look at a simulated region instead of AWS
    #[arg(long, global = true)]
    pub demo: bool,
    /// With --demo: the same number tells the same story
    #[arg(long, global = true, hide_short_help = true, value_name = "N")]
    pub seed: Option<u64>,
    /// With --demo: how many times faster than life; 0 is a still picture
    #[arg(long, global = true, hide_short_help = true, value_name = "X", value_parser = parse_speed)]
    pub speed: Option<f64>,
    /// Refuse every write
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Allow writes where the configuration forbids them
    #[arg(long, global = true)]
    pub write: bool,
    /// Never ask AWS for prices; those that are known already still count
    #[arg(long, global = true, hide_short_help = true)]
    pub no_pricing: bool,
    /// Keep no history of what is seen, and show none
    #[arg(long, global = true, hide_short_help = true)]
    pub no_history: bool,
    /// How often to read when nothing moves, such as 10s
    #[arg(long, global = true, hide_short_help = true, value_name = "DURATION", value_parser = parse_refresh)]
    pub refresh: Option<Duration>,
    /// Directory of the audit log and the log file
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// How a process goes on without a terminal; started by --detach
    #[arg(long, global = true, hide = true)]
    pub detached: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "WHEN",
        default_value = "auto"
    )]
    pub color: ColorChoice,
    /// The same as --color=never
    #[arg(long, global = true, hide_short_help = true, action = ArgAction::SetTrue)]
    pub no_color: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
    Csv,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ActFormat {
    #[default]
    Table,
    Json,
    Ndjson,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum InfoFormat {
    #[default]
    Table,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    Always,
    Never,
}

/// What ends the long help.
static LONG_END: LazyLock<String> = LazyLock::new(|| format!("{EXAMPLES}\n\n{EXIT_CODES}"));

impl CommandLine {
    /// Returns the definition of the whole command line.
    pub fn definition() -> clap::Command {
        let verbs: Vec<String> = crate::action::verbs()
            .into_iter()
            .map(|it| it.name)
            .collect();
        let definition = Self::command().mut_subcommands(|it| {
            if verbs.iter().any(|verb| verb == it.get_name()) {
                ActFlags::augment_args(it)
            } else {
                it
            }
        });
        overview::arrange(definition)
    }

    /// Reads the words of a command line; asking for help is an `Err` too.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut definition = Self::definition();
        let matches = definition.try_get_matches_from_mut(words)?;
        let mut line = Self::from_arg_matches(&matches)?;
        if let (Some(Command::Act(_)), Some((_, of_verb))) = (&line.command, matches.subcommand()) {
            line.act = ActFlags::from_arg_matches(of_verb)?;
        }
        line.check()
            .map_err(|why| definition.error(ErrorKind::ArgumentConflict, why))?;
        Ok(line)
    }

    /// Returns how often to read, if the command line says so.
    pub fn refresh(&self) -> Option<Duration> {
        let read = self.command.as_ref().and_then(Command::reading);
        let watched = read.and_then(|(_, it)| it.watch.flatten());
        let published = match &self.command {
            // What is published once a minute need not be read every ten seconds.
            Some(Command::Publish { publish }) => self.global.refresh.or(Some(publish.pause())),
            _ => None,
        };
        watched.or(published).or(self.global.refresh)
    }

    /// Checks what clap cannot: global flags may stand before and after the command.
    fn check(&self) -> Result<(), &'static str> {
        let global = &self.global;
        if !global.demo && (global.seed.is_some() || global.speed.is_some()) {
            return Err("--seed and --speed belong to --demo");
        }
        if global.demo && !(global.profiles.is_empty() && global.regions.is_empty()) {
            return Err("--demo looks at no AWS profile or region");
        }
        if global.read_only && global.write {
            return Err("--read-only and --write exclude each other");
        }
        if global.no_color && global.color == ColorChoice::Always {
            return Err("--no-color and --color=always exclude each other");
        }
        Ok(())
    }
}

/// Reads `5` as seconds, or a duration such as `5s`. A source is read at most once a second: AWS throttles whole accounts.
fn parse_refresh(text: &str) -> Result<Duration, String> {
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => parse_duration(text)?,
    };
    if pause < Duration::from_secs(1) {
        return Err(format!("`{text}` is too short; at least 1s"));
    }
    Ok(pause)
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok();
    speed
        .filter(|it| (0.0..=10_000.0).contains(it))
        .ok_or_else(|| format!("`{text}` is not a speed; write a number from 0 to 10000"))
}
