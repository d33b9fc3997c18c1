//! What pools cost, in JSON. Unknown money is null.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{SourceError, VERSION};
use crate::{
    cost::{
        self,
        past::{Savings, Spent},
    },
    fleet::{
        self, Amount, Bill, FailureKind, Fleet, Observation, OwnSpend, Phase, PriceOrigin, Split,
        Timestamp, Usd, Use,
    },
};

/// The document of `cost -o json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostDocument {
    pub version: u32,
    pub at: Timestamp,
    /// The sum of the pools; null when one of them is not known.
    pub usd_per_hour: Option<Usd>,
    pub waste_usd_per_hour: Option<Usd>,
    /// The same as far as prices are known; null when none is.
    pub priced_usd_per_hour: Option<Usd>,
    pub priced_waste_usd_per_hour: Option<Usd>,
    pub pools: Vec<PoolCost>,
    /// Machines that belong to no group or registered no agent, those of the pools among them.
    pub strays: Strays,
    pub prices: Prices,
    /// What Cost Explorer says of this month, where the configuration lets it be asked.
    pub bills: Vec<Bill>,
    /// What our own questions cost at AWS since this process began.
    pub own: OwnCost,
    /// What could not be read, and what nobody has said the price of.
    pub errors: Vec<SourceError>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PoolCost {
    pub pool: String,
    pub scope: String,
    pub usd_per_hour: Option<Usd>,
    /// Idle, standby, retained and stray; null when nobody can see what the machines do.
    pub waste_usd_per_hour: Option<Usd>,
    /// The same as far as prices are known, and so is every `priced_` below: the least that it can be.
    pub priced_usd_per_hour: Option<Usd>,
    pub priced_waste_usd_per_hour: Option<Usd>,
    /// Since midnight UTC, as far as it was seen; null when none of it was.
    pub today_usd: Option<Usd>,
    pub priced_today_usd: Option<Usd>,
    pub today_waste_usd: Option<Usd>,
    /// How many hours of today so far were seen.
    pub today_seen_hours: f64,
    /// Since the first of the month, UTC.
    pub month_usd: Option<Usd>,
    pub priced_month_usd: Option<Usd>,
    /// The whole month at the mean of what was seen of it.
    pub projected_month_usd: Option<Usd>,
    /// How many hours of the month so far were seen.
    pub month_seen_hours: f64,
    /// What spot saved this month, less what its interruptions threw away.
    pub month_savings: Savings,
    /// With `--since`: what it has cost since then.
    pub since_usd: Option<Usd>,
    pub priced_since_usd: Option<Usd>,
    pub since_waste_usd: Option<Usd>,
    pub since_seen_hours: Option<f64>,
    /// What spot saves against on-demand now; null when a price is not known.
    pub savings_usd_per_hour: Option<Usd>,
    /// Dollars per hour by what the machines do; they add up to `usd_per_hour`.
    pub by: BTreeMap<&'static str, Option<Usd>>,
    /// They add up to `priced_usd_per_hour`.
    pub priced_by: BTreeMap<&'static str, Option<Usd>>,
    /// Null when no machine has a price.
    pub price: Option<PoolPrice>,
    /// Machines that run and whose price is not known.
    pub unpriced: u32,
    /// What the figures above are made of.
    #[serde(skip)]
    pub(in crate::cli) split: Split,
    #[serde(skip)]
    pub(in crate::cli) past: Past,
}

/// Who said what the machines cost, and how old the oldest of it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolPrice {
    /// One of `configured`, `pricing_api`, `spot_history`, `bundled`; several, with commas between.
    pub source: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Strays {
    pub instances: u32,
    /// Those among them that run jobs: what they cost is no waste.
    pub at_work: u32,
    pub usd_per_hour: Option<Usd>,
    pub priced_usd_per_hour: Option<Usd>,
}

/// The prices in use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prices {
    /// The best first.
    pub lists: Vec<PriceOrigin>,
    pub spot: Option<PriceOrigin>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwnCost {
    pub metrics_read: u64,
    pub metric_writes: u64,
    /// Questions to Cost Explorer.
    pub bills_read: u64,
    pub usd: Usd,
}

/// What a pool has cost in the times that are told of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli) struct Past {
    pub(in crate::cli) today: Spent,
    pub(in crate::cli) month: Spent,
    pub(in crate::cli) savings: Savings,
    pub(in crate::cli) month_length: std::time::Duration,
    pub(in crate::cli) since: Option<Spent>,
}

