//! The headless front end: the command line, and words and JSON of the same
//! values that the console shows. It decides nothing that `action` decides.

mod act;
mod activities;
mod args;
mod comma;
mod confirm;
mod cost;
mod exit;
mod explain;
mod heard;
mod history;
mod info;
pub mod json;
mod listing;
mod manual;
mod noun;
mod ops;
mod overview;
mod pattern;
mod plan;
mod prices;
mod print;
mod publish;
mod query;
mod report;
mod session;
mod sheet;
mod summary;
mod table;
mod watch;
mod why;

pub use args::{
    ActFlags, ActFormat, ColorChoice, Command, CommandLine, ConsoleFlags, Format, GlobalFlags,
    OpsVerb, PoolPatterns, ReadFlags, When, WhenFlags,
};
pub use cost::CostFlags;
pub use exit::{EXIT_CODES, Error, Exit};
pub use explain::ExplainFlags;
pub use history::HistoryFlags;
pub use info::{ControllerFacts, Facts, InfoFlags, InfoFormat, ScopeFacts};
pub use prices::PricesFlags;
pub use print::{Printer, Terminal, terminal_size};
pub use publish::PublishFlags;
pub use report::{ReportFlags, ReportKind};
pub use session::Session;
pub use summary::SummaryFlags;

use crate::action::Action;
use listing::Listing;

/// What a command line asks for, checked as far as that goes without reading anything.
pub enum Job {
    /// No command: the full-screen console.
    Console,
    /// Needs neither AWS nor the simulated region.
    Offline(Offline),
    Live(Live),
}

pub enum Offline {
    Info(InfoFlags),
    Completions(clap_complete::Shell),
    Manual(Option<String>),
}

/// Reads a fleet, and may change it.
pub struct Live(Task);

enum Task {
    List(Box<Listing>),
    Act(Box<Action>, Box<ActFlags>),
    Ops(Option<OpsVerb>, ActFormat),
    Publish(PublishFlags),
    Explain(ExplainFlags),
    Cost(CostFlags),
    Summary(SummaryFlags),
    Prices(PricesFlags),
    History(HistoryFlags),
    Report(ReportFlags),
}

impl Job {
    /// Checks a command line; filters, columns and orders are read here.
    pub fn new(line: &CommandLine) -> Result<Self, Error> {
        let Some(command) = &line.command else {
            return Ok(Self::Console);
        };
        if let Some(listing) = Listing::parse(command)? {
            return Ok(Self::Live(Live(Task::List(Box::new(listing)))));
        }
        Ok(match command {
            Command::Info { info } => Self::Offline(Offline::Info(info.clone())),
            Command::Completions { shell } => Self::Offline(Offline::Completions(*shell)),
            Command::Man { command } => Self::Offline(Offline::Manual(command.clone())),
            Command::Ops { verb, output } => Self::Live(Live(Task::Ops(verb.clone(), *output))),
            Command::History { history } => Self::Live(Live(Task::History(history.clone()))),
            Command::Report { report } => Self::Live(Live(Task::Report(report.clone()))),
            Command::Explain { explain } => Self::Live(Live(Task::Explain(explain.clone()))),
            Command::Cost { cost } => Self::Live(Live(Task::Cost(cost.clone()))),
            Command::Summary { summary } => Self::Live(Live(Task::Summary(summary.clone()))),
            Command::Prices { prices } => Self::Live(Live(Task::Prices(prices.clone()))),
            Command::Publish { publish } => {
                publish::check(publish)?;
                Self::Live(Live(Task::Publish(publish.clone())))
            }
            Command::Act(action) => Self::Live(Live(Task::Act(
                Box::new(action.clone()),
                Box::new(line.act.clone()),
            ))),
            Command::Pools { .. }
            | Command::Instances { .. }
            | Command::Activities { .. }
            | Command::Executors { .. }
            | Command::Jobs { .. }
            | Command::Queue { .. }
            | Command::Strays { .. }
            | Command::Doctor { .. }
            | Command::Scopes { .. } => unreachable!("`Listing::parse` takes every listing"),
        })
    }
}

impl Offline {
    /// Writes what was asked for.
    pub fn run(self, printer: &mut Printer, facts: &Facts) -> Result<Exit, Error> {
        match self {
            Self::Info(flags) => info::run(printer, &flags, facts),
            Self::Completions(shell) => manual::completions(printer, shell),
            Self::Manual(command) => manual::page(printer, command.as_deref()),
        }
    }
}

impl Live {
    /// Reads, acts, and writes what came of it.
    pub async fn run(self, session: &mut Session<'_>) -> Result<Exit, Error> {
        let answer = match self.0 {
            Task::List(listing) if listing.flags.watch.is_some() => {
                watch::run(session, &listing).await
            }
            Task::List(listing) => listing.run(session).await,
            Task::Ops(verb, output) => ops::run(session, verb, output).await,
            Task::History(flags) => history::run(session, &flags).await,
            Task::Report(flags) => report::run(session, &flags).await,
            Task::Explain(flags) => explain::run(session, &flags).await,
            Task::Cost(flags) => cost::run(session, &flags).await,
            Task::Summary(flags) => summary::run(session, &flags).await,
            Task::Prices(flags) => prices::run(session, &flags).await,
            Task::Publish(flags) => publish::run(session, &flags).await,
            Task::Act(action, flags) => act::run(session, *action, *flags).await,
        };
        session.warn();
        answer
    }
}
