//! GitHub Actions: the self-hosted runners of an organization, a repository or an
//! enterprise, and the jobs of some repositories as a second source.
//!
//! Every assumption about its API is in this folder.

mod cordon;
mod jobs;
mod runner;
mod shape;

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use reqwest::Method;

use self::{
    runner::{Context, Jobs},
    shape::{Runner, RunnerPage},
};
use super::{
    Ci, Endpoint, Error, Reading,
    http::{Extras, Http, Scheme},
    row::{self, Rows},
};
use crate::fleet::{
    Call, Controller, ControllerName, Executor, Failure, FailureKind, Grade, Part, Receipt,
    Timestamp,
};

pub(super) const KIND: &str = "github";
const N_PAGES_MAX: u64 = 100;
/// How many requests are left for writes when the limit comes near.
const N_RESERVED: u32 = 20;
/// How many runners that left the list are asked for one by one, in one reading.
const N_ASKED_MAX: usize = 10;

/// Whose runners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Organization(String),
    Repository { owner: String, name: String },
    Enterprise(String),
}

impl Scope {
    fn segments(&self) -> Vec<&str> {
        match self {
            Self::Organization(name) => vec!["orgs", name],
            Self::Repository { owner, name } => vec!["repos", owner, name],
            Self::Enterprise(name) => vec!["enterprises", name],
        }
    }

    /// Names a runner: its number is its own only among the runners of its scope.
    fn id_of(&self, runner: &str) -> String {
        format!("{}/{runner}", self.segments().join("/"))
    }
}

/// The runners that one scope listed.
struct List<'a> {
    scope: &'a Scope,
    rows: Rows,
    /// Why they may not be all.
    partial: Option<String>,
}

/// What GitHub alone can be configured with.
#[derive(Clone, Debug)]
pub struct Options {
    pub scopes: Vec<Scope>,
    /// Repositories as `owner/name`, whose jobs are the second source and the queue.
    pub repositories: Vec<String>,
    /// How many requests one reading may make for jobs.
    pub job_requests_max: u32,
}

impl Options {
    /// Takes the jobs of those scopes that are repositories.
    pub fn new(scopes: Vec<Scope>) -> Self {
        let repositories = scopes.iter().filter_map(|it| match it {
            Scope::Repository { owner, name } => Some(format!("{owner}/{name}")),
            Scope::Organization(_) | Scope::Enterprise(_) => None,
        });
        Self {
            repositories: repositories.collect(),
            scopes,
            job_requests_max: 50,
        }
    }
}

/// The runners of some scopes of GitHub.
#[derive(Debug)]
pub struct GitHub {
    http: Http,
    endpoint: Endpoint,
    options: Options,
    /// Who was there at the last reading, by id; locked for a moment, never over an await.
    known: Mutex<BTreeMap<String, Executor>>,
}

impl GitHub {
    /// The address of GitHub itself; an own server has its API under `/api/v3/`.
    pub const URL: &str = "https://api.github.com/";

    /// Opens the door; sends nothing.
    pub fn open(endpoint: Endpoint, options: Options) -> Result<Self, Error> {
        if options.scopes.is_empty() {
            let name = &endpoint.name;
            let what = format!("{name} needs an organization, a repository or an enterprise");
            return Err(Error::new(FailureKind::Invalid, what));
        }
        let http = Http::open(&endpoint, Scheme::Bearer)?
            .with_header("accept", "application/vnd.github+json")
            .with_header("x-github-api-version", "2022-11-28");
        Ok(Self {
            http,
            endpoint,
            options,
            known: Mutex::new(BTreeMap::new()),
        })
    }

