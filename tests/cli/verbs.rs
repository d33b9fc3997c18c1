//! Verbs on the wire: a dry run writes nothing, and what is done is what was planned.
//! The dry run of every verb, with a controller beside it, is in `tests/wire/verbs.rs`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{common::python_program, wire::Region};

/// Lets somebody who is not us terminate a member of `workhorse`; its hook then holds it.
const TERMINATE: &str = r"
import boto3, sys
at = dict(region_name='us-east-1', endpoint_url=sys.argv[1],
          aws_access_key_id='test', aws_secret_access_key='test')
boto3.client('autoscaling', **at).terminate_instance_in_auto_scaling_group(
    InstanceId=sys.argv[2], ShouldDecrementDesiredCapacity=True)
";

/// Begins an instance refresh that somebody else wants, and holds it at its start.
const REFRESH: &str = r"
import boto3, sys
at = dict(region_name='us-east-1', endpoint_url=sys.argv[1],
          aws_access_key_id='test', aws_secret_access_key='test')
scaling = boto3.client('autoscaling', **at)
scaling.set_instance_protection(AutoScalingGroupName='mac', InstanceIds=[sys.argv[2]],
    ProtectedFromScaleIn=True)
scaling.start_instance_refresh(AutoScalingGroupName='mac', DesiredConfiguration={
    'LaunchTemplate': {'LaunchTemplateName': 'mac', 'Version': '1'}})
";

fn meddle(region: &Region, script: &str, id: &str) {
    let mut python = python_program("python");
    python.args(["-c", script, region.moto.endpoint(), id]);
    assert!(python.status().unwrap().success());
}

fn members(region: &Region, pool: &str) -> Vec<String> {
    let document = region.json(&format!("instances {pool} -o json"));
    let rows = document["instances"].as_array().unwrap().iter();
    rows.map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Reads until the instance is in this state; each look takes the time that the server needs.
fn wait_for(region: &Region, id: &str, lifecycle: &str) {
    for _ in 0..200 {
        let document = region.json("instances -o json");
        let rows = document["instances"].as_array().unwrap();
        if rows
            .iter()
            .any(|it| it["id"] == id && it["lifecycle"] == lifecycle)
        {
            return;
        }
    }
    panic!("{id} is never {lifecycle}");
}

fn n_writes(region: &Region) -> usize {
    region
        .moto
        .requests()
        .iter()
        .filter(|it| it.mutating)
        .count()
}

/// What is planned and what is done, without their request ids.
fn words(calls: &Value) -> Vec<String> {
    let calls = calls.as_array().unwrap().iter();
    calls
        .map(|it| {
            format!(
                "{} {}",
                it["operation"].as_str().unwrap(),
                it["parameters"].as_str().unwrap()
            )
        })
        .collect()
}

/// Plans, counts that nothing was written, does it, and compares with what the server was asked.
#[track_caller]
fn check_same(region: &Region, line: &str) {
    let n_before = n_writes(region);
    let dry = region.json(&format!("{line} --dry-run --reason test -o json"));
    assert_eq!(n_writes(region), n_before, "{line}: a dry run wrote");
    let planned = words(&dry["plan"]["calls"]);
    assert!(!planned.is_empty(), "{line}: {dry}");
    let done = region.json(&format!("{line} --yes --reason test -o json"));
    assert_eq!(done["outcome"], "done", "{line}: {done}");
    assert_eq!(words(&done["calls"]), planned, "{line}");
    let requests = region.moto.requests();
    let asked = requests.iter().filter(|it| it.mutating).skip(n_before);
    let asked: Vec<&str> = asked.map(|it| it.action.as_str()).collect();
    let expected: Vec<&str> = planned
        .iter()
        .map(|it| it.split([':', ' ']).nth(1).unwrap())
        .collect();
    assert_eq!(asked, expected, "{line}: what the server was asked");
}

#[test]
fn what_is_done_is_what_was_planned() {
    let region = Region::start();
    let mac = members(&region, "mac")[0].clone();
    for line in [
        "scale mac +1 --max 12".to_owned(),
        "launch mac".to_owned(),
        format!("protect {mac}"),
        format!("unprotect {mac}"),
        format!("standby {mac}"),
        format!("activate {mac}"),
        "suspend mac AZRebalance HealthCheck".to_owned(),
        "resume mac HealthCheck".to_owned(),
        "enable-metrics mac".to_owned(),
        format!("tag owner=build {mac}"),
        "tag owner=build --pool mac".to_owned(),
        "harden workhorse --launch-hook".to_owned(),
    ] {
        check_same(&region, &line);
    }

    let held = members(&region, "workhorse")[0].clone();
    meddle(&region, TERMINATE, &held);
    wait_for(&region, &held, "Terminating:Wait");
    check_same(&region, &format!("hook heartbeat {held}"));
    let (code, _, stderr) = region.run(&format!("hook complete {held} --yes"));
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("unknown is not idle"), "{stderr}");
    check_same(&region, &format!("hook complete {held} --force"));
    let (code, _, stderr) = region.run(&format!("hook complete {held} --force --reason x --yes"));
    assert!(matches!(code, 3), "it is gone or complete: {stderr}");

    wait_for(&region, &mac, "InService");
    meddle(&region, REFRESH, &mac);
    check_same(&region, "refresh pause mac");
    check_same(&region, "refresh resume mac --force");
    check_same(&region, "refresh cancel mac");
}

