//! The same request from keys and from a command line is the same operation: both are carried
//! out on the same simulated region, in a runtime whose time is stopped, and their journals are
//! the same line by line, with every time in them. Only the operation's id is drawn by lot.

use std::{io::Cursor, path::Path, sync::Arc};

use pooldeck::{
    action::Policy,
    cli::{CommandLine, Exit, Job, Printer, Session, Terminal},
    engine::{
        self, Actor, Clock, Config, Detach, Doors, Event, Handle, Keeping, Outcome, Pricing,
        Progress, Submission,
    },
    fleet::{Capacity, Namespace},
    sim::{LoadSpec, PoolSpec, Project, Scenario, SimCi, SimCloud, World, share},
    tui::Effect,
};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::robot::{Look, Robot, START};

/// Six busy machines and a controller, the same in every test.
fn doors() -> Doors {
    let capacity = Capacity {
        desired: 6,
        min: 1,
        max: 12,
    };
    let load = LoadSpec {
        label: "linux".to_owned(),
        projects: vec![Project::new("api/tests", 60, 240)],
        jobs_per_hour: 60,
        night_percent: 100,
        ..LoadSpec::default()
    };
    let pool = PoolSpec::group("linux", "us-east-1", capacity);
    let scenario = Scenario::of(vec![pool], vec![load]);
    let mut world = World::new(11, scenario, START - std::time::Duration::from_mins(20));
    world.advance_to(START);
    let scope = world.scopes().next().unwrap().clone();
    let controller = world.controllers().next().unwrap().name.clone();
    let world = share(world);
    Doors {
        clouds: vec![Arc::new(SimCloud::new(world.clone(), scope))],
        cis: vec![Arc::new(SimCi::new(world, controller))],
    }
}

fn start(state: &TempDir) -> (Handle, mpsc::Receiver<Event>) {
    let config = Config {
        interval: std::time::Duration::from_secs(10),
        policy: Policy::default(),
        links: Vec::new(),
        pricing: Pricing::default(),
        state_dir: Some(state.path().to_owned()),
        actor: Actor {
            user: "ann".to_owned(),
            host: "bastion".to_owned(),
        },
        history: Keeping::Off,
        namespace: Namespace::default(),
        detach: Detach::Not("a test ends"),
    };
    engine::start(doors(), config, Clock::scaled(START, 1.0))
}

/// Returns the only journal, without what is drawn by lot.
fn journal(state: &Path) -> String {
    let directory = std::fs::read_dir(state.join("operations")).unwrap();
    let paths: Vec<_> = directory.map(|it| it.unwrap().path()).collect();
    let journals: Vec<_> = paths
        .iter()
        .filter(|it| it.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    let [path] = journals[..] else {
        panic!("not one journal: {paths:?}")
    };
    let id = path.file_stem().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(id), "{text}");
    // The checksum of a line is of its id, too.
    let lines = text
        .lines()
        .map(|it| it.rsplit_once(",\"sum\":").unwrap().0);
    let lines: Vec<&str> = lines.collect();
    lines.join("\n").replace(id, "THE-ID")
}

/// Who sits before the screen.
struct Operator {
    robot: Robot,
    handle: Handle,
    events: mpsc::Receiver<Event>,
    state: TempDir,
}

impl Operator {
    /// Opens the console, and waits until every source was read.
    async fn sit_down() -> Self {
        let state = TempDir::new().unwrap();
        let (handle, events) = start(&state);
        let observation = (*handle.observation()).clone();
        let robot = Robot::at_start(Look::default(), observation);
        let mut operator = Self {
            robot,
            handle,
            events,
            state,
        };
        let is_read = |it: &Robot| {
            let sources = &it.app.observation.sources;
            !sources.is_empty() && sources.iter().all(|it| it.read_at.is_some())
        };
        while !is_read(&operator.robot) {
            operator.hear().await;
        }
        operator
    }

    async fn hear(&mut self) {
        let event = self.events.recv().await.unwrap();
        self.robot.now = self.handle.clock().now();
        self.robot.hear(event);
    }

    fn type_line(&mut self, line: &str) {
        self.robot.press(":");
        self.robot.type_text(line);
        self.robot.press("enter");
    }

