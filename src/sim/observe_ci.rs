//! What a reader of a controller sees: agents that lag, lie, or are missing.

use std::{sync::Arc, time::Duration};

use super::{
    agent::{Agent, Controller},
    dice,
    faults::CiFaults,
    world::World,
};
use crate::{
    ci::{Error, Reading},
    fleet::{
        ControllerName, Evidence, Executor, FailureKind, Job, Part, Queue, SourceId, Timestamp,
        Work, short_duration,
    },
};

impl World {
    /// Reads a controller as it would answer now.
    pub fn observe_ci(&mut self, name: &ControllerName) -> Result<Reading, Error> {
        self.check_door(&SourceId::Controller(name.clone()), "ci:Read")
            .map_err(|it| Error::new(it.kind, it.what))?;
        let Self {
            controllers,
            dice,
            faults,
            now,
            ..
        } = self;
        let Some(controller) = controllers.get(name) else {
            return Err(Error::new(
                FailureKind::NotFound,
                format!("{name} is not in this world"),
            ));
        };
        let faults = &faults.ci;
        let blackout = controller
            .restarted_at
            .map(|it| now.since(it))
            .filter(|it| *it < faults.restart_blackout);
        let mut part = Part {
            controllers: vec![controller.describe()],
            ..Part::default()
        };
        for agent in controller.agents.values() {
            if dice::happens(&mut dice.door, faults.missing_agent) {
                continue;
            }
            let is_lie = dice::happens(&mut dice.door, faults.false_idle);
            let work = shown_work(agent, *now, is_lie, blackout, faults);
            part.executors
                .push(Arc::new(executor(controller, agent, work, *now)));
        }
        part.queues = controller
            .loads
            .iter()
            .map(|it| queue(controller, &it.label))
            .collect();
        Ok(Reading {
            part,
            missing: Vec::new(),
        })
    }
}

fn shown_work(
    agent: &Agent,
    now: Timestamp,
    is_lie: bool,
    blackout: Option<Duration>,
    faults: &CiFaults,
) -> Work {
    if !agent.is_online {
        return Work::Offline {
            since: Some(agent.since),
        };
    }
    if let Some(ago) = blackout {
        // Executors are empty after a restart, whatever runs on their machines.
        return if faults.hides_restart {
            Work::Idle { since: None }
        } else {
            Work::Unknown(format!(
                "the controller restarted {} ago",
                short_duration(ago)
            ))
        };
    }
    let jobs: Vec<Job> = agent
        .runs
        .iter()
        .filter(|it| it.shown_from <= now)
        .map(|it| Job {
            name: it.name.clone(),
            url: Some(it.url.clone()),
            started_at: Some(it.started_at),
            expected_end: Some(it.expected_end),
        })
        .collect();
    if jobs.is_empty() || is_lie {
        return Work::Idle {
            since: agent.idle_since,
        };
    }
    Work::Busy(jobs)
}

fn executor(controller: &Controller, agent: &Agent, work: Work, now: Timestamp) -> Executor {
    let what = match &work {
        Work::Busy(jobs) => format!("{} of {} slots busy", jobs.len(), agent.n_slots),
        Work::Idle { .. } => format!("0 of {} slots busy", agent.n_slots),
        Work::Offline { .. } => "offline".to_owned(),
        Work::Unknown(why) => why.clone(),
    };
    let n_busy_slots = match &work {
        Work::Busy(jobs) => u32::try_from(jobs.len()).unwrap_or(u32::MAX),
        Work::Idle { .. } | Work::Offline { .. } | Work::Unknown(_) => 0,
    };
    Executor {
        labels: agent.labels.clone(),
        work,
        cordoned: agent.cordon.is_some(),
        note: agent.cordon.clone(),
        n_slots: agent.n_slots,
        n_busy_slots,
        evidence: vec![Evidence {
            source: controller.name.to_string(),
            at: now,
            what,
        }],
        host_hints: agent.hints.clone(),
        ended: agent.ended.iter().rev().copied().collect(),
        ..Executor::new(controller.name.clone(), agent.name.clone())
    }
}

fn queue(controller: &Controller, label: &str) -> Queue {
    let waiting = controller.queues.get(label);
    let oldest = waiting.and_then(|it| it.front());
    Queue {
        controller: controller.name.clone(),
        label: label.to_owned(),
        length: controller.n_queued(label),
        oldest_since: oldest.map(|it| it.since),
        why: oldest.map(|_| why_waiting(controller, label)),
    }
}

/// Returns the controller's own words for why the oldest job of a label waits.
fn why_waiting(controller: &Controller, label: &str) -> String {
    let labelled = || {
        controller
            .agents
            .values()
            .filter(|it| it.labels.iter().any(|it| it == label))
    };
    if labelled().next().is_none() {
        return format!("There are no nodes with the label ‘{label}’");
    }
    if labelled().all(|it| !it.is_online) {
        return format!("All nodes of label ‘{label}’ are offline");
    }
    if labelled()
        .filter(|it| it.is_online)
        .all(|it| it.cordon.is_some() || it.is_stopping)
    {
        return format!("All nodes of label ‘{label}’ are not accepting tasks");
    }
    format!("Waiting for next available executor on ‘{label}’")
}
