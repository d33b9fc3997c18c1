//! What an operation did to a pool as a whole, and what it found there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Mark, Outcomes, Spec};
use crate::fleet::{Call, InstanceId, PoolKey, Process, Timestamp};

/// The kinds of call about a pool that an operation makes for its own use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    Desired,
    Bounds,
    Suspend,
    Resume,
    /// The Terminate process alone: while desired is lowered, a roll lets its group end nobody.
    Hold,
    Release,
    Tag,
    Untag,
    StartRefresh,
    CancelRefresh,
    RollbackRefresh,
    /// A new version of the template, or a copy of the launch configuration.
    Create,
    /// What the group launches from.
    Source,
}

/// Returns the pool that a call is about as a whole, and its kind.
///
/// A freeze may suspend Terminate alone as well, where everything else is suspended already.
pub(super) fn slot_of<'a>(spec: &Spec, call: &'a Call) -> Option<(&'a PoolKey, Slot)> {
    let is_roll = matches!(spec, Spec::Roll(_));
    let is_hold = |processes: &[Process]| is_roll && processes == [Process::Terminate];
    match call {
        Call::SuspendProcesses { pool, processes } if is_hold(processes) => {
            Some((pool, Slot::Hold))
        }
        Call::ResumeProcesses { pool, processes } if is_hold(processes) => {
            Some((pool, Slot::Release))
        }
        Call::SetDesiredCapacity { pool, .. } => Some((pool, Slot::Desired)),
        Call::UpdateBounds { pool, .. } => Some((pool, Slot::Bounds)),
        Call::SuspendProcesses { pool, .. } => Some((pool, Slot::Suspend)),
        Call::ResumeProcesses { pool, .. } => Some((pool, Slot::Resume)),
        Call::TagPool { pool, .. } => Some((pool, Slot::Tag)),
        Call::UntagPool { pool, .. } => Some((pool, Slot::Untag)),
        Call::StartRefresh { pool, .. } => Some((pool, Slot::StartRefresh)),
        Call::CancelRefresh { pool } => Some((pool, Slot::CancelRefresh)),
        Call::RollbackRefresh { pool } => Some((pool, Slot::RollbackRefresh)),
        Call::CreateTemplateVersion { pool, .. } | Call::CopyConfiguration { pool, .. } => {
            Some((pool, Slot::Create))
        }
        Call::LaunchFrom { pool, .. } => Some((pool, Slot::Source)),
        _ => None,
    }
}

/// How far a call has come, as one line of the journal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Intended,
    Applied,
    Refused,
    Unanswered,
}

/// What is known of what we did to one pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolState {
    marks: BTreeMap<Slot, Mark>,
    /// What a call of that kind made, by the name that the service gave it.
    made: BTreeMap<Slot, String>,
    /// What desired should be by our own calls.
    desired: Expected,
    /// What desired shall be at the end: as planned, or as somebody else set it since.
    pub base: u32,
    /// How often somebody else changed desired, and the last of them.
    pub n_fights: u32,
    pub desired_by: Option<String>,
    /// The changes of desired that we asked for ourselves, as AWS words them: from, to.
    pub(super) raises: BTreeSet<(u32, u32)>,
    /// The max that we set last; we set it back only while it stands.
    pub max_written: Option<u32>,
    max_planned: Option<u32>,
    /// New instances that were seen in service with their agents, and when.
    pub registered: BTreeMap<InstanceId, Timestamp>,
    /// How jobs ended on old instances, when most were there.
    pub outcomes: Option<Outcomes>,
    /// Since when the group has fewer members than it wants.
    pub short_since: Option<Timestamp>,
    /// When each stage was reached.
    pub reached: Vec<Reached>,
    /// When the group was first seen to launch from what was wanted.
    pub in_use_at: Option<Timestamp>,
    /// The larger max that we asked for; an answer that was lost leaves an earlier one in force.
    pub max_borrowed: BTreeSet<u32>,
    /// When calls of a kind were sent, as our clock said then: AWS keeps such a time by its own
    /// clock, and does not know that ours was set since.
    said_at: BTreeMap<Slot, Timestamp>,
    /// When an operator resumed last: what was wrong until then is known.
    pub resumed_at: Option<Timestamp>,
}

/// A stage of a roll that was reached: the canaries, or a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    pub at: Timestamp,
    /// An operator resumed before its time was over.
    pub is_released: bool,
}

/// A number that our calls change, between what it is at least and at most:
/// an answer that was lost leaves both possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Expected {
    least: u32,
    most: u32,
    /// Before a call that was not answered yet.
    before: Option<(u32, u32)>,
    at: Timestamp,
}

impl PoolState {
    pub(super) const fn nothing() -> Self {
        Self {
            marks: BTreeMap::new(),
            made: BTreeMap::new(),
            desired: Expected {
                least: 0,
                most: 0,
                before: None,
                at: Timestamp::EPOCH,
            },
            base: 0,
            n_fights: 0,
            desired_by: None,
            raises: BTreeSet::new(),
            max_written: None,
            max_planned: None,
            registered: BTreeMap::new(),
            outcomes: None,
            short_since: None,
            reached: Vec::new(),
            in_use_at: None,
            max_borrowed: BTreeSet::new(),
            said_at: BTreeMap::new(),
            resumed_at: None,
        }
    }

    pub(super) fn new(spec: &Spec, key: &PoolKey, at: Timestamp) -> Self {
        let mut state = Self::nothing();
        if let Spec::Roll(roll) = spec
            && let Some(plan) = roll.pools.iter().find(|it| it.pool == *key)
        {
            state.base = plan.capacity.desired;
            state.max_planned = Some(plan.capacity.max);
            state.desired = Expected::exactly(plan.capacity.desired, at);
        }
        state
    }

