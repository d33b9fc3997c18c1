//! AWS' refusals: its codes, its sentences, and the kind that callers act on.

use crate::fleet::FailureKind;

/// Why AWS would not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) kind: FailureKind,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refused {
    /// The catch-all of EC2 Auto Scaling. Only its words tell its kinds apart, and
    /// a caller behind the door to the real AWS gets them by the same words.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        let message = message.into();
        let has = |words: &str| message.contains(words);
        let kind = if has("not found") || has("No active Lifecycle Action") {
            FailureKind::NotFound
        } else if has("is not in ") || has("min size constraint") {
            FailureKind::Conflict
        } else {
            FailureKind::Invalid
        };
        Self {
            kind,
            code: "ValidationError",
            message,
        }
    }

    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::NotFound,
            code,
            message: message.into(),
        }
    }

    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Conflict,
            code,
            message: message.into(),
        }
    }
}

pub(super) type Verdict = Result<(), Refused>;
