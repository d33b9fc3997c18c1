//! No payload of any kind makes GitHub's adapter panic, or see an idle runner in nonsense.

use proptest::prelude::*;
use serde_json::json;

use super::{github_of, open, recorded};
use crate::{
    nonsense::{any_json, cases, mutated},
    observe,
    server::{Answer, Server},
};

#[test]
fn arbitrary_json_is_no_idle_runner() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    proptest!(cases(64), |(body in any_json())| {
        let server = Server::saying(Answer::json(&body));
        if let Ok(reading) = runtime.block_on(observe(&open(&server))) {
            prop_assert!(reading.part.executors.iter().all(|it| it.work.as_str() != "idle"));
        }
    });
}

#[test]
fn a_mutated_answer_is_idle_only_where_it_still_says_so() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    proptest!(cases(256), |(state in mutated(recorded()))| {
        let server = github_of(state.clone());
        let Ok(reading) = runtime.block_on(observe(&open(&server))) else {
            return Ok(());
        };
        for executor in reading.part.executors.iter().filter(|it| it.work.as_str() == "idle") {
            let runners = state["runners"].as_array().unwrap();
            let says_so = runners.iter().any(|it| {
                it["id"].as_u64().is_some_and(|it| executor.id == format!("orgs/acme/{it}"))
                    && it["busy"] == json!(false)
                    && it["status"] == json!("online")
            });
            prop_assert!(says_so, "{} is idle in {state}", executor.name);
        }
    });
}
