//! One run: a seed, what is asked for, and what goes wrong. It can be written down in one
//! line, run again from that line, and made smaller.

use std::{fmt, str::FromStr, time::Duration};

use pooldeck::{
    fleet::{Grade, PoolKey, Timestamp},
    operation::{Decision, Halt, Happening},
    sim::Faults,
};

pub(crate) use crate::asked::{VERBS, Verb};
use crate::{
    bench::Driver,
    checks::Violation,
    faults::{FAULTS, OF_DOORS, OF_IMAGES, bad_weather, names},
    meddler::Meddler,
};

pub(crate) const START: Timestamp = Timestamp::from_secs(1_763_719_200);
/// For so many steps an operator who paused it looks at it.
const PAUSE: u32 = 30;

pub(crate) fn key() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

/// How far max is above desired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    None,
    /// Less than a surge takes, and a smaller max is still above desired.
    One,
    Plenty,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) verb: Verb,
    /// How many go, or how many go at a time.
    pub(crate) n_targets: usize,
    pub(crate) has_hook: bool,
    /// How far the group may grow without a larger max.
    pub(crate) room: Room,
    /// How many agents run on each instance.
    pub(crate) n_agents: u32,
    /// How safely the controller lets a worker be emptied.
    pub(crate) grade: Grade,
    /// In how many of a hundred steps the driver dies.
    pub(crate) crash: u8,
    /// After so many steps an operator pauses it for a while.
    pub(crate) pause: Option<u32>,
    /// After so many steps an operator aborts it.
    pub(crate) abort: Option<u32>,
    /// After so many steps nothing goes wrong any more.
    pub(crate) calm: u32,
    /// What goes wrong, by name.
    pub(crate) faults: Vec<String>,
}

impl Case {
    /// Returns what a seed stands for: each verb in turn, everything wrong in most of them.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut faults: Vec<String> = names();
        let n_verbs = VERBS.len() as u64;
        match seed / n_verbs % 4 {
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
        let verb = VERBS[usize::try_from(seed % n_verbs).unwrap()].1;
        if verb.is_roll() && dice.u8(..8) == 0 {
            faults.push(OF_IMAGES[dice.usize(..2)].to_owned());
        }
        // A roll takes longer, so an operator has more time to change their mind.
        let long = if verb.is_roll() { 4 } else { 1 };
        let mut case = Self {
            seed,
            verb,
            n_targets: dice.usize(1..=3),
            has_hook: dice.bool(),
            room: if dice.bool() {
                Room::Plenty
            } else {
                Room::None
            },
            crash: if dice.u8(..4) == 0 { 3 } else { 0 },
            pause: (dice.u8(..8) == 0).then(|| dice.u32(1..120 * long)),
            abort: (dice.u8(..6) == 0).then(|| dice.u32(1..120 * long)),
            calm: 2000,
            faults,
            n_agents: if dice.u8(..4) == 0 { 2 } else { 1 },
            grade: match dice.u8(..6) {
                0 | 1 => Grade::Atomic,
                2 => Grade::Timed,
                _ => Grade::Durable,
            },
        };
        if case.room == Room::None && dice.bool() {
            case.room = Room::One;
        }
        case
    }

    pub(crate) fn has(&self, fault: &str) -> bool {
        self.faults.iter().any(|it| it == fault)
    }

    /// Returns whether only the doors are unkind.
    pub(crate) fn is_strict(&self) -> bool {
        let is_of_doors = |name: &String| FAULTS[..OF_DOORS].iter().any(|it| it.0 == name);
        self.crash == 0 && self.faults.iter().all(is_of_doors)
    }

