//! `cordon` and `uncordon`: whether the agents of an instance are given jobs.

use crate::{
    action::{draft::Draft, plan::Refusal},
    fleet::{Call, Executor, Instance, InstanceId},
};

pub(in crate::action) fn cordon(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let note = match reason.map(str::trim).filter(|it| !it.is_empty()) {
        Some(reason) => format!("pooldeck: {reason}"),
        None => "pooldeck: cordoned by an operator".to_owned(),
    };
    for instance in draft.instances(ids)? {
        draft.note_jobs(instance);
        for executor in agents(draft, instance)?
            .into_iter()
            .filter(|it| !it.cordoned)
        {
            record(draft, instance, &executor, true);
            draft.call(Call::Cordon {
                controller: executor.controller.clone(),
                executor: executor.id.clone(),
                note: note.clone(),
            });
        }
    }
    if !draft.plan.jobs_at_risk.is_empty() {
        draft.warn("the jobs that run there go on; no new ones are given to these agents");
    }
    Ok(())
}

pub(in crate::action) fn uncordon(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
) -> Result<(), Refusal> {
    for instance in draft.instances(ids)? {
        for executor in agents(draft, instance)?
            .into_iter()
            .filter(|it| it.cordoned)
        {
            if let Some(note) = &executor.note {
                draft.warn(format!("the cordon of {} says: {note}", executor.name));
            }
            record(draft, instance, &executor, false);
            draft.call(Call::Uncordon {
                controller: executor.controller.clone(),
                executor: executor.id.clone(),
            });
        }
    }
    Ok(())
}

fn agents(draft: &Draft<'_>, instance: &Instance) -> Result<Vec<Executor>, Refusal> {
    let agents: Vec<Executor> = draft
        .fleet
        .executors_on(&instance.id)
        .map(|it| (**it).clone())
        .collect();
    if agents.is_empty() {
        return Err(Refusal::Unsound(format!(
            "no agent is known on {}, so there is nothing to cordon",
            instance.id
        )));
    }
    Ok(agents)
}

fn record(draft: &mut Draft<'_>, instance: &Instance, executor: &Executor, cordoned: bool) {
    let Some(key) = instance.pool.clone() else {
        return;
    };
    let word = |it: bool| if it { "cordoned" } else { "open" };
    draft.change(
        &key,
        &format!("agent {}", executor.name),
        word(!cordoned),
        word(cordoned),
    );
}
