//! How builds ended, as the builds themselves tell once no executor runs them.

use std::sync::{Arc, Mutex};

use pooldeck::fleet::{Ended, Timestamp};
use serde_json::{Value, json};

use super::{answer, open, recorded_computers, recorded_queue};
use crate::{
    executor, observe,
    server::{Answer, Request, Server},
};

const BUSY: &str = "linux-i-0b1b2c3d4e5f60718";
const BUILD: &str = "/job/testjob/4168/api/json";

/// A controller whose one build is over at the second reading, and says this of itself.
struct Over {
    server: Server,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Over {
    fn with(build: Answer) -> Self {
        let queue = recorded_queue();
        let mut running = Some(recorded_computers());
        let mut idle = recorded_computers();
        idle["computer"][2]["executors"][0] = json!({"idle": true, "currentExecutable": null});
        let asked: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (asks, running) = (asked.clone(), Mutex::new(running.take()));
        let server = Server::start(move |request| {
            if request.path == BUILD {
                asks.lock().unwrap().push(request.clone());
                return build.clone();
            }
            let mut running = running.lock().unwrap();
            let is_listed = request.path == "/computer/api/json";
            let computers = running.take_if(|_| is_listed);
            answer(request, computers.as_ref().unwrap_or(&idle), &queue)
        });
        Self { server, asked }
    }

    /// Reads it twice, and returns what the agent tells after each.
    async fn told(&self) -> [Vec<Ended>; 2] {
        let door = open(&self.server);
        let first = observe(&door).await.unwrap();
        let second = observe(&door).await.unwrap();
        [first, second].map(|it| executor(&it, BUSY).ended.clone())
    }
}

fn build(building: bool, result: &Value) -> Answer {
    Answer::json(&json!({
        "_class": "hudson.model.FreeStyleBuild", "building": building, "result": result,
        "timestamp": 1_789_999_800_000_u64, "duration": 61_500
    }))
}

#[tokio::test]
async fn a_build_that_runs_no_more_is_asked_how_it_ended_once() {
    for (result, passed) in [
        ("SUCCESS", true),
        ("UNSTABLE", false),
        ("FAILURE", false),
        ("ABORTED", false),
    ] {
        let over = Over::with(build(false, &json!(result)));
        let door = open(&over.server);
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(executor(&observe(&door).await.unwrap(), BUSY).ended.clone());
        }
        let at = Timestamp::from_millis(1_789_999_861_500);
        let ended = vec![Ended { at, passed }];
        assert_eq!(
            told,
            [vec![], ended.clone(), ended.clone(), ended],
            "{result}"
        );
        let asked = over.asked.lock().unwrap();
        assert_eq!(asked.len(), 1, "once");
        assert_eq!(
            asked[0].query,
            "tree=building%2Cresult%2Ctimestamp%2Cduration"
        );
        assert!(asked[0].header("authorization").is_some());
    }
}

#[tokio::test]
async fn what_does_not_tell_is_not_counted_and_fails_nothing() {
    for silent in [
        // A pipeline left this agent and goes on elsewhere.
        build(true, &Value::Null),
        build(false, &Value::Null),
        build(false, &json!("NOT_BUILT")),
        build(false, &json!(["SUCCESS"])),
        Answer::json(&json!([])),
        Answer::json(&json!({"building": false, "result": "SUCCESS"})),
        Answer::page(403, "who are you"),
        Answer::page(404, "discarded"),
        Answer::page(500, "oops"),
    ] {
        let over = Over::with(silent.clone());
        assert_eq!(over.told().await, [vec![], vec![]], "{silent:?}");
        assert_eq!(over.asked.lock().unwrap().len(), 1);
    }
}

/// Jenkins names its builds by the root that it was told; our token goes to no other.
#[tokio::test]
async fn the_token_goes_nowhere_but_to_the_controller() {
    let over = Over::with(build(false, &json!("SUCCESS")));
    let [_, told] = over.told().await;
    assert_eq!(told.len(), 1, "asked at {} instead", "jenkins.example.org");
}
