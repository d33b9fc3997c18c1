//! CloudWatch fills what nobody was there to see, and never overwrites what was seen.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use pooldeck::{
    cloud::{self, AskedMetric, Cloud, Measured, SharedCloud},
    engine::{self, Actor, Clock, Config, Doors, Event, Handle, Keeping, PastQuery},
    fleet::{
        Activity, Call, ConsoleOutput, FailureKind, Identity, InstanceId, Metric, Namespace, Past,
        Pool, PoolKey, PoolKind, Receipt, Scope, Span, Tale, Timestamp,
    },
    sim,
};
use tokio::sync::mpsc;

const START: Timestamp = Timestamp::from_secs(1_772_443_800);
const HOUR: Duration = Duration::from_hours(1);

/// A region whose CloudWatch remembers seven machines for as long as anybody asks.
#[derive(Debug)]
struct Remembering {
    inner: SharedCloud,
    n_asked: Arc<AtomicUsize>,
    namespaces: Arc<Mutex<BTreeSet<String>>>,
    is_broken: bool,
    /// A pool whose metrics are not enabled.
    unmeasured: Option<&'static str>,
}

#[async_trait]
impl Cloud for Remembering {
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
        let mut reading = self.inner.observe(now).await?;
        let is_measured = |it: &&mut Arc<Pool>| Some(it.name.as_str()) != self.unmeasured;
        for pool in reading.part.pools.iter_mut().filter(is_measured) {
            Arc::make_mut(pool).enabled_metrics = vec!["GroupInServiceInstances".to_owned()];
        }
        Ok(reading)
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

    async fn past_metrics(
        &self,
        asked: &[AskedMetric],
        span: Span,
        step: Duration,
    ) -> Result<Vec<Measured>, cloud::Error> {
        if self.is_broken {
            let what = "cannot read metrics from CloudWatch: AccessDenied";
            return Err(cloud::Error::new(FailureKind::Denied, what));
        }
        self.n_asked.fetch_add(asked.len(), Ordering::SeqCst);
        let namespaces = asked.iter().map(|it| it.namespace.clone());
        self.namespaces.lock().unwrap().extend(namespaces);
        let n_steps = u32::try_from(span.length().as_secs() / step.as_secs()).unwrap();
        let values = |it: &AskedMetric| match it.name.as_str() {
            "GroupInServiceInstances" => {
                (0..n_steps).map(|n| (span.from + step * n, 7.0)).collect()
            }
            _ => Vec::new(),
        };
        Ok(asked.iter().map(values).collect())
    }

    fn n_requests(&self) -> u64 {
        self.inner.n_requests()
    }
}

struct Bench {
    handle: Handle,
    events: mpsc::Receiver<Event>,
    n_asked: Arc<AtomicUsize>,
    namespaces: Arc<Mutex<BTreeSet<String>>>,
}

impl Bench {
    async fn start(is_broken: bool) -> Self {
        Self::start_without(None, is_broken).await
    }

    async fn start_without(unmeasured: Option<&'static str>, is_broken: bool) -> Self {
        let demo = sim::demo(1, START);
        let n_asked = Arc::new(AtomicUsize::new(0));
        let namespaces: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let remembering = |inner: &SharedCloud| {
            Arc::new(Remembering {
                inner: inner.clone(),
                n_asked: n_asked.clone(),
                namespaces: namespaces.clone(),
                is_broken,
                unmeasured,
            }) as SharedCloud
        };
        let doors = Doors {
            clouds: demo.clouds.iter().map(remembering).collect(),
            cis: demo.cis,
        };
        let config = Config {
            history: Keeping::Memory(Tale::default()),
            namespace: Namespace::parse("ours/ci").unwrap(),
            ..crate::asking::config(Actor::default())
        };
        let (handle, events) = engine::start(doors, config, Clock::scaled(START, 0.0));
        let mut bench = Self {
            handle,
            events,
            n_asked,
            namespaces,
        };
        bench.handle.observe().await;
        // The sample of that reading is written before anything else is asked.
        while bench.ask(HOUR).await.series[0].last().is_none() {
            bench.events.recv().await.unwrap();
        }
        bench
    }

    fn query(length: Duration) -> PastQuery {
        Self::query_of(Some("workhorse"), length)
    }

    /// Without a name it is of all pools together.
    fn query_of(pool: Option<&str>, length: Duration) -> PastQuery {
        PastQuery {
            pool: pool.map(|it| PoolKey::new("demo/us-east-1", it)),
            metrics: vec![Metric::InService],
            span: Span::before(START + Duration::from_mins(1), length),
            n_points: 61,
        }
    }

    async fn ask(&self, length: Duration) -> Arc<Past> {
        self.handle.past(Self::query(length)).await
    }

