//! How long an instance took from its request to its first job.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ImageId, InstanceId, PoolKey, Timestamp};

/// The way of one instance to its first job; what was not seen is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    pub instance: InstanceId,
    pub pool: PoolKey,
    pub image: Option<ImageId>,
    pub instance_type: String,
    pub zone: String,
    /// When the group or an operator asked for it.
    pub requested_at: Option<Timestamp>,
    /// When EC2 said that the machine runs.
    pub running_at: Option<Timestamp>,
    /// When the controller had an agent of it.
    pub registered_at: Option<Timestamp>,
    /// When the first job ran on it.
    pub first_job_at: Option<Timestamp>,
}

impl Boot {
    /// Returns how long it took to be of use: from the request to the registration.
    pub fn time_to_ready(&self) -> Option<Duration> {
        let (from, until) = (self.requested_at?, self.registered_at?);
        Some(until.since(from))
    }
}
