//! The mark that a roll leaves on its group, so that every console sees whose it is, also while
//! none of its instances is under way.

use super::ground::Ground;
use crate::{
    fleet::Call,
    operation::{Claim, Halt, Slot, TAG, WaitingOn, decide::Step},
};

/// Marks the group, unless it is another operation's.
pub(super) fn set(ground: &Ground<'_>) -> Step {
    if let Some(claim) = claim(ground).filter(|it| !ground.operation.owns(&it.id)) {
        // A reading from before our own mark may show another's.
        let written_at = ground.written_at(Slot::Tag);
        if written_at.is_some_and(|it| !ground.is_settled_since(it)) {
            return Step::Wait(settling());
        }
        return Step::Stuck(Halt::PoolOwned {
            pool: ground.plan.pool.clone(),
            by: claim.words(),
        });
    }
    let mark = ground.state.mark(Slot::Tag);
    if mark.is_applied() {
        return Step::Finished;
    }
    let call = || Call::TagPool {
        pool: ground.plan.pool.clone(),
        key: TAG.to_owned(),
        value: Claim::of(ground.operation, false).to_string(),
        propagate: false,
    };
    ground.attempts().attempt(mark, "its mark", call)
}

/// Takes our mark away, and nobody else's.
pub(super) fn clear(ground: &Ground<'_>) -> Step {
    let mark = ground.state.mark(Slot::Untag);
    let Some(written_at) = ground.written_at(Slot::Tag).filter(|_| !mark.is_applied()) else {
        return Step::Finished;
    };
    if claim(ground).is_some_and(|it| ground.operation.owns(&it.id)) {
        let call = || Call::UntagPool {
            pool: ground.plan.pool.clone(),
            key: TAG.to_owned(),
        };
        return ground.attempts().attempt(mark, "the end of its mark", call);
    }
    if ground.is_settled_since(written_at) {
        return Step::Finished;
    }
    Step::Wait(settling())
}

fn claim(ground: &Ground<'_>) -> Option<Claim> {
    ground.pool.tags.get(TAG).map(|it| Claim::parse(it))
}

fn settling() -> WaitingOn {
    WaitingOn::Settling {
        what: "its mark".to_owned(),
    }
}
