//! One run: a seed, what is asked for, and what goes wrong. It can be written down in one
//! line, run again from that line, and made smaller.

use std::{fmt, str::FromStr, time::Duration};

use pooldeck::{
    action::{self, ActionLine, Policy},
    fleet::{Capacity, Hook, HookResult, HookTransition, InstanceId, PoolKey, Process, Timestamp},
    operation::{Decision, Happening, Spec, Strategy},
    sim::{Faults, LoadSpec, PoolSpec, Project, Scenario, World},
};

use crate::{
    bench::Driver,
    checks::Violation,
    meddler::{KINDS, Meddler},
};

pub(crate) const START: Timestamp = Timestamp::from_secs(1_763_719_200);

pub(crate) fn key() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

/// A fault by its name, and how it is taken over from a bad day.
type Fault = (&'static str, fn(&mut Faults, &Faults));

const FAULTS: [Fault; 24] = [
    ("stale", |to, bad| {
        to.cloud.stale_read = bad.cloud.stale_read;
        to.cloud.stale_for = bad.cloud.stale_for;
    }),
    ("hidden", |to, bad| {
        to.cloud.hidden_for = bad.cloud.hidden_for;
    }),
    ("listed", |to, bad| {
        to.cloud.still_listed_for = bad.cloud.still_listed_for;
    }),
    ("partial", |to, bad| {
        to.cloud.partial_read = bad.cloud.partial_read;
    }),
    ("throttled", |to, bad| {
        to.cloud.throttled = bad.cloud.throttled;
    }),
    ("error500", |to, bad| {
        to.cloud.server_error = bad.cloud.server_error;
    }),
    ("lost-reply", |to, bad| {
        to.cloud.lost_reply = bad.cloud.lost_reply;
    }),
    ("lost-call", |to, bad| {
        to.cloud.lost_call = bad.cloud.lost_call;
    }),
    ("duplicated", |to, bad| {
        to.cloud.duplicated = bad.cloud.duplicated;
    }),
    ("no-capacity", |to, bad| {
        to.cloud.no_capacity = bad.cloud.no_capacity;
    }),
    ("late-busy", |to, bad| to.ci.late_busy = bad.ci.late_busy),
    ("false-idle", |to, bad| to.ci.false_idle = bad.ci.false_idle),
    ("missing-agent", |to, bad| {
        to.ci.missing_agent = bad.ci.missing_agent;
    }),
    ("cordon-delay", |to, bad| {
        to.ci.cordon_delay = bad.ci.cordon_delay;
    }),
    ("cordon-lost", |to, bad| {
        to.ci.cordon_lost = bad.ci.cordon_lost;
    }),
    ("ci-lost-reply", |to, bad| {
        to.ci.lost_reply = bad.ci.lost_reply;
    }),
    ("ci-refused", |to, bad| to.ci.refused = bad.ci.refused),
    ("spot", |to, bad| {
        to.weather.spot_interruption = bad.weather.spot_interruption;
    }),
    ("sick", |to, bad| {
        to.weather.sick_machine = bad.weather.sick_machine;
    }),
    ("agent-drops", |to, bad| {
        to.weather.agent_drops = bad.weather.agent_drops;
    }),
    ("cordon-cleared", |to, bad| {
        to.weather.cordon_cleared = bad.weather.cordon_cleared;
    }),
    ("restart", |to, bad| {
        to.weather.restart = bad.weather.restart;
        to.ci.restart_blackout = bad.ci.restart_blackout;
    }),
    ("silence", |to, bad| {
        to.weather.silence = bad.weather.silence;
        to.weather.silent_for = bad.weather.silent_for;
    }),
    ("foreign-hand", |to, bad| {
        to.weather.foreign_hand = bad.weather.foreign_hand;
    }),
];

/// Faults of the way to the services and back; none of them changes what truly happens.
const OF_DOORS: usize = 9;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) verb: Verb,
    pub(crate) n_targets: usize,
    pub(crate) has_hook: bool,
    /// In how many of a hundred steps the driver dies.
    pub(crate) crash: u8,
    /// After so many steps an operator aborts it.
    pub(crate) abort: Option<u32>,
    /// After so many steps nothing goes wrong any more.
    pub(crate) calm: u32,
    /// What goes wrong, by name.
    pub(crate) faults: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Replace,
    Drain,
    Scale,
    Terminate,
    Force,
    Surge,
    TerminateFirst,
}

pub(crate) const VERBS: [(&str, Verb); 7] = [
    ("replace", Verb::Replace),
    ("drain", Verb::Drain),
    ("scale", Verb::Scale),
    ("terminate", Verb::Terminate),
    ("force", Verb::Force),
    ("surge", Verb::Surge),
    ("terminate-first", Verb::TerminateFirst),
];

