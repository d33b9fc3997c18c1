//! Pausing workers of a Buildbot master, and signing in to it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use pooldeck::{
    ci::Ci,
    fleet::{Call, FailureKind},
};
use serde_json::{Value, json};

use super::open;
use crate::server::{Answer, Request, Server};

const DONE: &str = r#"{"jsonrpc": "2.0", "result": null, "id": 1}"#;
const STRANGER: &str = "TWISTED_SESSION=stranger";

fn cordon(executor: &str) -> Call {
    Call::Cordon {
        controller: "main".into(),
        executor: executor.to_owned(),
        note: "op-7: a new image".to_owned(),
    }
}

/// Lets in who has the cookie of this session; hands it out for the password, after the
/// cookie of a stranger, as Buildbot does.
fn guarded(request: &Request, session: &str) -> Answer {
    if request.path == "/auth/login" {
        return Answer::redirect("http://ci.example.org/#/")
            .header("set-cookie", &format!("{STRANGER}; Path=/"))
            .header("set-cookie", &format!("TWISTED_SESSION={session}; Path=/"));
    }
    if request.header("cookie") == Some(&format!("TWISTED_SESSION={session}")) {
        Answer::text(200, DONE)
    } else {
        let body =
            r#"{"jsonrpc":"2.0","id":1,"error":{"message":"you need to have role 'admins'"}}"#;
        Answer::text(403, body)
    }
}

#[tokio::test]
async fn a_pause_carries_its_reason_and_an_unpause_none() {
    let server = Server::saying(Answer::text(200, DONE));
    let door = open(&server);
    door.apply(&cordon("w1")).await.unwrap();
    let uncordon = Call::Uncordon {
        controller: "main".into(),
        executor: "w1".into(),
    };
    door.apply(&uncordon).await.unwrap();
    let bodies: Vec<Value> = server
        .requests()
        .iter()
        .map(|it| {
            assert_eq!(it.line(), "POST /api/v2/workers/w1");
            assert_eq!(it.header("content-type"), Some("application/json"));
            serde_json::from_str(&it.body).unwrap()
        })
        .collect();
    assert_eq!(
        bodies,
        [
            json!({"jsonrpc": "2.0", "id": 1, "method": "pause",
                   "params": {"reason": "op-7: a new image"}}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "unpause", "params": {}}),
        ]
    );
}

#[tokio::test]
async fn signing_in_happens_once_and_only_when_it_is_asked_for() {
    let server = Server::start(|request| guarded(request, "ours"));
    let door = open(&server);
    door.apply(&cordon("w1")).await.unwrap();
    door.apply(&cordon("w2")).await.unwrap();
    assert_eq!(
        server.take_lines(),
        [
            "POST /api/v2/workers/w1",
            "GET /auth/login",
            "POST /api/v2/workers/w1",
            "POST /api/v2/workers/w2",
        ]
    );
}

#[tokio::test]
async fn a_session_that_ended_is_renewed() {
    let session = Arc::new(AtomicUsize::new(1));
    let current = session.clone();
    let server = Server::start(move |request| {
        guarded(request, &format!("s{}", current.load(Ordering::SeqCst)))
    });
    let door = open(&server);
    door.apply(&cordon("w1")).await.unwrap();
    session.store(2, Ordering::SeqCst);
    door.apply(&cordon("w1")).await.unwrap();
}

#[tokio::test]
async fn a_role_that_is_missing_is_told_in_the_masters_words() {
    let server = Server::start(|request| match request.path.as_str() {
        "/auth/login" => Answer::redirect("/#/").header("set-cookie", STRANGER),
        _ => guarded(request, "nobody's"),
    });
    let error = open(&server).apply(&cordon("w1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Denied);
    assert!(
        error.what.contains("you need to have role 'admins'"),
        "{error}"
    );
}

#[tokio::test]
async fn an_oauth_only_master_says_what_to_do() {
    let server = Server::start(|request| match request.path.as_str() {
        "/auth/login" => {
            Answer::redirect("https://github.com/login/oauth/authorize?client_id=1&state=x")
        }
        _ => guarded(request, "nobody's"),
    });
    let error = open(&server).apply(&cordon("w1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Credentials);
    assert!(error.what.contains("UserPasswordAuth"), "{error}");
    assert!(!error.what.contains("client_id"), "{error}");
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error() {
    let body = r#"{"jsonrpc":"2.0","id":1,"error":{"message":"action: pause is not supported"}}"#;
    let server = Server::saying(Answer::text(200, body));
    let error = open(&server).apply(&cordon("w1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
    assert!(error.what.contains("not supported"), "{error}");
}

#[tokio::test]
async fn a_name_cannot_leave_the_workers_and_a_removal_is_refused() {
    let server = Server::saying(Answer::text(200, DONE));
    let door = open(&server);
    for name in ["", ".", ".."] {
        let error = door.apply(&cordon(name)).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Invalid);
    }
    door.apply(&cordon("../builds/1")).await.unwrap();
    assert_eq!(
        server.take_lines(),
        ["POST /api/v2/workers/..%2Fbuilds%2F1"]
    );
    let call = Call::RemoveExecutor {
        controller: "main".into(),
        executor: "w1".into(),
    };
    let error = door.apply(&call).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
}
