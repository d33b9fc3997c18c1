//! What the money of a pool or a fleet goes to now.

use std::sync::Arc;

use crate::fleet::{Fleet, Instance, PoolKey, Split, Timestamp, Usd};

/// Splits what the members of a pool cost per hour now.
pub fn split(fleet: &Fleet, pool: &PoolKey, now: Timestamp) -> Split {
    fleet.split_of(&fleet.roster(pool).instances, now)
}

/// Splits what everything costs per hour now, the machines of no pool included.
pub fn split_all(fleet: &Fleet, now: Timestamp) -> Split {
    fleet.split_of(fleet.instances.values(), now)
}

/// Returns what spot machines would cost more on demand, per hour now.
///
/// `None` when a price of either kind is not known.
pub fn spot_saving<'a>(machines: impl IntoIterator<Item = &'a Arc<Instance>>) -> Option<Usd> {
    let spot = machines
        .into_iter()
        .filter(|it| it.is_spot() && it.is_billed());
    let saved = spot.map(|it| {
        let price = it.price?;
        Some(price.on_demand? - price.per_hour)
    });
    saved.sum()
}
