//! Buildbot 4 by its REST API: four requests read every worker, build and waiting request,
//! and how the last builds ended.
//!
//! Every assumption about its API is in this folder.

mod queue;
mod read;
mod session;
mod shape;
mod worker;

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use self::{
    read::Seen,
    session::Session,
    shape::{Answer, Builder, Config},
    worker::Context,
};
use super::{
    Ci, Endpoint, Error, Reading,
    http::{Http, Scheme},
    reply::Reply,
    row, text,
};
use crate::fleet::{
    Call, Controller, ControllerName, Failure, FailureKind, Grade, Part, Receipt, Timestamp,
};

pub(super) const KIND: &str = "buildbot";
/// How often the names of the builders and the master's own settings are read again.
const SETUP_INTERVAL: Duration = Duration::from_mins(5);

/// What Buildbot alone can be configured with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of latent workers, with `*` for any text: the API does not tell them apart.
    pub latent: Vec<String>,
    /// How many items to ask for at once, where a proxy before the master minds the default of 1000.
    pub n_per_page: Option<usize>,
}

/// A Buildbot master.
#[derive(Debug)]
pub struct Buildbot {
    http: Http,
    endpoint: Endpoint,
    options: Options,
    session: Session,
    n_per_page: usize,
    /// What changes seldom; locked for a moment, never over an await.
    setup: Mutex<Option<Setup>>,
}

/// What a master tells of itself, read now and then.
#[derive(Clone, Debug)]
struct Setup {
    read_at: Timestamp,
    builders: BTreeMap<u64, String>,
    version: Option<String>,
    is_oauth: bool,
}

impl Buildbot {
    /// Opens the door; sends nothing.
    pub fn open(endpoint: Endpoint, options: Options) -> Result<Self, Error> {
        Ok(Self {
            http: Http::open(&endpoint, Scheme::Basic)?,
            endpoint,
            session: Session::default(),
            n_per_page: options.n_per_page.unwrap_or(read::N_PER_PAGE).max(1),
            options,
            setup: Mutex::new(None),
        })
    }