    /// Hears the next answer about the past.
    async fn heard(&mut self) -> Arc<Past> {
        let waiting = async {
            loop {
                if let Event::Past(past) = self.events.recv().await.unwrap() {
                    return past;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .unwrap()
    }
}

fn n_gaps(past: &Past) -> usize {
    let points = past.series[0].points.iter();
    points.filter(|it| it.value.is_none()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_with_gaps_is_shown_at_once_and_filled_later() {
    let mut bench = Bench::start(false).await;
    bench.handle.fetch_past(Bench::query(HOUR));
    let first = bench.heard().await;
    assert!(50 < n_gaps(&first), "nobody was there");
    let own = first.series[0].last().unwrap();
    assert!(1.0 < (own - 7.0).abs(), "the world is of another size");
    let filled = bench.heard().await;
    assert_eq!(n_gaps(&filled), 0);
    assert_eq!(filled.series[0].points[3].value, Some(7.0));
    assert_eq!(filled.series[0].last(), Some(own), "what was seen stays");
    assert!(
        filled.notes.iter().any(|it| it.contains("CloudWatch")),
        "{:?}",
        filled.notes
    );
    // One group metric and seven published ones, once: the same graph asks nobody again.
    assert_eq!(bench.n_asked.load(Ordering::SeqCst), 8);
    bench.handle.fetch_past(Bench::query(HOUR));
    bench.heard().await;
    assert_eq!(bench.n_asked.load(Ordering::SeqCst), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_of_all_pools_is_filled_with_their_sum() {
    let mut bench = Bench::start(false).await;
    let all = || Bench::query_of(None, HOUR);
    bench.handle.fetch_past(all());
    assert!(
        50 < n_gaps(bench.heard().await.as_ref()),
        "nobody was there"
    );
    let filled = bench.heard().await;
    assert_eq!(n_gaps(&filled), 0);
    let fleet = &bench.handle.observation().fleet;
    let groups = fleet.pools.values().filter(|it| it.kind == PoolKind::Group);
    let n = f64::from(u32::try_from(groups.count()).unwrap());
    assert_eq!(filled.series[0].points[3].value, Some(7.0 * n));
    let n_asked = bench.n_asked.load(Ordering::SeqCst);
    bench.handle.fetch_past(all());
    bench.heard().await;
    // Each of its pools is known now, too.
    bench.handle.fetch_past(Bench::query(HOUR));
    assert_eq!(n_gaps(bench.heard().await.as_ref()), 0);
    assert_eq!(bench.n_asked.load(Ordering::SeqCst), n_asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_of_which_a_pool_is_missing_is_not_known() {
    let mut bench = Bench::start_without(Some("release"), false).await;
    bench.handle.fetch_past(Bench::query_of(None, HOUR));
    let before = n_gaps(bench.heard().await.as_ref());
    let after = n_gaps(bench.heard().await.as_ref());
    assert_eq!(after, before, "the others alone are not all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudwatch_is_asked_neither_for_money_nor_in_a_namespace_that_is_not_ours() {
    let mut bench = Bench::start(false).await;
    let money = PastQuery {
        metrics: vec![Metric::UsdPerHour],
        ..Bench::query(HOUR)
    };
    bench.handle.fetch_past(money);
    assert!(50 < n_gaps(bench.heard().await.as_ref()));
    bench.handle.fetch_past(Bench::query(HOUR));
    bench.heard().await;
    bench.heard().await;
    assert_eq!(
        bench.n_asked.load(Ordering::SeqCst),
        8,
        "only the second asked"
    );
    let namespaces = bench.namespaces.lock().unwrap().clone();
    let wanted = ["AWS/AutoScaling", "ours/ci"].map(str::to_owned);
    assert_eq!(namespaces, wanted.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_of_everything_says_what_was_asked() {
    let bench = Bench::start(false).await;
    let span = Bench::query(HOUR * 24 * 7).span;
    let filled = bench.handle.backfill(None, span).await;
    assert_eq!(filled.n_pools, 7);
    assert_eq!(filled.n_metrics, bench.n_asked.load(Ordering::SeqCst));
    assert!(filled.failures.is_empty(), "{:?}", filled.failures);
    let past = bench.ask(HOUR * 24 * 7).await;
    assert_eq!(n_gaps(&past), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloudwatch_that_refuses_leaves_the_gaps_and_is_said() {
    let bench = Bench::start(true).await;
    let filled = bench.handle.backfill(None, Bench::query(HOUR).span).await;
    assert_eq!(filled.n_values, 0);
    assert!(0 < filled.n_metrics, "what was asked for, whatever came");
    assert!(
        filled.failures[0].1.what.contains("AccessDenied"),
        "{:?}",
        filled.failures
    );
    let past = bench.ask(HOUR).await;
    assert!(50 < n_gaps(&past));
}
