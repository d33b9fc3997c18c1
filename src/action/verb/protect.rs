//! `protect` and `unprotect`: scale-in protection.

use crate::{
    action::{draft::Draft, plan::Refusal},
    fleet::{Call, InstanceId, Lifecycle},
};

/// `SetInstanceProtection` takes at most 50 ids.
pub(super) const N_IDS_MAX: usize = 50;

pub(in crate::action) fn protect(
    draft: &mut Draft<'_>,
    ids: &[InstanceId],
    protected: bool,
) -> Result<(), Refusal> {
    for (key, members) in draft.members(ids)? {
        let mut changed = Vec::new();
        for instance in members {
            let lifecycle = instance.lifecycle.as_ref();
            if !matches!(
                lifecycle,
                Some(Lifecycle::InService | Lifecycle::EnteringStandby | Lifecycle::Standby)
            ) {
                return Err(Refusal::Unsound(format!(
                    "{} is {}; AWS changes the protection only of instances in service or in standby",
                    instance.id,
                    lifecycle.map_or("in no group", Lifecycle::as_str)
                )));
            }
            if instance.protected != protected {
                if !protected {
                    draft.note_jobs(instance);
                }
                changed.push(instance.id.clone());
            }
        }
        for ids in changed.chunks(N_IDS_MAX) {
            draft.change(&key, "protected", !protected, protected);
            draft.call(Call::SetInstanceProtection {
                pool: key.clone(),
                instances: ids.to_vec(),
                protected,
            });
        }
    }
    if draft.plan.calls.is_empty() {
        let state = if protected {
            "already protected"
        } else {
            "not protected"
        };
        return Err(Refusal::AlreadySo(format!("the instances are {state}")));
    }
    if !draft.plan.jobs_at_risk.is_empty() {
        draft.warn("jobs run there: without protection the group may choose these instances when it scales in");
    }
    Ok(())
}
