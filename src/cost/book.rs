//! The price book: what a machine costs, from the best source that knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{PriceList, Terms};
use crate::fleet::{
    Billing, Fleet, Instance, Market, Pool, Price, PriceOrigin, PriceSource, SpotPrice, Timestamp,
    Usd, matches_wildcards,
};

/// Everything that is known of prices: the operator's own figures, the price
/// lists, best first, and the newest spot prices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceBook {
    terms: Terms,
    lists: Vec<Arc<PriceList>>,
    spot: BTreeMap<SpotKey, (Usd, Timestamp)>,
}

type SpotKey = (String, String, String);

/// What decides a price.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    pub instance_type: &'a str,
    pub zone: &'a str,
    pub market: &'a Market,
    /// As EC2 says it: `Linux/UNIX`, `Windows`.
    pub platform: &'a str,
    /// The pool that the machine is in; empty is none.
    pub pool: &'a str,
}

impl PriceBook {
    /// Makes the book that everybody has: the operator's terms over the bundled table.
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            lists: vec![PriceList::bundled()],
            spot: BTreeMap::new(),
        }
    }

    /// Puts a newer list before the others; one of the same source is replaced.
    pub fn add_list(&mut self, list: PriceList) {
        self.lists.retain(|it| it.source != list.source);
        self.lists.insert(0, Arc::new(list));
    }

    /// Takes spot prices; an older one never replaces a newer.
    pub fn add_spot(&mut self, prices: impl IntoIterator<Item = SpotPrice>) {
        for it in prices {
            let platform = spot_platform(&it.platform).to_owned();
            let key = (it.zone, it.instance_type, platform);
            let known = self.spot.entry(key).or_insert((it.per_hour, it.since));
            if known.1 <= it.since {
                *known = (it.per_hour, it.since);
            }
        }
    }

    /// Returns the lists in use, the best first.
    pub fn lists(&self) -> impl Iterator<Item = &PriceList> {
        self.lists.iter().map(AsRef::as_ref)
    }

    /// Returns where the prices come from, the best source first.
    pub fn origins(&self) -> Vec<PriceOrigin> {
        let lists = self.lists().map(|it| PriceOrigin {
            source: it.source,
            at: it.at,
            n_prices: it.len(),
        });
        lists.collect()
    }

    /// Returns the spot prices, one for each type in a zone, to be kept.
    pub fn spot_prices(&self) -> impl Iterator<Item = SpotPrice> {
        self.spot.iter().map(|(key, (per_hour, since))| SpotPrice {
            zone: key.0.clone(),
            instance_type: key.1.clone(),
            platform: key.2.clone(),
            per_hour: *per_hour,
            since: *since,
        })
    }

    /// Returns what a machine costs while it runs; `None` when nobody has said.
    pub fn price(&self, instance: &Instance) -> Option<Price> {
        self.price_of(Kind {
            instance_type: &instance.instance_type,
            zone: &instance.zone,
            market: &instance.market,
            // A machine that EC2 has not shown yet may be anything.
            platform: instance.platform.as_deref()?,
            pool: instance.pool_name(),
        })
    }

    /// Returns the price of a kind of machine.
    pub fn price_of(&self, kind: Kind<'_>) -> Option<Price> {
        let on_demand = self.listed(kind);
        let own = self.terms.own_price(kind);
        let found = match (own, kind.market) {
            (Some(own), _) => Some(own),
            (None, Market::OnDemand) => on_demand,
            (None, Market::Spot) => self.spot_of(kind),
            // Reservations and capacity blocks are paid whether a machine runs or not.
            (None, _) => None,
        }?;
        let as_on_demand = Kind {
            market: &Market::OnDemand,
            ..kind
        };
        let own_on_demand = self.terms.own_price(as_on_demand);
        let on_demand = own_on_demand.or(on_demand).map(|it| {
            let (paid, _) = self.terms.discounted(as_on_demand, it);
            paid
        });
        let (per_hour, is_adjusted) = self.terms.discounted(kind, found);
        Some(Price {
            per_hour,
            source: found.source,
            at: found.at,
            on_demand,
            billing: billing_of(kind.platform),
            is_adjusted,
        })
    }

    fn listed(&self, kind: Kind<'_>) -> Option<Found> {
        let region = region_of(kind.zone);
        self.lists.iter().find_map(|list| {
            let per_hour = list.price(region, kind.instance_type, kind.platform)?;
            Some(Found {
                per_hour,
                source: list.source,
                at: list.at,
            })
        })
    }

    fn spot_of(&self, kind: Kind<'_>) -> Option<Found> {
        let key = (
            kind.zone.to_owned(),
            kind.instance_type.to_owned(),
            spot_platform(kind.platform).to_owned(),
        );
        let (per_hour, at) = *self.spot.get(&key)?;
        Some(Found {
            per_hour,
            source: PriceSource::SpotHistory,
            at,
        })
    }

    /// Returns what one more instance of a pool would cost.
    ///
    /// A mixed group may launch any of its types on either market, so there the
    /// mean of what runs now is the best that can be said.
    pub fn next_price(&self, fleet: &Fleet, pool: &Pool) -> Option<Price> {
        let key = pool.key();
        let members = &fleet.roster(&key).instances;
        let prices = members.iter().filter_map(|it| it.price);
        let template = pool.template.as_ref();
        let only_type = template.and_then(|it| it.instance_type.as_deref());
        if pool.mixed.is_none()
            && let Some(instance_type) = only_type
        {
            // Whether a template asks for spot, and which system it starts, shows in its machines.
            let like = members.iter().find(|it| it.platform.is_some());
            let (market, platform) = like.map_or((&Market::OnDemand, None), |it| {
                (&it.market, it.platform.as_deref())
            });
            if *market == Market::OnDemand {
                let zone = pool.zones.first().map_or("", String::as_str);
                return self.price_of(Kind {
                    instance_type,
                    zone,
                    market,
                    platform: platform?,
                    pool: pool.name.as_str(),
                });
            }
        }
        mean(&prices.collect::<Vec<_>>())
    }
}

