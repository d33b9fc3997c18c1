//! A CI controller as it truly is, and its agents: how they come, go and are cordoned.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::{
    dice,
    happening::Happening,
    job::QueuedJob,
    refusal::{Refused, Verdict},
    scenario::{AgentNames, LoadSpec},
    world::World,
};
use crate::fleet::{ControllerName, Grade, InstanceId, Timestamp};

#[derive(Clone, Debug)]
pub struct Controller {
    pub name: ControllerName,
    pub url: String,
    pub grade: Grade,
    pub agents: BTreeMap<String, Agent>,
    pub(super) loads: Vec<LoadSpec>,
    /// What waits, by label; oldest first.
    pub(super) queues: BTreeMap<String, VecDeque<QueuedJob>>,
    /// The agents with a free slot, by label: what the scheduler looks at.
    pub(super) free: BTreeMap<String, BTreeSet<String>>,
    pub(super) build_numbers: BTreeMap<String, u32>,
    pub(super) n_runs: u64,
    /// Why it hands out no jobs, while it does not.
    pub quieting_down: Option<String>,
    pub(super) started_at: Timestamp,
    /// When it came back from its last restart; may lie ahead while it is down.
    pub(super) restarted_at: Option<Timestamp>,
}

/// An agent as it truly is.
#[derive(Clone, Debug)]
pub struct Agent {
    pub name: String,
    pub instance: InstanceId,
    /// The first is the one that jobs ask for.
    pub labels: Vec<String>,
    pub n_slots: u32,
    /// What the host calls itself.
    pub hints: Vec<String>,
    pub is_online: bool,
    /// Since when it is connected, or not.
    pub since: Timestamp,
    pub idle_since: Option<Timestamp>,
    /// The note of the cordon, while there is one.
    pub cordon: Option<String>,
    /// Finishes what it runs and takes nothing more, by its own decision.
    pub is_stopping: bool,
    /// Its machine is gone; the controller may not know yet.
    pub is_dead: bool,
    /// What it runs; of a dead agent, what it ran when it died.
    pub runs: Vec<Run>,
}

/// One job on an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: u64,
    pub name: String,
    pub url: String,
    pub started_at: Timestamp,
    /// When it truly ends.
    pub ends_at: Timestamp,
    /// When the controller expects its end.
    pub expected_end: Timestamp,
    /// From when on the controller shows it.
    pub shown_from: Timestamp,
}

impl Agent {
    pub(super) fn is_free(&self) -> bool {
        self.is_online
            && !self.is_dead
            && !self.is_stopping
            && self.cordon.is_none()
            && (self.runs.len() as u64) < u64::from(self.n_slots)
    }
}

impl Controller {
    /// Returns what it says of itself.
    pub(super) fn describe(&self) -> crate::fleet::Controller {
        crate::fleet::Controller {
            url: Some(self.url.clone()),
            version: Some("2.528".to_owned()),
            started_at: Some(self.restarted_at.unwrap_or(self.started_at)),
            quieting_down: self.quieting_down.clone(),
            ..crate::fleet::Controller::new(self.name.clone(), "simulated", self.grade)
        }
    }

    /// Returns how many jobs wait for a label.
    pub fn n_queued(&self, label: &str) -> u32 {
        self.queues
            .get(label)
            .map_or(0, |it| u32::try_from(it.len()).unwrap_or(u32::MAX))
    }

    /// Returns how many agents of a label could take a job now.
    pub fn n_free(&self, label: &str) -> u32 {
        self.free
            .get(label)
            .map_or(0, |it| u32::try_from(it.len()).unwrap_or(u32::MAX))
    }

    /// Keeps the scheduler's view of one agent true.
    pub(super) fn refresh_free(&mut self, name: &str) {
        let (is_free, labels) = match self.agents.get(name) {
            Some(agent) => (agent.is_free(), agent.labels.clone()),
            None => return,
        };
        for label in labels {
            let free = self.free.entry(label).or_default();
            if is_free {
                free.insert(name.to_owned());
            } else {
                free.remove(name);
            }
        }
    }
}

