//! What must always hold, by the numbers of its invariants. Judged by the world's true state
//! and by what was truly read and called; nothing here asks `decide` or what it remembers.

mod capacity;
mod ends;
mod jobs;
mod leaks;
mod patience;
mod proof;
mod reach;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use pooldeck::{
    fleet::{Call, Fleet, InstanceId, SourceId, Timestamp},
    operation::{Decision, Operation, OperationId, Proof, Spec},
    sim::World,
};

/// An invariant that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) invariant: u8,
    pub(crate) what: String,
}

pub(crate) type Verdict = Result<(), Violation>;

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant, self.what)
    }
}

/// Breaks an invariant, unless what it says is so.
pub(super) fn ensure(is_so: bool, invariant: u8, what: impl FnOnce() -> String) -> Verdict {
    if is_so {
        return Ok(());
    }
    let what = what();
    Err(Violation { invariant, what })
}

/// Everything that the checkers remember of one operation.
pub(crate) struct Checks {
    id: OperationId,
    spec: Spec,
    /// The readings that found an instance idle and closed, since its last cordon.
    idle_at: BTreeMap<InstanceId, Vec<proof::IdleReading>>,
    /// The agents whose removal was asked for, and not refused.
    removed: BTreeSet<String>,
    /// When each source was last read.
    read_at: BTreeMap<SourceId, Timestamp>,
    borrowed: leaks::Borrowed,
    capacity: capacity::Ledger,
    patience: patience::Ledger,
    n_deaths: usize,
    /// What we terminated while it ran nothing and was closed, and when.
    closed_at: BTreeMap<InstanceId, Timestamp>,
    /// Hooks that we ended, by instance.
    completed: Vec<InstanceId>,
    owners: reach::Owners,
    /// When the driver was last found dead: what it could not see to is not held against it.
    away_at: Option<Timestamp>,
    /// Nothing but the doors to the world is unkind, so that the stricter checks hold too.
    pub(crate) is_strict: bool,
    /// How much too short a proof may be where clocks are set in the midst of it.
    pub(crate) slack: Duration,
    /// Judges by this invariant alone.
    pub(crate) only: Option<u8>,
}

/// What there is to judge a call by.
pub(super) struct Before<'a> {
    pub(super) world: &'a World,
    pub(super) targets: &'a [InstanceId],
    pub(super) call: &'a Call,
}

impl Checks {
    pub(crate) fn new(world: &World, id: OperationId, spec: Spec) -> Self {
        Self {
            idle_at: BTreeMap::new(),
            removed: BTreeSet::new(),
            read_at: BTreeMap::new(),
            borrowed: leaks::Borrowed::new(world),
            capacity: capacity::Ledger::new(world, &spec),
            patience: patience::Ledger::default(),
            n_deaths: world.history().deaths.len(),
            closed_at: BTreeMap::new(),
            completed: Vec::new(),
            away_at: None,
            owners: reach::Owners::default(),
            is_strict: false,
            slack: Duration::ZERO,
            only: None,
            id,
            spec,
        }
    }

    /// Returns whether a mark names the operation; its first word does.
    fn is_ours(&self, mark: &str) -> bool {
        mark.split_whitespace().next() == Some(&self.id.0)
    }

    fn proof(&self) -> &Proof {
        self.spec.proof()
    }

    /// Takes in what the driver read, and when; sources that failed are not in `sources`.
    pub(crate) fn note_reading(&mut self, fleet: &Fleet, world: &World, sources: &[SourceId]) {
        let at = world.now();
        for source in sources {
            self.read_at.insert(source.clone(), at);
            if matches!(source, SourceId::Scope(_)) {
                let settle = self.spec.proof().settle;
                self.capacity.note_reading(at, settle);
            }
        }
        proof::note(self, fleet, world);
    }

    /// An operator resumed it: what was refused is tried again at once.
    pub(crate) fn note_resumed(&mut self) {
        self.patience = patience::Ledger::default();
    }

    /// The driver died, and comes back now.
    pub(crate) fn note_absence(&mut self, now: Timestamp) {
        self.away_at = Some(now);
    }

