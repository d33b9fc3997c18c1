//! What GitHub says and does not mean: one test for each trap.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use pooldeck::{
    ci::{
        Ci, Reading,
        github::{GitHub, Options, Scope},
    },
    fleet::{FailureKind, Grade},
};
use serde_json::{Value, json};

use super::{answer, github_of, open, options, recorded};
use crate::{
    NOW, executor, observe,
    server::{Answer, Server},
    why_unknown,
};

const IDLE: &str = "linux-i-0a1b2c3d4e5f60718";
const BUSY: &str = "linux-i-0b1b2c3d4e5f60718";

async fn read_after(change: impl FnOnce(&mut Value)) -> Reading {
    let mut state = recorded();
    change(&mut state);
    observe(&open(&github_of(state))).await.unwrap()
}

#[tokio::test]
async fn a_busy_flag_that_is_false_in_the_middle_of_a_job_is_outweighed_by_the_job() {
    let reading = read_after(|it| it["runners"][1]["busy"] = json!(false)).await;
    assert_eq!(executor(&reading, BUSY).work.as_str(), "busy");
    assert_eq!(executor(&reading, BUSY).jobs().len(), 1);
}

#[tokio::test]
async fn a_job_that_tells_only_its_runners_name_counts_too() {
    let reading = read_after(|it| {
        it["runners"][1]["busy"] = json!(false);
        it["in_progress"]["100"][0]["runner_id"] = json!(0);
    })
    .await;
    assert_eq!(executor(&reading, BUSY).work.as_str(), "busy");
}

#[tokio::test]
async fn a_busy_flag_alone_is_believed() {
    let reading = read_after(|it| it["in_progress"] = json!({})).await;
    let busy = executor(&reading, BUSY);
    assert_eq!(busy.work.as_str(), "busy");
    assert_eq!(busy.n_busy_slots, 1);
    assert!(busy.jobs().is_empty());
}

#[tokio::test]
async fn a_running_job_that_does_not_say_where_may_run_anywhere() {
    let reading = read_after(|it| {
        it["in_progress"]["100"][0]["runner_id"] = Value::Null;
        it["in_progress"]["100"][0]["runner_name"] = Value::Null;
    })
    .await;
    assert!(why_unknown(&reading, IDLE).contains("does not say where it runs"));
}

