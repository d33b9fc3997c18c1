//! One GitHub runner as an executor.

use std::collections::BTreeMap;

use super::{
    List, cordon,
    shape::{Runner, WorkflowJob},
};
use crate::{
    ci::{
        epoch,
        row::{Row, read},
        text,
    },
    fleet::{ControllerName, Evidence, Executor, Job, Timestamp, Work},
};

/// What holds for every runner of one reading.
pub(super) struct Context<'a> {
    pub(super) controller: &'a ControllerName,
    pub(super) now: Timestamp,
    pub(super) jobs: Jobs,
}

/// The second source: what the jobs say of where they run.
pub(super) enum Jobs {
    /// No repository is configured, so GitHub's flag stands alone.
    NotAsked,
    Seen {
        running: Vec<WorkflowJob>,
        /// Why there may be more of them.
        doubt: Option<String>,
    },
}

pub(super) fn executors_of(list: &List, context: &Context) -> Vec<Executor> {
    let running = match &context.jobs {
        Jobs::NotAsked => BTreeMap::new(),
        Jobs::Seen { running, .. } => by_runner(running),
    };
    read(&list.rows, &["id"])
        .filter_map(|row| match row {
            Row::Read(runner) => Some(executor_of(&runner, list, &running, context)),
            Row::Unreadable { id, why } => {
                let id = list.scope.id_of(&id?);
                let mut executor = Executor::new(context.controller.clone(), id);
                executor.work = Work::Unknown(why);
                Some(executor)
            }
        })
        .collect()
}

/// A runner is named by its id, and by its name where a job does not tell the id.
type Running<'a> = BTreeMap<String, Vec<&'a WorkflowJob>>;

fn by_runner(jobs: &[WorkflowJob]) -> Running<'_> {
    let mut running = Running::new();
    for job in jobs {
        let id = job.runner_id.filter(|it| 0 < *it).map(|it| it.to_string());
        let name = || job.runner_name.as_ref().map(|it| format!("name:{it}"));
        if let Some(key) = id.or_else(name) {
            running.entry(key).or_default().push(job);
        }
    }
    running
}

fn executor_of(runner: &Runner, list: &List, running: &Running, context: &Context) -> Executor {
    let by_id = running.get(&runner.id.to_string());
    let by_name = || running.get(&format!("name:{}", runner.name));
    let jobs = by_id.or_else(by_name).map_or(&[][..], Vec::as_slice);
    let name = text::bounded(&runner.name, text::NAME);
    let mut executor = Executor::new(context.controller.clone(), name);
    executor.id = list.scope.id_of(&runner.id.to_string());
    executor.work = work_of(runner, jobs, list, context);
    executor.n_busy_slots = u32::from(matches!(executor.work, Work::Busy(_)));
    executor.cordoned = cordon::is_cordoned(&runner.labels);
    executor.note = cordon::note_of(&runner.labels);
    executor.labels = cordon::own_labels(&runner.labels);
    executor.is_latent = runner.ephemeral == Some(true);
    let source = |of: &str| format!("{} {of}", context.controller);
    executor.evidence.push(Evidence {
        source: source("actions/runners"),
        at: context.now,
        what: format!(
            "status={} busy={}",
            runner
                .status
                .as_deref()
                .map_or("?".into(), |it| text::bounded(it, 32)),
            runner.busy.map_or("?".to_owned(), |it| it.to_string()),
        ),
    });
    if let Jobs::Seen { .. } = &context.jobs {
        executor.evidence.push(Evidence {
            source: source("actions/runs"),
            at: context.now,
            what: format!("{} jobs say that they run on it", jobs.len()),
        });
    }
    executor
}

/// Decides what a runner does. The flag comes late and has been false in the middle of a
/// job, so a job that says it runs here outweighs it.
fn work_of(runner: &Runner, jobs: &[&WorkflowJob], list: &List, context: &Context) -> Work {
    if runner.busy == Some(true) || !jobs.is_empty() {
        return Work::Busy(jobs.iter().map(|it| job_of(it)).collect());
    }
    let unknown = |why: &str| Work::Unknown(why.to_owned());
    if runner.busy.is_none() {
        return unknown("GitHub did not say whether it is busy");
    }
    match runner.status.as_deref() {
        Some("online") => {}
        Some("offline") => return Work::Offline { since: None },
        _ => return unknown("GitHub did not say whether it is online"),
    }
    if let Some(partial) = &list.partial {
        return unknown(&format!("the list of runners is not complete: {partial}"));
    }
    match &context.jobs {
        Jobs::Seen {
            doubt: Some(doubt), ..
        } => unknown(&format!(
            "it is idle by GitHub's flag, which comes late, and {doubt}"
        )),
        Jobs::Seen { doubt: None, .. } | Jobs::NotAsked => Work::Idle { since: None },
    }
}

fn job_of(job: &WorkflowJob) -> Job {
    let name = job.name.as_deref().unwrap_or("(unnamed)");
    let name = match &job.workflow_name {
        Some(workflow) => format!("{workflow} / {name}"),
        None => name.to_owned(),
    };
    Job {
        name: text::bounded(&name, text::NAME),
        url: job
            .html_url
            .as_deref()
            .map(|it| text::bounded(it, text::NOTE)),
        started_at: job.started_at.as_deref().and_then(epoch::from_text),
        expected_end: None,
    }
}
