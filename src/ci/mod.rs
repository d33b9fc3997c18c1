//! The door to CI controllers: who runs what, what waits, and the cordon.

pub mod buildbot;
pub mod buildkite;
pub mod command;
mod endpoint;
mod epoch;
mod explain;
pub mod github;
mod http;
pub mod jenkins;
mod reply;
mod row;
mod secret;
mod text;
mod unopened;
mod watch;

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::fleet::{
    Call, Controller, ControllerName, Failure, FailureKind, Grade, Part, Receipt, Timestamp,
};

pub use endpoint::{Endpoint, LabelRule};
pub use secret::Secret;
pub use unopened::Unopened;

/// One CI controller, real or simulated.
#[async_trait]
pub trait Ci: Debug + Send + Sync {
    fn name(&self) -> ControllerName;

    /// Returns what is known of the controller without asking it: its kind, address and grade.
    fn describe(&self) -> Controller {
        Controller::new(self.name(), "unknown", Grade::ReadOnly)
    }

    /// Reads agents, jobs and queues. An agent that is not in the answer is not idle: it is not there.
    ///
    /// An error says nothing of the agents: `Part::turned_unknown` is what is left of the last reading.
    async fn observe(&self, now: Timestamp) -> Result<Reading, Error>;

    /// Makes one write: a cordon or its end, or the removal of an idle agent.
    ///
    /// Success means that the controller accepted it; whether it took hold is for the
    /// next reading to say.
    async fn apply(&self, call: &Call) -> Result<Receipt, Error>;

    /// Returns how many requests this door has sent since it was opened.
    fn n_requests(&self) -> u64;
}

/// What one reading of a controller saw.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub part: Part,
    pub missing: Vec<Failure>,
}

/// Why a call failed. `Display` is one sentence for an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    pub kind: FailureKind,
    pub what: String,
    /// How long the controller asked us to stay away.
    pub retry_in: Option<Duration>,
}

impl Error {
    pub fn new(kind: FailureKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            retry_in: None,
        }
    }

    /// Refuses a call that is for AWS.
    fn not_ours(call: &Call) -> Self {
        Self::new(
            FailureKind::Invalid,
            format!("{} is not for a CI controller", call.operation()),
        )
    }

    pub fn into_failure(self, at: Timestamp) -> Failure {
        Failure {
            kind: self.kind,
            what: self.what,
            at,
            retry_at: self.retry_in.map(|it| at + it),
        }
    }
}

/// A door that several tasks share.
pub type SharedCi = Arc<dyn Ci>;

/// What a controller is, with what only that kind can be configured with.
#[derive(Clone, Debug)]
pub enum Kind {
    Buildbot(buildbot::Options),
    Buildkite(buildkite::Options),
    Command(command::Options),
    GitHub(github::Options),
    Jenkins(jenkins::Options),
}

impl Kind {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Buildbot(_) => buildbot::KIND,
            Self::Buildkite(_) => buildkite::KIND,
            Self::Command(_) => command::KIND,
            Self::GitHub(_) => github::KIND,
            Self::Jenkins(_) => jenkins::KIND,
        }
    }
}

/// Opens the door to a controller; sends nothing.
///
/// A controller that is configured wrongly gets a door too, which says what is wrong:
/// the others, and the fleet, are there all the same.
pub fn open(endpoint: Endpoint, kind: Kind) -> SharedCi {
    let (name, word) = (endpoint.name.clone(), kind.as_str());
    let opened: Result<SharedCi, Error> = match kind {
        Kind::Buildbot(it) => buildbot::Buildbot::open(endpoint, it).map(shared),
        Kind::Buildkite(it) => buildkite::Buildkite::open(endpoint, it).map(shared),
        Kind::Command(it) => command::CommandCi::open(endpoint, it).map(shared),
        Kind::GitHub(it) => github::GitHub::open(endpoint, it).map(shared),
        Kind::Jenkins(it) => jenkins::Jenkins::open(endpoint, it).map(shared),
    };
    opened.unwrap_or_else(|error| Arc::new(Unopened::new(name, word, error)))
}

fn shared(door: impl Ci + 'static) -> SharedCi {
    Arc::new(door)
}
