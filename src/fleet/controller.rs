//! A CI controller: what it is, how it is, and how safely it lets a worker be emptied.

use serde::{Deserialize, Serialize};

use super::{ControllerName, Timestamp};

/// A CI controller, as its last reading described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    pub name: ControllerName,
    /// `jenkins`, `buildbot`, `github`, `buildkite`, `command`.
    pub kind: String,
    pub url: Option<String>,
    pub version: Option<String>,
    pub grade: Grade,
    /// What an operator should know before trusting its cordon, a sentence each.
    pub caveats: Vec<String>,
    /// When it started, as far as that can be told.
    pub started_at: Option<Timestamp>,
    /// Set while it hands out no new jobs: its own reason.
    pub quieting_down: Option<String>,
    /// What is wrong with how we reach it, a sentence each.
    pub warnings: Vec<String>,
    /// Why its last list of agents may not be whole: an agent that is not there proves nothing then.
    pub doubt: Option<String>,
}

impl Controller {
    pub fn new(name: ControllerName, kind: &str, grade: Grade) -> Self {
        Self {
            name,
            kind: kind.to_owned(),
            url: None,
            version: None,
            grade,
            caveats: Vec::new(),
            started_at: None,
            quieting_down: None,
            warnings: Vec::new(),
            doubt: None,
        }
    }
}

/// How safely a controller's API lets us empty a worker, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// The controller itself refuses to remove a worker that runs a job.
    Atomic,
    /// A cordon lasts until somebody lifts it; idleness is proven by looking again.
    Durable,
    /// A cordon ends by itself and has to be renewed.
    Timed,
    /// There is no cordon: we can only look.
    ReadOnly,
}

impl Grade {
    pub const ALL: [Self; 4] = [Self::Atomic, Self::Durable, Self::Timed, Self::ReadOnly];

    /// Returns the grade of a kind of controller, as far as the kind alone decides it.
    pub fn of(kind: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.kinds().contains(&kind))
            .unwrap_or(Self::ReadOnly)
    }

    /// Returns the kinds of controllers, as the configuration names them, that have it.
    ///
    /// A program that speaks for a queue of its own may say that it can do more.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Atomic => &["github"],
            Self::Durable => &["buildbot", "jenkins"],
            Self::Timed => &["buildkite"],
            Self::ReadOnly => &["command"],
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Atomic => "atomic",
            Self::Durable => "durable",
            Self::Timed => "timed",
            Self::ReadOnly => "read-only",
        }
    }

    /// Returns the sentence that plans and help show.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Atomic => "The controller refuses to remove a worker that runs a job.",
            Self::Durable => {
                "A cordon lasts; that no job runs is proven by looking again, not atomically."
            }
            Self::Timed => "A cordon ends by itself and has to be renewed while a drain lasts.",
            Self::ReadOnly => "Workers cannot be cordoned, so none can be drained safely.",
        }
    }
}
