//! When an operation will be over, and which ends collide: from the jobs' own
//! estimates, the span of the proof, and the timeouts of hooks. An estimate is
//! never a promise, and where there is none it is not guessed.

use std::{fmt, time::Duration};

use super::{
    Event, Happening, Operation, OperationId, Owner, Proof, Sight, Spec, Standing, TargetState,
    progress::{eta, phase},
};
use crate::fleet::{Fleet, Instance, InstanceId, Job, Phase, Pool, Timestamp, short_duration};

/// What lies before an operation, as far as that can be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// When the last target is over; `None` while one of them cannot be told.
    pub ends_at: Option<Timestamp>,
    /// When each target that is not over will be.
    pub targets: Vec<(InstanceId, Option<Timestamp>)>,
    pub collisions: Vec<Collision>,
    /// Where it is, beyond what each instance waits for.
    pub phase: Option<String>,
}

/// Two ends that are in each other's way.
#[derive(Clone, Debug, PartialEq)]
pub enum Collision {
    /// The job runs longer than any heartbeat can hold the machine.
    Cap {
        instance: InstanceId,
        job: String,
        cap: Duration,
        by: Duration,
    },
    /// The job runs longer than the operation waits for it.
    Deadline {
        instance: InstanceId,
        job: String,
        by: Duration,
    },
    /// The operation as a whole takes longer than it is given.
    Late { by: Duration },
}

/// From the answer of a hook to the end of a machine.
const SHUTDOWN: Duration = Duration::from_mins(1);
/// How long a replacement takes to serve where nobody has configured more.
const BOOT: Duration = Duration::from_mins(5);

