//! New machines of a group: which zone, type and market they get.

use std::time::Duration;

use super::{dice, happening::Happening, history::Launch, image::ImageTrait, world::World};
use crate::fleet::{InstanceId, Market, PoolKey};

impl World {
    /// Launches one machine for a group; where EC2 has none, the failure is an activity.
    pub(super) fn launch(&mut self, key: &PoolKey, zone: Option<&str>, cause: &str) -> bool {
        let Some(zone) = zone.map(str::to_owned).or_else(|| self.choose_zone(key)) else {
            return false;
        };
        let (instance_type, market) = self.choose_type(key);
        if let Some(message) = self.launch_trouble(key, &zone, &instance_type, &market) {
            self.fail_launch(key, &message, cause);
            return false;
        }
        let id = self.make_machine(key, &zone, &instance_type, market, self.now);
        let Some(group) = self.groups.get_mut(key) else {
            return false;
        };
        group.n_failures = 0;
        group.failing_since = None;
        group.short_zones.remove(&zone);
        group.members.insert(id.clone());
        let is_scripted_dud = 0 < group.n_duds;
        group.n_duds -= u32::from(is_scripted_dud);
        let boot = group.spec.host.boot;
        let is_dud = is_scripted_dud || self.image_of(&id) == ImageTrait::NeverRegisters;
        self.history.launches.push(Launch {
            at: self.now,
            instance: id.clone(),
            pool: key.clone(),
            cause: cause.to_owned(),
        });
        self.hide(&id, is_dud);
        self.start_activity(
            &id,
            &format!("Launching a new EC2 instance: {id}"),
            cause.to_owned(),
        );
        let up_after = dice::secs(&mut self.dice.cloud, 4, 25);
        self.step_after(&id, up_after);
        let boot = dice::between(&mut self.dice.cloud, boot);
        if !is_dud {
            self.schedule(
                boot.max(up_after + Duration::from_secs(5)),
                Happening::Register(id),
            );
        }
        true
    }

    /// A new machine is not at once in every answer of AWS.
    fn hide(&mut self, id: &InstanceId, is_dud: bool) {
        let hidden = dice::up_to(&mut self.dice.door, self.faults.cloud.hidden_for);
        // The group knows its member earlier than every replica of EC2 does.
        let unlisted = dice::up_to(&mut self.dice.door, hidden / 2);
        if let Some(machine) = self.machines.get_mut(id) {
            machine.is_dud = is_dud;
            machine.hidden_until = self.now + hidden;
            machine.unlisted_until = self.now + unlisted;
        }
    }

    /// The zone with the fewest members, those that just failed last.
    fn choose_zone(&self, key: &PoolKey) -> Option<String> {
        let group = self.groups.get(key)?;
        let counts = self.zone_counts(key);
        counts
            .into_iter()
            .filter(|it| group.row.zones.contains(&it.0))
            .min_by_key(|(zone, n)| (group.short_zones.contains(zone), *n))
            .map(|it| it.0)
    }

    fn choose_type(&mut self, key: &PoolKey) -> (String, Market) {
        let Some(group) = self.groups.get(key) else {
            return (String::new(), Market::OnDemand);
        };
        let types = &group.spec.instance_types;
        let Some(mixed) = &group.row.mixed else {
            let market = if group.spec.is_spot {
                Market::Spot
            } else {
                Market::OnDemand
            };
            return (types.first().cloned().unwrap_or_default(), market);
        };
        let n_all = self.members(key).filter(|it| it.is_counted()).count();
        let n_on_demand = self
            .members(key)
            .filter(|it| it.is_counted() && it.row.market == Market::OnDemand)
            .count();
        let base = mixed.on_demand_base as usize;
        let above = (n_all + 1).saturating_sub(base) * mixed.on_demand_percent_above_base as usize;
        let is_on_demand = n_on_demand < base + above / 100;
        let type_idx = self.dice.cloud.usize(..types.len());
        let market = if is_on_demand {
            Market::OnDemand
        } else {
            Market::Spot
        };
        (types[type_idx].clone(), market)
    }
}
