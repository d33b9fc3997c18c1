//! Cordons on Jenkins: set twice as once, lifted only after a look.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use pooldeck::{
    ci::Ci,
    fleet::{Call, FailureKind},
};
use serde_json::json;

use super::open;
use crate::server::{Answer, Request, Server};

fn cordon(executor: &str) -> Call {
    Call::Cordon {
        controller: "main".into(),
        executor: executor.to_owned(),
        note: "op-7: a new image & more".to_owned(),
    }
}

fn uncordon(executor: &str) -> Call {
    Call::Uncordon {
        controller: "main".into(),
        executor: executor.to_owned(),
    }
}

/// One agent, and how Jenkins treats its cordon.
fn agent(is_set_offline: bool) -> (Server, Arc<AtomicBool>) {
    let state = Arc::new(AtomicBool::new(is_set_offline));
    let told = state.clone();
    let server = Server::start(move |request| serve_agent(request, &told));
    (server, state)
}

fn serve_agent(request: &Request, is_set_offline: &AtomicBool) -> Answer {
    match request.line().as_str() {
        "GET /computer/linux%201/api/json" => {
            Answer::json(&json!({"temporarilyOffline": is_set_offline.load(Ordering::SeqCst)}))
        }
        "POST /computer/linux%201/changeOfflineCause" => {
            is_set_offline.store(true, Ordering::SeqCst);
            Answer::redirect(".")
        }
        "POST /computer/linux%201/toggleOffline" => {
            is_set_offline.fetch_xor(true, Ordering::SeqCst);
            Answer::redirect(".")
        }
        _ => Answer::page(404, "Not found"),
    }
}

#[tokio::test]
async fn a_cordon_is_never_a_toggle_and_twice_is_as_good_as_once() {
    let (server, state) = agent(false);
    let door = open(&server);
    for _ in 0..2 {
        door.apply(&cordon("linux 1")).await.unwrap();
        assert!(state.load(Ordering::SeqCst));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(
            request.line(),
            "POST /computer/linux%201/changeOfflineCause"
        );
        assert_eq!(request.query, "offlineMessage=op-7%3A+a+new+image+%26+more");
    }
}

#[tokio::test]
async fn lifting_a_cordon_looks_before_and_after_the_toggle() {
    let (server, state) = agent(true);
    let receipt = open(&server).apply(&uncordon("linux 1")).await.unwrap();
    assert!(!state.load(Ordering::SeqCst));
    assert_eq!(receipt.message.as_deref(), Some("brought back"));
    assert_eq!(
        server.take_lines(),
        [
            "GET /computer/linux%201/api/json",
            "POST /computer/linux%201/toggleOffline",
            "GET /computer/linux%201/api/json",
        ]
    );
}

#[tokio::test]
async fn an_agent_that_is_online_is_not_toggled_offline() {
    let (server, state) = agent(false);
    open(&server).apply(&uncordon("linux 1")).await.unwrap();
    assert!(!state.load(Ordering::SeqCst));
    assert_eq!(server.take_lines(), ["GET /computer/linux%201/api/json"]);
}

