//! `suspend` and `resume`: what a group does by itself.

use crate::{
    action::{draft::Draft, grammar::PoolArg, plan::Refusal},
    fleet::{Call, Pool, Process},
};

pub(in crate::action) fn suspend(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    named: &[Process],
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    let wanted = if named.is_empty() {
        Process::KNOWN
    } else {
        named
    };
    let processes: Vec<Process> = wanted
        .iter()
        .filter(|it| !pool.is_suspended(it))
        .cloned()
        .collect();
    if processes.is_empty() {
        return Err(Refusal::AlreadySo(format!(
            "these processes of {} are suspended",
            pool.key()
        )));
    }
    let both = |it: &Process| pool.is_suspended(it) || processes.contains(it);
    if both(&Process::Launch) && processes.contains(&Process::Launch) {
        draft.warn(
            "without Launch nothing is replaced: unhealthy instances still go, and none comes",
        );
    }
    if both(&Process::Terminate) && !both(&Process::AzRebalance) {
        draft
            .warn("without Terminate but with AZRebalance the group may grow up to 10 % above max");
    }
    record(draft, pool, &processes, "running", "suspended");
    draft.call(Call::SuspendProcesses {
        pool: pool.key(),
        processes,
    });
    Ok(())
}

pub(in crate::action) fn resume(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    named: &[Process],
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    let is_wanted = |it: &Process| named.is_empty() || named.contains(it);
    let suspended = pool.suspended.iter().map(|it| it.process.clone());
    let processes: Vec<Process> = suspended.filter(is_wanted).collect();
    if processes.is_empty() {
        return Err(Refusal::AlreadySo(format!(
            "none of these processes of {} is suspended",
            pool.key()
        )));
    }
    for process in [
        Process::ReplaceUnhealthy,
        Process::Terminate,
        Process::AzRebalance,
    ] {
        if processes.contains(&process) {
            draft.warn(format!(
                "{process} acts at once on everything that it missed while it was suspended, busy instances included"
            ));
            draft.plan.is_destructive = true;
        }
    }
    if draft.plan.is_destructive {
        for instance in &draft.fleet.roster(&pool.key()).instances {
            if !instance.protected {
                draft.note_jobs(instance);
            }
        }
    }
    record(draft, pool, &processes, "suspended", "running");
    draft.call(Call::ResumeProcesses {
        pool: pool.key(),
        processes,
    });
    Ok(())
}

fn record(draft: &mut Draft<'_>, pool: &Pool, processes: &[Process], from: &str, to: &str) {
    draft.changes_automation = true;
    for process in processes {
        draft.change(&pool.key(), process.as_str(), from, to);
    }
}
