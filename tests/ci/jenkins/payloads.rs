//! No payload of any kind makes Jenkins' adapter panic, or see an idle agent in nonsense.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{jenkins_of, open, recorded_computers};
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
        let reading = runtime.block_on(observe(&open(&server)));
        if let Ok(reading) = reading {
            prop_assert!(reading.part.executors.iter().all(|it| it.work.as_str() != "idle"));
        }
    });
}

#[test]
fn a_mutated_answer_is_idle_only_where_it_still_says_so() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let strategy = mutated(recorded_computers());
    proptest!(cases(256), |(body in strategy)| {
        let server = jenkins_of(body.clone());
        let Ok(reading) = runtime.block_on(observe(&open(&server))) else {
            return Ok(());
        };
        for executor in reading.part.executors.iter().filter(|it| it.work.as_str() == "idle") {
            let says_so = body["computer"].as_array().unwrap().iter().any(|it| {
                (it["displayName"] == json!(executor.name) || executor.name == "(built-in)")
                    && says_idle(it)
            });
            prop_assert!(says_so, "{} is idle in {body}", executor.name);
        }
    });
}

/// Found by the mutations: an array was read as the object's fields in their order.
#[tokio::test]
async fn an_executor_that_is_no_object_is_not_idle() {
    for nonsense in [json!([true]), json!([true, null])] {
        let mut body = recorded_computers();
        let computer = &mut body["computer"][1];
        computer["executors"] = json!([{"currentExecutable": null, "idle": true}, nonsense]);
        let name = computer["displayName"].as_str().unwrap().to_owned();
        let reading = observe(&open(&jenkins_of(body))).await.unwrap();
        let executors = &reading.part.executors;
        let it = executors.iter().find(|it| it.name == name);
        assert_eq!(it.map(|it| it.work.as_str()), Some("unknown"));
    }
}

/// The same question, asked of the JSON as a person would.
fn says_idle(computer: &Value) -> bool {
    let executors = computer["executors"].as_array();
    computer["idle"] == json!(true)
        && executors.is_some_and(|it| it.iter().all(|it| it["idle"] == json!(true)))
        && computer["oneOffExecutors"]
            .as_array()
            .is_some_and(|it| it.iter().all(|it| it["idle"] == json!(true)))
        && computer["offline"].is_boolean()
}
