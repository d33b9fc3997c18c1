//! What an operator should know before a roll: whom it touches, for how long, and what it costs the pool.

use std::{sync::Arc, time::Duration};

use crate::{
    action::{draft::Draft, verb::drain},
    fleet::{
        ActivityStatus, Health, Instance, LaunchFailure, LaunchSource, Phase, Pool, Template, Work,
        short_duration,
    },
    operation::{Change, PoolRoll, Roll, Strategy},
};

/// Warns of what a roll means for a pool.
pub(super) fn warn(
    draft: &mut Draft<'_>,
    pool: &Pool,
    template: &Template,
    plan: &PoolRoll,
    roll: &Roll,
    targets: &[&Arc<Instance>],
) {
    let key = &plan.pool;
    let n = targets.len();
    let (desired, batch) = (plan.capacity.desired, at_a_time(plan, roll));
    let dip = match (roll.strategy, roll.max_unavailable) {
        (Strategy::Surge, 0) => {
            format!("up to {batch} more than {desired} run meanwhile, and none is missing")
        }
        (_, most) => format!("up to {most} of {desired} are missing meanwhile"),
    };
    let n_missing = n_missing(draft, plan);
    let dip = if 0 < n_missing {
        format!("{n_missing} of {desired} are missing already")
    } else {
        dip
    };
    draft.warn(format!(
        "{key}: {n} instances are replaced, {batch} at a time; {dip}"
    ));
    if let Some(stages) = stages(roll, n) {
        draft.warn(format!("{key}: {stages}"));
    }
    if let Some(until) = held_until(plan, roll, n_missing).filter(|_| 0 < n) {
        draft.warn(format!("{key}: none that serves is drained until {until}"));
    }
    let takes = duration(draft, pool, plan, roll, n);
    draft.warn(match failing_launch(draft, plan) {
        Some(why) => {
            format!("{key}: how long it takes is not known: launches fail now ({why})")
        }
        None if 0 < n_missing => {
            format!("{key}: takes {takes}; that is from when the pool is whole")
        }
        None => format!("{key}: takes {takes}"),
    });
    if let Some(word) = plan
        .word
        .as_ref()
        .filter(|it| *it != "$Latest" || matches!(plan.to, Change::Existing(_)))
    {
        draft.warn(format!(
            "{key} says {word}, which is {}; it will say the number from now on",
            plan.from
        ));
    }
    if plan.word.as_deref() == Some("$Latest") && matches!(plan.to, Change::Copy { .. }) {
        draft.warn(format!("{key} says $Latest, which is the new version at once; if that moves, the number is set instead"));
    }
    if let LaunchSource::Configuration(_) = plan.from {
        draft.warn(format!("{key} launches from a launch configuration, which AWS has left behind: move it to a launch template"));
    }
    if pool.mixed.is_some() {
        draft.warn(format!("{key} has a mixed instances policy: its types and its spread stay; one that names images of its own is refused"));
    }
    if !plan.suspends.is_empty() && 0 < n {
        draft.warn("AZRebalance is suspended meanwhile: it would even the zones out without asking what runs");
    }
    warn_of_instances(draft, targets);
    if template.image.is_none() {
        draft.warn(format!("the image that {} means is not known", plan.from));
    }
    if 0 < n {
        drain::warn_of_the_end(draft, pool);
    }
    if !draft.plan.jobs_at_risk.is_empty() {
        draft.warn("the jobs run to their end; nothing is terminated before it is proven idle");
    }
}

/// Returns how many really go at a time: whoever drains first may only lack so many.
fn at_a_time(plan: &PoolRoll, roll: &Roll) -> u32 {
    match roll.strategy {
        Strategy::Surge => plan.batch,
        Strategy::TerminateFirst => plan.batch.min(roll.max_unavailable.max(1)),
    }
}

