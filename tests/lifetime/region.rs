//! pooldeck on a simulated region that several processes share: `shared_region DIRECTORY WORDS…`.
//!
//! The region is a file of what was asked of it and when; each process replays it, and the same
//! seed tells all of them the same story. So a process may die, and the region lives on.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use pooldeck::{
    action::Policy,
    ci::{self, Ci},
    cli::{CommandLine, Job, Printer, Session, Terminal},
    cloud::{self, Cloud},
    engine::{self, Actor, Clock, Config, Detach, Doors, Keeping, Pricing, Program},
    fleet::{
        Activity, Call, Capacity, ConsoleOutput, Controller, ControllerName, Grade, Identity,
        InstanceId, PoolKey, Receipt, Scope, Timestamp,
    },
    operation::OnQuit,
    sim::{LoadSpec, PoolSpec, Project, Scenario, World},
    tui::{self, ColourDepth, Ending, Glyphs, Keymap, Multiplexer, Options, Theme},
};
use serde::{Deserialize, Serialize};

const START: Timestamp = Timestamp::from_secs(1_763_719_200);
/// Fast enough for a test, and slow enough that a reading is not old when it arrives.
const SPEED: f64 = 60.0;

/// What was asked of the region, in its order.
#[derive(Serialize, Deserialize)]
struct Line {
    at: Timestamp,
    call: Option<Call>,
}

/// The region as this process has replayed it.
#[derive(Debug)]
struct Region {
    world: World,
    file: File,
    clock: Clock,
    last: Timestamp,
    /// From when on AWS takes our credentials no more, until the file is gone.
    expired: PathBuf,
}

impl Region {
    fn open(directory: &Path, clock: Clock) -> Self {
        let mut options = OpenOptions::new();
        let path = directory.join("region.jsonl");
        let file = options.create(true).append(true).read(true).open(path);
        Self {
            world: world(),
            file: file.expect("the region's file can be opened"),
            clock,
            last: START,
            expired: directory.join("expired"),
        }
    }

    /// Catches up with what others asked, and asks: one process at a time.
    fn ask<T>(&mut self, call: Option<&Call>, question: impl FnOnce(&mut World) -> T) -> T {
        self.file.lock().expect("a local file can be locked");
        let mut text = String::new();
        self.file.read_to_string(&mut text).expect("it is text");
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).expect("we wrote it");
            self.world.advance_to(line.at);
            if let Some(call) = &line.call {
                // Its answer was for another process.
                let _ = self.world.apply(call);
            }
            self.last = line.at;
        }
        self.last = self.last.max(self.clock.now());
        let line = Line {
            at: self.last,
            call: call.cloned(),
        };
        let mut bytes = serde_json::to_vec(&line).expect("plain data");
        bytes.push(b'\n');
        self.file.write_all(&bytes).expect("there is room");
        self.file.seek(SeekFrom::End(0)).expect("a file has an end");
        self.world.advance_to(self.last);
        let answer = question(&mut self.world);
        self.file.unlock().expect("we hold the lock");
        answer
    }
}

/// Six machines, and jobs on them.
fn world() -> World {
    let capacity = Capacity {
        desired: 6,
        min: 1,
        max: 12,
    };
    let load = LoadSpec {
        label: "linux".to_owned(),
        projects: vec![Project::new("api/tests", 60, 240)],
        jobs_per_hour: 40,
        night_percent: 100,
        ..LoadSpec::default()
    };
    let pool = PoolSpec::group("linux", "us-east-1", capacity);
    let scenario = Scenario::of(vec![pool], vec![load]);
    let mut world = World::new(7, scenario, START - Duration::from_mins(20));
    world.advance_to(START);
    world
}

#[derive(Debug)]
struct Door {
    region: Arc<Mutex<Region>>,
    scope: Scope,
    controller: ControllerName,
}

impl Door {
    fn ask<T>(&self, call: Option<&Call>, question: impl FnOnce(&mut World) -> T) -> T {
        self.region
            .lock()
            .expect("nobody panics")
            .ask(call, question)
    }

    fn check_credentials(&self) -> Result<(), cloud::Error> {
        let expired = self.region.lock().expect("nobody panics").expired.clone();
        if expired.exists() {
            let kind = pooldeck::fleet::FailureKind::Credentials;
            return Err(cloud::Error::new(
                kind,
                "ExpiredToken: the token is expired",
            ));
        }
        Ok(())
    }
}

#[async_trait]
impl Cloud for Door {
    fn scope(&self) -> Scope {
        self.scope.clone()
    }

    async fn identify(&self) -> Result<Identity, cloud::Error> {
        self.check_credentials()?;
        self.ask(None, |it| it.identify(&self.scope.id))
    }

    async fn observe(&self, _now: Timestamp) -> Result<cloud::Reading, cloud::Error> {
        self.check_credentials()?;
        self.ask(None, |it| it.observe(&self.scope.id))
    }