/// Looks ahead.
pub fn outlook(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Outlook {
    let proof = operation.spec.proof();
    let pool = fleet.pool(operation.spec.pool());
    let mut outlook = Outlook {
        phase: phase(operation, fleet, now),
        ..Outlook::default()
    };
    let mut slots = Slots::new(operation, pool.map(|it| &**it), now);
    for (id, target) in operation.targets() {
        if target.is_finished(now, proof.settle) {
            continue;
        }
        let jobs = jobs_of(fleet, id, target);
        let instance = fleet.instances.get(id);
        let begins_at = slots.next(target.is_begun());
        let end = begins_at.and_then(|it| end_of(target, &jobs, proof, it, now));
        slots.take(end);
        if let (Some(instance), Some(pool)) = (instance, pool) {
            outlook.collisions.extend(cap(instance, pool, &jobs));
        }
        outlook.collisions.extend(deadline(operation, id, &jobs));
        outlook.targets.push((id.clone(), end));
    }
    let ends = outlook.targets.iter().map(|it| it.1);
    outlook.ends_at = match &operation.spec {
        // It is in an operator's hands.
        _ if *operation.standing() == Standing::Paused => None,
        // What it gives back does not take as long as what it would have done.
        Spec::Roll(_) if matches!(operation.standing(), Standing::Aborting { .. }) => None,
        Spec::Drain(_) => ends
            .collect::<Option<Vec<Timestamp>>>()
            .and_then(|it| it.into_iter().max()),
        // What they wait for beside their instances, they know themselves.
        Spec::Roll(_) | Spec::Freeze(_) | Spec::Refresh(_) => eta(operation, fleet, now),
    };
    let is_told = !outlook.collisions.is_empty();
    if let (Some(end), Some(deadline), false) = (outlook.ends_at, deadline_of(operation), is_told)
        && deadline < end
    {
        let by = end.since(deadline);
        outlook.collisions.push(Collision::Late { by });
    }
    outlook
}

/// Looks ahead of an operation that is only planned.
pub fn outlook_of_plan(spec: &Spec, fleet: &Fleet, now: Timestamp) -> Outlook {
    let planned = Event {
        at: now,
        what: Happening::Planned {
            version: Event::VERSION,
            id: OperationId("planned".to_owned()),
            spec: spec.clone(),
            owner: Owner::default(),
            reason: None,
            command_line: String::new(),
        },
    };
    let operation = Operation::replay(std::slice::from_ref(&planned));
    operation.map_or_else(|_| Outlook::default(), |it| outlook(&it, fleet, now))
}

/// What runs there: as the fleet shows it now, or else as it was last seen.
fn jobs_of(fleet: &Fleet, id: &InstanceId, target: &TargetState) -> Vec<Job> {
    let jobs: Vec<Job> = fleet
        .executors_on(id)
        .flat_map(|it| it.jobs().to_vec())
        .collect();
    match &target.seen {
        Some(Sight::Busy { jobs: seen, .. }) if jobs.is_empty() => seen.clone(),
        _ => jobs,
    }
}

fn end_of(
    target: &TargetState,
    jobs: &[Job],
    proof: &Proof,
    begins_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    if target.terminate.may_have_happened_at().is_some() {
        return Some(now + SHUTDOWN);
    }
    if matches!(target.seen, Some(Sight::Unknown { .. })) {
        return None;
    }
    let mut idle_at = begins_at;
    for job in jobs {
        // A job that is late already says nothing about its end.
        let end = job.expected_end.filter(|it| now < *it)?;
        idle_at = idle_at.max(end);
    }
    let proven = target.idle_at.first().filter(|_| jobs.is_empty());
    let proof_left = proven.map_or(proof.span, |it| proof.span.saturating_sub(now.since(*it)));
    Some(idle_at + proof_left + SHUTDOWN)
}

/// No heartbeat holds a machine beyond the hook's global timeout.
fn cap(instance: &Instance, pool: &Pool, jobs: &[Job]) -> Vec<Collision> {
    let lifecycle = instance.lifecycle.as_ref();
    let hook = lifecycle.and_then(|it| pool.hook_for(it));
    let Some(hook) = hook.filter(|_| instance.phase() == Phase::TerminatingWait) else {
        return Vec::new();
    };
    let cap_at = instance.lifecycle_since + hook.global_timeout;
    late_jobs(jobs, cap_at)
        .map(|(job, by)| Collision::Cap {
            instance: instance.id.clone(),
            job,
            cap: hook.global_timeout,
            by,
        })
        .collect()
}

fn deadline(operation: &Operation, id: &InstanceId, jobs: &[Job]) -> Vec<Collision> {
    let Some(deadline) = deadline_of(operation) else {
        return Vec::new();
    };
    late_jobs(jobs, deadline)
        .map(|(job, by)| Collision::Deadline {
            instance: id.clone(),
            job,
            by,
        })
        .collect()
}

fn deadline_of(operation: &Operation) -> Option<Timestamp> {
    Some(operation.started_at + operation.spec.deadline()?)
}

fn late_jobs(jobs: &[Job], limit: Timestamp) -> impl Iterator<Item = (String, Duration)> {
    let late = jobs.iter().filter_map(move |it| {
        let end = it.expected_end.filter(|end| limit < *end)?;
        Some((it.name.clone(), end.since(limit)))
    });
    late.collect::<Vec<_>>().into_iter()
}

/// How many may be out of service at a time, and when each place is free again.
struct Slots {
    /// Empty when all go at once.
    free_at: Vec<Option<Timestamp>>,
    boot: Duration,
    now: Timestamp,
    taken: Option<usize>,
}

impl Slots {
    fn new(operation: &Operation, pool: Option<&Pool>, now: Timestamp) -> Self {
        let n_slots = operation.max_unavailable().unwrap_or(0);
        let n_slots = usize::try_from(n_slots).unwrap_or(usize::MAX).min(1000);
        let link = pool.and_then(|it| it.ci.as_ref());
        Self {
            free_at: vec![Some(now); n_slots],
            boot: link.map_or(BOOT, |it| it.boot_budget.min(BOOT)),
            now,
            taken: None,
        }
    }

    /// Returns when the next target begins; `None` when that depends on an end that cannot be told.
    fn next(&mut self, is_begun: bool) -> Option<Timestamp> {
        // What cannot be told comes last.
        let order = |it: &usize| (self.free_at[*it].is_none(), self.free_at[*it]);
        self.taken = (0..self.free_at.len()).min_by_key(order);
        match self.taken {
            Some(slot_idx) if !is_begun => self.free_at[slot_idx],
            _ => Some(self.now),
        }
    }

    fn take(&mut self, end: Option<Timestamp>) {
        if let Some(slot_idx) = self.taken {
            self.free_at[slot_idx] = end.map(|it| it + self.boot);
        }
    }
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cap {
                instance,
                job,
                cap,
                by,
            } => write!(
                f,
                "job {job} on {instance} will outlive the {} cap of its hook by {}",
                short_duration(*cap),
                short_duration(*by)
            ),
            Self::Deadline { instance, job, by } => write!(
                f,
                "job {job} on {instance} ends {} after the deadline, and so its instance will be given back",
                short_duration(*by)
            ),
            Self::Late { by } => write!(
                f,
                "it will take {} longer than its deadline allows, and the rest will be given back",
                short_duration(*by)
            ),
        }
    }
}

impl Outlook {
    /// Says when it will be over, seen from `now`.
    pub fn eta_words(&self, now: Timestamp) -> String {
        match self.ends_at {
            Some(at) => format!(
                "about {}, in {}",
                at.clock_time(),
                short_duration(at.since(now))
            ),
            None => match self.targets.iter().filter(|it| it.1.is_none()).count() {
                0 => "not known".to_owned(),
                1 => "not known: an instance has a job whose end nobody tells".to_owned(),
                n => format!("not known: {n} instances have jobs whose end nobody tells"),
            },
        }
    }
}
