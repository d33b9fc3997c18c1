//! Every adapter that speaks HTTP, for the tests that hold for all of them.

use std::sync::Arc;

use pooldeck::{
    ci::{self, Endpoint, Error, Kind, SharedCi, buildbot, buildkite, command, github, jenkins},
    fleet::FailureKind,
};

use crate::NOW;

pub(crate) type Open = fn(Endpoint) -> Result<SharedCi, Error>;

pub(crate) const DOORS: &[(&str, Open)] = &[
    ("jenkins", |endpoint| {
        let options = jenkins::Options::default();
        Ok(Arc::new(jenkins::Jenkins::open(endpoint, options)?))
    }),
    ("buildbot", |endpoint| {
        let options = buildbot::Options::default();
        Ok(Arc::new(buildbot::Buildbot::open(endpoint, options)?))
    }),
    ("github", |endpoint| {
        let options = github::Options::new(vec![acme()]);
        Ok(Arc::new(github::GitHub::open(endpoint, options)?))
    }),
    ("buildkite", |endpoint| {
        let options = buildkite::Options::new("acme");
        Ok(Arc::new(buildkite::Buildkite::open(endpoint, options)?))
    }),
    ("command", |endpoint| {
        let options = command::Options::default();
        Ok(Arc::new(command::CommandCi::open(endpoint, options)?))
    }),
];

fn acme() -> github::Scope {
    github::Scope::Organization("acme".to_owned())
}

/// Every kind, and whether it can do without a scope of its own.
fn kinds() -> Vec<Kind> {
    vec![
        Kind::Buildbot(buildbot::Options::default()),
        Kind::Buildkite(buildkite::Options::new("acme")),
        Kind::Command(command::Options::default()),
        Kind::GitHub(github::Options::new(vec![acme()])),
        Kind::Jenkins(jenkins::Options::default()),
    ]
}

#[tokio::test]
async fn a_controller_that_is_configured_wrongly_says_so_and_nothing_else_happens() {
    for kind in kinds() {
        let word = kind.as_str();
        let door = ci::open(Endpoint::new("main", "no url at all"), kind);
        let error = door.observe(NOW).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Invalid, "{word}");
        assert!(
            error.what.contains("the url of main is not one"),
            "{word}: {error}"
        );
        let controller = door.describe();
        assert_eq!(controller.kind, word);
        assert_eq!(controller.warnings, [error.what]);
        assert_eq!(door.n_requests(), 0);
    }
    let nobody = Kind::GitHub(github::Options::new(Vec::new()));
    let door = ci::open(Endpoint::new("main", github::GitHub::URL), nobody);
    let error = door.observe(NOW).await.unwrap_err();
    assert!(error.what.contains("needs an organization"), "{error}");
}

#[test]
fn every_kind_has_a_grade_and_says_what_to_know_of_it() {
    for kind in kinds() {
        let word = kind.as_str();
        let door = ci::open(Endpoint::new("main", "http://ci.example.org/"), kind);
        let controller = door.describe();
        assert_eq!(
            (&*controller.kind, &*controller.name.to_string()),
            (word, "main")
        );
        assert!(!controller.grade.sentence().is_empty());
        assert!(!controller.caveats.is_empty(), "{word}");
        assert!(
            controller.warnings.is_empty(),
            "{word}: no token, none to lose"
        );
    }
}

#[test]
fn a_token_that_travels_in_the_clear_is_warned_of() {
    for kind in kinds() {
        let word = kind.as_str();
        for (url, is_exposed) in [
            ("http://ci.example.org/", true),
            ("https://ci.example.org/", false),
            ("http://127.0.0.1:8080/", false),
            ("http://[::1]/", false),
            ("http://localhost/", false),
        ] {
            let mut endpoint = Endpoint::new("main", url);
            endpoint.user = Some("pooldeck".to_owned());
            endpoint.token = Some(ci::Secret::new(crate::TOKEN));
            let controller = ci::open(endpoint, kind.clone()).describe();
            let warns = controller
                .warnings
                .iter()
                .any(|it| it.contains("unencrypted"));
            assert_eq!(warns, is_exposed, "{word} {url}");
        }
    }
}
