//! Jobs: none is lost by us, and none is lost because we did not look after it.

use pooldeck::{
    fleet::{Call, HookResult, HookTransition, InstanceId},
    sim::{Doom, World},
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

/// 1, by the dead.
pub(super) fn no_death_of_ours_takes_a_job(checks: &Checks, world: &World) -> Verdict {
    for death in &world.history().deaths[checks.n_deaths..] {
        let is_ours = death.why == Doom::TerminatedByUs && !checks.spec.is_forced();
        ensure(!is_ours || death.jobs.is_empty(), 1, || {
            format!(
                "{} was terminated by us under {:?}",
                death.instance, death.jobs
            )
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
