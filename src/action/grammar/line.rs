//! An action on one line, as the `:` line and keymaps write it.

use std::fmt;

use clap::Parser;

use super::Action;

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

/// Writes the line that would do the same, for the same reason.
impl fmt::Display for ActionLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.action.fmt(f)?;
        match self.reason.as_deref().map(str::trim).map(shlex::try_quote) {
            // A NUL byte cannot be quoted, and no argument can hold one.
            None | Some(Err(_)) => Ok(()),
            Some(Ok(reason)) if reason.is_empty() || reason == "''" => Ok(()),
            Some(Ok(reason)) => write!(f, " --reason {reason}"),
        }
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
