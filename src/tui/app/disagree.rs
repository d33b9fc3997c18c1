//! Opening what the controllers know: the pool of a queue, the parties of a stray.

use super::{App, Effect, Severity, View};
use crate::fleet::{ControllerName, InstanceId, StrayKind};

impl App {
    /// Opens the pool whose agents the queue waits for.
    pub(super) fn open_queue(&mut self, controller: &ControllerName, label: &str) -> Vec<Effect> {
        let pools = &self.observation.fleet.pools;
        let serves = |it: &crate::fleet::CiLink| it.controller == *controller && it.label == label;
        let found = pools.values().find(|it| it.ci.as_ref().is_some_and(serves));
        let Some(key) = found.map(|it| it.key()) else {
            let why = format!("no pool is linked to label {label} of {controller}");
            self.say(Severity::Note, why);
            return Vec::new();
        };
        self.open_pool(key)
    }

    /// Opens the party that an operator can do something about.
    pub(super) fn open_stray(
        &mut self,
        kind: StrayKind,
        name: &str,
        instance: Option<InstanceId>,
    ) -> Vec<Effect> {
        let fleet = &self.observation.fleet;
        if let Some(id) = instance.filter(|it| fleet.instances.contains_key(it)) {
            self.go(View::Instance(id));
            return Vec::new();
        }
        let strays = &mut self.findings.strays().iter();
        let pool = strays
            .find(|it| it.kind == kind && it.name == name)
            .and_then(|it| it.pool.clone());
        if kind == StrayKind::ExecutorsExceedDesired {
            return pool.map_or_else(Vec::new, |it| self.open_pool(it));
        }
        let agent = fleet
            .executors
            .iter()
            .find(|it| it.name == name && it.instance.is_none());
        if let Some(agent) = agent {
            let view = View::Executor(agent.controller.clone(), agent.id.clone());
            self.go(view);
        }
        Vec::new()
    }
}
