//! What a reading says of a roll: new instances, foreign hands, stages, and failures.

use std::time::Duration;

use super::{
    ground::{Ground, N_BUDGETS_UNTRIED, launched_at},
    outcome, turns_back,
};
use crate::{
    fleet::{
        Activity, ActivityStatus, Fleet, Instance, InstanceId, Phase, Timestamp, Work,
        short_duration,
    },
    operation::{Happening, Operation, Roll, TargetState},
};

/// Returns what is new about the pools of a roll.
pub(crate) fn notice(
    operation: &Operation,
    roll: &Roll,
    fleet: &Fleet,
    now: Timestamp,
) -> Vec<Happening> {
    let mut news = Vec::new();
    let mut failed = None;
    for plan in &roll.pools {
        let key = plan.pool.clone();
        let Some(ground) = Ground::new(operation, roll, plan, fleet, now) else {
            continue;
        };
        news.extend(desired(&ground));
        let of_pool = |instance: InstanceId| Happening::Registered {
            pool: key.clone(),
            instance,
        };
        news.extend(registered(&ground).map(of_pool));
        let is_short = ground.is_short();
        if is_short != ground.state.short_since.is_some() {
            let pool = key.clone();
            news.push(Happening::Short { pool, is_short });
        }
        news.extend(enlisted(&ground));
        if ground.state.in_use_at.is_none() && is_in_use(&ground) {
            news.push(Happening::InUse { pool: key.clone() });
        }
        news.extend(outcome::baseline(&ground));
        if ground.has_reached() {
            news.push(Happening::Reached { pool: key });
        }
        if failed.is_none() && may_turn_back(&ground) {
            failed = failure(&ground);
        }
    }
    news.extend(failed.map(|why| Happening::TurnedBack { why }));
    news
}

/// Says what is wrong with new instances: they are too late, or jobs fail on them.
pub(super) fn failure(ground: &Ground<'_>) -> Option<String> {
    let budget = ground.plan.boot_budget;
    let is_overdue = |since: Timestamp| {
        // An operator who resumes gives it as long again.
        since.max(ground.state.resumed_at.unwrap_or_default()) + budget <= ground.read_at
    };
    let is_late = |it: &&std::sync::Arc<Instance>| {
        let is_coming = matches!(
            it.phase(),
            Phase::InService | Phase::Pending | Phase::PendingWait
        );
        let is_in_service = it.phase() == Phase::InService;
        is_coming
            && ground.is_on_goal(it)
            && ground.is_new(it)
            && !ground.state.registered.contains_key(&it.id)
            && !(is_in_service && has_agent(ground, it))
            && is_overdue(launched_at(it))
    };
    let within = short_duration(budget);
    if ground.knows_agents()
        && let Some(late) = ground.members.iter().find(is_late)
    {
        let state = late.lifecycle.as_ref().map_or("", |it| it.as_str());
        let what = if has_agent(ground, late) {
            "it did not come into service"
        } else {
            "its agent did not register"
        };
        return Some(format!(
            "new instance {} is {state}, and {what} within {within}",
            late.id
        ));
    }
    if let Some(why) = outcome::worse(ground) {
        return Some(why);
    }
    let since = ground.state.short_since.filter(|it| is_overdue(*it))?;
    let failed = launch_failure(ground, since);
    match failed.filter(|_| !ground.has_coming()) {
        Some(why) => Some(format!(
            "the group could not launch what it wants within {within}: {why}"
        )),
        // AWS tries ever more rarely, so it may not have tried since.
        None if ground.read_at < since + budget * N_BUDGETS_UNTRIED => None,
        None => Some(format!(
            "no new instance came to take jobs within {}",
            short_duration(budget * N_BUDGETS_UNTRIED)
        )),
    }
}

/// Returns whether a failure leads back to the template before.
pub(super) fn may_turn_back(ground: &Ground<'_>) -> bool {
    let is_forward = ground.operation.turned_back().is_none() && !ground.is_stopping();
    turns_back(ground.roll) && is_forward && ground.goal.is_some()
}

