//! What is known of one instance and its agents, how that is known, and what is missing before
//! anybody may call it idle; the words of both front ends.

use std::sync::Arc;

use crate::{
    fleet::{
        Executor, Fleet, Grade, Instance, InstanceId, InstanceRow, Observation, SourceId, Stray,
        Waiting, Work, sanitize, short_duration, strays, waiting,
    },
    operation::Proof,
};

/// Everything that is known of one instance.
#[derive(Clone, Debug)]
pub struct Explained<'a> {
    pub row: InstanceRow<'a>,
    pub agents: Vec<&'a Arc<Executor>>,
    /// What a proof of idleness lacks, a sentence each.
    pub missing: Vec<String>,
    pub waiting: Vec<Waiting>,
    pub strays: Vec<Stray>,
}

impl<'a> Explained<'a> {
    /// Returns `None` for an instance that the reading does not have.
    pub fn new(observation: &'a Observation, id: &InstanceId, proof: &Proof) -> Option<Self> {
        let fleet = &observation.fleet;
        let instance = fleet.instances.get(id)?;
        let row = InstanceRow::new(fleet, instance);
        let agents: Vec<&Arc<Executor>> = fleet.executors_on(id).collect();
        let is_its = |it: &Waiting| match &it.instance {
            Some(waiting) => waiting == id,
            None => instance.pool.as_ref() == Some(&it.pool),
        };
        let is_its_stray = |it: &Stray| {
            it.instance.as_ref() == Some(id) || agents.iter().any(|agent| agent.name == it.name)
        };
        Some(Self {
            row,
            missing: missing(observation, instance, &agents, proof),
            waiting: waiting(fleet, observation.at)
                .into_iter()
                .filter(is_its)
                .collect(),
            strays: strays(fleet, observation.at)
                .into_iter()
                .filter(is_its_stray)
                .collect(),
            agents,
        })
    }

    /// Says all of it, a line each.
    pub fn in_words(&self, observation: &Observation) -> Vec<String> {
        let it = self.row.instance;
        let now = observation.at;
        let lifecycle = it.lifecycle.as_ref().map_or_else(
            || "in no Auto Scaling group".to_owned(),
            |lifecycle| {
                let age = short_duration(now.since(it.lifecycle_since));
                format!("{lifecycle} for {age} or longer")
            },
        );
        let pool = it
            .pool
            .as_ref()
            .map_or("no pool".to_owned(), |key| format!("pool {}", key.name));
        let mut lines = vec![format!("{}: {pool}, {}, {lifecycle}", it.id, it.scope)];
        if let Some(state) = &it.state {
            lines.push(format!("  EC2 says {state}"));
        }
        if it.protected {
            lines.push("  protected from scale-in".to_owned());
        }
        for agent in &self.agents {
            lines.extend(agent_in_words(agent, observation));
        }
        let found = |title: &str, what: Vec<String>| {
            let rest = what.into_iter().map(|it| format!("  {it}"));
            let lines: Vec<String> = std::iter::once(title.to_owned()).chain(rest).collect();
            if 1 < lines.len() { lines } else { Vec::new() }
        };
        lines.extend(found(
            "missing for a proof of idleness",
            self.missing.clone(),
        ));
        let waits = self.waiting.iter().map(|it| it.why.clone()).collect();
        lines.extend(found("it and its pool wait for", waits));
        let strays = self
            .strays
            .iter()
            .map(|it| format!("{}: {}", it.kind.as_str(), it.why));
        lines.extend(found(
            "where EC2 and the controllers disagree",
            strays.collect(),
        ));
        lines.iter().map(|it| sanitize(it).into_owned()).collect()
    }
}

fn agent_in_words(agent: &Executor, observation: &Observation) -> Vec<String> {
    let now = observation.at;
    let cordon = if agent.cordoned { ", cordoned" } else { "" };
    let mut lines = vec![
        format!(
            "agent {} of {}: {}{cordon}",
            agent.name,
            agent.controller,
            agent.work.as_str()
        ),
        format!("  joined: {}", agent.joining),
    ];
    if let Some(note) = &agent.note {
        lines.push(format!("  note: {note}"));
    }
    if let Work::Unknown(why) = &agent.work {
        lines.push(format!("  why: {why}"));
    }
    for job in agent.jobs() {
        let age = job.started_at.map_or(String::new(), |it| {
            format!(", {} so far", short_duration(now.since(it)))
        });
        let url = job
            .url
            .as_ref()
            .map_or(String::new(), |it| format!(" {it}"));
        lines.push(format!("  job: {}{age}{url}", job.name));
    }
    for it in &agent.evidence {
        let age = short_duration(now.since(it.at));
        lines.push(format!(
            "  evidence: {} said at {} ({age} ago): {}",
            it.source, it.at, it.what
        ));
    }
    lines
}

/// Says what stands between this reading and a proof of idleness.
fn missing(
    observation: &Observation,
    instance: &Instance,
    agents: &[&Arc<Executor>],
    proof: &Proof,
) -> Vec<String> {
    let fleet = &observation.fleet;
    let mut missing = Vec::new();
    if agents.is_empty() {
        missing.push(no_agent(fleet, instance));
    }
    for agent in agents {
        let name = &agent.name;
        match &agent.work {
            Work::Busy(_) => missing.push(format!("{name} runs a job")),
            Work::Unknown(why) => missing.push(format!("what {name} does is not known: {why}")),
            Work::Offline { .. } => {
                missing.push(format!("{name} is offline; what runs there is not known"));
            }
            Work::Idle { .. } if 0 < agent.n_busy_slots => {
                missing.push(format!("{name} has {} busy slots", agent.n_busy_slots));
            }
            Work::Idle { .. } => {}
        }
        if !agent.cordoned {
            missing.push(format!(
                "{name} is not cordoned and may get a job any moment"
            ));
        }
        if agent.evidence.is_empty() {
            missing.push(format!("nothing says when {name} was looked at"));
        }
        missing.extend(controller_lacks(observation, agent));
    }
    missing.dedup();
    missing.push(format!(
        "one reading is none: {} readings over {} after the cordon, the last not older than {}",
        proof.n_readings,
        short_duration(proof.span),
        short_duration(proof.max_age)
    ));
    missing
}

fn no_agent(fleet: &Fleet, instance: &Instance) -> String {
    let pool = instance.pool.as_ref().and_then(|it| fleet.pool(it));
    match pool.and_then(|it| it.ci.as_ref()) {
        Some(link) => {
            let controller = &link.controller;
            let rule = link.instance_from.as_ref().map_or_else(
                || "by name, host, address or tag".to_owned(),
                |it| format!("by rule `{it}`"),
            );
            format!("no agent of {controller} was found for it, {rule}; that is not idle")
        }
        None => "no controller is configured for its pool, so its work is not known".to_owned(),
    }
}

fn controller_lacks(observation: &Observation, agent: &Executor) -> Vec<String> {
    let name = &agent.controller;
    let source = SourceId::Controller(name.clone());
    let errors = observation.errors.iter().filter(|(it, _)| *it == source);
    let mut lacks: Vec<String> = errors
        .map(|(_, failure)| format!("{name} was not read whole: {}", failure.what))
        .collect();
    let controllers = observation.fleet.controllers.iter();
    lacks.extend(
        controllers
            .filter(|it| it.name == *name && it.grade == Grade::ReadOnly)
            .map(|it| format!("{name}: {}", it.grade.sentence())),
    );
    lacks
}
