//! What was said in this session, and what became of every action.

use std::collections::{BTreeSet, VecDeque};

use crate::{
    action::{Action, Plan},
    engine::{Outcome, Progress, SubmissionId},
    fleet::Timestamp,
    operation::{OperationId, detached_words, stopped_words},
};

/// Older messages are forgotten; the audit log keeps what was done.
const N_MESSAGES_MAX: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// An answer to a key; not worth a line in the history's count.
    Note,
    Done,
    Warning,
    Failure,
}

/// One thing that was said, with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: u64,
    pub at: Timestamp,
    pub severity: Severity,
    pub text: String,
    pub submission: Option<SubmissionId>,
}

/// The messages of the session, the newest last.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    all: VecDeque<Message>,
    n_said: u64,
    /// Whether the newest is still on the foot line.
    pub is_shown: bool,
}

impl Messages {
    pub fn say(
        &mut self,
        at: Timestamp,
        severity: Severity,
        text: impl Into<String>,
        submission: Option<SubmissionId>,
    ) {
        self.n_said += 1;
        self.all.push_back(Message {
            id: self.n_said,
            at,
            severity,
            text: text.into(),
            submission,
        });
        if N_MESSAGES_MAX < self.all.len() {
            self.all.pop_front();
        }
        self.is_shown = true;
    }

    /// Returns the messages, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Message> {
        self.all.iter().rev()
    }

    pub fn get(&self, id: u64) -> Option<&Message> {
        let newest = self.all.back()?;
        let back = usize::try_from(newest.id.checked_sub(id)?).ok()?;
        self.all.get(self.all.len().checked_sub(back + 1)?)
    }

    /// Returns the message on the foot line.
    pub fn shown(&self) -> Option<&Message> {
        self.all.back().filter(|_| self.is_shown)
    }
}

/// An action on its way, or done.
#[derive(Clone, Debug)]
pub struct Submitted {
    pub id: SubmissionId,
    pub at: Timestamp,
    pub action: Action,
    pub reason: Option<String>,
    pub command_line: String,
    /// The newest step, in words.
    pub step: String,
    pub n_calls: usize,
    pub n_applied: usize,
    pub is_over: bool,
    /// The long operation that it began.
    pub operation: Option<OperationId>,
}

/// What failed since the operator last looked: each operation and each action once, however much
/// was said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    pub operations: BTreeSet<OperationId>,
    /// Those that began no operation.
    pub actions: BTreeSet<SubmissionId>,
}

/// What an event of a submission says, and how bad it is; quiet steps say nothing.
pub(super) struct Said {
    pub(super) severity: Severity,
    pub(super) text: String,
}

impl Submitted {
    /// Takes one step, and returns what is worth saying of it.
    pub(super) fn advance(&mut self, progress: &Progress) -> Option<Said> {
        let line = &self.command_line;
        match progress {
            Progress::Observing => {
                "reading the fleet afresh".clone_into(&mut self.step);
                None
            }
            Progress::ChoseOthers(plan) => {
                let n = plan.n_instances();
                self.step = format!("goes on with {n} other instances");
                None
            }
            Progress::Calling(call) => {
                self.step = format!("calling {call}");
                None
            }
            Progress::Applied(call, receipt) => {
                self.n_applied += 1;
                self.step = format!("applied {call}");
                let id = receipt.request_id.as_ref();
                let id = id.map_or(String::new(), |it| format!(" (request {it})"));
                Some(Said {
                    severity: Severity::Note,
                    text: format!("{} applied: {call}{id}", self.id),
                })
            }
            Progress::Failed(call, failure) => Some(Said {
                severity: Severity::Failure,
                text: format!("{} {call}: {}", self.id, failure.what),
            }),
            Progress::Launching(launches) => {
                self.step = launch_step(launches);
                None
            }
            Progress::Operating(id) => {
                self.step = format!("drives operation {id}");
                self.operation = Some(id.clone());
                None
            }
            Progress::Ended(outcome) => {
                self.is_over = true;
                Some(ending(line, self.id, outcome))
            }
        }
    }
}

fn launch_step(launches: &[crate::engine::Launch]) -> String {
    use crate::engine::LaunchState;
    let count = |wanted: &dyn Fn(&LaunchState) -> bool| {
        launches.iter().filter(|it| wanted(&it.state)).count()
    };
    let parts = [
        (count(&|it| *it == LaunchState::Requested), "requested"),
        (count(&|it| *it == LaunchState::Pending), "pending"),
        (count(&|it| *it == LaunchState::Running), "running"),
        (count(&|it| *it == LaunchState::InService), "in service"),
        (count(&|it| matches!(it, LaunchState::Failed(_))), "failed"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(n, _)| 0 < *n)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    format!("launching: {}", parts.join(", "))
}

fn ending(line: &str, id: SubmissionId, outcome: &Outcome) -> Said {
    let (severity, text) = match outcome {
        Outcome::Done => (Severity::Done, format!("{id} done: {line}")),
        Outcome::Refused(refusal) => (
            Severity::Failure,
            format!("{id} nothing was done: {refusal}"),
        ),
        Outcome::Changed(_) => (
            Severity::Warning,
            format!(
                "{id} nothing was done: the fleet changed since `{line}` was confirmed; look at it again"
            ),
        ),
        Outcome::Unavailable(_, failure) => (
            Severity::Failure,
            format!("{id} nothing was done: {}", failure.what),
        ),
        Outcome::Failed(failure) => (
            Severity::Failure,
            format!("{id} failed: {line}: {}", failure.what),
        ),
        Outcome::Partly(failures) => (
            Severity::Failure,
            format!("{id} partly done: {line}: {}", failures.join("; ")),
        ),
        Outcome::Aborted { why, left } => (
            Severity::Warning,
            format!("{id} aborted: {line}: {}", aborted(why, left)),
        ),
        Outcome::Stopped(operation) => (Severity::Warning, stopped_words(operation)),
        Outcome::Detached { operation, process } => {
            (Severity::Done, detached_words(operation, *process))
        }
    };
    Said { severity, text }
}

/// Says why an operation was aborted, and what was not done.
pub(in crate::tui) fn aborted(why: &str, left: &[String]) -> String {
    let why = std::iter::once(why.to_owned());
    why.chain(left.iter().cloned())
        .collect::<Vec<_>>()
        .join("; ")
}

/// A confirmation that has to be asked again, once no other one is open.
#[derive(Clone, Debug)]
pub struct Review {
    pub action: Action,
    pub reason: Option<String>,
    pub plan: Plan,
}
