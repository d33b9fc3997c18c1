//! What somebody else changed while an operation ran: found by comparing what the
//! operation left with what a reading shows. It is told, and never changed back.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Happening, Mark, Operation, PoolRoll, Sight, Slot, Spec, Standing, Subject, TAG, TargetState,
    sight::is_leaving,
};
use crate::fleet::{Activity, Fleet, Instance, InstanceId, Phase, Pool, PoolKey, Timestamp};

/// One thing that was changed by somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fight {
    pub subject: Subject,
    pub what: Fought,
    /// As the operation left it.
    pub left: String,
    pub found: String,
    /// AWS' own words for who did it, where an activity or a suspension tells.
    pub cause: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fought {
    Desired,
    Bounds,
    Suspended,
    Template,
    Protection,
    Cordon,
    Mark,
}

/// What a group is like, as far as operations mind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    pub desired: Option<u32>,
    pub bounds: Option<(u32, u32)>,
    pub suspended: Vec<String>,
    pub template: Option<String>,
}

/// What an operation left a group like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftShape {
    pub at: Timestamp,
    pub shape: Shape,
    /// Decrements of ours that may have happened since.
    pub n_maybe: u32,
    /// When we last changed it ourselves.
    pub changed_at: Option<Timestamp>,
}

impl Shape {
    pub fn of(pool: &Pool) -> Self {
        let mut suspended: Vec<String> = pool
            .suspended
            .iter()
            .map(|it| it.process.to_string())
            .collect();
        suspended.sort();
        Self {
            desired: pool.capacity.map(|it| it.desired),
            bounds: pool.capacity.map(|it| (it.min, it.max)),
            suspended,
            template: pool.template.as_ref().map(|it| {
                let version = it.resolved_version.as_ref().unwrap_or(&it.version);
                format!("{} {version}", it.name).trim().to_owned()
            }),
        }
    }
}

impl LeftShape {
    pub(super) fn new(at: Timestamp, shape: Shape) -> Self {
        Self {
            at,
            shape,
            n_maybe: 0,
            changed_at: None,
        }
    }

    /// Counts a decrement that was sent, or its answer.
    pub(super) fn decrement(&mut self, at: Timestamp, happened: Option<bool>) {
        self.changed_at = Some(at);
        match happened {
            None => self.n_maybe += 1,
            Some(true) => {
                self.n_maybe = self.n_maybe.saturating_sub(1);
                self.shape.desired = self.shape.desired.map(|it| it.saturating_sub(1));
            }
            Some(false) => self.n_maybe = self.n_maybe.saturating_sub(1),
        }
    }
}

