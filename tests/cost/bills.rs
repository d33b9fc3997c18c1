//! Cost Explorer is asked where the configuration lets it be, and never twice a day.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use pooldeck::{
    cloud::{self, Cloud, SharedCloud},
    cost::{PriceBook, Terms},
    engine::{
        self, Actor, Asking, BillFile, Clock, Config, Detach, Doors, Event, Keeping, Pricing,
    },
    fleet::*,
    sim,
};
use tempfile::TempDir;

use crate::yard::NOW;

const HOUR: Duration = Duration::from_hours(1);

/// A region of an account that has Cost Explorer.
#[derive(Debug)]
struct Billed {
    inner: SharedCloud,
    n_asked: Arc<AtomicUsize>,
    is_denied: bool,
}

#[async_trait]
impl Cloud for Billed {
    fn scope(&self) -> Scope {
        let mut scope = self.inner.scope();
        scope.identity = Some(Identity {
            account: "123456789012".to_owned(),
            arn: "arn:aws:sts::123456789012:assumed-role/ci/me".to_owned(),
            expires_at: None,
        });
        scope
    }

    async fn identify(&self) -> Result<Identity, cloud::Error> {
        self.inner.identify().await
    }

    async fn observe(&self, now: Timestamp) -> Result<cloud::Reading, cloud::Error> {
        self.inner.observe(now).await
    }

    async fn activities(&self, pool: &PoolKey) -> Result<Vec<Activity>, cloud::Error> {
        self.inner.activities(pool).await
    }

    async fn console_output(&self, id: &InstanceId) -> Result<ConsoleOutput, cloud::Error> {
        self.inner.console_output(id).await
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, cloud::Error> {
        self.inner.apply(call).await
    }

    async fn bill(&self, regions: &[String], now: Timestamp) -> Result<Bill, cloud::Error> {
        self.n_asked.fetch_add(1, Ordering::SeqCst);
        if self.is_denied {
            let what = "cannot ask Cost Explorer: AccessDenied";
            return Err(cloud::Error::new(FailureKind::Denied, what));
        }
        Ok(Bill {
            account: "123456789012".to_owned(),
            regions: regions.to_vec(),
            from: now.month().0,
            until: now.start_of_day(),
            usd: Usd::from_cents(81_240),
            is_estimate: true,
            at: now,
        })
    }

    async fn spot_prices(
        &self,
        types: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Vec<SpotPrice>, cloud::Error> {
        self.inner.spot_prices(types, now).await
    }

    async fn list_prices(
        &self,
        wanted: &BTreeSet<(String, String)>,
    ) -> Result<Vec<ListPrice>, cloud::Error> {
        self.inner.list_prices(wanted).await
    }

    fn n_requests(&self) -> u64 {
        self.inner.n_requests()
    }
}

/// Runs a console until its prices are as wanted; returns them, and how often was asked.
async fn run(
    file: Option<&Path>,
    at: Timestamp,
    is_denied: bool,
    is_wanted: impl Fn(&PriceState) -> bool,
) -> (PriceState, usize) {
    let demo = sim::demo(1, NOW);
    let n_asked = Arc::new(AtomicUsize::new(0));
    let billed = |inner: &SharedCloud| {
        Arc::new(Billed {
            inner: inner.clone(),
            n_asked: n_asked.clone(),
            is_denied,
        }) as SharedCloud
    };
    let doors = Doors {
        clouds: demo.clouds.iter().map(billed).collect(),
        cis: Vec::new(),
    };
    let config = Config {
        interval: Duration::from_secs(10),
        policy: pooldeck::action::Policy::default(),
        links: Vec::new(),
        pricing: Pricing {
            book: PriceBook::new(Terms::default()),
            asking: Asking::ByItself,
            file: None,
            bills: file.map(|it| BillFile(it.to_owned())),
        },
        state_dir: None,
        actor: Actor::default(),
        history: Keeping::Off,
        namespace: Namespace::default(),
        detach: Detach::Not("a test ends"),
    };
    let (handle, mut events) = engine::start(doors, config, Clock::scaled(at, 0.0));
    let waiting = async {
        loop {
            if let Event::Observed(it) = events.recv().await.unwrap()
                && is_wanted(&it.prices)
            {
                return it.prices.clone();
            }
        }
    };
    let prices = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    let prices = prices.unwrap();
    // The prices of spot come after the bill in each round, so a round more has been asked.
    handle.read_prices(engine::Wanted::Spot).await;
    (prices, n_asked.load(Ordering::SeqCst))
}

fn has_bill(it: &PriceState) -> bool {
    !it.bills.is_empty()
}

fn has_failed(it: &PriceState) -> bool {
    !it.failures.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_asked_once_a_day_whoever_runs() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("state/bills.json");
    let (prices, n_asked) = run(Some(&file), NOW, false, has_bill).await;
    assert_eq!(n_asked, 1, "two regions are one account");
    let bill = &prices.bills[0];
    assert_eq!(bill.regions.len(), 2);
    let said = bill.to_string();
    assert!(
        said.starts_with("Cost Explorer says about $812.40 for EC2"),
        "{said}"
    );
    assert!(said.ends_with("before 2026-03-02"), "{said}");
    // Other consoles, earlier and later on the same day, know the answer without asking.
    for at in [NOW - HOUR, NOW + HOUR * 23] {
        let (prices, n_asked) = run(Some(&file), at, false, has_bill).await;
        assert_eq!((n_asked, prices.bills[0].at), (0, NOW));
    }
    let next_day = NOW + HOUR * 24;
    let is_new = |it: &PriceState| it.bills.iter().any(|it| it.at == next_day);
    assert_eq!(run(Some(&file), next_day, false, is_new).await.1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_said_and_costs_no_second_cent() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("bills.json");
    let (prices, n_asked) = run(Some(&file), NOW, true, has_failed).await;
    assert_eq!((n_asked, prices.bills), (1, Vec::new()));
    assert!(
        prices.failures[0].what.contains("AccessDenied"),
        "{:?}",
        prices.failures
    );
    let spot = |it: &PriceState| it.spot.is_some();
    assert_eq!(run(Some(&file), NOW + HOUR, true, spot).await.1, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_who_was_not_opted_in_or_whose_file_tells_nothing() {
    let spot = |it: &PriceState| it.spot.is_some();
    assert_eq!(run(None, NOW, false, spot).await.1, 0);
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("bills.json");
    std::fs::write(&file, "{ half").unwrap();
    let (prices, n_asked) = run(Some(&file), NOW, false, has_failed).await;
    assert_eq!(n_asked, 0);
    assert!(
        prices.failures[0].what.contains("not asked until"),
        "{:?}",
        prices.failures
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{ half");
    // On the first of a month there is nothing to ask for.
    let first = NOW.month().0 + HOUR;
    let file = directory.path().join("first.json");
    assert_eq!(run(Some(&file), first, false, spot).await.1, 0);
}

#[test]
fn a_question_costs_a_cent() {
    let own = OwnSpend {
        n_metrics_read: 1000,
        n_bills_read: 2,
        ..OwnSpend::default()
    };
    assert_eq!(own.usd(), Usd::from_cents(3));
}
