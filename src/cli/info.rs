//! `info`: where everything is, and what is configured. Never a secret.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

use serde::Serialize;

use super::{Error, Exit, Printer, json, table};
use crate::fleet::{Align, sanitize};

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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum InfoFormat {
    #[default]
    Table,
    Json,
}

/// What `main` knows of this process.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub version: &'static str,
    /// What was compiled in.
    pub features: Vec<&'static str>,
    pub demo: bool,
    /// Null when no configuration file was found, which is fine.
    pub config_file: Option<PathBuf>,
    pub config_directory: Option<PathBuf>,
    pub state_directory: Option<PathBuf>,
    pub audit_log: Option<PathBuf>,
    pub log_file: Option<PathBuf>,
    pub theme: String,
    pub keymap: String,
    pub refresh_seconds: u64,
    pub read_only: bool,
    pub scopes: Vec<ScopeFacts>,
    pub controllers: Vec<ControllerFacts>,
    pub guardrails: usize,
    /// The variables that matter and are set; the values of secrets are left out.
    pub environment: Vec<(String, String)>,
    #[serde(skip)]
    pub config_example: &'static str,
    /// What a program or an endpoint of a `command` controller has to speak.
    #[serde(skip)]
    pub command_format: &'static str,
    /// The keymap in use: each context with its keys and what they run.
    #[serde(skip)]
    pub keys: Vec<(String, Vec<(String, String)>)>,
}

/// A scope as it is configured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ScopeFacts {
    /// Null is the default credential chain.
    pub profile: Option<String>,
    /// Empty is the profile's own region.
    pub regions: Vec<String>,
    pub alias: Option<String>,
    pub environment: Option<String>,
    pub read_only: bool,
    pub endpoint_url: Option<String>,
}

/// A controller as it is configured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ControllerFacts {
    pub name: String,
    pub kind: String,
    pub url: Option<String>,
    /// Where the secret comes from, never what it is.
    pub token_from: Option<String>,
}

pub(super) fn run(printer: &mut Printer, flags: &InfoFlags, facts: &Facts) -> Result<Exit, Error> {
    let facts = Facts {
        scopes: facts
            .scopes
            .iter()
            .map(ScopeFacts::without_secrets)
            .collect(),
        controllers: facts
            .controllers
            .iter()
            .map(ControllerFacts::without_secrets)
            .collect(),
        ..facts.clone()
    };
    if flags.config_example {
        printer.data(facts.config_example)?;
    } else if flags.command_format {
        printer.data(facts.command_format)?;
    } else if flags.print_keys {
        printer.data(&keys(&facts))?;
    } else if flags.output == InfoFormat::Json {
        printer.data(&json::to_text(&Document {
            version: json::VERSION,
            pooldeck: &facts,
        }))?;
    } else {
        let aligns = [Align::Left; 2];
        let text = table::of_cells(None, &rows(&facts), &aligns, printer.width());
        printer.data(&text)?;
    }
    Ok(Exit::Done)
}

/// Lists the keys as a keymap file has them.
fn keys(facts: &Facts) -> String {
    let mut text = String::new();
    for (context, bindings) in &facts.keys {
        let rows = bindings.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|(keys, line)| vec![String::new(), keys.clone(), line.clone()])
            .collect();
        let aligns = [Align::Left; 3];
        text = format!(
            "{text}{context}\n{}",
            table::of_cells(None, &rows, &aligns, None)
        );
    }
    text
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    pooldeck: &'a Facts,
}

fn rows(facts: &Facts) -> Vec<Vec<String>> {
    let path = |it: &Option<PathBuf>| {
        it.as_ref()
            .map_or("-".to_owned(), |it| it.display().to_string())
    };
    let or_none = |it: String| if it.is_empty() { "-".to_owned() } else { it };
    let mut rows = vec![
        ("version", facts.version.to_owned()),
        ("features", or_none(facts.features.join(", "))),
        (
            "configuration",
            facts.config_file.as_ref().map_or_else(
                || {
                    format!(
                        "no file; it would be {}/config.toml",
                        path(&facts.config_directory)
                    )
                },
                |it| it.display().to_string(),
            ),
        ),
        ("state", path(&facts.state_directory)),
        ("audit log", path(&facts.audit_log)),
        ("log file", path(&facts.log_file)),
        ("theme", facts.theme.clone()),
        ("keymap", facts.keymap.clone()),
        ("refresh", format!("{}s", facts.refresh_seconds)),
        (
            "writes",
            if facts.read_only {
                "refused: --read-only"
            } else {
                "allowed"
            }
            .to_owned(),
        ),
        ("guardrails", facts.guardrails.to_string()),
    ];
    if facts.demo {
        rows.push(("scope", "the simulated regions of --demo".to_owned()));
    } else if facts.scopes.is_empty() {
        rows.push(("scope", ScopeFacts::default().in_words()));
    }
    rows.extend(facts.scopes.iter().map(|it| ("scope", it.in_words())));
    rows.extend(
        facts
            .controllers
            .iter()
            .map(|it| ("controller", it.in_words())),
    );
    let variables = facts.environment.iter();
    rows.extend(variables.map(|(name, value)| ("environment", format!("{name}={value}"))));
    let clean =
        |(label, text): (&str, String)| vec![label.to_owned(), sanitize(&text).into_owned()];
    rows.into_iter().map(clean).collect()
}

impl ScopeFacts {
    fn without_secrets(&self) -> Self {
        Self {
            endpoint_url: self.endpoint_url.as_deref().map(plain_url),
            ..self.clone()
        }
    }

    fn in_words(&self) -> String {
        let mut words = vec![self.profile.as_ref().map_or_else(
            || "default credential chain".to_owned(),
            |it| format!("profile {it}"),
        )];
        if self.regions.is_empty() {
            words.push("its own region".to_owned());
        } else {
            words.push(self.regions.join(" "));
        }
        words.extend(self.alias.iter().map(|it| format!("alias {it}")));
        words.extend(self.environment.clone());
        words.extend(self.read_only.then(|| "read-only".to_owned()));
        words.extend(self.endpoint_url.iter().map(|it| format!("at {it}")));
        words.join(", ")
    }
}

impl ControllerFacts {
    fn without_secrets(&self) -> Self {
        Self {
            url: self.url.as_deref().map(plain_url),
            ..self.clone()
        }
    }

    fn in_words(&self) -> String {
        let mut words = vec![self.name.clone(), self.kind.clone()];
        words.extend(self.url.clone());
        words.extend(self.token_from.iter().map(|it| format!("token from {it}")));
        words.join(", ")
    }
}

/// Returns a URL without the places where people put passwords and tokens.
fn plain_url(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, wanted) in [
            ("https://ci.example.org/a", "https://ci.example.org/a"),
            ("https://me:s3cr@t@ci.example.org", "https://ci.example.org"),
            (
                "https://ci.example.org/a?token=s3cret",
                "https://ci.example.org/a",
            ),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("http://h/a@b", "http://h/a@b"),
            ("odd", "odd"),
        ] {
            assert_eq!(plain_url(url), wanted);
        }
    }
}
