//! One Jenkins computer as an executor: what it does, and how we know.

use crate::{
    ci::{epoch, row::Row, text},
    fleet::{ControllerName, Evidence, Executor, Job, Timestamp, Work},
};

use super::shape::{Computer, Executable, Slot};

const N_JOBS_MAX: usize = 100;
/// The node that Jenkins itself runs on has a name that nobody can give to another, and
/// a display name in the server's language.
const BUILT_IN_CLASS: &str = "hudson.model.Hudson$MasterComputer";
pub(super) const BUILT_IN: &str = "(built-in)";

/// What holds for every computer of one reading.
pub(super) struct Context<'a> {
    pub(super) controller: &'a ControllerName,
    pub(super) now: Timestamp,
    /// Whether we may see who is connected, as the reading itself shows.
    pub(super) sees_connections: bool,
    /// Why an idle agent is not believed, if so: the controller restarted a moment ago.
    pub(super) blackout: Option<&'a str>,
}

pub(super) fn executor_of(row: Row<Computer>, context: &Context) -> Option<Executor> {
    let source = format!("{} computer/api/json", context.controller);
    let evidence = |what: String| Evidence {
        source: source.clone(),
        at: context.now,
        what,
    };
    let computer = match row {
        Row::Read(computer) => computer,
        Row::Unreadable { id, why } => {
            let mut executor = Executor::new(context.controller.clone(), id?);
            executor.evidence = vec![evidence(why.clone())];
            executor.work = Work::Unknown(why);
            return Some(executor);
        }
    };
    let is_built_in = computer.class.as_deref() == Some(BUILT_IN_CLASS);
    let name = if is_built_in {
        BUILT_IN
    } else {
        &computer.display_name
    };
    if name.is_empty() {
        return None;
    }
    let n_busy = slots(&computer).filter(|it| it.idle == Some(false)).count();
    let is_refusing = computer.icon.as_deref() == Some("symbol-computer-not-accepting");
    let is_set_offline = computer.temporarily_offline == Some(true);
    let reason = computer
        .offline_cause_reason
        .as_deref()
        .filter(|it| !it.is_empty() && computer.offline != Some(false))
        .map(|it| text::bounded(it, text::NOTE));
    let mut executor = Executor::new(context.controller.clone(), name);
    executor.work = work_of(&computer, context);
    executor.cordoned = is_set_offline || is_refusing;
    executor.note = reason
        .or_else(|| is_refusing.then(|| "Jenkins says that it is not accepting tasks".to_owned()));
    executor.n_slots = computer.num_executors.unwrap_or(1);
    executor.n_busy_slots = u32::try_from(n_busy).unwrap_or(u32::MAX);
    executor.is_latent = computer
        .offline_cause
        .as_ref()
        .and_then(|it| it.class.as_deref())
        .is_some_and(|it| it.ends_with("IdleOfflineCause"));
    executor.evidence = vec![evidence(said(&computer))];
    executor.labels = labels_of(&computer);
    executor.host_hints = computer
        .description
        .iter()
        .filter(|it| !it.is_empty())
        .map(|it| text::bounded(it, text::NOTE))
        .collect();
    Some(executor)
}