#[tokio::test]
async fn two_toggles_at_once_are_a_conflict() {
    let state = AtomicBool::new(true);
    let server = Server::start(move |request| {
        // Somebody else toggles first, and ours sets it offline again.
        if request.path.ends_with("toggleOffline") {
            state.fetch_xor(true, Ordering::SeqCst);
        }
        serve_agent(request, &state)
    });
    let error = open(&server).apply(&uncordon("linux 1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Conflict);
}

#[tokio::test]
async fn an_agent_whose_state_is_hidden_is_not_toggled() {
    let server = Server::saying(Answer::json(
        &json!({"_class": "hudson.slaves.SlaveComputer"}),
    ));
    let error = open(&server).apply(&uncordon("linux 1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let answer = Answer::page(403, "Access Denied")
        .header("x-required-permission", "hudson.model.Computer.Disconnect");
    let server = Server::saying(answer);
    let error = open(&server).apply(&cordon("linux 1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Denied);
    assert!(error.what.contains("hudson.model.Computer.Disconnect"));
}

#[tokio::test]
async fn a_redirect_to_the_login_is_not_a_success() {
    let server = Server::saying(Answer::redirect("/login?from=%2Fcomputer%2F"));
    let error = open(&server).apply(&cordon("linux 1")).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Credentials);
}

#[tokio::test]
async fn the_built_in_node_is_cordoned_under_its_own_address() {
    let server = Server::saying(Answer::redirect("."));
    open(&server).apply(&cordon("(built-in)")).await.unwrap();
    assert_eq!(
        server.take_lines(),
        ["POST /computer/(built-in)/changeOfflineCause"]
    );
}

#[tokio::test]
async fn a_name_cannot_leave_the_computers() {
    let server = Server::saying(Answer::redirect("."));
    let door = open(&server);
    for name in ["", ".", ".."] {
        let error = door.apply(&cordon(name)).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Invalid, "{name}");
    }
    door.apply(&cordon("../../quietDown")).await.unwrap();
    door.apply(&cordon("a/../b?c#d")).await.unwrap();
    assert_eq!(
        server.take_lines(),
        [
            "POST /computer/..%2F..%2FquietDown/changeOfflineCause",
            "POST /computer/a%2F..%2Fb%3Fc%23d/changeOfflineCause",
        ]
    );
}

/// Refuses posts without the crumb of the current session, as with a password.
fn wanting_crumb(request: &Request, crumb: &str) -> Answer {
    if request.path == "/crumbIssuer/api/json" {
        return Answer::json(&json!({
            "_class": "hudson.security.csrf.DefaultCrumbIssuer",
            "crumb": crumb,
            "crumbRequestField": "Jenkins-Crumb"
        }))
        .header(
            "set-cookie",
            &format!("JSESSIONID.1=of-{crumb}; Path=/; HttpOnly"),
        );
    }
    let cookie = format!("JSESSIONID.1=of-{crumb}");
    let is_valid =
        request.header("jenkins-crumb") == Some(crumb) && request.header("cookie") == Some(&cookie);
    if is_valid {
        Answer::redirect(".")
    } else {
        Answer::page(403, "No valid crumb was included in the request")
    }
}

#[tokio::test]
async fn with_a_password_a_crumb_is_fetched_and_used_again() {
    let server = Server::start(|request| wanting_crumb(request, "c1"));
    let door = open(&server);
    door.apply(&cordon("a")).await.unwrap();
    door.apply(&cordon("b")).await.unwrap();
    assert_eq!(
        server.take_lines(),
        [
            "POST /computer/a/changeOfflineCause",
            "GET /crumbIssuer/api/json",
            "POST /computer/a/changeOfflineCause",
            "POST /computer/b/changeOfflineCause",
        ]
    );
}

#[tokio::test]
async fn a_crumb_that_expired_is_fetched_anew() {
    let is_new = Arc::new(AtomicBool::new(false));
    let told = is_new.clone();
    let server = Server::start(move |request| {
        let crumb = if told.load(Ordering::SeqCst) {
            "c2"
        } else {
            "c1"
        };
        wanting_crumb(request, crumb)
    });
    let door = open(&server);
    door.apply(&cordon("a")).await.unwrap();
    is_new.store(true, Ordering::SeqCst);
    door.apply(&cordon("a")).await.unwrap();
    assert_eq!(server.requests().len(), 3 + 3);
}

#[tokio::test]
async fn a_removal_is_refused_because_jenkins_cannot_make_it_conditional() {
    let server = Server::saying(Answer::redirect("."));
    let call = Call::RemoveExecutor {
        controller: "main".into(),
        executor: "linux 1".into(),
    };
    let error = open(&server).apply(&call).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Invalid);
    assert!(server.requests().is_empty());
}
