//! Jobs: none is lost by us, and none is lost because we did not look after it.

use pooldeck::{
    fleet::{Call, HookResult, HookTransition, InstanceId},
    sim::{Doom, Run, World},
};

use super::{Before, Checks, Verdict, ensure};

/// 1, before the call.
pub(super) fn no_busy_instance_is_terminated(checks: &Checks, before: &Before<'_>) -> Verdict {
    let Call::TerminateInstance { instance, .. } = before.call else {
        return Ok(());
    };
    let jobs = before.world.jobs_on(instance);
    ensure(checks.spec.is_forced() || jobs.is_empty(), 1, || {
        format!("{instance} is terminated while it runs {jobs:?}")
    })?;
    let is_open = before
        .world
        .agents_on(instance)
        .any(|it| it.cordon.is_none() && it.is_online && !it.is_dead);
    ensure(checks.spec.is_forced() || !is_open, 1, || {
        format!("{instance} is terminated while it may be given a job")
    })
}

/// Keeps whom we terminated while it was closed and idle: a job that is given to it after that
/// is given by whoever lifted the cordon, as long as that is not us.
pub(super) fn note_call(checks: &mut Checks, world: &World, call: &Call) {
    match call {
        Call::TerminateInstance { instance, .. } => {
            let is_closed = world.agents_on(instance).all(|it| it.cordon.is_some());
            if is_closed && world.jobs_on(instance).is_empty() {
                checks.closed_at.insert(instance.clone(), world.now());
            }
        }
        Call::Uncordon {
            controller,
            executor,
        } => {
            let controller = world.controller(controller);
            if let Some(agent) = controller.and_then(|it| it.agents.get(executor)) {
                checks.closed_at.remove(&agent.instance);
            }
        }
        _ => {}
    }
}

/// 1, by the dead.
pub(super) fn no_death_of_ours_takes_a_job(checks: &Checks, world: &World) -> Verdict {
    for death in &world.history().deaths[checks.n_deaths..] {
        let is_ours = death.why == Doom::TerminatedByUs && !checks.spec.is_forced();
        let closed_at = checks.closed_at.get(&death.instance);
        let is_late = |it: &&Run| closed_at.is_some_and(|at| *at <= it.started_at);
        let mut jobs = death.jobs.iter().filter(|it| !is_late(it));
        let job = jobs.next();
        ensure(!is_ours || job.is_none(), 1, || {
            format!("{} was terminated by us under {job:?}", death.instance)
        })?;
    }
    Ok(())
}

/// 5.
pub(super) fn no_hook_ends_under_a_job(checks: &Checks, before: &Before<'_>) -> Verdict {
    let Call::CompleteHook {
        instance, result, ..
    } = before.call
    else {
        return Ok(());
    };
    let jobs = before.world.jobs_on(instance);
    ensure(checks.spec.is_forced() || jobs.is_empty(), 5, || {
        format!("the hook of {instance} ends under {jobs:?}")
    })?;
    ensure(*result == HookResult::Continue, 5, || {
        format!("the hook of {instance} is abandoned, and nobody asked for that")
    })
}

/// 6. Where the driver was never away and the service answers, no hook runs out under a job.
pub(super) fn a_hook_is_kept_alive_under_a_job(
    checks: &Checks,
    world: &World,
    targets: &[InstanceId],
) -> Verdict {
    if !checks.is_strict || checks.away_at.is_some() || checks.spec.is_forced() {
        return Ok(());
    }
    for death in &world.history().deaths[checks.n_deaths..] {
        let is_sudden = matches!(death.why, Doom::SpotInterruption | Doom::Failed);
        let is_ours_to_mind = targets.contains(&death.instance) && !is_sudden;
        let has_hook = death.pool.as_ref().and_then(|it| world.group(it));
        let has_hook = has_hook.is_some_and(|it| {
            let hooks = &it.row.hooks;
            hooks
                .iter()
                .any(|it| it.transition == HookTransition::Terminating)
        });
        ensure(
            !is_ours_to_mind || !has_hook || death.jobs.is_empty(),
            6,
            || {
                format!(
                    "the hook of {} ran out under {:?}",
                    death.instance, death.jobs
                )
            },
        )?;
    }
    Ok(())
}
