//! What Jenkins says and does not mean: one test for each trap.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use pooldeck::{
    ci::{
        Ci, Reading,
        jenkins::{Jenkins, Options},
    },
    fleet::{FailureKind, Work},
};
use serde_json::{Value, json};

use super::{answer, health, jenkins_of, open, recorded_computers, recorded_queue};
use crate::{
    NOW, executor, observe,
    server::{Answer, Server},
    why_unknown,
};

const IDLE: &str = "linux-i-0a1b2c3d4e5f60718";
const BUSY: &str = "linux-i-0b1b2c3d4e5f60718";

/// Reads the recorded controller after a change to it.
async fn read_after(change: impl FnOnce(&mut Vec<Value>)) -> Reading {
    let mut set = recorded_computers();
    change(set["computer"].as_array_mut().unwrap());
    let server = jenkins_of(set);
    observe(&open(&server)).await.unwrap()
}

/// Reads it after a change to the one computer that is idle.
async fn read_idle_after(change: impl FnOnce(&mut Value)) -> Reading {
    read_after(|computers| change(&mut computers[1])).await
}

#[tokio::test]
async fn the_executable_is_null_without_item_read_and_the_agent_is_still_busy() {
    let reading = read_after(|computers| {
        computers[2]["executors"][0]["currentExecutable"] = Value::Null;
    })
    .await;
    let busy = executor(&reading, BUSY);
    assert_eq!(busy.work, Work::Busy(vec![]));
    assert_eq!(busy.n_busy_slots, 1);
}

#[tokio::test]
async fn a_one_off_executor_makes_the_agent_busy() {
    let reading = read_idle_after(|it| {
        it["oneOffExecutors"] = json!([{"idle": false, "currentExecutable": null}]);
    })
    .await;
    assert_eq!(executor(&reading, IDLE).work, Work::Busy(vec![]));
}

#[tokio::test]
async fn an_idle_computer_with_a_busy_executor_is_busy() {
    let reading = read_idle_after(|it| it["executors"][1]["idle"] = json!(false)).await;
    assert_eq!(executor(&reading, IDLE).work.as_str(), "busy");
}

#[tokio::test]
async fn a_busy_computer_with_idle_executors_is_busy() {
    let reading = read_idle_after(|it| it["idle"] = json!(false)).await;
    assert_eq!(executor(&reading, IDLE).work.as_str(), "busy");
}

#[tokio::test]
async fn a_reading_without_depth_shows_empty_executors_and_no_idle_agent() {
    let reading = read_idle_after(|it| it["executors"] = json!([{}, {}])).await;
    assert!(why_unknown(&reading, IDLE).contains("did not say whether it is idle"));
}

#[tokio::test]
async fn missing_fields_are_unknown_each() {
    for field in [
        "idle",
        "offline",
        "temporarilyOffline",
        "executors",
        "oneOffExecutors",
        "numExecutors",
    ] {
        let reading = read_idle_after(|it| {
            it.as_object_mut().unwrap().remove(field);
        })
        .await;
        let why = why_unknown(&reading, IDLE);
        assert!(
            why.contains("did not") || why.contains("fewer"),
            "{field}: {why}"
        );
    }
}

#[tokio::test]
async fn an_agent_that_lists_fewer_executors_than_it_has_is_unknown() {
    let reading = read_idle_after(|it| it["numExecutors"] = json!(3)).await;
    assert!(why_unknown(&reading, IDLE).contains("fewer executors"));
}

#[tokio::test]
async fn a_cordoned_agent_that_runs_a_job_is_busy_though_jenkins_counts_it_offline() {
    let reading = read_after(|_| ()).await;
    let draining = executor(&reading, "linux-draining");
    assert_eq!(draining.work.as_str(), "busy");
    assert_eq!(draining.n_busy_slots, 1);
    assert!(draining.cordoned && !draining.is_available());
    assert_eq!(
        draining.jobs()[0].expected_end,
        None,
        "an estimate of -1 is none"
    );
}

