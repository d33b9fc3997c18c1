//! Drives one operation on a simulated world, as the engine does: read, see,
//! decide, write down, call; with crashes between any two of these.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use pooldeck::{
    fleet::{Call, Executor, FailureKind, Fleet, Part, SourceId, Timestamp},
    operation::{
        Decision, Event, Happening, Operation, OperationId, Owner, Spec, decide, fights, left,
        notices, sightings,
    },
    sim::World,
};

use crate::{
    checks::{Checks, Verdict, Violation},
    meddler::Meddler,
    planted::Plant,
};

/// How often the driver reads.
const INTERVAL: Duration = Duration::from_secs(10);
/// An operation that is not over by then never will be.
const PATIENCE: Duration = Duration::from_hours(12);

pub(crate) struct Driver {
    pub(crate) world: World,
    pub(crate) journal: Vec<Event>,
    pub(crate) operation: Operation,
    pub(crate) checks: Checks,
    /// The last good reading of each source, as the engine's board keeps it.
    parts: BTreeMap<SourceId, Part>,
    /// In how many of a hundred steps the driver dies.
    pub(crate) crash_percent: u8,
    /// Where exactly the driver dies, once; counted in journal lines.
    pub(crate) crash_at: Option<(usize, Crash)>,
    /// What somebody else does meanwhile.
    pub(crate) meddler: Meddler,
    /// A mistake that was made on purpose, to see that it is noticed.
    pub(crate) plant: Option<Plant>,
    /// Agents that their controller does not list any more, whatever they run.
    pub(crate) hidden_agents: BTreeSet<String>,
    /// Agents of which their controller says nothing that can be read.
    pub(crate) unreadable_agents: BTreeSet<String>,
    /// How often it reads; two drivers that take turns read twice as often.
    pub(crate) interval: Duration,
    /// By how much the driver's own clock is wrong, in seconds.
    skew: i64,
    is_dead: bool,
    pub(crate) dice: fastrand::Rng,
    pub(crate) n_crashes: u32,
    pub(crate) n_steps: u32,
    pub(crate) violation: Option<Violation>,
}

/// What a crash leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    BeforeCall,
    AfterCall,
    /// Nobody dies; the answer is lost on its way.
    ReplyLost,
}

impl Driver {
    pub(crate) fn new(world: World, spec: Spec, seed: u64) -> Self {
        let id = OperationId(format!("op-{seed:04}"));
        let planned = Event {
            at: world.now(),
            what: Happening::Planned {
                version: Event::VERSION,
                id: id.clone(),
                spec: spec.clone(),
                owner: Owner::default(),
                reason: Some("a test".to_owned()),
                command_line: String::new(),
            },
        };
        let journal = vec![planned];
        Self {
            operation: Operation::replay(&journal).unwrap(),
            checks: Checks::new(&world, id, spec),
            meddler: Meddler::none(),
            world,
            journal,
            parts: BTreeMap::new(),
            crash_percent: 0,
            crash_at: None,
            plant: None,
            hidden_agents: BTreeSet::new(),
            unreadable_agents: BTreeSet::new(),
            interval: INTERVAL,
            skew: 0,
            is_dead: false,
            dice: fastrand::Rng::with_seed(!seed),
            n_crashes: 0,
            n_steps: 0,
            violation: None,
        }
    }

    /// Makes a driver whose clock is so many seconds ahead of the world's from the beginning.
    pub(crate) fn ahead(world: World, spec: Spec, seed: u64, secs: u64) -> Self {
        let mut driver = Self::new(world, spec, seed);
        driver.journal[0].at = driver.journal[0].at + Duration::from_secs(secs);
        driver.operation = Operation::replay(&driver.journal).unwrap();
        driver.skew = i64::try_from(secs).unwrap();
        driver
    }

    /// Goes on until the operation is over or waits for an operator.
    #[track_caller]
    pub(crate) fn run(&mut self) -> Decision {
        match self.try_run() {
            Ok(decision) => decision,
            Err(violation) => panic!(
                "{}: {violation}; journal:\n{}",
                self.operation.id,
                self.told()
            ),
        }
    }

    pub(crate) fn try_run(&mut self) -> Result<Decision, Violation> {
        let end = self.world.now() + PATIENCE;
        while self.world.now() < end {
            let decision = self.step();
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
            if let Some(decision) = decision {
                return Ok(decision);
            }
        }
        let fleet = self.read();
        let waits = decide(&self.operation, &fleet, self.now());
        self.judge(self.checks.never_ends(PATIENCE, &waits));
        Err(self.violation.take().unwrap_or(Violation {
            invariant: 17,
            what: "not judged".to_owned(),
        }))
    }

