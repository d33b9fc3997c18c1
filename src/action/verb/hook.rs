//! `hook`: the answer to what holds an instance on its way in or out.

use std::sync::Arc;

use crate::{
    action::{draft::Draft, grammar::HookAnswer, plan::Refusal},
    fleet::{
        Call, Hook, HookResult, HookTransition, Instance, InstanceId, Lifecycle, MachineState,
        Pool, Work, short_duration,
    },
};

/// What is said to the hooks, and on which terms.
pub(in crate::action) struct Answer<'a> {
    pub(in crate::action) said: HookAnswer,
    /// The hook that is meant, where several may hold an instance.
    pub(in crate::action) name: Option<&'a str>,
    pub(in crate::action) force: bool,
}

pub(in crate::action) fn hook(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
    answer: &Answer<'_>,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let has_reason = reason.is_some_and(|it| !it.trim().is_empty());
    if answer.force && !has_reason {
        return Err(Refusal::ReasonMissing {
            verb: format!("hook {} --force", answer.said),
            pool: "jobs that may run".to_owned(),
            why: None,
        });
    }
    for (key, members) in draft.members(ids)? {
        let pool = draft.fleet.pool(&key).ok_or_else(|| Refusal::NoSuchPool {
            name: key.to_string(),
            nearest: None,
        })?;
        for instance in members {
            let hook = find(pool, instance, answer.name)?;
            draft.note_jobs(instance);
            say(draft, pool, instance, &hook, answer)?;
        }
    }
    Ok(())
}

/// The hook that holds an instance; what of it is not known is `None`.
struct Held<'a> {
    name: String,
    transition: HookTransition,
    hook: Option<&'a Hook>,
}

/// Finds the hook that holds an instance, or says why none does.
fn find<'a>(pool: &'a Pool, instance: &Instance, named: Option<&str>) -> Result<Held<'a>, Refusal> {
    let unsound = |why: String| Err(Refusal::Unsound(why));
    let Some(lifecycle) = &instance.lifecycle else {
        return unsound(format!("{} is in no group", instance.id));
    };
    let transition = match lifecycle {
        Lifecycle::PendingWait | Lifecycle::WarmedPendingWait => HookTransition::Launching,
        // A root volume is replaced under the hooks of a termination.
        Lifecycle::TerminatingWait
        | Lifecycle::WarmedTerminatingWait
        | Lifecycle::ReplacingRootVolumeWait => HookTransition::Terminating,
        Lifecycle::PendingProceed
        | Lifecycle::WarmedPendingProceed
        | Lifecycle::TerminatingProceed
        | Lifecycle::WarmedTerminatingProceed
        | Lifecycle::ReplacingRootVolumeProceed => {
            return unsound(format!(
                "the hook of {} is complete already: it is {lifecycle}, and goes on by itself",
                instance.id
            ));
        }
        _ => {
            return unsound(format!(
                "no hook holds {}: it is {lifecycle}, and a hook holds what is Pending:Wait or Terminating:Wait",
                instance.id
            ));
        }
    };
    let hooks: Vec<&Hook> = pool
        .hooks
        .iter()
        .filter(|it| it.transition == transition)
        .collect();
    match (named, &hooks[..]) {
        (Some(name), _) => {
            let hook = hooks.iter().find(|it| it.name == name).copied();
            if hook.is_none() && pool.hooks_read_at.is_some() && !hooks.is_empty() {
                return unsound(format!(
                    "no hook called `{name}` holds {}; {} has {}",
                    instance.id,
                    pool.key(),
                    names(&hooks)
                ));
            }
            Ok(Held {
                name: name.to_owned(),
                transition,
                hook,
            })
        }
        (None, [hook]) => Ok(Held {
            name: hook.name.clone(),
            transition,
            hook: Some(*hook),
        }),
        (None, []) => unsound(format!(
            "{} is {lifecycle}, and its hook was not read yet; try again in a minute, or name it with --hook",
            instance.id
        )),
        (None, _) => unsound(format!(
            "{} is {lifecycle}, and AWS does not tell which of {} still hold it; name one with --hook",
            instance.id,
            names(&hooks)
        )),
    }
}

fn names(hooks: &[&Hook]) -> String {
    let names: Vec<&str> = hooks.iter().map(|it| it.name.as_str()).collect();
    names.join(", ")
}