#[tokio::test]
async fn a_cordoned_agent_that_is_connected_and_idle_is_idle_with_its_note() {
    let reading = read_after(|_| ()).await;
    let cordoned = executor(&reading, "linux-cordoned");
    assert_eq!(cordoned.work, Work::Idle { since: None });
    assert!(cordoned.cordoned && !cordoned.is_available());
    assert!(cordoned.note.as_deref().unwrap().contains("op-7"));
}

#[tokio::test]
async fn a_cordoned_agent_whose_connection_is_lost_is_offline() {
    let reading = read_after(|computers| {
        computers[4]["absoluteRemotePath"] = Value::Null;
    })
    .await;
    assert_eq!(
        executor(&reading, "linux-cordoned").work,
        Work::Offline { since: None }
    );
}

#[tokio::test]
async fn a_cordoned_agent_is_unknown_to_who_may_not_see_connections() {
    let reading = read_after(|computers| {
        for computer in computers {
            computer["absoluteRemotePath"] = Value::Null;
        }
    })
    .await;
    assert!(why_unknown(&reading, "linux-cordoned").contains("Agent/Connect"));
    assert_eq!(
        executor(&reading, IDLE).work.as_str(),
        "idle",
        "one that is online is connected"
    );
}

#[tokio::test]
async fn a_suspended_agent_is_cordoned_though_only_its_icon_says_so() {
    let reading = read_idle_after(|it| it["icon"] = json!("symbol-computer-not-accepting")).await;
    let suspended = executor(&reading, IDLE);
    assert!(suspended.cordoned && !suspended.is_available());
    assert!(suspended.note.as_deref().unwrap().contains("not accepting"));
}

#[tokio::test]
async fn the_built_in_node_has_its_own_address_in_every_language() {
    let reading = read_after(|_| ()).await;
    assert_eq!(executor(&reading, "(built-in)").work.as_str(), "idle");
}

#[tokio::test]
async fn monitor_data_may_be_null() {
    let reading = read_idle_after(|it| {
        it["monitorData"] = json!({"hudson.node_monitors.ClockMonitor": null});
    })
    .await;
    assert_eq!(executor(&reading, IDLE).work.as_str(), "idle");
}

#[tokio::test]
async fn an_agent_that_is_not_in_the_list_is_not_idle_it_is_not_there() {
    let reading = read_after(|computers| {
        computers.remove(1);
    })
    .await;
    assert!(reading.part.executors.iter().all(|it| it.name != IDLE));
}

#[tokio::test]
async fn an_entry_that_makes_no_sense_costs_itself_alone() {
    let reading = read_idle_after(|it| it["idle"] = json!("true")).await;
    assert!(why_unknown(&reading, IDLE).contains("cannot be read"));
    assert_eq!(executor(&reading, BUSY).work.as_str(), "busy");
}

#[tokio::test]
async fn two_computers_of_one_name_are_one_that_is_unknown() {
    let reading = read_after(|computers| {
        let twin = computers[1].clone();
        computers.push(twin);
    })
    .await;
    assert!(why_unknown(&reading, IDLE).contains("two agents"));
    assert!(reading.missing[0].what.contains("1 of the 8 agents"));
    let reading = read_after(|computers| {
        let mut twin = computers[2].clone();
        twin["displayName"] = json!(IDLE);
        computers.push(twin);
    })
    .await;
    assert_eq!(executor(&reading, IDLE).work.as_str(), "busy");
}

/// A Jenkins whose start is `n_points` × 10 s ago, as its load history shows.
fn started(n_points: usize) -> Server {
    let (computers, queue) = (recorded_computers(), recorded_queue());
    Server::start(move |request| match request.path.as_str() {
        "/api/json" => Answer::json(&health(n_points)),
        _ => answer(request, &computers, &queue),
    })
}

