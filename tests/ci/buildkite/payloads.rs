//! No payload of any kind makes Buildkite's adapter panic, or see an idle agent in nonsense.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{buildkite_of, open, open_with_metrics, recorded};
use crate::{
    nonsense::{any_json, cases, mutated},
    observe,
    server::{Answer, Server},
};

#[test]
fn arbitrary_json_is_no_idle_agent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    proptest!(cases(64), |(body in any_json())| {
        let server = Server::saying(Answer::json(&body));
        if let Ok(reading) = runtime.block_on(observe(&open_with_metrics(&server))) {
            prop_assert!(reading.part.executors.iter().all(|it| it.work.as_str() != "idle"));
        }
    });
}

#[test]
fn a_mutated_answer_is_idle_only_where_it_still_says_so() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    proptest!(cases(256), |(agents in mutated(recorded()))| {
        let server = buildkite_of(agents.clone());
        let Ok(reading) = runtime.block_on(observe(&open(&server))) else {
            return Ok(());
        };
        for executor in reading.part.executors.iter().filter(|it| it.work.as_str() == "idle") {
            let says_so = agents.as_array().unwrap().iter().any(|it| {
                it["id"] == json!(executor.id)
                    && it.get("job") == Some(&Value::Null)
                    && (it["connection_state"] == json!("connected")
                        || it["connection_state"] == json!("stopping"))
            });
            prop_assert!(says_so, "{} is idle in {agents}", executor.name);
        }
    });
}
