//! `drain` and `terminate`: the way out for named instances, through their group.

use std::{sync::Arc, time::Duration};

use super::victims;
use crate::{
    action::{draft::Draft, grammar::PoolArg, owned, plan::Refusal},
    fleet::{
        Call, Executor, Grade, HookResult, Instance, InstanceId, Lifecycle, Phase, Pool, PoolKey,
        Work,
    },
    operation::{self, Claim, Drain, Spec},
};

/// Which instances go: those that were named, or so many of a pool.
pub(in crate::action) struct Choice<'a> {
    pub(in crate::action) named: &'a [InstanceId],
    pub(in crate::action) pool: &'a PoolArg,
    pub(in crate::action) count: Option<u32>,
}

/// On which terms they go.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct Terms {
    pub(in crate::action) decrement: bool,
    pub(in crate::action) max_unavailable: u32,
    pub(in crate::action) deadline: Option<Duration>,
    pub(in crate::action) force: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            decrement: true,
            max_unavailable: 1,
            deadline: None,
            force: false,
        }
    }
}

pub(in crate::action) fn drain(
    draft: &mut Draft<'_>,
    choice: &Choice<'_>,
    terms: Terms,
) -> Result<(), Refusal> {
    let chosen;
    let ids = match choice.count {
        Some(count) => {
            chosen = choose(draft, choice.pool, count)?;
            &chosen
        }
        None => choice.named,
    };
    let members = draft.members(ids)?;
    let mut pools = members.into_iter();
    let (Some((key, instances)), None) = (pools.next(), pools.next()) else {
        return Err(Refusal::Unsound(
            "these instances are of several pools; a drain empties one pool at a time".to_owned(),
        ));
    };
    let pool = draft.fleet.pool(&key).ok_or_else(|| Refusal::NoSuchPool {
        name: key.to_string(),
        nearest: None,
    })?;
    check(draft, pool, &instances, terms)?;
    if !terms.force {
        draft.check_cordon(pool)?;
    }
    for instance in &instances {
        draft.note_jobs(instance);
        record(draft, pool, instance, terms, "drain");
    }
    if let Some(unit) = pool.unit() {
        if !terms.decrement {
            return Err(Refusal::Unsound(format!(
                "desired of {key} counts {unit}, so how many are missing meanwhile is not known; drain it \
                 with --decrement"
            )));
        }
        draft.warn(format!(
            "desired of {key} counts {unit}: it sinks by that of each instance that goes"
        ));
    } else if let Some(capacity) = pool.capacity.filter(|_| terms.decrement) {
        let desired = capacity.desired.saturating_sub(n_counted(&instances));
        if desired != capacity.desired {
            draft.change(&key, "desired", capacity.desired, desired);
        }
    }
    if !terms.force && !draft.plan.jobs_at_risk.is_empty() {
        draft.warn("the jobs run to their end; nothing is terminated before it is proven idle");
    }
    if let Some(why) = draft.proof.weakness().filter(|_| !terms.force) {
        draft.warn(why);
    }
    if !terms.force {
        warn_of_the_end(draft, pool);
    }
    draft.plan.is_destructive = true;
    draft.plan.operation = Some(Spec::Drain(Drain {
        pool: key,
        targets: instances.iter().map(|it| it.id.clone()).collect(),
        decrement: terms.decrement,
        max_unavailable: terms.max_unavailable.max(1),
        proof: draft.proof,
        deadline: terms.deadline,
        force: terms.force,
    }));
    Ok(())
}

