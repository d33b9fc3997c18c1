//! Buildkite, as its documentation shows it, over loopback HTTP.

mod control;
mod payloads;
mod traps;

use pooldeck::{
    ci::{
        Secret,
        buildkite::{Buildkite, Options},
    },
    fleet::{Job, Timestamp, Work},
};
use serde_json::{Value, json};

use crate::{
    TOKEN, observe,
    server::{Answer, Request, Server},
};

pub(crate) const AGENTS: &str = "/v2/organizations/acme/agents";

pub(crate) fn recorded() -> Value {
    serde_json::from_str(include_str!("../recorded/buildkite.json")).unwrap()
}

/// Returns the id of the recorded agent with this number.
pub(crate) fn id(agent_idx: usize) -> String {
    format!("{agent_idx}b461f65-e7be-4c80-888a-ef11d81fd971")
}

/// Answers as Buildkite would that has these agents.
pub(crate) fn answer(request: &Request, agents: &Value) -> Answer {
    if request.path == "/v3/metrics" {
        return Answer::json(&json!({
            "agents": {"idle": 1, "busy": 2, "total": 3, "queues": {}},
            "jobs": {
                "scheduled": 3, "running": 2, "waiting": 4, "total": 9,
                "queues": {
                    "default": {"scheduled": 3, "running": 1, "waiting": 4, "total": 8},
                    "large": {"scheduled": 0, "running": 1, "waiting": 0, "total": 1}
                }
            },
            "organization": {"slug": "acme"}
        }))
        .header("buildkite-agent-metrics-poll-duration", "30");
    }
    let Some(rest) = request.path.strip_prefix(AGENTS) else {
        return Answer::text(404, r#"{"message":"Not Found"}"#);
    };
    let Some(list) = agents.as_array() else {
        return Answer::json(agents);
    };
    if let Some(id) = rest.strip_prefix('/') {
        let found = list.iter().find(|it| it["id"] == json!(id));
        return found.map_or_else(|| Answer::text(404, "{}"), Answer::json);
    }
    let page: usize = request
        .query
        .rsplit_once("&page=")
        .unwrap()
        .1
        .parse()
        .unwrap();
    let page: Vec<&Value> = list.iter().skip((page - 1) * 100).take(100).collect();
    Answer::json(&json!(page))
}

pub(crate) fn buildkite_of(agents: Value) -> Server {
    Server::start(move |request| answer(request, &agents))
}

pub(crate) fn open(server: &Server) -> Buildkite {
    Buildkite::open(server.endpoint(), Options::new("acme")).unwrap()
}

pub(crate) fn open_with_metrics(server: &Server) -> Buildkite {
    let options = Options {
        agent_token: Some(Secret::new(TOKEN)),
        metrics_url: server.url(),
        ..Options::new("acme")
    };
    Buildkite::open(server.endpoint(), options).unwrap()
}

#[tokio::test]
async fn the_agents_of_an_organization_are_read() {
    let server = buildkite_of(recorded());
    let reading = observe(&open(&server)).await.unwrap();
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);
    let agents = &reading.part.executors;
    assert_eq!(
        agents[0].work,
        Work::Idle {
            since: Some(Timestamp::from_secs(1_789_999_080))
        }
    );
    assert_eq!(agents[0].labels, ["default"]);
    assert_eq!(
        agents[0].host_hints,
        [
            "aws:instance-id=i-0a1b2c3d4e5f60718",
            "ip-10-0-1-23.ec2.internal",
            "54.1.2.3"
        ]
    );
    assert_eq!(
        agents[1].jobs(),
        [Job {
            name: "rspec".into(),
            url: Some("https://buildkite.com/acme/app/builds/50#cd164055".into()),
            started_at: Some(Timestamp::from_secs(1_789_999_200)),
            expected_end: None,
        }]
    );
    assert_eq!(agents[1].labels, ["large"], "the field outweighs the tag");
    assert!(agents[2].cordoned && !agents[2].is_available());
    assert_eq!(
        agents[2].note.as_deref(),
        Some("op-7: a new image (until 2026-09-22T14:00:00Z)")
    );
}

#[tokio::test]
async fn the_queues_come_from_the_api_for_scaling_at_its_own_pace() {
    let server = buildkite_of(recorded());
    let door = open_with_metrics(&server);
    let reading = observe(&door).await.unwrap();
    let queue = &reading.part.queues[0];
    assert_eq!(reading.part.queues.len(), 1, "an empty queue is no row");
    assert_eq!((&*queue.label, queue.length), ("default", 3));
    assert!(
        queue
            .why
            .as_deref()
            .unwrap()
            .contains("4 more wait for other jobs")
    );
    let metrics = server
        .requests()
        .into_iter()
        .find(|it| it.path == "/v3/metrics");
    let authorization = metrics.unwrap().header("authorization").unwrap().to_owned();
    assert_eq!(authorization, format!("Token {TOKEN}"));

    server.take_lines();
    for (secs, n_asked) in [(29, 0), (30, 1)] {
        let now = crate::NOW + std::time::Duration::from_secs(secs);
        let reading = pooldeck::ci::Ci::observe(&door, now).await.unwrap();
        assert_eq!(reading.part.queues.len(), 1);
        let lines = server.take_lines();
        let n = lines
            .iter()
            .filter(|it| it.ends_with("/v3/metrics"))
            .count();
        assert_eq!(n, n_asked, "after {secs} s");
    }
}
