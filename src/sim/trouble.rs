//! Why EC2 does not launch what a group asks for, in its own words.

use std::time::Duration;

use super::{activity::aws_time, dice, image::ImageTrait, scenario::Shortage, world::World};
use crate::fleet::{Market, PoolKey, Process, Suspension};

/// After launches failed for this long, AWS suspends a group by itself.
const PATIENCE: Duration = Duration::from_hours(24);

impl World {
    /// Returns EC2's reason against a launch, if there is one.
    pub(super) fn launch_trouble(
        &mut self,
        key: &PoolKey,
        zone: &str,
        instance_type: &str,
        market: &Market,
    ) -> Option<String> {
        let image = self.groups.get(key)?.launching_version().1;
        if let Some(image) = image.filter(|it| self.images.get(it) == Some(&ImageTrait::Gone)) {
            return Some(format!(
                "The image id '[{image}]' does not exist. Launching EC2 instance failed."
            ));
        }
        if let Some(most) = self.regions.get(&key.scope)?.n_machines_max {
            let alive = self.machines.values().filter(|it| it.is_alive());
            let n_alive = alive.filter(|it| it.row.scope == key.scope).count();
            if usize::try_from(most).is_ok_and(|most| most <= n_alive) {
                return Some(format!(
                    "You have requested more vCPU capacity than your current vCPU limit of {} allows for the instance \
                     bucket that the specified instance type belongs to. Launching EC2 instance failed.",
                    most * 8
                ));
            }
        }
        self.is_short(key, zone)
            .then(|| self.shortage_message(key, zone, instance_type, market))
    }

    fn is_short(&mut self, key: &PoolKey, zone: &str) -> bool {
        let is_here = |it: &&Shortage| it.zone.as_deref().is_none_or(|it| it == zone);
        let chance = self.groups.get(key).map_or(0.0, |group| {
            let here = group.spec.shortages.iter().filter(is_here);
            here.map(|it| it.chance).fold(0.0, f64::max)
        });
        let is_short = dice::happens(&mut self.dice.cloud, chance)
            || dice::happens(&mut self.dice.weather, self.faults.cloud.no_capacity);
        if let Some(group) = self.groups.get_mut(key).filter(|_| is_short) {
            group.short_zones.insert(zone.to_owned());
        }
        is_short
    }

    fn shortage_message(
        &self,
        key: &PoolKey,
        zone: &str,
        instance_type: &str,
        market: &Market,
    ) -> String {
        if *market == Market::Spot {
            return "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity \
                    available that matches your request. Launching EC2 instance failed."
                .to_owned();
        }
        let group = &self.groups[key];
        let is_elsewhere = |it: &&str| !group.short_zones.contains(*it);
        let others: Vec<&str> = group
            .row
            .zones
            .iter()
            .map(String::as_str)
            .filter(is_elsewhere)
            .collect();
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
            "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient \
             {instance_type} capacity in the Availability Zone you requested ({zone}). Our system will be working on \
             provisioning additional capacity.{elsewhere} Launching EC2 instance failed."
        )
    }

    /// Records a launch that failed; a group that fails for a day is suspended.
    pub(super) fn fail_launch(&mut self, key: &PoolKey, message: &str, cause: &str) {
        let now = self.now;
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        group.n_failures += 1;
        if group.short_zones.len() == group.row.zones.len() {
            // Every zone was tried: the next round begins anew.
            group.short_zones.clear();
        }
        let failing_since = *group.failing_since.get_or_insert(now);
        let description = format!("Launching a new EC2 instance.  Status Reason: {message}");
        self.record_failure(key, &description, cause.to_owned(), message);
        if PATIENCE < now.since(failing_since) {
            self.edit_group(key, |it| {
                it.suspended.push(Suspension {
                    process: Process::Launch,
                    reason: format!(
                        "Administrative suspension at {}: launches have been failing for more than 24 hours",
                        aws_time(now)
                    ),
                });
            });
        }
    }
}