impl Case {
    /// Returns what a seed stands for: each verb in turn, everything wrong in most of them.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut faults: Vec<String> = names();
        match seed % 4 {
            // Only the doors are unkind, so that the stricter checks hold.
            0 => {
                faults = FAULTS[..OF_DOORS - 1]
                    .iter()
                    .map(|it| it.0.to_owned())
                    .collect();
            }
            1 => faults.retain(|_| dice.bool()),
            _ => {}
        }
        // Rolls have seeds of their own, beside what only they must hold.
        let n_verbs = VERBS.len() as u64 - 2;
        let verb = VERBS[usize::try_from(seed % n_verbs).unwrap()].1;
        Self {
            seed,
            verb,
            n_targets: dice.usize(1..=3),
            has_hook: dice.bool(),
            crash: if dice.u8(..4) == 0 { 3 } else { 0 },
            abort: (dice.u8(..6) == 0).then(|| dice.u32(1..120)),
            calm: 2000,
            faults,
        }
    }

    pub(crate) fn has(&self, fault: &str) -> bool {
        self.faults.iter().any(|it| it == fault)
    }

    /// Returns whether only the doors are unkind.
    pub(crate) fn is_strict(&self) -> bool {
        let is_of_doors = |name: &String| FAULTS[..OF_DOORS].iter().any(|it| it.0 == name);
        self.crash == 0 && self.faults.iter().all(is_of_doors)
    }

    fn world(&self) -> World {
        let capacity = Capacity {
            desired: 6,
            min: 1,
            max: 12,
        };
        let mut pool = PoolSpec::group("linux", "us-east-1", capacity);
        pool.is_spot = self.has("spot");
        if self.faults.is_empty() && !matches!(self.verb, Verb::Surge | Verb::TerminateFirst) {
            // Zones even out by themselves, now or later; calm cases are compared with each other.
            pool.suspended.push(Process::AzRebalance);
        }
        if self.has_hook {
            let timeout = Duration::from_mins(5);
            let transition = HookTransition::Terminating;
            pool.hooks
                .push(Hook::new("drain", transition, timeout, HookResult::Abandon));
        }
        let load = LoadSpec {
            label: "linux".to_owned(),
            projects: vec![Project::new("api/tests", 60, 1200)],
            jobs_per_hour: 30,
            night_percent: 100,
            ..LoadSpec::default()
        };
        let mut world = World::new(self.seed, Scenario::of(vec![pool], vec![load]), START);
        world.advance(Duration::from_mins(20));
        world
    }

    fn bad_weather(&self) -> Faults {
        let bad = Faults::bad_day();
        let mut faults = Faults::none();
        for (_, take) in FAULTS.iter().filter(|it| self.has(it.0)) {
            take(&mut faults, &bad);
        }
        faults
    }

    /// Plans the verb as an operator would, on a reading of the calm world.
    fn spec(&self, world: World) -> (World, Spec) {
        let strategy = match self.verb {
            Verb::Surge => Some(Strategy::Surge),
            Verb::TerminateFirst => Some(Strategy::TerminateFirst),
            _ => None,
        };
        if let Some(strategy) = strategy {
            let roll = crate::rolls::roll(&world, strategy);
            return (world, Spec::Roll(roll));
        }
        let placeholder = Spec::Drain(crate::drains::drain(Vec::new(), true));
        let mut reader = Driver::new(world, placeholder, 0);
        let fleet = reader.read();
        let world = reader.world;
        let in_service = |it: &&pooldeck::sim::Machine| it.is_counted();
        let members: Vec<InstanceId> = world
            .members(&key())
            .filter(in_service)
            .map(|it| it.id().clone())
            .collect();
        let idle = members.iter().filter(|it| world.jobs_on(it).is_empty());
        let idle: Vec<&InstanceId> = idle.collect();
        let named = |ids: &[&InstanceId]| {
            let ids = ids.iter().take(self.n_targets).map(ToString::to_string);
            ids.collect::<Vec<_>>().join(" ")
        };
        let all: Vec<&InstanceId> = members.iter().collect();
        let line = match self.verb {
            Verb::Replace => format!("drain {} --replace", named(&all)),
            Verb::Terminate if !idle.is_empty() => format!("terminate {}", named(&idle)),
            Verb::Drain | Verb::Terminate => format!("drain {}", named(&all)),
            Verb::Scale => format!("scale linux {}", 6 - self.n_targets),
            Verb::Force => format!("terminate {} --force --reason test", named(&all)),
            Verb::Surge | Verb::TerminateFirst => unreachable!("these have returned above"),
        };
        let line: ActionLine = line.parse().unwrap();
        let policy = Policy::default();
        let plan = action::plan(&line.action, line.reason.as_deref(), &fleet, &policy);
        let spec = plan.unwrap().operation.unwrap();
        (world, spec)
    }

    pub(crate) fn driver(&self) -> Driver {
        let (world, spec) = self.spec(self.world());
        let mut driver = Driver::new(world, spec, self.seed);
        driver.world.set_faults(self.bad_weather());
        driver.checks.is_strict = self.is_strict();
        if self.has("sets-clock") {
            driver.checks.slack = Duration::from_secs(15);
        }
        driver.crash_percent = self.crash;
        let kinds: Vec<&str> = self.faults.iter().map(String::as_str).collect();
        driver.meddler = Meddler::of(&kinds, &key(), self.seed);
        driver
    }

    /// Runs it to its end, and judges that too.
    pub(crate) fn run(&self) -> Result<Driver, (Violation, Box<Driver>)> {
        let mut driver = self.driver();
        match self.run_with(&mut driver) {
            Ok(()) => Ok(driver),
            Err(violation) => Err((violation, Box::new(driver))),
        }
    }

    pub(crate) fn run_with(&self, driver: &mut Driver) -> Result<(), Violation> {
        let n_steps = self.abort.unwrap_or(self.calm).min(self.calm);
        let mut ended = go_on(driver, n_steps)?;
        if self.abort.is_some() && ended.is_none() {
            abort(driver);
        }
        if ended.is_none() {
            ended = go_on(driver, self.calm - n_steps)?;
        }
        if ended.is_none() {
            driver.world.set_faults(Faults::none());
            driver.meddler.stop(&mut driver.world);
            driver.step_clock(0);
            driver.crash_percent = 0;
            ended = Some(driver.try_run()?);
        }
        // What only an operator can help with is given up, and must leave nothing behind.
        if let Some(Decision::Halt(_)) = ended {
            driver.world.set_faults(Faults::none());
            driver.meddler.stop(&mut driver.world);
            driver.step_clock(0);
            driver.record(Happening::Resumed);
            abort(driver);
            let after = driver.try_run()?;
            let is_stuck = matches!(after, Decision::Halt(_));
            if is_stuck && !is_retained(&after) {
                let what = format!("it cannot be given up: {after:?}");
                return Err(Violation {
                    invariant: 17,
                    what,
                });
            }
        }
        driver.checks.at_rest(&driver.world)
    }
}