/// Returns what is new: what others changed, and what the groups are like from now on.
pub fn fights(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Vec<Happening> {
    if !matches!(
        operation.standing(),
        Standing::Running | Standing::Aborting { .. }
    ) {
        return Vec::new();
    }
    let mut news = Vec::new();
    // The others change their groups themselves, and see to it on their own.
    let is_drain = matches!(operation.spec, Spec::Drain(_));
    for key in operation.spec.pools().into_iter().filter(|_| is_drain) {
        let Some(pool) = fleet.pool(key) else {
            continue;
        };
        news.extend(explained(operation, fleet, pool, now));
        news.extend(about_pool(operation, fleet, pool, now));
    }
    if let Spec::Roll(roll) = &operation.spec {
        let resumed = roll
            .pools
            .iter()
            .filter_map(|it| resumed(operation, it, fleet));
        news.extend(resumed.map(|fight| Happening::Fought { fight }));
    }
    let settle = operation.spec.proof().settle;
    for (id, target) in operation.targets() {
        let Some(instance) = fleet.instances.get(id).filter(|it| !is_leaving(it)) else {
            continue;
        };
        if !target.untag.is_applied() {
            let found = about_target(operation, fleet, (id, target), instance, now, settle);
            news.extend(found.into_iter().map(|fight| Happening::Fought { fight }));
        }
    }
    news
}

/// Returns what somebody else resumed of what a roll suspended; told once, and left so.
fn resumed(operation: &Operation, plan: &PoolRoll, fleet: &Fleet) -> Option<Fight> {
    let pool = fleet.pool(&plan.pool)?;
    let state = operation.pool(&plan.pool);
    let Mark::Applied(suspended_at) = state.mark(Slot::Suspend) else {
        return None;
    };
    let read_at = fleet.read_at(&plan.pool.scope)?;
    let is_settled = operation.spec.proof().settle <= read_at.since(*suspended_at);
    let running = plan.suspends.iter().filter(|it| !pool.is_suspended(it));
    let running: Vec<String> = running.map(ToString::to_string).collect();
    let subject = Subject::Pool(plan.pool.clone());
    let is_told = |(at, it): &(Timestamp, Fight)| {
        it.what == Fought::Suspended && it.subject == subject && suspended_at <= at
    };
    let is_news = is_settled
        && !running.is_empty()
        && state.mark(Slot::Resume) == &Mark::None
        && !operation.fights().iter().any(is_told);
    is_news.then(|| Fight {
        subject: subject.clone(),
        what: Fought::Suspended,
        left: format!("{} suspended", running.join(", ")),
        found: "running".to_owned(),
        cause: None,
    })
}

fn about_pool(operation: &Operation, fleet: &Fleet, pool: &Pool, now: Timestamp) -> Vec<Happening> {
    let key = pool.key();
    let found = Shape::of(pool);
    let noted = |shape: Shape| Happening::Noted {
        pool: key.clone(),
        shape,
    };
    let Some(left) = operation.left_shape(&key) else {
        return vec![noted(found)];
    };
    // Reads lag behind our own writes.
    let settle = operation.spec.proof().settle;
    if left.changed_at.is_some_and(|it| now.since(it) < settle) {
        return Vec::new();
    }
    let mut news: Vec<Happening> = compare(&key, left, &found)
        .into_iter()
        .map(|mut fight| {
            fight.cause = cause(fleet, pool, &fight, left.at);
            Happening::Fought { fight }
        })
        .collect();
    if !news.is_empty() || 0 < left.n_maybe {
        news.push(noted(found));
    }
    news
}

/// An activity that explains a change may begin after it was seen.
fn explained(operation: &Operation, fleet: &Fleet, pool: &Pool, now: Timestamp) -> Vec<Happening> {
    const PATIENCE: Duration = Duration::from_mins(10);
    let subject = Subject::Pool(pool.key());
    let is_open = |(at, it): &&(Timestamp, Fight)| {
        it.cause.is_none() && it.subject == subject && now.since(*at) < PATIENCE
    };
    let open = operation.fights().iter().filter(is_open);
    open.filter_map(|(at, it)| {
        let cause = Some(cause(fleet, pool, it, *at)?);
        let fight = Fight {
            cause,
            ..it.clone()
        };
        Some(Happening::Fought { fight })
    })
    .collect()
}

/// Compares what was left with what is found; nobody is accused yet.
fn compare(key: &PoolKey, left: &LeftShape, found: &Shape) -> Vec<Fight> {
    let mut fights = Vec::new();
    let mut fight = |what, left: String, found: String| {
        fights.push(Fight {
            subject: Subject::Pool(key.clone()),
            what,
            left,
            found,
            cause: None,
        });
    };
    if let (Some(ours), Some(theirs)) = (left.shape.desired, found.desired) {
        let lowest = ours.saturating_sub(left.n_maybe);
        if theirs < lowest || ours < theirs {
            fight(Fought::Desired, ours.to_string(), theirs.to_string());
        }
    }
    let bounds = |(min, max): (u32, u32)| format!("{min} to {max}");
    if let (Some(ours), Some(theirs)) = (left.shape.bounds, found.bounds)
        && ours != theirs
    {
        fight(Fought::Bounds, bounds(ours), bounds(theirs));
    }
    let list = |it: &[String]| match it {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    if left.shape.suspended != found.suspended {
        let (ours, theirs) = (list(&left.shape.suspended), list(&found.suspended));
        fight(Fought::Suspended, ours, theirs);
    }
    // A template that could not be resolved this time is no other one.
    if let (Some(ours), Some(theirs)) = (&left.shape.template, &found.template)
        && ours != theirs
    {
        fight(Fought::Template, ours.clone(), theirs.clone());
    }
    fights
}

/// Finds AWS' words for who changed it: of the newest activity that explains it, or of the suspension.
fn cause(fleet: &Fleet, pool: &Pool, fight: &Fight, since: Timestamp) -> Option<String> {
    /// An activity may begin before the reading that we compare with.
    const SLACK: Duration = Duration::from_mins(2);
    match fight.what {
        Fought::Desired => {
            let key = pool.key();
            let is_recent =
                |it: &&std::sync::Arc<Activity>| it.pool == key && since <= it.started_at + SLACK;
            let exact = format!("from {} to {}", fight.left, fight.found);
            let mut recent = fleet.activities.iter().filter(is_recent);
            let exactly = recent.clone().find(|it| it.cause.contains(&exact));
            // One that led to another number explains nothing.
            let to = format!(" to {}", fight.found);
            let leads_there = |it: &str| {
                let mut after = it.match_indices(&to).map(|(at, _)| &it[at + to.len()..]);
                after.any(|it| !it.starts_with(|it: char| it.is_ascii_digit()))
            };
            let is_it = |it: &&std::sync::Arc<Activity>| {
                it.cause.contains("desired capacity") && leads_there(&it.cause)
            };
            let found = exactly.or_else(|| recent.find(is_it));
            found.map(|it| it.cause.clone())
        }
        Fought::Suspended => {
            let is_new = |it: &&crate::fleet::Suspension| {
                !fight
                    .left
                    .split(", ")
                    .any(|left| left == it.process.to_string())
            };
            let found = pool.suspended.iter().find(is_new);
            found
                .map(|it| it.reason.clone())
                .filter(|it| !it.is_empty())
        }
        Fought::Bounds | Fought::Template | Fought::Protection | Fought::Cordon | Fought::Mark => {
            None
        }
    }
}

fn about_target(
    operation: &Operation,
    fleet: &Fleet,
    (id, target): (&InstanceId, &TargetState),
    instance: &Instance,
    now: Timestamp,
    settle: Duration,
) -> Vec<Fight> {
    let is_settled = |at: Timestamp| settle <= now.since(at);
    // Each is told once: until we make the call again.
    let is_told = |what: Fought, since: Timestamp| {
        let subject = Subject::Instance(id.clone());
        let mut told = operation.fights().iter();
        told.any(|(at, it)| it.what == what && it.subject == subject && since <= *at)
    };
    let fight = |what: Fought, left: &str, found: String| Fight {
        subject: Subject::Instance(id.clone()),
        what,
        left: left.to_owned(),
        found,
        cause: None,
    };
    let set_at = |mark: &Mark| match mark {
        Mark::Applied(at) if is_settled(*at) => Some(*at),
        _ => None,
    };
    let mut fights = Vec::new();
    if let Some(at) = set_at(&target.protect)
        && !instance.protected
        && instance.phase() == Phase::InService
        && target.unprotect == Mark::None
        && !is_told(Fought::Protection, at)
    {
        let found = "not protected".to_owned();
        fights.push(fight(Fought::Protection, "protected", found));
    }
    if let Some(at) = set_at(&target.tag)
        && target.untag == Mark::None
        && !instance.tags.contains_key(TAG)
        && !is_told(Fought::Mark, at)
    {
        let found = "not marked".to_owned();
        fights.push(fight(Fought::Mark, "marked as ours", found));
    }
    let is_open = matches!(target.seen, Some(Sight::Open { .. }));
    let mut agents = fleet.executors_on(id).filter(|_| is_open);
    if let Some(open) = agents.find(|it| !it.cordoned)
        && let Some(mark) = target
            .cordons
            .get(&(open.controller.clone(), open.id.clone()))
        && let Some(at) = set_at(mark)
        && target.uncordon == Mark::None
        && !is_told(Fought::Cordon, at)
    {
        let found = format!("agent {} is open", open.name);
        fights.push(fight(Fought::Cordon, "cordoned", found));
    }
    fights
}

impl Fight {
    /// Returns whether the two are one, of which the later knows the cause.
    pub(super) fn is_explained_by(&self, later: &Self) -> bool {
        let unexplained = Self {
            cause: None,
            ..later.clone()
        };
        later.cause.is_some() && *self == unexplained
    }
}

impl Fought {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Desired => "desired",
            Self::Bounds => "min and max",
            Self::Suspended => "suspended processes",
            Self::Template => "the template",
            Self::Protection => "the protection",
            Self::Cordon => "the cordon",
            Self::Mark => "the mark",
        }
    }
}

impl fmt::Display for Fight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            what,
            left,
            found,
            cause,
        } = self;
        write!(
            f,
            "{subject}: somebody else changed {}: {left} -> {found}",
            what.as_str()
        )?;
        match cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}