/// AWS' words for the last launch that failed since then.
fn launch_failure(ground: &Ground<'_>, since: Timestamp) -> Option<String> {
    let mut activities = ground.fleet.activities.iter();
    let is_it = |it: &&std::sync::Arc<Activity>| {
        it.pool == ground.plan.pool
            && it.status == ActivityStatus::Failed
            && since <= it.ended_at.unwrap_or(it.started_at)
    };
    let failed = activities.find(is_it)?;
    failed.status_message.clone()
}

/// Compares desired with what our own calls made of it.
fn desired(ground: &Ground<'_>) -> Option<Happening> {
    let (seen, state) = (ground.capacity.desired, ground.state);
    let changed_at = state.desired_changed_at();
    if state.desired() == Some(seen) || !ground.is_settled_since(changed_at) {
        return None;
    }
    let pool = ground.plan.pool.clone();
    if state.may_be_desired(seen) {
        return Some(Happening::SawDesired {
            pool,
            desired: seen,
            by: None,
            base: Some(state.base),
        });
    }
    let by = changed_by(ground, seen);
    // Whoever said a number wants that number. Whoever took or added one wants as many fewer
    // or more than before, and what we have borrowed at the moment does not count.
    let base = match &by {
        Some(it) if is_explicit(ground, it, seen) => seen,
        Some(_) => state.moved_base(seen).max(ground.capacity.min),
        // Nobody is named: what we had borrowed was taken back first.
        None if seen < state.desired().unwrap_or(seen) => state.base.min(seen),
        None => state.moved_base(seen),
    };
    let by = by.map_or_else(
        || "AWS does not say by whom".to_owned(),
        |it| it.cause.clone(),
    );
    Some(Happening::SawDesired {
        pool,
        desired: seen,
        by: Some(by),
        base: Some(base),
    })
}

/// AWS attributes a change only in the words of the activity that followed from it.
fn changed_by<'a>(ground: &Ground<'a>, desired: u32) -> Option<&'a Activity> {
    /// An activity may begin before the reading that we compare with.
    const SLACK: Duration = Duration::from_mins(2);
    let words = format!(" to {desired}");
    let since = ground.state.desired_changed_at();
    let since = since.max(ground.operation.started_at + SLACK);
    let mut activities = ground.fleet.activities.iter();
    let is_it = |it: &&std::sync::Arc<Activity>| {
        it.pool == ground.plan.pool
            && since <= it.started_at + SLACK
            && (it.cause.contains("desired capacity") || it.cause.contains("the capacity from"))
            && it.cause.contains(&words)
            && !is_ours(ground, it)
    };
    activities.find(is_it).map(|it| &**it)
}

/// Returns whether an activity tells of a change that we made ourselves.
fn is_ours(ground: &Ground<'_>, activity: &Activity) -> bool {
    let mut raises = ground.state.raises.iter();
    let is_ended_by_us = |(id, target): (&InstanceId, &TargetState)| {
        let is_sent = target.terminate.may_have_happened_at().is_some()
            || target.standby.may_have_happened_at().is_some();
        is_sent && activity.cause.contains(id.as_str())
    };
    raises.any(|(from, to)| activity.cause.contains(&explicit(*from, *to)))
        || ground.targets().any(is_ended_by_us)
}

/// Returns whether somebody said this very number, and not how many more or fewer.
fn is_explicit(ground: &Ground<'_>, activity: &Activity, desired: u32) -> bool {
    let before = ground.state.desired();
    // As AWS words SetDesiredCapacity, and UpdateAutoScalingGroup.
    let of_update = |from: u32| {
        format!("desired: {desired} changing the desired capacity from {from} to {desired}.")
    };
    before.is_some_and(|it| {
        let cause = &activity.cause;
        cause.contains(&explicit(it, desired)) || cause.contains(&of_update(it))
    })
}

fn explicit(from: u32, to: u32) -> String {
    format!(
        "explicitly set group desired capacity changing the desired capacity from {from} to {to}."
    )
}