/// Decides what a computer does; idle only if Jenkins said so of it and of each of its executors.
fn work_of(computer: &Computer, context: &Context) -> Work {
    let is_busy = computer.idle == Some(false) || slots(computer).any(|it| it.idle == Some(false));
    if is_busy {
        return Work::Busy(jobs_of(computer));
    }
    let unknown = |why: &str| Work::Unknown(why.to_owned());
    let Some(executors) = &computer.executors else {
        return unknown("Jenkins did not list its executors");
    };
    if computer.idle.is_none() || slots(computer).any(|it| it.idle.is_none()) {
        return unknown("Jenkins did not say whether it is idle");
    }
    if computer.one_off_executors.is_none() {
        return unknown("Jenkins did not say what else runs on it besides its executors");
    }
    let since = computer
        .offline_cause
        .as_ref()
        .and_then(|it| it.timestamp)
        .and_then(epoch::from_number);
    match (computer.offline, computer.temporarily_offline) {
        (None, _) | (Some(false), None | Some(true)) => {
            unknown("Jenkins did not say whether it is connected")
        }
        (Some(true), Some(false) | None) => Work::Offline { since },
        // A cordoned agent counts as offline whether it is connected or not.
        (Some(true), Some(true)) if computer.absolute_remote_path.is_none() => {
            if context.sees_connections {
                Work::Offline { since: None }
            } else {
                unknown(
                    "it is set offline, and without the permission Agent/Connect Jenkins does \
                     not say whether it is still connected",
                )
            }
        }
        (Some(_), Some(_)) => {
            let n_listed = u32::try_from(executors.len()).unwrap_or(u32::MAX);
            if computer.num_executors.is_none_or(|it| n_listed < it) {
                return unknown("Jenkins listed fewer executors than it has");
            }
            context.blackout.map_or(Work::Idle { since: None }, unknown)
        }
    }
}

fn slots(computer: &Computer) -> impl Iterator<Item = &Slot> {
    let executors = computer.executors.iter().flatten();
    executors.chain(computer.one_off_executors.iter().flatten())
}

/// Returns the jobs that we may see; without Item/Read Jenkins hides what runs.
fn jobs_of(computer: &Computer) -> Vec<Job> {
    slots(computer)
        .filter_map(|it| it.current_executable.as_ref())
        .take(N_JOBS_MAX)
        .map(job_of)
        .collect()
}

fn job_of(executable: &Executable) -> Job {
    let started_at = executable.timestamp.and_then(epoch::from_number);
    let estimate = executable.estimated_duration.and_then(epoch::millis);
    let name = match (&executable.full_display_name, &executable.url) {
        (Some(name), _) => name.clone(),
        (None, Some(url)) => job_name_in(url),
        (None, None) => executable
            .number
            .map_or("(unnamed)".to_owned(), |it| format!("#{it}")),
    };
    Job {
        name: text::bounded(&name, text::NAME),
        url: executable
            .url
            .as_ref()
            .map(|it| text::bounded(it, text::NOTE)),
        started_at,
        expected_end: started_at.zip(estimate).map(|(at, by)| at + by),
    }
}

/// Returns `team » deploy #4168` of `…/job/team/job/deploy/4168/`.
fn job_name_in(url: &str) -> String {
    let path = url.trim_end_matches('/');
    let (parents, number) = path.rsplit_once('/').unwrap_or(("", path));
    let names: Vec<&str> = parents
        .split("/job/")
        .skip(1)
        .map(|it| it.trim_end_matches('/'))
        .collect();
    if names.is_empty() {
        return path.to_owned();
    }
    format!("{} #{number}", names.join(" » "))
}

fn labels_of(computer: &Computer) -> Vec<String> {
    let mut labels: Vec<String> = computer
        .assigned_labels
        .iter()
        .flatten()
        .filter_map(|it| it.name.as_deref())
        // Jenkins gives every node a label of its own name.
        .filter(|it| *it != computer.display_name)
        .map(|it| text::bounded(it, text::NAME))
        .collect();
    labels.sort();
    labels
}

/// Returns what Jenkins said, in its own words and few of them.
fn said(computer: &Computer) -> String {
    let shown = |it: Option<bool>| it.map_or("?".to_owned(), |it| it.to_string());
    let n_idle = slots(computer).filter(|it| it.idle == Some(true)).count();
    let n_slots = slots(computer).count();
    format!(
        "idle={} offline={} temporarilyOffline={}, {n_idle} of {n_slots} executors idle",
        shown(computer.idle),
        shown(computer.offline),
        shown(computer.temporarily_offline),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_named_by_its_url_when_nothing_else_names_it() {
        for (url, name) in [
            ("http://ci/job/testjob/4168/", "testjob #4168"),
            (
                "https://ci/jenkins/job/team/job/deploy/7/",
                "team » deploy #7",
            ),
            ("not an url", "not an url"),
            ("", ""),
        ] {
            assert_eq!(job_name_in(url), name, "{url}");
        }
    }
}
