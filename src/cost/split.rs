//! What the money of a pool or a fleet goes to now.

use crate::fleet::{Fleet, PoolKey, Split, Timestamp};

/// Splits what the members of a pool cost per hour now.
pub fn split(fleet: &Fleet, pool: &PoolKey, now: Timestamp) -> Split {
    fleet.split_of(&fleet.roster(pool).instances, now)
}

/// Splits what everything costs per hour now, the machines of no pool included.
pub fn split_all(fleet: &Fleet, now: Timestamp) -> Split {
    fleet.split_of(fleet.instances.values(), now)
}
