//! The mark that a roll leaves on its group, so that every console sees whose it is, also while
//! none of its instances is under way.

use super::ground::Ground;
use crate::{
    fleet::Call,
    operation::{Claim, Halt, Slot, TAG, WaitingOn, decide::Step},
};

/// Marks the group, unless it is another operation's, or somebody took our mark off.
pub(super) fn set(ground: &Ground<'_>) -> Step {
    let pool = || ground.plan.pool.clone();
    let written_at = ground.written_at(Slot::Tag);
    let is_settled = written_at.is_none_or(|it| ground.is_settled_since(it));
    let mark = ground.state.mark(Slot::Tag);
    match claim(ground) {
        Some(it) if ground.operation.owns(&it.id) => return Step::Finished,
        // A reading from before our own mark may show another's.
        Some(_) if !is_settled => return Step::Wait(settling()),
        Some(it) => {
            return Step::Stuck(Halt::PoolOwned {
                pool: pool(),
                by: it.words(),
            });
        }
        None if ground.written_at(Slot::Untag).is_some() => return Step::Finished,
        None if mark.is_applied() && !is_settled => return Step::Finished,
        // Somebody gave all of it back, and a driver that slept would not know.
        None if mark.is_applied() => {
            let subject = pool().into();
            return Step::Stuck(Halt::Unmarked { subject });
        }
        None => {}
    }
    let call = || Call::TagPool {
        pool: pool(),
        key: TAG.to_owned(),
        value: Claim::of(ground.operation, false).to_string(),
        propagate: false,
    };
    ground.attempts().attempt(mark, "its mark", call)
}

/// Takes our mark away, and nobody else's.
pub(super) fn clear(ground: &Ground<'_>) -> Step {
    let mark = ground.state.mark(Slot::Untag);
    if mark.is_applied() {
        return Step::Finished;
    }
    if claim(ground).is_some_and(|it| ground.operation.owns(&it.id)) {
        let call = || Call::UntagPool {
            pool: ground.plan.pool.clone(),
            key: TAG.to_owned(),
        };
        return ground.attempts().attempt(mark, "the end of its mark", call);
    }
    match ground.written_at(Slot::Tag) {
        Some(at) if !ground.is_settled_since(at) => Step::Wait(settling()),
        _ => Step::Finished,
    }
}

fn claim(ground: &Ground<'_>) -> Option<Claim> {
    ground.pool.tags.get(TAG).map(|it| Claim::parse(it))
}

fn settling() -> WaitingOn {
    WaitingOn::Settling {
        what: "its mark".to_owned(),
    }
}