    /// Returns how far the last call of this kind has come.
    pub fn mark(&self, slot: Slot) -> &Mark {
        self.marks.get(&slot).unwrap_or(&Mark::None)
    }

    /// Returns what the last call of this kind made.
    pub fn made(&self, slot: Slot) -> Option<&str> {
        self.made.get(&slot).map(String::as_str)
    }

    /// Returns when the last call of this kind was sent, by our clock as it was then.
    pub(super) fn said_at(&self, slot: Slot) -> Option<Timestamp> {
        self.said_at.get(&slot).copied()
    }

    pub(super) fn say(&mut self, slot: Slot, at: Timestamp) {
        self.said_at.insert(slot, at);
    }

    /// Returns what desired is by our own calls, unless the answer to one of them is missing.
    pub fn desired(&self) -> Option<u32> {
        (self.desired.least == self.desired.most).then_some(self.desired.least)
    }

    /// Returns how many more it has than it shall have at the end, by our own calls; at least.
    pub(super) fn n_ahead(&self) -> u32 {
        self.desired.least.saturating_sub(self.base)
    }

    /// Returns whether our calls may have led to this number.
    pub(super) fn may_be_desired(&self, desired: u32) -> bool {
        (self.desired.least..=self.desired.most).contains(&desired)
    }

    /// Returns what the pool shall have in the end after somebody else changed desired to this:
    /// as many more or fewer as that is than what our own calls may have made of it.
    pub(super) fn moved_base(&self, desired: u32) -> u32 {
        let Expected { least, most, .. } = self.desired;
        let more = desired.saturating_sub(most);
        let fewer = least.saturating_sub(desired);
        (self.base + more).saturating_sub(fewer)
    }

    /// Returns when we last changed desired, or took note of a change.
    pub(super) fn desired_changed_at(&self) -> Timestamp {
        self.desired.at
    }

    pub(super) fn marks_mut(&mut self) -> impl Iterator<Item = &mut Mark> {
        self.marks.values_mut()
    }

    pub(super) fn desired_at_mut(&mut self) -> &mut Timestamp {
        &mut self.desired.at
    }

    pub(super) fn mark_mut(&mut self, slot: Slot) -> &mut Mark {
        self.marks.entry(slot).or_default()
    }

    pub(super) fn note_made(&mut self, slot: Slot, made: &str) {
        self.made.insert(slot, made.to_owned());
    }

    /// Follows what a call does to the numbers of the pool.
    pub(super) fn follow(&mut self, call: &Call, stage: Stage, at: Timestamp) {
        match call {
            Call::SetDesiredCapacity { desired, .. } => {
                if stage == Stage::Intended {
                    self.raises.insert((self.desired.least, *desired));
                    self.raises.insert((self.desired.most, *desired));
                }
                self.desired.follow(stage, at, |_| *desired);
            }
            Call::TerminateInstance {
                decrement: true, ..
            } => self.desired.follow(stage, at, |it| it.saturating_sub(1)),
            Call::EnterStandby {
                decrement: true,
                instances,
                ..
            } => {
                let n = u32::try_from(instances.len()).unwrap_or(u32::MAX);
                self.desired.follow(stage, at, |it| it.saturating_sub(n));
            }
            Call::UpdateBounds { max: Some(max), .. } if stage == Stage::Intended => {
                self.max_written = Some(*max);
                // What is given back is never more than the pool shall have.
                if self.max_planned.is_some_and(|it| it < *max) {
                    self.max_borrowed.insert(*max);
                }
            }
            _ => {}
        }
    }

    /// Returns whether we ever asked for a smaller desired size.
    pub(super) fn has_lowered(&self) -> bool {
        self.raises.iter().any(|(from, to)| to < from)
    }

    /// Takes what desired was seen to be; somebody else's wish becomes what we go back to.
    pub(super) fn see_desired(&mut self, desired: u32, by: Option<&str>, base: u32, at: Timestamp) {
        self.desired = Expected::exactly(desired, at);
        if let Some(by) = by {
            self.base = base;
            self.n_fights += 1;
            self.desired_by = Some(by.to_owned());
        }
    }

    /// An operator looked: what was refused is tried again, and what was disputed is ours again.
    pub(super) fn resume(&mut self, at: Timestamp) {
        self.marks.values_mut().for_each(Mark::forget_refusal);
        self.resumed_at = Some(at);
        self.n_fights = 0;
        self.short_since = None;
        if let Some(last) = self.reached.last_mut() {
            last.is_released = true;
        }
    }

    /// Begins anew, in the other direction.
    pub(super) fn turn_back(&mut self) {
        self.marks.remove(&Slot::Source);
        self.in_use_at = None;
        self.reached.clear();
        self.short_since = None;
    }
}

impl Expected {
    fn exactly(n: u32, at: Timestamp) -> Self {
        Self {
            least: n,
            most: n,
            before: None,
            at,
        }
    }

    fn follow(&mut self, stage: Stage, at: Timestamp, change: impl Fn(u32) -> u32) {
        let (least, most) = self.before.unwrap_or((self.least, self.most));
        match stage {
            Stage::Intended => {
                // An earlier call may hang in the air; what it did is within the bounds.
                let (least, most) = (self.least, self.most);
                self.before = Some((least, most));
                self.least = least.min(change(least));
                self.most = most.max(change(most));
            }
            Stage::Applied => {
                self.least = change(least);
                self.most = change(most);
                self.before = None;
            }
            Stage::Refused => {
                (self.least, self.most) = (least, most);
                self.before = None;
            }
            Stage::Unanswered => self.before = None,
        }
        self.at = at;
    }
}
