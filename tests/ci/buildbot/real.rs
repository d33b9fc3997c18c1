//! A real master with real workers under a steady stream of builds: what we report agrees
//! with the master's own builds, and a paused worker starts none.

use std::time::{Duration, SystemTime};

use pooldeck::{
    ci::{
        Ci, Endpoint, Reading, Secret,
        buildbot::{Buildbot, Options},
    },
    fleet::{Call, FailureKind, Timestamp, Work},
};
use serde::Deserialize;

use crate::{
    TOKEN,
    common::{BUILDBOT_USER, BuildbotMaster},
    executor,
};

const N_WORKERS: u32 = 20;
const PAUSED: [&str; 2] = ["w5", "w6"];
/// How many builds must start elsewhere while two workers are paused.
const N_BUILDS_MIN: usize = 200;

fn open(master: &BuildbotMaster, password: &str) -> Buildbot {
    let endpoint = Endpoint {
        user: Some(BUILDBOT_USER.to_owned()),
        token: Some(Secret::new(password)),
        ..Endpoint::new("bb", master.url())
    };
    Buildbot::open(endpoint, Options::default()).unwrap()
}

/// The master has a real clock.
fn clock() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn cordon(executor: &str) -> Call {
    Call::Cordon {
        controller: "bb".into(),
        executor: executor.to_owned(),
        note: "op-7: a new image".to_owned(),
    }
}

fn uncordon(executor: &str) -> Call {
    Call::Uncordon {
        controller: "bb".into(),
        executor: executor.to_owned(),
    }
}

