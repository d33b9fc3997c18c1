//! Jenkins: two requests read every agent, every job and the queue; one more tells how a
//! build ended that ran when we last looked.
//!
//! Every assumption about its API is in this folder.

mod computer;
mod cordon;
mod ended;
mod queue;
mod session;
mod shape;

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;

use self::{
    computer::Context,
    session::Session,
    shape::{Computer, ComputerSet, Health, LabelLoad, QueueSet},
};
use super::{
    Ci, Endpoint, Error, Reading,
    http::{Http, Scheme},
    reply::Reply,
    row::{self, Row},
    watch::Watch,
};
use crate::fleet::{
    Call, Controller, ControllerName, Executor, Failure, FailureKind, Grade, Part, Queue, Receipt,
    Timestamp,
};

pub(super) const KIND: &str = "jenkins";

/// What Jenkins alone can be configured with.
#[derive(Clone, Debug)]
pub struct Options {
    /// For how long after a start of Jenkins an idle agent is not believed.
    pub blackout: Duration,
    /// Labels whose load is read too, one request each, for when the queue does not tell them.
    pub load_labels: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            blackout: Duration::from_mins(5),
            load_labels: Vec::new(),
        }
    }
}

/// A Jenkins controller.
#[derive(Debug)]
pub struct Jenkins {
    http: Http,
    endpoint: Endpoint,
    options: Options,
    /// What the last reading learned; locked for a moment, never over an await.
    session: Mutex<Option<Session>>,
    crumb: Mutex<Option<cordon::CrumbHeaders>>,
    watch: Mutex<Watch>,
}

impl Jenkins {
    /// Opens the door; sends nothing.
    pub fn open(endpoint: Endpoint, options: Options) -> Result<Self, Error> {
        Ok(Self {
            http: Http::open(&endpoint, Scheme::Basic)?,
            endpoint,
            options,
            session: Mutex::new(None),
            crumb: Mutex::new(None),
            watch: Mutex::default(),
        })
    }

    /// Reads an answer of `computer/api/json` as one that is believed.
    pub fn read_computers(&self, answer: &str, now: Timestamp) -> Result<Vec<Executor>, Error> {
        let set: ComputerSet = serde_json::from_str(answer)
            .map_err(|it| Error::new(FailureKind::Unknown, it.to_string()))?;
        Ok(self.executors(&set, now, None))
    }

    async fn read(&self, now: Timestamp) -> Result<Reading, Error> {
        let (computers, queue) = tokio::join!(
            self.http
                .get(&["computer", "api", "json"], &[("tree", shape::COMPUTERS)]),
            self.http
                .get(&["queue", "api", "json"], &[("tree", shape::QUEUE)]),
        );
        let computers = computers?;
        let set: ComputerSet = computers.json()?;
        let session = self.meet(&computers, now).await;
        let blackout = session.blackout(now, self.options.blackout);
        let executors = self.executors(&set, now, blackout.as_deref());
        let (mut executors, lost) = row::distinct(executors, set.computer.len(), now);
        self.with_ended(&mut executors).await;
        let mut missing: Vec<Failure> = lost.into_iter().collect();
        // A master that has just started does not list agents that have yet to come back.
        let doubt = blackout.or(missing.first().map(|it| it.what.clone()));
        let queues = match queue.and_then(|it| it.json::<QueueSet>()) {
            Ok(set) => {
                self.with_loads(
                    queue::queues_of(&set, &executors, &self.endpoint),
                    now,
                    &mut missing,
                )
                .await
            }
            Err(error) => {
                missing.push(error.into_failure(now));
                Vec::new()
            }
        };
        let mut controller = self.describe();
        controller.version = computers.header("x-jenkins").map(str::to_owned);
        controller.started_at = session.started_at;
        controller.doubt = doubt;
        controller.quieting_down = session.quieting_down;
        Ok(Reading {
            part: Part {
                controllers: vec![controller],
                executors: executors.into_iter().map(Into::into).collect(),
                queues,
                ..Part::default()
            },
            missing,
        })
    }

    fn executors(
        &self,
        set: &ComputerSet,
        now: Timestamp,
        blackout: Option<&str>,
    ) -> Vec<Executor> {
        let rows: Vec<Row<Computer>> = row::read(&set.computer, &["displayName"]).collect();
        let sees_connections = rows
            .iter()
            .any(|it| matches!(it, Row::Read(computer) if computer.absolute_remote_path.is_some()));
        let context = Context {
            controller: &self.endpoint.name,
            now,
            sees_connections,
            blackout,
        };
        rows.into_iter()
            .filter_map(|it| computer::executor_of(it, &context))
            .collect()
    }

    /// Finds out which run of Jenkins answered, and asks for its health when it is a new one.
    async fn meet(&self, reply: &Reply, now: Timestamp) -> Session {
        let id = reply.header("x-jenkins-session").map(str::to_owned);
        let known = self.session.lock().expect("no panic while held").clone();
        let mut session = known
            .filter(|it| it.id == id)
            .unwrap_or_else(|| Session::new(id, now));
        if session.wants_health(now) {
            let health = self
                .http
                .get(&["api", "json"], &[("tree", shape::HEALTH)])
                .await
                .and_then(|it| it.json::<Health>());
            // Who may not see it waits out the blackout instead.
            if let Ok(health) = health {
                session.hear(&health, now);
            }
        }
        *self.session.lock().expect("no panic while held") = Some(session.clone());
        session
    }

    /// Adds what Jenkins itself counts for the labels that the queue did not tell.
    async fn with_loads(
        &self,
        mut queues: Vec<Queue>,
        now: Timestamp,
        missing: &mut Vec<Failure>,
    ) -> Vec<Queue> {
        const TREE: &str = "loadStatistics[queueLength[sec10[latest]]]";
        for label in &self.options.load_labels {
            if queues.iter().any(|it| it.label == *label) {
                continue;
            }
            let load = self
                .http
                .get(&["label", label, "api", "json"], &[("tree", TREE)])
                .await
                .and_then(|it| it.json::<LabelLoad>());
            match load {
                Ok(load) => queues
                    .push(self.averaged(label, load.load_statistics.queue_length.sec10.latest)),
                Err(error) => missing.push(error.into_failure(now)),
            }
        }
        queues
    }

    fn averaged(&self, label: &str, latest: f64) -> Queue {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what fits"
        )]
        let length = latest.round().clamp(0.0, f64::from(u32::MAX)) as u32;
        Queue {
            controller: self.endpoint.name.clone(),
            label: label.to_owned(),
            length,
            oldest_since: None,
            why: (0 < length).then(|| "an average that Jenkins keeps, not a count".to_owned()),
        }
    }
}

#[async_trait]
impl Ci for Jenkins {
    fn name(&self) -> ControllerName {
        self.endpoint.name.clone()
    }

    fn describe(&self) -> Controller {
        let mut controller = Controller::new(self.endpoint.name.clone(), KIND, Grade::of(KIND));
        controller.url = Some(self.http.base().to_string());
        controller.caveats = vec![
            "Saving an agent's configuration brings it back online: the cordon is read back each time.".to_owned(),
        ];
        if self.http.is_exposed() {
            controller
                .warnings
                .push("The token travels unencrypted; use https.".to_owned());
        }
        controller
    }

    async fn observe(&self, now: Timestamp) -> Result<Reading, Error> {
        self.http.check_hold(now)?;
        let reading = self.read(now).await;
        self.http.heed(now, &reading);
        reading
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, Error> {
        self.write(call).await
    }

    fn n_requests(&self) -> u64 {
        self.http.n_requests()
    }
}
