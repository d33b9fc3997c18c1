//! The past of one pool: its size followed its load, a little late.

use std::{collections::BTreeSet, time::Duration};

use fastrand::Rng;

use super::load::load;
use crate::{
    fleet::{
        Boot, Capacity, Chronicle, Interruption, Marker, MarkerKind, Metric, PoolKey, PoolName,
        Region, Timestamp, Usd, Values,
    },
    sim::{dice, group::Group, price, scenario::PoolSpec},
};

/// How late the size follows the load, and a launch its request.
const SCALE_DELAY: Duration = Duration::from_mins(5);
const BOOT: Duration = Duration::from_mins(4);
const SHUT_DOWN: Duration = Duration::from_mins(2);
/// Boots and changes of size that are told, newest first.
const N_BOOTS_MAX: usize = 150;
const N_ACTIVITIES_MAX: usize = 40;

pub(super) struct PastPool {
    key: PoolKey,
    capacity: Option<Capacity>,
    spec: PoolSpec,
    region: Region,
    seed: u64,
    /// Executors that a load of 1 keeps busy.
    height: f64,
}

/// How many machines there were.
#[derive(Clone, Copy)]
struct Size {
    desired: u32,
    in_service: u32,
    pending: u32,
    terminating: u32,
}

impl PastPool {
    pub(super) fn new(group: &Group, region: &Region, seed: u64, until: Timestamp) -> Self {
        let mut pool = Self {
            key: group.row.key(),
            capacity: group.row.capacity,
            spec: group.spec.clone(),
            region: region.clone(),
            seed,
            height: 1.0,
        };
        // The past ends as large as the present begins.
        let now = pool.capacity.map_or(pool.spec.n_loose, |it| it.desired);
        let load = pool.load(until - SCALE_DELAY).max(0.05);
        pool.height = f64::from(now * pool.n_slots()) * 0.8 / load;
        pool
    }

    pub(super) fn name(&self) -> &PoolName {
        &self.key.name
    }

    pub(super) fn has(&self, metric: Metric) -> bool {
        if metric.is_setting() {
            self.capacity.is_some()
        } else if metric.is_of_controller() {
            self.spec.ci.is_some()
        } else {
            true
        }
    }

    fn n_slots(&self) -> u32 {
        let link = self.spec.ci.as_ref();
        link.map_or(1, |it| it.executors_per_instance.max(1))
    }

    fn load(&self, at: Timestamp) -> f64 {
        load(self.seed, self.name().as_str(), at)
    }

    fn desired(&self, at: Timestamp) -> u32 {
        let Some(capacity) = self.capacity else {
            return self.spec.n_loose;
        };
        if self.spec.policy.is_none() {
            return capacity.desired;
        }
        let busy = self.height * self.load(at - SCALE_DELAY);
        let wanted = busy / f64::from(self.n_slots()) * 1.25;
        whole(wanted.ceil()).clamp(capacity.min, capacity.max)
    }

    fn size(&self, at: Timestamp) -> Size {
        let desired = self.desired(at);
        let there = if self.spec.shortages.is_empty() {
            desired.min(self.desired(at - BOOT))
        } else {
            self.spec.n_members
        };
        Size {
            desired,
            in_service: there.min(desired),
            pending: if self.spec.shortages.is_empty() {
                desired - there.min(desired)
            } else {
                0
            },
            terminating: self.desired(at - SHUT_DOWN).saturating_sub(desired),
        }
    }

    /// Returns what would have been measured at a time.
    pub(super) fn values(&self, at: Timestamp) -> Values {
        let size = self.size(at);
        let (wanted, n_slots) = (whole((self.height * self.load(at)).round()), self.n_slots());
        let n_executors = size.in_service * n_slots;
        let busy = wanted.min(n_executors);
        let queued = wanted - busy;
        let mut values = Values::UNKNOWN;
        let mut count = |metric, n: u32| values.set(metric, Some(f64::from(n)));
        if let Some(capacity) = self.capacity {
            count(Metric::Desired, size.desired);
            count(Metric::Min, capacity.min);
            count(Metric::Max, capacity.max);
        }
        for metric in [
            Metric::PendingWait,
            Metric::Standby,
            Metric::TerminatingWait,
            Metric::Retained,
            Metric::Warm,
            Metric::Detached,
            Metric::Other,
        ] {
            count(metric, 0);
        }
        let is_loose = self.capacity.is_none();
        let (in_group, loose) = if is_loose {
            (0, size.in_service)
        } else {
            (size.in_service, 0)
        };
        count(Metric::InService, in_group);
        count(Metric::Unattached, loose);
        count(Metric::Pending, size.pending);
        count(Metric::Terminating, size.terminating);
        if self.spec.ci.is_some() {
            count(Metric::TotalExecutors, n_executors);
            count(Metric::BusyExecutors, busy);
            count(Metric::IdleExecutors, n_executors - busy);
            count(Metric::OfflineExecutors, 0);
            count(Metric::DrainingExecutors, 0);
            count(Metric::QueuedJobs, queued);
            count(Metric::OldestQueuedSeconds, queued.min(40) * 45);
        }
        self.add_money(&mut values, size, busy.div_ceil(n_slots), at);
        values
    }

