//! Random keys, sizes and events: nothing panics, and what must hold holds.

use std::{sync::Arc, time::Duration};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use pooldeck::{
    engine::{Event, Outcome, Progress, SubmissionId},
    fleet::{ConsoleOutput, Failure, FailureKind, InstanceId, Observation},
    tui::{Effect, Msg, Severity},
};
use proptest::prelude::*;
use ratatui::layout::Size;

use crate::robot::{Look, Robot};

#[derive(Clone, Debug)]
enum Step {
    Keys(String),
    Event(KeyCode, KeyModifiers),
    Paste(String),
    Resize(u16, u16),
    Read(u64),
    Blank,
    Fail,
    Console(String),
    Ended,
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = prop::sample::select(vec![
        "j", "k", "G", "g g", "enter", "esc", "tab", "space", "g i", "g a", "g m", "g s", "g p",
        "g e", "g t", "g o", "?", ":", "/", "s", "c", "S", "a l", "a s", "a p", "a z", "a r",
        "a b", "m a", "m i", "m r", "o", "y", "Y", "n", "pagedown", "pageup", "end", "home",
        "ctrl-u", "ctrl-w", "up", "down", "right", "\\", "q", "x", "ctrl-l",
    ]);
    let modifiers = prop::sample::select(vec![
        KeyModifiers::NONE,
        KeyModifiers::SHIFT,
        KeyModifiers::CONTROL,
        KeyModifiers::ALT,
    ]);
    let code = prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        Just(KeyCode::Tab),
        Just(KeyCode::BackTab),
        Just(KeyCode::Delete),
        (0..30_u8).prop_map(KeyCode::F),
    ];
    prop_oneof![
        12 => keys.prop_map(|it| Step::Keys(it.to_owned())),
        2 => (code, modifiers).prop_map(|(code, modifiers)| Step::Event(code, modifiers)),
        1 => ".{0,30}".prop_map(Step::Paste),
        2 => (0..200_u16, 0..60_u16).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => (0..600_u64).prop_map(Step::Read),
        1 => Just(Step::Blank),
        1 => Just(Step::Fail),
        1 => ".{0,60}".prop_map(Step::Console),
        1 => Just(Step::Ended),
        6 => Just(Step::Settle),
    ]
}

fn take(robot: &mut Robot, step: &Step) {
    match step {
        Step::Keys(keys) => robot.press_ahead(keys),
        Step::Event(code, modifiers) => robot.update(Msg::Key(KeyEvent::new(*code, *modifiers))),
        Step::Paste(text) => robot.update(Msg::Paste(text.clone())),
        Step::Resize(width, height) => robot.update(Msg::Resize(Size::new(*width, *height))),
        Step::Read(secs) => robot.read_after(Duration::from_secs(*secs)),
        Step::Blank => robot.tell(Observation::default()),
        Step::Fail => {
            let mut observation = (*robot.app.observation).clone();
            for source in &mut observation.sources {
                source.failure = Some(failure(robot));
            }
            robot.update(Msg::Engine(Event::Observed(Arc::new(observation))));
        }
        Step::Console(text) => {
            let id = robot.app.observation.fleet.instances.keys().next().cloned();
            let instance = id.unwrap_or_else(|| InstanceId::from("i-0123456789abcdef0"));
            let output = ConsoleOutput {
                instance: instance.clone(),
                at: None,
                text: text.clone(),
            };
            robot.hear(Event::Console {
                instance,
                result: Ok(output),
            });
        }
        Step::Ended => {
            for id in (1..4).map(SubmissionId) {
                let outcome = Outcome::Failed(failure(robot));
                robot.hear(Event::Submission {
                    id,
                    progress: Progress::Ended(outcome),
                });
            }
        }
        Step::Settle => robot.settle(),
    }
    let effects = robot.take_effects();
    for (effect_idx, effect) in (1..).zip(effects) {
        if let Effect::Submit(submission) = effect {
            robot.update(Msg::Submitted(SubmissionId(effect_idx), submission));
        }
    }
}

fn failure(robot: &Robot) -> Failure {
    Failure {
        kind: FailureKind::Throttled,
        what: "Rate exceeded \u{1b}[31m".to_owned(),
        at: robot.now,
        retry_at: Some(robot.now + Duration::from_secs(8)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_panics(steps in prop::collection::vec(step(), 1..80), width in 0..200_u16, height in 0..60_u16) {
        let mut robot = Robot::with(Look { size: (width, height), ..Look::default() });
        for step in &steps {
            take(&mut robot, step);
            let text = robot.text();
            prop_assert!(!text.contains('\u{1b}'), "an escape is on the screen after {step:?}");
        }
    }

    #[test]
    fn drawing_twice_draws_the_same_and_writes_nothing(steps in prop::collection::vec(step(), 1..40)) {
        let mut robot = Robot::new();
        for step in &steps {
            take(&mut robot, step);
            robot.settle();
            robot.paint();
            prop_assert_eq!(robot.n_bytes, 0, "after {:?}", step);
        }
    }
}

#[test]
fn no_size_is_too_small() {
    for keys in [
        "",
        "enter",
        "g i",
        "enter enter",
        "?",
        ":",
        "/",
        "s",
        "c",
        "a",
        "a l",
        "g s",
        "g e",
        "g e enter",
        "g t",
        "g m",
        "enter o",
    ] {
        for (width, height) in [
            (1, 1),
            (0, 0),
            (2, 1),
            (1, 5),
            (5, 2),
            (20, 5),
            (10, 3),
            (40, 10),
            (3, 30),
        ] {
            let mut robot = Robot::sized(width, height);
            if !keys.is_empty() {
                robot.press(keys);
            }
            robot.update(Msg::Notice(Severity::Failure, "something".to_owned()));
            robot.settle();
        }
    }
}