    async fn activities(&self, pool: &PoolKey) -> Result<Vec<Activity>, cloud::Error> {
        self.ask(None, |it| it.activities(pool))
    }

    async fn console_output(&self, id: &InstanceId) -> Result<ConsoleOutput, cloud::Error> {
        self.ask(None, |it| it.console_output(id))
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, cloud::Error> {
        self.check_credentials()?;
        self.ask(Some(call), |it| it.apply(call))
    }

    fn n_requests(&self) -> u64 {
        0
    }
}

#[async_trait]
impl Ci for Door {
    fn name(&self) -> ControllerName {
        self.controller.clone()
    }

    fn describe(&self) -> Controller {
        Controller::new(self.controller.clone(), "jenkins", Grade::Durable)
    }

    async fn observe(&self, _now: Timestamp) -> Result<ci::Reading, ci::Error> {
        self.ask(None, |it| it.observe_ci(&self.controller))
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, ci::Error> {
        let answer = self.ask(Some(call), |it| it.apply(call));
        answer.map_err(|it| ci::Error::new(it.kind, it.what))
    }

    fn n_requests(&self) -> u64 {
        0
    }
}

/// The region's time: it began when the first process looked at it.
#[expect(
    clippy::disallowed_methods,
    reason = "the processes of a test share the machine's clock"
)]
fn clock(directory: &Path) -> Clock {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs_f64();
    let path = directory.join("born");
    if let Ok(mut file) = File::create_new(&path) {
        file.write_all(now.to_string().as_bytes())
            .expect("there is room");
    }
    let born: f64 = std::fs::read_to_string(path)
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(now);
    let passed = Duration::from_secs_f64((now - born).max(0.0) * SPEED);
    Clock::scaled(START + passed, SPEED)
}

#[expect(clippy::disallowed_methods, reason = "a test says who acts")]
fn actor() -> Actor {
    Actor {
        user: env::var("USER").unwrap_or_else(|_| "tester".to_owned()),
        host: env::var("HOSTNAME").unwrap_or_else(|_| "desk".to_owned()),
    }
}

fn main() -> ExitCode {
    let mut words = env::args_os();
    let program = words.next().expect("a program has a name");
    let directory = PathBuf::from(words.next().expect("the region's directory"));
    let line = CommandLine::read(std::iter::once(program).chain(words));
    let line = line.unwrap_or_else(|error| error.exit());
    if line.global.detached {
        let _ = rustix::process::setsid();
    }
    let terminal = Terminal::default();
    let mut printer = Printer::of_process(terminal);
    let clock = clock(&directory);
    let region = Region::open(&directory, clock.clone());
    let scope = region.world.scopes().next().expect("one region").clone();
    let controller = region.world.controllers().next().expect("one").name.clone();
    let region = Arc::new(Mutex::new(region));
    let door = || {
        Arc::new(Door {
            region: region.clone(),
            scope: scope.clone(),
            controller: controller.clone(),
        })
    };
    let doors = Doors {
        clouds: vec![door()],
        cis: vec![door()],
    };
    let state_dir = line.global.state_dir.clone();
    let arguments = vec![
        directory.clone().into(),
        "--state-dir".into(),
        state_dir.clone().expect("a test names it").into(),
    ];
    let config = Config {
        interval: Duration::from_secs(10),
        policy: Policy {
            read_only: line.global.read_only,
            ..Policy::default()
        },
        links: Vec::new(),
        state_dir,
        actor: actor(),
        detach: Detach::With(Program {
            path: env::current_exe().expect("we run"),
            arguments,
        }),
        history: Keeping::Off,
        namespace: pooldeck::fleet::Namespace::default(),
        pricing: Pricing::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("tasks can be run");
    let code = runtime.block_on(async {
        let (handle, events) = engine::start(doors, config, clock);
        if line.command.is_none() {
            return console(handle, events, &mut printer).await;
        }
        let job = match Job::new(&line) {
            Ok(Job::Live(job)) => job,
            Ok(_) => panic!("a test asks the region"),
            Err(error) => {
                printer.error(&error);
                return error.exit.code();
            }
        };
        let mut session = Session {
            handle,
            events,
            printer: &mut printer,
        };
        let ended = job.run(&mut session).await;
        ended
            .unwrap_or_else(|error| {
                printer.error(&error);
                error.exit
            })
            .code()
    });
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn console(
    handle: engine::Handle,
    events: tokio::sync::mpsc::Receiver<engine::Event>,
    printer: &mut Printer,
) -> u8 {
    let options = Options {
        keymap: Keymap::load("default", None).expect("it is ours"),
        theme: Theme::load("dark", None, ColourDepth::True, Glyphs::Unicode).expect("it is ours"),
        multiplexer: Multiplexer::None,
        on_quit: OnQuit::Ask,
    };
    let left = tui::run(handle, events, options).await;
    let left = left.expect("there is a terminal");
    for words in &left.words {
        printer.talk(words);
    }
    match left.ending {
        Ending::Quit | Ending::TerminalGone => 0,
        Ending::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
    }
}