/// A price as its source has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) per_hour: Usd,
    pub(super) source: PriceSource,
    pub(super) at: Timestamp,
}

fn mean(prices: &[Price]) -> Option<Price> {
    let oldest = *prices.iter().min_by_key(|it| it.at)?;
    let n = u64::try_from(prices.len()).ok()?;
    let sum: Usd = prices.iter().map(|it| it.per_hour).sum();
    let on_demand: Option<Usd> = prices.iter().map(|it| it.on_demand).sum();
    let sources: BTreeSet<PriceSource> = prices.iter().map(|it| it.source).collect();
    Some(Price {
        per_hour: sum.share(1, n),
        source: if sources.len() == 1 && prices.iter().all(|it| it.per_hour == oldest.per_hour) {
            oldest.source
        } else {
            PriceSource::Members
        },
        on_demand: on_demand.map(|it| it.share(1, n)),
        is_adjusted: prices.iter().any(|it| it.is_adjusted),
        ..oldest
    })
}

/// Returns the region of an availability zone: `us-east-1` of `us-east-1a`.
///
/// Local and wavelength zones (`us-west-2-lax-1a`) have prices of their own; their
/// name is no region's, so they stay unknown.
pub(super) fn region_of(zone: &str) -> &str {
    zone.strip_suffix(|it: char| it.is_ascii_lowercase())
        .unwrap_or(zone)
}

/// EC2 adds ` (Amazon VPC)` to the platform of a spot price; there is nothing else any more.
fn spot_platform(platform: &str) -> &str {
    platform.strip_suffix(" (Amazon VPC)").unwrap_or(platform)
}

/// Returns how AWS counts the time of this platform.
///
/// Source: "Amazon EC2 On-Demand Pricing": by the second for Linux, Windows, RHEL
/// and Ubuntu Pro, "a full hour for all other OS types".
fn billing_of(platform: &str) -> Billing {
    let by_second = [
        "Linux/UNIX*",
        "Windows*",
        "Red Hat*",
        "RHEL*",
        "Ubuntu Pro*",
    ];
    if by_second.iter().any(|it| matches_wildcards(platform, it)) {
        Billing::PerSecond
    } else {
        Billing::PerHour
    }
}
