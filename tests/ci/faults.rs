//! What goes wrong between a controller and us, for every adapter: each time the error
//! says what is wrong and what to do, and no agent is left idle.

use std::time::Duration;

use pooldeck::{
    ci::{Endpoint, Error, SharedCi},
    fleet::FailureKind,
};

use crate::{
    NOW, TOKEN,
    doors::{DOORS, Open},
    server::{Answer, Server},
};

/// Reads through a door of every kind, and hands on the error; there must be one.
async fn each(server: &Server, check: impl Fn(&str, &Error)) {
    for (kind, open) in DOORS {
        let door = open(server.endpoint()).unwrap();
        let error = failing(&door).await;
        assert!(!error.what.contains(TOKEN), "{kind}: {error}");
        check(kind, &error);
    }
}

async fn failing(door: &SharedCi) -> Error {
    door.observe(NOW).await.expect_err("this cannot be read")
}

/// Checks the kind of the error, and a word of what it says.
async fn check(answer: Answer, kind: FailureKind, word: &str) {
    let server = Server::saying(answer);
    each(&server, |door, error| {
        assert_eq!(error.kind, kind, "{door}: {error}");
        assert!(error.what.contains(word), "{door}: {error}");
        assert!(error.what.contains("http://127.0.0.1"), "{door}: {error}");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_token_is_named_as_such() {
    let answer = Answer::page(401, "Unauthorized");
    check(answer, FailureKind::Credentials, "check `user` and `token`").await;
}

#[tokio::test]
async fn a_missing_permission_is_told_from_a_wrong_token() {
    let answer = Answer::text(403, r#"{"message":"Resource not accessible"}"#);
    check(answer, FailureKind::Denied, "lacks a permission").await;
}

#[tokio::test]
async fn a_403_that_leads_to_a_login_is_about_the_credentials() {
    let body = "<html><head><meta http-equiv='refresh' content='1;url=/login?from=%2F'/></head>";
    check(
        Answer::text(403, body),
        FailureKind::Credentials,
        "wants a login",
    )
    .await;
}

#[tokio::test]
async fn a_wrong_path_asks_for_the_url() {
    let answer = Answer::page(404, "Not Found");
    check(answer, FailureKind::NotFound, "is the path in `url` right?").await;
}

#[tokio::test]
async fn a_login_page_with_200_is_not_an_answer() {
    let answer = Answer::page(200, "Sign in to Example SSO");
    check(answer, FailureKind::Credentials, "Sign in to Example SSO").await;
}

#[tokio::test]
async fn a_login_page_that_calls_itself_json_is_not_an_answer() {
    let answer = Answer::text(200, "  <!DOCTYPE html><title>Log in</title>")
        .header("content-type", "application/json");
    check(answer, FailureKind::Credentials, "web page").await;
}

#[tokio::test]
async fn a_redirect_to_a_login_is_not_followed_and_its_state_is_not_told() {
    let elsewhere = Server::saying(Answer::page(200, "Sign in"));
    let to = format!("{}oauth/authorize?state={TOKEN}", elsewhere.url());
    check(
        Answer::redirect(&to),
        FailureKind::Credentials,
        "single sign-on",
    )
    .await;
    assert!(elsewhere.requests().is_empty(), "no token goes elsewhere");
}

#[tokio::test]
async fn a_redirect_to_another_address_asks_to_put_it_into_the_url() {
    check(
        Answer::redirect("/jenkins/"),
        FailureKind::Invalid,
        "put it into `url`",
    )
    .await;
}

#[tokio::test]
async fn a_busy_server_names_when_to_come_back_and_is_left_alone_until_then() {
    let answer = Answer::text(429, "slow down").header("retry-after", "90");
    let server = Server::saying(answer);
    for (kind, open) in DOORS {
        let door = open(server.endpoint()).unwrap();
        let error = failing(&door).await;
        assert_eq!(error.kind, FailureKind::Throttled, "{kind}");
        assert_eq!(error.retry_in, Some(Duration::from_secs(90)), "{kind}");
        server.take_lines();
        let earlier = door
            .observe(NOW + Duration::from_secs(89))
            .await
            .unwrap_err();
        assert_eq!(earlier.retry_in, Some(Duration::from_secs(1)), "{kind}");
        assert!(server.take_lines().is_empty(), "{kind} did not stay away");
        let _ = door.observe(NOW + Duration::from_secs(90)).await;
        assert!(!server.take_lines().is_empty(), "{kind} did not come back");
    }
}

#[tokio::test]
async fn a_time_to_come_back_may_be_a_date() {
    let answer = Answer::text(503, "maintenance")
        .header("date", "Tue, 22 Sep 2026 12:00:00 GMT")
        .header("retry-after", "Tue, 22 Sep 2026 12:05:00 GMT");
    let server = Server::saying(answer);
    each(&server, |kind, error| {
        assert_eq!(error.retry_in, Some(Duration::from_mins(5)), "{kind}");
    })
    .await;
}

#[tokio::test]
async fn an_exhausted_limit_is_throttling_though_it_comes_as_403() {
    let answer = Answer::text(403, r#"{"message":"API rate limit exceeded"}"#)
        .header("date", "Tue, 22 Sep 2026 12:00:00 GMT")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", "1790079600");
    let server = Server::saying(answer);
    each(&server, |kind, error| {
        assert_eq!(error.kind, FailureKind::Throttled, "{kind}");
        // 2026-09-22T12:00:00Z is 1790078400.
        assert_eq!(error.retry_in, Some(Duration::from_mins(20)), "{kind}");
    })
    .await;
}

#[tokio::test]
async fn a_broken_server_is_unknown_with_its_words() {
    let answer = Answer::page(500, "NullPointerException");
    check(answer, FailureKind::Unknown, "NullPointerException").await;
}

#[tokio::test]
async fn json_that_ends_in_its_middle_is_unknown() {
    for (kind, open) in DOORS {
        let begun = if *kind == "buildkite" {
            "["
        } else {
            "{\"computer\":["
        };
        let body = format!("{begun}{{\"displayName\":\"a\",\"idle\":true");
        let server = Server::saying(Answer::text(200, body));
        let error = failing(&open(server.endpoint()).unwrap()).await;
        assert_eq!(error.kind, FailureKind::Unknown, "{kind}");
        assert!(error.what.contains("ends in its middle"), "{kind}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unknown() {
    let answer = Answer::text(200, r#"{"computer":[]}"#).hanging_up();
    check(answer, FailureKind::Unknown, "broke").await;
}

#[tokio::test]
async fn json_of_another_kind_asks_for_the_kind() {
    let answer = Answer::text(200, r#"{"hello":"world"}"#);
    check(answer, FailureKind::Unknown, "is `kind` right?").await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_unknown() {
    check(
        Answer::text(200, vec![0xff; 64]),
        FailureKind::Unknown,
        "not what",
    )
    .await;
}

#[tokio::test]
async fn what_a_cache_kept_is_stale() {
    for body in [r#"{"computer":[]}"#, "[]"] {
        let answer = Answer::text(200, body).header("age", "300");
        check(answer, FailureKind::Unknown, "300 s ago").await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_is_unknown() {
    let answer = Answer::not_http("SSH-2.0-OpenSSH_9.6\r\n");
    check(answer, FailureKind::Unknown, "connection").await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Server::saying(Answer::never());
    for (kind, open) in DOORS {
        let mut endpoint = server.endpoint();
        endpoint.timeout = Duration::from_millis(200);
        let error = failing(&open(endpoint).unwrap()).await;
        assert!(error.what.contains("no answer in time"), "{kind}: {error}");
    }
}

#[tokio::test]
async fn a_closed_port_says_that_nothing_listens() {
    // Nobody listens on the first port of all.
    for (kind, open) in DOORS {
        let endpoint = Endpoint::new("main", "http://127.0.0.1:1/");
        let error = failing(&open(endpoint).unwrap()).await;
        assert!(
            error.what.contains("nothing listens there"),
            "{kind}: {error}"
        );
    }
}

#[tokio::test]
async fn tls_on_a_plain_port_asks_for_http() {
    let server = Server::saying(Answer::text(200, "{}"));
    for (kind, open) in DOORS {
        let mut endpoint = server.endpoint();
        endpoint.url = endpoint.url.replace("http://", "https://");
        let error = failing(&open(endpoint).unwrap()).await;
        assert!(error.what.contains("start with http://"), "{kind}: {error}");
    }
}

#[tokio::test]
async fn plain_http_on_a_tls_port_asks_for_https() {
    let page = "<h1>400</h1>The plain HTTP request was sent to HTTPS port";
    check(Answer::text(400, page), FailureKind::Invalid, "https://").await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_says_so() {
    for (kind, open) in DOORS {
        let endpoint = Endpoint::new("main", "http://jenkins.invalid/");
        let error = failing(&open(endpoint).unwrap()).await;
        assert!(error.what.contains("cannot be resolved"), "{kind}: {error}");
    }
}

#[test]
fn what_cannot_be_an_endpoint_is_refused_when_it_is_opened() {
    for (kind, open) in DOORS {
        let refused = |endpoint: Endpoint| match open(endpoint) {
            Err(error) => {
                assert_eq!(error.kind, FailureKind::Invalid, "{kind}");
                assert!(!error.what.contains(TOKEN), "{kind}: {error}");
                error.what
            }
            Ok(_) => panic!("{kind} opened it"),
        };
        for url in [
            "",
            "jenkins.example.org",
            "ftp://ci/",
            "https://",
            "file:///etc",
        ] {
            assert!(refused(Endpoint::new("main", url)).contains("url"), "{url}");
        }
        let inside = format!("https://pooldeck:{TOKEN}@ci.example.org/");
        assert!(refused(Endpoint::new("main", inside)).contains("move them"));
        let mut endpoint = Endpoint::new("main", "https://ci.example.org/");
        endpoint.proxy = Some("not a proxy".to_owned());
        assert!(refused(endpoint.clone()).contains("proxy"));
        endpoint.proxy = None;
        endpoint.ca_certificates = Some("not a certificate".to_owned());
        assert!(refused(endpoint.clone()).contains("PEM"));
        endpoint.ca_certificates = None;
        endpoint.token = Some(pooldeck::ci::Secret::new(&format!("{TOKEN}\nx")));
        assert!(refused(endpoint).contains("line break"));
    }
}

#[tokio::test]
async fn a_proxy_is_used_when_it_is_configured() {
    let proxy = Server::saying(Answer::page(502, "the proxy answers"));
    for (kind, open) in DOORS {
        let mut endpoint = Endpoint::new("main", "http://ci.example.org/");
        endpoint.proxy = Some(proxy.url());
        let error = failing(&open(endpoint).unwrap()).await;
        assert!(error.what.contains("the proxy answers"), "{kind}: {error}");
    }
}

/// An endpoint is opened without a single request.
#[test]
fn opening_sends_nothing() {
    let server = Server::saying(Answer::text(500, ""));
    for (kind, open) in DOORS {
        let open: Open = *open;
        let door = open(server.endpoint()).unwrap();
        assert_eq!(door.n_requests(), 0, "{kind}");
    }
    assert!(server.requests().is_empty());
}
