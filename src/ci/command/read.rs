//! What a controller's own program told, as executors and queues.

use super::shape::{ControllerInfo, ExecutorInfo, JobInfo, Observation, QueueInfo, State};
use crate::{
    ci::{
        Endpoint,
        row::{Row, read},
        text,
    },
    fleet::{
        Controller, Ended, Evidence, Executor, Grade, InstanceId, Job, Joining, Queue, Timestamp,
        Work, short_duration,
    },
};

const N_ITEMS_MAX: usize = 100;
/// What was seen longer ago is not believed; nor what is seen that far ahead.
const AGE_MAX: std::time::Duration = std::time::Duration::from_mins(1);

/// So long after its start a controller may not know yet what its workers run.
const BLACKOUT: std::time::Duration = std::time::Duration::from_mins(5);

/// Returns why no idle executor of this answer is believed, if so.
pub(super) fn doubt(observation: &Observation, now: Timestamp) -> Option<String> {
    if !observation.complete {
        return Some("the answer does not say that it is complete".to_owned());
    }
    let controller = observation.controller.as_ref();
    if let Some(at) = controller
        .and_then(|it| it.started_at.as_ref())
        .map(|it| it.0)
    {
        let age = now.since(at);
        if now < at {
            return Some(format!("it starts at {at}, which is yet to come"));
        }
        if age < BLACKOUT {
            return Some(format!(
                "it started {} ago, and may not know yet what its workers run; idle counts in {}",
                short_duration(age),
                short_duration(BLACKOUT.saturating_sub(age))
            ));
        }
    }
    let at = observation.at?.0;
    let age = now.since(at).max(at.since(now));
    (AGE_MAX < age).then(|| {
        let age = short_duration(age);
        if at < now {
            format!("it was seen {age} ago")
        } else {
            format!("its clock is {age} ahead of ours")
        }
    })
}

pub(super) fn executors_of(
    observation: &Observation,
    doubt: Option<&str>,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Vec<Executor> {
    // What is older than this reading keeps its own time.
    let at = observation.at.map_or(now, |it| it.0.min(now));
    read(&observation.executors, &["id", "name"])
        .filter_map(|row| match row {
            Row::Read(info) => executor_of(info, doubt, endpoint, at),
            Row::Unreadable { id, why } => {
                let mut executor = Executor::new(endpoint.name.clone(), id?);
                executor.work = Work::Unknown(why);
                Some(executor)
            }
        })
        .collect()
}

fn executor_of(
    info: ExecutorInfo,
    doubt: Option<&str>,
    endpoint: &Endpoint,
    at: Timestamp,
) -> Option<Executor> {
    let id = info.id.unwrap_or_else(|| info.name.clone());
    if id.is_empty() {
        return None;
    }
    let mut executor = Executor::new(endpoint.name.clone(), text::bounded(&info.name, text::NAME));
    let n_jobs = u32::try_from(info.jobs.len()).unwrap_or(u32::MAX);
    let since = info.since.map(|it| it.0);
    executor.evidence = vec![Evidence {
        source: endpoint.name.to_string(),
        at,
        what: format!("state={:?}, {n_jobs} jobs", info.state).to_lowercase(),
    }];
    let jobs = info.jobs.into_iter().take(N_ITEMS_MAX).map(job_of);
    executor.work = match info.state {
        // Whatever the state says, a job that is named is a job.
        _ if 0 < n_jobs => Work::Busy(jobs.collect()),
        State::Busy => Work::Busy(Vec::new()),
        State::Offline => Work::Offline { since },
        State::Idle => match doubt {
            None => Work::Idle { since },
            Some(doubt) => Work::Unknown(doubt.to_owned()),
        },
        State::Unknown => Work::Unknown(info.why.map_or_else(
            || "its program cannot tell".to_owned(),
            |it| text::bounded(&it, text::NOTE),
        )),
    };
    let is_busy = matches!(executor.work, Work::Busy(_));
    executor.id = id;
    executor.n_busy_slots = n_jobs.max(u32::from(is_busy));
    executor.n_slots = info.slots.unwrap_or(1).max(executor.n_busy_slots);
    executor.cordoned = info.cordoned;
    executor.note = info.note.map(|it| text::bounded(&it, text::NOTE));
    executor.labels = bounded(info.labels);
    executor.host_hints = bounded(info.host);
    let ended = info.ended.into_iter().flatten();
    executor.ended = ended
        .map(|it| Ended {
            at: it.at.0,
            passed: it.passed,
        })
        .take(Ended::N_KEPT)
        .collect();
    let instance = info.instance.filter(|it| InstanceId::is_well_formed(it));
    if let Some(instance) = instance {
        executor.instance = Some(instance.into());
        executor.joining = Joining::Told;
    }
    Some(executor)
}

fn bounded(texts: Option<Vec<String>>) -> Vec<String> {
    let texts = texts.into_iter().flatten().take(N_ITEMS_MAX);
    texts.map(|it| text::bounded(&it, text::NAME)).collect()
}

fn job_of(info: JobInfo) -> Job {
    let name = info.name.as_deref().unwrap_or("(unnamed)");
    Job {
        name: text::bounded(name, text::NAME),
        url: info.url.map(|it| text::bounded(&it, text::NOTE)),
        started_at: info.started_at.map(|it| it.0),
        expected_end: info.expected_end.map(|it| it.0),
    }
}

pub(super) fn queues_of(observation: &Observation, endpoint: &Endpoint) -> Vec<Queue> {
    read::<QueueInfo>(&observation.queues, &[])
        .filter_map(|row| match row {
            Row::Read(info) => Some(Queue {
                controller: endpoint.name.clone(),
                label: text::bounded(&info.label, text::NAME),
                length: info.length,
                oldest_since: info.oldest_since.map(|it| it.0),
                why: info.why.map(|it| text::bounded(&it, text::NOTE)),
            }),
            Row::Unreadable { .. } => None,
        })
        .collect()
}

pub(super) fn describe(controller: &mut Controller, info: ControllerInfo) {
    controller.version = info.version.map(|it| text::bounded(&it, text::NAME));
    controller.started_at = info.started_at.map(|it| it.0);
    controller.quieting_down = info.quieting_down.map(|it| text::bounded(&it, text::NOTE));
    controller.grade = match info.cordon.as_deref() {
        Some("durable") => Grade::Durable,
        Some("timed") => Grade::Timed,
        _ => Grade::ReadOnly,
    };
}
