//! What is known of one target, and of one call: marks that the journal's events set.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Agent, Sight};
use crate::fleet::{Call, ControllerName, Executor, FailureKind, Timestamp};

/// How far a call about a target has come; a crash leaves it `Intended`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    None,
    /// Sent, or about to be; it may have happened.
    Intended {
        at: Timestamp,
        /// How often in a row it was refused before.
        n_refused: u32,
        /// When an earlier try was sent that may have happened.
        earlier: Option<Timestamp>,
    },
    Applied(Timestamp),
    Refused {
        at: Timestamp,
        kind: FailureKind,
        why: String,
        /// How often in a row.
        n: u32,
        /// When an earlier try was sent that may have happened; a refusal takes back only itself.
        earlier: Option<Timestamp>,
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
    /// How often each agent was cordoned since all of them were last seen closed.
    n_cordoned: BTreeMap<(ControllerName, String), u32>,
    /// Every agent that a reading showed on it.
    pub agents: BTreeMap<(ControllerName, String), Agent>,
    pub seen: Option<Sight>,
    /// The times of the readings that found it idle since the cordon; cleared by any that did not.
    pub idle_at: Vec<Timestamp>,
    /// The newest readings that counted for the proof, or cleared it.
    pub ledger: Vec<Reading>,
    /// The agents that we took off their controller, which finds no job on them in that moment.
    pub removals: BTreeMap<(ControllerName, String), Mark>,
    pub terminate: Mark,
    pub hook: Mark,
    pub heartbeat: Mark,
    pub uncordon: Mark,
    /// The agents whose cordon we lifted, as far as we were answered.
    pub opened: BTreeSet<(ControllerName, String)>,
    pub unprotect: Mark,
    pub untag: Mark,
    /// Put aside, because no agent of it ever came and nothing proves it idle.
    pub standby: Mark,
    /// One more than the pool wants, whatever it was made from.
    pub is_surplus: bool,
    /// Seen on its way out, where nothing calls it back.
    pub was_leaving: bool,
    /// First seen gone.
    pub gone_at: Option<Timestamp>,
}

/// A reading, and what it did to the proof of idleness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub at: Timestamp,
    /// Whether it counted; otherwise it cleared what there was.
    pub counted: bool,
    /// How many count after it.
    pub n: usize,
    pub what: String,
}

/// Older readings are told by the journal.
const LEDGER_MAX: usize = 12;

impl Mark {
    /// Returns when the call was sent, if it may have happened.
    pub fn may_have_happened_at(&self) -> Option<Timestamp> {
        match self {
            Self::Intended { at, .. } | Self::Applied(at) => Some(*at),
            Self::Refused { earlier, .. } => *earlier,
            Self::None => None,
        }
    }

