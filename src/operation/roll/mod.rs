//! A roll: every member of a pool is replaced by one of another template, and no job ends for it.
//!
//! The template comes first; then new instances, as many at a time as a batch has; then as
//! many old ones go by the drain protocol. Each decision is made anew from what is there:
//! whoever changes the pool meanwhile changes what comes next, not what is right.

mod ground;
mod left;
mod mark;
mod milestone;
mod notice;
mod outcome;
mod phase;
mod size;
mod template;
mod withdraw;

use ground::Ground;
pub(super) use left::left;
pub(super) use notice::notice;
pub use outcome::Outcomes;
pub(super) use phase::{eta, phase};

use super::{
    Halt, OnFailure, Operation, Roll, Standing, TargetState, WaitingOn,
    decide::{Decision, Step, Tally},
    missing,
    protocol::{self, Context, Terms},
    undo,
};
use crate::fleet::{Call, Fleet, Instance, InstanceId, Phase as Place, RefreshStatus, Timestamp};

pub(super) fn decide(
    operation: &Operation,
    roll: &Roll,
    fleet: &Fleet,
    now: Timestamp,
) -> Decision {
    let mut tally = Tally::default();
    let mut grounds = Vec::new();
    for plan in &roll.pools {
        if let Some(it) = Ground::new(operation, roll, plan, fleet, now) {
            grounds.push(it);
        } else {
            let step = missing::step(operation, &plan.pool, fleet, now);
            if let Some(decision) = tally.take(plan.pool.clone(), step) {
                return decision;
            }
        }
    }
    let n_missing = grounds.iter().map(Ground::n_missing).sum();
    for ground in &grounds {
        if let Some(decision) = decide_pool(ground, n_missing, &mut tally) {
            return decision;
        }
    }
    // Whoever waits for one that is stuck waits for an operator, too.
    let is_moving = grounds.iter().any(Ground::is_moving);
    if !is_moving {
        tally.forget_waits_for_the_stuck();
    }
    tally.decide()
}

/// Decides about one pool: those on their way out first, because hooks do not wait.
fn decide_pool(ground: &Ground<'_>, n_missing: u32, tally: &mut Tally) -> Option<Decision> {
    let prepared = prepare(ground);
    let is_prepared = matches!(prepared, Step::Finished);
    let is_paused = *ground.operation.standing() == Standing::Paused;
    let shed = if ground.is_stopping() {
        to_shed(ground)
    } else {
        Vec::new()
    };
    for (id, target) in ground.targets() {
        let context = Context {
            operation: ground.operation,
            terms: terms(ground, id),
            id,
            target,
            fleet: ground.fleet,
            now: ground.now,
        };
        let step = match protocol::still_there(&context) {
            Err(step) => step,
            Ok(instance) if is_paused && ground.is_member(instance) => {
                Step::Wait(WaitingOn::Paused)
            }
            // It waits for whatever its pool waits for.
            Ok(_) if !is_prepared => Step::Finished,
            Ok(instance) => target_step(ground, &context, instance, n_missing, &shed),
        };
        if let Some(decision) = tally.take(id.clone(), step) {
            return Some(decision);
        }
    }
    let key = || ground.plan.pool.clone();
    if !is_prepared {
        return tally.take(key(), prepared);
    }
    tally
        .take(key(), size::grow(ground))
        .or_else(|| tally.take(key(), finish(ground)))
}

/// What has to be so before an instance is touched.
fn prepare(ground: &Ground<'_>) -> Step {
    if *ground.operation.standing() == Standing::Paused {
        return Step::Wait(WaitingOn::Paused);
    }
    if ground.is_stopping() {
        if withdraw::is_due(ground) {
            return Step::Finished;
        }
        return withdraw::release(ground);
    }
    let refresh = ground.pool.refresh.as_ref();
    if let Some(refresh) = refresh.filter(|it| !RefreshStatus::is_over(&it.status)) {
        return Step::Stuck(Halt::RefreshRunning {
            pool: ground.plan.pool.clone(),
            id: refresh.id.clone(),
        });
    }
    for step in [mark::set, template::step, size::suspend] {
        match step(ground) {
            Step::Finished => {}
            step => return step,
        }
    }
    match notice::failure(ground) {
        None => Step::Finished,
        Some(_) if notice::may_turn_back(ground) => Step::Wait(WaitingOn::Settling {
            what: "the way back".to_owned(),
        }),
        Some(why) => Step::Stuck(Halt::NewInstances {
            pool: ground.plan.pool.clone(),
            why,
        }),
    }
}

