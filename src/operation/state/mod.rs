//! The state of an operation: the fold of its events, and nothing else.

mod marks;

use std::collections::BTreeMap;

use super::{
    Event, Fight, Fought, Happening, LeftShape, Mark, OperationId, Owner, PoolState, Reached, Spec,
    Subject, TargetState,
    meter::Meter,
    pool::{Slot, Stage, slot_of},
    shift::Shift,
};
use crate::fleet::{Call, InstanceId, PoolKey, Timestamp};

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
    /// In the order in which they go.
    order: Vec<InstanceId>,
    targets: BTreeMap<InstanceId, TargetState>,
    /// The pool of each target.
    homes: BTreeMap<InstanceId, PoolKey>,
    pools: BTreeMap<PoolKey, PoolState>,
    /// Since when a source cannot be read, and why.
    stalled: Option<(Timestamp, String)>,
    /// The operation whose marks it goes on from.
    took_over: Option<OperationId>,
    turned_back: Option<String>,
    /// What we left the groups like.
    shapes: BTreeMap<PoolKey, LeftShape>,
    fights: Vec<(Timestamp, Fight)>,
    /// More than was planned, since an operator wanted it faster.
    max_unavailable: Option<u32>,
    pub(super) meter: Meter,
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

/// Why a journal cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the journal is empty")]
    Empty,
    #[error("the journal does not begin with its plan")]
    NoPlan,
    #[error("its plan names no pool")]
    NoPool,
    #[error("event {index} is a second plan")]
    SecondPlan { index: usize },
    #[error(
        "the journal is of version {version}; this pooldeck reads {}",
        Event::VERSION
    )]
    Version { version: u32 },
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
        let (targets, pools) = (spec.homes(), spec.pools());
        if pools.is_empty() {
            return Err(JournalError::NoPool);
        }
        let state_of = |it: &PoolKey| PoolState::new(spec, it, first.at);
        let mut operation = Self {
            id: id.clone(),
            spec: spec.clone(),
            owner: owner.clone(),
            reason: reason.clone(),
            command_line: command_line.clone(),
            started_at: first.at,
            touched_at: first.at,
            standing: Standing::Running,
            order: targets.iter().map(|it| it.1.clone()).collect(),
            targets: targets
                .iter()
                .map(|it| (it.1.clone(), TargetState::default()))
                .collect(),
            homes: targets
                .iter()
                .map(|it| (it.1.clone(), it.0.clone()))
                .collect(),
            pools: pools
                .iter()
                .map(|it| ((*it).clone(), state_of(it)))
                .collect(),
            turned_back: None,
            stalled: None,
            took_over: None,
            shapes: BTreeMap::new(),
            fights: Vec::new(),
            max_unavailable: None,
            meter: Meter::default(),
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

    /// Returns why it is, or was, aborted.
    pub fn aborted(&self) -> Option<&str> {
        match &self.standing {
            Standing::Aborting { why }
            | Standing::Ended {
                aborted: Some(why), ..
            } => Some(why),
            Standing::Running | Standing::Paused | Standing::Ended { .. } => None,
        }
    }

    /// Returns the operation whose marks it goes on from.
    pub fn took_over(&self) -> Option<&OperationId> {
        self.took_over.as_ref()
    }

    /// Returns whether a mark with this id is ours, or was when we took it over.
    pub fn owns(&self, id: &OperationId) -> bool {
        self.id == *id || self.took_over.as_ref() == Some(id)
    }

    /// Returns what others changed while it ran, and when that was seen.
    pub fn fights(&self) -> &[(Timestamp, Fight)] {
        &self.fights
    }

    pub(super) fn left_shape(&self, pool: &PoolKey) -> Option<&LeftShape> {
        self.shapes.get(pool)
    }

    /// Returns how many may be out of service at a time; none when all go at once.
    pub fn max_unavailable(&self) -> Option<u32> {
        let planned = self.spec.max_unavailable()?;
        Some(self.max_unavailable.unwrap_or(planned))
    }

    /// Returns how many instances its pools have beyond what they shall have in the end: what
    /// was borrowed goes, too, when it is aborted.
    pub fn n_surplus(&self) -> u32 {
        self.pools.values().map(PoolState::n_ahead).sum()
    }

    /// Returns since when nothing is done because a source cannot be read, and why.
    pub fn stalled(&self) -> Option<(Timestamp, &str)> {
        let (since, why) = self.stalled.as_ref().filter(|_| !self.is_over())?;
        Some((*since, why))
    }

    pub fn is_over(&self) -> bool {
        matches!(self.standing, Standing::Ended { .. })
    }

    /// Returns the targets in their order.
    pub fn targets(&self) -> impl Iterator<Item = (&InstanceId, &TargetState)> {
        self.order
            .iter()
            .filter_map(|id| self.targets.get_key_value(id))
    }

    pub fn target(&self, id: &InstanceId) -> Option<&TargetState> {
        self.targets.get(id)
    }

    /// Returns the pool that a target belongs to.
    pub fn pool_of(&self, id: &InstanceId) -> &PoolKey {
        self.homes.get(id).unwrap_or_else(|| self.spec.pool())
    }

    /// Returns why a roll goes back to the template before, if it does.
    pub fn turned_back(&self) -> Option<&str> {
        self.turned_back.as_deref()
    }

    /// Returns what was done to a pool as a whole; nothing to one that is not ours.
    pub fn pool(&self, key: &PoolKey) -> &PoolState {
        static NOTHING: PoolState = PoolState::nothing();
        self.pools.get(key).unwrap_or(&NOTHING)
    }

    /// Returns how many targets are gone; as long as nobody aborts it, those that were given back count
    /// too, because nothing more becomes of them.
    pub fn n_done(&self) -> usize {
        let is_aborted = self.aborted().is_some();
        let is_done =
            |it: &&TargetState| it.gone_at.is_some() || !is_aborted && it.untag.is_applied();
        self.targets.values().filter(is_done).count()
    }

    /// Takes one event into the state.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each thing that can happen"
    )]
    pub fn evolve(&mut self, event: &Event) {
        let at = event.at;
        let gap_max = self.spec.proof().max_age;
        self.touched_at = self.touched_at.max(at);
        self.note_decrement(&event.what, at);
        match &event.what {
            // `replay` takes the plan; a second one is refused there.
            Happening::Planned { .. } => {}
            Happening::Intended { call } => {
                self.set(call, |it| it.intend(at));
                self.follow(call, Stage::Intended, at);
            }
            Happening::Unanswered { call, .. } => {
                self.set(call, |it| it.intend(at));
                self.follow(call, Stage::Unanswered, at);
            }
            Happening::Applied { call, made } => {
                self.set(call, |it| *it = Mark::Applied(at));
                self.follow(call, Stage::Applied, at);
                let made = match call {
                    Call::CopyConfiguration { name, .. } => Some(name),
                    _ => made.as_ref(),
                };
                if let (Some((key, slot)), Some(made)) = (slot_of(&self.spec, call), made)
                    && let Some(pool) = self.pools.get_mut(key)
                {
                    pool.note_made(slot, made);
                }
            }
            Happening::Refused { call, kind, why } => {
                self.set(call, |it| it.refuse(at, *kind, why));
                self.follow(call, Stage::Refused, at);
            }
            Happening::Saw {
                instance,
                sight,
                met,
            } => {
                if let Some(target) = self.targets.get_mut(instance) {
                    target.meet(met);
                    target.see(sight, at, gap_max);
                }
            }
            Happening::TookOver { from, .. } => self.took_over = Some(from.clone()),
            Happening::Found { call } => self.set(call, |it| *it = Mark::Applied(at)),
            Happening::Noted { pool, shape } => {
                let left = LeftShape::new(at, shape.clone());
                self.shapes.insert(pool.clone(), left);
            }
            Happening::Fought { fight } => {
                let mut told = self.fights.iter_mut();
                match told.find(|(_, it)| it.is_explained_by(fight)) {
                    Some((_, it)) => it.clone_from(fight),
                    None => self.fights.push((at, fight.clone())),
                }
            }
            Happening::SpedUp { max_unavailable } => self.max_unavailable = Some(*max_unavailable),
            Happening::Stalled { why } => self.stalled = Some((at, why.clone())),
            Happening::Unstalled => self.stalled = None,
            Happening::ClockSet { by_millis } => self.shift(*by_millis, at),
            Happening::SawDesired {
                pool,
                desired,
                by,
                base,
            } => {
                let base = base.unwrap_or(*desired);
                let left = self.pool(pool).desired();
                self.edit_pool(pool, |it| {
                    it.see_desired(*desired, by.as_deref(), base, at);
                });
                if let Some(by) = by {
                    let fight = Fight {
                        subject: Subject::Pool(pool.clone()),
                        what: Fought::Desired,
                        left: left.map_or_else(
                            || "as the roll had set it".to_owned(),
                            |it| it.to_string(),
                        ),
                        found: desired.to_string(),
                        cause: Some(by.clone()).filter(|it| !it.is_empty()),
                    };
                    self.fights.push((at, fight));
                }
            }
            Happening::Registered { pool, instance } => self.edit_pool(pool, |it| {
                it.registered.insert(instance.clone(), at);
                // It gets on: what is missing yet has as long again.
                it.short_since = it.short_since.map(|_| at);
            }),
            Happening::Outcomes { pool, outcomes } => {
                self.edit_pool(pool, |it| it.outcomes = Some(*outcomes));
            }
            Happening::Short { pool, is_short } => {
                self.edit_pool(pool, |it| it.short_since = is_short.then_some(at));
            }
            Happening::Enlisted {
                pool,
                instance,
                is_surplus,
            } => self.enlist(pool, instance, *is_surplus),
            Happening::InUse { pool } => self.edit_pool(pool, |it| it.in_use_at = Some(at)),
            Happening::Reached { pool } => self.edit_pool(pool, |it| {
                it.reached.push(Reached {
                    at,
                    is_released: false,
                });
            }),
            Happening::TurnedBack { why } => {
                self.turned_back = Some(why.clone());
                self.pools.values_mut().for_each(PoolState::turn_back);
            }
            // What is aborted only gives back, and would not know that after a resume.
            Happening::Paused => {
                if self.standing == Standing::Running {
                    self.standing = Standing::Paused;
                }
            }
            Happening::Resumed => {
                if self.standing == Standing::Paused {
                    self.standing = Standing::Running;
                }
                // What was refused is tried again: the operator may have mended it.
                self.targets.values_mut().for_each(TargetState::resume);
                self.pools.values_mut().for_each(|it| it.resume(at));
                // A freeze knows by its mark that somebody else thawed the group.
                if matches!(self.spec, Spec::Roll(_)) {
                    let marks = self.pools.values_mut();
                    marks.for_each(|it| it.mark_mut(Slot::Tag).doubt());
                }
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
        self.measure(&event.what, at);
    }

    /// Moves the times of what was written before the clock was set.
    fn shift(&mut self, by_millis: i64, at: Timestamp) {
        self.touched_at = at;
        let shift = Shift::new(by_millis, at, self.spec.proof().settle);
        self.targets.values_mut().for_each(|it| shift.target(it));
        self.pools.values_mut().for_each(|it| shift.pool(it));
        for left in self.shapes.values_mut() {
            shift.time(&mut left.at);
            left.changed_at.iter_mut().for_each(|it| shift.time(it));
        }
        self.fights.iter_mut().for_each(|it| shift.time(&mut it.0));
    }

    fn edit_pool(&mut self, key: &PoolKey, edit: impl FnOnce(&mut PoolState)) {
        if let Some(pool) = self.pools.get_mut(key) {
            edit(pool);
        }
    }

    fn enlist(&mut self, pool: &PoolKey, id: &InstanceId, is_surplus: bool) {
        if !self.targets.contains_key(id) {
            self.order.push(id.clone());
            self.homes.insert(id.clone(), pool.clone());
        }
        let target = self.targets.entry(id.clone()).or_default();
        target.is_surplus = is_surplus;
        // It may have been given back before the roll turned round.
        target.forget_end();
    }
}
