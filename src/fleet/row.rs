//! The rows that tables show, in both front ends.

use std::sync::Arc;

use super::{
    Activity, Align, Field, Fleet, Instance, Phase, Pool, Record, Roster, Scope, SourceHealth,
    SourceId, Timestamp, Value, Work,
};

const fn field(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    align: Align,
    is_default: bool,
) -> Field {
    Field {
        name,
        title,
        help,
        align,
        is_default,
    }
}

use Align::{Left, Right};

/// A pool with what its members and agents add up to.
#[derive(Clone, Debug)]
pub struct PoolRow<'a> {
    pub pool: &'a Arc<Pool>,
    pub roster: &'a Roster,
    pub scope: Option<&'a Scope>,
    pub n_executors: u32,
    pub n_busy: u32,
    pub n_idle: u32,
    pub n_queued: Option<u32>,
    pub n_outdated: u32,
}

impl<'a> PoolRow<'a> {
    pub fn all(fleet: &'a Fleet) -> Vec<Self> {
        fleet
            .pools
            .values()
            .map(|it| Self::new(fleet, it))
            .collect()
    }

    pub fn new(fleet: &'a Fleet, pool: &'a Arc<Pool>) -> Self {
        let key = pool.key();
        let roster = fleet.roster(&key);
        let mut row = Self {
            pool,
            roster,
            scope: fleet.scope(&pool.scope),
            n_executors: 0,
            n_busy: 0,
            n_idle: 0,
            n_queued: pool.ci.as_ref().map(|link| {
                let is_ours =
                    |it: &&super::Queue| it.controller == link.controller && it.label == link.label;
                fleet
                    .queues
                    .iter()
                    .filter(is_ours)
                    .map(|it| it.length)
                    .sum()
            }),
            n_outdated: 0,
        };
        for instance in &roster.instances {
            row.n_outdated += u32::from(is_outdated(instance, pool));
            for executor in fleet.executors_on(&instance.id) {
                row.n_executors += 1;
                row.n_busy += u32::from(matches!(executor.work, Work::Busy(_)));
                row.n_idle += u32::from(executor.is_available());
            }
        }
        row
    }

    pub fn count(&self, phase: Phase) -> u32 {
        self.roster.counts.get(phase)
    }
}

/// Returns whether the machine was made from another image or template version
/// than the pool would use now. Not known counts as not outdated.
pub(super) fn is_outdated(instance: &Instance, pool: &Pool) -> bool {
    let Some(template) = &pool.template else {
        return false;
    };
    let other_version = match (&instance.template_version, &template.resolved_version) {
        (Some(ours), Some(theirs)) => ours != theirs,
        _ => false,
    };
    let other_image = match (&instance.image, &template.image) {
        (Some(ours), Some(theirs)) => ours != theirs,
        _ => false,
    };
    other_version || other_image
}