    /// Reads, sees, decides, and does what was decided; returns what ends it.
    pub(crate) fn step(&mut self) -> Option<Decision> {
        self.n_steps += 1;
        let n_failed;
        let fleet;
        (fleet, n_failed) = self.read_all();
        self.see(&fleet, n_failed == 0);
        let mut decision = decide(&self.operation, &fleet, self.now());
        if let Some(mut plant) = self.plant.take() {
            decision = plant.twist(decision, self, &fleet);
            self.plant = Some(plant);
        }
        match decision {
            // Nothing is done, and nothing is over, by what was read before a source failed.
            _ if n_failed != 0 => self.advance(self.interval),
            Decision::Apply(call) => self.apply(&call),
            Decision::Wait(_) => self.advance(self.interval),
            decision @ (Decision::Done | Decision::Halt(_)) => return Some(decision),
        }
        None
    }

    /// Returns what the driver's own clock says.
    fn now(&self) -> Timestamp {
        let millis = self.world.now().as_millis() + self.skew * 1000;
        Timestamp::from_millis(millis)
    }

    /// Sets the driver's clock wrong from now on; who is there notices.
    pub(crate) fn step_clock(&mut self, secs: i64) {
        let by_millis = (secs - self.skew) * 1000;
        self.skew = secs;
        if by_millis != 0 && !self.is_dead {
            self.record(Happening::ClockSet { by_millis });
        }
    }

    pub(crate) fn read(&mut self) -> Fleet {
        self.read_all().0
    }

    /// Reads every source; one that fails keeps its last good part, and its agents turn unknown.
    fn read_all(&mut self) -> (Fleet, usize) {
        let mut read = Vec::new();
        let scopes: Vec<_> = self.world.scopes().cloned().collect();
        let mut n_sources = scopes.len();
        for scope in scopes {
            if let Ok(reading) = self.world.observe(&scope.id) {
                let mut part = self.by_our_clock(reading.part);
                part.scopes = vec![scope.clone()];
                read.push(SourceId::Scope(scope.id.clone()));
                self.parts.insert(SourceId::Scope(scope.id), part);
            }
        }
        let names: Vec<_> = self.world.controllers().map(|it| it.name.clone()).collect();
        n_sources += names.len();
        for name in names {
            let id = SourceId::Controller(name.clone());
            match self.world.observe_ci(&name) {
                Ok(reading) => {
                    read.push(id.clone());
                    let mut part = self.by_our_clock(reading.part);
                    let hidden = &self.hidden_agents;
                    part.executors.retain(|it| !hidden.contains(&it.name));
                    let unreadable = &self.unreadable_agents;
                    let unread = part
                        .executors
                        .iter_mut()
                        .filter(|it| unreadable.contains(&it.name));
                    for executor in unread {
                        let row = Executor::new(executor.controller.clone(), &*executor.name);
                        *executor = Arc::new(row);
                    }
                    self.parts.insert(id, part);
                }
                Err(error) => {
                    let part = self.parts.entry(id).or_default();
                    *part = part.turned_unknown(&error.what);
                }
            }
        }
        let mut fleet = Fleet::join(self.parts.values());
        // What was truly read is noted before a planted mistake gets at it.
        self.checks.note_reading(&fleet, &self.world, &read);
        if let Some(plant) = &self.plant {
            let parts = self
                .parts
                .values()
                .map(|it| plant.misread(it, self.world.now()));
            fleet = Fleet::join(&parts.collect::<Vec<_>>());
        }
        (fleet, n_sources - read.len())
    }

    /// Evidence carries the time of the clock of whoever read it.
    fn by_our_clock(&self, mut part: Part) -> Part {
        if self.skew != 0 {
            let ours = |at: Timestamp| Timestamp::from_millis(at.as_millis() + self.skew * 1000);
            part.read_at = part.read_at.map(ours);
            for executor in &mut part.executors {
                for evidence in &mut Arc::make_mut(executor).evidence {
                    let millis = evidence.at.as_millis() + self.skew * 1000;
                    evidence.at = Timestamp::from_millis(millis);
                }
            }
        }
        part
    }

    fn see(&mut self, fleet: &Fleet, is_whole: bool) {
        for what in sightings(&self.operation, fleet, self.now()) {
            self.record(what);
        }
        if is_whole {
            for what in notices(&self.operation, fleet, self.now()) {
                self.record(what);
            }
            for what in fights(&self.operation, fleet, self.now()) {
                self.record(what);
            }
        }
    }

