//! Any other queue: a program or an endpoint of the operator's own, that speaks the JSON
//! of `format.md`.

mod program;
mod read;
mod shape;

use async_trait::async_trait;
use reqwest::Method;

use self::{
    program::Program,
    shape::{Answer, Observation, Question, VERSION},
};
use super::{
    Ci, Endpoint, Error, Reading,
    http::{Extras, Http, Scheme},
    row,
    secret::Redactor,
    text,
};
use crate::fleet::{
    Call, Controller, ControllerName, FailureKind, Grade, Part, Receipt, Timestamp,
};

pub(super) const KIND: &str = "command";

/// The format, for whoever writes such a program.
pub const FORMAT: &str = include_str!("format.md");

/// Where the answers come from.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A program and its arguments, to which the verb is added; empty is the endpoint's URL.
    pub command: Vec<String>,
}

/// A controller that an operator's own program speaks for.
#[derive(Debug)]
pub struct CommandCi {
    way: Way,
    endpoint: Endpoint,
    n_runs: std::sync::atomic::AtomicU64,
}

#[derive(Debug)]
enum Way {
    Program(Program),
    Http(Box<Http>),
}

impl CommandCi {
    /// Opens the door; starts and sends nothing.
    pub fn open(endpoint: Endpoint, options: Options) -> Result<Self, Error> {
        let way = if options.command.is_empty() {
            Way::Http(Box::new(Http::open(&endpoint, Scheme::Bearer)?))
        } else {
            let mut redactor = Redactor::default();
            if let Some(token) = &endpoint.token {
                redactor.hide(token);
            }
            Way::Program(Program {
                command: options.command,
                token: endpoint.token.clone(),
                timeout: endpoint.timeout,
                redactor,
            })
        };
        Ok(Self {
            way,
            endpoint,
            n_runs: 0.into(),
        })
    }

    /// Asks one question, and returns the answer if there is no error in it.
    async fn ask(&self, question: &Question<'_>) -> Result<String, Error> {
        let verb = question.verb;
        let json = serde_json::to_vec(question).expect("our own questions are JSON");
        let answer = match &self.way {
            Way::Program(program) => {
                self.n_runs
                    .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                program.ask(verb, json).await?
            }
            Way::Http(http) => {
                let is_read = verb == "observe";
                let extras = Extras {
                    json: (!is_read).then_some(json),
                    ..Extras::default()
                };
                let method = if is_read { Method::GET } else { Method::POST };
                let reply = http.send(method, http.url(&[verb], &[]), extras).await?;
                // The body as such; what it means is judged below.
                let _: serde::de::IgnoredAny = reply.json()?;
                reply.body
            }
        };
        let head: Answer =
            serde_json::from_str(&answer).map_err(|it| self.unreadable(verb, &it))?;
        if head.version != VERSION {
            return Err(Error::new(
                FailureKind::Invalid,
                format!(
                    "{} speaks version {} of the format, and this pooldeck speaks version {VERSION}",
                    self.endpoint.name, head.version
                ),
            ));
        }
        match head.error {
            None => Ok(answer),
            Some(error) => {
                let what = error
                    .what
                    .as_deref()
                    .map_or("it failed".to_owned(), text::excerpt);
                let retry_in = error.retry_in_seconds.map(u64::from);
                Err(Error {
                    kind: error.kind.unwrap_or(FailureKind::Unknown),
                    what: format!("{} {verb}: {what}", self.endpoint.name),
                    retry_in: retry_in.map(std::time::Duration::from_secs),
                })
            }
        }
    }

    fn unreadable(&self, verb: &str, error: &serde_json::Error) -> Error {
        let what = if error.is_eof() {
            "the answer ends in its middle".to_owned()
        } else {
            format!(
                "the answer is not what this controller should say (line {}, column {}); \
                 is `kind` right?",
                error.line(),
                error.column()
            )
        };
        let name = match &self.way {
            Way::Program(_) => self.endpoint.name.to_string(),
            Way::Http(http) => http.base().to_string(),
        };
        Error::new(FailureKind::Unknown, format!("{name} {verb}: {what}"))
    }

    async fn read(&self, now: Timestamp) -> Result<Reading, Error> {
        let question = Question {
            version: VERSION,
            verb: "observe",
            executor: None,
            note: None,
        };
        let answer = self.ask(&question).await?;
        let observation: Observation =
            serde_json::from_str(&answer).map_err(|it| self.unreadable("observe", &it))?;
        let doubt = read::doubt(&observation, now);
        let executors = read::executors_of(&observation, doubt.as_deref(), &self.endpoint, now);
        let (executors, lost) = row::distinct(executors, observation.executors.len(), now);
        let queues = read::queues_of(&observation, &self.endpoint);
        let mut controller = self.describe();
        controller.doubt = doubt.or(lost.as_ref().map(|it| it.what.clone()));
        read::describe(&mut controller, observation.controller.unwrap_or_default());
        Ok(Reading {
            part: Part {
                controllers: vec![controller],
                executors: executors.into_iter().map(Into::into).collect(),
                queues,
                ..Part::default()
            },
            missing: lost.into_iter().collect(),
        })
    }
}

#[async_trait]
impl Ci for CommandCi {
    fn name(&self) -> ControllerName {
        self.endpoint.name.clone()
    }

    fn describe(&self) -> Controller {
        let mut controller = Controller::new(self.endpoint.name.clone(), KIND, Grade::of(KIND));
        controller.caveats = vec!["It is as good as the program that speaks for it.".to_owned()];
        if let Way::Http(http) = &self.way {
            controller.url = Some(http.base().to_string());
            if http.is_exposed() {
                let warning = "The token travels unencrypted; use https.";
                controller.warnings.push(warning.to_owned());
            }
        }
        controller
    }

    async fn observe(&self, now: Timestamp) -> Result<Reading, Error> {
        if let Way::Http(http) = &self.way {
            http.check_hold(now)?;
        }
        let reading = self.read(now).await;
        if let Way::Http(http) = &self.way {
            http.heed(now, &reading);
        }
        reading
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, Error> {
        let (verb, executor, note) = match call {
            Call::Cordon { executor, note, .. } => {
                ("cordon", executor, Some(text::bounded(note, text::NOTE)))
            }
            Call::Uncordon { executor, .. } => ("uncordon", executor, None),
            Call::RemoveExecutor { .. } => {
                return Err(Error::new(
                    FailureKind::Invalid,
                    "a controller's own program has no verb to remove a worker",
                ));
            }
            _ => return Err(Error::not_ours(call)),
        };
        self.ask(&Question {
            version: VERSION,
            verb,
            executor: Some(executor),
            note: note.as_deref(),
        })
        .await?;
        Ok(Receipt::default())
    }

    fn n_requests(&self) -> u64 {
        match &self.way {
            Way::Program(_) => self.n_runs.load(std::sync::atomic::Ordering::Relaxed),
            Way::Http(http) => http.n_requests(),
        }
    }
}