#[tokio::test]
async fn a_controller_that_restarted_a_moment_ago_has_no_idle_agents() {
    let server = started(4);
    let reading = observe(&open(&server)).await.unwrap();
    let why = why_unknown(&reading, IDLE);
    assert!(why.contains("started 30s ago"), "{why}");
    assert!(why.contains("idle counts in 4m30s"), "{why}");
    assert_eq!(
        executor(&reading, BUSY).work.as_str(),
        "busy",
        "busy is believed at once"
    );
    let doubt = &reading.part.controllers[0].doubt;
    assert!(doubt.is_some(), "agents have yet to come back");
    let blackout_over = started(31);
    let reading = observe(&open(&blackout_over)).await.unwrap();
    assert_eq!(reading.part.controllers[0].doubt, None);
    assert_eq!(executor(&reading, IDLE).work.as_str(), "idle");
}

#[tokio::test]
async fn a_restart_between_two_reads_is_seen_by_the_session_header() {
    let session = Arc::new(Mutex::new(("old", 361)));
    let (computers, queue, told) = (recorded_computers(), recorded_queue(), session.clone());
    let server = Server::start(move |request| {
        let (id, n_points) = *told.lock().unwrap();
        let body = match request.path.as_str() {
            "/computer/api/json" => &computers,
            "/queue/api/json" => &queue,
            _ => &health(n_points),
        };
        Answer::json(body).header("x-jenkins-session", id)
    });
    let door = open(&server);
    assert_eq!(
        executor(&observe(&door).await.unwrap(), IDLE).work.as_str(),
        "idle"
    );
    *session.lock().unwrap() = ("new", 1);
    assert!(why_unknown(&observe(&door).await.unwrap(), IDLE).contains("started 0s ago"));
    let later = NOW + Duration::from_mins(5);
    *session.lock().unwrap() = ("new", 31);
    let reading = door.observe(later).await.unwrap();
    assert_eq!(executor(&reading, IDLE).work.as_str(), "idle");
}

#[tokio::test]
async fn a_controller_that_hides_its_start_waits_out_the_blackout_from_the_first_sight() {
    let (computers, queue) = (recorded_computers(), recorded_queue());
    let server = Server::start(move |request| match request.path.as_str() {
        "/api/json" => Answer::page(403, "Access denied"),
        _ => answer(request, &computers, &queue),
    });
    let door = open(&server);
    assert!(why_unknown(&observe(&door).await.unwrap(), IDLE).contains("does not tell"));
    let later = NOW + Duration::from_mins(5);
    let reading = door.observe(later).await.unwrap();
    assert_eq!(executor(&reading, IDLE).work.as_str(), "idle");
}

#[tokio::test]
async fn without_the_session_header_the_health_is_asked_each_time() {
    let (computers, queue) = (recorded_computers(), recorded_queue());
    let n_asked = Arc::new(AtomicUsize::new(0));
    let counter = n_asked.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/computer/api/json" => Answer::json(&computers),
        "/queue/api/json" => Answer::json(&queue),
        // Restarted between the two readings.
        _ => match counter.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::json(&health(361)),
            _ => Answer::json(&health(1)),
        },
    });
    let door = open(&server);
    assert_eq!(
        executor(&observe(&door).await.unwrap(), IDLE).work.as_str(),
        "idle"
    );
    why_unknown(&observe(&door).await.unwrap(), IDLE);
}

#[tokio::test]
async fn a_controller_that_is_quieting_down_says_so() {
    let (computers, queue) = (recorded_computers(), recorded_queue());
    let server = Server::start(move |request| match request.path.as_str() {
        "/api/json" => {
            let mut health = health(361);
            health["quietingDown"] = json!(true);
            health["quietDownReason"] = json!("upgrade at noon");
            Answer::json(&health)
        }
        _ => answer(request, &computers, &queue),
    });
    let reading = observe(&open(&server)).await.unwrap();
    let controller = &reading.part.controllers[0];
    assert_eq!(controller.quieting_down.as_deref(), Some("upgrade at noon"));
}

