//! The jobs of the configured repositories: the second source for what a runner does, and
//! what waits.

use std::collections::BTreeMap;

use super::{
    GitHub,
    runner::Jobs,
    shape::{JobPage, RunPage, WorkflowJob},
};
use crate::{
    ci::{Endpoint, Error, epoch, text},
    fleet::{Executor, Queue, Work},
};

const N_PER_PAGE: u64 = 100;
/// Labels that every runner of its kind has, and that tell no pool from another.
const COMMON: [&str; 7] = [
    "self-hosted",
    "linux",
    "windows",
    "macos",
    "x64",
    "arm64",
    "arm",
];

/// What the repositories told, and how many more requests one reading may make for it.
pub(super) struct Seen {
    pub(super) jobs: Vec<WorkflowJob>,
    doubt: Option<String>,
    n_requests_left: u32,
    pub(super) errors: Vec<Error>,
}

impl Seen {
    /// Takes one request out of the budget, if there is one.
    fn may_ask(&mut self) -> bool {
        let Some(n_left) = self.n_requests_left.checked_sub(1) else {
            let why = "there are more jobs than one reading may ask for (`job_requests_max`)";
            self.doubt = Some(why.to_owned());
            return false;
        };
        self.n_requests_left = n_left;
        true
    }

    fn miss(&mut self, error: Error) {
        self.doubt = Some(format!("the jobs could not be read: {error}"));
        self.errors.push(error);
    }

    /// Splits off what runs, for the runners.
    pub(super) fn running(&mut self) -> Jobs {
        let is_running = |it: &mut WorkflowJob| it.status == "in_progress";
        let running: Vec<WorkflowJob> = self.jobs.extract_if(.., is_running).collect();
        let is_hidden = |it: &WorkflowJob| {
            it.runner_id.is_none_or(|it| it == 0)
                && it.runner_name.as_deref().is_none_or(str::is_empty)
        };
        let hidden = running.iter().any(is_hidden);
        let hidden = hidden.then(|| "a running job does not say where it runs".to_owned());
        Jobs::Seen {
            doubt: self.doubt.take().or(hidden),
            running,
        }
    }
}

impl GitHub {
    /// Reads the jobs of every repository, as far as the budget goes.
    pub(super) async fn jobs(&self) -> Seen {
        let mut seen = Seen {
            jobs: Vec::new(),
            doubt: None,
            n_requests_left: self.options.job_requests_max,
            errors: Vec::new(),
        };
        for repository in &self.options.repositories {
            let Some((owner, name)) = repository.split_once('/') else {
                continue;
            };
            // What runs comes first: that is what a worker can lose.
            for status in ["in_progress", "queued"] {
                let runs = self.runs(owner, name, status, &mut seen).await;
                for run in runs {
                    if let Err(error) = self.jobs_of(owner, name, run, &mut seen).await {
                        seen.miss(error);
                    }
                }
            }
        }
        seen
    }

    async fn runs(&self, owner: &str, name: &str, status: &str, seen: &mut Seen) -> Vec<u64> {
        let mut runs = Vec::new();
        for page in 1u64.. {
            if !seen.may_ask() {
                break;
            }
            let number = page.to_string();
            let query = [("status", status), ("per_page", "100"), ("page", &number)];
            let segments = ["repos", owner, name, "actions", "runs"];
            let read = self.http.get(&segments, &query).await;
            match read.and_then(|it| it.json::<RunPage>()) {
                Ok(it) => {
                    let is_last =
                        it.workflow_runs.is_empty() || it.total_count <= page * N_PER_PAGE;
                    runs.extend(it.workflow_runs.iter().map(|it| it.id));
                    if is_last {
                        break;
                    }
                }
                Err(error) => {
                    seen.miss(error);
                    break;
                }
            }
        }
        runs
    }

    async fn jobs_of(
        &self,
        owner: &str,
        name: &str,
        run: u64,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let run = run.to_string();
        for page in 1u64.. {
            if !seen.may_ask() {
                return Ok(());
            }
            let number = page.to_string();
            let query = [("per_page", "100"), ("page", number.as_str())];
            let segments = ["repos", owner, name, "actions", "runs", &run, "jobs"];
            let read: JobPage = self.http.get(&segments, &query).await?.json()?;
            let is_last = read.jobs.is_empty() || read.total_count <= page * N_PER_PAGE;
            let is_open = |it: &WorkflowJob| matches!(&*it.status, "in_progress" | "queued");
            seen.jobs.extend(read.jobs.into_iter().filter(is_open));
            if is_last {
                break;
            }
        }
        Ok(())
    }
}

/// Counts what waits for runners of ours, by label.
pub(super) fn queues_of(
    jobs: &[WorkflowJob],
    executors: &[Executor],
    endpoint: &Endpoint,
) -> Vec<Queue> {
    let mut queues: BTreeMap<String, Queue> = BTreeMap::new();
    for job in jobs {
        let wanted = job.labels.as_deref().unwrap_or_default();
        let all = wanted.join(",");
        let configured = endpoint.label_of(&all);
        let fitting: Vec<&Executor> = executors.iter().filter(|it| has_all(it, wanted)).collect();
        let is_ours = configured.is_some()
            || !fitting.is_empty()
            || wanted
                .iter()
                .any(|it| it.eq_ignore_ascii_case("self-hosted"));
        // The others wait for GitHub's own machines.
        if !is_ours {
            continue;
        }
        let label = configured.map_or_else(|| telling(wanted), str::to_owned);
        let label = text::bounded(&label, text::NAME);
        let queue = queues.entry(label.clone()).or_insert_with(|| Queue {
            controller: endpoint.name.clone(),
            label,
            length: 0,
            oldest_since: None,
            why: Some(why(wanted, &fitting)),
        });
        queue.length += 1;
        let since = job.created_at.as_deref().and_then(epoch::from_text);
        queue.oldest_since = match (queue.oldest_since, since) {
            (Some(oldest), Some(since)) => Some(oldest.min(since)),
            (oldest, since) => oldest.or(since),
        };
    }
    queues.into_values().collect()
}

fn has_all(executor: &Executor, wanted: &[String]) -> bool {
    let has = |it: &String| {
        executor
            .labels
            .iter()
            .any(|own| own.eq_ignore_ascii_case(it))
    };
    !wanted.is_empty() && wanted.iter().all(has)
}

/// Returns the labels that tell this kind of job from others.
fn telling(wanted: &[String]) -> String {
    let is_common = |it: &&String| COMMON.iter().any(|common| common.eq_ignore_ascii_case(it));
    let telling: Vec<&str> = wanted
        .iter()
        .filter(|it| !is_common(it))
        .map(String::as_str)
        .collect();
    if telling.is_empty() {
        wanted.join(",")
    } else {
        telling.join(",")
    }
}

fn why(wanted: &[String], fitting: &[&Executor]) -> String {
    let wanted = text::bounded(&wanted.join(", "), text::NAME);
    let n_online = fitting
        .iter()
        .filter(|it| !matches!(it.work, Work::Offline { .. }))
        .count();
    let n_open = fitting.iter().filter(|it| !it.cordoned).count();
    match (fitting.len(), n_online, n_open) {
        (0, _, _) => format!("no runner has all of the labels {wanted}"),
        (n, 0, _) => format!("all {n} runners with the labels {wanted} are offline"),
        (n, _, 0) => format!("all {n} runners with the labels {wanted} are cordoned"),
        (n, _, _) => format!("waiting for one of the {n} runners with the labels {wanted}"),
    }
}