pub(in crate::action) fn terminate(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
    force: bool,
    replace: bool,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let has_reason = reason.is_some_and(|it| !it.trim().is_empty());
    if force && !has_reason {
        return Err(Refusal::ReasonMissing {
            verb: "terminate --force".to_owned(),
            pool: "jobs that may run".to_owned(),
            why: None,
        });
    }
    if !force {
        for instance in draft.instances(ids)? {
            check_idle(draft, instance)?;
        }
        draft.plan.targets.clear();
    }
    let nowhere = PoolArg::default();
    let choice = Choice {
        named: ids,
        pool: &nowhere,
        count: None,
    };
    let are_retained = are_retained(draft, ids)?;
    let terms = Terms {
        // Desired does not count what is retained, and so does not go down with it.
        decrement: !replace && !are_retained,
        force,
        ..Terms::default()
    };
    drain(draft, &choice, terms)?;
    if force {
        let n_jobs = draft.plan.jobs_at_risk.len();
        draft.warn(format!(
            "by force: {n_jobs} jobs that are known, and any that are not, are lost"
        ));
    }
    Ok(())
}

/// Returns whether the instances are kept by their groups after a hook was abandoned.
fn are_retained(draft: &Draft<'_>, ids: &[InstanceId]) -> Result<bool, Refusal> {
    let is_retained = |id: &&InstanceId| {
        let instance = draft.fleet.instances.get(*id);
        instance.is_some_and(|it| it.phase() == Phase::Retained)
    };
    let n_retained = ids.iter().filter(is_retained).count();
    if n_retained != 0 && n_retained != ids.len() {
        return Err(Refusal::Unsound(
            "some of them are retained, which desired does not count: terminate these by themselves"
                .to_owned(),
        ));
    }
    Ok(n_retained != 0)
}

/// Refuses what is not known to be idle, and says how it goes all the same.
fn check_idle(draft: &Draft<'_>, instance: &Instance) -> Result<(), Refusal> {
    let id = &instance.id;
    let mut agents = draft.fleet.executors_on(id).peekable();
    let why = if agents.peek().is_none() {
        format!(
            "no agent is known on {id}, so nothing can prove it idle; --force with a --reason does not ask that"
        )
    } else if agents.all(|it| matches!(it.work, Work::Idle { .. })) {
        return Ok(());
    } else {
        // What cannot be drained is refused for that, with a way of its own.
        check_phase(instance, false)?;
        format!(
            "{id} is not known to be idle; `drain {id}` waits for its jobs, and --force with a --reason does not look \
             at them"
        )
    };
    Err(Refusal::Unsound(why))
}

/// Chooses so many members of a pool, and says why these.
fn choose(draft: &mut Draft<'_>, arg: &PoolArg, count: u32) -> Result<Vec<InstanceId>, Refusal> {
    let (pool, _) = draft.group(arg)?;
    // The targets are named below, one by one.
    draft.plan.targets.clear();
    let n_wanted = usize::try_from(count).unwrap_or(usize::MAX);
    if n_wanted == 0 {
        return Err(Refusal::AlreadySo("no instance is to go".to_owned()));
    }
    let candidates = victims::candidates(draft.fleet, pool);
    let (n_there, n_spared) = (candidates.ranked.len(), candidates.n_spared);
    if n_there < n_wanted {
        return Err(too_few(pool, n_there, n_spared, count));
    }
    let victims = &candidates.ranked[..n_wanted];
    for it in victims {
        draft.warn(format!("{} goes: {}", it.instance.id, it.why));
    }
    if victims.iter().any(|it| it.instance.protected) {
        draft.warn("this pool's instances are protected from scale-in; a drain names those it takes, so they go all the same");
    }
    if 0 < n_spared {
        draft.warn(format!(
            "passed over, because somebody protected them and not the others: {n_spared}; `drain` takes them by name"
        ));
    }
    Ok(victims.iter().map(|it| it.instance.id.clone()).collect())
}

/// Says how many could go, and what would have to be done for more.
fn too_few(pool: &Pool, n_there: usize, n_spared: usize, count: u32) -> Refusal {
    let more = if 0 < n_spared {
        format!(
            "; {n_spared} more are protected, which others are not: `drain` takes them by name, or `unprotect` them first"
        )
    } else {
        "; what comes up or stands by can be drained by its name, and what an operation has (`ops`) is on its way"
            .to_owned()
    };
    Refusal::Unsound(format!(
        "{} has only {n_there} instances in service to choose from, and {count} are to go{more}",
        pool.key()
    ))
}

