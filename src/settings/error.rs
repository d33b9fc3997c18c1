//! A configuration error names the file, the line, the key, and what was expected.

use std::{
    fmt, io,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::fleet::nearest;

/// Why a configuration file cannot be used. `Display` is for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    pub file: PathBuf,
    /// From 1; `None` when the whole file is meant.
    pub line: Option<usize>,
    /// The text of that line, for the eye.
    pub excerpt: Option<String>,
    pub what: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n    {excerpt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

impl SettingsError {
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self {
            file: path.to_owned(),
            line: None,
            excerpt: None,
            what: format!("cannot be read: {error}"),
        }
    }

    /// Places a message at the bytes of the text that it is about.
    pub(super) fn at(path: &Path, text: &str, span: Option<Range<usize>>, what: String) -> Self {
        let line = span.map(|it| line_of(text, it.start));
        let excerpt = line.and_then(|it| text.lines().nth(it - 1));
        Self {
            file: path.to_owned(),
            line,
            excerpt: excerpt.map(|it| without_secrets(it.trim())),
            what,
        }
    }

    /// Turns an error of the TOML reader into ours, with the nearest name for an unknown one.
    pub(super) fn of_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let mut what = error.message().trim_end().replace('\n', "; ");
        if let Some(hint) = nearest_name(&what) {
            what = format!("{what}; did you mean `{hint}`?");
        }
        Self::at(path, text, error.span(), what)
    }
}

/// Returns the line of a byte, from 1.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    // A span may end beyond a text that stops short.
    let end = text.floor_char_boundary(byte.min(text.len()));
    text[..end].matches('\n').count() + 1
}

/// A line that was meant to hold a secret's place may hold the secret itself.
fn without_secrets(line: &str) -> String {
    let key = line.split('=').next().unwrap_or("").trim();
    let is_secret = ["token", "password", "secret"]
        .iter()
        .any(|it| key.contains(it));
    if is_secret && line.contains('=') {
        format!("{key} = …")
    } else {
        line.to_owned()
    }
}

/// Reads serde's "unknown field `x`, expected one of `a`, `b`" and offers the nearest.
fn nearest_name(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted).map(str::to_owned)
}
