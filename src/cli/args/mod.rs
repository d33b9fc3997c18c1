//! The command line. A doc comment here is the `--help` there; the verbs come
//! from the action grammar, so that the `:` line and a script speak alike.

mod act;
mod global;
mod ops;
mod read;
mod when;

use std::{ffi::OsString, fmt::Write as _, sync::LazyLock, time::Duration};

use clap::{
    Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, error::ErrorKind,
};

pub use self::{
    act::{ActFlags, ActFormat},
    global::{ColorChoice, ConsoleFlags, GlobalFlags},
    ops::OpsVerb,
    read::{Format, PoolPatterns, ReadFlags},
    when::{When, WhenFlags},
};
use super::{
    cost::CostFlags,
    exit::{EXAMPLES, EXIT_CODES},
    explain::ExplainFlags,
    history::HistoryFlags,
    info::InfoFlags,
    overview::{self, STYLES},
    prices::PricesFlags,
    publish::PublishFlags,
    report::ReportFlags,
    summary::SummaryFlags,
};
use crate::{action::Action, fleet::Grade};

pub(super) use self::global::parse_refresh;

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
    /// was spent is known for as long as a console, or a listing such as
    /// `pools --watch`, has looked.
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

/// What ends the long help.
static LONG_END: LazyLock<String> =
    LazyLock::new(|| format!("{EXAMPLES}\n\n{}\n\n{EXIT_CODES}", grades()));

/// What each kind of controller lets a drain promise.
fn grades() -> String {
    let mut text = "How safely a worker is emptied, by the kind of its controller:".to_owned();
    for grade in Grade::ALL {
        for kind in grade.kinds() {
            let _ = write!(
                text,
                "\n  {kind:<10} {:<10} {}",
                grade.as_str(),
                grade.sentence()
            );
        }
    }
    text
}

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
