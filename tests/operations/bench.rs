//! Drives one operation on a simulated world, as the engine does: read, see,
//! decide, write down, call; with crashes between any two of these.

use std::{collections::BTreeMap, time::Duration};

use pooldeck::{
    fleet::{Call, FailureKind, Fleet, InstanceId, Part, SourceId},
    operation::{
        Decision, Event, Happening, Operation, OperationId, Owner, Spec, decide, fights, sightings,
    },
    sim::{Doom, World},
};

/// How often the driver reads.
const INTERVAL: Duration = Duration::from_secs(10);
/// An operation that is not over by then never will be.
const PATIENCE: Duration = Duration::from_hours(12);

pub(crate) struct Driver {
    pub(crate) world: World,
    pub(crate) journal: Vec<Event>,
    pub(crate) operation: Operation,
    /// The last good reading of each source, as the engine's board keeps it.
    parts: BTreeMap<SourceId, Part>,
    /// In how many of a hundred steps the driver dies.
    pub(crate) crash_percent: u8,
    /// Where exactly the driver dies, once; counted in journal lines.
    pub(crate) crash_at: Option<(usize, Crash)>,
    dice: fastrand::Rng,
    pub(crate) n_crashes: u32,
    n_deaths_checked: usize,
}

/// What a crash leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    BeforeCall,
    AfterCall,
}

impl Driver {
    pub(crate) fn new(world: World, spec: Spec, seed: u64) -> Self {
        let planned = Event {
            at: world.now(),
            what: Happening::Planned {
                version: Event::VERSION,
                id: OperationId(format!("op-{seed:04}")),
                spec,
                owner: Owner::default(),
                reason: Some("a test".to_owned()),
                command_line: String::new(),
            },
        };
        let journal = vec![planned];
        Self {
            operation: Operation::replay(&journal).unwrap(),
            n_deaths_checked: world.history().deaths.len(),
            world,
            journal,
            parts: BTreeMap::new(),
            crash_percent: 0,
            crash_at: None,
            dice: fastrand::Rng::with_seed(!seed),
            n_crashes: 0,
        }
    }

    /// Goes on until the operation is over or waits for an operator.
    pub(crate) fn run(&mut self) -> Decision {
        let end = self.world.now() + PATIENCE;
        while self.world.now() < end {
            if let Some(decision) = self.step() {
                return decision;
            }
        }
        panic!("not over after {PATIENCE:?}: {:#?}", self.operation);
    }

    /// Reads, sees, decides, and does what was decided; returns what ends it.
    pub(crate) fn step(&mut self) -> Option<Decision> {
        let fleet = self.read();
        self.see(&fleet);
        match decide(&self.operation, &fleet, self.world.now()) {
            Decision::Apply(call) => self.apply(&call),
            Decision::Wait(_) => self.advance(INTERVAL),
            decision @ (Decision::Done | Decision::Halt(_)) => return Some(decision),
        }
        None
    }

    /// Reads every source; one that fails keeps its last good part, and its agents turn unknown.
    pub(crate) fn read(&mut self) -> Fleet {
        let scopes: Vec<_> = self.world.scopes().cloned().collect();
        for scope in scopes {
            if let Ok(reading) = self.world.observe(&scope.id) {
                let mut part = reading.part;
                part.scopes = vec![scope.clone()];
                self.parts.insert(SourceId::Scope(scope.id), part);
            }
        }
        let names: Vec<_> = self.world.controllers().map(|it| it.name.clone()).collect();
        for name in names {
            let id = SourceId::Controller(name.clone());
            match self.world.observe_ci(&name) {
                Ok(reading) => {
                    self.parts.insert(id, reading.part);
                }
                Err(error) => {
                    let part = self.parts.entry(id).or_default();
                    *part = part.turned_unknown(&error.what);
                }
            }
        }
        Fleet::join(self.parts.values())
    }

    fn see(&mut self, fleet: &Fleet) {
        for what in sightings(&self.operation, fleet, self.world.now()) {
            self.record(what);
        }
        for what in fights(&self.operation, fleet, self.world.now()) {
            self.record(what);
        }
    }

