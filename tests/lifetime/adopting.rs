//! Two hosts on one region: an operation of the other is seen, told apart, and taken over.

use rustix::process::Signal;

use crate::host::{Host, kill, process_in};

/// A host whose detached drain has cordoned, and another host.
fn begun() -> (Host, Host, String, u32) {
    let desk = Host::new();
    let said = desk.run("drain --pool linux --count 2 --yes --detach");
    assert_eq!(said.code, 0, "{}", said.stderr);
    let id = said.stdout.trim().to_owned();
    desk.wait_until_written(&id, "\"applied\",\"call\":{\"call\":\"cordon\"");
    let process = process_in(&said.stderr);
    let lab = desk.other("lab");
    (desk, lab, id, process)
}

#[test]
fn an_operation_of_another_host_is_listed_with_its_owner_and_told_nothing() {
    let (_desk, lab, id, _) = begun();
    let shown = lab.show(&id);
    assert_eq!(shown["foreign"], true, "{shown:#}");
    assert_eq!(shown["owner"], "ada@desk");
    assert_eq!(shown["kind"], "drain");
    assert_eq!(shown["pool"], "linux");
    for verb in ["pause", "resume", "abort"] {
        let said = lab.run(&format!("ops {verb} {id}"));
        assert_eq!(said.code, 3, "{}", said.stderr);
        let words = format!(
            "operation {id} of ada@desk has no journal here: `ops adopt {id}` takes it over"
        );
        assert!(said.stderr.contains(&words), "{}", said.stderr);
    }
    let instance = shown["targets"][0]["instance"].as_str().unwrap();
    let second = lab.run(&format!("drain {instance} --yes"));
    assert_eq!(
        second.code, 3,
        "two drivers on one instance: {}",
        second.stderr
    );
    assert!(
        second
            .stderr
            .contains(&format!("operation {id} of ada@desk owns {instance}")),
        "{}",
        second.stderr
    );
}

#[test]
fn an_adopted_drain_goes_on_here_and_its_former_driver_stops() {
    let (desk, lab, id, _) = begun();
    let said = lab.run(&format!("ops adopt {id} --detach"));
    assert_eq!(said.code, 0, "{}", said.stderr);
    let new = said.stdout.trim();
    assert_ne!(new, id);
    assert!(lab.journal(new).contains("took_over"));
    // The former driver sees whose it is by now, and leaves.
    let former = desk.wait_for(&id, "its driver's end", |it| it["driven"] == false);
    assert_ne!(former["state"], "done", "{former:#}");
    let done = lab.wait_for(new, "its end", |it| it["state"] == "done");
    assert_eq!(done["owner"], "ada@lab");
    assert!(
        lab.operations().iter().all(|it| it["foreign"] == false),
        "no mark is left"
    );
}

#[test]
fn an_adopted_drain_is_given_back_if_that_is_wanted() {
    let (desk, lab, id, process) = begun();
    kill(process, Signal::KILL);
    desk.wait_for(&id, "its driver's death", |it| it["driven"] == false);
    let said = lab.run(&format!("ops adopt {id} --give-back"));
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("was aborted"), "{}", said.stderr);
    let instances: serde_json::Value =
        serde_json::from_str(&lab.run("instances -o json").stdout).unwrap();
    for instance in instances["instances"].as_array().unwrap() {
        assert!(
            instance["tags"]["pooldeck:operation"].is_null(),
            "{instance:#}"
        );
        assert_eq!(instance["protected"], false, "{instance:#}");
        assert_ne!(instance["cordoned"], true, "{instance:#}");
    }
    assert!(lab.operations().iter().all(|it| it["foreign"] == false));
    // The journal of the dead driver learns of it, and ends.
    let resumed = desk.run(&format!("ops abort {id}"));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
}

#[test]
fn a_journal_whose_driver_died_is_adopted_under_its_own_id() {
    let (desk, _, id, process) = begun();
    kill(process, Signal::KILL);
    desk.wait_for(&id, "its driver's death", |it| it["driven"] == false);
    let said = desk.run(&format!("ops adopt {id}"));
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(desk.show(&id)["state"], "done");
    assert_eq!(desk.journals().len(), 1);
}

#[test]
fn what_nobody_has_begun_cannot_be_adopted() {
    let said = Host::new().run("ops adopt op-20251121-zzzzz");
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("no operation is called `op-20251121-zzzzz`"),
        "{}",
        said.stderr
    );
}

/// Marks do not tell what a roll had borrowed, and whoever gives it back is told so.
#[test]
fn a_roll_that_is_given_back_by_its_marks_says_what_is_not_known() {
    let desk = Host::new();
    let said = desk.run("reami linux --bootstrap --yes --detach");
    assert_eq!(said.code, 0, "{}", said.stderr);
    let id = said.stdout.trim();
    desk.wait_until_written(id, "\"applied\",\"call\":{\"call\":\"cordon\"");
    kill(process_in(&said.stderr), Signal::KILL);
    let lab = desk.other("lab");
    let said = lab.run(&format!("ops adopt {id} --give-back"));
    let words = "what it had borrowed is not known here";
    assert!(said.stderr.contains(words), "{}", said.stderr);
}