    pub(crate) fn record(&mut self, what: Happening) {
        if what == Happening::Resumed {
            self.checks.note_resumed();
        }
        let event = Event {
            at: self.now(),
            what,
        };
        self.operation.evolve(&event);
        self.journal.push(event);
    }

    fn apply(&mut self, call: &Call) {
        let targets: Vec<_> = self.operation.targets().map(|it| it.0.clone()).collect();
        let verdict = self.checks.before(&self.world, &targets, call);
        self.judge(verdict);
        self.record(Happening::Intended { call: call.clone() });
        if self.crashes(Crash::BeforeCall) {
            return;
        }
        if self.plant.as_ref().is_some_and(|it| it.swallows(call)) {
            self.record(Happening::Applied {
                call: call.clone(),
                made: None,
            });
            return;
        }
        let answer = self.world.apply(call);
        let was_refused = answer
            .as_ref()
            .is_err_and(|it| it.kind != FailureKind::Unknown);
        let verdict = self.checks.after(&self.world, call, was_refused);
        self.judge(verdict);
        if self.crashes(Crash::AfterCall) {
            return;
        }
        let is_lost = self.crash_at == Some((self.journal.len(), Crash::ReplyLost));
        self.record(match answer {
            _ if is_lost => Happening::Unanswered {
                call: call.clone(),
                why: "the answer was lost".to_owned(),
            },
            Ok(receipt) => Happening::Applied {
                call: call.clone(),
                made: receipt.made,
            },
            Err(error) if error.kind == FailureKind::Unknown => Happening::Unanswered {
                call: call.clone(),
                why: error.what,
            },
            Err(error) => Happening::Refused {
                call: call.clone(),
                kind: error.kind,
                why: error.what,
            },
        });
        self.advance(Duration::from_millis(500));
    }

    /// Dies, maybe, and comes back knowing nothing but its journal.
    fn crashes(&mut self, crash: Crash) -> bool {
        let is_planned = self.crash_at == Some((self.journal.len(), crash));
        if !is_planned && self.crash_percent <= self.dice.u8(..100) {
            return false;
        }
        self.crash_at = self.crash_at.filter(|_| !is_planned);
        self.n_crashes += 1;
        if let Some(plant) = &self.plant {
            plant.forget(&mut self.journal);
        }
        self.parts.clear();
        self.checks.note_absence(self.world.now());
        let absence = Duration::from_secs(self.dice.u64(1..600));
        self.is_dead = true;
        self.advance(absence);
        self.is_dead = false;
        self.operation = Operation::replay(&self.journal).unwrap();
        true
    }

    /// Judges what it came to, once every reading shows it.
    pub(crate) fn judge_end(&mut self) -> Verdict {
        self.advance(Duration::from_mins(2));
        let fleet = self.read();
        let left = left(&self.operation, &fleet);
        self.checks.at_end(&self.world, &self.operation, &left)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.meddler.meddle(&mut self.world);
        let skew = self.meddler.skew().unwrap_or(self.skew);
        self.step_clock(skew);
        self.world.advance(by);
        let targets: Vec<_> = self.operation.targets().map(|it| it.0.clone()).collect();
        let verdict = self.checks.passed(&self.world, &targets);
        self.judge(verdict);
    }

    /// Remembers the first thing that was wrong.
    fn judge(&mut self, verdict: Verdict) {
        self.violation = self.violation.take().or(verdict.err());
    }

    /// Returns the journal as lines, for a failure that has to be understood.
    pub(crate) fn told(&self) -> String {
        let lines = self
            .journal
            .iter()
            .map(|it| serde_json::to_string(it).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns how many cordons were lifted again.
    pub(crate) fn n_uncordoned(&self) -> usize {
        let is_uncordon = |it: &&Event| {
            matches!(
                &it.what,
                Happening::Applied {
                    call: Call::Uncordon { .. },
                    ..
                }
            )
        };
        self.journal.iter().filter(is_uncordon).count()
    }

    /// At the end nothing of ours is left on what still lives, nor on an agent that is known.
    #[track_caller]
    pub(crate) fn check_no_leaks(&self) {
        if let Err(violation) = self.checks.at_rest(&self.world) {
            panic!(
                "{}: {violation}; journal:\n{}",
                self.operation.id,
                self.told()
            );
        }
    }
}
