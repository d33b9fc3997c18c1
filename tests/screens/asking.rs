//! What is asked before anything is done: all of it can be read, at every size, and says what is so.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    engine::{Event, OperationView},
    fleet::{Call, InstanceId, PoolKey},
    operation::{
        Event as Line, Happening, Operation, OperationId, Owner, Sight, Spec, WaitingOn, outlook,
    },
    tui::{Effect, Msg, app::Overlay},
};
use ratatui::layout::Size;

use crate::{
    operating::saw,
    robot::{Look, Robot, START},
};

/// Types a line after `:`, and leaves its question open.
pub(crate) fn ask(robot: &mut Robot, line: &str) {
    robot.press(":");
    robot.type_text(line);
    robot.press("enter");
}

/// Returns a refresh of which EC2 Auto Scaling has done 40 %.
pub(crate) fn refreshing(robot: &mut Robot) -> OperationView {
    let mut view = begun(robot, "refresh start arm-linux --force --reason old");
    view.waits = vec![(
        PoolKey::new("demo/eu-west-1", "arm-linux").into(),
        WaitingOn::Refresh {
            status: "InProgress".to_owned(),
            percent: Some(40),
            reason: None,
        },
    )];
    view
}

/// Returns the operation that a line would begin, a moment after it began.
pub(crate) fn begun(robot: &mut Robot, line: &str) -> OperationView {
    ask(robot, line);
    let Some(Overlay::Confirm(confirm)) = robot.app.overlay() else {
        panic!("no question:\n{}", robot.text());
    };
    let plan = confirm.plan.as_ref().unwrap();
    let spec: Spec = plan.operation.clone().unwrap();
    let command_line = plan.command_line.clone();
    robot.press("esc");
    let planned = Line {
        at: START,
        what: Happening::Planned {
            version: Line::VERSION,
            id: OperationId(crate::operating::ID.to_owned()),
            spec,
            owner: Owner {
                user: "ada".to_owned(),
                host: "desk".to_owned(),
            },
            reason: None,
            command_line,
        },
    };
    let operation = Operation::replay(&[planned]).unwrap();
    OperationView {
        outlook: outlook(&operation, &robot.app.observation.fleet, START),
        operation,
        waits: Vec::new(),
        halts: Vec::new(),
        is_driven: true,
        is_foreign: false,
        cost: None,
    }
}

pub(crate) fn show(robot: &mut Robot, view: OperationView) {
    robot.hear(Event::Operation(Arc::new(view)));
    robot.press("g o");
}

#[test]
fn a_plan_that_wants_a_name_is_read_to_its_end_before_the_name_is_typed() {
    for keymap in ["default", "vim-like", "emacs-like"] {
        let mut robot = Robot::with(Look {
            size: (80, 24),
            keymap,
            ..Look::default()
        });
        ask(&mut robot, "reami workhorse --bootstrap");
        robot.sees("more lines");
        robot.sees(" scroll ");
        let top = robot.text();
        robot.press("down");
        assert_ne!(robot.text(), top, "{keymap}");
        robot.press("up");
        assert_eq!(robot.text(), top, "{keymap}");
        for _ in 0..40 {
            robot.press("pagedown");
        }
        robot.sees_not("more line");
        robot.type_text("workhorse");
        robot.sees("then enter (esc does nothing): workhorse");
        robot.press("enter");
        assert!(matches!(robot.take_effects()[..], [Effect::Submit(_)]));
    }
}

#[test]
fn a_question_of_yes_or_no_says_which_keys_scroll_it() {
    let mut robot = Robot::sized(60, 9);
    ask(&mut robot, "scale arm-linux +2");
    robot.sees("j k");
    robot.sees("scroll");
    let top = robot.text();
    robot.press("j");
    assert_ne!(robot.text(), top);
    robot.press("k");
    assert_eq!(robot.text(), top);
}

#[test]
fn what_is_typed_is_seen_at_every_size() {
    for (width, height) in [(160, 45), (80, 24), (40, 10), (24, 6)] {
        let mut robot = Robot::sized(width, height);
        ask(&mut robot, "reami workhorse --bootstrap");
        robot.type_text("workho");
        let text = robot.text();
        let is_seen = text.contains(": workho") || text.contains("> workho");
        assert!(is_seen, "{width}x{height}:\n{text}");
    }
}

#[test]
fn a_plan_that_changed_says_so_above_everything_else_and_that_the_name_is_typed_again() {
    for (width, height) in [(160, 45), (80, 24), (40, 10)] {
        let mut robot = Robot::sized(width, height);
        ask(&mut robot, "reami workhorse --bootstrap");
        robot.press("pagedown");
        robot.type_text("workh");
        let call = Call::SetDesiredCapacity {
            pool: PoolKey::new("demo/us-east-1", "workhorse"),
            desired: 18,
        };
        robot.world().apply(&call).unwrap();
        robot.read_after(Duration::from_mins(1));
        // Lines are broken where the width wants it.
        let words: Vec<String> = robot
            .text()
            .split(|it: char| it.is_whitespace() || it == '│')
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect();
        let text = words.join(" ");
        assert!(
            text.contains("the fleet changed: this is what would be done now; type it again"),
            "{width}x{height}:\n{}",
            robot.text()
        );
        assert!(!text.contains("workh "), "{}", robot.text());
    }
}

#[test]
fn a_plan_over_several_pools_wants_the_names_of_all() {
    let mut robot = Robot::sized(120, 36);
    ask(&mut robot, "reami gpu,windows --bootstrap");
    robot.sees("type the pools, gpu windows, then enter (esc does nothing):");
    robot.type_text("gpu");
    robot.press("enter");
    assert!(robot.take_effects().is_empty());
    robot.type_text(" windows");
    robot.press("enter");
    assert!(matches!(robot.take_effects()[..], [Effect::Submit(_)]));
}