    async fn read(&self, now: Timestamp) -> Result<Reading, Error> {
        let seen = self.see().await?;
        let mut missing = Vec::new();
        let setup = self.setup(&seen, now, &mut missing).await;
        let base = self.http.base().to_string();
        let context = Context {
            controller: &self.endpoint.name,
            base: &base,
            options: &self.options,
            builders: &setup.builders,
            now,
        };
        let executors = worker::executors_of(&seen, &context);
        let (executors, lost) = row::distinct(executors, seen.workers.n_listed, now);
        let mut controller = self.described(&setup);
        controller.doubt = seen
            .workers
            .doubt("workers")
            .or(lost.as_ref().map(|it| it.what.clone()));
        missing.extend(lost);
        let doubts = [
            seen.workers.doubt("workers"),
            seen.builds.doubt("running builds"),
            seen.requests.doubt("waiting builds"),
        ];
        missing.extend(doubts.into_iter().flatten().map(|what| Failure {
            kind: FailureKind::Unknown,
            what,
            at: now,
            retry_at: None,
        }));
        let queues = queue::queues_of(&seen, &setup.builders, &self.endpoint);
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

    fn described(&self, setup: &Setup) -> Controller {
        let mut controller = self.describe();
        controller.version.clone_from(&setup.version);
        if setup.is_oauth {
            controller.warnings.push(
                "It signs people in through another site (OAuth), which no program can do: \
                 we can look, and pausing works only if anonymous users may pause."
                    .to_owned(),
            );
        }
        controller
    }

    /// Returns the names of the builders, read anew when one is seen that has none.
    async fn setup(&self, seen: &Seen, now: Timestamp, missing: &mut Vec<Failure>) -> Setup {
        let known = self.setup.lock().expect("no panic while held").clone();
        let names_all = |it: &Setup| {
            let builds = seen.builds.items.iter().filter_map(|it| it.builderid);
            let requests = seen.requests.items.iter().map(|it| it.builderid);
            let mut ids = builds.chain(requests);
            ids.all(|id| it.builders.contains_key(&id))
        };
        let is_fresh = |it: &Setup| now.since(it.read_at) < SETUP_INTERVAL && names_all(it);
        if let Some(setup) = known.clone().filter(is_fresh) {
            return setup;
        }
        let (builders, config) = tokio::join!(
            self.list::<Builder>(&read::BUILDERS),
            self.http.get(&["config"], &[]),
        );
        let config = config.and_then(|it| it.json::<Config>()).ok();
        let setup = Setup {
            read_at: now,
            builders: match builders {
                Ok(list) => list
                    .items
                    .into_iter()
                    .map(|it| (it.builderid, text::bounded(&it.name, text::NAME)))
                    .collect(),
                Err(error) => {
                    missing.push(error.into_failure(now));
                    known.map(|it| it.builders).unwrap_or_default()
                }
            },
            is_oauth: config
                .as_ref()
                .and_then(|it| it.auth.as_ref()?.oauth2)
                .unwrap_or(false),
            version: config.and_then(|it| {
                let versions = it.versions?;
                let of_master = versions.into_iter().find(|it| it.0 == "Buildbot");
                of_master.map(|it| text::bounded(&it.1, text::NAME))
            }),
        };
        *self.setup.lock().expect("no panic while held") = Some(setup.clone());
        setup
    }

    async fn get(&self, collection: &str, query: &[(&str, &str)]) -> Result<Reply, Error> {
        let url = self.http.url(&["api", "v2", collection], query);
        self.session
            .send(&self.http, Method::GET, url, None, self.has_password())
            .await
    }

    fn has_password(&self) -> bool {
        self.endpoint.user.is_some() && self.endpoint.token.is_some()
    }

    /// Asks for a change. Buildbot answers before it is made.
    async fn control(
        &self,
        worker: &str,
        method: &str,
        params: serde_json::Value,
    ) -> Result<Receipt, Error> {
        if matches!(worker, "" | "." | "..") {
            let what = format!("`{worker}` is not the name of a worker");
            return Err(Error::new(FailureKind::Invalid, what));
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let body = serde_json::to_vec(&body).expect("our own requests are JSON");
        let url = self.http.url(&["api", "v2", "workers", worker], &[]);
        let reply = self
            .session
            .send(
                &self.http,
                Method::POST,
                url,
                Some(body),
                self.has_password(),
            )
            .await?;
        let answer: Answer = reply.json()?;
        match answer.error {
            None => Ok(Receipt {
                request_id: None,
                message: Some(format!("asked to {method}; it answers before it does it")),
                made: None,
            }),
            Some(error) => {
                let said = error.message.unwrap_or_default();
                let what = format!("it refused: {}", text::excerpt(&said));
                Err(reply.fail(FailureKind::Conflict, &what))
            }
        }
    }
}

#[async_trait]
impl Ci for Buildbot {
    fn name(&self) -> ControllerName {
        self.endpoint.name.clone()
    }

    fn describe(&self) -> Controller {
        let mut controller = Controller::new(self.endpoint.name.clone(), KIND, Grade::of(KIND));
        controller.url = Some(self.http.base().to_string());
        controller.caveats = vec![
            "A restart of the master keeps a pause and loses its note.".to_owned(),
            "A build that was given out before a pause can begin after it: a paused worker \
             is believed idle only while none is on its way."
                .to_owned(),
        ];
        if self.http.is_exposed() {
            let warning = "The password travels unencrypted; use https.";
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
        match call {
            Call::Cordon { executor, note, .. } => {
                let reason = text::bounded(note, text::NOTE);
                self.control(executor, "pause", json!({"reason": reason}))
                    .await
            }
            Call::Uncordon { executor, .. } => self.control(executor, "unpause", json!({})).await,
            Call::RemoveExecutor { .. } => Err(Error::new(
                FailureKind::Invalid,
                "Buildbot cannot remove a worker on the condition that it is idle",
            )),
            _ => Err(Error::not_ours(call)),
        }
    }

    fn n_requests(&self) -> u64 {
        self.http.n_requests()
    }
}
