//! Jenkins, as recorded, over loopback HTTP.

mod cordon;
mod ended;
mod payloads;
mod traps;

use std::sync::Arc;

use pooldeck::{
    ci::jenkins::{Jenkins, Options},
    fleet::{Job, Timestamp, Work},
};
use serde_json::{Value, json};

use crate::{
    NOW, executor, observe,
    server::{Answer, Request, Server},
};

pub(crate) fn recorded_computers() -> Value {
    serde_json::from_str(include_str!("../recorded/jenkins_computers.json")).unwrap()
}

pub(crate) fn recorded_queue() -> Value {
    serde_json::from_str(include_str!("../recorded/jenkins_queue.json")).unwrap()
}

/// A Jenkins that has been up for an hour.
pub(crate) fn health(n_points: usize) -> Value {
    let history = vec![0.5; n_points];
    json!({
        "_class": "hudson.model.Hudson",
        "quietingDown": false,
        "quietDownReason": null,
        "overallLoad": {"busyExecutors": {"sec10": {"history": history}}}
    })
}

/// Answers as a Jenkins with these computers would.
pub(crate) fn answer(request: &Request, computers: &Value, queue: &Value) -> Answer {
    let body = match request.path.as_str() {
        "/computer/api/json" => computers,
        "/queue/api/json" => queue,
        "/api/json" => &health(361),
        _ => return Answer::page(404, "Not found"),
    };
    Answer::json(body)
        .header("x-jenkins", "2.555")
        .header("x-jenkins-session", "1f00d")
}

pub(crate) fn jenkins_of(computers: Value) -> Server {
    let queue = recorded_queue();
    Server::start(move |request| answer(request, &computers, &queue))
}

pub(crate) fn open(server: &Server) -> Jenkins {
    Jenkins::open(server.endpoint(), Options::default()).unwrap()
}

#[tokio::test]
async fn a_recorded_controller_is_read() {
    let server = jenkins_of(recorded_computers());
    let reading = observe(&open(&server)).await.unwrap();
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);

    let work = |name| &executor(&reading, name).work;
    assert_eq!(
        work("linux-i-0a1b2c3d4e5f60718"),
        &Work::Idle { since: None }
    );
    let busy = executor(&reading, "linux-i-0b1b2c3d4e5f60718");
    assert_eq!(
        busy.jobs(),
        [Job {
            name: "testjob #4168".into(),
            url: Some("http://jenkins.example.org/job/testjob/4168/".into()),
            started_at: Some(Timestamp::from_secs(1_789_999_800)),
            expected_end: Some(Timestamp::from_secs(1_790_000_400)),
        }]
    );
    assert_eq!((busy.n_slots, busy.n_busy_slots), (2, 1));
    assert_eq!(busy.labels, ["linux"], "its own name is no label");
    assert_eq!(busy.host_hints, ["ip-10-0-0-7.ec2.internal"]);
    let since = Some(Timestamp::from_secs(1_789_999_000));
    assert_eq!(work("linux-lost"), &Work::Offline { since });
    assert!(executor(&reading, "linux-on-demand").is_latent);
    assert!(!executor(&reading, "linux-lost").is_latent);

    let controller = &reading.part.controllers[0];
    assert_eq!(controller.version.as_deref(), Some("2.555"));
    assert_eq!(
        controller.started_at,
        Some(NOW - std::time::Duration::from_hours(1))
    );
}

#[tokio::test]
async fn every_value_carries_its_evidence() {
    let server = jenkins_of(recorded_computers());
    let reading = observe(&open(&server)).await.unwrap();
    for executor in &reading.part.executors {
        let evidence = &executor.evidence[0];
        assert_eq!(evidence.at, NOW);
        assert_eq!(evidence.source, "main computer/api/json");
        assert!(evidence.what.contains("idle="), "{}", evidence.what);
    }
}

#[tokio::test]
async fn the_queue_is_counted_by_label_with_its_oldest_wait_and_why() {
    let server = jenkins_of(recorded_computers());
    let mut endpoint = server.endpoint();
    endpoint.labels = vec![pooldeck::ci::LabelRule {
        matches: "deploy/*".into(),
        label: "deploy".into(),
    }];
    let door = Jenkins::open(endpoint, Options::default()).unwrap();
    let reading = observe(&door).await.unwrap();
    let seen: Vec<_> = reading
        .part
        .queues
        .iter()
        .map(|it| (it.label.as_str(), it.length, it.oldest_since))
        .collect();
    let at = |secs| Some(Timestamp::from_secs(secs));
    assert_eq!(
        seen,
        [
            ("(unknown)", 1, None),
            ("deploy", 1, at(1_789_999_990)),
            ("linux", 2, at(1_789_999_400)),
            ("mac && arm64", 1, at(1_789_999_100)),
        ]
    );
    let why = reading.part.queues[3].why.as_deref().unwrap();
    assert!(why.starts_with("There are no nodes"), "{why}");
}

#[tokio::test]
async fn the_load_of_a_label_stands_in_where_the_queue_tells_none() {
    let computers = recorded_computers();
    let queue = json!({"items": [], "discoverableItems": []});
    let server = Server::start(move |request| match request.path.as_str() {
        "/label/linux%20&&%20gpu/api/json" => {
            Answer::json(&json!({"loadStatistics": {"queueLength": {"sec10": {"latest": 2.61}}}}))
        }
        _ => answer(request, &computers, &queue),
    });
    let options = Options {
        load_labels: vec!["linux && gpu".into()],
        ..Options::default()
    };
    let door = Jenkins::open(server.endpoint(), options).unwrap();
    let reading = observe(&door).await.unwrap();
    let queue = &reading.part.queues[0];
    assert_eq!((queue.label.as_str(), queue.length), ("linux && gpu", 3));
    assert!(queue.why.as_deref().unwrap().contains("average"));
}

#[tokio::test]
async fn a_refresh_of_2000_computers_costs_two_requests() {
    let server = jenkins_of(replicated(2000));
    let door = open(&server);
    let first = observe(&door).await.unwrap();
    assert_eq!(first.part.executors.len(), 2000);
    let mut contact = server.take_lines();
    contact.sort();
    assert_eq!(
        contact,
        [
            "GET /api/json",
            "GET /computer/api/json",
            "GET /queue/api/json"
        ],
        "the first contact asks once for how long Jenkins has been up"
    );
    observe(&door).await.unwrap();
    let mut refresh = server.take_lines();
    refresh.sort();
    assert_eq!(refresh, ["GET /computer/api/json", "GET /queue/api/json"]);
    assert_eq!(pooldeck::ci::Ci::n_requests(&door), 5);
}

#[tokio::test]
async fn an_opened_door_has_sent_nothing() {
    let server = jenkins_of(recorded_computers());
    let door: Arc<dyn pooldeck::ci::Ci> = Arc::new(open(&server));
    assert_eq!(door.n_requests(), 0);
    assert_eq!(door.describe().kind, "jenkins");
    assert!(server.requests().is_empty());
}

/// Repeats the recorded agents under new names.
pub(crate) fn replicated(n_computers: usize) -> Value {
    let recorded = recorded_computers();
    let agents = &recorded["computer"].as_array().unwrap()[1..];
    let computers: Vec<Value> = (0..n_computers)
        .map(|computer_idx| {
            let mut computer = agents[computer_idx % agents.len()].clone();
            computer["displayName"] = json!(format!("linux-i-{computer_idx:017x}"));
            computer
        })
        .collect();
    json!({"_class": "hudson.model.ComputerSet", "computer": computers})
}