/// Says where it stops on its way: at the canaries, and at its checkpoints.
fn stages(roll: &Roll, n: usize) -> Option<String> {
    let canaries = usize::try_from(roll.canary).unwrap_or(usize::MAX).min(n);
    let canary = (0 < canaries).then(|| {
        let bake = short_duration(roll.bake);
        format!("{canaries} of them first, alone, and watched for {bake}")
    });
    let stops = (!roll.checkpoints.is_empty() && 0 < n).then(|| {
        let percents: Vec<String> = roll
            .checkpoints
            .iter()
            .map(|it| format!("{it} %"))
            .collect();
        let delay = short_duration(roll.checkpoint_delay);
        format!("it stops at {} for {delay} each", percents.join(" and "))
    });
    let words: Vec<String> = canary.into_iter().chain(stops).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Returns how many of those that the pool wants do not serve now.
fn n_missing(draft: &Draft<'_>, plan: &PoolRoll) -> u32 {
    let members = &draft.fleet.roster(&plan.pool).instances;
    let serves = |it: &&Arc<Instance>| {
        it.phase() == Phase::InService && it.health != Some(Health::Unhealthy)
    };
    let n_serving = u32::try_from(members.iter().filter(serves).count()).unwrap_or(u32::MAX);
    plan.capacity.desired.saturating_sub(n_serving)
}

/// Says what a roll waits for before it drains the first, where the pool is too short for it.
fn held_until(plan: &PoolRoll, roll: &Roll, n_missing: u32) -> Option<String> {
    let desired = plan.capacity.desired;
    match roll.max_unavailable {
        _ if n_missing == 0 => None,
        0 => Some(format!(
            "more than {desired} are in service, as none may be missing"
        )),
        1 => Some("the pool is whole, as at most 1 may be missing".to_owned()),
        most if most <= n_missing => Some(format!(
            "fewer than {most} are missing, as at most {most} may be"
        )),
        _ => None,
    }
}

/// Says why the pool's newest launch failed, if it did.
fn failing_launch(draft: &Draft<'_>, plan: &PoolRoll) -> Option<String> {
    let activities = &draft.fleet.activities;
    let mut launches = activities
        .iter()
        .filter(|it| it.pool == plan.pool && it.description.starts_with("Launching"));
    let failure = LaunchFailure::of(launches.next()?)?;
    Some(match failure.zone {
        Some(zone) => format!("{} in {zone}", failure.cause),
        None => failure.cause,
    })
}

/// What an operator should know of those that go.
fn warn_of_instances(draft: &mut Draft<'_>, targets: &[&Arc<Instance>]) {
    let lacks_agent = |it: &&&Arc<Instance>| draft.fleet.executors_on(&it.id).next().is_none();
    let n_agentless = targets.iter().filter(lacks_agent).count();
    if 0 < n_agentless {
        draft.warn(format!("no agent is known on {n_agentless} of them: nothing proves these idle, so they go to standby and run on"));
    }
    let hides = |it: &Instance| {
        let mut agents = draft.fleet.executors_on(&it.id);
        agents.any(|it| {
            matches!(it.work, Work::Unknown(_)) || it.jobs().is_empty() && 0 < it.n_busy_slots
        })
    };
    let n_hidden = targets.iter().filter(|it| hides(it)).count();
    if 0 < n_hidden {
        draft.warn(format!(
            "what runs on {n_hidden} of them is hidden from us: the jobs above are not all"
        ));
    }
    let is_protected = |it: &&&Arc<Instance>| it.protected;
    let n_protected = targets.iter().filter(is_protected).count();
    if 0 < n_protected {
        draft.warn(format!("{n_protected} of them are protected from scale-in; a roll names them, so they go all the same"));
    }
}

/// Estimates from the real boots of the pool, as its activities tell; jobs come on top.
fn duration(draft: &Draft<'_>, pool: &Pool, plan: &PoolRoll, roll: &Roll, n: usize) -> String {
    let key = pool.key();
    let took = |it: &&Arc<crate::fleet::Activity>| {
        let is_boot = it.pool == key
            && it.status == ActivityStatus::Successful
            && it.description.starts_with("Launching");
        it.ended_at
            .filter(|_| is_boot)
            .map(|end| end.since(it.started_at))
    };
    let mut boots: Vec<Duration> = draft
        .fleet
        .activities
        .iter()
        .filter_map(|it| took(&it))
        .collect();
    boots.sort();
    let jobs = "and as long as the jobs that run take";
    let Some(boot) = boots.get(boots.len() / 2) else {
        return format!("unknown: no boot of this pool is known yet; {jobs}");
    };
    let batch = usize::try_from(at_a_time(plan, roll))
        .unwrap_or(usize::MAX)
        .max(1);
    let n_batches = u32::try_from(n.div_ceil(batch)).unwrap_or(u32::MAX);
    let stops = u32::try_from(roll.checkpoints.len()).unwrap_or(u32::MAX);
    let bake = if 0 < roll.canary {
        roll.bake
    } else {
        Duration::ZERO
    };
    let whole = (*boot + roll.proof.span).saturating_mul(n_batches)
        + bake
        + roll.checkpoint_delay.saturating_mul(stops);
    format!(
        "about {}, by {} of a boot; {jobs}",
        short_duration(whole),
        short_duration(*boot)
    )
}
