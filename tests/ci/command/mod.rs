//! A controller of the operator's own: the documented format, programs good and bad.

mod payloads;
mod program;

use std::time::Duration;

use pooldeck::{
    ci::{
        Ci, Reading,
        command::{CommandCi, FORMAT, Options},
    },
    fleet::{Call, FailureKind, Grade, Job, Joining, Timestamp, Work},
};
use serde_json::{Value, json};

use crate::{
    NOW, TOKEN, executor, observe,
    server::{Answer, Server},
    why_unknown,
};

/// Returns the example of the format's documentation that has this field.
pub(crate) fn documented(field: &str) -> Value {
    let blocks = FORMAT.split("```json\n").skip(1);
    let mut examples = blocks.map(|it| {
        let text = it.split("```").next().unwrap();
        serde_json::from_str::<Value>(text).unwrap()
    });
    examples.find(|it| it.get(field).is_some()).unwrap()
}

pub(crate) fn open(server: &Server) -> CommandCi {
    CommandCi::open(server.endpoint(), Options::default()).unwrap()
}

async fn read(body: &Value) -> Reading {
    observe(&open(&Server::saying(Answer::json(body))))
        .await
        .unwrap()
}

#[tokio::test]
async fn the_documented_example_means_what_the_documentation_says() {
    let reading = read(&documented("executors")).await;
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);
    let busy = executor(&reading, "worker-1");
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(
        busy.jobs(),
        [Job {
            name: "ResizeImages".into(),
            url: Some("https://queue.example.org/jobs/7".into()),
            started_at: at("2026-09-21T14:10:00Z"),
            expected_end: at("2026-09-21T14:20:00Z"),
        }]
    );
    assert_eq!((busy.n_slots, busy.n_busy_slots), (2, 1));
    assert_eq!(busy.instance, Some("i-0a1b2c3d4e5f60718".into()));
    assert_eq!(busy.joining, Joining::Told);
    assert_eq!(busy.host_hints, ["ip-10-0-0-7.ec2.internal"]);
    let ended: Vec<_> = busy
        .ended
        .iter()
        .map(|it| (Some(it.at), it.passed))
        .collect();
    assert_eq!(
        ended,
        [
            (at("2026-09-21T14:09:00Z"), true),
            (at("2026-09-21T14:01:30Z"), false)
        ]
    );
    let since = at("2026-09-21T14:00:00Z");
    assert_eq!(executor(&reading, "worker-2").work, Work::Idle { since });
    assert_eq!(
        executor(&reading, "worker-3").work,
        Work::Offline { since: None }
    );
    assert_eq!(
        why_unknown(&reading, "worker-4"),
        "its heartbeat is 4 minutes old"
    );
    let queue = &reading.part.queues[0];
    assert_eq!((&*queue.label, queue.length), ("default", 3));
    assert_eq!(queue.why.as_deref(), Some("all workers are busy"));
    let controller = &reading.part.controllers[0];
    assert_eq!(controller.version.as_deref(), Some("2.7.1"));
    assert_eq!(controller.grade, Grade::Durable);
}

#[tokio::test]
async fn an_answer_that_does_not_say_that_it_is_complete_has_no_idle_executor() {
    for complete in [None, Some(json!(false))] {
        let mut body = documented("executors");
        body.as_object_mut().unwrap().remove("complete");
        if let Some(complete) = complete {
            body["complete"] = complete;
        }
        let reading = read(&body).await;
        assert!(why_unknown(&reading, "worker-2").contains("complete"));
        assert_eq!(executor(&reading, "worker-1").work.as_str(), "busy");
    }
}

#[tokio::test]
async fn a_controller_that_just_started_has_no_idle_executor() {
    let mut body = documented("executors");
    for (secs, words) in [
        (0, "it started 0s ago"),
        (-299, "idle counts in 1s"),
        (60, "yet to come"),
    ] {
        body["controller"]["started_at"] = json!(NOW.as_millis() + secs * 1000);
        let reading = read(&body).await;
        let why = why_unknown(&reading, "worker-2");
        assert!(why.contains(words), "{secs}: {why}");
        assert_eq!(executor(&reading, "worker-1").work.as_str(), "busy");
    }
    body["controller"]["started_at"] = json!(NOW.as_millis() - 300_000);
    let reading = read(&body).await;
    assert_eq!(executor(&reading, "worker-2").work.as_str(), "idle");
}

