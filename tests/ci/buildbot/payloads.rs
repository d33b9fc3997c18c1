//! No payload of any kind makes Buildbot's adapter panic, or see an idle worker in nonsense.

use proptest::prelude::*;
use serde_json::json;

use super::{master_of, open, recorded};
use crate::{
    nonsense::{any_json, cases, mutated},
    observe,
    server::{Answer, Server},
};

#[test]
fn arbitrary_json_is_no_idle_worker() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    proptest!(cases(64), |(body in any_json())| {
        let server = Server::saying(Answer::json(&body));
        if let Ok(reading) = runtime.block_on(observe(&open(&server))) {
            prop_assert!(reading.part.executors.iter().all(|it| it.work.as_str() != "idle"));
        }
    });
}

#[test]
fn a_mutated_master_has_idle_workers_only_where_it_still_says_so() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    proptest!(cases(256), |(state in mutated(recorded()))| {
        let server = master_of(state.clone());
        let Ok(reading) = runtime.block_on(observe(&open(&server))) else {
            return Ok(());
        };
        for executor in reading.part.executors.iter().filter(|it| it.work.as_str() == "idle") {
            let workers = state["workers"].as_array().unwrap();
            let worker = workers.iter().find(|it| it["name"] == json!(executor.name)).unwrap();
            let is_connected = worker["connected_to"].as_array().is_some_and(|it| !it.is_empty());
            let builds = state["builds"].as_array().unwrap().iter();
            // One that is over is not in the answer.
            let runs: Vec<_> = builds.filter(|it| it["complete"] != json!(true)).collect();
            let is_running = runs.iter().any(|it| it["workerid"] == worker["workerid"]);
            let all_say_where = runs.iter().all(|it| it["workerid"].is_u64());
            prop_assert!(
                is_connected && !is_running && all_say_where && worker["paused"].is_boolean(),
                "{} is idle in {state}", executor.name
            );
        }
    });
}
