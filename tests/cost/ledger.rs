//! The integral: what was spent is state, times time, times price, and nothing else.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use pooldeck::{
    cost::{Ledger, PriceBook, Terms, billed_time},
    fleet::*,
    sim::{Faults, PoolSpec, Scenario, Weather, World},
};
use proptest::prelude::*;

use crate::yard::{NOW, SCOPE, agent, busy, fleet, machine, pool};

const SECOND: Duration = Duration::from_secs(1);

fn key() -> PoolKey {
    PoolKey::new(SCOPE, "linux")
}

fn ledger() -> Ledger {
    Ledger::new(Duration::from_mins(5))
}

#[test]
fn an_hour_of_a_machine_costs_its_hourly_price() {
    let it = machine(1, |_| {});
    let agents = vec![agent(&it, busy())];
    let fleet = fleet(pool(|_| {}), vec![it], agents);
    let mut ledger = ledger();
    for minute in 0..=60 {
        ledger.read(&fleet, NOW + Duration::from_mins(minute));
    }
    let spent = ledger.spent(Some(&key()));
    assert_eq!(spent.busy, Usd::from_nanos(96_000_000));
    assert_eq!(ledger.total(), spent.busy);
    assert_eq!(ledger.gaps(), Duration::ZERO);
}

#[test]
fn a_gap_is_a_gap_and_a_clock_that_goes_back_pays_nothing() {
    let fleet = fleet(pool(|_| {}), vec![machine(1, |_| {})], Vec::new());
    let mut ledger = ledger();
    let at = |secs: u64| NOW + Duration::from_secs(secs);
    ledger.read(&fleet, at(0));
    ledger.read(&fleet, at(60));
    let before = ledger.total();
    // Half an hour in which nobody looked.
    ledger.read(&fleet, at(1860));
    assert_eq!(
        (ledger.total(), ledger.gaps()),
        (before, Duration::from_mins(30))
    );
    // The clock steps back an hour, and time goes on from there.
    ledger.read(&fleet, NOW - Duration::from_hours(1));
    assert_eq!(ledger.total(), before);
    ledger.read(
        &fleet,
        NOW - Duration::from_hours(1) + Duration::from_mins(1),
    );
    assert_eq!(ledger.total(), before + before);
}

#[test]
fn a_spot_price_that_changed_between_two_readings_counts_from_its_own_time() {
    let priced = |cents, at| {
        move |it: &mut Instance| {
            it.market = Market::Spot;
            it.price = Some(Price {
                per_hour: Usd::from_cents(cents),
                source: PriceSource::SpotHistory,
                at,
                on_demand: None,
                billing: Billing::PerSecond,
                is_adjusted: false,
            });
        }
    };
    let reading = |change| fleet(pool(|_| {}), vec![machine(1, change)], Vec::new());
    let changed_at = NOW + Duration::from_secs(45);
    let mut ledger = ledger();
    ledger.read(&reading(priced(360, NOW - Duration::from_hours(1))), NOW);
    let after = reading(priced(720, changed_at));
    ledger.read(&after, NOW + Duration::from_mins(1));
    // 45 s at a tenth of a cent a second, and 15 s at two tenths.
    assert_eq!(ledger.total(), Usd::from_nanos(75_000_000));
}

#[test]
fn a_machine_that_lived_seconds_is_billed_a_minute() {
    let nobody = fleet(pool(|_| {}), Vec::new(), Vec::new());
    let young = machine(1, |it| it.launched_at = Some(NOW + SECOND));
    let somebody = fleet(pool(|_| {}), vec![young], Vec::new());
    let mut ledger = ledger();
    ledger.read(&nobody, NOW);
    ledger.read(&somebody, NOW + Duration::from_secs(5));
    ledger.read(&nobody, NOW + Duration::from_secs(11));
    let minute = Usd::from_nanos(96_000_000).for_time(Duration::from_mins(1));
    assert_eq!(ledger.total(), minute);
    assert_eq!(billed_time(SECOND * 61, Billing::PerSecond), SECOND * 61);
    assert_eq!(
        billed_time(SECOND, Billing::PerHour),
        Duration::from_hours(1)
    );
    assert_eq!(
        billed_time(SECOND * 3601, Billing::PerHour),
        Duration::from_hours(2)
    );
    assert_eq!(
        billed_time(Duration::ZERO, Billing::PerHour),
        Duration::ZERO
    );
}

#[test]
fn time_without_a_price_is_told_and_never_free() {
    let odd = machine(1, |it| it.instance_type = "x9.huge".into());
    let fleet = fleet(pool(|_| {}), vec![odd], Vec::new());
    let mut ledger = ledger();
    ledger.read(&fleet, NOW);
    ledger.read(&fleet, NOW + SECOND * 60);
    assert_eq!(
        (ledger.total(), ledger.unpriced()),
        (Usd::ZERO, SECOND * 60)
    );
}

/// A region with an on-demand and a spot pool, in which machines come, die and are taken.
fn world(seed: u64, interruption: f64) -> World {
    let group = |name: &str, is_spot| PoolSpec {
        is_spot,
        ..PoolSpec::group(
            name,
            "us-east-1",
            Capacity {
                desired: 4,
                min: 0,
                max: 8,
            },
        )
    };
    let scenario = Scenario::of(
        vec![group("linux", false), group("cheap", true)],
        Vec::new(),
    );
    let mut world = World::new(seed, scenario, NOW);
    world.set_faults(Faults {
        weather: Weather {
            spot_interruption: interruption,
            sick_machine: interruption,
            foreign_hand: interruption,
            ..Weather::default()
        },
        ..Faults::default()
    });
    world
}