    /// Says yes, and returns what was asked for and the journal of what became of it.
    async fn confirm(mut self) -> (Submission, String) {
        self.robot.press("y");
        let effects = std::mem::take(&mut self.robot.effects).into_iter();
        let submitted = effects.filter_map(|it| match it {
            Effect::Submit(it) => Some(*it),
            _ => None,
        });
        let submitted: Vec<Submission> = submitted.collect();
        let [submission] = &submitted[..] else {
            panic!("not one submission: {submitted:?}\n{}", self.robot.text())
        };
        self.handle.submit(submission.clone());
        let outcome = loop {
            if let Event::Submission {
                progress: Progress::Ended(outcome),
                ..
            } = self.events.recv().await.unwrap()
            {
                break outcome;
            }
        };
        assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
        (submission.clone(), journal(self.state.path()))
    }
}

/// Carries out a command line as a script does, and returns its journal.
async fn by_line(line: &str) -> String {
    let state = TempDir::new().unwrap();
    let (handle, events) = start(&state);
    let words = shlex::split(line).unwrap().into_iter();
    let words = std::iter::once("pooldeck".to_owned()).chain(words);
    let command_line = CommandLine::read(words.map(Into::into)).unwrap();
    let Ok(Job::Live(job)) = Job::new(&command_line) else {
        panic!("{line} reads nothing")
    };
    let mut printer = Printer::new(
        Terminal::default(),
        Box::new(Cursor::new(String::new())),
        Box::new(std::io::sink()),
        Box::new(std::io::sink()),
    );
    let mut session = Session {
        handle,
        events,
        printer: &mut printer,
    };
    let exit = job.run(&mut session).await.unwrap();
    assert_eq!(exit, Exit::Done, "{line}");
    journal(state.path())
}

/// Compares what the console did with what its own equivalent command line does.
#[track_caller]
fn check_same(by_keys: &str, by_line: &str) {
    let (ours, theirs) = (by_keys.lines(), by_line.lines());
    for (n, (ours, theirs)) in ours.zip(theirs).enumerate() {
        assert_eq!(ours, theirs, "line {} of the journals", n + 1);
    }
    assert_eq!(by_keys.lines().count(), by_line.lines().count());
    assert!(4 < by_keys.lines().count(), "nothing happened: {by_keys}");
}

/// Types a line with its reason in the console, and the command line that it shows in a script.
async fn check_line(line: &str) {
    let mut operator = Operator::sit_down().await;
    operator.type_line(line);
    let (submission, by_keys) = operator.confirm().await;
    let command_line = &submission.confirmed.command_line;
    check_same(&by_keys, &by_line(&format!("{command_line} --yes")).await);
}

#[tokio::test(start_paused = true)]
async fn a_drain_of_the_instance_under_the_cursor_is_that_of_its_id() {
    let mut operator = Operator::sit_down().await;
    operator.robot.press("g i a d");
    let id = operator.robot.under_cursor();
    operator.robot.sees(&format!("pooldeck drain {id}"));
    let (submission, by_keys) = operator.confirm().await;
    assert_eq!(submission.confirmed.command_line, format!("drain {id}"));
    check_same(&by_keys, &by_line(&format!("drain {id} --yes")).await);
}

#[tokio::test(start_paused = true)]
async fn a_smaller_size_names_the_same_victims_and_drains_them_alike() {
    check_line("scale linux 4 --reason test").await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_selected_is_scaled_as_if_it_were_named() {
    let mut operator = Operator::sit_down().await;
    operator.robot.press("g f");
    operator.type_line("scale -1");
    let (submission, by_keys) = operator.confirm().await;
    let line = submission.confirmed.command_line;
    assert_eq!(line, "scale linux -1 --scope sim/us-east-1");
    check_same(&by_keys, &by_line(&format!("{line} --yes")).await);
}

#[tokio::test(start_paused = true)]
async fn a_reami_replaces_the_same_instances_in_the_same_order() {
    check_line("reami linux ami-0000000b --batch 2 --bake 5m --reason test").await;
}

#[tokio::test(start_paused = true)]
async fn a_freeze_thaws_at_the_same_time() {
    check_line("freeze linux --for 20m --reason test").await;
}
