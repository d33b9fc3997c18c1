//! The row of a machine: what its group, EC2 and its agents say of it.

use std::sync::Arc;

use super::{field, pool::is_outdated};
use crate::fleet::{
    Align::{Left, Right},
    Field, Fleet, Health, ImageId, Instance, Lifecycle, MachineState, Pool, Record, Timestamp, Usd,
    Use, Value, Work,
};

/// An instance with its pool and its agents.
#[derive(Clone, Debug)]
pub struct InstanceRow<'a> {
    pub instance: &'a Arc<Instance>,
    pub pool: Option<&'a Arc<Pool>>,
    pub fleet: &'a Fleet,
}

impl<'a> InstanceRow<'a> {
    pub fn all(fleet: &'a Fleet) -> Vec<Self> {
        fleet
            .instances
            .values()
            .map(|it| Self::new(fleet, it))
            .collect()
    }

    pub fn new(fleet: &'a Fleet, instance: &'a Arc<Instance>) -> Self {
        Self {
            instance,
            pool: instance.pool.as_ref().and_then(|it| fleet.pool(it)),
            fleet,
        }
    }

    /// Returns what the agents of this machine do, the busiest first; `None` without an agent.
    pub fn work(&self) -> Option<&'a Work> {
        let rank = |it: &Work| match it {
            Work::Busy(_) => 0,
            Work::Unknown(_) => 1,
            Work::Offline { .. } => 2,
            Work::Idle { .. } => 3,
        };
        self.fleet
            .executors_on(&self.instance.id)
            .map(|it| &it.work)
            .min_by_key(|it| rank(it))
    }

    pub fn is_outdated(&self) -> bool {
        self.pool.is_some_and(|it| is_outdated(self.instance, it))
    }

    /// Returns what it costs while it does no work; `None` when its price or its use is not known.
    pub fn waste_per_hour(&self, now: Timestamp) -> Option<Usd> {
        match self.fleet.use_of(self.instance, now) {
            Some(Use::Unknown) => None,
            Some(it) if it.is_waste() => self.instance.usd_per_hour(),
            None | Some(_) => Some(Usd::ZERO),
        }
    }

    fn is_cordoned(&self) -> bool {
        self.fleet
            .executors_on(&self.instance.id)
            .any(|it| it.cordoned)
    }

    fn job_name(&self) -> Option<&'a str> {
        self.fleet
            .executors_on(&self.instance.id)
            .find_map(|it| it.jobs().first().map(|job| job.name.as_str()))
    }
}