impl CostDocument {
    pub(in crate::cli) fn new(
        observation: &Observation,
        pools: Vec<PoolCost>,
        errors: Vec<SourceError>,
    ) -> Self {
        let (fleet, now) = (&observation.fleet, observation.at);
        let sum = |of: fn(&Split) -> Amount| pools.iter().map(|it| of(&it.split)).sum::<Amount>();
        Self {
            version: VERSION,
            at: now,
            usd_per_hour: pools.iter().map(|it| it.usd_per_hour).sum(),
            waste_usd_per_hour: pools.iter().map(|it| it.waste_usd_per_hour).sum(),
            priced_usd_per_hour: sum(Split::amount).least(),
            priced_waste_usd_per_hour: sum(Split::amount_of_waste).least(),
            pools,
            strays: Strays::of(fleet, now),
            prices: Prices {
                lists: observation.prices.lists.clone(),
                spot: observation.prices.spot,
            },
            bills: observation.prices.bills.clone(),
            own: OwnCost::new(observation.own_spend),
            errors: errors
                .into_iter()
                .chain(price_errors(observation))
                .collect(),
        }
    }
}

impl PoolCost {
    pub(in crate::cli) fn new(fleet: &Fleet, pool: &fleet::Pool, split: Split, past: Past) -> Self {
        let key = pool.key();
        let since = past.since.as_ref();
        let hours = |it: &Spent| (it.seen_hours() * 100.0).round() / 100.0;
        let by = Use::ALL.map(|it| (it.as_str(), split.known_part(it)));
        let priced_by = Use::ALL.map(|it| (it.as_str(), split.amount_of(it).least()));
        Self {
            pool: pool.name.to_string(),
            scope: pool.scope.to_string(),
            usd_per_hour: split.total(),
            waste_usd_per_hour: split.waste(),
            priced_usd_per_hour: split.amount().least(),
            priced_waste_usd_per_hour: split.amount_of_waste().least(),
            today_usd: past.today.total,
            priced_today_usd: past.today.least(),
            today_waste_usd: past.today.waste,
            today_seen_hours: hours(&past.today),
            month_usd: past.month.total,
            priced_month_usd: past.month.least(),
            projected_month_usd: past.month.projected(past.month_length),
            month_seen_hours: hours(&past.month),
            month_savings: past.savings.clone(),
            since_usd: since.and_then(|it| it.total),
            priced_since_usd: since.and_then(Spent::least),
            since_waste_usd: since.and_then(|it| it.waste),
            since_seen_hours: since.map(hours),
            savings_usd_per_hour: cost::spot_saving(&fleet.roster(&key).instances),
            by: by.into(),
            priced_by: priced_by.into(),
            price: PoolPrice::of(fleet, &key),
            unpriced: split.n_unpriced.total(),
            split,
            past,
        }
    }
}

impl PoolPrice {
    fn of(fleet: &Fleet, pool: &fleet::PoolKey) -> Option<Self> {
        let members = fleet.roster(pool).instances.iter();
        let prices: Vec<fleet::Price> = members.filter_map(|it| it.price).collect();
        let sources: BTreeSet<_> = prices.iter().map(|it| it.source).collect();
        let sources: Vec<&str> = sources
            .into_iter()
            .map(fleet::PriceSource::as_str)
            .collect();
        Some(Self {
            source: sources.join(","),
            at: prices.iter().map(|it| it.at).min()?,
        })
    }
}

impl Strays {
    fn of(fleet: &Fleet, now: Timestamp) -> Self {
        let strays = fleet::strays(fleet, now);
        let split = fleet.split_of(fleet::stray_machines(fleet, &strays), now);
        let at_work = [Use::Busy, Use::Draining].map(|it| split.n_machines.get(it));
        Self {
            instances: split.n_machines.total(),
            at_work: at_work.iter().sum(),
            usd_per_hour: split.total(),
            priced_usd_per_hour: split.amount().least(),
        }
    }
}

impl OwnCost {
    fn new(spend: OwnSpend) -> Self {
        Self {
            metrics_read: spend.n_metrics_read,
            metric_writes: spend.n_metric_writes,
            bills_read: spend.n_bills_read,
            usd: spend.usd(),
        }
    }
}

