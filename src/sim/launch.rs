//! New machines: which zone, type and market they get, or EC2's reason why none.

use std::{collections::BTreeMap, time::Duration};

use super::{
    activity::aws_time, dice, happening::Happening, history::Launch, machine::Machine, world::World,
};
use crate::fleet::{
    Health, Instance, InstanceId, Lifecycle, MachineState, Market, PoolKey, Process, Suspension,
    Timestamp,
};

/// After launches failed for this long, AWS suspends a group by itself.
const PATIENCE: Duration = Duration::from_hours(24);

impl World {
    /// Launches one machine for a group; where EC2 has none, the failure is an activity.
    pub(super) fn launch(&mut self, key: &PoolKey, zone: Option<&str>, cause: &str) -> bool {
        let Some(zone) = zone.map(str::to_owned).or_else(|| self.choose_zone(key)) else {
            return false;
        };
        let (instance_type, market) = self.choose_type(key);
        if self.is_short(key, &zone) {
            self.fail_launch(key, &zone, &instance_type, &market, cause);
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
        let is_dud = 0 < group.n_duds;
        group.n_duds -= u32::from(is_dud);
        let boot = group.spec.host.boot;
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

    fn is_short(&mut self, key: &PoolKey, zone: &str) -> bool {
        let chance = self.groups.get(key).map_or(0.0, |group| {
            let here = |it: &&super::Shortage| it.zone.as_deref().is_none_or(|it| it == zone);
            group
                .spec
                .shortages
                .iter()
                .filter(here)
                .map(|it| it.chance)
                .fold(0.0, f64::max)
        });
        dice::happens(&mut self.dice.cloud, chance)
            || dice::happens(&mut self.dice.weather, self.faults.cloud.no_capacity)
    }

    fn fail_launch(
        &mut self,
        key: &PoolKey,
        zone: &str,
        instance_type: &str,
        market: &Market,
        cause: &str,
    ) {
        let now = self.now;
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        group.n_failures += 1;
        group.short_zones.insert(zone.to_owned());
        let others: Vec<&str> = group
            .row
            .zones
            .iter()
            .map(String::as_str)
            .filter(|it| !group.short_zones.contains(*it))
            .collect();
        let message = if *market == Market::Spot {
            "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that \
             matches your request. Launching EC2 instance failed."
                .to_owned()
        } else {
            let elsewhere = if others.is_empty() {
                String::new()
            } else {
                format!(
                    " You can currently get {instance_type} capacity by not specifying an Availability Zone in your \
                     request or choosing {}.",
                    others.join(", ")
                )
            };
            format!(
                "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have \
                 sufficient {instance_type} capacity in the Availability Zone you requested ({zone}). Our system will \
                 be working on provisioning additional capacity.{elsewhere} Launching EC2 instance failed."
            )
        };
        if others.is_empty() {
            group.short_zones.clear();
        }
        let failing_since = *group.failing_since.get_or_insert(now);
        let description = format!("Launching a new EC2 instance.  Status Reason: {message}");
        self.record_failure(key, &description, cause.to_owned(), &message);
        if PATIENCE < now.since(failing_since) {
            self.edit_group(key, |it| {
                it.suspended.push(Suspension {
                    process: Process::Launch,
                    reason: format!(
                        "Administrative suspension at {} due to repeated launch failures",
                        aws_time(now)
                    ),
                });
            });
        }
    }

    /// Makes a machine of the pool's template as it is now.
    pub(super) fn make_machine(
        &mut self,
        key: &PoolKey,
        zone: &str,
        instance_type: &str,
        market: Market,
        launched_at: Timestamp,
    ) -> InstanceId {
        let id = self.new_instance_id();
        let (address, dns) = self.new_address(key);
        let group = &self.groups[key];
        let template = group.row.template.as_ref();
        let is_member = group.row.capacity.is_some();
        let mut tags: BTreeMap<String, String> = group.row.tags.clone();
        tags.insert("Name".to_owned(), key.name.to_string());
        if is_member {
            tags.insert("aws:autoscaling:groupName".to_owned(), key.name.to_string());
        }
        let row = Instance {
            id: id.clone(),
            scope: key.scope.clone(),
            pool: Some(key.clone()),
            lifecycle: is_member.then_some(Lifecycle::Pending),
            lifecycle_since: launched_at,
            state: Some(MachineState::Pending),
            state_reason: None,
            health: is_member.then_some(Health::Healthy),
            protected: false,
            instance_type: instance_type.to_owned(),
            zone: zone.to_owned(),
            market,
            image: template
                .and_then(|it| it.image.clone())
                .or_else(|| group.spec.images.last().cloned()),
            template_name: template.map(|it| it.name.clone()),
            template_version: template.and_then(|it| it.resolved_version.clone()),
            launched_at: Some(launched_at),
            private_address: Some(address),
            public_address: None,
            private_dns: Some(dns),
            status_checks: Some("initializing".to_owned()),
            scheduled_event: None,
            tags,
        };
        self.machines
            .insert(id.clone(), Machine::new(row, launched_at));
        id
    }

    fn new_instance_id(&mut self) -> InstanceId {
        loop {
            let id = InstanceId::from(format!("i-0{:016x}", self.dice.cloud.u64(..)));
            if !self.machines.contains_key(&id) {
                return id;
            }
        }
    }

    /// Returns the next private address of the region, and its name.
    fn new_address(&mut self, key: &PoolKey) -> (String, String) {
        let region = self
            .regions
            .get_mut(&key.scope)
            .expect("a pool's region is there");
        region.n_addresses += 1;
        let n = region.n_addresses + 16;
        let (b, c, d) = ((n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff);
        let domain = match region.scope.region.as_str() {
            "us-east-1" => "ec2.internal".to_owned(),
            other => format!("{other}.compute.internal"),
        };
        (
            format!("10.{b}.{c}.{d}"),
            format!("ip-10-{b}-{c}-{d}.{domain}"),
        )
    }
}
