//! What is wrong in a keymap or a theme: file, line, key, and what was expected.

use std::{fmt, ops::Range};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

/// One fault of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Empty when there is no such file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The key of the file's own syntax; empty when the line is no TOML.
    pub key: String,
    /// What is wrong, what was expected, and the nearest name.
    pub why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:{}: ", self.file, self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.why)
    }
}

impl Fault {
    /// There is no keymap or theme of that name.
    pub(super) fn no_such(why: String) -> Self {
        Self {
            file: String::new(),
            line: 0,
            key: String::new(),
            why,
        }
    }
}

/// Every fault of a keymap or of a theme, in the order of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fault_idx, fault) in self.0.iter().enumerate() {
            if fault_idx != 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A TOML file that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl File<'_> {
    pub(super) fn fault(&self, span: Range<usize>, key: &str, why: impl Into<String>) -> Fault {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        Fault {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            key: key.to_owned(),
            why: why.into(),
        }
    }

    pub(super) fn syntax_fault(&self, error: &toml::de::Error) -> Fault {
        let span = error.span().unwrap_or(0..0);
        self.fault(span, "", error.message())
    }
}

/// Returns the entries of a table as the file has them: a table itself knows no order.
pub(super) fn in_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|it| it.0.span().start);
    entries
}

/// The key of a user's file that names what it is based on.
pub(super) const INHERITS: &str = "inherits";

/// Returns what a user's file says that it is based on, and where it says so.
pub(super) fn inherited(text: &str) -> Option<(String, Range<usize>)> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let value = table.get(INHERITS)?;
    Some((value.get_ref().as_str()?.to_owned(), value.span()))
}

/// Returns `; did you mean …?`, or the list of what there is.
pub(super) fn hint<'a>(word: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    crate::fleet::nearest(word, names.clone()).map_or_else(
        || {
            let names: Vec<&str> = names.into_iter().collect();
            format!("there are {}", names.join(", "))
        },
        |it| format!("did you mean `{it}`?"),
    )
}
