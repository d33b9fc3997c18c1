//! The engine keeps what it observes, and answers.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    action::Policy,
    engine::{
        self, Actor, Clock, Config, Detach, Doors, Event, Handle, Keeping, Limits, PastQuery,
    },
    fleet::{Metric, Past, PoolKey, Span, Tale, Timestamp},
    sim,
};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A thousand times as fast as ours.
const SPEED: f64 = 1000.0;
const START: Timestamp = Timestamp::from_secs(1_772_443_800);

pub(crate) fn start(directory: &TempDir, history: Keeping) -> (Handle, mpsc::Receiver<Event>) {
    let demo = sim::demo(1, START);
    let doors = Doors {
        clouds: demo.clouds,
        cis: demo.cis,
    };
    let config = Config {
        state_dir: Some(directory.path().to_owned()),
        history,
        ..config(Actor::default())
    };
    engine::start(doors, config, Clock::scaled(START, SPEED))
}

pub(crate) fn config(actor: Actor) -> Config {
    Config {
        detach: Detach::Not("a test ends"),
        interval: Duration::from_secs(10),
        policy: Policy::default(),
        links: Vec::new(),
        state_dir: None,
        actor,
        pricing: engine::Pricing {
            book: pooldeck::cost::PriceBook::new(pooldeck::cost::Terms::default()),
            asking: engine::Asking::ByItself,
            ..engine::Pricing::default()
        },
        history: Keeping::Off,
        namespace: pooldeck::fleet::Namespace::default(),
    }
}

fn query(metrics: &[Metric], until: Timestamp) -> PastQuery {
    PastQuery {
        pool: Some(PoolKey::new("demo/us-east-1", "workhorse")),
        metrics: metrics.to_vec(),
        span: Span {
            from: START - Duration::from_hours(1),
            until,
        },
        n_points: 4,
    }
}

/// Hears the engine until the past says what is waited for.
pub(crate) async fn until(
    handle: &Handle,
    events: &mut mpsc::Receiver<Event>,
    metrics: &[Metric],
    is_there: impl Fn(&Past) -> bool,
) -> Arc<Past> {
    let waiting = async {
        loop {
            let _ = events.recv().await;
            let now = handle.clock().now();
            let past = handle
                .past(query(metrics, now + Duration::from_mins(1)))
                .await;
            if is_there(&past) {
                return past;
            }
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, waiting).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_observed_is_kept_and_told() {
    let directory = TempDir::new().unwrap();
    let (handle, mut events) = start(&directory, Keeping::StateDirectory(Limits::default()));
    let metrics = [Metric::InService, Metric::Desired, Metric::TotalExecutors];
    let past = until(&handle, &mut events, &metrics, |it| {
        it.series.iter().all(|it| it.last().is_some())
    })
    .await;
    assert!(past.notes.is_empty(), "{:?}", past.notes);
    let last = |metric| past.series(metric).unwrap().last().unwrap();
    assert!(10.0 < last(Metric::InService));
    assert!(10.0 < last(Metric::TotalExecutors));
    assert!(!past.markers.is_empty(), "the groups have done something");
    drop((handle, events));
    assert!(directory.path().join("history.sqlite").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_of_what_has_not_come_yet() {
    let demo = sim::demo(1, START);
    let doors = Doors {
        clouds: demo.clouds,
        cis: demo.cis,
    };
    let config = Config {
        history: Keeping::Memory(demo.past),
        ..config(Actor::default())
    };
    let (handle, _events) = engine::start(doors, config, Clock::scaled(START, 0.0));
    let observation = handle.observe().await;
    // It was kept when this is answered.
    handle.look_back(&observation).await;
    let by_seconds = PastQuery {
        n_points: 10_000,
        ..query(&[Metric::InService], START + Duration::from_mins(1))
    };
    let past = handle.past(by_seconds).await;
    let seen = past.series[0].points.iter().filter(|it| it.value.is_some());
    let newest = seen.map(|it| it.at).max();
    assert_eq!(newest, Some(START), "a sample stands for 45 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_instances_are_followed_to_their_first_job() {
    let directory = TempDir::new().unwrap();
    let (handle, mut events) = start(&directory, Keeping::Memory(Tale::default()));
    let metrics = [Metric::InService];
    let past = until(&handle, &mut events, &metrics, |it| {
        it.boots.iter().any(|it| it.registered_at.is_some())
    })
    .await;
    let is_ready = |it: &&pooldeck::fleet::Boot| it.registered_at.is_some();
    let boot = past.boots.iter().find(is_ready).unwrap();
    assert!(boot.requested_at <= boot.running_at || boot.running_at.is_none());
    assert!(boot.running_at <= boot.registered_at);
    assert!(
        !directory.path().join("history.sqlite").exists(),
        "what is in memory leaves no file"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_history_there_are_gaps_and_a_word_why() {
    let directory = TempDir::new().unwrap();
    let (handle, _events) = start(&directory, Keeping::Off);
    let past = handle.past(query(&[Metric::InService], START)).await;
    assert_eq!(past.notes, ["no history is kept"]);
    assert_eq!(past.series[0].last(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_said_and_the_console_goes_on() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("history.sqlite");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch(
        "create table t (a); pragma user_version = 9; pragma application_id = 1346650955",
    )
    .unwrap();
    drop(db);
    let before = std::fs::read(&file).unwrap();
    let (handle, mut events) = start(&directory, Keeping::StateDirectory(Limits::default()));
    let (mut warning, mut n_observed) = (None, 0);
    while warning.is_none() || n_observed < 3 {
        match events.recv().await.unwrap() {
            Event::Warning(what) => {
                assert_eq!(warning.replace(what), None, "said once");
            }
            Event::Observed(_) => n_observed += 1,
            _ => {}
        }
    }
    assert!(warning.unwrap().contains("newer pooldeck"));
    let past = handle.past(query(&[Metric::InService], START)).await;
    assert!(past.notes[0].contains("newer pooldeck"), "{:?}", past.notes);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}
