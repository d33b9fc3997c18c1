//! What comes next. Each kind of operation decides for itself; what they share is here.

use super::{Halt, Operation, Spec, Standing, Subject, WaitingOn, drain, freeze, refresh, roll};
use crate::fleet::{Call, Fleet, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Apply(Call),
    /// For each pool or instance that is not finished, what it waits for.
    Wait(Vec<(Subject, WaitingOn)>),
    /// Nothing can be done without an operator.
    Halt(Vec<Halt>),
    Done,
}

/// Decides the next step, given the fleet as last observed. Pure.
pub fn decide(operation: &Operation, fleet: &Fleet, now: Timestamp) -> Decision {
    if let Standing::Ended { .. } = operation.standing() {
        return Decision::Done;
    }
    match &operation.spec {
        Spec::Drain(it) => drain::decide(operation, it, fleet, now),
        Spec::Freeze(it) => freeze::decide(operation, it, fleet, now),
        Spec::Roll(it) => roll::decide(operation, it, fleet, now),
        Spec::Refresh(it) => refresh::decide(operation, it, fleet, now),
    }
}

/// What comes next for one pool or one instance.
pub(super) enum Step {
    Apply(Call),
    Wait(WaitingOn),
    Stuck(Halt),
    Finished,
}

/// Steps in the making of a decision: the first call is made, and everything else waits.
#[derive(Default)]
pub(super) struct Tally {
    waits: Vec<(Subject, WaitingOn)>,
    halts: Vec<Halt>,
}

impl Tally {
    /// Takes a step; a call decides at once.
    pub(super) fn take(&mut self, subject: impl Into<Subject>, step: Step) -> Option<Decision> {
        match step {
            Step::Apply(call) => return Some(Decision::Apply(call)),
            Step::Wait(waiting_on) => self.waits.push((subject.into(), waiting_on)),
            Step::Stuck(halt) => self.halts.push(halt),
            Step::Finished => {}
        }
        None
    }

    /// Where some are stuck, nothing else comes of those that wait only for others.
    pub(super) fn forget_waits_for_the_stuck(&mut self) {
        let is_for_others = self.waits.iter().all(|it| it.1.is_for_others());
        if !self.halts.is_empty() && is_for_others {
            self.waits.clear();
        }
    }

    /// Decides when no step was a call.
    pub(super) fn decide(self) -> Decision {
        match (self.waits.is_empty(), self.halts.is_empty()) {
            (true, true) => Decision::Done,
            (true, false) => Decision::Halt(self.halts),
            // Those that are stuck wait for an operator while the others go on.
            (false, _) => Decision::Wait(self.waits),
        }
    }
}
