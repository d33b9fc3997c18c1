//! Exit codes, and the errors that end a command: decided here and nowhere else.

use std::fmt;

use crate::{
    action::Refusal,
    engine::Outcome,
    fleet::{Failure, FailureKind, SourceId},
};

/// How the process ends; scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    Changed = 4,
    Partly = 5,
    Unavailable = 6,
    Credentials = 7,
}

/// What ends the short help.
pub(super) const EXAMPLES: &str = "\
Examples:
  pooldeck --demo                                     a simulated region; needs no AWS
  pooldeck pools -o json                              every pool, for a script
  pooldeck instances workhorse -f 'age>2h !spot'      some instances of a pool
  pooldeck scale workhorse +2 --dry-run               what would be called, and nothing is";

/// What ends the long help and the manual page.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done; or there was nothing to do, because it was so already
  1  failed: AWS or the machine said no, or no answer came to a write
  2  the command line or the configuration is wrong
  3  refused by the plan, by a guardrail, or by whoever was asked, or a name that nothing has; nothing was done
  4  the fleet changed since the plan was made; nothing was done
  5  partly done, or aborted; the result says what was and what was not
  6  something could not be read or is throttled; try again later
  7  credentials or permissions: an operator must act";

impl Exit {
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::Changed,
        Self::Partly,
        Self::Unavailable,
        Self::Credentials,
    ];

    pub fn code(self) -> u8 {
        self as u8
    }

    /// Decides the code of a listing: 0 only if everything was read.
    pub fn of_reading<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Self {
        Self::of_kinds(failures.into_iter().map(|it| it.kind))
    }

    /// Decides the same by the kinds of what went wrong alone.
    pub fn of_kinds(kinds: impl IntoIterator<Item = FailureKind>) -> Self {
        let mut exit = Self::Done;
        for kind in kinds {
            // Waiting mends the one, only an operator mends the other, so the other wins.
            exit = exit.max(if is_forbidden(kind) {
                Self::Credentials
            } else {
                Self::Unavailable
            });
        }
        exit
    }

    pub fn of_outcome(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done | Outcome::Detached { .. } | Outcome::Refused(Refusal::AlreadySo(_)) => {
                Self::Done
            }
            Outcome::Refused(refusal) => Self::of_refusal(refusal),
            Outcome::Changed(_) => Self::Changed,
            Outcome::Unavailable(_, failure) => Self::of_reading([failure]),
            Outcome::Failed(failure) => Self::of_write(failure.kind),
            Outcome::Partly(_) | Outcome::Aborted { .. } | Outcome::Stopped(_) => Self::Partly,
        }
    }

    pub fn of_refusal(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::AlreadySo(_) => Self::Done,
            Refusal::Incomplete { .. } => Self::Usage,
            Refusal::NoSuchPool { .. }
            | Refusal::AmbiguousPool { .. }
            | Refusal::NoSuchInstance { .. }
            | Refusal::NotAGroup { .. }
            | Refusal::NotAMember { .. }
            | Refusal::Unsound(_)
            | Refusal::ReadOnly { .. }
            | Refusal::Denied { .. }
            | Refusal::TooMany { .. }
            | Refusal::ReasonMissing { .. } => Self::Refused,
        }
    }

    /// A write without an answer is 1 and not 6: trying again may do it twice.
    fn of_write(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Throttled => Self::Unavailable,
            FailureKind::Credentials | FailureKind::Denied => Self::Credentials,
            FailureKind::NotFound
            | FailureKind::Conflict
            | FailureKind::Invalid
            | FailureKind::Unknown => Self::Failed,
        }
    }
}

fn is_forbidden(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Credentials | FailureKind::Denied)
}

/// Returns what an operator can do about a failure of this source.
///
/// What a controller says names its own way out; the hints are about AWS.
pub(super) fn hint_of(source: &SourceId, kind: FailureKind) -> Option<&'static str> {
    match source {
        SourceId::Scope(_) => hint_for(kind),
        SourceId::Controller(_) => None,
    }
}

/// Returns what an operator can do about failures of this kind that AWS tells.
pub(super) fn hint_for(kind: FailureKind) -> Option<&'static str> {
    match kind {
        FailureKind::Credentials => {
            Some("set or renew the credentials, for instance with `aws sso login`, and try again")
        }
        FailureKind::Denied => {
            Some("the role lacks a permission; `pooldeck scopes` shows which role is used")
        }
        FailureKind::Throttled => Some("AWS asks for fewer requests; wait a little and try again"),
        FailureKind::NotFound
        | FailureKind::Conflict
        | FailureKind::Invalid
        | FailureKind::Unknown => None,
    }
}

/// Why a command ended early: what happened, to what, and what now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub exit: Exit,
    pub what: String,
    pub hint: Option<String>,
}

impl Error {
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Timestamp;

    fn failure(kind: FailureKind) -> Failure {
        Failure {
            kind,
            what: "demo".to_owned(),
            at: Timestamp::EPOCH,
            retry_at: None,
        }
    }

    #[test]
    fn the_help_lists_every_code() {
        for exit in Exit::ALL {
            let line = format!("  {}  ", exit.code());
            assert!(EXIT_CODES.contains(&line), "{exit:?}");
        }
    }

    #[test]
    fn what_an_operator_must_mend_outweighs_what_time_mends() {
        let (throttled, expired) = (
            failure(FailureKind::Throttled),
            failure(FailureKind::Credentials),
        );
        assert_eq!(Exit::of_reading([]), Exit::Done);
        assert_eq!(Exit::of_reading([&throttled]), Exit::Unavailable);
        assert_eq!(Exit::of_reading([&expired, &throttled]), Exit::Credentials);
    }

    #[test]
    fn a_write_without_an_answer_is_not_to_be_tried_again() {
        let outcome = Outcome::Failed(failure(FailureKind::Unknown));
        assert_eq!(Exit::of_outcome(&outcome), Exit::Failed);
        let source = SourceId::Scope("sim/us-east-1".into());
        let outcome = Outcome::Unavailable(source, failure(FailureKind::Unknown));
        assert_eq!(Exit::of_outcome(&outcome), Exit::Unavailable);
    }
}