    /// Returns whether the call was sent so lately that it may not show yet.
    pub(super) fn is_recent(&self, now: Timestamp, settle: Duration) -> bool {
        let sent_at = self.may_have_happened_at();
        sent_at.is_some_and(|it| now.since(it) < settle)
    }

    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }

    /// Returns whether the last answer was that a job runs there.
    pub(super) fn is_busy(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                kind: FailureKind::Conflict,
                ..
            }
        )
    }

    /// Returns since when an agent is known to be off its controller, where this is its removal.
    ///
    /// One whose answer was lost, and that is not found when it is tried again, was removed.
    pub(super) fn removed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Applied(at) => Some(*at),
            Self::Refused {
                kind: FailureKind::NotFound,
                earlier,
                ..
            } => *earlier,
            Self::None | Self::Intended { .. } | Self::Refused { .. } => None,
        }
    }

    pub(super) fn forget_refusal(&mut self) {
        if let Self::Refused { earlier, .. } = self {
            *self = earlier.map_or(Self::None, |at| Self::Intended {
                at,
                n_refused: 0,
                earlier: None,
            });
        }
    }

    /// Somebody may have undone it while nobody looked: whether it stands, the next reading tells.
    pub(super) fn doubt(&mut self) {
        if let Self::Applied(at) = *self {
            *self = Self::Intended {
                at,
                n_refused: 0,
                earlier: None,
            };
        }
    }

    /// Another try does not forget the refusals of those before.
    pub(super) fn intend(&mut self, at: Timestamp) {
        let n_refused = match self {
            Self::Refused { n, .. } | Self::Intended { n_refused: n, .. } => *n,
            Self::None | Self::Applied(_) => 0,
        };
        *self = Self::Intended {
            at,
            n_refused,
            earlier: self.may_have_happened_at(),
        };
    }

    pub(super) fn refuse(&mut self, at: Timestamp, kind: FailureKind, why: &str) {
        let n = match self {
            Self::Refused { n, .. } | Self::Intended { n_refused: n, .. } => *n,
            Self::None | Self::Applied(_) => 0,
        };
        let earlier = match self {
            Self::Intended { earlier, .. } | Self::Refused { earlier, .. } => *earlier,
            Self::Applied(at) => Some(*at),
            Self::None => None,
        };
        *self = Self::Refused {
            earlier,
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

    /// Returns whether we may have begun to take it out of service; a mark that was refused is none.
    pub fn is_begun(&self) -> bool {
        self.tag.may_have_happened_at().is_some()
    }

    /// Begins anew with one that was given back, and that a reading shows in service since.
    pub(super) fn forget_end(&mut self) {
        if self.untag.is_applied() {
            *self = Self {
                is_surplus: self.is_surplus,
                // Who was met there is missed if it is not listed any more.
                agents: std::mem::take(&mut self.agents),
                removals: std::mem::take(&mut self.removals),
                ..Self::default()
            };
        }
    }

    fn forget_refusals(&mut self) {
        let by_agent = self.cordons.values_mut().chain(self.removals.values_mut());
        let others = [
            &mut self.tag,
            &mut self.protect,
            &mut self.terminate,
            &mut self.hook,
            &mut self.heartbeat,
            &mut self.uncordon,
            &mut self.unprotect,
            &mut self.untag,
            &mut self.standby,
        ];
        for mark in others.into_iter().chain(by_agent) {
            // What was refused because it is not there any more stays removed.
            if mark.removed_at().is_none() {
                mark.forget_refusal();
            }
        }
        self.n_cordons_lost = 0;
        self.n_cordoned.clear();
    }

    /// Goes on with it after a while in which another driver may have given it back.
    pub(super) fn resume(&mut self) {
        self.forget_refusals();
        if self.untag == Mark::None {
            self.tag.doubt();
            self.protect.doubt();
        }
    }

    /// Returns how often an agent was cordoned without being seen closed since.
    pub(super) fn n_cordoned(&self, key: &(ControllerName, String)) -> u32 {
        self.n_cordoned.get(key).copied().unwrap_or(0)
    }

    pub(super) fn note_cordon(&mut self, key: &(ControllerName, String)) {
        *self.n_cordoned.entry(key.clone()).or_default() += 1;
    }

    pub(super) fn meet(&mut self, met: &[Agent]) {
        for agent in met {
            self.agents.insert(agent.key(), agent.clone());
        }
    }

    /// Returns an agent of it that its controller does not list any more, and that we did not remove.
    ///
    /// Whatever it ran may run on. One that comes back under another id has its name.
    pub(super) fn missed(&self, listed: &[&Executor]) -> Option<&Agent> {
        let is_listed = |agent: &Agent| {
            let is_it = |it: &&&Executor| {
                it.controller == agent.controller && (it.id == agent.id || it.name == agent.name)
            };
            listed.iter().any(|it| is_it(&it))
        };
        let is_removed = |key| self.removals.get(key).and_then(Mark::removed_at).is_some();
        let mut known = self.agents.iter();
        let missed = known.find(|(key, it)| !it.is_ephemeral && !is_listed(it) && !is_removed(key));
        missed.map(|it| it.1)
    }

    /// Returns since when all of its agents are off their controllers by our hand, each found
    /// idle in that moment, as far as these are what is listed.
    pub(super) fn removed_at(&self, listed: &[&Executor]) -> Option<Timestamp> {
        if !listed.is_empty() || self.missed(listed).is_some() {
            return None;
        }
        self.removals.values().filter_map(Mark::removed_at).max()
    }

    /// Returns the names of the agents that we took off their controllers.
    pub(super) fn removed(&self) -> impl Iterator<Item = &str> {
        let is_removed = |key| self.removals.get(key).and_then(Mark::removed_at).is_some();
        let removed = self.agents.iter().filter(move |it| is_removed(it.0));
        removed.map(|it| &*it.1.name)
    }

    pub(super) fn see(&mut self, sight: &Sight, at: Timestamp, gap_max: Duration) {
        match sight {
            Sight::Idle { at } => {
                self.n_cordoned.clear();
                // Nobody looked meanwhile, or a clock was set: the proof begins anew.
                if self
                    .idle_at
                    .last()
                    .is_some_and(|it| gap_max < at.since(*it))
                {
                    self.idle_at.clear();
                }
                // Only what was seen after the cordon was in force proves anything.
                let cordoned_at = self
                    .cordons
                    .values()
                    .filter_map(Mark::may_have_happened_at)
                    .max();
                let is_after = cordoned_at.is_none_or(|it| it < *at);
                // A clock that was set back says nothing of what was seen before that.
                if self.idle_at.last().is_some_and(|it| at < it) {
                    self.idle_at.clear();
                }
                if is_after && self.idle_at.last().is_none_or(|it| it < at) {
                    self.idle_at.push(*at);
                }
            }
            Sight::Open { .. } => {
                self.n_cordons_lost += u32::from(!self.idle_at.is_empty());
                self.idle_at.clear();
            }
            Sight::Busy { is_closed, .. } => {
                self.idle_at.clear();
                if *is_closed {
                    self.n_cordoned.clear();
                }
            }
            Sight::Unknown { .. } => self.idle_at.clear(),
            Sight::Leaving { is_doubted, .. } => {
                self.was_leaving = true;
                if *is_doubted {
                    self.idle_at.clear();
                }
            }
            Sight::Gone { .. } => {}
        }
        self.enter(sight);
        let is_gone = matches!(sight, Sight::Gone { .. });
        self.gone_at = if is_gone {
            self.gone_at.or(Some(at))
        } else {
            None
        };
        self.seen = Some(sight.clone());
    }

    /// Enters a reading into the ledger of the proof.
    fn enter(&mut self, sight: &Sight) {
        let counted = match sight {
            Sight::Idle { at } => self.idle_at.last() == Some(at),
            Sight::Open { .. } | Sight::Busy { .. } | Sight::Unknown { .. } => false,
            Sight::Leaving { .. } | Sight::Gone { .. } => return,
        };
        let reading = Reading {
            at: sight.at(),
            counted,
            n: self.idle_at.len(),
            what: sight.to_string(),
        };
        if self.ledger.last() == Some(&reading) {
            return;
        }
        if self.ledger.len() == LEDGER_MAX {
            self.ledger.remove(0);
        }
        self.ledger.push(reading);
    }

    /// Changes the mark that stands for a call about this instance.
    pub(super) fn set(&mut self, call: &Call, change: impl Fn(&mut Mark)) {
        match call {
            Call::TagInstances { .. } => change(&mut self.tag),
            Call::UntagInstances { .. } => change(&mut self.untag),
            Call::SetInstanceProtection {
                protected: true, ..
            } => {
                change(&mut self.protect);
                // What was given back before is borrowed anew.
                self.unprotect = Mark::None;
            }
            Call::SetInstanceProtection {
                protected: false, ..
            } => change(&mut self.unprotect),
            Call::TerminateInstance { .. } => change(&mut self.terminate),
            Call::EnterStandby { .. } => change(&mut self.standby),
            Call::CompleteHook { .. } => change(&mut self.hook),
            Call::Heartbeat { .. } => change(&mut self.heartbeat),
            _ => {}
        }
    }
}

/// 5 s, doubled with each refusal, up to about five minutes.
pub(super) fn pause_after(n_refusals: u32) -> Duration {
    Duration::from_secs(5 << n_refusals.saturating_sub(1).min(6))
}
