//! What becomes of an operation whose console ends, in words that are the same everywhere.

use serde::Deserialize;

use super::OperationId;

/// What the operator configured for operations that run when their console ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnQuit {
    /// They go on in a process without a terminal.
    Detach,
    /// They stop where that is safe, and rest in their journals.
    Stop,
    /// The operator is asked; where nobody can be, they go on.
    #[default]
    Ask,
}

impl OnQuit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detach => "detach",
            Self::Stop => "stop",
            Self::Ask => "ask",
        }
    }
}

/// Says that an operation has stopped where that is safe.
pub fn stopped_words(id: &OperationId) -> String {
    format!(
        "operation {id} has stopped safely and rests: `pooldeck ops resume {id}` goes on, `pooldeck ops abort {id}` gives back"
    )
}

/// Says that an operation goes on without this process.
pub fn detached_words(id: &OperationId, process: u32) -> String {
    format!(
        "operation {id} goes on without a terminal, in process {process}: `pooldeck ops show {id}` tells how far it is"
    )
}
