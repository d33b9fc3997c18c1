//! What stands before or after any command, and what only the console has.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

use crate::fleet::parse_duration;

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
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    Always,
    Never,
}

/// Reads `5` as seconds, or a duration such as `5s`. A source is read at most once a second: AWS throttles whole accounts.
pub(in crate::cli) fn parse_refresh(text: &str) -> Result<Duration, String> {
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
