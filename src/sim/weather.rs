//! What happens by itself, once a minute: reclaims, failures, restarts, foreign hands.

use std::time::Duration;

use super::{
    deed::Deed,
    dice::{self, happens},
    happening::Happening,
    world::World,
};
use crate::fleet::{ControllerName, InstanceId, PoolKey, SourceId};

const MINUTE: Duration = Duration::from_mins(1);

impl World {
    /// Schedules the next minute's weather, unless the faults have none.
    pub(super) fn schedule_weather(&mut self) {
        if !self.has_weather && !self.faults.weather.is_calm() {
            self.has_weather = true;
            self.schedule(MINUTE, Happening::Weather);
        }
    }

    pub(super) fn weather(&mut self) {
        self.has_weather = false;
        self.schedule_weather();
        self.weather_on_machines();
        self.weather_on_groups();
        self.weather_on_controllers();
        let weather = self.faults.weather;
        let scopes: Vec<_> = self.regions.keys().cloned().map(SourceId::Scope).collect();
        for source in scopes {
            if happens(&mut self.dice.weather, weather.silence) {
                self.silence(source, weather.silent_for);
            }
        }
    }

    fn weather_on_machines(&mut self) {
        let weather = self.faults.weather;
        let alive: Vec<(InstanceId, bool)> = self
            .machines
            .values()
            .filter(|it| it.is_alive())
            .map(|it| (it.id().clone(), it.row.is_spot()))
            .collect();
        for (id, is_spot) in alive {
            if is_spot && happens(&mut self.dice.weather, weather.spot_interruption) {
                self.interrupt(&id);
            }
            if happens(&mut self.dice.weather, weather.sick_machine) {
                self.sicken(&id);
            }
        }
    }

    fn weather_on_groups(&mut self) {
        let weather = self.faults.weather;
        let pools: Vec<PoolKey> = self.groups.keys().cloned().collect();
        for pool in pools {
            if happens(&mut self.dice.weather, weather.foreign_hand) {
                let by = self.dice.weather.i32(-2..=2);
                self.perform(&Deed::ChangeDesired { pool, by });
            }
        }
    }

    fn weather_on_controllers(&mut self) {
        let weather = self.faults.weather;
        let names: Vec<ControllerName> = self.controllers.keys().cloned().collect();
        for name in names {
            let agents: Vec<(String, bool)> = self.controllers[&name]
                .agents
                .values()
                .map(|it| (it.name.clone(), it.cordon.is_some()))
                .collect();
            for (agent, is_cordoned) in agents {
                if happens(&mut self.dice.weather, weather.agent_drops) {
                    self.drop_agent(&name, &agent);
                }
                if is_cordoned && happens(&mut self.dice.weather, weather.cordon_cleared) {
                    self.set_cordon(&name, &agent, None);
                }
            }
            if happens(&mut self.dice.weather, weather.restart) {
                self.restart(&name);
            }
            if happens(&mut self.dice.weather, weather.silence) {
                self.silence(SourceId::Controller(name), weather.silent_for);
            }
        }
    }

    /// Restarts a controller: silent for a while, and then it forgot what runs.
    pub fn restart(&mut self, name: &ControllerName) {
        let down = dice::secs(&mut self.dice.weather, 20, 60);
        self.silence(SourceId::Controller(name.clone()), down);
        if let Some(controller) = self.controllers.get_mut(name) {
            controller.restarted_at = Some(self.now + down);
        }
    }
}
