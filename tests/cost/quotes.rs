//! The engine reads prices rarely, keeps them, and goes on without them.

use std::{path::PathBuf, time::Duration};

use pooldeck::{
    cost::{PriceBook, Terms},
    engine::{
        self, Actor, Asking, Clock, Config, Detach, Doors, Event, Handle, Keeping, Pricing, Wanted,
    },
    fleet::*,
    sim,
};
use tokio::sync::mpsc;

use crate::yard::NOW;

/// A console on the demo, at a standstill.
struct Bench {
    handle: Handle,
    events: mpsc::Receiver<Event>,
}

fn start(asking: Asking, file: Option<PathBuf>) -> Bench {
    let demo = sim::demo(1, NOW);
    let doors = Doors {
        clouds: demo.clouds,
        cis: demo.cis,
    };
    let config = Config {
        interval: Duration::from_secs(10),
        policy: pooldeck::action::Policy::default(),
        links: Vec::new(),
        pricing: Pricing {
            book: PriceBook::new(Terms::default()),
            asking,
            file,
            bills: None,
        },
        state_dir: None,
        actor: Actor::default(),
        history: Keeping::Off,
        namespace: pooldeck::fleet::Namespace::default(),
        detach: Detach::Not("a test ends"),
    };
    let (handle, events) = engine::start(doors, config, Clock::scaled(NOW, 0.0));
    Bench { handle, events }
}

impl Bench {
    /// Waits for an observation in which this holds.
    async fn until(&mut self, holds: impl Fn(&Observation) -> bool) -> Observation {
        let waiting = async {
            loop {
                match self.events.recv().await.unwrap() {
                    Event::Observed(it) if holds(&it) => return Observation::clone(&it),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .unwrap()
    }
}

fn has_spot_price(it: &Observation) -> bool {
    let mut spot = it.fleet.instances.values().filter(|it| it.is_spot());
    spot.any(|it| it.price.is_some())
}

#[tokio::test]
async fn a_console_reads_prices_by_itself() {
    let mut bench = start(Asking::ByItself, None);
    let is_listed = |it: &Observation| it.prices.lists[0].source == PriceSource::PricingApi;
    let is_windows_priced = |it: &Observation| {
        let mut machines = it.fleet.instances.values();
        machines.any(|it| it.platform.as_deref() == Some("Windows") && it.price.is_some())
    };
    let all = |it: &Observation| has_spot_price(it) && is_listed(it) && is_windows_priced(it);
    let seen = bench.until(all).await;
    let spot = seen
        .fleet
        .instances
        .values()
        .find(|it| it.is_spot())
        .unwrap();
    let price = spot.price.unwrap();
    assert_eq!(price.source, PriceSource::SpotHistory);
    assert!(price.per_hour < price.on_demand.unwrap_or(price.per_hour + price.per_hour));
}

#[tokio::test]
async fn nobody_who_was_not_told_asks_for_prices() {
    for asking in [Asking::Never, Asking::WhenTold] {
        let bench = start(asking, None);
        let seen = bench.handle.observe().await;
        assert!(!has_spot_price(&seen));
        let seen = bench.handle.read_prices(Wanted::All).await;
        assert_eq!(
            has_spot_price(&seen),
            asking == Asking::WhenTold,
            "{asking:?}"
        );
        assert_eq!(seen.prices.failures, Vec::<Failure>::new());
    }
}

#[tokio::test]
async fn what_was_read_is_there_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state/prices.json");
    let bench = start(Asking::WhenTold, Some(file.clone()));
    bench.handle.observe().await;
    let first = bench.handle.read_prices(Wanted::All).await;
    let mut again = start(Asking::Never, Some(file));
    let second = again.until(has_spot_price).await;
    assert_eq!(second.prices.lists, first.prices.lists);
    assert_eq!(second.prices.spot, first.prices.spot);
}
