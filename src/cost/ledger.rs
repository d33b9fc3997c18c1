//! Adds up money reading by reading: each machine's state, times its price, for
//! as long as it held. A gap is a gap, and a clock that steps back pays nothing.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::fleet::{
    Billing, Fleet, InstanceId, PoolKey, Price, Spending, Split, Timestamp, Usd, Use,
};

/// AWS bills a minute of every launch, however short it was.
const LEAST: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const MILLIS_PER_HOUR: i128 = 3_600_000;

/// What was spent since the first reading, by pool and by use.
///
/// Amounts are kept in nano-dollars times milliseconds, and rounded once, when
/// they are asked for: a year of readings is as exact as one.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Readings further apart than this have a gap between them.
    gap_min: Duration,
    last: Option<Timestamp>,
    machines: HashMap<InstanceId, Machine>,
    spent: BTreeMap<Option<PoolKey>, Amounts>,
    gaps: Duration,
}

/// A machine as it was last seen.
#[derive(Clone, Debug)]
struct Machine {
    pool: Option<PoolKey>,
    used: Option<Use>,
    price: Option<Price>,
    /// Since when it has been billed without an end.
    billed_since: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
struct Amounts {
    /// In nano-dollars times milliseconds per hour.
    by_use: [i128; Use::ALL.len()],
    /// Machine time for which no price was known.
    unpriced: Duration,
}

impl Ledger {
    pub fn new(gap_min: Duration) -> Self {
        Self {
            gap_min,
            last: None,
            machines: HashMap::new(),
            spent: BTreeMap::new(),
            gaps: Duration::ZERO,
        }
    }

    /// Takes a reading: what was seen last has held until now.
    pub fn read(&mut self, fleet: &Fleet, at: Timestamp) {
        let last = self.last.replace(at);
        // The first reading only begins, and so does one after a gap or a clock that went back.
        let since = last.filter(|last| *last <= at && at.since(*last) <= self.gap_min);
        if let (Some(last), None) = (last, since) {
            self.gaps += at.since(last);
        }
        let mut before = std::mem::take(&mut self.machines);
        for instance in fleet.instances.values() {
            let old = before.remove(&instance.id);
            let mut machine = Machine {
                pool: instance.pool.clone(),
                used: fleet.use_of(instance, at),
                price: instance.price,
                billed_since: old.as_ref().and_then(|it| it.billed_since),
            };
            match (since, &old) {
                (Some(last), Some(old)) => self.hold(old, machine.price, last, at),
                // It was launched between the two readings, and is billed from its launch on.
                (Some(last), None) => {
                    let launched_at = instance.launched_at.unwrap_or(at);
                    let from = launched_at.clamp(last, at);
                    self.add(&machine, machine.price, at.since(from));
                    machine.billed_since = instance.launched_at.filter(|it| last <= *it);
                }
                (None, _) => {}
            }
            if machine.used.is_none() {
                self.settle(machine.billed_since.take(), old.as_ref(), at);
            }
            self.machines.insert(instance.id.clone(), machine);
        }
        if let Some(last) = since {
            for old in before.into_values() {
                self.hold(&old, old.price, last, at);
                self.settle(old.billed_since, Some(&old), at);
            }
        }
    }

    /// Returns what a pool has cost, by use; `None` is the machines of no pool.
    pub fn spent(&self, pool: Option<&PoolKey>) -> Split {
        let key = pool.cloned();
        self.spent
            .get(&key)
            .map_or_else(Split::default, Amounts::split)
    }

    /// Returns what everything has cost: the sum of the pools, to the nano-dollar.
    pub fn total(&self) -> Usd {
        let splits = self.spent.values().map(Amounts::split);
        splits.map(|it| it.known()).sum()
    }

    /// Returns what everything has cost since `since`, and what of it was waste.
    pub fn spending(&self, since: Timestamp) -> Spending {
        let splits = || self.spent.values().map(Amounts::split);
        Spending {
            since,
            usd: self.total(),
            waste: splits().filter_map(|it| it.waste()).sum(),
            unpriced: self.unpriced(),
            gaps: self.gaps,
        }
    }

    /// Returns the time in which nobody looked.
    pub fn gaps(&self) -> Duration {
        self.gaps
    }

    /// Returns the machine time for which no price was known: it is in no sum.
    pub fn unpriced(&self) -> Duration {
        self.spent.values().map(|it| it.unpriced).sum()
    }

    /// Adds what a machine did from the last reading on; a spot price that changed
    /// in between counts from its own time.
    fn hold(&mut self, old: &Machine, price: Option<Price>, last: Timestamp, at: Timestamp) {
        let is_between = |it: &Price| last < it.at && it.at < at;
        let changed = price.filter(|it| Some(*it) != old.price && is_between(it));
        let until = changed.map_or(at, |it| it.at);
        self.add(old, old.price, until.since(last));
        self.add(old, price, at.since(until));
    }

    fn add(&mut self, machine: &Machine, price: Option<Price>, time: Duration) {
        let Some(used) = machine.used else {
            return;
        };
        if time.is_zero() {
            return;
        }
        let amounts = self.spent.entry(machine.pool.clone()).or_default();
        match price {
            Some(price) => {
                let millis = i128::try_from(time.as_millis()).unwrap_or(i128::MAX >> 64);
                amounts.by_use[used as usize] += i128::from(price.per_hour.as_nanos()) * millis;
            }
            None => amounts.unpriced += time,
        }
    }

    /// Adds what is billed beyond the life of a machine that has ended.
    fn settle(&mut self, billed_since: Option<Timestamp>, old: Option<&Machine>, at: Timestamp) {
        if let (Some(since), Some(old)) = (billed_since, old)
            && let Some(price) = old.price
        {
            let lived = at.since(since);
            let billed = billed_time(lived, price.billing);
            self.add(old, Some(price), billed.saturating_sub(lived));
        }
    }
}

impl Amounts {
    fn split(&self) -> Split {
        let mut split = Split::default();
        for used in Use::ALL {
            let amount = self.by_use[used as usize];
            let nanos = (amount + MILLIS_PER_HOUR / 2) / MILLIS_PER_HOUR;
            let amount = Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
            split.spend(used, amount);
        }
        split
    }
}

/// Returns for how long AWS bills a machine that lived so long.
pub fn billed_time(lived: Duration, billing: Billing) -> Duration {
    match billing {
        _ if lived.is_zero() => Duration::ZERO,
        Billing::PerSecond => lived.max(LEAST),
        Billing::PerHour => {
            let n_hours = lived.as_millis().div_ceil(HOUR.as_millis());
            HOUR * u32::try_from(n_hours).unwrap_or(u32::MAX)
        }
    }
}
