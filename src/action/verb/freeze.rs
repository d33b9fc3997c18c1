//! `freeze` and `thaw`: everything that a group does by itself, held still and let go.

use std::time::Duration;

use crate::{
    action::{draft::Draft, grammar::PoolArg, plan::Refusal},
    fleet::{Call, FreezeMark, Health, Pool, Process, short_duration},
    operation::{Freeze, Spec},
};

pub(in crate::action) fn freeze(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    duration: Option<Duration>,
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    let key = pool.key();
    if let Some(found) = FreezeMark::of(pool) {
        let by = found.map_or_else(|why| why, |it| format!("{} froze it", it.by));
        return Err(Refusal::Unsound(format!(
            "{key} is frozen already: {by}; `thaw {}` ends that first",
            pool.name
        )));
    }
    let processes: Vec<Process> = FreezeMark::PROCESSES
        .iter()
        .filter(|it| !pool.is_suspended(it))
        .cloned()
        .collect();
    if processes.is_empty() {
        return Err(Refusal::AlreadySo(format!(
            "every process of {key} that a freeze suspends is suspended, and not by us"
        )));
    }
    for process in &processes {
        draft.change(&key, process.as_str(), "running", "suspended");
    }
    warn_of_freeze(draft, pool, duration);
    draft.changes_automation = true;
    draft.call(Call::TagPool {
        pool: key.clone(),
        key: FreezeMark::TAG.to_owned(),
        value: "who, until when, and which processes".to_owned(),
        propagate: false,
    });
    draft.call(Call::SuspendProcesses {
        pool: key.clone(),
        processes: processes.clone(),
    });
    if duration.is_some() {
        draft.call(Call::ResumeProcesses {
            pool: key.clone(),
            processes: processes.clone(),
        });
        draft.call(Call::UntagPool {
            pool: key.clone(),
            key: FreezeMark::TAG.to_owned(),
        });
    }
    draft.plan.operation = Some(Spec::Freeze(Freeze {
        pool: key,
        processes,
        duration,
    }));
    Ok(())
}

fn warn_of_freeze(draft: &mut Draft<'_>, pool: &Pool, duration: Option<Duration>) {
    let held: Vec<&str> = pool
        .suspended
        .iter()
        .map(|it| it.process.as_str())
        .collect();
    if !held.is_empty() {
        draft.warn(format!(
            "suspended before, and so not thawed with the rest: {}",
            held.join(", ")
        ));
    }
    draft.warn(
        "nothing is launched, replaced or scaled meanwhile: an instance that dies is missing until the thaw",
    );
    let refresh = pool.refresh.as_ref().filter(|it| !it.status.is_over());
    if let Some(refresh) = refresh {
        draft.warn(format!(
            "instance refresh {} is under way, and rests meanwhile",
            refresh.id
        ));
    }
    draft.warn(match duration {
        Some(it) => format!(
            "it thaws by itself after {}: the last two calls are made then",
            short_duration(it)
        ),
        None => format!(
            "it lasts until `thaw {}`; --for 1h ends it by itself",
            pool.name
        ),
    });
}

pub(in crate::action) fn thaw(draft: &mut Draft<'_>, arg: &PoolArg) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    let key = pool.key();
    let freeze = match FreezeMark::of(pool) {
        Some(Ok(freeze)) => freeze,
        Some(Err(why)) => {
            return Err(Refusal::Unsound(format!(
                "{key} is frozen, and {why}, which this pooldeck cannot read; `resume {} PROCESS` resumes by name",
                pool.name
            )));
        }
        None => {
            return Err(Refusal::AlreadySo(format!(
                "{key} is not frozen; what is suspended there was suspended by name, and `resume {}` ends it",
                pool.name
            )));
        }
    };
    let held = freeze.held(pool);
    for why in &held.changed {
        draft.warn(format!("left as it is: {why}"));
    }
    if !held.ours.is_empty() {
        for process in &held.ours {
            draft.change(&key, process.as_str(), "suspended", "running");
        }
        warn_of_thaw(draft, pool, &held.ours);
        draft.call(Call::ResumeProcesses {
            pool: key.clone(),
            processes: held.ours.clone(),
        });
    }
    // The tag goes last: as long as it is there, somebody sees that there is something to thaw.
    draft.call(Call::UntagPool {
        pool: key,
        key: FreezeMark::TAG.to_owned(),
    });
    draft.changes_automation = true;
    Ok(())
}

/// What was marked while it was frozen happens at once.
fn warn_of_thaw(draft: &mut Draft<'_>, pool: &Pool, resumed: &[Process]) {
    let acts = |it: &Process| matches!(it, Process::ReplaceUnhealthy | Process::Terminate);
    if !resumed.iter().any(acts) {
        return;
    }
    let members = &draft.fleet.roster(&pool.key()).instances;
    let unhealthy: Vec<_> = members
        .iter()
        .filter(|it| it.health == Some(Health::Unhealthy))
        .cloned()
        .collect();
    for instance in unhealthy {
        draft.note_jobs(&instance);
        draft.warn(format!(
            "{} is unhealthy, and is terminated and replaced as soon as the group may",
            instance.id
        ));
        draft.plan.is_destructive = true;
    }
}