fn abort(driver: &mut Driver) {
    driver.record(Happening::Aborted {
        why: "changed my mind".to_owned(),
    });
}

/// A machine that AWS keeps after its hook is an operator's to look at.
fn is_retained(decision: &Decision) -> bool {
    let Decision::Halt(halts) = decision else {
        return false;
    };
    let is_kept =
        |it: &pooldeck::operation::Halt| matches!(it, pooldeck::operation::Halt::Retained { .. });
    halts.iter().all(is_kept)
}

/// Returns the names of everything that can go wrong.
fn names() -> Vec<String> {
    let faults = FAULTS.iter().map(|it| it.0.to_owned());
    faults
        .chain(KINDS.iter().map(|it| it.0.to_owned()))
        .collect()
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = VERBS.iter().find(|it| it.1 == self.verb).unwrap().0;
        write!(
            f,
            "seed={} verb={verb} targets={}",
            self.seed, self.n_targets
        )?;
        write!(f, " hook={} crash={}", self.has_hook, self.crash)?;
        if let Some(abort) = self.abort {
            write!(f, " abort={abort}")?;
        }
        write!(f, " calm={} faults={}", self.calm, self.faults.join(","))
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut case = Self {
            seed: 0,
            verb: Verb::Drain,
            n_targets: 1,
            has_hook: false,
            crash: 0,
            abort: None,
            calm: 2000,
            faults: Vec::new(),
        };
        let number = |value: &str| value.parse().map_err(|_| format!("{value}: no number"));
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or(word)?;
            match name {
                "seed" => case.seed = number(value)?,
                "verb" => {
                    let verb = VERBS.iter().find(|it| it.0 == value);
                    case.verb = verb.ok_or(value)?.1;
                }
                "targets" => case.n_targets = usize::try_from(number(value)?).unwrap(),
                "hook" => case.has_hook = value == "true",
                "crash" => case.crash = u8::try_from(number(value)?).unwrap(),
                "abort" => case.abort = Some(u32::try_from(number(value)?).unwrap()),
                "calm" => case.calm = u32::try_from(number(value)?).unwrap(),
                "faults" => {
                    let known = names();
                    let named = value.split(',').filter(|it| !it.is_empty());
                    case.faults = named.map(str::to_owned).collect();
                    if let Some(it) = case.faults.iter().find(|it| !known.contains(it)) {
                        return Err(format!("no fault is called {it}"));
                    }
                }
                _ => return Err(format!("{name} is no part of a case")),
            }
        }
        Ok(case)
    }
}

/// Lets the driver go on until its end, or for so many steps.
fn go_on(driver: &mut Driver, n_steps: u32) -> Result<Option<Decision>, Violation> {
    for _ in 0..n_steps {
        let decision = driver.step();
        if let Some(violation) = driver.violation.take() {
            return Err(violation);
        }
        if decision.is_some() {
            return Ok(decision);
        }
    }
    Ok(None)
}
