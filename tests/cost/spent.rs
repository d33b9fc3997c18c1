//! What spot saves now.

use pooldeck::{cost, fleet::*};

use crate::yard::{NOW, SCOPE, fleet, machine, pool};

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
fn spot_saves_the_difference_and_an_unknown_price_leaves_it_unknown() {
    let saving = |machines| {
        let fleet = fleet(pool(|_| {}), machines, Vec::new());
        cost::spot_saving(&fleet.roster(&PoolKey::new(SCOPE, "linux")).instances)
    };
    let machines = vec![
        spot(1, 3, Some(10)),
        spot(2, 4, Some(10)),
        machine(3, |_| {}),
    ];
    assert_eq!(saving(machines), Some(Usd::from_cents(13)));
    let unknown = vec![spot(1, 3, Some(10)), spot(2, 4, None)];
    assert_eq!(saving(unknown), None);
    assert_eq!(saving(Vec::new()), Some(Usd::ZERO));
}
