//! Buildkite: the agents of an organization by its REST API, the queues by its metrics.
//!
//! Every assumption about its API is in this folder.

mod agent;
mod control;
mod metrics;
mod shape;

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;

use self::metrics::MetricsApi;
use super::{
    Ci, Endpoint, Error, Reading, Secret,
    http::{Http, Scheme},
    row::{self, Rows},
};
use crate::fleet::{
    Call, Controller, ControllerName, Executor, Failure, FailureKind, Grade, Part, Receipt,
    Timestamp, Work,
};

pub(super) const KIND: &str = "buildkite";
const N_PER_PAGE: usize = 100;
const N_PAGES_MAX: usize = 100;
/// How many requests of a minute are left for writes.
const N_RESERVED: u32 = 10;
/// How many agents that left the list are asked for one by one, in one reading.
const N_ASKED_MAX: usize = 5;
/// The longest pause that Buildkite allows: a week.
const PAUSE_MINUTES_MAX: u32 = 7 * 24 * 60;

/// What Buildkite alone can be configured with.
#[derive(Clone, Debug)]
pub struct Options {
    pub organization: String,
    /// An agent token, for the queues; the API token of the endpoint does not open them.
    pub agent_token: Option<Secret>,
    pub metrics_url: String,
    /// After how long a pause ends by itself, if nobody ends it.
    pub pause_minutes: u32,
}

impl Options {
    pub fn new(organization: impl Into<String>) -> Self {
        Self {
            organization: organization.into(),
            agent_token: None,
            metrics_url: "https://agent.buildkite.com/".to_owned(),
            pause_minutes: 24 * 60,
        }
    }
}

/// The agents of one Buildkite organization.
#[derive(Debug)]
pub struct Buildkite {
    http: Http,
    metrics: Option<MetricsApi>,
    endpoint: Endpoint,
    options: Options,
    /// Who was there at the last reading, by id; locked for a moment, never over an await.
    known: Mutex<BTreeMap<String, Executor>>,
}

impl Buildkite {
    /// The address of Buildkite's REST API.
    pub const URL: &str = "https://api.buildkite.com/";

    /// Opens the door; sends nothing.
    pub fn open(endpoint: Endpoint, mut options: Options) -> Result<Self, Error> {
        options.pause_minutes = options.pause_minutes.clamp(1, PAUSE_MINUTES_MAX);
        let metrics = options
            .agent_token
            .as_ref()
            .map(|it| MetricsApi::open(&endpoint, &options.metrics_url, it))
            .transpose()?;
        Ok(Self {
            http: Http::open(&endpoint, Scheme::Bearer)?,
            metrics,
            endpoint,
            options,
            known: Mutex::new(BTreeMap::new()),
        })
    }

    fn segments<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let mut segments = vec!["v2", "organizations", &self.options.organization, "agents"];
        segments.extend(rest);
        segments
    }

    async fn read(&self, now: Timestamp) -> Result<Reading, Error> {
        let (rows, partial) = self.agents(now).await?;
        let name = &self.endpoint.name;
        let executors = agent::executors_of(&rows, partial.as_deref(), name, now);
        let (mut executors, lost) = row::distinct(executors, rows.len(), now);
        let mut missing: Vec<Failure> = lost.into_iter().collect();
        let mut controller = self.describe();
        controller.doubt = partial
            .clone()
            .or(missing.first().map(|it| it.what.clone()));
        missing.extend(partial.map(|what| Failure {
            kind: FailureKind::Unknown,
            what: format!("the list of agents is not complete: {what}"),
            at: now,
            retry_at: None,
        }));
        executors.extend(self.absent(&executors, now).await);
        let queues = match &self.metrics {
            None => Vec::new(),
            Some(metrics) => match metrics.queues(&self.endpoint, now).await {
                Ok(queues) => queues,
                Err(error) => {
                    missing.push(error.into_failure(now));
                    Vec::new()
                }
            },
        };
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

    /// Reads every page of agents. There is no total: the last page is one that is not full.
    async fn agents(&self, now: Timestamp) -> Result<(Rows, Option<String>), Error> {
        let mut rows = Rows::new();
        for page in 1..=N_PAGES_MAX {
            let number = page.to_string();
            let query = [("per_page", "100"), ("page", number.as_str())];
            let reply = self.http.get(&self.segments(&[]), &query).await?;
            let read: Rows = reply.json()?;
            self.http.spare(now, &reply, N_RESERVED);
            let has_next = reply
                .header("link")
                .is_some_and(|it| it.contains("rel=\"next\""));
            let is_last = read.len() < N_PER_PAGE && !has_next;
            let is_empty = read.is_empty();
            rows.extend(read);
            if is_last || is_empty {
                return Ok((rows, None));
            }
        }
        let why = format!("it does not end after {} agents", rows.len());
        Ok((rows, Some(why)))
    }

    /// Asks for the agents that left the list, one by one: an agent leaves it when it
    /// disconnects, and whenever one before it disconnects between two pages.
    async fn absent(&self, executors: &[Executor], now: Timestamp) -> Vec<Executor> {
        let known = std::mem::take(&mut *self.known.lock().expect("no panic while held"));
        let is_here = |id: &String| executors.iter().any(|it| it.id == *id);
        let gone = known.into_iter().filter(|(id, _)| !is_here(id));
        let mut absent = Vec::new();
        for (asked_idx, (id, executor)) in gone.enumerate() {
            if asked_idx < N_ASKED_MAX {
                match self.agent(&id).await {
                    Ok(agent) => {
                        let doubt = Some("this agent left it");
                        let found = agent::executor_of(&agent, doubt, &self.endpoint.name, now);
                        // Whoever disconnected is not there any more, and that is all.
                        if !matches!(found.work, Work::Offline { .. }) {
                            absent.push(found);
                        }
                        continue;
                    }
                    Err(error) if error.kind == FailureKind::NotFound => continue,
                    Err(_) => {}
                }
            }
            let why = "Buildkite does not list it any more, and it is not known to have gone";
            absent.push(executor.turned_unknown(why));
        }
        let here = executors.iter().chain(&absent);
        *self.known.lock().expect("no panic while held") =
            here.map(|it| (it.id.clone(), it.clone())).collect();
        absent
    }
}

#[async_trait]
impl Ci for Buildkite {
    fn name(&self) -> ControllerName {
        self.endpoint.name.clone()
    }

    fn describe(&self) -> Controller {
        let mut controller = Controller::new(self.endpoint.name.clone(), KIND, Grade::of(KIND));
        controller.url = Some(self.http.base().to_string());
        controller.caveats = vec![format!(
            "A pause ends by itself after {} minutes, and cannot be made longer while it lasts.",
            self.options.pause_minutes
        )];
        if self.metrics.is_none() {
            controller
                .caveats
                .push("Without an `agent_token` its queues are not read.".to_owned());
        }
        if self.http.is_exposed() {
            let warning = "The token travels unencrypted; use https.";
            controller.warnings.push(warning.to_owned());
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
        let of_metrics = self.metrics.as_ref().map_or(0, |it| it.http.n_requests());
        self.http.n_requests() + of_metrics
    }
}
