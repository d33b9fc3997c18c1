//! The door to CI controllers: who runs what, what waits, and the cordon.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;

use crate::fleet::{Call, ControllerName, Failure, FailureKind, Part, Receipt, Timestamp};

/// One CI controller, real or simulated.
#[async_trait]
pub trait Ci: Debug + Send + Sync {
    fn name(&self) -> ControllerName;

    /// Reads agents, jobs and queues. An agent that is not in the answer is not idle: it is not there.
    async fn observe(&self, now: Timestamp) -> Result<Reading, Error>;

    /// Makes one write: a cordon or its end.
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
}

/// A door that several tasks share.
pub type SharedCi = Arc<dyn Ci>;
