//! What Buildbot says and does not mean: one test for each trap.

use std::sync::{Arc, Mutex};

use pooldeck::{
    ci::{
        LabelRule, Reading,
        buildbot::{Buildbot, Options},
    },
    fleet::Work,
};
use serde_json::{Value, json};

use super::{answer, master_of, open, recorded};
use crate::{
    executor, observe,
    server::{Answer, Server},
    why_unknown,
};

async fn read_after(change: impl FnOnce(&mut Value)) -> Reading {
    let mut state = recorded();
    change(&mut state);
    observe(&open(&master_of(state))).await.unwrap()
}

#[tokio::test]
async fn a_pause_whose_note_was_lost_in_a_restart_is_still_a_cordon() {
    let reading = read_after(|it| it["workers"][2]["pause_reason"] = Value::Null).await;
    let paused = executor(&reading, "w2");
    assert!(paused.cordoned);
    assert_eq!(paused.note, None);
}

#[tokio::test]
async fn a_worker_that_shuts_down_gracefully_is_cordoned() {
    let reading = read_after(|it| it["workers"][1]["graceful"] = json!(true)).await;
    let worker = executor(&reading, "w1");
    assert!(worker.cordoned);
    assert_eq!(
        worker.note.as_deref(),
        Some("it shuts down when it is idle")
    );
    assert_eq!(worker.work.as_str(), "busy");
}

#[tokio::test]
async fn a_latent_worker_looks_disconnected_and_is_no_error() {
    let options = Options {
        latent: vec!["ec2-*".into()],
        ..Options::default()
    };
    let server = master_of(recorded());
    let door = Buildbot::open(server.endpoint(), options).unwrap();
    let reading = observe(&door).await.unwrap();
    let latent = executor(&reading, "ec2-1");
    assert_eq!(latent.work, Work::Offline { since: None });
    assert!(latent.is_latent);
    assert!(!executor(&reading, "w0").is_latent);
}

#[tokio::test]
async fn a_worker_runs_as_many_builds_as_name_it() {
    let reading = read_after(|it| {
        let mut second = it["builds"][0].clone();
        second["number"] = json!(4);
        second["buildid"] = json!(25);
        it["builds"].as_array_mut().unwrap().push(second);
    })
    .await;
    let busy = executor(&reading, "w1");
    assert_eq!((busy.n_busy_slots, busy.n_slots), (2, 2));
    assert_eq!(busy.jobs().len(), 2);
}

#[tokio::test]
async fn a_build_that_was_given_out_before_the_pause_may_still_begin() {
    // Claimed, and no build yet: its worker is chosen and not told.
    let reading = read_after(|it| it["buildrequests"][1]["claimed"] = json!(true)).await;
    assert!(why_unknown(&reading, "w2").contains("linux has given out a build"));
    assert_eq!(executor(&reading, "w0").work.as_str(), "idle");
}

#[tokio::test]
async fn a_build_that_does_not_say_where_it_runs_may_run_anywhere() {
    for broken in [json!(null), json!("3"), json!(-1)] {
        let reading = read_after(|it| it["builds"][0]["workerid"] = broken).await;
        assert!(why_unknown(&reading, "w0").contains("running builds is not complete"));
        assert!(!reading.missing.is_empty());
    }
}

#[tokio::test]
async fn missing_fields_are_unknown_each() {
    for field in ["connected_to", "paused"] {
        let reading = read_after(|it| {
            it["workers"][0].as_object_mut().unwrap().remove(field);
        })
        .await;
        assert!(
            why_unknown(&reading, "w0").contains("did not say"),
            "{field}"
        );
    }
}

#[tokio::test]
async fn a_worker_that_cannot_be_read_costs_itself_alone() {
    let reading = read_after(|it| it["workers"][0]["paused"] = json!("no")).await;
    assert!(why_unknown(&reading, "w0").contains("cannot be read"));
    assert_eq!(executor(&reading, "w1").work.as_str(), "busy");
}

#[tokio::test]
async fn a_worker_whose_name_is_a_number_is_addressed_by_its_id() {
    let reading = read_after(|it| it["workers"][0]["name"] = json!("2")).await;
    assert_eq!(executor(&reading, "2").id, "1");
    assert_eq!(executor(&reading, "w1").id, "w1");
}

#[tokio::test]
async fn a_page_of_builds_counts_only_itself_and_all_pages_are_read() {
    let mut state = recorded();
    let builds: Vec<Value> = (1..=5)
        .map(|buildid| json!({"buildid": buildid, "workerid": if buildid == 5 { 1 } else { 2 }}))
        .collect();
    state["builds"] = json!(builds);
    let server = master_of(state);
    let reading = observe(&paging_by_two(&server)).await.unwrap();
    assert_eq!(
        executor(&reading, "w0").work.as_str(),
        "busy",
        "the build on it is on the third page"
    );
    assert_eq!(reading.part.executors.len(), 4);
    assert!(reading.missing.is_empty(), "{:?}", reading.missing);
}

fn paging_by_two(server: &Server) -> Buildbot {
    let options = Options {
        n_per_page: Some(2),
        ..Options::default()
    };
    Buildbot::open(server.endpoint(), options).unwrap()
}