#[tokio::test]
async fn jobs_that_may_not_be_read_leave_no_idle_runner() {
    for status in [403, 404, 500] {
        let state = recorded();
        let server = Server::start(move |request| {
            if request.path.ends_with("/jobs") {
                return Answer::text(status, r#"{"message":"no"}"#);
            }
            answer(request, &state)
        });
        let reading = observe(&open(&server)).await.unwrap();
        assert!(why_unknown(&reading, IDLE).contains("jobs could not be read"));
        assert_eq!(executor(&reading, BUSY).work.as_str(), "busy");
        assert!(!reading.missing.is_empty());
    }
}

#[tokio::test]
async fn more_jobs_than_may_be_asked_for_leave_no_idle_runner() {
    let server = github_of(recorded());
    let options = Options {
        job_requests_max: 2,
        ..options()
    };
    let door = GitHub::open(server.endpoint(), options).unwrap();
    let reading = observe(&door).await.unwrap();
    assert!(why_unknown(&reading, IDLE).contains("job_requests_max"));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn without_repositories_the_flag_stands_alone_and_the_help_says_so() {
    let server = github_of(recorded());
    let options = Options::new(vec![Scope::Organization("acme".into())]);
    let door = GitHub::open(server.endpoint(), options).unwrap();
    let reading = observe(&door).await.unwrap();
    let idle = executor(&reading, IDLE);
    assert_eq!(idle.work.as_str(), "idle");
    assert_eq!(idle.evidence.len(), 1);
    assert_eq!(server.requests().len(), 1);
    let controller = door.describe();
    assert_eq!(controller.grade, Grade::Atomic);
    assert!(controller.caveats[1].contains("`repositories`"));
}

#[tokio::test]
async fn all_pages_are_read_and_a_short_one_is_a_partial_list() {
    let mut state = recorded();
    let runner = state["runners"][0].clone();
    let runners: Vec<Value> = (0..250)
        .map(|runner_idx| {
            let mut runner = runner.clone();
            runner["id"] = json!(runner_idx + 1);
            runner["name"] = json!(format!("r{runner_idx}"));
            runner
        })
        .collect();
    state["runners"] = json!(runners);
    let reading = observe(&open(&github_of(state.clone()))).await.unwrap();
    assert_eq!(reading.part.executors.len(), 250);
    assert_eq!(executor(&reading, "r249").work.as_str(), "idle");
    assert_eq!(reading.part.controllers[0].doubt, None);

    let short = Server::start(move |request| {
        if request.query.ends_with("&page=3") && request.path.ends_with("/runners") {
            return Answer::json(&json!({"total_count": 250, "runners": []}));
        }
        answer(request, &state)
    });
    let reading = observe(&open(&short)).await.unwrap();
    assert!(why_unknown(&reading, "r0").contains("200 of 250 came"));
    assert!(reading.part.controllers[0].doubt.is_some());
}

#[tokio::test]
async fn a_list_that_changes_between_two_pages_is_not_complete() {
    let server = Server::start(|request| {
        let runner = |id: u64| json!({"id": id, "name": format!("r{id}"), "status": "online", "busy": false});
        if !request.path.ends_with("/runners") {
            return Answer::json(&json!({"total_count": 0, "workflow_runs": []}));
        }
        let (total, ids) = if request.query.ends_with("&page=1") {
            (101, 0..100)
        } else {
            (100, 101..101)
        };
        let runners: Vec<Value> = ids.map(runner).collect();
        Answer::json(&json!({"total_count": total, "runners": runners}))
    });
    let reading = observe(&open(&server)).await.unwrap();
    assert!(why_unknown(&reading, "r1").contains("changed while it was read"));
}

#[tokio::test]
async fn a_healthy_runner_that_is_missing_from_the_list_is_asked_for_by_its_id() {
    let hidden = Arc::new(Mutex::new(false));
    let (state, told) = (recorded(), hidden.clone());
    let server = Server::start(move |request| {
        let mut state = state.clone();
        if *told.lock().unwrap() && request.path.ends_with("/runners") {
            state["runners"].as_array_mut().unwrap().remove(0);
        }
        answer(request, &state)
    });
    let door = open(&server);
    observe(&door).await.unwrap();
    *hidden.lock().unwrap() = true;
    let reading = observe(&door).await.unwrap();
    assert!(why_unknown(&reading, IDLE).contains("does not list it any more"));
    *hidden.lock().unwrap() = false;
    let reading = observe(&door).await.unwrap();
    assert_eq!(executor(&reading, IDLE).work.as_str(), "idle");
}

#[tokio::test]
async fn a_runner_that_was_removed_is_gone_and_one_that_may_not_be_asked_for_is_unknown() {
    for (status, is_gone) in [(404, true), (403, false), (500, false)] {
        let removed = Arc::new(Mutex::new(false));
        let (state, told) = (recorded(), removed.clone());
        let server = Server::start(move |request| {
            let mut state = state.clone();
            if *told.lock().unwrap() {
                if request.path.ends_with("/runners/23") {
                    return Answer::text(status, "{}");
                }
                state["runners"].as_array_mut().unwrap().remove(0);
            }
            answer(request, &state)
        });
        let door = open(&server);
        observe(&door).await.unwrap();
        *removed.lock().unwrap() = true;
        let reading = observe(&door).await.unwrap();
        let is_listed = reading.part.executors.iter().any(|it| it.name == IDLE);
        assert_eq!(is_listed, !is_gone, "{status}");
        if is_listed {
            why_unknown(&reading, IDLE);
        }
    }
}

#[tokio::test]
async fn an_ephemeral_runner_leaves_the_list_as_it_should() {
    let removed = Arc::new(Mutex::new(false));
    let mut state = recorded();
    state["runners"][0]["ephemeral"] = json!(true);
    let told = removed.clone();
    let server = Server::start(move |request| {
        let mut state = state.clone();
        if *told.lock().unwrap() {
            state["runners"].as_array_mut().unwrap().remove(0);
        }
        answer(request, &state)
    });
    let door = open(&server);
    observe(&door).await.unwrap();
    *removed.lock().unwrap() = true;
    let reading = observe(&door).await.unwrap();
    assert!(reading.part.executors.iter().all(|it| it.name != IDLE));
    let asked = server
        .requests()
        .iter()
        .any(|it| it.path.ends_with("/runners/23"));
    assert!(!asked);
}

#[tokio::test]
async fn missing_fields_are_unknown_each() {
    for field in ["busy", "status"] {
        let reading = read_after(|it| {
            it["runners"][0].as_object_mut().unwrap().remove(field);
        })
        .await;
        assert!(
            why_unknown(&reading, IDLE).contains("did not say"),
            "{field}"
        );
    }
    let reading = read_after(|it| it["runners"][0]["status"] = json!("dreaming")).await;
    why_unknown(&reading, IDLE);
}

#[tokio::test]
async fn two_runners_may_share_a_name() {
    let mut state = recorded();
    state["runners"][1]["name"] = json!(IDLE);
    let reading = observe(&open(&github_of(state))).await.unwrap();
    let mut work: Vec<(&str, &str)> = reading
        .part
        .executors
        .iter()
        .filter(|it| it.name == IDLE)
        .map(|it| (&*it.id, it.work.as_str()))
        .collect();
    work.sort_unstable();
    assert_eq!(work, [("orgs/acme/23", "idle"), ("orgs/acme/24", "busy")]);
}

#[tokio::test]
async fn a_403_on_the_runners_is_not_an_empty_list() {
    let answer = Answer::text(403, r#"{"message":"Must have admin rights"}"#);
    let error = observe(&open(&Server::saying(answer))).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Denied);
    assert!(error.what.contains("Must have admin rights"), "{error}");
}

#[tokio::test]
async fn the_last_requests_of_an_hour_are_left_for_writes() {
    let state = recorded();
    let server = Server::start(move |request| {
        answer(request, &state)
            .header("date", "Tue, 22 Sep 2026 12:00:00 GMT")
            .header("x-ratelimit-remaining", "19")
            .header("x-ratelimit-reset", "1790078460")
    });
    let door = open(&server);
    observe(&door).await.unwrap();
    server.take_lines();
    let error = door
        .observe(NOW + Duration::from_secs(59))
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Throttled);
    assert_eq!(error.retry_in, Some(Duration::from_secs(1)));
    assert!(server.take_lines().is_empty());
    door.observe(NOW + Duration::from_mins(1)).await.unwrap();
}

#[tokio::test]
async fn a_scope_that_may_not_be_read_costs_its_own_runners_alone() {
    let is_denied = Arc::new(Mutex::new(false));
    let (state, told) = (recorded(), is_denied.clone());
    let server = Server::start(move |request| {
        let is_app = request.path.starts_with("/repos/acme/app/actions/runners");
        if is_app && *told.lock().unwrap() {
            return Answer::text(403, r#"{"message":"Must have admin rights"}"#);
        }
        answer(request, &state)
    });
    let options = Options::new(vec![
        Scope::Organization("acme".into()),
        Scope::Repository {
            owner: "acme".into(),
            name: "app".into(),
        },
    ]);
    let door = GitHub::open(server.endpoint(), options).unwrap();
    let work = |reading: &Reading, id: &str| {
        let found = reading.part.executors.iter().find(|it| it.id == id);
        found.unwrap().work.as_str().to_owned()
    };
    let reading = observe(&door).await.unwrap();
    assert_eq!(
        reading.part.executors.len(),
        8,
        "a number names a runner in its scope"
    );
    assert_eq!(work(&reading, "repos/acme/app/23"), "idle");
    *is_denied.lock().unwrap() = true;
    let reading = observe(&door).await.unwrap();
    assert_eq!(work(&reading, "orgs/acme/23"), "idle");
    assert_eq!(work(&reading, "repos/acme/app/23"), "unknown");
    assert_eq!(reading.missing[0].kind, FailureKind::Denied);
    *is_denied.lock().unwrap() = false;
    let reading = observe(&door).await.unwrap();
    assert_eq!(work(&reading, "repos/acme/app/23"), "idle");
    assert_eq!(reading.part.executors.len(), 8);
}
