//! Detaching, stopping, dying: what becomes of an operation whose process ends.

use rustix::process::{Pid, Signal, getsid};

use crate::host::{Host, kill, process_in, said};

const DRAIN: &str = "drain --pool linux --count 2 --yes --reason 'old image'";

#[test]
fn a_detached_drain_prints_its_id_and_goes_on_to_its_end() {
    let host = Host::new();
    let said = host.run(&format!("{DRAIN} --detach"));
    assert_eq!(said.code, 0, "{}", said.stderr);
    let id = said.stdout.trim();
    assert!(
        id.starts_with("op-") && said.stdout.lines().count() == 1,
        "{}",
        said.stdout
    );
    let process = process_in(&said.stderr);
    let pid = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    assert_eq!(
        getsid(Some(pid)).unwrap(),
        pid,
        "it has a session of its own"
    );
    let input = std::fs::read_link(format!("/proc/{process}/fd/0")).unwrap();
    assert_eq!(input.to_str(), Some("/dev/null"));
    let driven = host.show(id);
    assert_eq!(driven["driven"], true, "{driven:#}");
    assert_eq!(driven["owner"], "ada@desk");
    let done = host.wait_for(id, "its end", |it| it["state"] == "done");
    assert_eq!(done["progress"]["done"], 2, "{done:#}");
    host.wait_for(id, "the end of its process", |it| it["driven"] == false);
}

#[test]
fn a_detached_driver_that_is_killed_is_resumed_to_the_same_end() {
    let host = Host::new();
    let said = host.run(&format!("{DRAIN} --detach"));
    let id = said.stdout.trim();
    host.wait_until_written(id, "Cordon".to_lowercase().as_str());
    kill(process_in(&said.stderr), Signal::KILL);
    host.wait_for(id, "its driver's death", |it| it["driven"] == false);
    let resumed = host.run(&format!("ops resume {id} --detach"));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!(resumed.stdout.trim(), id);
    // Two drivers on one journal are refused; the second passes the word on, and looks on.
    let second = host.run(&format!("ops resume {id} -o json"));
    if second.stderr.contains("is over") {
        return;
    }
    assert_eq!(second.code, 0, "{}", second.stderr);
    let words = "told the driver";
    assert!(second.stderr.contains(words), "{}", second.stderr);
    let document: serde_json::Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(document["operations"][0]["id"], id);
    assert_eq!(document["operations"][0]["state"], "done", "{document:#}");
}

#[test]
fn an_abort_of_what_another_process_drives_follows_it_to_its_end() {
    let host = Host::new();
    let said = host.run(&format!("{DRAIN} --detach"));
    let id = said.stdout.trim();
    host.wait_until_written(id, "cordon");
    let paused = host.run(&format!("ops pause {id} -o ndjson"));
    assert_eq!(paused.code, 0, "{}", paused.stderr);
    let line: serde_json::Value = serde_json::from_str(&paused.stdout).unwrap();
    assert_eq!(line["id"], id, "{line:#}");
    host.wait_for(id, "its rest", |it| it["state"] == "paused");
    let aborted = host.run(&format!("ops abort {id} --why enough -o json"));
    assert_eq!(aborted.code, 0, "{}", aborted.stderr);
    let document: serde_json::Value = serde_json::from_str(&aborted.stdout).unwrap();
    let state = &document["operations"][0]["state"];
    assert_eq!(state, "aborted", "{document:#}\n{}", aborted.stderr);
    // Who followed without having aborted is told that it did not come to its end.
    let over = host.run(&format!("ops resume {id}"));
    assert_eq!(over.code, 3, "{}", over.stderr);
}

#[test]
fn a_followed_drain_stops_safely_at_every_signal_and_says_how_to_go_on() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let host = Host::new();
        let child = host.spawn(DRAIN);
        let id = host.wait_for_journal();
        host.wait_until_written(&id, "cordon");
        kill(child.id(), signal);
        let said = said(child.wait_with_output().unwrap());
        assert_eq!(said.code, 5, "{signal:?}: {}", said.stderr);
        let words = format!(
            "operation {id} has stopped safely and rests: `pooldeck ops resume {id}` goes on"
        );
        assert!(said.stderr.contains(&words), "{signal:?}: {}", said.stderr);
        let last = host.journal(&id);
        let last = last.lines().last().unwrap();
        assert!(
            !last.contains("\"intended\""),
            "it stopped in the middle of a call: {last}"
        );
        let resting = host.show(&id);
        assert_eq!(resting["driven"], false);
        if signal == Signal::INT {
            let aborted = host.run(&format!("ops abort {id}"));
            assert_eq!(aborted.code, 0, "{}", aborted.stderr);
            assert!(aborted.stderr.contains("was aborted"), "{}", aborted.stderr);
            assert_eq!(host.show(&id)["state"], "aborted");
        }
    }
}

#[test]
fn a_timeout_stops_safely_too() {
    let host = Host::new();
    let said = host.run(&format!("{DRAIN} --timeout 1s -o json"));
    assert_eq!(said.code, 5, "{}", said.stderr);
    let result: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(result["outcome"], "stopped");
    let id = result["operation"].as_str().unwrap();
    let at_end = &result["operation_at_end"];
    assert_eq!(at_end["targets"].as_array().unwrap().len(), 2, "{at_end:#}");
    assert_eq!(at_end["driven"], false, "{at_end:#}");
    assert!(
        said.stderr
            .contains(&format!("`pooldeck ops resume {id}` goes on")),
        "{}",
        said.stderr
    );
}

#[test]
fn expired_credentials_are_waited_for_and_told() {
    let host = Host::new();
    let said = host.run(&format!("{DRAIN} --detach"));
    let id = said.stdout.trim();
    host.wait_until_written(id, "cordon");
    let expired = host.region.path().join("expired");
    std::fs::write(&expired, "").unwrap();
    host.wait_until_written(id, "ExpiredToken");
    let shown = host.show(id);
    assert_eq!(shown["driven"], true, "it waits: {shown:#}");
    assert!(
        shown["waiting_on"]
            .as_str()
            .unwrap()
            .contains("ExpiredToken"),
        "{shown:#}"
    );
    std::fs::remove_file(&expired).unwrap();
    host.wait_for(id, "its end", |it| it["state"] == "done");
}

#[test]
fn an_action_without_an_operation_has_nothing_to_detach() {
    let host = Host::new();
    let said = host.run("suspend linux AZRebalance --yes --detach");
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(
        said.stderr.contains("--detach is for long operations"),
        "{}",
        said.stderr
    );
    assert!(!host.state_dir().join("audit.jsonl").exists());
}
