//! Which rows a listing shows, and how they are written.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::parse_refresh;
use crate::fleet::parse_duration;

#[derive(Clone, Debug, Default, Args)]
pub struct PoolPatterns {
    /// Pools by name, or by scope/name; * stands for any text
    #[arg(value_name = "POOL")]
    pub pools: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct ReadFlags {
    /// How to write the rows
    ///
    /// json is one document with a version, the time of the reading, the rows
    /// and what could not be read. ndjson is one row per line. csv has plain
    /// values: ages in seconds, times in UTC; text that a spreadsheet would
    /// take for a formula gets an apostrophe in front.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Only rows that pass, such as 'state=InService az=*a age>2h !spot word'
    ///
    /// Terms are separated by spaces, and all must hold: field=value and
    /// field!=value (* stands for any text, a comma separates alternatives),
    /// field~text (contains), field>value and >=, <, <= (numbers, ages such as
    /// 2h, times), flag and !flag, and any other word is looked for fuzzily.
    #[arg(short, long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// The columns of a table or csv; +name adds to the usual ones
    #[arg(short, long, value_name = "NAME,…", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Order by these fields; -name turns the order around
    #[arg(
        short,
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub sort: Vec<String>,
    /// Leave out the line of column titles
    #[arg(long)]
    pub no_headers: bool,
    /// Read again and again, and write when something changed
    ///
    /// On a terminal the table is drawn in place. ndjson writes one line per
    /// change: the whole document of json. Ctrl-C ends it with exit code 0.
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        value_parser = parse_refresh
    )]
    pub watch: Option<Option<Duration>>,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
    Csv,
}