    /// Judges a call before it is made.
    pub(crate) fn before(&mut self, world: &World, targets: &[InstanceId], call: &Call) -> Verdict {
        self.owners.note(world);
        let before = Before {
            world,
            targets,
            call,
        };
        let verdicts = [
            jobs::no_busy_instance_is_terminated(self, &before),
            proof::a_termination_follows_its_proof(self, &before),
            proof::unknown_is_not_idle(self, &before),
            capacity::fewer_names_its_victims(self, &before),
            jobs::no_hook_ends_under_a_job(self, &before),
            reach::nobody_elses_instance_is_touched(self, &before),
            capacity::no_more_than_allowed_are_out(self, &before),
            capacity::a_roll_keeps_its_floor(self, &before),
            reach::only_what_was_asked_for_is_touched(self, &before),
            reach::only_planned_calls_are_made(self, &before),
            proof::nothing_is_done_on_old_data(self, &before),
            patience::a_refusal_is_given_time(self, &before),
        ];
        proof::note_call(self, call);
        patience::note_call(self, world.now(), call);
        self.borrowed.before(world, call);
        self.capacity.before(world, call);
        jobs::note_call(self, world, call);
        self.judge(verdicts)
    }

    /// Judges the world after a call, `was_refused` if the service said no.
    pub(crate) fn after(&mut self, world: &World, call: &Call, was_refused: bool) -> Verdict {
        self.borrowed.after(world);
        self.capacity.after(world, call);
        patience::note_answer(self, was_refused);
        if let (Call::CompleteHook { instance, .. }, false) = (call, was_refused) {
            self.completed.push(instance.clone());
        }
        if let (Call::RemoveExecutor { executor, .. }, true) = (call, was_refused) {
            self.removed.remove(executor);
        }
        let verdicts = [
            capacity::each_decrement_counts_once(self, world, call),
            capacity::nothing_more_is_launched(self, world, call),
            capacity::nothing_is_made_twice(self, world, call),
        ];
        self.judge(verdicts)
    }

    /// Judges what happened while time passed.
    pub(crate) fn passed(&mut self, world: &World, targets: &[InstanceId]) -> Verdict {
        self.owners.note(world);
        self.borrowed.passed(world);
        self.capacity.passed(world);
        let verdicts = [
            capacity::a_pool_grows_by_no_more_than_a_batch(self, world),
            jobs::no_death_of_ours_takes_a_job(self, world),
            jobs::a_hook_is_kept_alive_under_a_job(self, world, targets),
            leaks::every_hook_is_answered(self, world, targets),
        ];
        self.n_deaths = world.history().deaths.len();
        self.judge(verdicts)
    }

    /// Judges what is left once the operation is over.
    pub(crate) fn at_rest(&self, world: &World) -> Verdict {
        let verdicts = [
            leaks::what_was_borrowed_is_returned(self, world),
            leaks::nothing_of_ours_outlives_it(self, world),
            capacity::desired_is_as_it_was(self, world),
        ];
        self.judge(verdicts)
    }

    /// Judges what an operation that nobody stopped has come to.
    pub(crate) fn at_end(&self, world: &World, operation: &Operation, left: &[String]) -> Verdict {
        self.judge([ends::it_is_as_asked_for(world, operation, left)])
    }

    /// An operation that is not over by then never will be.
    pub(crate) fn never_ends(&self, after: Duration, next: &Decision) -> Verdict {
        self.judge([ensure(false, 17, || {
            format!("it is not over after {after:?}, but {next:?}")
        })])
    }

    fn judge<const N: usize>(&self, verdicts: [Verdict; N]) -> Verdict {
        let is_asked = |it: &Violation| self.only.is_none_or(|only| only == it.invariant);
        let broken = verdicts.into_iter().filter_map(Result::err);
        broken.filter(is_asked).map(Err).next().unwrap_or(Ok(()))
    }
}

/// Returns whether a drain lowers desired, and how many it may lack; other kinds have rules of their own.
pub(super) fn drain_terms(spec: &Spec) -> Option<(bool, u32)> {
    match spec {
        Spec::Drain(it) => Some((it.decrement, it.max_unavailable)),
        Spec::Freeze(_) | Spec::Roll(_) | Spec::Refresh(_) => None,
    }
}
