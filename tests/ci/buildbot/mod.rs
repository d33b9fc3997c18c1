//! Buildbot: as recorded from a real master, and against one.

mod control;
mod payloads;
mod real;
mod traps;

use pooldeck::{
    ci::buildbot::{Buildbot, Options},
    fleet::{Ended, Job, Timestamp, Work},
};
use serde_json::{Value, json};

use crate::{
    executor, observe,
    server::{Answer, Request, Server},
};

pub(crate) fn recorded() -> Value {
    serde_json::from_str(include_str!("../recorded/buildbot.json")).unwrap()
}

/// Answers as a master would that holds these collections.
pub(crate) fn answer(request: &Request, state: &Value) -> Answer {
    if request.path == "/config" {
        return Answer::json(&json!({
            "auth": {"name": "UserPasswordAuth"},
            "versions": [["Python", "3.11.7"], ["Buildbot", "4.3.0"], ["Twisted", "26.10.0"]]
        }));
    }
    let Some(collection) = request.path.strip_prefix("/api/v2/") else {
        return Answer::page(404, "No Such Resource");
    };
    let Some(items) = state.get(collection) else {
        return Answer::text(404, r#"{"error": "Invalid path"}"#);
    };
    Answer::json(&page_of(collection, items, request))
}

/// Cuts out the page that was asked for, and counts it as Buildbot does.
fn page_of(collection: &str, items: &Value, request: &Request) -> Value {
    let parameter = |name: &str| {
        let mut pairs = request.query.split('&').filter_map(|it| it.split_once('='));
        let number = pairs.find(|it| it.0 == name)?.1.parse::<u64>().ok()?;
        Some(number)
    };
    let Some(items) = items.as_array() else {
        return json!({"meta": {"total": 0}, collection: items});
    };
    let id = match collection {
        "workers" => "workerid",
        "builds" => "buildid",
        "buildrequests" => "buildrequestid",
        _ => "builderid",
    };
    let after = parameter(&format!("{id}__gt"));
    let rest: Vec<&Value> = items
        .iter()
        .filter(|it| after.is_none() || after < it[id].as_u64())
        .filter(|it| is_wanted(it, request))
        .collect();
    let limit = parameter("limit").map_or(usize::MAX, |it| usize::try_from(it).unwrap());
    let page: Vec<&Value> = rest.iter().take(limit).copied().collect();
    // The true number for workers, the length of the page for builds.
    let total = if collection == "workers" {
        rest.len()
    } else {
        page.len()
    };
    json!({"meta": {"total": total}, collection: page})
}

/// Whether an item is over, or not, as the request wants it.
fn is_wanted(item: &Value, request: &Request) -> bool {
    let wanted = request
        .query
        .split('&')
        .find_map(|it| it.strip_prefix("complete="));
    let is_complete = item["complete"].as_bool().unwrap_or(false);
    wanted.is_none_or(|it| it == is_complete.to_string())
}

pub(crate) fn master_of(state: Value) -> Server {
    Server::start(move |request| answer(request, &state))
}

pub(crate) fn open(server: &Server) -> Buildbot {
    Buildbot::open(server.endpoint(), Options::default()).unwrap()
}

#[tokio::test]
async fn a_recorded_master_is_read() {
    let server = master_of(recorded());
    let reading = observe(&open(&server)).await.unwrap();
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);
    let idle = executor(&reading, "w0");
    assert_eq!(idle.work, Work::Idle { since: None });
    assert_eq!(idle.labels, ["linux", "docs"]);
    assert_eq!(idle.host_hints, ["i-0a1b2c3d4e5f60718.ec2.internal"]);
    assert_eq!(
        executor(&reading, "w1").jobs(),
        [Job {
            name: "linux #3".into(),
            url: Some(format!("{}#/builders/1/builds/3", server.url())),
            started_at: Some(Timestamp::from_secs(1_789_999_900)),
            expected_end: None,
        }]
    );
    let paused = executor(&reading, "w2");
    assert_eq!(paused.work, Work::Idle { since: None });
    assert!(paused.cordoned && !paused.is_available());
    assert_eq!(paused.note.as_deref(), Some("op-7: a new image"));
    assert_eq!(
        executor(&reading, "ec2-1").work,
        Work::Offline { since: None }
    );
    assert_eq!(
        reading.part.controllers[0].version.as_deref(),
        Some("4.3.0")
    );
}

