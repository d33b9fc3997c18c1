//! How agents come, drop their connection, and go.

use std::{collections::VecDeque, time::Duration};

use super::{agent::Agent, dice, happening::Happening, scenario::AgentNames, world::World};
use crate::fleet::{ControllerName, InstanceId};

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
        let (base, hints) = match group.spec.host.agent_names {
            AgentNames::InstanceId => (id.to_string(), vec![dns]),
            AgentNames::PoolAndId => (format!("{pool}-{id}"), vec![dns]),
            AgentNames::Address => (
                format!("ip-{}", address.replace('.', "-")),
                vec![address, dns],
            ),
        };
        let labels = vec![link.label.clone(), pool.to_string()];
        let n_agents = group.spec.host.n_agents.max(1);
        let Some(controller) = self.controllers.get_mut(&link.controller) else {
            return;
        };
        let names: Vec<String> = (1..=n_agents)
            .map(|it| {
                if it == 1 {
                    base.clone()
                } else {
                    format!("{base}-{it}")
                }
            })
            .collect();
        for name in &names {
            let agent = Agent {
                name: name.clone(),
                instance: id.clone(),
                labels: labels.clone(),
                n_slots: link.executors_per_instance.max(1),
                hints: hints.clone(),
                is_online: true,
                since: now,
                idle_since: Some(now),
                cordon: None,
                n_cordons: 0,
                is_stopping: false,
                is_dead: false,
                runs: Vec::new(),
                ended: VecDeque::new(),
            };
            controller.agents.insert(name.clone(), agent);
            controller.refresh_free(name);
        }
        if let Some(machine) = self.machines.get_mut(id) {
            let registered = names.into_iter().map(|it| (link.controller.clone(), it));
            machine.agents = registered.collect();
        }
        self.wake_host(id, Duration::from_secs(1));
        self.dispatch(&link.controller, &link.label);
    }

    /// The machine of an agent died: nothing runs, and the controller finds out later.
    pub(super) fn lose_agent(&mut self, id: &InstanceId) {
        for (controller, agent) in self.agents_of(id) {
            self.edit_agent(&controller, &agent, |it| it.is_dead = true);
            let after = dice::secs(&mut self.dice.ci, 10, 45);
            self.schedule(after, Happening::AgentLost { controller, agent });
        }
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
        for (controller, agent) in self.agents_of(id) {
            self.edit_agent(&controller, &agent, |it| it.is_stopping = true);
        }
    }

    /// Changes an agent, and keeps the scheduler's view of it true.
    pub(super) fn edit_agent(
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

    fn agents_of(&self, id: &InstanceId) -> Vec<(ControllerName, String)> {
        self.machines
            .get(id)
            .map_or_else(Vec::new, |it| it.agents.clone())
    }
}