impl Record for PoolRow<'_> {
    const NOUN: &'static str = "a pool";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field(
                "name",
                "POOL",
                "the group's name, or the value of the pool tag",
                Left,
                true,
            ),
            field("scope", "SCOPE", "account alias and region", Left, true),
            field("kind", "KIND", "group, static or latent", Left, false),
            field(
                "desired",
                "DESIRED",
                "instances that the group wants",
                Right,
                true,
            ),
            field("min", "MIN", "lower bound of desired", Right, true),
            field("max", "MAX", "upper bound of desired", Right, true),
            field("in_service", "INSVC", "instances in service", Right, true),
            field(
                "pending",
                "PEND",
                "instances on their way, waiting ones included",
                Right,
                true,
            ),
            field(
                "terminating",
                "TERM",
                "instances on their way out, waiting ones included",
                Right,
                true,
            ),
            field("standby", "STBY", "instances in standby", Right, true),
            field(
                "waiting",
                "WAIT",
                "instances that a lifecycle hook holds",
                Right,
                false,
            ),
            field("busy", "BUSY", "agents that run a job", Right, true),
            field(
                "idle",
                "IDLE",
                "agents that run nothing and may take a job",
                Right,
                true,
            ),
            field(
                "queued",
                "QUEUE",
                "jobs that wait for the pool's label",
                Right,
                true,
            ),
            field(
                "outdated",
                "OLD",
                "instances from another image or template version",
                Right,
                true,
            ),
            field(
                "image",
                "IMAGE",
                "the image that new instances get",
                Left,
                false,
            ),
            field(
                "template",
                "TEMPLATE",
                "launch template and version",
                Left,
                false,
            ),
            field("type", "TYPE", "instance type of the template", Left, false),
            field("zones", "ZONES", "availability zones", Left, false),
            field("suspended", "SUSPENDED", "suspended processes", Left, false),
            field(
                "label",
                "LABEL",
                "the CI label that the pool serves",
                Left,
                false,
            ),
            field("account", "ACCOUNT", "account id", Left, false),
            field("region", "REGION", "AWS region", Left, false),
            field(
                "production",
                "PROD",
                "whether the scope is production",
                Left,
                false,
            ),
        ];
        FIELDS
    }

    fn value(&self, field: &str, _now: Timestamp) -> Value<'_> {
        let pool = self.pool;
        let capacity = pool.capacity;
        let counts = |phases: &[Phase]| Value::count(phases.iter().map(|it| self.count(*it)).sum());
        match field {
            "name" => Value::text(pool.name.as_str()),
            "scope" => Value::text(pool.scope.as_str()),
            "kind" => Value::text(pool.kind.as_str()),
            "desired" => Value::maybe_count(capacity.map(|it| it.desired)),
            "min" => Value::maybe_count(capacity.map(|it| it.min)),
            "max" => Value::maybe_count(capacity.map(|it| it.max)),
            "in_service" => counts(&[Phase::InService]),
            "pending" => counts(&[Phase::Pending, Phase::PendingWait]),
            "terminating" => counts(&[Phase::Terminating, Phase::TerminatingWait]),
            "standby" => counts(&[Phase::Standby]),
            "waiting" => counts(&[Phase::PendingWait, Phase::TerminatingWait]),
            // Without a controller nothing is known of work, and that is not zero.
            "busy" => Value::maybe_count(pool.ci.as_ref().map(|_| self.n_busy)),
            "idle" => Value::maybe_count(pool.ci.as_ref().map(|_| self.n_idle)),
            "queued" => Value::maybe_count(self.n_queued),
            "outdated" => Value::count(self.n_outdated),
            "image" => Value::maybe_text(
                pool.template
                    .as_ref()
                    .and_then(|it| it.image.as_ref())
                    .map(super::ImageId::as_str),
            ),
            "template" => pool.template.as_ref().map_or(Value::Missing, |it| {
                if it.version.is_empty() {
                    Value::text(it.name.as_str())
                } else {
                    Value::text(format!("{}:{}", it.name, it.version))
                }
            }),
            "type" => Value::maybe_text(
                pool.template
                    .as_ref()
                    .and_then(|it| it.instance_type.as_deref()),
            ),
            "zones" => Value::text(pool.zones.join(",")),
            "suspended" => Value::text(
                pool.suspended
                    .iter()
                    .map(|it| it.process.as_str())
                    .collect::<Vec<_>>()
                    .join(","),
            ),
            "label" => Value::maybe_text(pool.ci.as_ref().map(|it| it.label.as_str())),
            "account" => Value::maybe_text(
                self.scope
                    .and_then(|it| it.identity.as_ref())
                    .map(|it| it.account.as_str()),
            ),
            "region" => Value::maybe_text(self.scope.map(|it| it.region.as_str())),
            "production" => Value::Flag(self.scope.is_some_and(Scope::is_production)),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(self.pool.name.as_str());
        visit(self.pool.scope.as_str());
        if let Some(link) = &self.pool.ci {
            visit(&link.label);
        }
    }
}

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
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let it = self.instance;
        match field {
            "id" => Value::text(it.id.as_str()),
            "pool" => Value::maybe_text(it.pool.as_ref().map(|key| key.name.as_str())),
            "scope" => Value::text(it.scope.as_str()),
            "lifecycle" => Value::maybe_text(it.lifecycle.as_ref().map(super::Lifecycle::as_str)),
            // `state=InService` is what operators type, whoever keeps that state.
            "state" => Value::maybe_text(
                it.lifecycle
                    .as_ref()
                    .map(super::Lifecycle::as_str)
                    .or(it.state.as_ref().map(super::MachineState::as_str)),
            ),
            "machine" => Value::maybe_text(it.state.as_ref().map(super::MachineState::as_str)),
            "health" => Value::maybe_text(it.health.as_ref().map(super::Health::as_str)),
            "work" => Value::text(self.work().map_or("unknown", Work::as_str)),
            "job" => Value::maybe_text(self.job_name()),
            "type" => Value::text(it.instance_type.as_str()),
            "az" => Value::text(it.zone.as_str()),
            "market" => Value::text(it.market.as_str()),
            "image" => Value::maybe_text(it.image.as_ref().map(super::ImageId::as_str)),
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
                    .is_some_and(super::Lifecycle::is_waiting_on_hook),
            ),
            "checks" => Value::maybe_text(it.status_checks.as_deref()),
            "event" => Value::maybe_text(it.scheduled_event.as_deref()),
            "region" => Value::maybe_text(it.zone.get(..it.zone.len().saturating_sub(1))),
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

