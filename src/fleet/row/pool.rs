//! The row of a pool: its group, its members and its agents, added up.

use std::{collections::BTreeSet, sync::Arc};

use super::field;
use crate::fleet::{
    Align::{Left, Right},
    CiLink, Field, Fleet, FreezeMark, ImageId, Instance, Phase, Pool, PriceSource, Queue, Record,
    Roster, Scope, Split, Timestamp, Value, Work,
};

/// A pool with what its members and agents add up to.
#[derive(Clone, Debug)]
pub struct PoolRow<'a> {
    pub pool: &'a Arc<Pool>,
    pub roster: &'a Roster,
    pub fleet: &'a Fleet,
    pub scope: Option<&'a Scope>,
    pub n_executors: u32,
    pub n_busy: u32,
    pub n_idle: u32,
    pub n_queued: Option<u32>,
    pub n_outdated: u32,
    /// Whether the pool's controller was ever read; without that, no work is known.
    pub is_work_known: bool,
    /// What the members cost, where that was added up already.
    pub known_split: Option<Split>,
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
        let link = pool.ci.as_ref().filter(|it| is_read(fleet, it));
        let mut row = Self {
            pool,
            roster,
            fleet,
            scope: fleet.scope(&pool.scope),
            n_executors: 0,
            n_busy: 0,
            n_idle: 0,
            is_work_known: link.is_some(),
            n_queued: link.map(|link| {
                let is_ours =
                    |it: &&Queue| it.controller == link.controller && it.label == link.label;
                fleet
                    .queues
                    .iter()
                    .filter(is_ours)
                    .map(|it| it.length)
                    .sum()
            }),
            n_outdated: 0,
            known_split: None,
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

    /// Returns what its members cost per hour now, by what they do.
    pub fn split(&self, now: Timestamp) -> Split {
        self.known_split
            .unwrap_or_else(|| self.fleet.split_of(&self.roster.instances, now))
    }

    /// Returns who said what the members cost, each once.
    fn price_sources(&self) -> Vec<&'static str> {
        let members = self.roster.instances.iter();
        let sources: BTreeSet<_> = members.filter_map(|it| Some(it.price?.source)).collect();
        sources.into_iter().map(PriceSource::as_str).collect()
    }
}

/// Returns whether a controller was ever read: it, or anything of it, is there.
fn is_read(fleet: &Fleet, link: &CiLink) -> bool {
    let name = &link.controller;
    fleet.controllers.iter().any(|it| it.name == *name)
        || fleet.executors.iter().any(|it| it.controller == *name)
        || fleet.queues.iter().any(|it| it.controller == *name)
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

    #[expect(clippy::too_many_lines, reason = "a table, one entry for each field")]
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
                "frozen",
                "FROZEN",
                "how long a freeze still holds the group; `until thaw` without an end",
                Right,
                false,
            ),
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
            field(
                "usd_per_hour",
                "$/H",
                "what its instances cost per hour now",
                Right,
                false,
            ),
            field(
                "waste_usd_per_hour",
                "WASTE/H",
                "the part of it that does no work",
                Right,
                false,
            ),
            field(
                "price_source",
                "PRICE FROM",
                "who said what they cost",
                Left,
                false,
            ),
        ];
        FIELDS
    }

    fn value(&self, field: &str, now: Timestamp) -> Value<'_> {
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
            "busy" => Value::maybe_count(self.is_work_known.then_some(self.n_busy)),
            "idle" => Value::maybe_count(self.is_work_known.then_some(self.n_idle)),
            "queued" => Value::maybe_count(self.n_queued),
            "outdated" => Value::count(self.n_outdated),
            "image" => Value::maybe_text(
                pool.template
                    .as_ref()
                    .and_then(|it| it.image.as_ref())
                    .map(ImageId::as_str),
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
            "frozen" => match FreezeMark::of(pool) {
                None => Value::Missing,
                Some(Err(_)) => Value::text("unreadable"),
                Some(Ok(it)) if it.is_overdue(now) => Value::text("overdue"),
                Some(Ok(it)) => it
                    .until
                    .map_or(Value::text("until thaw"), |it| Value::Age(it.since(now))),
            },
            "label" => Value::maybe_text(pool.ci.as_ref().map(|it| it.label.as_str())),
            "account" => Value::maybe_text(
                self.scope
                    .and_then(|it| it.identity.as_ref())
                    .map(|it| it.account.as_str()),
            ),
            "region" => Value::maybe_text(self.scope.map(|it| it.region.as_str())),
            "production" => Value::Flag(self.scope.is_some_and(Scope::is_production)),
            "usd_per_hour" => Value::maybe_usd(self.split(now).total()),
            "waste_usd_per_hour" => Value::maybe_usd(self.split(now).waste()),
            "price_source" => Value::text(self.price_sources().join(",")),
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