#[tokio::test]
async fn what_was_seen_a_while_ago_or_ahead_of_us_is_not_believed() {
    let mut body = documented("executors");
    for (secs, is_believed, words) in [
        (-60, true, ""),
        (-61, false, "seen 1m01s ago"),
        (60, true, ""),
        (3600, false, "1h00m ahead"),
    ] {
        let at = NOW.as_millis() + secs * 1000;
        // In every unit that a clock can have.
        for number in [at / 1000, at, at * 1000] {
            body["at"] = json!(number);
            let reading = read(&body).await;
            if is_believed {
                assert_eq!(
                    executor(&reading, "worker-2").work.as_str(),
                    "idle",
                    "{secs}"
                );
            } else {
                let why = why_unknown(&reading, "worker-2");
                assert!(why.contains(words), "{secs}: {why}");
            }
        }
    }
}

#[tokio::test]
async fn evidence_is_as_old_as_what_it_tells() {
    let mut body = documented("executors");
    body["at"] = json!((NOW - Duration::from_secs(40)).to_string());
    let reading = read(&body).await;
    let evidence = &executor(&reading, "worker-2").evidence[0];
    assert_eq!(evidence.at, NOW - Duration::from_secs(40));
}

#[tokio::test]
async fn an_idle_executor_with_a_job_is_busy() {
    let mut body = documented("executors");
    body["executors"][1]["jobs"] = json!([{}]);
    let reading = read(&body).await;
    assert_eq!(executor(&reading, "worker-2").work.as_str(), "busy");
}

#[tokio::test]
async fn a_state_that_is_missing_or_new_is_unknown() {
    for state in [Value::Null, json!("dreaming"), json!(true)] {
        let mut body = documented("executors");
        body["executors"][1]["state"] = state;
        let reading = read(&body).await;
        assert!(why_unknown(&reading, "worker-2").contains("cannot be read"));
    }
}

#[tokio::test]
async fn only_an_instance_id_tells_an_instance() {
    let mut body = documented("executors");
    body["executors"][0]["instance"] = json!("worker-1.example.org");
    let reading = read(&body).await;
    let busy = executor(&reading, "worker-1");
    assert_eq!((&busy.instance, &busy.joining), (&None, &Joining::NoMatch));
}

#[tokio::test]
async fn another_version_of_the_format_is_named() {
    let mut body = documented("executors");
    body["version"] = json!(2);
    let server = Server::saying(Answer::json(&body));
    let error = observe(&open(&server)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
    assert!(error.what.contains("speaks version 2"), "{error}");
}

#[tokio::test]
async fn an_error_in_the_answer_keeps_its_kind_and_its_time() {
    let server = Server::saying(Answer::json(&documented("error")));
    let door = open(&server);
    let error = observe(&door).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Throttled);
    assert_eq!(error.retry_in, Some(Duration::from_secs(30)));
    assert!(
        error.what.contains("the queue asks us to slow down"),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoint_is_asked_for_its_verbs() {
    let server = Server::saying(Answer::json(&json!({"version": 1, "executors": []})));
    let door = open(&server);
    observe(&door).await.unwrap();
    let cordon = Call::Cordon {
        controller: "main".into(),
        executor: "worker-1".into(),
        note: "op-7".into(),
    };
    door.apply(&cordon).await.unwrap();
    let uncordon = Call::Uncordon {
        controller: "main".into(),
        executor: "worker-1".into(),
    };
    door.apply(&uncordon).await.unwrap();
    let requests = server.requests();
    let asked: Vec<(String, &str)> = requests.iter().map(|it| (it.line(), &*it.body)).collect();
    assert_eq!(
        asked,
        [
            ("GET /observe".into(), ""),
            (
                "POST /cordon".into(),
                r#"{"version":1,"verb":"cordon","executor":"worker-1","note":"op-7"}"#
            ),
            (
                "POST /uncordon".into(),
                r#"{"version":1,"verb":"uncordon","executor":"worker-1"}"#
            ),
        ]
    );
    let bearer = format!("Bearer {TOKEN}");
    assert!(
        requests
            .iter()
            .all(|it| it.header("authorization") == Some(&*bearer))
    );
}
