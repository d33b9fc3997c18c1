//! Machines that were there for an operation's sake, and did no job.

use std::time::Duration;

use super::{PoolKey, Span};

/// So many machines of one pool, for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    pub pool: PoolKey,
    pub span: Span,
    pub n_machines: u32,
}

impl Extra {
    /// Returns the time of all of them together.
    pub fn machine_time(&self) -> Duration {
        self.span.length() * self.n_machines
    }
}