/// A scaling activity.
#[derive(Clone, Debug)]
pub struct ActivityRow<'a>(pub &'a Arc<Activity>);

impl Record for ActivityRow<'_> {
    const NOUN: &'static str = "an activity";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("started_at", "STARTED", "when it began", Left, true),
            field("age", "AGE", "time since it began", Right, false),
            field("pool", "POOL", "the group that did it", Left, true),
            field("scope", "SCOPE", "account alias and region", Left, false),
            field("status", "STATUS", "status code", Left, true),
            field("description", "DESCRIPTION", "what is done", Left, true),
            field(
                "message",
                "MESSAGE",
                "AWS' reason for the status",
                Left,
                true,
            ),
            field("cause", "CAUSE", "who or what caused it", Left, false),
            field(
                "instance",
                "INSTANCE",
                "the instance that it is about",
                Left,
                false,
            ),
            field("percent", "%", "progress", Right, false),
            field("ended_at", "ENDED", "when it ended", Left, false),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
        let it = self.0;
        match field {
            "started_at" => Value::Time(it.started_at),
            "age" => Value::Age(now.since(it.started_at)),
            "pool" => Value::text(it.pool.name.as_str()),
            "scope" => Value::text(it.pool.scope.as_str()),
            "status" => Value::text(it.status.as_str()),
            "description" => Value::text(it.description.as_str()),
            "message" => Value::maybe_text(it.status_message.as_deref()),
            "cause" => Value::text(it.cause.as_str()),
            "instance" => Value::maybe_text(it.instance.as_ref().map(super::InstanceId::as_str)),
            "percent" => Value::maybe_count(it.percent),
            "ended_at" => it.ended_at.map_or(Value::Missing, Value::Time),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(self.0.pool.name.as_str());
        visit(&self.0.description);
        visit(&self.0.cause);
        if let Some(message) = &self.0.status_message {
            visit(message);
        }
    }
}

/// A scope with how it has been answering.
#[derive(Clone, Debug)]
pub struct ScopeRow<'a> {
    pub scope: &'a Scope,
    pub health: Option<&'a SourceHealth>,
}

impl<'a> ScopeRow<'a> {
    pub fn all(observation: &'a super::Observation) -> Vec<Self> {
        observation
            .fleet
            .scopes
            .iter()
            .map(|scope| Self {
                scope,
                health: observation
                    .sources
                    .iter()
                    .find(|it| it.source == SourceId::Scope(scope.id.clone())),
            })
            .collect()
    }
}

impl Record for ScopeRow<'_> {
    const NOUN: &'static str = "a scope";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("id", "SCOPE", "account alias and region", Left, true),
            field("profile", "PROFILE", "AWS profile", Left, true),
            field("region", "REGION", "AWS region", Left, false),
            field(
                "account",
                "ACCOUNT",
                "account id, proven by STS",
                Left,
                true,
            ),
            field("role", "ROLE", "the role or user that we are", Left, true),
            field(
                "environment",
                "ENVIRONMENT",
                "from the configuration",
                Left,
                true,
            ),
            field(
                "read_only",
                "READ-ONLY",
                "whether writes are refused",
                Left,
                true,
            ),
            field(
                "expires_at",
                "EXPIRES",
                "end of the credentials",
                Left,
                false,
            ),
            field(
                "read_at",
                "READ",
                "time of the last good reading",
                Left,
                true,
            ),
            field(
                "calls",
                "CALLS/MIN",
                "API calls in the last minute",
                Right,
                true,
            ),
            field(
                "failure",
                "FAILURE",
                "why the last reading failed",
                Left,
                true,
            ),
        ];
        FIELDS
    }

    fn value(&self, field: &str, _now: Timestamp) -> Value<'_> {
        let it = self.scope;
        match field {
            "id" => Value::text(it.id.as_str()),
            "profile" => Value::maybe_text(it.profile.as_deref()),
            "region" => Value::text(it.region.as_str()),
            "account" => Value::maybe_text(it.identity.as_ref().map(|it| it.account.as_str())),
            "role" => Value::maybe_text(it.identity.as_ref().map(super::Identity::role)),
            "environment" => Value::maybe_text(it.environment.as_deref()),
            "read_only" => Value::Flag(it.read_only),
            "expires_at" => it
                .identity
                .as_ref()
                .and_then(|it| it.expires_at)
                .map_or(Value::Missing, Value::Time),
            "read_at" => self
                .health
                .and_then(|it| it.read_at)
                .map_or(Value::Missing, Value::Time),
            "calls" => Value::maybe_count(self.health.map(|it| it.n_calls_per_minute)),
            "failure" => Value::maybe_text(
                self.health
                    .and_then(|it| it.failure.as_ref())
                    .map(|it| it.what.as_str()),
            ),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(self.scope.id.as_str());
    }
}