#[tokio::test]
async fn a_build_that_ends_between_two_pages_hides_no_other() {
    let builds: Vec<Value> = (1..=4)
        .map(|buildid| json!({"buildid": buildid, "workerid": if buildid == 3 { 1 } else { 2 }}))
        .collect();
    let mut state = recorded();
    state["builds"] = json!(builds);
    let state = Arc::new(Mutex::new(state));
    let told = state.clone();
    let server = Server::start(move |request| {
        let mut state = told.lock().unwrap();
        let answer = answer(request, &state);
        if request.path == "/api/v2/builds" {
            // The first build is over once its page was read; an offset would now skip one.
            state["builds"]
                .as_array_mut()
                .unwrap()
                .retain(|it| it["buildid"] != json!(1));
        }
        answer
    });
    let reading = observe(&paging_by_two(&server)).await.unwrap();
    assert_eq!(executor(&reading, "w0").work.as_str(), "busy");
}

#[tokio::test]
async fn a_list_that_never_ends_is_not_complete() {
    let state = recorded();
    let server = Server::start(move |request| {
        if request.path == "/api/v2/builds" {
            // The same page, whatever is asked for.
            let builds = [
                json!({"buildid": 1, "workerid": 2}),
                json!({"buildid": 2, "workerid": 2}),
            ];
            return Answer::json(&json!({"meta": {"total": 2}, "builds": builds}));
        }
        answer(request, &state)
    });
    let reading = observe(&paging_by_two(&server)).await.unwrap();
    assert!(why_unknown(&reading, "w0").contains("does not end"));
}

#[tokio::test]
async fn fewer_items_than_were_announced_are_a_partial_list() {
    for (collection, of) in [("workers", "workers"), ("builds", "running builds")] {
        let state = recorded();
        let server = Server::start(move |request| {
            if request.path.ends_with(collection) {
                let items = &state[collection];
                return Answer::json(&json!({"meta": {"total": 9}, collection: items}));
            }
            answer(request, &state)
        });
        let reading = observe(&open(&server)).await.unwrap();
        let why = why_unknown(&reading, "w0");
        assert!(
            why.contains(&format!("list of {of} is not complete")),
            "{why}"
        );
        assert_eq!(executor(&reading, "w1").work.as_str(), "busy");
        let doubt = &reading.part.controllers[0].doubt;
        assert_eq!(doubt.is_some(), collection == "workers", "{doubt:?}");
    }
}

#[tokio::test]
async fn builds_that_may_not_be_read_leave_no_reading_at_all() {
    let state = recorded();
    let server = Server::start(move |request| match request.path.as_str() {
        "/api/v2/builds" => Answer::text(403, r#"{"error": "you need to have role"}"#),
        "/auth/login" => Answer::redirect("/#/").header("set-cookie", "TWISTED_SESSION=x"),
        _ => answer(request, &state),
    });
    let error = observe(&open(&server)).await.unwrap_err();
    assert!(error.what.contains("you need to have role"), "{error}");
}

#[tokio::test]
async fn a_builder_without_a_name_is_still_counted() {
    let state = recorded();
    let server = Server::start(move |request| match request.path.as_str() {
        "/api/v2/builders" => Answer::text(500, "{}"),
        _ => answer(request, &state),
    });
    let reading = observe(&open(&server)).await.unwrap();
    assert_eq!(reading.part.queues[0].label, "builder 1");
    assert_eq!(reading.missing.len(), 1);
    assert_eq!(executor(&reading, "w1").jobs()[0].name, "a build #3");
}

#[tokio::test]
async fn builders_share_a_label_where_the_configuration_says_so() {
    let server = master_of(recorded());
    let mut endpoint = server.endpoint();
    endpoint.labels = vec![LabelRule {
        matches: "*".into(),
        label: "all".into(),
    }];
    let door = Buildbot::open(endpoint, Options::default()).unwrap();
    let reading = observe(&door).await.unwrap();
    assert_eq!(reading.part.queues.len(), 1);
    assert_eq!(reading.part.queues[0].length, 3);
}

#[tokio::test]
async fn a_queue_of_paused_workers_says_that_they_are_paused() {
    let reading = read_after(|it| {
        for worker in it["workers"].as_array_mut().unwrap() {
            worker["paused"] = json!(true);
        }
    })
    .await;
    let why = reading.part.queues[0].why.as_deref();
    assert_eq!(
        why,
        Some("all 3 connected workers of linux are paused or shutting down")
    );
}

#[tokio::test]
async fn a_master_that_signs_in_elsewhere_is_named_as_one_we_can_only_look_at() {
    let state = recorded();
    let server = Server::start(move |request| match request.path.as_str() {
        "/config" => Answer::json(&json!({"auth": {"name": "GitHub", "oauth2": true}})),
        _ => answer(request, &state),
    });
    let reading = observe(&open(&server)).await.unwrap();
    assert!(reading.part.controllers[0].warnings[0].contains("OAuth"));
}

#[tokio::test]
async fn a_graceful_shutdown_that_a_reconnect_forgot_is_gone_at_the_next_reading() {
    let is_back = Arc::new(Mutex::new(false));
    let (mut state, told) = (recorded(), is_back.clone());
    state["workers"][0]["graceful"] = json!(true);
    let server = Server::start(move |request| {
        let mut state = state.clone();
        if *told.lock().unwrap() {
            state["workers"][0]["graceful"] = json!(false);
        }
        answer(request, &state)
    });
    let door = open(&server);
    assert!(executor(&observe(&door).await.unwrap(), "w0").cordoned);
    *is_back.lock().unwrap() = true;
    assert!(executor(&observe(&door).await.unwrap(), "w0").is_available());
}

#[tokio::test]
async fn a_builder_that_nobody_can_serve_says_so() {
    let reading = read_after(|it| it["workers"].as_array_mut().unwrap().truncate(1)).await;
    let mac = reading
        .part
        .queues
        .iter()
        .find(|it| it.label == "mac")
        .unwrap();
    assert_eq!(mac.why.as_deref(), Some("mac has no worker"));
}
