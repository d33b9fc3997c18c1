//! What a time that is over has cost, a month to come, and what spot saves.

use std::time::Duration;

use pooldeck::{
    cost::{self, Savings, Spent},
    fleet::*,
};

use crate::yard::{NOW, SCOPE, fleet, machine, pool};

const HOUR: Duration = Duration::from_hours(1);

/// A past of four hours at a dollar an hour, of which one was not seen.
fn past() -> Past {
    let at = |hour: u32| NOW + HOUR * hour;
    let series = |metric, value| Series {
        metric,
        step: HOUR,
        points: vec![
            Point::flat(at(0), value),
            Point::gap(at(1)),
            Point::flat(at(2), value),
            Point {
                seen: 0.5,
                ..Point::flat(at(3), value)
            },
        ],
    };
    Past {
        pool: None,
        span: Span {
            from: at(0),
            until: at(4),
        },
        series: vec![
            series(Metric::UsdPerHour, 1.0),
            series(Metric::WasteUsd, 0.25),
        ],
        markers: Vec::new(),
        boots: Vec::new(),
        notes: Vec::new(),
    }
}

#[test]
fn what_nobody_saw_adds_nothing_and_is_told() {
    let spent = Spent::of(&past());
    assert_eq!(spent.usd, Some(Usd::from_cents(250)));
    assert_eq!(spent.waste, Usd::from_f64(0.625));
    assert_eq!((spent.seen, spent.of), (HOUR * 5 / 2, HOUR * 4));
    let nothing = Past {
        series: Vec::new(),
        ..past()
    };
    assert_eq!(Spent::of(&nothing).usd, None, "unknown is not zero");
}

#[test]
fn a_month_is_projected_from_the_mean_of_what_was_seen() {
    let spent = Spent::of(&past());
    assert_eq!(
        spent.projected(HOUR * 24 * 30),
        Some(Usd::from_cents(72_000))
    );
    let barely = Spent {
        seen: Duration::from_mins(10),
        ..spent
    };
    assert_eq!(barely.projected(HOUR * 24 * 30), None);
}

fn spot(n: u32, cents: i64, on_demand: Option<i64>) -> Instance {
    machine(n, |it| {
        it.market = Market::Spot;
        it.price = Some(Price {
            per_hour: Usd::from_cents(cents),
            source: PriceSource::SpotHistory,
            at: NOW,
            on_demand: on_demand.map(Usd::from_cents),
            billing: Billing::PerSecond,
            is_adjusted: false,
        });
    })
}

#[test]
fn spot_saves_the_difference_less_what_interruptions_threw_away() {
    let machines = vec![
        spot(1, 3, Some(10)),
        spot(2, 4, Some(10)),
        machine(3, |_| {}),
    ];
    let fleet_of = |machines| fleet(pool(|_| {}), machines, Vec::new());
    let key = PoolKey::new(SCOPE, "linux");
    let savings = cost::savings(&fleet_of(machines), &key).unwrap();
    assert_eq!(savings.net(), Usd::from_cents(13));
    let lost = savings.less_interrupted(Duration::from_mins(30), Usd::from_cents(4));
    assert_eq!(lost.net(), Usd::from_cents(11));
    let unknown = vec![spot(1, 3, Some(10)), spot(2, 4, None)];
    assert_eq!(cost::savings(&fleet_of(unknown), &key), None);
    assert_eq!(Savings::default().net(), Usd::ZERO);
}