/// Joins what the world truly is, priced as the market has it then.
fn truth(world: &World, book: &mut PriceBook) -> Fleet {
    let cents = 3 + world.now().as_millis().div_euclid(420_000).rem_euclid(5);
    let zones = ["a", "b", "c"].map(|it| format!("us-east-1{it}"));
    book.add_spot(zones.map(|zone| SpotPrice {
        instance_type: "m7i.xlarge".into(),
        zone,
        platform: "Linux/UNIX".into(),
        per_hour: Usd::from_cents(cents),
        since: Timestamp::from_millis(world.now().as_millis().div_euclid(420_000) * 420_000),
    }));
    let machines = world.machines().filter(|it| it.is_alive());
    let priced = machines.map(|it| {
        let price = book.price(&it.row);
        std::sync::Arc::new(Instance {
            price,
            ..Instance::clone(&it.row)
        })
    });
    Fleet::join([&Part {
        pools: world.groups().map(|it| it.row.clone()).collect(),
        instances: priced.collect(),
        ..Part::default()
    }])
}

/// Adds up second by second, as slowly and as plainly as it can be said, in nano-dollar-seconds.
#[derive(Default)]
struct BruteForce {
    nano_seconds: BTreeMap<(PoolKey, Use), i128>,
    /// When each machine was first and last seen.
    seen: HashMap<InstanceId, (Timestamp, Timestamp)>,
    last: Option<(Timestamp, Fleet)>,
}

impl BruteForce {
    fn second(&mut self, fleet: &Fleet, at: Timestamp) {
        for id in fleet.instances.keys() {
            self.seen.entry(id.clone()).or_insert((at, at)).1 = at;
        }
        if let Some((_, before)) = self
            .last
            .replace((at, fleet.clone()))
            .filter(|it| at.since(it.0) == SECOND)
        {
            for it in before.instances.values() {
                let (Some(used), Some(price)) = (before.use_of(it, at - SECOND), it.price) else {
                    continue;
                };
                let pool = it.pool.clone().unwrap();
                *self.nano_seconds.entry((pool, used)).or_default() +=
                    i128::from(price.per_hour.as_nanos());
            }
        }
    }

    /// Returns how many machines may have been billed more than they lived.
    fn n_short_lived(&self) -> u32 {
        let short = |it: &&(Timestamp, Timestamp)| it.1.since(it.0) < Duration::from_secs(62);
        u32::try_from(self.seen.values().filter(short).count()).unwrap()
    }

    fn usd(&self, pool: &PoolKey) -> i128 {
        let its = self.nano_seconds.iter().filter(|(key, _)| key.0 == *pool);
        its.map(|(_, it)| it).sum::<i128>() / 3600
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_integral_is_what_every_second_adds_up_to(
        seed in 0_u64..1000,
        interruption in 0.0..0.2,
        outage in prop::option::of(100_u64..1500),
        step_back in prop::option::of(100_u64..1500),
    ) {
        let mut world = world(seed, interruption);
        let mut book = PriceBook::new(Terms::default());
        let (mut ledger, mut brute) = (Ledger::new(Duration::from_secs(30)), BruteForce::default());
        let mut most = Usd::ZERO;
        for second in 0..1800_u64 {
            world.advance(SECOND);
            // A crash of ours: ten minutes in which nobody looks.
            if outage.is_some_and(|from| (from..from + 600).contains(&second)) {
                continue;
            }
            // Somebody sets the clock of the host back.
            let by = if step_back.is_some_and(|from| from <= second) { 500 } else { 0 };
            let at = world.now() - Duration::from_secs(by);
            let fleet = truth(&world, &mut book);
            most = most.max(cost_of(&fleet));
            ledger.read(&fleet, at);
            brute.second(&fleet, at);
        }
        let n_launched = u32::try_from(brute.seen.len()).unwrap();
        let mut sum = Usd::ZERO;
        for pool in world.groups().map(|it| it.row.key()) {
            let spent = ledger.spent(Some(&pool));
            let parts: Usd = spent.iter().map(|it| it.1).sum();
            prop_assert_eq!(parts, spent.known());
            sum += parts;
            // The brute force knows neither the launch between two seconds nor the
            // minute that every launch is billed; a machine is off by no more than that.
            let slack = most.for_time(SECOND) * 3
                + Usd::from_cents(21).for_time(Duration::from_mins(1)) * brute.n_short_lived()
                + Usd::from_cents(21).for_time(SECOND) * n_launched;
            let off = (i128::from(parts.as_nanos()) - brute.usd(&pool)).unsigned_abs();
            prop_assert!(off <= slack.as_nanos().unsigned_abs().into(), "{} off by {off}, {parts}", pool);
        }
        prop_assert_eq!(ledger.total(), sum, "the pools add up to the total");
        prop_assert!(Usd::ZERO < sum);
    }
}

fn cost_of(fleet: &Fleet) -> Usd {
    pooldeck::cost::split_all(fleet, NOW).known()
}
