//! The state of an operation: the fold of its events, and nothing else.

use std::{collections::BTreeMap, time::Duration};

use super::{Event, Happening, OperationId, Owner, Sight, Spec};
use crate::fleet::{Call, ControllerName, FailureKind, InstanceId, Timestamp};

/// An operation, as far as its journal tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub id: OperationId,
    pub spec: Spec,
    pub owner: Owner,
    pub reason: Option<String>,
    pub command_line: String,
    pub started_at: Timestamp,
    /// When the last event was.
    pub touched_at: Timestamp,
    standing: Standing,
    targets: BTreeMap<InstanceId, TargetState>,
}

/// Whether an operation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Running,
    Paused,
    /// Gives back what it has not terminated.
    Aborting {
        why: String,
    },
    /// Over; what was not done stands in sentences.
    Ended {
        aborted: Option<String>,
        left: Vec<String>,
    },
}

/// How far a call about a target has come; a crash leaves it `Intended`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    None,
    /// Sent, or about to be; it may have happened.
    Intended(Timestamp),
    Applied(Timestamp),
    Refused {
        at: Timestamp,
        kind: FailureKind,
        why: String,
        /// How often in a row.
        n: u32,
    },
}

/// What is known of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetState {
    pub tag: Mark,
    pub protect: Mark,
    /// The cordons that we set, by agent.
    pub cordons: BTreeMap<(ControllerName, String), Mark>,
    /// How often a cordon that was in force was found lifted.
    pub n_cordons_lost: u32,
    pub seen: Option<Sight>,
    /// The times of the readings that found it idle since the cordon; cleared by any that did not.
    pub idle_at: Vec<Timestamp>,
    pub terminate: Mark,
    pub hook: Mark,
    pub heartbeat: Mark,
    pub uncordon: Mark,
    pub unprotect: Mark,
    pub untag: Mark,
    /// Seen on its way out, where nothing calls it back.
    pub was_leaving: bool,
    /// First seen gone.
    pub gone_at: Option<Timestamp>,
}

/// Why a journal cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the journal is empty")]
    Empty,
    #[error("the journal does not begin with its plan")]
    NoPlan,
    #[error("event {index} is a second plan")]
    SecondPlan { index: usize },
    #[error(
        "the journal is of version {version}; this pooldeck reads {}",
        Event::VERSION
    )]
    Version { version: u32 },
}

impl Mark {
    /// Returns when the call was sent, if it may have happened.
    pub fn may_have_happened_at(&self) -> Option<Timestamp> {
        match self {
            Self::Intended(at) | Self::Applied(at) => Some(*at),
            Self::None | Self::Refused { .. } => None,
        }
    }

    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }

    fn refuse(&mut self, at: Timestamp, kind: FailureKind, why: &str) {
        let n = match self {
            Self::Refused { n, .. } => *n,
            Self::None | Self::Intended(_) | Self::Applied(_) => 0,
        };
        *self = Self::Refused {
            at,
            kind,
            why: why.to_owned(),
            n: n + 1,
        };
    }
}

impl TargetState {
    /// Returns whether nothing is left to do for it.
    ///
    /// A machine that was never seen to leave may only be missing from one
    /// reading, so it has to stay away for as long as reads lag.
    pub fn is_finished(&self, now: Timestamp, settle: Duration) -> bool {
        let is_gone = self
            .gone_at
            .is_some_and(|at| self.was_leaving || settle <= now.since(at));
        is_gone || self.untag.is_applied()
    }

    /// Returns whether we may have begun to take it out of service.
    pub fn is_begun(&self) -> bool {
        self.tag != Mark::None
    }
}

