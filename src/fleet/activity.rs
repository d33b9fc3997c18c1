//! What a group did, in its own words.

use serde::{Deserialize, Serialize};

use super::{ActivityStatus, InstanceId, PoolKey, Timestamp};

/// A scaling activity of an Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    pub id: String,
    pub pool: PoolKey,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub status: ActivityStatus,
    /// AWS' reason for the status: on a failed launch, the EC2 error.
    pub status_message: Option<String>,
    pub description: String,
    /// Who or what caused it; the only attribution that AWS gives.
    pub cause: String,
    pub percent: Option<u32>,
    /// Parsed from the description.
    pub instance: Option<InstanceId>,
}
