//! GitHub Actions, as its documentation shows it, over loopback HTTP.

mod cordon;
mod payloads;
mod traps;

use pooldeck::{
    ci::github::{GitHub, Options, Scope},
    fleet::{Job, Timestamp, Work},
};
use serde_json::{Value, json};

use crate::{
    executor, observe,
    server::{Answer, Request, Server},
};

pub(crate) fn recorded() -> Value {
    serde_json::from_str(include_str!("../recorded/github.json")).unwrap()
}

/// Answers as GitHub would that has these runners and jobs.
pub(crate) fn answer(request: &Request, state: &Value) -> Answer {
    let parameter = |name: &str| {
        let mut pairs = request.query.split('&').filter_map(|it| it.split_once('='));
        pairs.find(|it| it.0 == name).map(|it| it.1)
    };
    let page: usize = parameter("page").map_or(1, |it| it.parse().unwrap());
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    match path[..] {
        [_, _, "actions", "runners"] | [_, _, _, "actions", "runners"] => {
            let Some(runners) = state["runners"].as_array() else {
                return Answer::json(&json!({"total_count": 0, "runners": state["runners"]}));
            };
            let page: Vec<&Value> = runners.iter().skip((page - 1) * 100).take(100).collect();
            Answer::json(&json!({"total_count": runners.len(), "runners": page}))
        }
        [_, _, "actions", "runners", id] | [_, _, _, "actions", "runners", id] => {
            let runners = state["runners"].as_array().unwrap();
            let found = runners
                .iter()
                .find(|it| it["id"].as_u64() == id.parse().ok());
            found.map_or_else(not_found, Answer::json)
        }
        ["repos", _, _, "actions", "runs"] => {
            let runs = state[parameter("status").unwrap()].as_object();
            let ids = runs.into_iter().flat_map(|it| it.keys());
            let runs: Vec<Value> = ids
                .map(|it| json!({"id": it.parse::<u64>().ok()}))
                .collect();
            Answer::json(&json!({"total_count": runs.len(), "workflow_runs": runs}))
        }
        ["repos", _, _, "actions", "runs", run, "jobs"] => {
            let jobs = ["in_progress", "queued"]
                .iter()
                .find_map(|it| state[it].get(run));
            let Some(jobs) = jobs else { return not_found() };
            let n_jobs = jobs.as_array().map_or(0, Vec::len);
            Answer::json(&json!({"total_count": n_jobs, "jobs": jobs}))
        }
        _ => not_found(),
    }
}

fn not_found() -> Answer {
    Answer::text(404, r#"{"message":"Not Found"}"#)
}

pub(crate) fn github_of(state: Value) -> Server {
    Server::start(move |request| answer(request, &state))
}

pub(crate) fn options() -> Options {
    Options {
        repositories: vec!["acme/app".into()],
        ..Options::new(vec![Scope::Organization("acme".into())])
    }
}

pub(crate) fn open(server: &Server) -> GitHub {
    GitHub::open(server.endpoint(), options()).unwrap()
}

#[tokio::test]
async fn the_runners_of_an_organization_are_read() {
    let server = github_of(recorded());
    let reading = observe(&open(&server)).await.unwrap();
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);
    let idle = executor(&reading, "linux-i-0a1b2c3d4e5f60718");
    assert_eq!(idle.work, Work::Idle { since: None });
    assert_eq!(idle.id, "orgs/acme/23");
    assert_eq!(idle.labels, ["self-hosted", "Linux", "gpu"]);
    assert_eq!(idle.evidence.len(), 2, "the flag and the jobs");
    assert_eq!(
        executor(&reading, "linux-i-0b1b2c3d4e5f60718").jobs(),
        [Job {
            name: "CI / build (linux)".into(),
            url: Some("https://github.com/acme/app/actions/runs/100/job/1".into()),
            started_at: Some(Timestamp::from_secs(1_789_999_620)),
            expected_end: None,
        }]
    );
    assert_eq!(
        executor(&reading, "mac-1").work,
        Work::Offline { since: None }
    );
    let cordoned = executor(&reading, "linux-cordoned");
    assert!(cordoned.cordoned && !cordoned.is_available());
    assert_eq!(cordoned.note.as_deref(), Some("op-7-drain"));
    assert_eq!(
        cordoned.labels,
        ["self-hosted", "gpu"],
        "what it will have again"
    );
}

#[tokio::test]
async fn it_asks_as_github_wants_to_be_asked() {
    let server = github_of(recorded());
    observe(&open(&server)).await.unwrap();
    let requests = server.requests();
    let lines: Vec<String> = requests.iter().map(Request::line).collect();
    assert_eq!(
        lines,
        [
            "GET /orgs/acme/actions/runners",
            "GET /repos/acme/app/actions/runs",
            "GET /repos/acme/app/actions/runs/100/jobs",
            "GET /repos/acme/app/actions/runs",
            "GET /repos/acme/app/actions/runs/101/jobs",
        ]
    );
    for request in &requests {
        assert_eq!(
            request.header("accept"),
            Some("application/vnd.github+json")
        );
        assert_eq!(request.header("x-github-api-version"), Some("2022-11-28"));
        assert!(
            request
                .header("user-agent")
                .unwrap()
                .starts_with("pooldeck/")
        );
        assert!(
            request
                .header("authorization")
                .unwrap()
                .starts_with("Bearer ")
        );
    }
}

#[tokio::test]
async fn what_waits_for_our_runners_is_counted_by_what_tells_it_apart() {
    let server = github_of(recorded());
    let reading = observe(&open(&server)).await.unwrap();
    let seen: Vec<_> = reading
        .part
        .queues
        .iter()
        .map(|it| (&*it.label, it.length, it.why.as_deref().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            (
                "arm-large",
                1,
                "no runner has all of the labels self-hosted, arm-large"
            ),
            (
                "gpu",
                1,
                "waiting for one of the 3 runners with the labels self-hosted, gpu"
            ),
        ],
        "what waits for GitHub's own machines is not ours"
    );
    let oldest = reading.part.queues[0].oldest_since;
    assert_eq!(oldest, Some(Timestamp::from_secs(1_789_999_500)));
}

#[tokio::test]
async fn repositories_and_enterprises_have_runners_too() {
    for (scope, path) in [
        (
            Scope::Repository {
                owner: "acme".into(),
                name: "app".into(),
            },
            "/repos/acme/app/actions/runners",
        ),
        (
            Scope::Enterprise("big".into()),
            "/enterprises/big/actions/runners",
        ),
    ] {
        let server = github_of(recorded());
        let door = GitHub::open(server.endpoint(), Options::new(vec![scope])).unwrap();
        assert_eq!(observe(&door).await.unwrap().part.executors.len(), 4);
        assert_eq!(server.requests()[0].path, path);
    }
}
