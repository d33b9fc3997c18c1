//! What a plan changes in dollars per hour, read off its calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use crate::{
    cost,
    fleet::{Call, Fleet, InstanceId, PoolKey, Timestamp, Usd},
};

/// What the pools of a plan cost per hour, before it and once it is done.
///
/// It is told of plans that change how many instances run. A part that is not
/// known makes the sum unknown, and `why` says what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CostChange {
    pub from: Option<Usd>,
    pub to: Option<Usd>,
    pub change: Option<Usd>,
    pub why: Option<String>,
}

impl fmt::Display for CostChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.change, self.from, self.to, &self.why) {
            (Some(change), Some(from), Some(to), _) => {
                write!(f, "{} an hour, from {from} to {to}", Signed(change))
            }
            (Some(change), ..) => write!(f, "{} an hour", Signed(change)),
            (None, .., Some(why)) => write!(f, "not known: {why}"),
            (None, .., None) => f.write_str("not known"),
        }
    }
}

/// An amount that is added or taken away.
struct Signed(Usd);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < Usd::ZERO { "" } else { "+" };
        write!(f, "{sign}{}", self.0)
    }
}

/// Adds up what comes and what goes; `None` when nothing does.
///
/// A roll puts one in the place of each that goes, and what it launches ahead of that
/// is there for a while only. So does AWS for those of `replaced`, whom no call names.
pub(super) fn change<'a>(
    fleet: &Fleet,
    calls: impl Iterator<Item = &'a Call>,
    replaced: &BTreeMap<PoolKey, Vec<InstanceId>>,
    is_roll: bool,
) -> Option<CostChange> {
    let mut sum = Sum {
        fleet,
        is_roll,
        change: Ok(Usd::ZERO),
        pools: BTreeSet::new(),
    };
    for call in calls {
        sum.add(call);
    }
    for (pool, id) in replaced
        .iter()
        .flat_map(|(pool, ids)| ids.iter().map(move |id| (pool, id)))
    {
        sum.replace(pool, id);
    }
    if sum.pools.is_empty() {
        return None;
    }
    let rates = sum.pools.iter();
    // The time decides only what each dollar is for, and not how many there are.
    let from: Option<Usd> = rates
        .map(|it| cost::split(fleet, it, Timestamp::EPOCH).total())
        .sum();
    let change = sum.change.as_ref().ok().copied();
    Some(CostChange {
        from,
        to: from.zip(change).map(|(from, change)| from + change),
        change,
        why: sum.change.err(),
    })
}

struct Sum<'a> {
    fleet: &'a Fleet,
    is_roll: bool,
    change: Result<Usd, String>,
    /// The pools whose size changes.
    pools: BTreeSet<PoolKey>,
}

impl Sum<'_> {
    fn add(&mut self, call: &Call) {
        match call {
            Call::SetDesiredCapacity { pool, desired } if !self.is_roll => {
                let capacity = self.fleet.pool(pool).and_then(|it| it.capacity);
                let Some(capacity) = capacity else {
                    return;
                };
                self.pools.insert(pool.clone());
                if capacity.desired <= *desired {
                    self.launch(pool, desired - capacity.desired);
                } else {
                    self.change = Err("which instances go is not ours to say".to_owned());
                }
            }
            Call::TerminateInstance {
                pool,
                instance,
                decrement,
            } => {
                if !decrement || self.is_roll {
                    self.replace(pool, instance);
                } else {
                    self.pools.insert(pool.clone());
                    self.end(instance);
                }
            }
            // Who is in standby runs on; whoever takes its place comes on top.
            Call::EnterStandby {
                pool,
                instances,
                decrement: false,
            } => {
                self.pools.insert(pool.clone());
                self.launch(pool, u32::try_from(instances.len()).unwrap_or(u32::MAX));
            }
            _ => {}
        }
    }

    fn replace(&mut self, pool: &PoolKey, id: &InstanceId) {
        self.pools.insert(pool.clone());
        self.end(id);
        self.launch(pool, 1);
    }

    fn launch(&mut self, pool: &PoolKey, n: u32) {
        let price = self.fleet.pool(pool).and_then(|it| it.next_price);
        if n == 0 {
            return;
        }
        match (&mut self.change, price) {
            (Ok(change), Some(price)) => *change += price.per_hour * n,
            (Ok(_), None) => {
                let why = format!("nobody has said what one more instance of {pool} costs");
                self.change = Err(why);
            }
            (Err(_), _) => {}
        }
    }

    fn end(&mut self, id: &InstanceId) {
        let instance = self.fleet.instances.get(id);
        let paid = instance.and_then(|it| it.usd_per_hour());
        match (&mut self.change, paid) {
            (Ok(change), Some(paid)) => *change += -paid,
            (Ok(_), None) => self.change = Err(format!("nobody has said what {id} costs")),
            (Err(_), _) => {}
        }
    }
}
