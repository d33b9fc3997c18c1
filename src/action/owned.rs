//! What another operation works on: its marks are on the instances, and on the group of a roll.

use super::{
    draft::Draft,
    plan::{Refusal, Target},
};
use crate::{
    fleet::Call,
    operation::{self, Claim, Spec, claim_on},
};

/// Refuses what would fight an operation, and says what else meets one.
pub(super) fn check(draft: &mut Draft<'_>, target: &Target) -> Result<(), Refusal> {
    let pool = draft.fleet.pool(&target.pool);
    let on_pool = pool.and_then(|it| it.tags.get(operation::TAG));
    if let Some(claim) = on_pool.map(|it| Claim::parse(it)) {
        let rolls = matches!(draft.plan.operation, Some(Spec::Roll(_) | Spec::Refresh(_)));
        let name = &target.pool.name;
        if rolls {
            return Err(owned(&name.to_string(), &claim));
        }
        let kind = claim.kind.as_deref().unwrap_or("operation");
        draft.warn(format!(
            "{kind} {} is under way in {name}, and takes what this changes for somebody else's wish",
            claim.words()
        ));
    }
    // An operation looks at the marks itself when it comes to an instance.
    if draft.plan.operation.is_some() {
        return Ok(());
    }
    let moves = draft
        .plan
        .calls
        .iter()
        .any(|it| matches!(it, Call::EnterStandby { .. } | Call::ExitStandby { .. }));
    for id in &target.instances {
        let instance = draft.fleet.instances.get(id);
        let claim = instance.and_then(|it| claim_on(draft.fleet, it));
        match claim {
            Some(claim) if moves => return Err(owned(id.as_str(), &claim)),
            Some(claim) => draft.warn(format!(
                "operation {} owns {id}, and will find this changed; `ops abort {}` gives it back",
                claim.words(),
                claim.id
            )),
            None => {}
        }
    }
    Ok(())
}

fn owned(what: &str, claim: &Claim) -> Refusal {
    let (owner, id) = (claim.words(), &claim.id);
    Refusal::Unsound(format!(
        "operation {owner} owns {what}; `ops show {id}` tells more, `ops abort {id}` frees it, and \
         `ops adopt {id}` takes it over from another host"
    ))
}
