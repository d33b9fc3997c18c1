//! What may follow an action.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::fleet::parse_duration;

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
    /// Do not follow longer than this, such as 10m; what was called goes on, and a long operation
    /// stops where that is safe, for `ops resume`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// Print the id of the long operation, and let it go on without this terminal
    #[arg(long)]
    pub detach: bool,
    /// How to write the plan and the result; ndjson writes each event as it happens
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: ActFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ActFormat {
    #[default]
    Table,
    Json,
    Ndjson,
}