    fn add_money(&self, values: &mut Values, size: Size, n_busy: u32, at: Timestamp) {
        let Some((on_demand, paid)) = self.rates(at) else {
            // None of the machines has a price: nothing of it is known.
            for priced in Metric::ALL.iter().filter(|it| it.whole().is_some()) {
                values.set(*priced, Some(0.0));
            }
            if !self.spec.is_spot {
                values.set(Metric::SpotUsd, Some(0.0));
                values.set(Metric::PricedSpotUsd, None);
                values.set(Metric::SpotSavingUsd, Some(0.0));
            }
            return;
        };
        let n_machines = size.in_service + size.pending + size.terminating;
        let n_idle = size.in_service.saturating_sub(n_busy);
        let mut usd = |metric, rate: Usd, n: u32| values.set(metric, Some((rate * n).as_f64()));
        usd(Metric::UsdPerHour, paid, n_machines);
        usd(Metric::BusyUsd, paid, n_busy.min(size.in_service));
        usd(Metric::IdleUsd, paid, n_idle);
        usd(Metric::WasteUsd, paid, n_idle);
        usd(Metric::BootingUsd, paid, size.pending);
        usd(Metric::DrainingUsd, paid, size.terminating);
        for metric in [
            Metric::StandbyUsd,
            Metric::RetainedUsd,
            Metric::StrayUsd,
            Metric::UnknownUsd,
        ] {
            usd(metric, paid, 0);
        }
        let n_spot = if self.spec.is_spot { n_machines } else { 0 };
        usd(Metric::SpotUsd, paid, n_spot);
        usd(Metric::OnDemandUsd, paid, n_machines - n_spot);
        usd(Metric::SpotSavingUsd, on_demand - paid, n_spot);
    }

    /// Returns the list price of its machines, and what was paid.
    fn rates(&self, at: Timestamp) -> Option<(Usd, Usd)> {
        let instance_type = self.spec.instance_types.first()?;
        let on_demand = if self.spec.host.is_windows {
            price::windows_price(instance_type)?
        } else {
            price::list_price(instance_type)?
        };
        if !self.spec.is_spot {
            return Some((on_demand, on_demand));
        }
        let types = BTreeSet::from([instance_type.clone()]);
        let quotes = price::spot_prices(&self.region, &types, at);
        let n = u64::try_from(quotes.len()).ok().filter(|it| *it != 0)?;
        let sum: Usd = quotes.iter().map(|it| it.per_hour).sum();
        Some((on_demand, sum.share(1, n)))
    }

    /// Tells launches, interruptions and boots; the newest of them.
    pub(super) fn tell_events(&self, into: &mut Chronicle, rng: &mut Rng, until: Timestamp) {
        let step = super::LONG_STEP;
        let n_steps = u32::try_from(super::LENGTH.as_secs() / step.as_secs()).unwrap_or(0);
        let (mut n_boots, mut n_activities) = (0, 0);
        // The world has lived and told its own story in the last hour.
        for step_idx in 6..n_steps {
            let at = until - step * step_idx;
            let (before, after) = (self.desired(at - step), self.desired(at));
            if after != before && n_activities < N_ACTIVITIES_MAX {
                n_activities += 1;
                into.markers.push(self.resized(at, before, after));
            }
            for _ in before..after.min(before + 3) {
                if n_boots < N_BOOTS_MAX {
                    n_boots += 1;
                    into.boots.push(self.boot(rng, at, until));
                }
            }
            let is_taken = self.spec.is_spot && rng.u32(0..220) == 0;
            if is_taken {
                into.markers.push(self.interrupted(rng, at));
            }
        }
        into.boots.sort_by_key(|it| it.requested_at);
    }

    fn marker(&self, at: Timestamp, kind: MarkerKind, what: String) -> Marker {
        Marker {
            at,
            pool: Some(self.key.clone()),
            kind,
            what,
        }
    }

    fn resized(&self, at: Timestamp, before: u32, after: u32) -> Marker {
        let what =
            format!("the scaling policy changed the desired capacity from {before} to {after}");
        self.marker(at, MarkerKind::Activity, what)
    }

    fn interrupted(&self, rng: &mut Rng, at: Timestamp) -> Marker {
        let interruption = Interruption {
            instance: instance_id(rng).into(),
            instance_type: self
                .spec
                .instance_types
                .first()
                .cloned()
                .unwrap_or_default(),
            zone: self.zone(rng),
            lost: Some(Duration::from_secs(rng.u64(0..2400))),
        };
        self.marker(at, MarkerKind::Interruption, interruption.to_string())
    }

    fn boot(&self, rng: &mut Rng, at: Timestamp, until: Timestamp) -> Boot {
        let requested = at + dice::secs(rng, 0, 300);
        let running = requested + dice::secs(rng, 18, 50);
        // The image of the last three days starts more services than the one before.
        let is_new = until.since(at) < Duration::from_hours(72);
        let boot = dice::between(rng, self.spec.host.boot);
        let boot = if is_new { boot * 3 / 2 } else { boot };
        let registered = running + boot;
        let image = self.spec.images.last().filter(|_| is_new);
        Boot {
            instance: instance_id(rng).into(),
            pool: self.key.clone(),
            image: Some(
                image
                    .cloned()
                    .unwrap_or_else(|| "ami-09b1d2e84c7f3a650".into()),
            ),
            instance_type: self
                .spec
                .instance_types
                .first()
                .cloned()
                .unwrap_or_default(),
            zone: self.zone(rng),
            requested_at: Some(requested),
            running_at: Some(running),
            registered_at: Some(registered),
            first_job_at: Some(registered + dice::secs(rng, 3, 240)),
        }
    }

    fn zone(&self, rng: &mut Rng) -> String {
        rng.choice(&self.spec.zones).cloned().unwrap_or_default()
    }
}

fn instance_id(rng: &mut Rng) -> String {
    format!("i-0{:016x}", rng.u64(..))
}

fn whole(value: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what fits"
    )]
    let n = value.clamp(0.0, 1e6) as u32;
    n
}