fn check(
    draft: &Draft<'_>,
    pool: &Pool,
    instances: &[&Arc<Instance>],
    terms: Terms,
) -> Result<(), Refusal> {
    let key = pool.key();
    let unsound = |why: String| Err(Refusal::Unsound(why));
    if pool.ci.is_none() && !terms.force {
        return unsound(format!(
            "no CI controller is configured for {key}, so nothing can prove an instance idle; add a [[pool]] \
             with its controller, or `terminate` by name with --force and a --reason"
        ));
    }
    for instance in instances {
        check_phase(instance, terms.force)?;
        owned::check_instance(instance)?;
        if !terms.force && draft.fleet.executors_on(&instance.id).next().is_none() {
            return unsound(format!(
                "no agent is known on {}, so nothing can prove it idle; `terminate` it by name with --force \
                 and a --reason if it never registered",
                instance.id
            ));
        }
    }
    let n_going = n_counted(instances);
    if let Some(capacity) = pool.capacity.filter(|_| terms.decrement)
        && capacity.desired.saturating_sub(n_going) < capacity.min
    {
        return unsound(format!(
            "{key} would want {}, below min {}; add --replace, or `scale {} --min` first",
            capacity.desired.saturating_sub(n_going),
            capacity.min,
            pool.name
        ));
    }
    Ok(())
}

/// Refuses what is no member that is there, or comes.
fn check_phase(instance: &Instance, force: bool) -> Result<(), Refusal> {
    let id = &instance.id;
    let way = match instance.phase() {
        Phase::Retained if force => return Ok(()),
        Phase::Retained => format!(
            "its group keeps it to be looked at, and it is billed: `terminate {id} --force` with a --reason ends it"
        ),
        Phase::InService | Phase::Standby | Phase::Pending | Phase::PendingWait => return Ok(()),
        Phase::TerminatingWait => format!(
            "it leaves already, and its hook holds it: `hook heartbeat {id}` gives its jobs time, and \
             `hook complete {id}` lets it go"
        ),
        Phase::Terminating => "it leaves already, and nothing holds it".to_owned(),
        Phase::Warm | Phase::Detached | Phase::Unattached | Phase::Other => {
            "only members that are there can be drained".to_owned()
        }
    };
    let lifecycle = instance.lifecycle.as_ref();
    let state = lifecycle.map_or("in no group", Lifecycle::as_str);
    Err(Refusal::Unsound(format!("{id} is {state}; {way}")))
}

/// Says what a pool lacks that would hold an instance back whose job still runs.
pub(super) fn warn_of_the_end(draft: &mut Draft<'_>, pool: &Pool) {
    if pool.hooks_read_at.is_none() {
        draft.warn(format!(
            "the hooks of {} were not read, so whether one holds what is terminated is not known",
            pool.key()
        ));
    } else if pool.hook_for(&Lifecycle::TerminatingWait).is_none() {
        draft.warn(format!(
            "no termination hook of {} holds what is terminated: a job that still runs then ends with its instance; \
             `harden {}` sets one",
            pool.key(),
            pool.name
        ));
    }
}

