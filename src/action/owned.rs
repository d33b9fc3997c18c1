//! What another operation works on: its marks are on the instances, and on the group of a roll.

use super::{
    draft::Draft,
    plan::{Refusal, Target},
};
use crate::{
    fleet::{Call, Instance, Pool},
    operation::{self, Claim, Spec},
};

/// Refuses what would fight an operation, and says what else meets one.
pub(super) fn check(draft: &mut Draft<'_>, target: &Target) -> Result<(), Refusal> {
    let pool = draft.fleet.pool(&target.pool);
    let on_pool = pool.and_then(|it| it.tags.get(operation::TAG));
    if let Some(claim) = on_pool.map(|it| Claim::parse(it)) {
        let rolls = matches!(draft.plan.operation, Some(Spec::Roll(_) | Spec::Refresh(_)));
        let name = &target.pool.name;
        if rolls {
            return Err(owned(name.as_str(), &claim));
        }
        let kind = claim.kind.as_deref().unwrap_or("operation");
        draft.warn(format!(
            "{kind} {} is under way in {name}, and takes what this changes for somebody else's wish",
            claim.words()
        ));
    }
    if let Some(Spec::Refresh(_)) = draft.plan.operation {
        // EC2 Auto Scaling looks at no marks.
        for member in &draft.fleet.roster(&target.pool).instances {
            check_instance(member)?;
        }
    }
    // Other operations look at the marks of an instance when they come to it.
    if draft.plan.operation.is_some() {
        return Ok(());
    }
    let is_change = |it: &Call| {
        matches!(
            it,
            Call::EnterStandby { .. }
                | Call::ExitStandby { .. }
                | Call::SetInstanceProtection { .. }
                | Call::Cordon { .. }
                | Call::Uncordon { .. }
        )
    };
    if !draft.plan.calls.iter().any(is_change) {
        return Ok(());
    }
    let instances = target.instances.iter();
    let mut known = instances.filter_map(|it| draft.fleet.instances.get(it));
    known.try_for_each(|it| check_instance(it))
}

/// Refuses to name a smaller size while an operation takes instances of the pool, or has borrowed
/// some: its end would be of another size than was asked for.
pub(super) fn check_size(draft: &Draft<'_>, pool: &Pool) -> Result<(), Refusal> {
    let key = pool.key();
    let members = &draft.fleet.roster(&key).instances;
    let on_members = members.iter().filter_map(|it| it.tags.get(operation::TAG));
    let mut marks = pool.tags.get(operation::TAG).into_iter().chain(on_members);
    let Some(claim) = marks.next().map(|it| Claim::parse(it)) else {
        return Ok(());
    };
    Err(Refusal::Unsound(format!(
        "operation {} changes the size of {key} while it lasts; scale it once that is over (`ops show {}`), or \
         `drain` by name who is to go beside it",
        claim.words(),
        claim.id
    )))
}

/// Refuses an instance that carries the mark of an operation.
pub(super) fn check_instance(instance: &Instance) -> Result<(), Refusal> {
    match instance.tags.get(operation::TAG) {
        Some(tag) => Err(owned(instance.id.as_str(), &Claim::parse(tag))),
        None => Ok(()),
    }
}

fn owned(what: &str, claim: &Claim) -> Refusal {
    let (owner, id) = (claim.words(), &claim.id);
    Refusal::Unsound(format!(
        "operation {owner} owns {what}; `ops show {id}` tells more, `ops abort {id}` frees it, and \
         `ops adopt {id}` takes it over from another host"
    ))
}