#[test]
fn a_freeze_is_seen_by_everybody_and_thawed_exactly() {
    let region = Region::start();
    region.json("suspend mac AZRebalance --yes -o json");
    let (code, stdout, stderr) = region.run("freeze mac --yes --reason incident");
    assert_eq!(code, 0, "{stdout}{stderr}");
    let pool = region.json("pools mac -o json")["pools"][0].clone();
    assert_eq!(pool["suspended"].as_array().unwrap().len(), 8, "{pool}");
    let freeze = &pool["freeze"];
    assert_eq!(freeze["processes"].as_array().unwrap().len(), 7, "{freeze}");
    assert!(freeze["until"].is_null() && freeze["overdue"] == false);
    assert!(freeze["by"].as_str().unwrap().contains('@'), "{freeze}");
    let waits = pool["waiting"].as_array().unwrap();
    let says = |it: &Value| it["why"].as_str().unwrap().contains("`thaw mac` ends it");
    assert!(waits.iter().any(says), "{waits:?}");

    check_same(&region, "thaw mac");
    let pool = region.json("pools mac -o json")["pools"][0].clone();
    assert_eq!(pool["suspended"], json!(["AZRebalance"]));
    assert!(pool["freeze"].is_null());
    let (code, stdout, stderr) = region.run("thaw mac --yes");
    assert_eq!(code, 0, "{stderr}");
    let said = format!("{stdout}{stderr}");
    assert!(said.contains("mac is not frozen"), "{said}");
}

#[test]
fn the_doctor_has_read_the_hooks_of_whom_it_looks_at() {
    let region = Region::start();
    let named = |pools: &str| {
        let document = region.json(&format!("doctor {pools} -o json"));
        let rows = document["findings"].as_array().unwrap().clone();
        let names = rows.iter().map(|it| {
            let word = |key: &str| it[key].as_str().unwrap().to_owned();
            format!("{} {}", word("pool"), word("finding"))
        });
        names.collect::<BTreeSet<_>>()
    };
    let all = named("");
    for pool in ["mac", "workhorse"] {
        assert!(
            all.contains(&format!("{pool} no_terminate_hook")),
            "{all:?}"
        );
    }
    assert!(!all.iter().any(|it| it.contains("unread")), "{all:?}");
    region.json("harden mac --yes -o json");
    let mac = named("mac");
    assert!(!mac.contains("mac no_terminate_hook"), "{mac:?}");
    assert!(!mac.contains("mac unprotected"), "{mac:?}");
}
