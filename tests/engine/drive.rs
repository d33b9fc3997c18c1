//! A driver against a scripted controller: what it makes of readings that were not its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pooldeck::ci::{self, Ci};
use tokio::sync::Notify;

use super::*;

const CONTROLLER: &str = "fake";

/// A controller with one agent, which is idle on every second reading at the most.
#[derive(Debug)]
struct FakeCi {
    /// Whether a job runs on each first reading of two.
    flickers: bool,
    is_cordoned: AtomicBool,
    n_readings: AtomicUsize,
    was_idle: Notify,
}

#[async_trait]
impl Ci for FakeCi {
    fn name(&self) -> ControllerName {
        CONTROLLER.into()
    }

    fn describe(&self) -> Controller {
        Controller::new(self.name(), "fake", Grade::Durable)
    }

    async fn observe(&self, now: Timestamp) -> Result<ci::Reading, ci::Error> {
        let n = self.n_readings.fetch_add(1, Ordering::SeqCst);
        let is_busy = self.flickers && n.is_multiple_of(2);
        let job = Job {
            name: "api/tests #1".to_owned(),
            url: None,
            started_at: None,
            expected_end: None,
        };
        let executor = Executor {
            instance: Some(instance(1, Lifecycle::InService).id),
            work: if is_busy {
                Work::Busy(vec![job])
            } else {
                Work::Idle { since: None }
            },
            n_busy_slots: u32::from(is_busy),
            cordoned: self.is_cordoned.load(Ordering::SeqCst),
            evidence: vec![Evidence {
                source: CONTROLLER.to_owned(),
                at: now,
                what: format!("reading {n}"),
            }],
            ..Executor::new(self.name(), "agent")
        };
        if self.flickers && !is_busy {
            self.was_idle.notify_one();
        }
        Ok(ci::Reading {
            part: Part {
                controllers: vec![self.describe()],
                executors: vec![Arc::new(executor)],
                ..Part::default()
            },
            missing: Vec::new(),
        })
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, ci::Error> {
        let is_cordon = matches!(call, Call::Cordon { .. });
        self.is_cordoned.store(is_cordon, Ordering::SeqCst);
        Ok(Receipt::default())
    }

    fn n_requests(&self) -> u64 {
        self.n_readings.load(Ordering::SeqCst) as u64
    }
}

/// Drains the one instance for ten minutes of its time, and returns whether it was terminated.
async fn terminates(flickers: bool) -> bool {
    let cloud = FakeCloud::new("a/r");
    cloud.script().instances = [1, 2].map(|n| instance(n, Lifecycle::InService)).into();
    let ci = Arc::new(FakeCi {
        flickers,
        is_cordoned: AtomicBool::new(false),
        n_readings: AtomicUsize::new(0),
        was_idle: Notify::new(),
    });
    let link = CiLink {
        controller: CONTROLLER.into(),
        label: String::new(),
        executors_per_instance: 1,
        instance_from: None,
        boot_budget: Duration::from_mins(10),
    };
    let link = Link {
        pool: "linux".to_owned(),
        ci: link,
    };
    // The poller hardly ever reads by itself: each reading is the driver's or this test's.
    let config = |it: Config| Config {
        interval: Duration::from_hours(1),
        ..it
    };
    let clock = Clock::scaled(Timestamp::from_secs(1_763_719_200), 200.0);
    let bench = start_with(&[&cloud], vec![ci.clone()], vec![link], config, clock);
    bench.handle.observe().await;
    let asked: ActionLine = "drain i-00000000000000001 --replace".parse().unwrap();
    let fleet = &bench.handle.observation().fleet;
    let confirmed = action::plan(&asked.action, None, fleet, &Policy::default()).unwrap();
    bench.handle.submit(Submission {
        action: asked.action,
        reason: None,
        confirmed,
        consent: engine::Consent::Read,
    });
    let Bench {
        handle, mut events, ..
    } = bench;
    // Whoever looks at the fleet meanwhile, as a console beside the driver.
    let looks = async {
        loop {
            ci.was_idle.notified().await;
            // Once the driver has looked at it, and well before it reads again.
            tokio::time::sleep(Duration::from_millis(15)).await;
            handle.refresh();
        }
    };
    let listens = async { while events.recv().await.is_some() {} };
    let is_terminated = async {
        let is_it = |it: &Call| matches!(it, Call::TerminateInstance { .. });
        while !cloud.script().calls.iter().any(is_it) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = is_terminated => true,
        () = looks => unreachable!("it has no end"),
        () = listens => unreachable!("the engine runs"),
        () = tokio::time::sleep(Duration::from_secs(3)) => false,
    }
}

/// The driver's own readings are all of them idle ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_only_somebody_elses_reading_shows_counts_against_the_proof() {
    assert!(
        !terminates(true).await,
        "it ran a job in every other reading"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_drain_ends_where_no_reading_shows_a_job() {
    let mut n_tries = 0..5;
    // The machine may be too busy to let ten minutes pass within three seconds.
    while !terminates(false).await {
        assert!(n_tries.next().is_some(), "it never ended");
    }
}