    pub(crate) fn record(&mut self, what: Happening) {
        let event = Event {
            at: self.world.now(),
            what,
        };
        self.operation.evolve(&event);
        self.journal.push(event);
    }

    fn apply(&mut self, call: &Call) {
        self.check_call(call);
        self.record(Happening::Intended { call: call.clone() });
        if self.crashes(Crash::BeforeCall) {
            return;
        }
        let answer = self.world.apply(call);
        if self.crashes(Crash::AfterCall) {
            return;
        }
        self.record(match answer {
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
        self.operation = Operation::replay(&self.journal).unwrap();
        self.parts.clear();
        let absence = Duration::from_secs(self.dice.u64(1..600));
        self.advance(absence);
        true
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.world.advance(by);
        self.check_deaths();
    }

    /// No job is lost by us: judged by who truly ran what at the moment of death.
    fn check_deaths(&mut self) {
        let deaths = &self.world.history().deaths;
        for death in &deaths[self.n_deaths_checked..] {
            let is_ours = matches!(death.why, Doom::TerminatedByUs);
            let spec_forces = self.operation.spec.is_forced();
            assert!(
                !is_ours || death.jobs.is_empty() || spec_forces,
                "{}: {} was terminated by us at {} with {:?} running; journal:\n{}",
                self.operation.id,
                death.instance,
                death.at,
                death.jobs,
                self.told()
            );
        }
        self.n_deaths_checked = deaths.len();
    }

    /// Returns the journal as lines, for a failure that has to be understood.
    pub(crate) fn told(&self) -> String {
        let lines = self
            .journal
            .iter()
            .map(|it| serde_json::to_string(it).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Before each call: what it may not do, by the world's true state.
    fn check_call(&self, call: &Call) {
        let is_target = |id: &InstanceId| self.operation.target(id).is_some();
        assert!(
            call.instances().iter().all(is_target),
            "{call} touches an instance that was not named"
        );
        match call {
            Call::TerminateInstance { instance, .. } => {
                if !self.operation.spec.is_forced() {
                    let n_jobs = self.world.jobs_on(instance).len();
                    assert_eq!(n_jobs, 0, "{instance} is terminated while it runs a job");
                    let agent = self.world.agent_on(instance);
                    let is_open = agent.is_some_and(|it| it.cordon.is_none() && it.is_online);
                    assert!(!is_open, "{instance} is terminated while it may take a job");
                }
            }
            Call::CompleteHook { instance, .. } => {
                let n_jobs = self.world.jobs_on(instance).len();
                assert!(
                    self.operation.spec.is_forced() || n_jobs == 0,
                    "the hook of {instance} ends while it runs a job"
                );
            }
            Call::SetDesiredCapacity { pool, desired } => {
                // As it was read: AWS offers no way to change a number only if it is still so.
                let source = SourceId::Scope(pool.scope.clone());
                let pools = self.parts.get(&source).map_or(&[][..], |it| &it.pools);
                let read = pools.iter().find(|it| it.key() == *pool);
                let capacity = read.and_then(|it| it.capacity);
                assert!(
                    matches!(self.operation.spec, Spec::Roll(_)),
                    "a bare change of desired"
                );
                assert!(
                    capacity.is_some_and(|it| it.desired <= *desired),
                    "a smaller desired names no victim: {call}, of {capacity:?}\n{}",
                    self.told()
                );
            }
            _ => {}
        }
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
    pub(crate) fn check_no_leaks(&self) {
        for agent in self.world.controllers().flat_map(|it| it.agents.values()) {
            let is_ours = |note: &String| note.contains(&self.operation.id.0);
            assert!(
                !agent.cordon.as_ref().is_some_and(is_ours),
                "{}: {} keeps our cordon at {}; journal:\n{}",
                self.operation.id,
                agent.name,
                self.world.now(),
                self.told()
            );
        }
        for (id, _) in self.operation.targets() {
            let Some(machine) = self.world.machine(id).filter(|it| it.is_alive()) else {
                continue;
            };
            if machine.is_leaving() {
                continue;
            }
            let tag = machine.row.tags.get(pooldeck::operation::TAG);
            assert_eq!(tag, None, "{id} keeps our mark");
            assert!(!machine.row.protected, "{id} keeps our protection");
        }
    }
}