impl World {
    /// The agent of a machine comes up and connects.
    pub(super) fn register(&mut self, id: &InstanceId) {
        let now = self.now;
        let Some(machine) = self.machines.get(id).filter(|it| it.is_alive()) else {
            return;
        };
        let Some(group) = machine.pool().and_then(|it| self.groups.get(it)) else {
            return;
        };
        let Some(link) = group.row.ci.clone() else {
            return;
        };
        let address = machine.row.private_address.clone().unwrap_or_default();
        let dns = machine.row.private_dns.clone().unwrap_or_default();
        let pool = &group.row.name;
        let (name, hints) = match group.spec.host.agent_names {
            AgentNames::InstanceId => (id.to_string(), vec![dns]),
            AgentNames::PoolAndId => (format!("{pool}-{id}"), vec![dns]),
            AgentNames::Address => (
                format!("ip-{}", address.replace('.', "-")),
                vec![address, dns],
            ),
        };
        let Some(controller) = self.controllers.get_mut(&link.controller) else {
            return;
        };
        let agent = Agent {
            name: name.clone(),
            instance: id.clone(),
            labels: vec![link.label.clone(), pool.to_string()],
            n_slots: link.executors_per_instance.max(1),
            hints,
            is_online: true,
            since: now,
            idle_since: Some(now),
            cordon: None,
            is_stopping: false,
            is_dead: false,
            runs: Vec::new(),
        };
        controller.agents.insert(name.clone(), agent);
        controller.refresh_free(&name);
        if let Some(machine) = self.machines.get_mut(id) {
            machine.agent = Some((link.controller.clone(), name));
        }
        self.wake_host(id, Duration::from_secs(1));
        self.dispatch(&link.controller, &link.label);
    }

    fn edit_agent(
        &mut self,
        controller: &ControllerName,
        agent: &str,
        edit: impl FnOnce(&mut Agent),
    ) {
        let Some(found) = self.controllers.get_mut(controller) else {
            return;
        };
        if let Some(agent) = found.agents.get_mut(agent) {
            edit(agent);
        }
        found.refresh_free(agent);
    }

    /// The machine of an agent died: nothing runs, and the controller finds out later.
    pub(super) fn lose_agent(&mut self, id: &InstanceId) {
        let Some((controller, agent)) = self.machines.get(id).and_then(|it| it.agent.clone())
        else {
            return;
        };
        self.edit_agent(&controller, &agent, |it| it.is_dead = true);
        let after = dice::secs(&mut self.dice.ci, 10, 45);
        self.schedule(after, Happening::AgentLost { controller, agent });
    }

    pub(super) fn agent_lost(&mut self, controller: &ControllerName, agent: &str) {
        let now = self.now;
        self.edit_agent(controller, agent, |it| {
            it.is_online = false;
            it.since = now;
            it.idle_since = None;
            it.runs.clear();
        });
        let removed = Happening::AgentRemoved {
            controller: controller.clone(),
            agent: agent.to_owned(),
        };
        let after = dice::secs(&mut self.dice.ci, 60, 240);
        self.schedule(after, removed);
    }

    pub(super) fn remove_agent(&mut self, controller: &ControllerName, agent: &str) {
        if let Some(found) = self.controllers.get_mut(controller) {
            found.agents.remove(agent);
        }
    }

    /// An agent loses its connection for a while; its machine and its job go on.
    pub fn drop_agent(&mut self, controller: &ControllerName, agent: &str) {
        let is_connected = self
            .controllers
            .get(controller)
            .and_then(|it| it.agents.get(agent))
            .is_some_and(|it| it.is_online && !it.is_dead);
        if !is_connected {
            return;
        }
        let now = self.now;
        self.edit_agent(controller, agent, |it| {
            it.is_online = false;
            it.since = now;
        });
        let after = dice::secs(&mut self.dice.weather, 20, 180);
        let returns = Happening::AgentReturns {
            controller: controller.clone(),
            agent: agent.to_owned(),
        };
        self.schedule(after, returns);
    }