/// Reads until it is as expected; the master needs a moment for everything.
async fn until(door: &Buildbot, is_so: impl Fn(&Reading) -> bool) -> Reading {
    let deadline = clock() + Duration::from_mins(2);
    loop {
        // A master that starts may be slow to answer.
        let reading = door.observe(clock()).await;
        match reading {
            Ok(reading) if is_so(&reading) => return reading,
            other => assert!(clock() < deadline, "it never came so: {other:#?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn n_connected(reading: &Reading) -> usize {
    let executors = reading.part.executors.iter();
    executors
        .filter(|it| matches!(it.work, Work::Idle { .. } | Work::Busy(_)))
        .count()
}

/// One reading, and between which times it was made.
struct Sample {
    from: Timestamp,
    to: Timestamp,
    reading: Reading,
}

async fn sample(door: &Buildbot) -> Sample {
    let from = clock();
    let reading = door.observe(from).await.unwrap();
    Sample {
        from,
        to: clock(),
        reading,
    }
}

/// How long after the time that it records the master may enter something, when it is slow.
const SLACK: Duration = Duration::from_secs(2);

/// What the master itself recorded. Its clock has whole seconds: what it says began at 5
/// began between 5 and 6.
#[derive(Deserialize)]
struct Build {
    workerid: u64,
    started_at: i64,
    complete_at: Option<i64>,
}

#[derive(Deserialize)]
struct Request {
    builderid: u64,
    submitted_at: i64,
    claimed_at: Option<i64>,
}

/// From when to when something was so; without an end it still is.
struct Span {
    began: i64,
    ended: Option<i64>,
}

impl Build {
    fn ran(&self) -> Span {
        Span {
            began: self.started_at,
            ended: self.complete_at,
        }
    }
}

impl Request {
    fn waited(&self) -> Span {
        Span {
            began: self.submitted_at,
            ended: self.claimed_at,
        }
    }
}

impl Span {
    fn covers(&self, sample: &Sample) -> bool {
        let began = Timestamp::from_secs(self.began + 1) + SLACK;
        let ended = self.ended.map(Timestamp::from_secs);
        began <= sample.from && ended.is_none_or(|it| sample.to <= it)
    }

    fn touches(&self, sample: &Sample) -> bool {
        let began = Timestamp::from_secs(self.began);
        let ended = self.ended.map(|it| Timestamp::from_secs(it + 1) + SLACK);
        began <= sample.to && ended.is_none_or(|it| sample.from <= it)
    }
}

/// Asks the master for everything of a kind, without the code under test.
async fn recorded<T: for<'de> Deserialize<'de>>(master: &BuildbotMaster, what: &str) -> Vec<T> {
    let url = format!("{}api/v2/{what}", master.url());
    // A busy master sometimes closes a connection without an answer; the record is asked for again.
    let mut reply = reqwest::get(&url).await;
    for _ in 0..3 {
        if reply.is_ok() {
            break;
        }
        reply = reqwest::get(&url).await;
    }
    let reply = reply.unwrap_or_else(|error| panic!("{error:?}\n{}", master.log_tail()));
    let text = reply.text().await.unwrap();
    let mut answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(answer[what].take()).unwrap()
}

#[derive(Deserialize)]
struct Named {
    #[serde(alias = "workerid", alias = "builderid")]
    id: u64,
    name: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_busy_workers_agree_with_the_master_and_a_paused_one_starts_nothing() {
    let master = BuildbotMaster::start(N_WORKERS, 4, TOKEN);
    let door = open(&master, TOKEN);
    until(&door, |it| n_connected(it) == 20).await;

    let mut samples = Vec::new();
    for _ in 0..5 {
        samples.push(sample(&door).await);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    for name in PAUSED {
        door.apply(&cordon(name)).await.unwrap();
    }
    let paused = until(&door, |it| {
        PAUSED.iter().all(|name| executor(it, name).cordoned)
    })
    .await;
    let paused_at = clock();
    for name in PAUSED {
        let note = executor(&paused, name).note.as_deref();
        assert_eq!(note, Some("op-7: a new image"));
    }

    let n_builds_started_since = async || {
        let builds: Vec<Build> = recorded(&master, "builds").await;
        let since = |it: &&Build| paused_at < Timestamp::from_secs(it.started_at);
        builds.iter().filter(since).count()
    };
    let deadline = paused_at + Duration::from_secs(80);
    while n_builds_started_since().await < N_BUILDS_MIN {
        assert!(clock() < deadline, "the master is too slow for this test");
        for _ in 0..4 {
            samples.push(sample(&door).await);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    let builds: Vec<Build> = recorded(&master, "builds").await;
    let requests: Vec<Request> = recorded(&master, "buildrequests").await;
    let workers: Vec<Named> = recorded(&master, "workers").await;
    let builders: Vec<Named> = recorded(&master, "builders").await;

    check_work(&samples, &builds, &workers);
    check_queues(&samples, &requests, &builders);
    check_paused(&samples, &builds, &workers, paused_at);

    door.apply(&uncordon(PAUSED[0])).await.unwrap();
    until(&door, |it| {
        let freed = executor(it, PAUSED[0]);
        !freed.cordoned && freed.work.as_str() == "busy"
    })
    .await;
}

fn check_work(samples: &[Sample], builds: &[Build], workers: &[Named]) {
    let (mut n_busy, mut n_idle) = (0, 0);
    for sample in samples {
        for worker in workers {
            let work = &executor(&sample.reading, &worker.name).work;
            let mut of_worker = builds.iter().filter(|it| it.workerid == worker.id);
            if of_worker.clone().any(|it| it.ran().covers(sample)) {
                assert_eq!(work.as_str(), "busy", "{} at {}", worker.name, sample.from);
                n_busy += 1;
            } else if !of_worker.any(|it| it.ran().touches(sample)) {
                let is_idle = matches!(work, Work::Idle { .. } | Work::Unknown(_));
                assert!(is_idle, "{} at {}: {work:?}", worker.name, sample.from);
                n_idle += usize::from(work.as_str() == "idle");
            }
        }
    }
    // Otherwise nothing was compared.
    assert!(100 < n_busy && 20 < n_idle, "{n_busy} busy, {n_idle} idle");
}

fn check_queues(samples: &[Sample], requests: &[Request], builders: &[Named]) {
    let mut n_waiting = 0;
    for sample in samples {
        for builder in builders {
            let queues = &sample.reading.part.queues;
            let queue = queues.iter().find(|it| it.label == builder.name);
            let length = queue.map_or(0, |it| it.length as usize);
            let of_builder = || requests.iter().filter(|it| it.builderid == builder.id);
            let at_least = of_builder().filter(|it| it.waited().covers(sample)).count();
            let at_most = of_builder()
                .filter(|it| it.waited().touches(sample))
                .count();
            assert!(
                (at_least..=at_most).contains(&length),
                "{}: {length} wait, not {at_least} to {at_most}, at {}",
                builder.name,
                sample.from
            );
            n_waiting += at_least;
        }
    }
    assert!(50 < n_waiting, "{n_waiting} waited");
}

fn check_paused(samples: &[Sample], builds: &[Build], workers: &[Named], paused_at: Timestamp) {
    for name in PAUSED {
        let worker = workers.iter().find(|it| it.name == name).unwrap();
        let started = |since: Timestamp| {
            let mut of_worker = builds.iter().filter(|it| it.workerid == worker.id);
            of_worker.any(|it| since < Timestamp::from_secs(it.started_at))
        };
        assert!(
            !started(paused_at),
            "{name} started a build while it was paused"
        );
        let mut after = samples.iter().filter(|it| paused_at <= it.from);
        let idle = after.find(|it| executor(&it.reading, name).work.as_str() == "idle");
        let idle = idle.unwrap_or_else(|| panic!("{name} never became idle"));
        assert!(
            !started(idle.from),
            "{name} was idle at {} and was not",
            idle.from
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_without_load_is_read_paused_and_lost() {
    let mut master = BuildbotMaster::start(2, 0, TOKEN);
    let door = open(&master, TOKEN);
    let reading = until(&door, |it| n_connected(it) == 2).await;
    let worker = executor(&reading, "w1");
    assert_eq!(worker.work, Work::Idle { since: None });
    assert_eq!(worker.host_hints, ["i-00000000000000001.ec2.internal"]);
    assert_eq!(worker.labels, ["narrow"]);
    let controller = &reading.part.controllers[0];
    assert_eq!(controller.version.as_deref(), Some("4.3.0"));
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);

    let stranger = open(&master, "not the password");
    let error = stranger.apply(&cordon("w1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Credentials, "{error}");
    let endpoint = Endpoint::new("bb", master.url());
    let anonymous = Buildbot::open(endpoint, Options::default()).unwrap();
    let error = anonymous.apply(&cordon("w1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Denied, "{error}");
    assert!(error.what.contains("you need to have role"), "{error}");

    // Twice is as good as once, and so is lifting it.
    for _ in 0..2 {
        door.apply(&cordon("w1")).await.unwrap();
        until(&door, |it| executor(it, "w1").cordoned).await;
    }
    for _ in 0..2 {
        door.apply(&uncordon("w1")).await.unwrap();
        let reading = until(&door, |it| !executor(it, "w1").cordoned).await;
        assert_eq!(executor(&reading, "w1").note, None);
    }

    master.lose_workers();
    let reading = until(&door, |it| n_connected(it) == 0).await;
    assert_eq!(executor(&reading, "w1").work.as_str(), "offline");
}