impl Record for InstanceRow<'_> {
    const NOUN: &'static str = "an instance";

    #[expect(clippy::too_many_lines, reason = "a table, one entry for each field")]
    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("id", "INSTANCE", "EC2 instance id", Left, true),
            field("pool", "POOL", "the pool that it belongs to", Left, true),
            field("scope", "SCOPE", "account alias and region", Left, false),
            field(
                "lifecycle",
                "LIFECYCLE",
                "lifecycle state in its group",
                Left,
                true,
            ),
            field(
                "state",
                "STATE",
                "lifecycle state, or the state of the machine outside a group",
                Left,
                false,
            ),
            field(
                "machine",
                "MACHINE",
                "state of the EC2 machine",
                Left,
                false,
            ),
            field(
                "health",
                "HEALTH",
                "health that the group believes",
                Left,
                false,
            ),
            field("work", "WORK", "busy, idle, offline or unknown", Left, true),
            field("job", "JOB", "the job that its agent runs", Left, false),
            field("type", "TYPE", "instance type", Left, true),
            field("az", "AZ", "availability zone", Left, true),
            field("market", "MARKET", "on-demand or spot", Left, true),
            field("image", "IMAGE", "image that it was made from", Left, false),
            field(
                "template_version",
                "VER",
                "launch template version",
                Right,
                true,
            ),
            field("age", "AGE", "time since its launch", Right, true),
            field(
                "in_state",
                "IN STATE",
                "time since it was first seen in this lifecycle state",
                Right,
                false,
            ),
            field("launched_at", "LAUNCHED", "time of its launch", Left, false),
            field("address", "ADDRESS", "private address", Left, false),
            field("public_address", "PUBLIC", "public address", Left, false),
            field("name", "NAME", "the Name tag", Left, false),
            field("protected", "PROT", "protected from scale-in", Left, true),
            field(
                "outdated",
                "OLD",
                "from another image or template version than the pool uses now",
                Left,
                false,
            ),
            field("spot", "SPOT", "a spot instance", Left, false),
            field(
                "cordoned",
                "CORDON",
                "its agent takes no new jobs",
                Left,
                false,
            ),
            field("waiting", "WAIT", "held by a lifecycle hook", Left, false),
            field("checks", "CHECKS", "EC2 status checks", Left, false),
            field("event", "EVENT", "scheduled event of the host", Left, false),
            field("region", "REGION", "AWS region", Left, false),
            field("platform", "PLATFORM", "what EC2 bills it as", Left, false),
            field(
                "usd_per_hour",
                "$/H",
                "what it costs per hour now",
                Right,
                false,
            ),
            field(
                "waste_usd_per_hour",
                "WASTE/H",
                "that, while it does no work",
                Right,
                false,
            ),
            field(
                "use",
                "USE",
                "what its money goes to: busy, idle, booting, draining, standby, retained, stray or unknown",
                Left,
                false,
            ),
            field(
                "price_source",
                "PRICE FROM",
                "who said what it costs",
                Left,
                false,
            ),
            field(
                "price_at",
                "PRICE OF",
                "the date of that price",
                Left,
                false,
            ),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let it = self.instance;
        match field {
            "id" => Value::text(it.id.as_str()),
            "pool" => Value::maybe_text(it.pool.as_ref().map(|key| key.name.as_str())),
            "scope" => Value::text(it.scope.as_str()),
            "lifecycle" => Value::maybe_text(it.lifecycle.as_ref().map(Lifecycle::as_str)),
            // `state=InService` is what operators type, whoever keeps that state.
            "state" => Value::maybe_text(
                it.lifecycle
                    .as_ref()
                    .map(Lifecycle::as_str)
                    .or(it.state.as_ref().map(MachineState::as_str)),
            ),
            "machine" => Value::maybe_text(it.state.as_ref().map(MachineState::as_str)),
            "health" => Value::maybe_text(it.health.as_ref().map(Health::as_str)),
            "work" => Value::text(self.work().map_or("unknown", Work::as_str)),
            "job" => Value::maybe_text(self.job_name()),
            "type" => Value::text(it.instance_type.as_str()),
            "az" => Value::text(it.zone.as_str()),
            "market" => Value::text(it.market.as_str()),
            "image" => Value::maybe_text(it.image.as_ref().map(ImageId::as_str)),
            "template_version" => Value::maybe_text(it.template_version.as_deref()),
            "age" => it
                .launched_at
                .map_or(Value::Missing, |at| Value::Age(now.since(at))),
            "in_state" => Value::Age(now.since(it.lifecycle_since)),
            "launched_at" => it.launched_at.map_or(Value::Missing, Value::Time),
            "address" => Value::maybe_text(it.private_address.as_deref()),
            "public_address" => Value::maybe_text(it.public_address.as_deref()),
            "name" => Value::maybe_text(it.name()),
            "protected" => Value::Flag(it.protected),
            "outdated" => Value::Flag(self.is_outdated()),
            "spot" => Value::Flag(it.is_spot()),
            "cordoned" => Value::Flag(self.is_cordoned()),
            "waiting" => Value::Flag(
                it.lifecycle
                    .as_ref()
                    .is_some_and(Lifecycle::is_waiting_on_hook),
            ),
            "checks" => Value::maybe_text(it.status_checks.as_deref()),
            "event" => Value::maybe_text(it.scheduled_event.as_deref()),
            "region" => Value::maybe_text(it.zone.get(..it.zone.len().saturating_sub(1))),
            "platform" => Value::maybe_text(it.platform.as_deref()),
            "usd_per_hour" => Value::maybe_usd(it.usd_per_hour()),
            "waste_usd_per_hour" => Value::maybe_usd(self.waste_per_hour(now)),
            "use" => Value::maybe_text(self.fleet.use_of(it, now).map(Use::as_str)),
            "price_source" => Value::maybe_text(it.price.map(|price| price.source.as_str())),
            "price_at" => it
                .price
                .map_or(Value::Missing, |price| Value::Time(price.at)),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        let it = self.instance;
        visit(it.id.as_str());
        visit(it.pool_name());
        visit(&it.instance_type);
        visit(&it.zone);
        if let Some(lifecycle) = &it.lifecycle {
            visit(lifecycle.as_str());
        }
        for word in [it.name(), it.private_address.as_deref(), self.job_name()]
            .into_iter()
            .flatten()
        {
            visit(word);
        }
    }
}
