//! GitHub has no pause: labels are taken away, and a removal is refused while a job runs.

use std::sync::{Arc, Mutex};

use pooldeck::{
    ci::Ci,
    fleet::{Call, FailureKind},
};
use serde_json::{Value, json};

use super::{open, recorded};
use crate::server::{Answer, Server};

fn cordon(executor: &str, note: &str) -> Call {
    Call::Cordon {
        controller: "main".into(),
        executor: executor.to_owned(),
        note: note.to_owned(),
    }
}

fn uncordon(executor: &str) -> Call {
    Call::Uncordon {
        controller: "main".into(),
        executor: executor.to_owned(),
    }
}

fn remove(executor: &str) -> Call {
    Call::RemoveExecutor {
        controller: "main".into(),
        executor: executor.to_owned(),
    }
}

/// One runner that takes new labels as GitHub does.
fn runner() -> (Server, Arc<Mutex<Value>>) {
    let state = Arc::new(Mutex::new(recorded()["runners"][0].clone()));
    let held = state.clone();
    let server = Server::start(move |request| {
        let mut runner = held.lock().unwrap();
        match request.line().as_str() {
            "GET /orgs/acme/actions/runners/23" => Answer::json(&runner),
            "PUT /orgs/acme/actions/runners/23/labels" => {
                let wanted: Value = serde_json::from_str(&request.body).unwrap();
                let labels = runner["labels"].as_array_mut().unwrap();
                labels.retain(|it| it["type"] == json!("read-only"));
                for name in wanted["labels"].as_array().unwrap() {
                    labels.push(json!({"id": 0, "name": name, "type": "custom"}));
                }
                Answer::json(&json!({"labels": labels}))
            }
            _ => Answer::text(404, r#"{"message":"Not Found"}"#),
        }
    });
    (server, state)
}

fn labels(runner: &Mutex<Value>) -> Vec<String> {
    let runner = runner.lock().unwrap();
    let labels = runner["labels"].as_array().unwrap().iter();
    labels
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_cordon_takes_the_labels_away_and_keeps_them_and_lifting_it_gives_them_back() {
    let (server, state) = runner();
    let door = open(&server);
    door.apply(&cordon("orgs/acme/23", "op-7: a new image"))
        .await
        .unwrap();
    let cordoned = [
        "self-hosted",
        "Linux",
        "cordoned-op-7--a-new-image",
        "kept-gpu",
    ];
    assert_eq!(labels(&state), cordoned);
    // Twice is as good as once.
    door.apply(&cordon("orgs/acme/23", "op-7: a new image"))
        .await
        .unwrap();
    assert_eq!(labels(&state), cordoned);
    for _ in 0..2 {
        door.apply(&uncordon("orgs/acme/23")).await.unwrap();
        assert_eq!(labels(&state), ["self-hosted", "Linux", "gpu"]);
    }
}

#[tokio::test]
async fn a_runner_without_labels_of_its_own_is_honestly_refused() {
    let (server, state) = runner();
    state.lock().unwrap()["labels"]
        .as_array_mut()
        .unwrap()
        .pop();
    let error = open(&server)
        .apply(&cordon("orgs/acme/23", "op-7"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
    assert!(error.what.contains("GitHub has no pause"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_removal_of_a_busy_runner_is_a_conflict_and_of_an_idle_one_succeeds() {
    for (status, kind) in [
        (204, None),
        (422, Some(FailureKind::Conflict)),
        (404, Some(FailureKind::NotFound)),
        (403, Some(FailureKind::Denied)),
        (500, Some(FailureKind::Unknown)),
    ] {
        let server = Server::saying(Answer::text(status, ""));
        let result = open(&server).apply(&remove("orgs/acme/23")).await;
        assert_eq!(result.err().map(|it| it.kind), kind, "{status}");
        assert_eq!(
            server.take_lines(),
            ["DELETE /orgs/acme/actions/runners/23"]
        );
    }
}

#[tokio::test]
async fn only_a_number_is_the_id_of_a_runner() {
    let server = Server::saying(Answer::text(204, ""));
    let door = open(&server);
    for id in [
        "",
        "23",
        "orgs/acme/",
        "orgs/acme/..",
        "orgs/acme/23/labels",
        "orgs/other/23",
        "repos/acme/app/23",
    ] {
        let error = door.apply(&remove(id)).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Invalid, "{id}");
    }
    assert!(server.requests().is_empty());
}
