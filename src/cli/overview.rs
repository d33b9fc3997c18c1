//! The commands by what they are for: names alone in the short help, a line each in the long one.

use std::{collections::BTreeSet, fmt::Write as _};

use clap::{
    Command,
    builder::styling::{AnsiColor, Style, Styles},
};

/// What the commands are for, and which they are; a test sees to it that none is left out.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "Look",
        &[
            "pools",
            "instances",
            "activities",
            "executors",
            "jobs",
            "queue",
            "strays",
            "scopes",
            "summary",
            "doctor",
            "explain",
        ],
    ),
    (
        "Money and history",
        &["cost", "prices", "history", "report"],
    ),
    (
        "Change a pool",
        &[
            "scale",
            "launch",
            "reami",
            "rollback",
            "refresh",
            "suspend",
            "resume",
            "freeze",
            "thaw",
            "harden",
            "enable-metrics",
            "tag",
        ],
    ),
    (
        "Change instances",
        &[
            "drain",
            "terminate",
            "cordon",
            "uncordon",
            "protect",
            "unprotect",
            "standby",
            "activate",
            "hook",
        ],
    ),
    ("Long operations", &["ops"]),
    ("The rest", &["publish", "info", "completions", "man"]),
];
const N_COLUMNS: usize = 76;

/// Headings and names stand out; nothing depends on it.
pub(super) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// Puts the commands in their groups where the help lists them.
pub(super) fn arrange(definition: Command) -> Command {
    let (short, long) = (names(&definition), sentences(&definition));
    let options = headed("Options");
    definition
        .help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{{before-help}}{options}{{options}}{{after-help}}"
        ))
        .before_help(short)
        .before_long_help(long)
}

/// The groups of a definition, with its commands; what stands in none comes last.
fn groups(definition: &Command) -> Vec<(&'static str, Vec<(&str, String)>)> {
    let about = |it: &Command| it.get_about().map_or(String::new(), ToString::to_string);
    let found = |name: &str| {
        let command = definition.find_subcommand(name)?;
        Some((command.get_name(), about(command)))
    };
    let mut groups: Vec<(&str, Vec<(&str, String)>)> = GROUPS
        .iter()
        .map(|(heading, names)| (*heading, names.iter().filter_map(|it| found(it)).collect()))
        .collect();
    let listed: BTreeSet<&str> = GROUPS.iter().flat_map(|it| it.1).copied().collect();
    let others = definition.get_subcommands();
    let others = others.filter(|it| !listed.contains(it.get_name()) && !it.is_hide_set());
    groups.push((
        "More",
        others.map(|it| (it.get_name(), about(it))).collect(),
    ));
    groups.retain(|it| !it.1.is_empty());
    groups
}

fn names(definition: &Command) -> String {
    let mut text = headed("Commands, each with a -h of its own");
    for (heading, commands) in groups(definition) {
        let mut line = format!("  {heading:<18}");
        for (name, _) in commands {
            if N_COLUMNS < line.len() + name.len() {
                let _ = writeln!(text, "{}", line.trim_end());
                line = " ".repeat(20);
            }
            let _ = write!(line, "{name}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn sentences(definition: &Command) -> String {
    let mut text = String::new();
    let literal = STYLES.get_literal();
    for (heading, commands) in groups(definition) {
        text += &headed(heading);
        for (name, about) in commands {
            let _ = writeln!(text, "  {literal}{name:<15}{literal:#} {about}");
        }
        text.push('\n');
    }
    text
}

fn headed(heading: &str) -> String {
    let style: &Style = STYLES.get_header();
    format!("{style}{heading}:{style:#}\n")
}
