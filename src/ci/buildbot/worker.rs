//! One Buildbot worker as an executor.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Options,
    read::{Seen, at},
    shape::{Build, Worker},
};
use crate::{
    ci::text,
    fleet::{ControllerName, Ended, Evidence, Executor, Job, Timestamp, Work, matches_wildcards},
};

const N_JOBS_MAX: usize = 100;

/// What holds for every worker of one reading.
pub(super) struct Context<'a> {
    pub(super) controller: &'a ControllerName,
    pub(super) base: &'a str,
    pub(super) options: &'a Options,
    pub(super) builders: &'a BTreeMap<u64, String>,
    pub(super) now: Timestamp,
}

pub(super) fn executors_of(seen: &Seen, context: &Context) -> Vec<Executor> {
    let doubt = seen
        .workers
        .partial
        .as_ref()
        .map(|it| format!("the list of workers is not complete: {it}"))
        .or_else(|| seen.builds.doubt("running builds"));
    let mut builds: BTreeMap<u64, Vec<&Build>> = BTreeMap::new();
    for build in &seen.builds.items {
        builds.entry(build.workerid).or_default().push(build);
    }
    let given_out = given_out(seen);
    let mut ended = ended(seen);
    let readable = seen.workers.items.iter().map(|worker| {
        let builds = builds.get(&worker.workerid).map_or(&[][..], Vec::as_slice);
        let about_to_start = begins_elsewhere(worker, &given_out, context);
        let doubt = doubt.as_deref().or(about_to_start.as_deref());
        let mut executor = executor_of(worker, builds, doubt, context);
        executor.ended = ended.remove(&worker.workerid).unwrap_or_default();
        executor
    });
    let unreadable = seen.workers.unreadable.iter().filter_map(|(id, why)| {
        let mut executor = Executor::new(context.controller.clone(), id.clone()?);
        executor.work = Work::Unknown(why.clone());
        Some(executor)
    });
    readable.chain(unreadable).collect()
}

/// Returns how the last builds of each worker ended, newest first.
fn ended(seen: &Seen) -> BTreeMap<u64, Vec<Ended>> {
    let mut by_worker: BTreeMap<u64, Vec<Ended>> = BTreeMap::new();
    for build in &seen.ended {
        let of_worker = by_worker.entry(build.workerid).or_default();
        if let (Some(at), Some(passed)) = (at(build.complete_at), build.passed())
            && of_worker.len() < Ended::N_KEPT
        {
            of_worker.push(Ended { at, passed });
        }
    }
    by_worker
}

/// Returns the builders that gave out a build which has not begun: its worker is chosen
/// and not told.
fn given_out(seen: &Seen) -> BTreeSet<u64> {
    let begun: BTreeSet<u64> = seen
        .builds
        .items
        .iter()
        .filter_map(|it| it.buildrequestid)
        .collect();
    seen.requests
        .items
        .iter()
        .filter(|it| it.claimed && !begun.contains(&it.buildrequestid))
        .map(|it| it.builderid)
        .collect()
}

/// Returns why a paused worker may be about to begin a build all the same: one that was
/// given out before the pause can begin after it.
fn begins_elsewhere(
    worker: &Worker,
    given_out: &BTreeSet<u64>,
    context: &Context,
) -> Option<String> {
    if worker.paused == Some(false) && worker.graceful == Some(false) {
        return None;
    }
    let builders = worker.configured_on.iter().flatten();
    let builder = builders
        .map(|it| it.builderid)
        .find(|it| given_out.contains(it))?;
    let name = context.builders.get(&builder).map_or("a builder", |it| it);
    Some(format!(
        "{name} has given out a build that has not begun yet; it may be for this worker"
    ))
}

fn executor_of(
    worker: &Worker,
    builds: &[&Build],
    doubt: Option<&str>,
    context: &Context,
) -> Executor {
    let mut executor = Executor::new(
        context.controller.clone(),
        text::bounded(&worker.name, text::NAME),
    );
    executor.id = id_of(worker);
    executor.cordoned = worker.paused == Some(true) || worker.graceful == Some(true);
    executor.note = worker
        .pause_reason
        .as_deref()
        .filter(|it| !it.is_empty())
        .map(|it| text::bounded(it, text::NOTE))
        .or_else(|| {
            (worker.graceful == Some(true)).then(|| "it shuts down when it is idle".to_owned())
        });
    executor.work = work_of(worker, builds, doubt, context);
    executor.n_busy_slots = u32::try_from(builds.len()).unwrap_or(u32::MAX);
    // Buildbot does not tell how many builds a worker takes at once.
    executor.n_slots = executor.n_busy_slots.max(1);
    executor.is_latent = context
        .options
        .latent
        .iter()
        .any(|it| matches_wildcards(&worker.name, it));
    executor.labels = worker
        .configured_on
        .iter()
        .flatten()
        .filter_map(|it| context.builders.get(&it.builderid).cloned())
        .collect();
    executor.host_hints = worker
        .workerinfo
        .iter()
        .flat_map(|it| [&it.host, &it.access_uri])
        .flatten()
        .map(|it| text::bounded(it.trim(), text::NOTE))
        .filter(|it| !it.is_empty())
        .collect();
    let source = |of: &str| format!("{} api/v2/{of}", context.controller);
    let n_masters = worker.connected_to.as_ref().map(Vec::len);
    executor.evidence = vec![
        Evidence {
            source: source("workers"),
            at: context.now,
            what: format!(
                "connected to {} masters, paused={}, graceful={}",
                n_masters.map_or("?".to_owned(), |it| it.to_string()),
                shown(worker.paused),
                shown(worker.graceful),
            ),
        },
        Evidence {
            source: source("builds?complete=false"),
            at: context.now,
            what: format!("{} builds run on it", builds.len()),
        },
    ];
    executor
}

fn shown(it: Option<bool>) -> String {
    it.map_or("?".to_owned(), |it| it.to_string())
}

/// Returns the name by which the API finds a worker; one that is a number would be taken
/// for another's id.
fn id_of(worker: &Worker) -> String {
    if worker.name.bytes().all(|it| it.is_ascii_digit()) {
        worker.workerid.to_string()
    } else {
        worker.name.clone()
    }
}

fn work_of(worker: &Worker, builds: &[&Build], doubt: Option<&str>, context: &Context) -> Work {
    if !builds.is_empty() {
        let jobs = builds.iter().take(N_JOBS_MAX);
        return Work::Busy(jobs.map(|it| job_of(it, context)).collect());
    }
    let unknown = |why: &str| Work::Unknown(why.to_owned());
    match (&worker.connected_to, doubt) {
        (None, _) => unknown("Buildbot did not say whether it is connected"),
        (Some(masters), _) if masters.is_empty() => Work::Offline { since: None },
        _ if worker.paused.is_none() => unknown("Buildbot did not say whether it is paused"),
        (Some(_), Some(doubt)) => unknown(doubt),
        (Some(_), None) => Work::Idle { since: None },
    }
}

fn job_of(build: &Build, context: &Context) -> Job {
    let builder = build.builderid.and_then(|it| context.builders.get(&it));
    let name = builder.map_or("a build", |it| it);
    let number = build.number.map_or(String::new(), |it| format!(" #{it}"));
    let url = build
        .builderid
        .zip(build.number)
        .map(|(builder, number)| format!("{}#/builders/{builder}/builds/{number}", context.base));
    Job {
        name: text::bounded(&format!("{name}{number}"), text::NAME),
        url,
        started_at: at(build.started_at),
        expected_end: None,
    }
}
