//! No payload of any kind makes this adapter panic, or see an idle executor in nonsense.

use proptest::prelude::*;
use serde_json::json;

use super::{documented, open};
use crate::{
    nonsense::{any_json, cases, mutated},
    observe,
    server::{Answer, Server},
};

#[test]
fn arbitrary_json_is_no_idle_executor() {
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
    let strategy = mutated(documented("executors"));
    proptest!(cases(256), |(body in strategy)| {
        let server = Server::saying(Answer::json(&body));
        let Ok(reading) = runtime.block_on(observe(&open(&server))) else {
            return Ok(());
        };
        for executor in reading.part.executors.iter().filter(|it| it.work.as_str() == "idle") {
            let says_so = body["executors"].as_array().unwrap().iter().any(|it| {
                it["name"] == json!(executor.name) && it["state"] == json!("idle")
            });
            prop_assert!(says_so && body["complete"] == json!(true), "{body}");
        }
    });
}