    pub(super) fn agent_returns(&mut self, controller: &ControllerName, agent: &str) {
        let now = self.now;
        let mut label = None;
        self.edit_agent(controller, agent, |it| {
            if !it.is_dead {
                it.is_online = true;
                it.since = now;
                label = it.labels.first().cloned();
            }
        });
        if let Some(label) = label {
            self.dispatch(controller, &label);
        }
    }

    /// The host tells its agent to finish what it runs and to stop.
    pub(super) fn stop_agent(&mut self, id: &InstanceId) {
        if let Some((controller, agent)) = self.machines.get(id).and_then(|it| it.agent.clone()) {
            self.edit_agent(&controller, &agent, |it| it.is_stopping = true);
        }
    }

    /// Accepts a cordon or its end; it lands now, later, or never.
    pub(super) fn cordon(
        &mut self,
        controller: &ControllerName,
        agent: &str,
        note: Option<String>,
    ) -> Verdict {
        let is_there = self
            .controllers
            .get(controller)
            .is_some_and(|it| it.agents.contains_key(agent));
        if !is_there {
            return Err(Refused::not_found(
                "404",
                format!("{controller} has no agent {agent}"),
            ));
        }
        if dice::happens(&mut self.dice.door, self.faults.ci.cordon_lost) {
            return Ok(());
        }
        let delay = dice::up_to(&mut self.dice.door, self.faults.ci.cordon_delay);
        if delay.is_zero() {
            self.set_cordon(controller, agent, note);
        } else {
            let (controller, agent) = (controller.clone(), agent.to_owned());
            self.schedule(
                delay,
                Happening::CordonLands {
                    controller,
                    agent,
                    note,
                },
            );
        }
        Ok(())
    }

    /// Stops a controller from handing out jobs, or lets it go on.
    pub(super) fn quiet_down(&mut self, name: &ControllerName, why: Option<String>) -> Verdict {
        let Some(controller) = self.controllers.get_mut(name) else {
            return Err(Refused::not_found(
                "404",
                format!("{name} is not in this world"),
            ));
        };
        controller.quieting_down = why;
        let labels: Vec<String> = controller.loads.iter().map(|it| it.label.clone()).collect();
        for label in labels {
            self.dispatch(name, &label);
        }
        Ok(())
    }

    /// Takes an agent off its controller, if the controller finds it idle in that moment.
    pub(super) fn remove_idle_agent(
        &mut self,
        controller: &ControllerName,
        agent: &str,
    ) -> Verdict {
        let found = self.controllers.get(controller);
        let Some((grade, busy)) = found.and_then(|it| Some((it.grade, it.agents.get(agent)?)))
        else {
            return Err(Refused::not_found(
                "404",
                format!("{controller} has no agent {agent}"),
            ));
        };
        if grade != Grade::Atomic {
            return Err(Refused::validation(format!(
                "{controller} cannot remove an agent on the condition that it is idle"
            )));
        }
        if !busy.runs.is_empty() {
            return Err(Refused::conflict(
                "422",
                format!("{agent} is running a job and cannot be deleted"),
            ));
        }
        self.edit_agent(controller, agent, |it| it.is_online = false);
        self.remove_agent(controller, agent);
        Ok(())
    }

    pub(super) fn set_cordon(
        &mut self,
        controller: &ControllerName,
        agent: &str,
        note: Option<String>,
    ) {
        let mut label = None;
        self.edit_agent(controller, agent, |it| {
            it.cordon = note;
            label = it.labels.first().cloned();
        });
        if let Some(label) = label {
            self.dispatch(controller, &label);
        }
    }
}
