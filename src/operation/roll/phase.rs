//! Where a roll is, in a few words, and when it may be over.

use std::time::Duration;

use super::{
    ground::{Ground, launched_at},
    outcome,
};
use crate::{
    fleet::{Fleet, Instance, Timestamp},
    operation::{Operation, PoolRoll, Roll, Strategy},
};

/// Says what each pool is at: its template, its canaries, which batch.
pub(crate) fn phase(operation: &Operation, roll: &Roll, fleet: &Fleet, now: Timestamp) -> String {
    let of_pool = |plan: &PoolRoll| {
        let ground = Ground::new(operation, roll, plan, fleet, now);
        let words = ground.map_or_else(
            || "its pool is not read yet".to_owned(),
            |it| of_ground(&it),
        );
        match roll.pools.len() {
            1 => words,
            _ => format!("{}: {words}", plan.pool.name),
        }
    };
    let pools: Vec<String> = roll.pools.iter().map(of_pool).collect();
    pools.join("; ")
}

fn of_ground(ground: &Ground<'_>) -> String {
    let Some(goal) = &ground.goal else {
        return "makes its new template".to_owned();
    };
    if !goal.is_in_use(ground.template) {
        return format!("puts {goal} in use");
    }
    let back = if ground.operation.turned_back().is_some() {
        format!("goes back to {goal}, ")
    } else {
        String::new()
    };
    let progress = ground.progress();
    if ground.is_stopping() {
        return "gives back what it borrowed".to_owned();
    }
    if let Some((milestone, until)) = ground.baking() {
        let until = until.clock_time();
        let so_far = outcome::so_far(ground).map_or(String::new(), |it| format!(": {it}"));
        return format!("watches {} until {until}{}", milestone.name(), so_far);
    }
    if let Some(milestone) = ground.milestone().filter(|it| it.percent.is_none()) {
        let n_gone = progress.n_gone.min(milestone.upto);
        return format!(
            "replaces {}: {n_gone} of {}",
            milestone.name(),
            milestone.upto
        );
    }
    let (n_batches, batch) = batches(ground, progress.n_all);
    let at = (progress.n_gone / batch + 1).min(n_batches.max(1));
    let n_spare = ground.n_serving().saturating_sub(ground.state.base);
    let ahead = match (ground.roll.strategy, n_spare) {
        (Strategy::Surge, n) if 0 < n => format!(", {n} ahead"),
        _ => String::new(),
    };
    format!(
        "{back}batch {at} of {n_batches}: {} of {} gone or going{ahead}",
        progress.n_gone, progress.n_all
    )
}

fn batches(ground: &Ground<'_>, n: usize) -> (usize, usize) {
    let batch = usize::try_from(ground.plan.batch)
        .unwrap_or(usize::MAX)
        .max(1);
    (n.div_ceil(batch), batch)
}

/// Estimates when it is over, from how long new instances and jobs really take; `None`
/// before the first new instance has come up.
pub(crate) fn eta(
    operation: &Operation,
    roll: &Roll,
    fleet: &Fleet,
    now: Timestamp,
) -> Option<Timestamp> {
    let of_pool = |plan: &PoolRoll| {
        let ground = Ground::new(operation, roll, plan, fleet, now)?;
        of_pool(&ground)
    };
    let ends: Option<Vec<Timestamp>> = roll.pools.iter().map(of_pool).collect();
    ends?.into_iter().max()
}

fn of_pool(ground: &Ground<'_>) -> Option<Timestamp> {
    let progress = ground.progress();
    let n_left = progress.n_all - progress.n_gone;
    let last_job = ground
        .outdated_in_service()
        .flat_map(|it| ground.fleet.executors_on(&it.id))
        .flat_map(|it| it.jobs())
        .filter_map(|it| it.expected_end)
        .max();
    let baked = ground.baking().map_or(ground.now, |it| it.1);
    if n_left == 0 {
        return Some(baked);
    }
    let (n_batches, _) = batches(ground, n_left);
    let n_batches = u32::try_from(n_batches).unwrap_or(u32::MAX);
    let each = boot(ground)? + ground.roll.proof.span;
    let ahead: Duration = ground
        .milestones()
        .iter()
        .skip(ground.state.reached.len())
        .map(|it| it.delay)
        .sum();
    let by_batches = baked + each.saturating_mul(n_batches) + ahead;
    // The longest job may outlast everything else; its proof comes after it.
    Some(last_job.map_or(by_batches, |it| by_batches.max(it + ground.roll.proof.span)))
}

/// Returns the middle of the times that this operation's new instances took to come up.
fn boot(ground: &Ground<'_>) -> Option<Duration> {
    let took = |it: &std::sync::Arc<Instance>| {
        let at = ground.state.registered.get(&it.id)?;
        Some(at.since(launched_at(it)))
    };
    let mut times: Vec<Duration> = ground.members.iter().filter_map(took).collect();
    times.sort();
    times.get(times.len() / 2).copied()
}
