//! Cordons: accepted at once, landed now, later or never, and ended by whoever.

use std::time::Duration;

use super::{
    dice,
    happening::Happening,
    refusal::{Refused, Verdict},
    world::World,
};
use crate::fleet::{ControllerName, Grade};

/// How long a timed cordon lasts; Buildkite's pause ends after this by default.
const TIMED: Duration = Duration::from_mins(5);

impl World {
    /// Accepts a cordon or its end; it lands now, later, or never.
    pub(super) fn cordon(
        &mut self,
        controller: &ControllerName,
        agent: &str,
        note: Option<String>,
    ) -> Verdict {
        let grade = self.controllers.get(controller).map(|it| it.grade);
        if grade == Some(Grade::ReadOnly) {
            return Err(Refused::validation(format!(
                "{controller} has no way to cordon an agent"
            )));
        }
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

    /// Cordons an agent, or ends that. Where cordons are timed, this one ends by itself.
    pub(super) fn set_cordon(
        &mut self,
        controller: &ControllerName,
        agent: &str,
        note: Option<String>,
    ) {
        let is_cordon = note.is_some();
        let mut seen = None;
        self.edit_agent(controller, agent, |it| {
            it.cordon = note;
            it.n_cordons += 1;
            seen = it.labels.first().map(|label| (label.clone(), it.n_cordons));
        });
        let Some((label, n_cordons)) = seen else {
            return;
        };
        let grade = self.controllers.get(controller).map(|it| it.grade);
        if is_cordon && grade == Some(Grade::Timed) {
            let (controller, agent) = (controller.clone(), agent.to_owned());
            self.schedule(
                TIMED,
                Happening::CordonEnds {
                    controller,
                    agent,
                    n_cordons,
                },
            );
        }
        self.dispatch(controller, &label);
    }

    pub(super) fn cordon_ends(&mut self, controller: &ControllerName, agent: &str, n_cordons: u32) {
        let found = self
            .controllers
            .get(controller)
            .and_then(|it| it.agents.get(agent));
        if found.is_some_and(|it| it.n_cordons == n_cordons) {
            self.set_cordon(controller, agent, None);
        }
    }
}
