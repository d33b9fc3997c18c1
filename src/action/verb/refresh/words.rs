//! What an operator should know of a refresh: whose jobs it ends, what it costs the pool, and what holds it up.

use std::{sync::Arc, time::Duration};

use crate::{
    action::{draft::Draft, grammar::RefreshFlags, plan::Refusal, risk::JobAtRisk},
    fleet::{
        Hook, HookResult, HookTransition, Instance, Phase, Pool, Process, RefreshTerms, Reluctance,
        short_duration,
    },
};

/// What AWS keeps in service where nobody said it.
const MIN_HEALTHY_PERCENT: u32 = 90;

/// A refresh looks at health and percentages, and at no job: only a hook makes it wait.
pub(super) fn warn_of_jobs(
    draft: &mut Draft<'_>,
    pool: &Pool,
    goes: &[&Arc<Instance>],
    flags: &RefreshFlags,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    draft.plan.is_destructive = true;
    for instance in goes {
        draft.note_jobs(instance);
    }
    let hooks = pool.hooks.iter();
    let hooks: Vec<&Hook> = hooks
        .filter(|it| it.transition == HookTransition::Terminating)
        .collect();
    if !hooks.is_empty() {
        draft.warn(
            "it replaces busy workers like idle ones: each waits in the termination hook, and whoever answers \
             that (the host's own software, or `hook heartbeat` and `hook complete`) decides whether its job ends",
        );
        for hook in hooks {
            warn_of_silence(draft, pool, hook);
        }
        return Ok(());
    }
    let why = if pool.hooks_read_at.is_none() {
        "its hooks were not read yet, and without a termination hook busy workers are ended"
    } else {
        "no termination hook makes it wait, so busy workers are ended with their jobs"
    };
    if !flags.force {
        return Err(Refusal::Unsound(format!(
            "{}: {why}; `harden {}` sets one, and --force with a --reason does not look at the jobs",
            pool.key(),
            pool.name
        )));
    }
    if reason.is_none_or(|it| it.trim().is_empty()) {
        return Err(Refusal::ReasonMissing {
            verb: format!("{} --force", draft.plan.verb),
            pool: pool.name.to_string(),
            why: None,
        });
    }
    draft.warn(format!("by force: {why}"));
    Ok(())
}

/// A hook waits for an answer, and not for ever.
fn warn_of_silence(draft: &mut Draft<'_>, pool: &Pool, hook: &Hook) {
    let timeout = short_duration(hook.heartbeat_timeout);
    let (name, result) = (&hook.name, hook.default_result);
    if result == HookResult::Abandon && pool.upkeep.retains_abandoned {
        draft.warn(format!(
            "hook {name}: an instance that nobody answers for within {timeout} is kept, with its job, until it is \
             terminated by name"
        ));
        return;
    }
    draft.warn(format!(
        "hook {name}: when nobody answers for {timeout} it says {} by itself, and the instance is ended with its \
         job{}; `harden {}` makes it keep the instance instead",
        result.as_str(),
        longer_jobs(draft, hook.heartbeat_timeout),
        pool.name
    ));
}

/// Such as ` (3 of the jobs at risk run longer, up to 44m, and the end of 1 is not known)`.
fn longer_jobs(draft: &Draft<'_>, timeout: Duration) -> String {
    let jobs = &draft.plan.jobs_at_risk;
    let left: Vec<Duration> = jobs.iter().filter_map(JobAtRisk::left).collect();
    let (n_longer, n_unknown) = (
        left.iter().filter(|it| timeout < **it).count(),
        jobs.len() - left.len(),
    );
    let mut words = Vec::new();
    if let Some(longest) = left.iter().max().filter(|_| 0 < n_longer) {
        let longest = short_duration(*longest);
        words.push(format!(
            "{n_longer} of the jobs at risk run longer, up to {longest}"
        ));
    }
    if 0 < n_unknown {
        words.push(format!("the end of {n_unknown} is not known"));
    }
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", and "))
    }
}

/// How many at a time, and for how long.
pub(super) fn warn_of_pace(
    draft: &mut Draft<'_>,
    pool: &Pool,
    goes: &[&Arc<Instance>],
    terms: &RefreshTerms,
) {
    let n = goes.len();
    if n == 0 {
        let more = if terms.skip_matching {
            "; --all replaces those that match as well"
        } else {
            ""
        };
        draft.warn(format!("as far as is known it replaces no instance{more}"));
        return;
    }
    let desired = pool.capacity.map_or(0, |it| it.desired);
    let share = |percent: u32| u64::from(desired) * u64::from(percent) / 100;
    let is_said = terms.min_healthy_percent.is_some();
    let min = terms.min_healthy_percent.unwrap_or(MIN_HEALTHY_PERCENT);
    let max = terms.max_healthy_percent.unwrap_or(100);
    let surge = share(max.saturating_sub(100)).max(u64::from(100 < max));
    // At rest AWS ends one, whatever the floor.
    let dip = (u64::from(desired) - share(min.min(100))).max(u64::from(surge == 0));
    let floor = if is_said {
        format!("min-healthy {min} %")
    } else {
        format!("min-healthy {min} %, AWS' own, unless the group has a maintenance policy")
    };
    let above = if surge == 0 {
        String::new()
    } else {
        format!(", and up to {surge} more than that run")
    };
    let missing = if dip == 0 {
        format!("none of {desired} is missing meanwhile")
    } else {
        format!("up to {dip} of {desired} are missing meanwhile")
    };
    draft.warn(format!(
        "{}: {n} instances are replaced; {missing} ({floor}){above}",
        pool.key()
    ));
    draft.warn(
        "its end is not known: AWS tells none, and an instance counts as missing as long as its hook holds it",
    );
}

/// What the terms leave undone.
pub(super) fn warn_of_terms(draft: &mut Draft<'_>, pool: &Pool, terms: &RefreshTerms) {
    let members = &draft.fleet.roster(&pool.key()).instances;
    let n_protected = members.iter().filter(|it| it.protected).count();
    let n_standby = draft.fleet.roster(&pool.key()).counts.get(Phase::Standby);
    if 0 < n_protected {
        draft.warn(match terms.protected {
            Reluctance::Wait => format!(
                "{n_protected} instances are protected from scale-in: it waits an hour for that to end, and then fails \
                 (--protected refresh or ignore)"
            ),
            Reluctance::Ignore => {
                format!("{n_protected} instances are protected from scale-in, and stay as they are")
            }
            Reluctance::Replace => {
                format!("{n_protected} instances are protected from scale-in, and are replaced all the same")
            }
        });
    }
    if 0 < n_standby {
        draft.warn(match terms.standby {
            Reluctance::Wait => format!(
                "{n_standby} instances are in standby: it waits an hour for that to end, and then fails \
                 (--standby terminate or ignore)"
            ),
            Reluctance::Ignore => format!("{n_standby} instances are in standby, and stay as they are"),
            Reluctance::Replace => format!("{n_standby} instances are in standby, and are terminated"),
        });
    }
    if let Some(last) = terms.checkpoints.last().filter(|it| **it < 100) {
        draft.warn(format!(
            "the last checkpoint is {last} %: it ends there, with the rest as it was"
        ));
    }
    if terms.template.is_none() {
        draft.warn("without --template-version there is no way back: it can only be cancelled");
    }
    if pool.is_suspended(&Process::InstanceRefresh) {
        draft.warn(format!(
            "its process is suspended: nothing is replaced until `refresh resume {}`",
            pool.name
        ));
    }
}