#[test]
fn no_line_of_a_plan_is_cut() {
    let mut robot = Robot::sized(80, 24);
    ask(&mut robot, "reami workhorse --bootstrap");
    for _ in 0..20 {
        robot.sees_not("…");
        robot.press("down");
    }
    let mut robot = Robot::sized(40, 10);
    ask(&mut robot, "reami workhorse --bootstrap");
    for _ in 0..20 {
        let text = robot.text();
        let inside = text.lines().filter(|it| it.contains('│'));
        assert!(inside.clone().all(|it| !it.contains('…')), "{text}");
        robot.press("down");
    }
}

#[test]
fn an_abort_of_a_roll_says_what_was_begun_and_which_template_stays() {
    let mut robot = Robot::sized(120, 36);
    let mut view = begun(&mut robot, "reami workhorse --bootstrap");
    let ids: Vec<InstanceId> = view.operation.targets().map(|it| it.0.clone()).collect();
    let at = START;
    let mut tell = |what| view.operation.evolve(&Line { at, what });
    for id in &ids[..3] {
        tell(Happening::Applied {
            call: Call::TagInstances {
                scope: "demo/us-east-1".into(),
                instances: vec![id.clone()],
                key: pooldeck::operation::TAG.to_owned(),
                value: "ours".to_owned(),
            },
            made: None,
        });
    }
    for sight in [
        Sight::Leaving {
            at,
            is_doubted: false,
        },
        Sight::Gone { at },
    ] {
        tell(saw(&ids[0], sight));
    }
    let n = ids.len();
    show(&mut robot, view);
    robot.press("x");
    robot.sees("Abort the reami of workhorse");
    robot.sees(&format!("1 of {n} is terminated already, for good."));
    robot.sees("2 are under way and given back");
    robot.sees(&format!("{} are not begun and not replaced.", n - 3));
    robot.sees("workhorse launches from");
    robot.sees("as before, and goes on so.");
}

#[test]
fn an_abort_of_a_refresh_says_that_it_is_cancelled_and_what_stays() {
    let mut robot = Robot::sized(120, 36);
    let view = refreshing(&mut robot);
    show(&mut robot, view);
    robot.press("x");
    robot.sees("Abort the refresh of arm-linux");
    robot.sees("EC2 Auto Scaling's own refresh of arm-linux is cancelled.");
    robot.sees("The 40 %");
    robot.sees_not("0 of 0");
    robot.sees_not("uncordoned");
    robot.press("esc +");
    robot.sees("EC2 Auto Scaling goes at its own pace");
}

#[test]
fn an_abort_of_a_freeze_says_what_it_resumes() {
    let mut robot = Robot::sized(120, 36);
    let view = begun(&mut robot, "freeze arm-linux --for 1h");
    show(&mut robot, view);
    robot.press("x");
    robot.sees("Abort the freeze of arm-linux");
    robot.sees("It thaws now: ");
    robot.sees("Launch");
    robot.sees_not("0 of 0");
    robot.press("esc +");
    robot.sees("a freeze takes nothing out of service");
}

#[test]
fn a_roll_that_may_miss_none_is_not_offered_to_be_sped_up() {
    let mut robot = Robot::sized(160, 36);
    let view = begun(&mut robot, "reami workhorse --bootstrap");
    assert_eq!(view.operation.max_unavailable(), Some(0));
    show(&mut robot, view);
    robot.press("+");
    assert!(robot.app.overlays.is_empty());
    robot.sees("its batch decides");
}

#[test]
fn what_was_sped_up_says_from_where() {
    let mut robot = Robot::sized(160, 36);
    let line = "reami workhorse --bootstrap --strategy terminate-first --max-unavailable 2";
    let mut view = begun(&mut robot, line);
    show(&mut robot, view.clone());
    robot.press("enter");
    robot.sees("at most 2 missing");
    view.operation.evolve(&Line {
        at: START,
        what: Happening::SpedUp { max_unavailable: 4 },
    });
    robot.hear(Event::Operation(Arc::new(view)));
    robot.sees("at most 4 missing (sped up from 2)");
}

#[test]
fn a_question_about_an_operation_is_read_to_its_end_on_a_small_terminal() {
    let mut robot = Robot::sized(40, 10);
    let view = begun(&mut robot, "freeze arm-linux --for 1h");
    show(&mut robot, view);
    robot.press("x");
    robot.sees("y does it");
    let mut seen = String::new();
    for _ in 0..20 {
        seen += &robot.text();
        robot.press("j");
    }
    assert!(seen.contains("since"), "{seen}");
    robot.update(Msg::Resize(Size::new(120, 36)));
    robot.settle();
    robot.sees("Abort the freeze");
}

#[test]
fn a_page_of_a_plan_is_a_page_after_the_window_shrank() {
    let mut robot = Robot::sized(160, 45);
    ask(&mut robot, "scale workhorse -2");
    robot.update(Msg::Resize(Size::new(80, 24)));
    robot.settle();
    let more = |it: &Robot| -> usize {
        let text = it.text();
        let line = text.lines().find(|it| it.contains(" more lines"));
        let words: Vec<&str> = line.map_or(Vec::new(), |it| it.split(' ').collect());
        let at = words.iter().position(|it| *it == "more");
        at.map_or(0, |at| words[at - 1].parse().unwrap())
    };
    let before = more(&robot);
    robot.press("pagedown");
    assert_eq!(more(&robot), before - 12, "{}", robot.text());
}