#[tokio::test]
async fn every_worker_carries_what_both_lists_said_of_it() {
    let server = master_of(recorded());
    let reading = observe(&open(&server)).await.unwrap();
    for executor in &reading.part.executors {
        let sources: Vec<&str> = executor.evidence.iter().map(|it| &*it.source).collect();
        assert_eq!(
            sources,
            ["main api/v2/workers", "main api/v2/builds?complete=false"]
        );
    }
}

#[tokio::test]
async fn what_waits_is_counted_by_builder_with_the_reason_that_its_workers_give() {
    let server = master_of(recorded());
    let reading = observe(&open(&server)).await.unwrap();
    let seen: Vec<_> = reading
        .part
        .queues
        .iter()
        .map(|it| {
            (
                &*it.label,
                it.length,
                it.oldest_since,
                it.why.as_deref().unwrap(),
            )
        })
        .collect();
    let at = |secs| Some(Timestamp::from_secs(secs));
    assert_eq!(
        seen,
        [
            (
                "linux",
                2,
                at(1_789_999_840),
                "waiting for one of the 2 workers of linux, or for a lock"
            ),
            (
                "mac",
                1,
                at(1_789_999_990),
                "none of the 1 workers of mac is connected"
            ),
        ]
    );
}

#[tokio::test]
async fn a_refresh_costs_four_requests_and_asks_for_the_workers_first() {
    let server = master_of(recorded());
    let door = open(&server);
    observe(&door).await.unwrap();
    assert_eq!(
        server.take_lines().len(),
        6,
        "the first also reads the setup"
    );
    observe(&door).await.unwrap();
    let mut lines = server.take_lines();
    assert_eq!(lines.remove(0), "GET /api/v2/workers");
    lines.sort();
    let builds = "GET /api/v2/builds";
    assert_eq!(lines, ["GET /api/v2/buildrequests", builds, builds]);
}

#[tokio::test]
async fn how_builds_ended_is_told_of_each_worker() {
    let mut state = recorded();
    let worker = state["workers"][0]["workerid"].clone();
    let builds = state["builds"].as_array_mut().unwrap();
    // In Buildbot's manual: 0 success, 1 warnings, 2 failure, 3 skipped, 4 exception, 5 retry, 6 cancelled.
    for (nth, results) in [2, 1, 3, 0, 6, 5, 4].into_iter().enumerate() {
        builds.push(json!({
            "buildid": 900 - nth, "complete": true, "workerid": worker, "results": results,
            "complete_at": 1_789_999_900 - nth,
        }));
    }
    builds.push(json!({"buildid": 7, "complete": true, "workerid": worker}));
    let reading = observe(&open(&master_of(state))).await.unwrap();
    let ended = |passed, secs| Ended {
        at: Timestamp::from_secs(secs),
        passed,
    };
    assert_eq!(
        executor(&reading, "w0").ended,
        [
            ended(false, 1_789_999_900),
            ended(true, 1_789_999_899),
            ended(true, 1_789_999_897),
            ended(false, 1_789_999_895),
            ended(false, 1_789_999_894),
        ]
    );
    assert!(executor(&reading, "w1").ended.is_empty());
}

#[tokio::test]
async fn a_master_that_does_not_tell_how_builds_ended_is_read_all_the_same() {
    let state = recorded();
    let server = Server::start(move |request| {
        if request.query.contains("complete=true") {
            return Answer::text(500, "no");
        }
        answer(request, &state)
    });
    let reading = observe(&open(&server)).await.unwrap();
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);
    let idle = executor(&reading, "w0");
    assert_eq!(idle.work, Work::Idle { since: None });
    assert!(idle.ended.is_empty());
}
