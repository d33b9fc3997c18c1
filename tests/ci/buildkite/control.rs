//! Pausing Buildkite's agents for a told time, and never cancelling a job.

use pooldeck::{
    ci::{
        Ci,
        buildkite::{Buildkite, Options},
    },
    fleet::{Call, FailureKind},
};
use serde_json::{Value, json};

use super::{AGENTS, id, open, recorded};
use crate::server::{Answer, Server};

fn cordon(executor: &str) -> Call {
    Call::Cordon {
        controller: "main".into(),
        executor: executor.to_owned(),
        note: "op-7: a new image".to_owned(),
    }
}

fn uncordon() -> Call {
    Call::Uncordon {
        controller: "main".into(),
        executor: id(2),
    }
}

fn stop() -> Call {
    Call::RemoveExecutor {
        controller: "main".into(),
        executor: id(2),
    }
}

fn body(server: &Server) -> Value {
    serde_json::from_str(&server.requests()[0].body).unwrap()
}

/// Refuses every change of one agent with 422, and shows it so.
fn refusing(agent: Value) -> Server {
    Server::start(move |request| match request.method.as_str() {
        "GET" => Answer::json(&agent),
        _ => Answer::text(422, r#"{"message":"Agent can't be changed"}"#),
    })
}

#[tokio::test]
async fn a_pause_always_tells_how_long_because_five_minutes_are_the_default() {
    let server = Server::saying(Answer::json(&json!({})));
    let receipt = open(&server).apply(&cordon(&id(2))).await.unwrap();
    assert!(receipt.message.unwrap().contains("1440 minutes"));
    assert_eq!(
        body(&server),
        json!({"note": "op-7: a new image", "timeout_in_minutes": 1440})
    );
    assert_eq!(
        server.take_lines(),
        [format!("PUT {AGENTS}/{}/pause", id(2))]
    );
}

#[tokio::test]
async fn a_pause_is_no_longer_than_the_week_that_is_allowed() {
    let server = Server::saying(Answer::json(&json!({})));
    let options = Options {
        pause_minutes: 1_000_000,
        ..Options::new("acme")
    };
    let door = Buildkite::open(server.endpoint(), options).unwrap();
    door.apply(&cordon(&id(2))).await.unwrap();
    assert_eq!(body(&server)["timeout_in_minutes"], json!(10_080));
}

#[tokio::test]
async fn pausing_twice_is_refused_by_buildkite_and_as_good_as_once() {
    let paused = recorded()[2].clone();
    let receipt = open(&refusing(paused))
        .apply(&cordon(&id(2)))
        .await
        .unwrap();
    assert!(receipt.message.unwrap().contains("not made longer"));
}

#[tokio::test]
async fn the_pause_of_somebody_else_is_a_conflict() {
    let mut paused = recorded()[2].clone();
    paused["paused_note"] = json!("mine, hands off");
    let error = open(&refusing(paused))
        .apply(&cordon(&id(2)))
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
    assert!(error.what.contains("mine, hands off"), "{error}");
}

#[tokio::test]
async fn a_pause_that_is_refused_for_another_reason_is_an_error() {
    let gone = recorded()[0].clone();
    let error = open(&refusing(gone))
        .apply(&cordon(&id(0)))
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
    assert!(error.what.contains("can't be changed"), "{error}");
}

#[tokio::test]
async fn resuming_an_agent_that_is_not_paused_is_as_good() {
    let idle = recorded()[0].clone();
    open(&refusing(idle)).apply(&uncordon()).await.unwrap();
    let paused = recorded()[2].clone();
    open(&refusing(paused))
        .apply(&uncordon())
        .await
        .unwrap_err();
}

#[tokio::test]
async fn a_stop_never_forces_because_forcing_is_the_default() {
    let server = Server::saying(Answer::text(204, ""));
    open(&server).apply(&stop()).await.unwrap();
    assert_eq!(body(&server), json!({"force": false}));
    assert_eq!(
        server.take_lines(),
        [format!("PUT {AGENTS}/{}/stop", id(2))]
    );
}

#[tokio::test]
async fn an_agent_that_is_not_connected_cannot_be_stopped() {
    let answer = Answer::text(400, r#"{"message":"Can only stop connected agents"}"#);
    let error = open(&Server::saying(answer))
        .apply(&stop())
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::NotFound);
}

#[tokio::test]
async fn only_a_uuid_is_the_id_of_an_agent() {
    let server = Server::saying(Answer::json(&json!({})));
    let door = open(&server);
    for id in ["", "..", "linux-1", "0b46/../x"] {
        let error = door.apply(&cordon(id)).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Invalid, "{id}");
    }
    assert!(server.requests().is_empty());
}
