//! What Buildkite says and does not mean: one test for each trap.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use pooldeck::{
    ci::{Ci, Reading},
    fleet::{Executor, FailureKind, Grade, Work},
};
use serde_json::{Value, json};

use super::{AGENTS, answer, buildkite_of, id, open, open_with_metrics, recorded};
use crate::{
    NOW, observe,
    server::{Answer, Server},
};

async fn read_after(change: impl FnOnce(&mut Value)) -> Reading {
    let mut agents = recorded();
    change(&mut agents);
    observe(&open(&buildkite_of(agents))).await.unwrap()
}

fn agent(reading: &Reading, agent_idx: usize) -> &Executor {
    let found = reading
        .part
        .executors
        .iter()
        .find(|it| it.id == id(agent_idx));
    found.unwrap()
}

fn why_unknown(reading: &Reading, agent_idx: usize) -> &str {
    match &agent(reading, agent_idx).work {
        Work::Unknown(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_that_is_not_told_is_not_none() {
    let reading = read_after(|it| {
        it[0].as_object_mut().unwrap().remove("job");
    })
    .await;
    assert!(why_unknown(&reading, 0).contains("did not say whether it runs a job"));
}

#[tokio::test]
async fn agents_of_one_name_are_told_apart_by_their_ids() {
    let reading = read_after(|_| ()).await;
    assert_eq!(agent(&reading, 0).name, agent(&reading, 1).name);
    assert_eq!(agent(&reading, 0).work.as_str(), "idle");
    assert_eq!(agent(&reading, 1).work.as_str(), "busy");
}

#[tokio::test]
async fn a_stopping_agent_is_cordoned_and_still_runs_its_job() {
    let reading = read_after(|_| ()).await;
    let stopping = agent(&reading, 3);
    assert!(stopping.cordoned);
    assert_eq!(stopping.work.as_str(), "busy");
    assert!(stopping.note.as_deref().unwrap().contains("stopping"));
}

#[tokio::test]
async fn a_paused_agent_is_no_capacity_though_buildkite_counts_it() {
    let reading = read_after(|_| ()).await;
    let paused = agent(&reading, 2);
    assert_eq!(paused.work.as_str(), "idle");
    assert!(!paused.is_available());
}

/// It may be given a job before its machine is gone; once the pause is over it is paused anew.
#[tokio::test]
async fn a_pause_that_ends_within_minutes_proves_no_idleness() {
    let paused_for = |secs: u64| {
        let at = (NOW - Duration::from_hours(1) + Duration::from_secs(secs)).to_string();
        read_after(move |it| {
            it[2]["paused_at"] = json!(at);
            it[2]["paused_timeout_in_minutes"] = json!(60);
        })
    };
    let reading = paused_for(119).await;
    assert!(why_unknown(&reading, 2).contains("pause ends by itself"));
    assert!(agent(&reading, 2).cordoned, "it cannot be paused twice");
    let reading = paused_for(130).await;
    assert_eq!(agent(&reading, 2).work.as_str(), "idle");
}

#[tokio::test]
async fn a_state_that_is_missing_or_new_is_unknown() {
    for state in [Value::Null, json!("dreaming")] {
        let reading = read_after(|it| it[0]["connection_state"] = state).await;
        assert!(why_unknown(&reading, 0).contains("did not say whether it is connected"));
    }
    for state in ["disconnected", "stopped", "lost", "never_connected"] {
        let reading = read_after(|it| it[0]["connection_state"] = json!(state)).await;
        assert_eq!(agent(&reading, 0).work.as_str(), "offline", "{state}");
    }
}

#[tokio::test]
async fn an_agent_that_cannot_be_read_costs_itself_alone() {
    let reading = read_after(|it| it[0]["job"] = json!(false)).await;
    assert!(why_unknown(&reading, 0).contains("cannot be read"));
    assert_eq!(agent(&reading, 1).work.as_str(), "busy");
}

fn many(n_agents: usize) -> Value {
    let template = &recorded()[0];
    let agents = (0..n_agents).map(|agent_idx| {
        let mut agent = template.clone();
        agent["id"] = json!(format!("{agent_idx:08x}-e7be"));
        agent
    });
    agents.collect()
}

#[tokio::test]
async fn there_is_no_total_so_the_last_page_is_one_that_is_not_full() {
    for (n_agents, n_pages) in [(0, 1), (99, 1), (100, 2), (250, 3)] {
        let server = buildkite_of(many(n_agents));
        let reading = observe(&open(&server)).await.unwrap();
        assert_eq!(reading.part.executors.len(), n_agents);
        assert_eq!(server.requests().len(), n_pages, "{n_agents}");
        let all_idle = reading
            .part
            .executors
            .iter()
            .all(|it| it.work.as_str() == "idle");
        assert!(all_idle);
    }
}

#[tokio::test]
async fn a_short_page_with_a_next_one_is_not_the_last() {
    let agents = recorded();
    let server = Server::start(move |request| {
        let one = |agent_idx: usize| json!([agents[agent_idx]]);
        if request.query.ends_with("&page=1") {
            let next = "<https://api.buildkite.com/v2/x?page=2>; rel=\"next\"";
            Answer::json(&one(0)).header("link", next)
        } else {
            Answer::json(&one(1))
        }
    });
    let reading = observe(&open(&server)).await.unwrap();
    assert_eq!(reading.part.executors.len(), 2);
    let hosts: Vec<_> = server.requests().iter().map(|it| it.path.clone()).collect();
    assert_eq!(
        hosts,
        [AGENTS, AGENTS],
        "the address in the link is not followed"
    );
}

#[tokio::test]
async fn a_list_that_never_ends_is_not_complete() {
    let page = many(100);
    let server = Server::saying(Answer::json(&page));
    let reading = observe(&open(&server)).await.unwrap();
    let unknown = |it: &Arc<Executor>| it.work.as_str() == "unknown";
    assert!(reading.part.executors.iter().all(unknown));
    assert!(reading.part.controllers[0].doubt.is_some());
    assert!(
        reading
            .missing
            .iter()
            .any(|it| it.what.contains("does not end"))
    );
}

#[tokio::test]
async fn an_agent_that_left_the_list_is_asked_for_once() {
    let state = Arc::new(Mutex::new((false, "connected")));
    let (agents, told) = (recorded(), state.clone());
    let server = Server::start(move |request| {
        let (is_hidden, connection) = *told.lock().unwrap();
        let mut agents = agents.clone();
        agents[0]["connection_state"] = json!(connection);
        if is_hidden && request.path == AGENTS {
            agents.as_array_mut().unwrap().remove(0);
        }
        answer(request, &agents)
    });
    let door = open(&server);
    observe(&door).await.unwrap();
    *state.lock().unwrap() = (true, "connected");
    let reading = observe(&door).await.unwrap();
    assert!(why_unknown(&reading, 0).contains("this agent left it"));
    *state.lock().unwrap() = (true, "disconnected");
    let reading = observe(&door).await.unwrap();
    assert!(reading.part.executors.iter().all(|it| it.id != id(0)));
    server.take_lines();
    observe(&door).await.unwrap();
    assert_eq!(
        server.take_lines(),
        [format!("GET {AGENTS}")],
        "it is forgotten"
    );
}

#[tokio::test]
async fn the_last_requests_of_a_minute_are_left_for_writes() {
    let agents = recorded();
    let server = Server::start(move |request| {
        answer(request, &agents)
            .header("ratelimit-remaining", "9")
            .header("ratelimit-reset", "42")
    });
    let door = open(&server);
    observe(&door).await.unwrap();
    let error = door
        .observe(NOW + Duration::from_secs(41))
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Throttled);
    door.observe(NOW + Duration::from_secs(42)).await.unwrap();
}

#[tokio::test]
async fn queues_that_may_not_be_read_leave_the_agents() {
    let agents = recorded();
    let server = Server::start(move |request| {
        if request.path == "/v3/metrics" {
            return Answer::text(401, r#"{"message":"Invalid token"}"#);
        }
        answer(request, &agents)
    });
    let reading = observe(&open_with_metrics(&server)).await.unwrap();
    assert_eq!(agent(&reading, 0).work.as_str(), "idle");
    assert_eq!(reading.missing[0].kind, FailureKind::Credentials);
}

#[tokio::test]
async fn the_help_says_that_a_pause_ends_by_itself() {
    let controller = open(&buildkite_of(recorded())).describe();
    assert_eq!(controller.grade, Grade::Timed);
    assert!(controller.caveats[0].contains("after 1440 minutes"));
    assert!(controller.caveats[1].contains("`agent_token`"));
}