/// Returns the new instances that are in service, their agents registered, for the first time.
fn registered(ground: &Ground<'_>) -> impl Iterator<Item = InstanceId> {
    let is_it = |it: &&std::sync::Arc<Instance>| {
        ground.is_new(it)
            && ground.is_up(it)
            && !ground.state.registered.contains_key(&it.id)
            && has_agent(ground, it)
    };
    let found: Vec<_> = ground.members.iter().filter(is_it).collect();
    found.into_iter().map(|it| it.id.clone())
}

/// Without a controller nothing more is known of an instance than that it is in service.
fn has_agent(ground: &Ground<'_>, instance: &Instance) -> bool {
    let mut agents = ground.fleet.executors_on(&instance.id);
    ground.pool.ci.is_none()
        || agents.any(|it| matches!(it.work, Work::Busy(_) | Work::Idle { .. }))
}

/// Returns whether the group launches from what every member shall be made from.
fn is_in_use(ground: &Ground<'_>) -> bool {
    let goal = ground.goal.as_ref();
    goal.is_some_and(|it| it.is_in_use(ground.template))
}

/// Returns who has to go beside those that were named: the outdated, and what is too many.
fn enlisted(ground: &Ground<'_>) -> Vec<Happening> {
    // One that was given back is taken up again.
    let is_new = |it: &&std::sync::Arc<Instance>| {
        let target = ground.operation.target(&it.id);
        target.is_none_or(|target| {
            let terminated_at = target.terminate.may_have_happened_at();
            let is_void = terminated_at.is_none_or(|at| ground.is_settled_since(at));
            target.untag.is_applied() && is_void
        })
    };
    // As one too many it may go before its turn has come.
    let is_open = |it: &&std::sync::Arc<Instance>| {
        let target = ground.operation.target(&it.id);
        is_new(it) || target.is_some_and(|it| !it.is_begun() && !it.is_surplus)
    };
    let enlist = |id: &InstanceId, is_surplus| Happening::Enlisted {
        pool: ground.plan.pool.clone(),
        instance: id.clone(),
        is_surplus,
    };
    if ground.is_stopping() {
        // Where something is too many, it is they who go, and not who takes jobs.
        let failed = ground.members.iter().filter(|it| is_new(it));
        let failed: Vec<_> = failed.filter(|it| ground.has_failed(it)).collect();
        if !failed.is_empty() {
            let n = ground.n_to_shed();
            let n_listed = ground.failed_targets().count();
            let failed = failed.into_iter().take(n.saturating_sub(n_listed));
            return failed.map(|it| enlist(&it.id, true)).collect();
        }
    } else {
        if !is_in_use(ground) {
            return Vec::new();
        }
        let outdated: Vec<_> = ground.outdated_in_service().collect();
        if !outdated.is_empty() {
            let new = outdated.into_iter().filter(is_new);
            return new.map(|it| enlist(&it.id, false)).collect();
        }
    }
    let spare = ground.members.iter();
    let spare = spare.filter(|it| ground.is_up(it) && is_open(it)).collect();
    let spare = ground.of_fullest_zones(spare, n_too_many(ground));
    spare.into_iter().map(|it| enlist(it, true)).collect()
}

/// Returns how many more than it shall have the pool has, beside those that go already.
fn n_too_many(ground: &Ground<'_>) -> usize {
    let is_going = |id: &InstanceId, target: &TargetState| {
        let instance = ground.fleet.instances.get(id);
        let instance = instance.filter(|_| !ground.is_out(id, target));
        // Desired does not count who is in standby.
        let has_to = |it: &std::sync::Arc<Instance>| {
            let is_listed = ground.is_stopping() || target.is_surplus || ground.is_outdated(it);
            is_listed && it.phase() != Phase::Standby
        };
        instance.is_some_and(has_to)
    };
    let n_going = ground.targets().filter(|it| is_going(it.0, it.1)).count();
    ground.n_to_shed().saturating_sub(n_going)
}