impl Operation {
    /// Folds a journal.
    pub fn replay(events: &[Event]) -> Result<Self, JournalError> {
        let Some((first, rest)) = events.split_first() else {
            return Err(JournalError::Empty);
        };
        let Happening::Planned {
            version,
            id,
            spec,
            owner,
            reason,
            command_line,
        } = &first.what
        else {
            return Err(JournalError::NoPlan);
        };
        if Event::VERSION < *version {
            return Err(JournalError::Version { version: *version });
        }
        let targets = spec
            .targets()
            .iter()
            .map(|it| (it.clone(), TargetState::default()));
        let mut operation = Self {
            id: id.clone(),
            spec: spec.clone(),
            owner: owner.clone(),
            reason: reason.clone(),
            command_line: command_line.clone(),
            started_at: first.at,
            touched_at: first.at,
            standing: Standing::Running,
            targets: targets.collect(),
        };
        for (event_idx, event) in rest.iter().enumerate() {
            if matches!(event.what, Happening::Planned { .. }) {
                return Err(JournalError::SecondPlan {
                    index: event_idx + 1,
                });
            }
            operation.evolve(event);
        }
        Ok(operation)
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    pub fn is_over(&self) -> bool {
        matches!(self.standing, Standing::Ended { .. })
    }

    /// Returns the targets in their order.
    pub fn targets(&self) -> impl Iterator<Item = (&InstanceId, &TargetState)> {
        self.spec
            .targets()
            .iter()
            .filter_map(|id| self.targets.get_key_value(id))
    }

    pub fn target(&self, id: &InstanceId) -> Option<&TargetState> {
        self.targets.get(id)
    }

    pub fn n_finished(&self, now: Timestamp) -> usize {
        let settle = self.spec.proof().settle;
        let is_finished = |it: &&TargetState| it.is_finished(now, settle);
        self.targets.values().filter(is_finished).count()
    }

    /// Takes one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        let at = event.at;
        self.touched_at = self.touched_at.max(at);
        match &event.what {
            // `replay` takes the plan; a second one is refused there.
            Happening::Planned { .. } => {}
            Happening::Intended { call } | Happening::Unanswered { call, .. } => {
                self.set(call, |it| *it = Mark::Intended(at));
            }
            Happening::Applied { call } => self.set(call, |it| *it = Mark::Applied(at)),
            Happening::Refused { call, kind, why } => {
                self.set(call, |it| it.refuse(at, *kind, why));
            }
            Happening::Saw { instance, sight } => {
                if let Some(target) = self.targets.get_mut(instance) {
                    target.see(sight, at);
                }
            }
            Happening::Paused => self.standing = Standing::Paused,
            Happening::Resumed => {
                if self.standing == Standing::Paused {
                    self.standing = Standing::Running;
                }
                // What was refused is tried again: the operator may have mended it.
                self.targets
                    .values_mut()
                    .for_each(TargetState::forget_refusals);
            }
            Happening::Aborted { why } => {
                if !self.is_over() {
                    self.standing = Standing::Aborting { why: why.clone() };
                }
            }
            Happening::Adopted { owner } => self.owner = owner.clone(),
            Happening::Ended { left } => {
                let aborted = match &self.standing {
                    Standing::Aborting { why } => Some(why.clone()),
                    Standing::Running | Standing::Paused | Standing::Ended { .. } => None,
                };
                self.standing = Standing::Ended {
                    aborted,
                    left: left.clone(),
                };
            }
        }
    }

    /// Changes the mark that stands for a call; a call about nothing of ours changes nothing.
    fn set(&mut self, call: &Call, change: impl Fn(&mut Mark)) {
        if let Call::Cordon {
            controller,
            executor,
            note,
        } = call
        {
            // The note names the instance, because an agent may move to another.
            let key = (controller.clone(), executor.clone());
            for (id, target) in &mut self.targets {
                if note.contains(id.as_str()) {
                    change(target.cordons.entry(key.clone()).or_default());
                    target.idle_at.clear();
                }
            }
            return;
        }
        if let Call::Uncordon {
            controller,
            executor,
        } = call
        {
            let key = (controller.clone(), executor.clone());
            let owners = self
                .targets
                .values_mut()
                .filter(|it| it.cordons.contains_key(&key));
            for target in owners {
                change(&mut target.uncordon);
                if target.uncordon.is_applied() {
                    target.cordons.remove(&key);
                }
            }
            return;
        }
        for id in call.instances() {
            let Some(target) = self.targets.get_mut(id) else {
                continue;
            };
            match call {
                Call::TagInstances { .. } => change(&mut target.tag),
                Call::UntagInstances { .. } => change(&mut target.untag),
                Call::SetInstanceProtection {
                    protected: true, ..
                } => change(&mut target.protect),
                Call::SetInstanceProtection {
                    protected: false, ..
                } => change(&mut target.unprotect),
                Call::TerminateInstance { .. } => change(&mut target.terminate),
                Call::CompleteHook { .. } => change(&mut target.hook),
                Call::Heartbeat { .. } => change(&mut target.heartbeat),
                _ => {}
            }
        }
    }
}

impl TargetState {
    fn forget_refusals(&mut self) {
        let cordons = self.cordons.values_mut();
        let others = [
            &mut self.tag,
            &mut self.protect,
            &mut self.terminate,
            &mut self.hook,
            &mut self.heartbeat,
            &mut self.uncordon,
            &mut self.unprotect,
            &mut self.untag,
        ];
        for mark in others.into_iter().chain(cordons) {
            if matches!(mark, Mark::Refused { .. }) {
                *mark = Mark::None;
            }
        }
        self.n_cordons_lost = 0;
    }

    fn see(&mut self, sight: &Sight, at: Timestamp) {
        match sight {
            Sight::Idle { at } => {
                // Only what was seen after the cordon was in force proves anything.
                let cordoned_at = self
                    .cordons
                    .values()
                    .filter_map(Mark::may_have_happened_at)
                    .max();
                let is_after = cordoned_at.is_none_or(|it| it < *at);
                if is_after && self.idle_at.last().is_none_or(|it| it < at) {
                    self.idle_at.push(*at);
                }
            }
            Sight::Open { .. } => {
                self.n_cordons_lost += u32::from(!self.idle_at.is_empty());
                self.idle_at.clear();
            }
            Sight::Busy { .. } | Sight::Unknown { .. } => self.idle_at.clear(),
            Sight::Leaving { .. } => self.was_leaving = true,
            Sight::Gone { .. } => {}
        }
        let is_gone = matches!(sight, Sight::Gone { .. });
        self.gone_at = if is_gone {
            self.gone_at.or(Some(at))
        } else {
            None
        };
        self.seen = Some(sight.clone());
    }
}
