//! What an operation did to a pool as a whole: one mark for each kind of call.

use std::collections::BTreeMap;

use super::Mark;
use crate::fleet::{Call, PoolKey};

/// The kinds of call about a pool that an operation makes for its own use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    Desired,
    Bounds,
    Suspend,
    Resume,
    Tag,
    Untag,
    StartRefresh,
    CancelRefresh,
    RollbackRefresh,
}

/// Returns the pool that a call is about as a whole, and its kind.
pub(super) fn slot_of(call: &Call) -> Option<(&PoolKey, Slot)> {
    match call {
        Call::SetDesiredCapacity { pool, .. } => Some((pool, Slot::Desired)),
        Call::UpdateBounds { pool, .. } => Some((pool, Slot::Bounds)),
        Call::SuspendProcesses { pool, .. } => Some((pool, Slot::Suspend)),
        Call::ResumeProcesses { pool, .. } => Some((pool, Slot::Resume)),
        Call::TagPool { pool, .. } => Some((pool, Slot::Tag)),
        Call::UntagPool { pool, .. } => Some((pool, Slot::Untag)),
        Call::StartRefresh { pool, .. } => Some((pool, Slot::StartRefresh)),
        Call::CancelRefresh { pool } => Some((pool, Slot::CancelRefresh)),
        Call::RollbackRefresh { pool } => Some((pool, Slot::RollbackRefresh)),
        _ => None,
    }
}

/// What is known of what we did to one pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolState {
    marks: BTreeMap<Slot, Mark>,
    /// What a call of that kind made, by the name that the service gave it.
    made: BTreeMap<Slot, String>,
}

impl PoolState {
    pub(super) const fn nothing() -> Self {
        Self {
            marks: BTreeMap::new(),
            made: BTreeMap::new(),
        }
    }

    /// Returns how far the last call of this kind has come.
    pub fn mark(&self, slot: Slot) -> &Mark {
        self.marks.get(&slot).unwrap_or(&Mark::None)
    }

    pub fn made(&self, slot: Slot) -> Option<&str> {
        self.made.get(&slot).map(String::as_str)
    }

    pub(super) fn mark_mut(&mut self, slot: Slot) -> &mut Mark {
        self.marks.entry(slot).or_default()
    }

    pub(super) fn note_made(&mut self, slot: Slot, made: &str) {
        self.made.insert(slot, made.to_owned());
    }

    pub(super) fn forget_refusals(&mut self) {
        self.marks.values_mut().for_each(Mark::forget_refusal);
    }
}
