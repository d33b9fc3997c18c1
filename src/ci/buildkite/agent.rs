//! One Buildkite agent as an executor.

use std::time::Duration;

use super::shape::{Agent, AgentJob};
use crate::{
    ci::{
        epoch,
        row::{Row, Rows, Told, read},
        text,
    },
    fleet::{ControllerName, Evidence, Executor, Job, Timestamp, Work},
};

const N_HINTS_MAX: usize = 16;
/// Whoever proves an agent idle and takes its machine needs so long at most.
const PAUSE_LEFT_MIN: Duration = Duration::from_mins(2);

pub(super) fn executors_of(
    rows: &Rows,
    partial: Option<&str>,
    controller: &ControllerName,
    now: Timestamp,
) -> Vec<Executor> {
    read(rows, &["id"])
        .filter_map(|row| match row {
            Row::Read(agent) => Some(executor_of(&agent, partial, controller, now)),
            Row::Unreadable { id, why } => {
                let mut executor = Executor::new(controller.clone(), id?);
                executor.work = Work::Unknown(why);
                Some(executor)
            }
        })
        .collect()
}

pub(super) fn executor_of(
    agent: &Agent,
    partial: Option<&str>,
    controller: &ControllerName,
    now: Timestamp,
) -> Executor {
    let mut executor = Executor::new(controller.clone(), text::bounded(&agent.name, text::NAME));
    executor.id.clone_from(&agent.id);
    executor.work = match work_of(agent, partial) {
        // What is idle now may be given a job before anything follows from that.
        Work::Idle { .. } if is_ending(agent, now) => Work::Unknown(
            "its pause ends by itself within minutes, and it is paused anew then".to_owned(),
        ),
        work => work,
    };
    executor.n_busy_slots = u32::from(matches!(executor.work, Work::Busy(_)));
    let is_stopping = agent.connection_state.as_deref() == Some("stopping");
    executor.cordoned = agent.paused == Some(true) || is_stopping;
    executor.note = note_of(agent)
        .or_else(|| is_stopping.then(|| "it is stopping: it finishes its job and goes".to_owned()));
    executor.labels = queue_of(agent).into_iter().collect();
    executor.host_hints = hints_of(agent);
    executor.evidence = vec![Evidence {
        source: format!("{controller} agents"),
        at: now,
        what: format!(
            "connection_state={} job={} paused={}",
            agent
                .connection_state
                .as_deref()
                .map_or("?".into(), |it| text::bounded(it, 32)),
            match &agent.job {
                Told::Untold => "?",
                Told::Nothing => "null",
                Told::Something(_) => "one",
            },
            agent.paused.map_or("?".to_owned(), |it| it.to_string()),
        ),
    }];
    executor
}

fn work_of(agent: &Agent, partial: Option<&str>) -> Work {
    let unknown = |why: &str| Work::Unknown(why.to_owned());
    if let Told::Something(job) = &agent.job {
        return Work::Busy(vec![job_of(job)]);
    }
    let since = |it: &Option<String>| it.as_deref().and_then(epoch::from_text);
    match agent.connection_state.as_deref() {
        Some("connected" | "stopping") => {}
        Some("disconnected" | "stopped" | "lost" | "never_connected") => {
            return Work::Offline {
                since: since(&agent.disconnected_at).or_else(|| since(&agent.lost_at)),
            };
        }
        _ => return unknown("Buildkite did not say whether it is connected"),
    }
    match (&agent.job, partial) {
        (Told::Untold, _) => unknown("Buildkite did not say whether it runs a job"),
        (_, Some(partial)) => unknown(&format!("the list of agents is not complete: {partial}")),
        (_, None) => Work::Idle {
            since: since(&agent.last_job_finished_at),
        },
    }
}

fn job_of(job: &AgentJob) -> Job {
    Job {
        name: text::bounded(job.name.as_deref().unwrap_or("(unnamed)"), text::NAME),
        url: job
            .web_url
            .as_deref()
            .map(|it| text::bounded(it, text::NOTE)),
        started_at: job.started_at.as_deref().and_then(epoch::from_text),
        expected_end: None,
    }
}

/// Returns the note of a pause, with the time when it ends by itself.
fn note_of(agent: &Agent) -> Option<String> {
    if agent.paused != Some(true) {
        return None;
    }
    let note = agent.paused_note.as_deref().unwrap_or_default();
    let ends =
        paused_until(agent).map_or("it ends by itself".to_owned(), |it| format!("until {it}"));
    Some(format!("{} ({ends})", text::bounded(note, text::NOTE)))
}

/// Returns when the pause of an agent ends by itself, where Buildkite says so.
fn paused_until(agent: &Agent) -> Option<Timestamp> {
    let paused_at = agent.paused_at.as_deref().and_then(epoch::from_text)?;
    let minutes = agent.paused_timeout_in_minutes?;
    Some(paused_at + Duration::from_mins(minutes.into()))
}

/// Returns whether a pause is over so soon that nothing may be begun on it.
fn is_ending(agent: &Agent, now: Timestamp) -> bool {
    let until = paused_until(agent).filter(|_| agent.paused == Some(true));
    until.is_some_and(|it| it <= now + PAUSE_LEFT_MIN)
}

fn queue_of(agent: &Agent) -> Option<String> {
    let tag = || {
        let mut tags = agent.meta_data.iter().flatten();
        tags.find_map(|it| it.strip_prefix("queue="))
    };
    let queue = agent.queue.as_deref().or_else(tag)?;
    Some(text::bounded(queue, text::NAME))
}

/// Returns what may name the machine: tags that speak of a host, its name, its address.
fn hints_of(agent: &Agent) -> Vec<String> {
    let speaks_of_host = |it: &&String| {
        it.split_once('=').is_some_and(|(key, _)| {
            ["instance", "host", "ip"]
                .iter()
                .any(|part| key.contains(part))
        })
    };
    let tags = agent.meta_data.iter().flatten().filter(speaks_of_host);
    tags.chain(&agent.hostname)
        .chain(&agent.ip_address)
        .filter(|it| !it.is_empty())
        .take(N_HINTS_MAX)
        .map(|it| text::bounded(it, text::NAME))
        .collect()
}
