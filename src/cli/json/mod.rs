//! The JSON contract, version 1: what scripts read, kept apart from the model
//! so that it does not drift with it. What is not known is null, never 0.
//!
//! Within a version fields are added, never removed, renamed or given another meaning.

mod action;
mod cost;
mod executor;
mod explanation;
mod finding;
mod instance;
mod metrics;
mod operation;
mod past;
mod pool;
mod queue;
mod scope;
mod stray;

use std::io;

use serde::Serialize;

pub use action::{
    ActionResult, Applied, ConditionalCall, Event, Launched, Plan, PlannedCall, What,
};
pub(super) use cost::Past as CostPast;
pub use cost::{CostDocument, PoolCost, PoolPrice, PoolSummary, Prices, Strays, Summary};
pub use executor::{Evidence, Executor, RunningJob};
pub use explanation::{Explanation, Waiting};
pub use finding::Finding;
pub use instance::{Instance, Job};
pub use metrics::{Metric, Metrics, Withheld};
pub use operation::{Operation, OperationCost, Operations};
pub use past::{History, Report, ReportRows};
pub use pool::Pool;
pub use queue::Queue;
pub use scope::{Activity, Scope, SourceError};
pub use stray::Stray;

use crate::fleet::{Failure, SourceId, Timestamp, sanitize};

/// Raised when a field goes, or comes to mean something else.
pub const VERSION: u32 = 1;

/// What a listing writes: the rows under their own name, and what could not be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    pub version: u32,
    /// When the rows were put together; each source has its own time in `scopes`.
    pub at: Timestamp,
    pub scopes: Vec<Scope>,
    #[serde(flatten)]
    pub rows: Option<Rows>,
    /// What could not be read, and why. Empty means that everything was.
    pub errors: Vec<SourceError>,
}

/// The rows of a document, under the name of what they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    Pools(Vec<Pool>),
    Instances(Vec<Instance>),
    Activities(Vec<Activity>),
    Executors(Vec<Executor>),
    Jobs(Vec<RunningJob>),
    Queue(Vec<Queue>),
    Strays(Vec<Stray>),
    Findings(Vec<Finding>),
}

impl Rows {
    /// Returns the rows without what grows older at every reading.
    fn without_ages(&self) -> Self {
        let mut rows = self.clone();
        match &mut rows {
            Self::Executors(rows) => {
                for evidence in rows.iter_mut().flat_map(|it| &mut it.evidence) {
                    evidence.at = Timestamp::EPOCH;
                }
            }
            Self::Queue(rows) => rows.iter_mut().for_each(|it| it.oldest_seconds = None),
            // The sentence tells how long ago a machine was launched.
            Self::Strays(rows) => rows.iter_mut().for_each(|it| it.why.clear()),
            // So does this one: how long a job takes.
            Self::Findings(rows) => rows.iter_mut().for_each(|it| it.evidence.clear()),
            Self::Pools(_) | Self::Instances(_) | Self::Activities(_) | Self::Jobs(_) => {}
        }
        rows
    }
}

impl Document {
    pub fn new(
        at: Timestamp,
        scopes: Vec<Scope>,
        rows: Option<Rows>,
        failures: &[(SourceId, Failure)],
    ) -> Self {
        Self {
            version: VERSION,
            at,
            scopes,
            rows,
            errors: failures.iter().map(SourceError::new).collect(),
        }
    }

    /// Returns each row as one line.
    pub fn lines(&self) -> String {
        match &self.rows {
            Some(Rows::Pools(rows)) => lines(rows),
            Some(Rows::Instances(rows)) => lines(rows),
            Some(Rows::Activities(rows)) => lines(rows),
            Some(Rows::Executors(rows)) => lines(rows),
            Some(Rows::Jobs(rows)) => lines(rows),
            Some(Rows::Queue(rows)) => lines(rows),
            Some(Rows::Strays(rows)) => lines(rows),
            Some(Rows::Findings(rows)) => lines(rows),
            None => lines(&self.scopes),
        }
    }

    /// Returns what tells one state of things from the next: the rows and what
    /// is wrong, without the times of the readings.
    pub fn fingerprint(&self) -> String {
        let errors = self.errors.iter().map(|it| (&it.source, it.kind, &it.what));
        let errors: Vec<_> = errors.collect();
        let scopes = self
            .scopes
            .iter()
            .map(|it| (&it.id, &it.account, &it.failure));
        let scopes: Vec<_> = scopes.collect();
        let rows = self.rows.as_ref().map(Rows::without_ages);
        to_line(&(rows, errors, scopes))
    }
}

fn lines<T: Serialize>(rows: &[T]) -> String {
    rows.iter().map(to_line).collect()
}

/// Writes a value on one line.
pub fn to_line<T: Serialize + ?Sized>(value: &T) -> String {
    write(value, serde_json::ser::CompactFormatter)
}

/// Writes a value for people too.
pub fn to_text<T: Serialize + ?Sized>(value: &T) -> String {
    write(value, serde_json::ser::PrettyFormatter::new())
}

fn write<T: Serialize + ?Sized>(value: &T, formatter: impl serde_json::ser::Formatter) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Visible(formatter));
    value
        .serialize(&mut serializer)
        .expect("a vector takes every byte, and every key is a string");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is text")
}

/// Escapes what a terminal would obey or hide; the value stays exactly the same.
struct Visible<F>(F);

/// Forwards what the inner formatter does in its own way.
macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*)),* $(,)?) => {$(
        fn $name<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $arg: $type)*) -> io::Result<()> {
            self.0.$name(writer $(, $arg)*)
        }
    )*};
}

impl<F: serde_json::ser::Formatter> serde_json::ser::Formatter for Visible<F> {
    forward! {
        begin_array(), end_array(), begin_array_value(first: bool), end_array_value(),
        begin_object(), end_object(), begin_object_key(first: bool), end_object_key(),
        begin_object_value(), end_object_value(),
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, it)| is_treacherous(*it)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Returns whether a character steers a terminal, or cannot be seen on one.
fn is_treacherous(c: char) -> bool {
    if c.is_ascii() {
        // JSON itself escapes the other ASCII controls.
        return c == '\u{7f}';
    }
    let mut bytes = [0; 4];
    let text: &str = c.encode_utf8(&mut bytes);
    c.is_control() || sanitize(text) != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_shows_what_a_terminal_would_obey_or_hide() {
        let text = "a\u{1b}[31m\u{9b}2J\u{202e}\u{200b}\u{e0041}\u{7f}日本é";
        let line = to_line(text);
        assert_eq!(
            line,
            "\"a\\u001b[31m\\u009b2J\\u202e\\u200b\\udb40\\udc41\\u007f日本é\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn pretty_json_is_the_same_value() {
        let value = serde_json::json!({ "a": [1, { "b": null }], "c": {}, "d": [] });
        let text = to_text(&value);
        assert_eq!(
            text,
            format!("{}\n", serde_json::to_string_pretty(&value).unwrap())
        );
    }
}