    pub(crate) fn driver(&self) -> Driver {
        let (world, spec) = self.spec(self.world());
        let mut driver = Driver::new(world, spec, self.seed);
        driver.world.set_faults(bad_weather(&self.faults));
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
        let mut ended = None;
        let mut n_steps = 0;
        for (at, what) in self.orders() {
            if ended.is_none() {
                ended = go_on(driver, at - n_steps)?;
                n_steps = at;
            }
            if ended.is_none() {
                driver.record(what);
            }
        }
        if ended.is_none() {
            ended = go_on(driver, self.calm - n_steps)?;
        }
        if ended.is_none() {
            be_kind(driver);
            ended = Some(driver.try_run()?);
        }
        let is_aborted = self.abort.is_some();
        // What only an operator can help with is given up, and must leave nothing behind.
        if let Some(Decision::Halt(_)) = ended {
            be_kind(driver);
            driver.record(Happening::Resumed);
            driver.record(abort());
            let after = driver.try_run()?;
            let is_stuck = matches!(after, Decision::Halt(_));
            if is_stuck && !is_retained(&after) {
                let what = format!("it cannot be given up: {after:?}");
                return Err(Violation {
                    invariant: 17,
                    what,
                });
            }
            return driver.checks.at_rest(&driver.world);
        }
        driver.checks.at_rest(&driver.world)?;
        if is_aborted {
            return Ok(());
        }
        be_kind(driver);
        driver.judge_end()
    }

    /// Returns what an operator does meanwhile, and after how many steps.
    fn orders(&self) -> Vec<(u32, Happening)> {
        let mut orders = Vec::new();
        if let Some(at) = self.pause {
            orders.push((at, Happening::Paused));
            orders.push((at + PAUSE, Happening::Resumed));
        }
        orders.extend(self.abort.map(|at| (at, abort())));
        for (at, _) in &mut orders {
            *at = self.calm.min(*at);
        }
        orders.sort_by_key(|it| it.0);
        orders
    }
}

fn abort() -> Happening {
    Happening::Aborted {
        why: "changed my mind".to_owned(),
    }
}

/// From now on nothing goes wrong any more.
fn be_kind(driver: &mut Driver) {
    driver.world.set_faults(Faults::none());
    driver.meddler.stop(&mut driver.world);
    driver.step_clock(0);
    driver.crash_percent = 0;
}

/// A machine that AWS keeps after its hook is an operator's to look at.
fn is_retained(decision: &Decision) -> bool {
    let Decision::Halt(halts) = decision else {
        return false;
    };
    let is_kept = |it: &Halt| matches!(it, Halt::Retained { .. });
    halts.iter().all(is_kept)
}

impl Room {
    const ALL: [Self; 3] = [Self::None, Self::One, Self::Plenty];

    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::One => "one",
            Self::Plenty => "plenty",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.verb.name();
        write!(
            f,
            "seed={} verb={verb} targets={}",
            self.seed, self.n_targets
        )?;
        write!(f, " hook={} room={}", self.has_hook, self.room.as_str())?;
        write!(f, " crash={}", self.crash)?;
        write!(f, " agents={} grade={}", self.n_agents, self.grade.as_str())?;
        if let Some(pause) = self.pause {
            write!(f, " pause={pause}")?;
        }
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
            room: Room::Plenty,
            n_agents: 1,
            grade: Grade::Durable,
            crash: 0,
            pause: None,
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
                "room" => {
                    let room = Room::ALL.into_iter().find(|it| it.as_str() == value);
                    case.room = room.ok_or(value)?;
                }
                "agents" => case.n_agents = u32::try_from(number(value)?).unwrap(),
                "grade" => {
                    let grade = Grade::ALL.into_iter().find(|it| it.as_str() == value);
                    case.grade = grade.ok_or(value)?;
                }
                "crash" => case.crash = u8::try_from(number(value)?).unwrap(),
                "pause" => case.pause = Some(u32::try_from(number(value)?).unwrap()),
                "abort" => case.abort = Some(u32::try_from(number(value)?).unwrap()),
                "calm" => case.calm = u32::try_from(number(value)?).unwrap(),
                "faults" => {
                    let mut known = names();
                    known.extend(OF_IMAGES.map(str::to_owned));
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