/// Lists what may have to be called after the termination of an instance, or instead of it.
fn record_the_end(draft: &mut Draft<'_>, pool: &Pool, instance: &Instance, terms: Terms) {
    if let Some(hook) = pool.hook_for(&Lifecycle::TerminatingWait) {
        let (pool, instance, hook) = (pool.key(), instance.id.clone(), hook.name.clone());
        let complete = Call::CompleteHook {
            pool: pool.clone(),
            instance: instance.clone(),
            hook: hook.clone(),
            result: HookResult::Continue,
        };
        if terms.force {
            draft.call_if("at once, if the hook holds it", complete);
        } else {
            let heartbeat = Call::Heartbeat {
                pool,
                instance,
                hook,
            };
            draft.call_if("while the hook holds it and a job may run", heartbeat);
            draft.call_if("once the hook holds it and nothing runs", complete);
        }
    }
    if terms.force {
        return;
    }
    let fleet = draft.fleet;
    let agents = fleet.executors_on(&instance.id);
    for executor in agents.filter(|it| is_cordoned_by_us(it)) {
        // What is removed is not known afterwards.
        let when = match fleet.grade_of(&executor.controller) {
            Some(Grade::Atomic) => given_back(terms),
            _ => "after its instance's end or an abort, if the agent is still known",
        };
        let (controller, executor) = (executor.controller.clone(), executor.id.clone());
        let uncordon = Call::Uncordon {
            controller,
            executor,
        };
        draft.call_if(when, uncordon);
    }
    if !instance.protected {
        let unprotect = Call::SetInstanceProtection {
            pool: pool.key(),
            instances: vec![instance.id.clone()],
            protected: false,
        };
        draft.call_if(given_back(terms), unprotect);
    }
    let untag = Call::UntagInstances {
        scope: instance.scope.clone(),
        instances: vec![instance.id.clone()],
        key: operation::TAG.to_owned(),
    };
    draft.call_if(given_back(terms), untag);
}

/// Says when an instance that is still there is given back.
fn given_back(terms: Terms) -> &'static str {
    if terms.deadline.is_some() {
        "at the deadline or an abort, if it is still there"
    } else {
        "at an abort, if it is still there"
    }
}

/// Lists the calls for one instance, as the operation will make them when their time has come.
pub(super) fn record(
    draft: &mut Draft<'_>,
    pool: &Pool,
    instance: &Instance,
    terms: Terms,
    kind: &str,
) {
    let key: PoolKey = pool.key();
    let ids = || vec![instance.id.clone()];
    if !terms.force {
        draft.call(Call::TagInstances {
            scope: instance.scope.clone(),
            instances: ids(),
            key: operation::TAG.to_owned(),
            value: "the operation's id".to_owned(),
        });
        if !instance.protected {
            let protect = Call::SetInstanceProtection {
                pool: key.clone(),
                instances: ids(),
                protected: true,
            };
            match instance.phase() {
                Phase::InService => draft.call(protect),
                Phase::Pending | Phase::PendingWait => {
                    draft.call_if("once it is in service", protect);
                }
                _ => {}
            }
        }
        for executor in draft
            .fleet
            .executors_on(&instance.id)
            .filter(|it| is_cordoned_by_us(it))
        {
            draft.plan.calls.push(Call::Cordon {
                controller: executor.controller.clone(),
                executor: executor.id.clone(),
                note: format!("{kind} of {}", instance.id),
            });
        }
        let fleet = draft.fleet;
        let removes = |it: &&Arc<Executor>| fleet.grade_of(&it.controller) == Some(Grade::Atomic);
        for executor in fleet.executors_on(&instance.id).filter(removes) {
            draft.plan.calls.push(Call::RemoveExecutor {
                controller: executor.controller.clone(),
                executor: executor.id.clone(),
            });
        }
    }
    draft.call(Call::TerminateInstance {
        pool: key,
        instance: instance.id.clone(),
        decrement: terms.decrement && instance.counts_towards_desired(),
    });
    record_the_end(draft, pool, instance, terms);
}

/// Returns whether a drain cordons it: it is open, or an operation closed it that does not own its
/// instance any more. What a person closed stays theirs.
fn is_cordoned_by_us(executor: &Executor) -> bool {
    let claim = executor.note.as_deref().and_then(Claim::of_note);
    !executor.cordoned || claim.is_some()
}

fn n_counted(instances: &[&Arc<Instance>]) -> u32 {
    let counted = instances.iter().filter(|it| it.counts_towards_desired());
    u32::try_from(counted.count()).unwrap_or(u32::MAX)
}
