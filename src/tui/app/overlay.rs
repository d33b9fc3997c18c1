//! What lies over a screen: a question, a line that is typed, a list to choose from, a long text.

use tui_input::Input;

use super::{confirm::Confirm, prompt::Prompt, question::Question, rows::Noun};
use crate::{
    fleet::{FilterError, FindingKind, InstanceId, PoolKey, SourceId},
    tui::keymap::Context,
};

#[derive(Clone, Debug)]
pub enum Overlay {
    Confirm(Box<Confirm>),
    Question(Question),
    Prompt(Box<Prompt>),
    Filter(Box<FilterLine>),
    Picker(Picker),
    Reader(Reader),
}

impl Overlay {
    pub fn context(&self) -> Context {
        match self {
            Self::Confirm(confirm) if confirm.wants_typing() => Context::TypedName,
            Self::Confirm(_) | Self::Question(_) => Context::Confirm,
            Self::Prompt(_) | Self::Filter(_) => Context::Input,
            Self::Picker(_) => Context::Picker,
            Self::Reader(_) => Context::Reader,
        }
    }
}

/// The `/` line of a list; the list follows it while it is typed.
#[derive(Clone, Debug)]
pub struct FilterLine {
    pub input: Input,
    /// The filter before, which `esc` brings back.
    pub before: String,
    pub error: Option<FilterError>,
    /// Where the operator is in the history; none is the line that is typed.
    pub history_idx: Option<usize>,
    pub noun: Noun,
}

/// A list to choose from.
#[derive(Clone, Debug)]
pub struct Picker {
    pub kind: PickerKind,
    pub noun: Noun,
    /// The names of fields, in the order in which they are shown.
    pub items: Vec<&'static str>,
    pub chosen: Vec<&'static str>,
    pub cursor: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickerKind {
    Sort,
    Columns,
}

/// A long text, with the line that it is scrolled to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    pub text: ReaderText,
    pub scroll: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderText {
    Console(InstanceId),
    Message(u64),
    Activity(String),
    /// Why nothing is happening in a pool.
    Explanation(PoolKey),
    Source(SourceId),
    /// What the doctor found, and how it knows.
    Finding(FindingKind, Option<PoolKey>, usize),
    /// What is known of an instance, and what a proof of its idleness lacks.
    Instance(InstanceId),
}
