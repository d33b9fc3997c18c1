//! `harden POOL`: what keeps a group from ending jobs by itself. Idempotent: what is so already is left alone.

use std::{sync::Arc, time::Duration};

use super::protect::N_IDS_MAX;
use crate::{
    action::{draft::Draft, grammar::PoolArg, plan::Refusal},
    fleet::{
        Call, Hook, HookResult, HookTransition, Instance, InstanceId, Phase, Pool, short_duration,
    },
};

/// What a hook of ours is called.
const TERMINATING: &str = "pooldeck-terminating";
const LAUNCHING: &str = "pooldeck-launching";

/// A driver that died has this long to come back, and a hundred of them are more than the 48 h that AWS allows.
const HEARTBEAT: Duration = Duration::from_mins(30);
/// For a pool that has no boot budget.
const BOOT: Duration = Duration::from_mins(10);

/// How hard.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct Terms {
    /// Of the termination hook; a hook that is there keeps its own where this is `None`.
    pub(in crate::action) heartbeat: Option<Duration>,
    pub(in crate::action) launch_hook: bool,
    /// Whether members are protected from scale-in, those who are there and those to come.
    pub(in crate::action) protects: bool,
}

pub(in crate::action) fn harden(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    terms: Terms,
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    if pool.hooks_read_at.is_none() {
        return Err(Refusal::Unsound(format!(
            "the hooks of {} were not read yet, so it is not known what they lack; try again in a minute",
            pool.key()
        )));
    }
    put_terminating_hooks(draft, pool, terms);
    if terms.launch_hook {
        put_launching_hook(draft, pool);
    }
    retain(draft, pool);
    if terms.protects {
        protect(draft, pool);
    }
    if draft.plan.calls.is_empty() {
        return Err(Refusal::AlreadySo(format!(
            "{} is hard already: its terminations wait for an answer, and what is abandoned is kept{}",
            pool.key(),
            if terms.protects {
                "; every instance is protected from scale-in"
            } else {
                ""
            }
        )));
    }
    draft.changes_automation = true;
    Ok(())
}

/// Every termination waits for an answer, and no answer is no leave to terminate.
fn put_terminating_hooks(draft: &mut Draft<'_>, pool: &Pool, terms: Terms) {
    let there: Vec<&Hook> = pool
        .hooks
        .iter()
        .filter(|it| it.transition == HookTransition::Terminating)
        .collect();
    if there.is_empty() {
        let heartbeat = terms.heartbeat.unwrap_or(HEARTBEAT);
        let hook = Hook::new(
            TERMINATING,
            HookTransition::Terminating,
            heartbeat,
            HookResult::Abandon,
        );
        let timeout = short_duration(heartbeat);
        put(draft, pool, None, hook);
        draft.warn(format!(
            "every instance that leaves the group by itself waits up to {timeout} for an answer, and is billed \
             meanwhile: software on the host answers it, a drain, or `hook complete`; simple scaling policies \
             pause while one waits"
        ));
        return;
    }
    for old in there {
        let heartbeat = terms.heartbeat.unwrap_or(old.heartbeat_timeout);
        let new = Hook::new(
            old.name.as_str(),
            old.transition,
            heartbeat,
            HookResult::Abandon,
        );
        let is_same = old.default_result == new.default_result
            && old.heartbeat_timeout == new.heartbeat_timeout;
        if !is_same {
            put(draft, pool, Some(old), new);
        }
    }
}

/// What does not come up in time is replaced; and nothing serves before it said that it can.
fn put_launching_hook(draft: &mut Draft<'_>, pool: &Pool) {
    let mut hooks = pool.hooks.iter();
    if hooks.any(|it| it.transition == HookTransition::Launching) {
        return;
    }
    let heartbeat = pool.ci.as_ref().map_or(BOOT, |it| it.boot_budget);
    let heartbeat = heartbeat.clamp(Duration::from_secs(30), Duration::from_hours(2));
    let hook = Hook::new(
        LAUNCHING,
        HookTransition::Launching,
        heartbeat,
        HookResult::Abandon,
    );
    put(draft, pool, None, hook);
    draft.warn(format!(
        "an instance that nobody answers for within {} of its launch is terminated and replaced: its user data \
         has to complete the hook, or each launch has to be answered with `hook complete`",
        short_duration(heartbeat)
    ));
}

fn put(draft: &mut Draft<'_>, pool: &Pool, old: Option<&Hook>, new: Hook) {
    let words = |it: &Hook| {
        format!(
            "{} {}",
            short_duration(it.heartbeat_timeout),
            it.default_result.as_str()
        )
    };
    let what = match new.transition {
        HookTransition::Launching => "launching",
        HookTransition::Terminating => "terminating",
    };
    let key = pool.key();
    let from = old.map_or_else(|| "none".to_owned(), words);
    let what = format!("{what} hook {}", new.name);
    draft.change(&key, &what, from, words(&new));
    draft.call(Call::PutHook {
        pool: key,
        hook: new,
    });
}

fn retain(draft: &mut Draft<'_>, pool: &Pool) {
    if pool.upkeep.retains_abandoned {
        return;
    }
    let key = pool.key();
    draft.change(&key, "abandoned terminations", "terminated", "retained");
    draft.warn(
        "an instance whose hook nobody answers is retained: billed and out of service, until somebody looks at \
         it and terminates it by name",
    );
    draft.call(Call::RetainAbandoned {
        pool: key,
        retain: true,
    });
}

/// Nothing leaves unless it is named.
fn protect(draft: &mut Draft<'_>, pool: &Pool) {
    let key = pool.key();
    if !pool.protects_new_instances {
        draft.change(&key, "new instances", "not protected", "protected");
        draft.call(Call::ProtectNewInstances {
            pool: key.clone(),
            protected: true,
        });
    }
    let is_open = |it: &&Arc<Instance>| {
        !it.protected && matches!(it.phase(), Phase::InService | Phase::Standby)
    };
    let members = draft.fleet.roster(&key).instances.iter();
    let open: Vec<InstanceId> = members.filter(is_open).map(|it| it.id.clone()).collect();
    if !open.is_empty() {
        let what = format!("{} instances", open.len());
        draft.change(&key, &what, "not protected", "protected");
    }
    for ids in open.chunks(N_IDS_MAX) {
        draft.call(Call::SetInstanceProtection {
            pool: key.clone(),
            instances: ids.to_vec(),
            protected: true,
        });
    }
    if !pool.protects_new_instances || !open.is_empty() {
        draft.warn(
            "the group scales in nothing by itself any more: alarms and schedules that lower desired leave it \
             too large, and too dear, until a drain or `scale` takes instances away; an instance refresh that \
             waits for protection fails after an hour",
        );
    }
}