#[tokio::test]
async fn a_queue_that_may_not_be_read_leaves_the_agents_and_is_named_as_missing() {
    let computers = recorded_computers();
    let server = Server::start(move |request| match request.path.as_str() {
        "/queue/api/json" => Answer::page(403, "Access Denied"),
        _ => answer(request, &computers, &json!(null)),
    });
    let reading = observe(&open(&server)).await.unwrap();
    assert_eq!(executor(&reading, IDLE).work.as_str(), "idle");
    assert_eq!(reading.missing[0].kind, FailureKind::Denied);
    assert!(reading.missing[0].what.contains("/queue/api/json"));
}

#[tokio::test]
async fn names_of_any_bytes_and_any_length_are_read_and_bounded() {
    let long = "x".repeat(100_000);
    let mut set = recorded_computers();
    set["computer"][2]["executors"][0]["currentExecutable"]["fullDisplayName"] =
        json!(format!("\u{1b}[31mred\u{202e}{long}"));
    let mut bytes = set.to_string().into_bytes();
    let at = bytes
        .windows(12)
        .position(|it| it == b"nightly #12\"")
        .unwrap();
    bytes[at] = 0xff;
    let queue = recorded_queue();
    let server = Server::start(move |request| match request.path.as_str() {
        "/computer/api/json" => Answer::text(200, bytes.clone()),
        _ => answer(request, &set, &queue),
    });
    let reading = observe(&open(&server)).await.unwrap();
    let name = &executor(&reading, BUSY).jobs()[0].name;
    assert!(name.starts_with("\u{1b}[31mred\u{202e}x"), "it stays data");
    assert_eq!(name.chars().count(), 256);
    assert_eq!(
        executor(&reading, "linux-draining").jobs()[0].name,
        "\u{fffd}ightly #12"
    );
}

#[tokio::test]
async fn a_pipeline_that_waits_for_input_holds_its_executor() {
    let reading = read_idle_after(|it| {
        it["idle"] = json!(false);
        it["executors"][0] = json!({
            "idle": false,
            "likelyStuck": true,
            "progress": -1,
            "currentExecutable": {
                "_class": "org.jenkinsci.plugins.workflow.support.steps.\
                           ExecutorStepExecution$PlaceholderTask$PlaceholderExecutable"
            }
        });
    })
    .await;
    let waiting = executor(&reading, IDLE);
    assert_eq!(waiting.jobs().len(), 1);
    assert_eq!(waiting.n_busy_slots, 1);
}

#[tokio::test]
async fn the_blackout_is_as_long_as_configured() {
    let server = started(4);
    let options = Options {
        blackout: Duration::from_secs(20),
        ..Options::default()
    };
    let door = Jenkins::open(server.endpoint(), options).unwrap();
    assert_eq!(
        executor(&observe(&door).await.unwrap(), IDLE).work.as_str(),
        "idle"
    );
}

#[tokio::test]
async fn a_cordon_that_a_saved_configuration_cleared_is_gone_at_the_next_reading() {
    let is_saved = Arc::new(Mutex::new(false));
    let (mut computers, queue) = (recorded_computers(), recorded_queue());
    let told = is_saved.clone();
    let before = computers.clone();
    let cordoned = &mut computers["computer"][4];
    cordoned["offline"] = json!(false);
    cordoned["temporarilyOffline"] = json!(false);
    cordoned["offlineCauseReason"] = json!("");
    let server = Server::start(move |request| {
        let computers = if *told.lock().unwrap() {
            &computers
        } else {
            &before
        };
        answer(request, computers, &queue)
    });
    let door = open(&server);
    assert!(executor(&observe(&door).await.unwrap(), "linux-cordoned").cordoned);
    *is_saved.lock().unwrap() = true;
    let reading = observe(&door).await.unwrap();
    let freed = executor(&reading, "linux-cordoned");
    assert!(!freed.cordoned && freed.is_available());
    assert_eq!(freed.note, None);
}

#[tokio::test]
async fn every_reading_names_the_fields_that_it_wants() {
    let server = started(361);
    observe(&open(&server)).await.unwrap();
    for request in server.requests() {
        assert!(request.query.starts_with("tree="), "{}", request.line());
    }
}
