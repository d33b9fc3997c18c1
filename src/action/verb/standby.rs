//! `standby` and `activate`: out of service and back, still running.

use crate::{
    action::{draft::Draft, plan::Refusal},
    fleet::{Call, InstanceId, Lifecycle, PoolKey, Process},
};

/// `EnterStandby` and `ExitStandby` take at most 20 ids.
const N_IDS_MAX: usize = 20;

pub(in crate::action) fn standby(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
    replace: bool,
) -> Result<(), Refusal> {
    for (key, members) in draft.members(ids)? {
        let ids = in_state(draft, &members, &Lifecycle::InService)?;
        let n_ids = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let capacity = draft.fleet.pool(&key).and_then(|it| it.capacity);
        if let Some(capacity) = capacity.filter(|_| !replace) {
            let desired = capacity.desired.saturating_sub(n_ids);
            if desired < capacity.min {
                return Err(Refusal::Unsound(format!(
                    "{key} would want {desired}, below min {}; add --replace, or lower min first",
                    capacity.min
                )));
            }
            draft.change(&key, "desired", capacity.desired, desired);
        }
        for instance in &members {
            draft.note_jobs(instance);
        }
        for ids in ids.chunks(N_IDS_MAX) {
            draft.change(&key, "lifecycle", "InService", "Standby");
            draft.call(Call::EnterStandby {
                pool: key.clone(),
                instances: ids.to_vec(),
                decrement: !replace,
            });
        }
    }
    if !draft.plan.jobs_at_risk.is_empty() {
        draft.warn("the agents there go on and may take new jobs: standby does not cordon them");
    }
    Ok(())
}

pub(in crate::action) fn activate(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
) -> Result<(), Refusal> {
    for (key, members) in draft.members(ids)? {
        let ids = in_state(draft, &members, &Lifecycle::Standby)?;
        check_room(draft, &key, ids.len())?;
        for ids in ids.chunks(N_IDS_MAX) {
            draft.change(&key, "lifecycle", "Standby", "InService");
            draft.call(Call::ExitStandby {
                pool: key.clone(),
                instances: ids.to_vec(),
            });
        }
    }
    Ok(())
}

/// `ExitStandby` raises desired, is refused above max, and needs the Launch process.
fn check_room(draft: &mut Draft<'_>, key: &PoolKey, n_ids: usize) -> Result<(), Refusal> {
    let Some(pool) = draft.fleet.pool(key) else {
        return Ok(());
    };
    if pool.is_suspended(&Process::Launch) {
        return Err(Refusal::Unsound(format!(
            "the Launch process of {key} is suspended, and AWS needs it here; `resume {} Launch` first",
            key.name
        )));
    }
    if let Some(capacity) = pool.capacity {
        let desired = capacity
            .desired
            .saturating_add(u32::try_from(n_ids).unwrap_or(u32::MAX));
        if capacity.max < desired {
            return Err(Refusal::Unsound(format!(
                "{key} would want {desired}, above max {}; `scale {} --max {desired}` makes room",
                capacity.max, key.name
            )));
        }
        draft.change(key, "desired", capacity.desired, desired);
    }
    Ok(())
}

fn in_state(
    draft: &Draft<'_>,
    members: &[&std::sync::Arc<crate::fleet::Instance>],
    wanted: &Lifecycle,
) -> Result<Vec<InstanceId>, Refusal> {
    for instance in members {
        if instance.lifecycle.as_ref() != Some(wanted) {
            return Err(Refusal::Unsound(format!(
                "{} is {}; {} wants instances that are {wanted}",
                instance.id,
                instance
                    .lifecycle
                    .as_ref()
                    .map_or("in no group", Lifecycle::as_str),
                draft.plan.verb
            )));
        }
    }
    Ok(members.iter().map(|it| it.id.clone()).collect())
}