fn target_step(
    ground: &Ground<'_>,
    context: &Context<'_>,
    instance: &Instance,
    n_missing: u32,
    shed: &[&InstanceId],
) -> Step {
    let Context { id, target, .. } = *context;
    // Put aside, by us or by somebody else, where nothing proves it idle.
    let is_aside = target.standby.may_have_happened_at().is_some() || is_agentless(ground, target);
    if is_aside && instance.phase() == Place::Standby {
        return undo::step(context, instance);
    }
    let wants_to_go = if ground.is_stopping() {
        shed.contains(&id)
    } else {
        ground.is_member(instance) && ground.has_to_go(instance, target)
    };
    if !wants_to_go {
        return undo::step(context, instance);
    }
    if !target.is_begun() {
        let wait = if ground.is_stopping() {
            wait_for_newcomers(ground, instance, n_missing)
        } else {
            wait_for_turn(ground, target, instance, n_missing)
        };
        if let Some(wait) = wait {
            return Step::Wait(wait);
        }
    }
    let step = if is_agentless(ground, target) {
        put_aside(context)
    } else {
        protocol::empty(context, instance)
    };
    // How it goes depends on a number that is not certain yet.
    let changes_size = matches!(
        step,
        Step::Apply(Call::TerminateInstance { .. } | Call::EnterStandby { .. })
    );
    if changes_size && ground.state.desired().is_none() {
        return Step::Wait(size::unsettled());
    }
    step
}

/// An old instance takes the surplus with it; where there is none the group replaces it.
fn terms<'a>(ground: &Ground<'a>, id: &InstanceId) -> Terms<'a> {
    let desired = ground.state.desired();
    let instance = ground.fleet.instances.get(id);
    let is_counted = instance.is_none_or(|it| it.counts_towards_desired());
    Terms {
        pool: &ground.plan.pool,
        proof: &ground.roll.proof,
        decrement: is_counted && desired.is_some_and(|it| ground.base() < it),
        force: false,
    }
}

/// Returns the instances that go although nothing more is begun: as many as the pool has too many.
fn to_shed<'a>(ground: &Ground<'a>) -> Vec<&'a InstanceId> {
    let is_open = |id: &InstanceId, target: &TargetState| {
        let instance = ground.fleet.instances.get(id);
        let is_in_service = instance.is_some_and(|it| it.phase() == Place::InService);
        is_in_service && !ground.is_out(id, target)
    };
    let open: Vec<_> = ground.targets().filter(|it| is_open(it.0, it.1)).collect();
    let begun = open.iter().filter(|it| it.1.is_begun());
    let mut begun: Vec<&InstanceId> = begun.map(|it| it.0).collect();
    // The idle ones first: nobody has to wait for a job.
    begun.sort_by_key(|it| !ground.is_idle(it));
    if ground.state.desired().is_none() {
        return begun;
    }
    // Whoever never took a job is missed least, then who takes none any more.
    let failed: Vec<&InstanceId> = ground.failed_targets().collect();
    let is_fresh = |it: &&(&InstanceId, &TargetState)| !it.1.is_begun() && !failed.contains(&it.0);
    let fresh = open.iter().filter(is_fresh);
    let fresh = fresh.filter_map(|it| ground.fleet.instances.get(it.0));
    let n = ground.n_to_shed();
    let fresh = ground.of_fullest_zones(fresh.collect(), n);
    let rest = begun.into_iter().chain(fresh);
    let rest = rest.filter(|it| !failed.contains(it));
    failed.iter().copied().chain(rest).take(n).collect()
}

/// Returns what its turn still lacks: the stages, the batch, and what the pool may be short of.
fn wait_for_turn(
    ground: &Ground<'_>,
    target: &TargetState,
    instance: &Instance,
    n_missing: u32,
) -> Option<WaitingOn> {
    let progress = ground.progress();
    if !target.is_surplus && ground.limit() <= progress.n_begun {
        let milestone = ground.milestone()?;
        let what = format!("{} first", milestone.name());
        return Some(WaitingOn::Stage { what });
    }
    let window = ground.window();
    if window <= progress.n_under_way {
        return Some(WaitingOn::Batch {
            n_under_way: progress.n_under_way,
            batch: window,
        });
    }
    if let Some(what) = ground.goes_before(instance) {
        return Some(WaitingOn::Stage { what });
    }
    wait_for_others(ground, instance, n_missing)
}