    async fn read(&self, now: Timestamp) -> Result<Reading, Error> {
        let (lists, mut missing) = self.lists(now).await?;
        let mut controller = self.describe();
        controller.doubt = missing.first().map(|it| it.what.clone());
        // The jobs second: a runner seen without its labels and then without a job is
        // emptier than the other way round.
        let (mut seen, jobs) = if self.options.repositories.is_empty() {
            (None, Jobs::NotAsked)
        } else {
            let mut seen = self.jobs().await;
            let jobs = seen.running();
            (Some(seen), jobs)
        };
        let errors = seen.iter_mut().flat_map(|it| it.errors.drain(..));
        missing.extend(errors.map(|it| it.into_failure(now)));
        let context = Context {
            controller: &self.endpoint.name,
            now,
            jobs,
        };
        let all = lists
            .iter()
            .flat_map(|it| runner::executors_of(it, &context));
        let n_listed = lists.iter().map(|it| it.rows.len()).sum();
        let (mut executors, lost) = row::distinct(all, n_listed, now);
        if let Some(lost) = lost {
            controller.doubt.get_or_insert_with(|| lost.what.clone());
            missing.push(lost);
        }
        executors.extend(self.absent(&executors, &lists).await);
        let queues = seen.map_or(Vec::new(), |it| {
            jobs::queues_of(&it.jobs, &executors, &self.endpoint)
        });
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

    /// Reads the runners of every scope; one that fails costs itself alone.
    async fn lists(&self, now: Timestamp) -> Result<(Vec<List<'_>>, Vec<Failure>), Error> {
        let (mut lists, mut errors) = (Vec::new(), Vec::new());
        for scope in &self.options.scopes {
            match self.runners(scope, now).await {
                Ok(list) => lists.push(list),
                Err(error) => errors.push(error),
            }
        }
        if lists.is_empty() {
            return Err(errors.swap_remove(0));
        }
        let mut missing: Vec<Failure> = errors.into_iter().map(|it| it.into_failure(now)).collect();
        missing.extend(lists.iter().filter_map(|it| {
            Some(Failure {
                kind: FailureKind::Unknown,
                what: format!(
                    "the list of runners is not complete: {}",
                    it.partial.as_ref()?
                ),
                at: now,
                retry_at: None,
            })
        }));
        Ok((lists, missing))
    }

    /// Reads every page of the runners of a scope, and says why they may not be all.
    async fn runners<'a>(&self, scope: &'a Scope, now: Timestamp) -> Result<List<'a>, Error> {
        let mut segments = scope.segments();
        segments.extend(["actions", "runners"]);
        let (mut rows, mut total, mut partial) = (Rows::new(), None, None);
        for page in 1..=N_PAGES_MAX {
            let number = page.to_string();
            let query = [("per_page", "100"), ("page", number.as_str())];
            let reply = self.http.get(&segments, &query).await?;
            let read: RunnerPage = reply.json()?;
            self.http.spare(now, &reply, N_RESERVED);
            if total.is_some_and(|it| it != read.total_count) {
                partial = Some("it changed while it was read".to_owned());
            }
            total = Some(read.total_count);
            let is_empty = read.runners.is_empty();
            rows.extend(read.runners);
            if is_empty || read.total_count <= u64::try_from(rows.len()).unwrap_or(u64::MAX) {
                break;
            }
        }
        let total = total.unwrap_or(0);
        if partial.is_none() && u64::try_from(rows.len()).unwrap_or(u64::MAX) != total {
            partial = Some(format!("{} of {total} came", rows.len()));
        }
        Ok(List {
            scope,
            rows,
            partial,
        })
    }

    /// Asks for the runners that left the list, one by one: GitHub's list has missed
    /// healthy ones, so that being absent from it means nothing.
    async fn absent(&self, executors: &[Executor], lists: &[List<'_>]) -> Vec<Executor> {
        let known = std::mem::take(&mut *self.known.lock().expect("no panic while held"));
        let is_here = |id: &String| executors.iter().any(|it| it.id == *id);
        let gone = known
            .into_iter()
            .filter(|(id, it)| !it.is_latent && !is_here(id));
        let mut absent = Vec::new();
        for (asked_idx, (id, executor)) in gone.enumerate() {
            // A scope that was not read says nothing of its runners.
            let list = lists.iter().find(|it| id.starts_with(&it.scope.id_of("")));
            let is_gone = match list {
                Some(_) if asked_idx < N_ASKED_MAX => self.is_gone(&id).await,
                Some(_) | None => None,
            };
            if is_gone != Some(true) {
                let why = match list {
                    Some(_) => {
                        "GitHub does not list it any more, and it is not known to be removed"
                    }
                    None => "the runners of its scope could not be read",
                };
                absent.push(executor.turned_unknown(why));
            }
        }
        let here = executors.iter().chain(&absent);
        *self.known.lock().expect("no panic while held") =
            here.map(|it| (it.id.clone(), it.clone())).collect();
        absent
    }

    /// Returns whether a runner was removed; nothing if that cannot be told.
    async fn is_gone(&self, id: &str) -> Option<bool> {
        let url = self.runner_url(id, &[]).ok()?;
        let reply = self
            .http
            .send(Method::GET, url, Extras::default())
            .await
            .ok()?;
        match reply.status.as_u16() {
            404 => Some(true),
            200 => reply.json::<Runner>().ok().map(|_| false),
            _ => None,
        }
    }
}

#[async_trait]
impl Ci for GitHub {
    fn name(&self) -> ControllerName {
        self.endpoint.name.clone()
    }

    fn describe(&self) -> Controller {
        let mut controller = Controller::new(self.endpoint.name.clone(), KIND, Grade::of(KIND));
        controller.url = Some(self.http.base().to_string());
        controller.caveats = vec![
            "GitHub has no pause. A cordon takes a runner's own labels away, and a job that \
             asks for `self-hosted` alone still reaches it; a removal is refused while it \
             runs a job."
                .to_owned(),
        ];
        if self.options.repositories.is_empty() {
            controller.caveats.push(
                "Its busy flag comes up to a minute late and has been false in the middle of a \
                 job; name `repositories` for a second source."
                    .to_owned(),
            );
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
        self.http.n_requests()
    }
}