/// What is wrong with prices, as errors beside the others.
fn price_errors(observation: &Observation) -> Vec<SourceError> {
    let failed = observation.prices.failures.iter();
    let failed = failed.map(|it| (it.kind, it.what.clone()));
    let errors = failed.chain(unpriced(&observation.fleet));
    let errors = errors.map(|(kind, what)| SourceError {
        source: "prices".to_owned(),
        source_kind: "prices",
        kind,
        what,
        at: observation.at,
        retry_at: None,
    });
    errors.collect()
}

/// Names the kinds of machines that run and whose price nobody has said.
fn unpriced(fleet: &Fleet) -> impl Iterator<Item = (FailureKind, String)> {
    let mut kinds: BTreeMap<(&str, &str, &str, &str), u32> = BTreeMap::new();
    let machines = fleet.instances.values();
    for it in machines.filter(|it| it.is_billed() && it.price.is_none()) {
        let platform = it.platform.as_deref().unwrap_or("platform not known");
        let region = it.zone.trim_end_matches(|it: char| it.is_ascii_lowercase());
        let kind = (
            it.instance_type.as_str(),
            platform,
            it.market.as_str(),
            region,
        );
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
        .into_iter()
        .map(|((name, platform, market, region), n)| {
            let what = format!(
                "no price is known of {name} ({platform}, {market}) in {region}: {n} {}",
                if n == 1 { "instance" } else { "instances" }
            );
            (FailureKind::NotFound, what)
        })
}

/// The document of `summary -o json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub version: u32,
    pub at: Timestamp,
    pub usd_per_hour: Option<Usd>,
    pub waste_usd_per_hour: Option<Usd>,
    /// The same as far as prices are known; null when none is.
    pub priced_usd_per_hour: Option<Usd>,
    pub priced_waste_usd_per_hour: Option<Usd>,
    pub instances: u32,
    /// The dearest first.
    pub pools: Vec<PoolSummary>,
    /// Those that an operator has to do something about.
    pub strays: u32,
    pub errors: Vec<SourceError>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolSummary {
    pub pool: String,
    pub scope: String,
    pub desired: Option<u32>,
    /// Instances by phase; those that count 0 are left out, as below.
    pub states: BTreeMap<&'static str, u32>,
    pub types: BTreeMap<String, u32>,
    pub markets: BTreeMap<String, u32>,
    pub images: BTreeMap<String, u32>,
    pub busy: Option<u32>,
    pub idle: Option<u32>,
    pub queued: Option<u32>,
    pub usd_per_hour: Option<Usd>,
    pub waste_usd_per_hour: Option<Usd>,
    pub priced_usd_per_hour: Option<Usd>,
    pub priced_waste_usd_per_hour: Option<Usd>,
    pub warnings: Vec<String>,
    #[serde(skip)]
    pub(in crate::cli) split: Split,
}

impl PoolSummary {
    pub(in crate::cli) fn new(
        row: &fleet::PoolRow<'_>,
        now: Timestamp,
        warnings: Vec<String>,
    ) -> Self {
        let members = &row.roster.instances;
        let count = |name: &dyn Fn(&fleet::Instance) -> String| {
            let mut counts = BTreeMap::new();
            for it in members {
                *counts.entry(name(it)).or_default() += 1;
            }
            counts
        };
        let phases = row.roster.counts.iter().filter(|(_, n)| *n != 0);
        let split = row.split(now);
        let known = |n: u32| row.is_work_known.then_some(n);
        Self {
            pool: row.pool.name.to_string(),
            scope: row.pool.scope.to_string(),
            desired: row.pool.capacity.map(|it| it.desired),
            states: phases
                .map(|(phase, n): (Phase, u32)| (phase.as_str(), n))
                .collect(),
            types: count(&|it| it.instance_type.clone()),
            markets: count(&|it| it.market.to_string()),
            images: count(&|it| {
                it.image
                    .as_ref()
                    .map_or("unknown".to_owned(), ToString::to_string)
            }),
            busy: known(row.n_busy),
            idle: known(row.n_idle),
            queued: row.n_queued,
            usd_per_hour: split.total(),
            waste_usd_per_hour: split.waste(),
            priced_usd_per_hour: split.amount().least(),
            priced_waste_usd_per_hour: split.amount_of_waste().least(),
            warnings,
            split,
        }
    }
}