fn say(
    draft: &mut Draft<'_>,
    pool: &Pool,
    instance: &Arc<Instance>,
    held: &Held<'_>,
    answer: &Answer<'_>,
) -> Result<(), Refusal> {
    let key = pool.key();
    let result = match answer.said {
        HookAnswer::Complete => HookResult::Continue,
        HookAnswer::Abandon => HookResult::Abandon,
        HookAnswer::Heartbeat => {
            give_time(draft, pool, instance, held);
            return Ok(());
        }
    };
    let end = End::of(pool, held.transition, result);
    if end.kills() {
        check_idle(draft, instance, answer)?;
        draft.plan.is_destructive = true;
    }
    draft.change(
        &key,
        &format!("{} of {}", held.name, instance.id),
        "waiting",
        end.words(),
    );
    if end == End::Retained {
        draft.warn(format!(
            "{} is kept and billed, and counts no more, until it is terminated by name",
            instance.id
        ));
    }
    if end == End::Terminated && result == HookResult::Abandon {
        draft.warn(format!(
            "to abandon a termination is to terminate at once: no other hook of {} is asked, and without \
             retention nothing is kept (`harden {}` sets it)",
            instance.id, pool.name
        ));
    }
    draft.call(Call::CompleteHook {
        pool: key,
        instance: instance.id.clone(),
        hook: held.name.clone(),
        result,
    });
    Ok(())
}

fn give_time(draft: &mut Draft<'_>, pool: &Pool, instance: &Instance, held: &Held<'_>) {
    let key = pool.key();
    if let Some(hook) = held.hook {
        let timeout = short_duration(hook.heartbeat_timeout);
        let what = format!("the deadline of {} of {}", held.name, instance.id);
        let to = format!("{timeout} after the call");
        draft.change(&key, &what, "as it stands", to);
        let cap = instance.lifecycle_since + hook.global_timeout;
        draft.warn(format!(
            "no heartbeat reaches beyond {} after it began, at about {cap}",
            short_duration(hook.global_timeout)
        ));
    }
    draft.call(Call::Heartbeat {
        pool: key,
        instance: instance.id.clone(),
        hook: held.name.clone(),
    });
}

/// What becomes of an instance by an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    InService,
    Terminated,
    /// Abandoned on its way in: the group launches another.
    Replaced,
    Retained,
}

impl End {
    fn of(pool: &Pool, transition: HookTransition, result: HookResult) -> Self {
        match (transition, result) {
            (HookTransition::Launching, HookResult::Continue) => Self::InService,
            (HookTransition::Launching, HookResult::Abandon) => Self::Replaced,
            (HookTransition::Terminating, HookResult::Abandon) if pool.upkeep.retains_abandoned => {
                Self::Retained
            }
            (HookTransition::Terminating, _) => Self::Terminated,
        }
    }

    fn kills(self) -> bool {
        matches!(self, Self::Terminated | Self::Replaced)
    }

    fn words(self) -> &'static str {
        match self {
            Self::InService => "in service",
            Self::Terminated => "terminated",
            Self::Replaced => "terminated and replaced",
            Self::Retained => "retained",
        }
    }
}

/// Refuses what could end a job: one that runs, or one that nobody can rule out.
fn check_idle(
    draft: &mut Draft<'_>,
    instance: &Instance,
    answer: &Answer<'_>,
) -> Result<(), Refusal> {
    // Nothing runs on a machine that EC2 has switched off.
    let is_off = matches!(
        instance.state,
        Some(MachineState::Terminated | MachineState::ShuttingDown)
    );
    let Some(why) = doubt(draft, instance).filter(|_| !is_off) else {
        return Ok(());
    };
    if answer.force {
        draft.warn(format!("by force: {why}; its jobs are lost"));
        return Ok(());
    }
    Err(Refusal::Unsound(format!(
        "{why}; `hook heartbeat {}` gives it more time, and --force with a --reason does not look at its jobs",
        instance.id
    )))
}

/// Says why an instance is not proven idle; `None` when it is.
fn doubt(draft: &Draft<'_>, instance: &Instance) -> Option<String> {
    let id = &instance.id;
    let mut agents = draft.fleet.executors_on(id).peekable();
    if agents.peek().is_none() {
        return Some(format!(
            "no agent is known on {id}, and unknown is not idle"
        ));
    }
    agents.find_map(|it| match &it.work {
        Work::Busy(jobs) => {
            let job = jobs.first().map_or("a job", |it| it.name.as_str());
            Some(format!("{id} runs {job}"))
        }
        Work::Unknown(why) => Some(format!("it is not known what {id} runs: {why}")),
        Work::Offline { .. } => Some(format!(
            "agent {} of {id} is offline, and what runs there is not known",
            it.name
        )),
        Work::Idle { .. } if !it.cordoned => Some(format!(
            "agent {} of {id} may be given a job at any moment (`cordon {id}` first)",
            it.name
        )),
        Work::Idle { .. } => None,
    })
}
