//! What a machine's money goes to just now: work, or one of the kinds of waiting.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Amount, Fleet, Instance, Lifecycle, MachineState, Phase, Timestamp, Usd, Work, stray};

/// What the money of one running machine is spent on.
///
/// A machine has one use at a time; the first of these that holds, in this order:
/// retained, draining, busy, stray, standby, booting, idle, unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// An agent on it runs a job.
    Busy,
    /// Its agents could take a job, and have none.
    Idle,
    /// It has no agent yet, or is not in service yet.
    Booting,
    /// It is on its way out, or cordoned and ends its last job.
    Draining,
    /// It is kept from work: in standby, in the warm pool and running, or cordoned with nothing to do.
    Standby,
    /// It is kept after its end, to be looked at.
    Retained,
    /// It belongs to no group and runs no job, or no agent registered within the boot budget.
    Stray,
    /// It is in service, and nobody can say what it does.
    Unknown,
}

impl Use {
    pub const ALL: [Self; 8] = [
        Self::Busy,
        Self::Idle,
        Self::Booting,
        Self::Draining,
        Self::Standby,
        Self::Retained,
        Self::Stray,
        Self::Unknown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Idle => "idle",
            Self::Booting => "booting",
            Self::Draining => "draining",
            Self::Standby => "standby",
            Self::Retained => "retained",
            Self::Stray => "stray",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether money spent so does no work now and brings none nearer.
    ///
    /// A boot and a drain are the price of changing size, and what nobody can
    /// see is not called waste.
    pub fn is_waste(self) -> bool {
        match self {
            Self::Idle | Self::Standby | Self::Retained | Self::Stray => true,
            Self::Busy | Self::Booting | Self::Draining | Self::Unknown => false,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Instance {
    /// Returns whether AWS bills the machine in its present state.
    ///
    /// Pending, stopped and terminated machines cost nothing but their volumes. A
    /// member that EC2 has not shown yet is taken for one that runs, unless its
    /// group says that it does not.
    pub fn is_billed(&self) -> bool {
        match &self.state {
            Some(state) => *state == MachineState::Running,
            None => !matches!(
                self.lifecycle,
                Some(
                    Lifecycle::Pending
                        | Lifecycle::Terminated
                        | Lifecycle::WarmedPending
                        | Lifecycle::WarmedStopped
                        | Lifecycle::WarmedHibernated
                        | Lifecycle::WarmedTerminated
                )
            ),
        }
    }

    /// Returns what it costs per hour now; `None` when its price is not known.
    pub fn usd_per_hour(&self) -> Option<Usd> {
        if self.is_billed() {
            self.price.map(|it| it.per_hour)
        } else {
            Some(Usd::ZERO)
        }
    }
}

impl Fleet {
    /// Returns what the money of a machine goes to; `None` for one that costs nothing now.
    pub fn use_of(&self, instance: &Instance, now: Timestamp) -> Option<Use> {
        instance
            .is_billed()
            .then(|| self.use_of_billed(instance, now))
    }

    fn use_of_billed(&self, instance: &Instance, now: Timestamp) -> Use {
        let phase = instance.phase();
        match phase {
            Phase::Retained => return Use::Retained,
            Phase::Terminating | Phase::TerminatingWait | Phase::Detached => return Use::Draining,
            Phase::Warm => return Use::Standby,
            Phase::InService
            | Phase::Pending
            | Phase::PendingWait
            | Phase::Standby
            | Phase::Unattached
            | Phase::Other => {}
        }
        let agents = || self.executors_on(&instance.id);
        let is_busy = agents().any(|it| matches!(it.work, Work::Busy(_)));
        let is_cordoned = agents().next().is_some() && agents().all(|it| it.cordoned);
        if is_busy {
            return if is_cordoned {
                Use::Draining
            } else {
                Use::Busy
            };
        }
        if stray::is_outside_groups(self, instance) {
            return Use::Stray;
        }
        if phase == Phase::Standby {
            return Use::Standby;
        }
        let is_idle = |it: &Work| matches!(it, Work::Idle { .. });
        match agents().next() {
            Some(_) if !agents().all(|it| is_idle(&it.work)) => Use::Unknown,
            Some(_) if is_cordoned => Use::Standby,
            Some(_) => Use::Idle,
            None if stray::is_overdue(self, instance, now) => Use::Stray,
            None if matches!(phase, Phase::Pending | Phase::PendingWait) => Use::Booting,
            None if self.is_in_boot_budget(instance, now) => Use::Booting,
            None => Use::Unknown,
        }
    }

    /// Splits what some machines cost per hour now.
    pub fn split_of<'a>(
        &self,
        instances: impl IntoIterator<Item = &'a Arc<Instance>>,
        now: Timestamp,
    ) -> Split {
        let mut split = Split::default();
        for instance in instances {
            if let Some(used) = self.use_of(instance, now) {
                split.add(used, instance.price.map(|it| it.per_hour));
            }
        }
        split
    }

    fn is_in_boot_budget(&self, instance: &Instance, now: Timestamp) -> bool {
        let pool = instance.pool.as_ref().and_then(|it| self.pool(it));
        let link = pool.and_then(|it| it.ci.as_ref());
        link.zip(instance.launched_at)
            .is_some_and(|(link, at)| now.since(at) <= link.boot_budget)
    }
}

/// Dollars per hour, or dollars, by what they are spent on.
///
/// The parts are exact, so they add up to the total whatever it is rounded to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub busy: Usd,
    pub idle: Usd,
    pub booting: Usd,
    pub draining: Usd,
    pub standby: Usd,
    pub retained: Usd,
    pub stray: Usd,
    pub unknown: Usd,
    /// How many machines each part is of.
    pub n_machines: ByUse,
    /// Of those, the ones whose price is not known: they are in no sum.
    pub n_unpriced: ByUse,
}

/// A count for each use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByUse([u32; Use::ALL.len()]);

impl ByUse {
    pub fn get(&self, used: Use) -> u32 {
        self.0[used as usize]
    }

    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    fn add(&mut self, used: Use) {
        self.0[used as usize] += 1;
    }
}

impl Split {
    /// Adds a machine; one without a price makes the sums that it belongs to unknown.
    pub fn add(&mut self, used: Use, amount: Option<Usd>) {
        self.n_machines.add(used);
        match amount {
            Some(amount) => self.spend(used, amount),
            None => self.n_unpriced.add(used),
        }
    }

    /// Adds money that was spent on something.
    pub fn spend(&mut self, used: Use, amount: Usd) {
        *self.part_mut(used) += amount;
    }

    /// Returns the sum of all parts; `None` when a price is not known.
    pub fn total(&self) -> Option<Usd> {
        (self.n_unpriced.total() == 0).then(|| self.known())
    }

    /// Returns the sum of what is known: the least that it can be.
    pub fn known(&self) -> Usd {
        self.iter().map(|(_, amount)| amount).sum()
    }

    /// Returns one part; `None` when the price of a machine in it is not known.
    pub fn known_part(&self, used: Use) -> Option<Usd> {
        (self.n_unpriced.get(used) == 0).then(|| self.part(used))
    }

    /// Returns idle, standby, retained and stray together.
    ///
    /// A boot and a drain are the price of changing size. `None` when a price of it
    /// is not known, or when nobody can say what any of the machines does.
    pub fn waste(&self) -> Option<Usd> {
        let n_machines = self.n_machines.total();
        if n_machines != 0 && self.n_machines.get(Use::Unknown) == n_machines {
            return None;
        }
        let waste = Use::ALL.into_iter().filter(|it| it.is_waste());
        waste.map(|it| self.known_part(it)).sum()
    }

    /// Returns the sum of all parts, as far as prices are known.
    pub fn amount(&self) -> Amount {
        Amount::new(self.total(), self.known())
    }

    /// Returns one part, as far as prices are known.
    pub fn amount_of(&self, used: Use) -> Amount {
        Amount::new(self.known_part(used), self.part(used))
    }

    /// Returns idle, standby, retained and stray together, as far as prices are known.
    pub fn amount_of_waste(&self) -> Amount {
        let waste = Use::ALL.into_iter().filter(|it| it.is_waste());
        Amount::new(self.waste(), waste.map(|it| self.part(it)).sum())
    }

    pub fn iter(&self) -> impl Iterator<Item = (Use, Usd)> {
        Use::ALL.into_iter().map(|it| (it, self.part(it)))
    }

    pub fn part(&self, used: Use) -> Usd {
        match used {
            Use::Busy => self.busy,
            Use::Idle => self.idle,
            Use::Booting => self.booting,
            Use::Draining => self.draining,
            Use::Standby => self.standby,
            Use::Retained => self.retained,
            Use::Stray => self.stray,
            Use::Unknown => self.unknown,
        }
    }

    fn part_mut(&mut self, used: Use) -> &mut Usd {
        match used {
            Use::Busy => &mut self.busy,
            Use::Idle => &mut self.idle,
            Use::Booting => &mut self.booting,
            Use::Draining => &mut self.draining,
            Use::Standby => &mut self.standby,
            Use::Retained => &mut self.retained,
            Use::Stray => &mut self.stray,
            Use::Unknown => &mut self.unknown,
        }
    }
}