/// Whoever stops half-way waits for the newcomers that take jobs in its stead, as long as one
/// may take to come up.
fn wait_for_newcomers(
    ground: &Ground<'_>,
    instance: &Instance,
    n_missing: u32,
) -> Option<WaitingOn> {
    wait_for_others(ground, instance, n_missing).filter(|_| ground.awaits_newcomers())
}

/// Returns whether too few would take jobs without it.
fn wait_for_others(ground: &Ground<'_>, instance: &Instance, n_missing: u32) -> Option<WaitingOn> {
    // One that takes no jobs is not missed.
    if !ground.is_serving(instance) {
        return None;
    }
    let n_missing_here = ground.n_missing();
    let n_spare = ground.n_serving().saturating_sub(ground.base());
    let max_unavailable = ground.operation.max_unavailable();
    let max_unavailable = max_unavailable.unwrap_or(ground.roll.max_unavailable);
    if n_spare == 0 && max_unavailable <= n_missing_here {
        return Some(WaitingOn::Turn {
            n_missing: n_missing_here,
            max_unavailable,
        });
    }
    let most = ground.roll.max_unavailable_total?;
    (n_spare == 0 && most <= n_missing).then_some(WaitingOn::Total {
        n_missing,
        max_unavailable: most,
    })
}

/// Returns whether no agent of it was seen for as long as one may take to come.
fn is_agentless(ground: &Ground<'_>, target: &TargetState) -> bool {
    let seen = target.seen.as_ref().filter(|it| it.is_agentless());
    seen.is_some_and(|it| ground.plan.boot_budget <= ground.now.since(it.at()))
        && ground.knows_agents()
}

/// Nothing can prove it idle, so it is not terminated: it leaves the service, and runs on.
fn put_aside(context: &Context<'_>) -> Step {
    let call = || Call::EnterStandby {
        pool: context.terms.pool.clone(),
        instances: vec![context.id.clone()],
        decrement: context.terms.decrement,
    };
    context.attempt(&context.target.standby, "its standby", call)
}

/// What is left to do for a pool whose targets are all done.
fn finish(ground: &Ground<'_>) -> Step {
    let is_stopping = ground.is_stopping();
    if ground.has_outdated() && !is_stopping {
        let n_wanted = ground.state.desired().unwrap_or(ground.base());
        return Step::Wait(WaitingOn::NewInstances {
            n_ready: ground.n_serving().min(n_wanted),
            n_wanted,
        });
    }
    let Some(desired) = ground.state.desired() else {
        return Step::Wait(size::unsettled());
    };
    // Somebody else changed it, or what we read is old: both are known soon.
    if ground.capacity.desired != desired {
        return Step::Wait(size::unsettled());
    }
    if withdraw::is_due(ground) {
        return withdraw::step(ground);
    }
    let n = ground.n_surplus().max(withdraw::n_too_many(ground));
    if 0 < n {
        return Step::Wait(WaitingOn::Surplus { n });
    }
    let released = withdraw::release(ground);
    if !matches!(released, Step::Finished) {
        return released;
    }
    if !is_stopping {
        if let Some((milestone, until)) = ground.baking() {
            return Step::Wait(WaitingOn::Bake {
                what: milestone.name(),
                until,
                may_resume: milestone.percent.is_some(),
            });
        }
        let is_unmarked = ground.state.reached.len() < ground.milestones().len();
        if 0 < ground.n_missing() || is_unmarked {
            return Step::Wait(WaitingOn::NewInstances {
                n_ready: ground.n_serving().min(desired),
                n_wanted: desired,
            });
        }
    }
    for step in [size::restore, size::resume, mark::clear] {
        match step(ground) {
            Step::Finished => {}
            step => return step,
        }
    }
    Step::Finished
}

/// Returns whether the roll may go back by itself.
fn turns_back(roll: &Roll) -> bool {
    roll.on_failure == OnFailure::Rollback && !roll.is_rollback
}
