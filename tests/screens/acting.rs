//! From a key to a submission: what is asked, what answers it, and what does not.

use std::time::Duration;

use pooldeck::{
    action::{Confirmation, Guardrail, Policy},
    engine::{Event, Outcome, Progress, Submission, SubmissionId},
    fleet::{Call, InstanceId, Receipt},
    tui::{
        Effect, Msg,
        app::{Overlay, Severity},
    },
};

use crate::robot::{Look, Robot};

/// Returns the only submission among the effects.
#[track_caller]
fn submitted(robot: &mut Robot) -> Submission {
    let effects = robot.take_effects();
    match &effects[..] {
        [Effect::Submit(submission)] => (**submission).clone(),
        other => panic!("not one submission: {other:?}"),
    }
}

#[track_caller]
fn nothing_submitted(robot: &mut Robot) {
    let effects = robot.take_effects();
    let is_submit = |it: &Effect| matches!(it, Effect::Submit(_));
    assert!(!effects.iter().any(is_submit), "{effects:?}");
}

/// A robot on the pool of that name.
fn on_pool(name: &str) -> Robot {
    let mut robot = Robot::new();
    robot.press(":");
    robot.type_text(&format!("pool {name}"));
    robot.press("enter");
    robot.take_effects();
    robot
}

#[test]
fn launch_asks_shows_its_calls_and_is_submitted_by_y() {
    let mut robot = on_pool("arm-linux");
    robot.press("a l");
    robot.sees("pooldeck launch arm-linux --count 1 --scope demo/eu-west-1");
    robot.sees("autoscaling:SetDesiredCapacity");
    robot.sees("123456789012");
    nothing_submitted(&mut robot);
    robot.press("y");
    let submission = submitted(&mut robot);
    assert!(matches!(
        &submission.confirmed.calls[..],
        [Call::SetDesiredCapacity { .. }]
    ));
    assert!(robot.app.overlays.is_empty());
}

#[test]
fn keys_typed_before_the_question_was_seen_answer_nothing() {
    let mut robot = on_pool("arm-linux");
    robot.press_ahead("a l y enter y");
    nothing_submitted(&mut robot);
    assert!(
        matches!(robot.app.overlay(), Some(Overlay::Confirm(_))),
        "the question stays"
    );
    robot.press("y");
    submitted(&mut robot);
}

#[test]
fn painted_is_not_yet_seen() {
    let mut robot = on_pool("arm-linux");
    robot.press_ahead("a");
    let key = |c| {
        Msg::Key(crossterm::event::KeyEvent::from(
            crossterm::event::KeyCode::Char(c),
        ))
    };
    robot.update(key('l'));
    robot.update(Msg::Painted);
    assert!(robot.app.seen_in().is_some());
    robot.update(key('y'));
    nothing_submitted(&mut robot);
    robot.update(Msg::Painted);
    robot.update(Msg::Seen);
    robot.update(key('y'));
    submitted(&mut robot);
}

#[test]
fn enter_never_confirms_what_can_end_work() {
    let mut robot = on_pool("windows");
    // Resuming ReplaceUnhealthy acts at once on what it missed.
    robot.press(":");
    robot.type_text("resume windows");
    robot.press("enter");
    let Some(Overlay::Confirm(confirm)) = robot.app.overlay() else {
        panic!("{}", robot.text());
    };
    assert!(confirm.plan.as_ref().unwrap().is_destructive);
    robot.press("enter enter enter");
    nothing_submitted(&mut robot);
}

#[test]
fn production_wants_the_name_of_the_pool_and_takes_nothing_else() {
    let mut robot = on_pool("workhorse");
    robot.press("a z");
    robot.sees("type the pool, workhorse");
    robot.press("enter");
    robot.type_text("y");
    robot.press("enter");
    nothing_submitted(&mut robot);
    robot.press("ctrl-u");
    robot.update(Msg::Paste("workhorse".to_owned()));
    robot.press("enter");
    nothing_submitted(&mut robot);
    robot.type_text("workhorse");
    robot.press("enter");
    let submission = submitted(&mut robot);
    assert_eq!(
        submission.confirmed.confirmation,
        Confirmation::TypePoolName
    );
}

#[test]
fn esc_and_n_do_nothing() {
    for key in ["esc", "n", "q", "ctrl-c"] {
        let mut robot = on_pool("arm-linux");
        robot.press(&format!("a l {key}"));
        nothing_submitted(&mut robot);
        assert!(robot.app.overlays.is_empty(), "{key}");
    }
}

#[test]
fn what_is_left_out_is_asked_for_with_the_rest_filled_in() {
    let mut robot = on_pool("arm-linux");
    robot.press("a s");
    let Some(Overlay::Prompt(prompt)) = robot.app.overlay() else {
        panic!("{}", robot.text());
    };
    assert_eq!(
        prompt.input.value(),
        "scale arm-linux  --scope demo/eu-west-1"
    );
    robot.type_text("+2");
    robot.press("enter");
    robot.sees("scale arm-linux +2 --scope demo/eu-west-1");
    robot.press("y");
    assert!(
        submitted(&mut robot)
            .confirmed
            .command_line
            .starts_with("scale arm-linux +2")
    );
}

#[test]
fn a_key_a_line_and_the_command_line_ask_for_the_same() {
    let mut by_key = on_pool("arm-linux");
    by_key.press("a l y");
    let mut by_line = Robot::new();
    by_line.press(":");
    by_line.type_text("launch arm-linux --scope demo/eu-west-1");
    by_line.press("enter y");
    let (by_key, by_line) = (submitted(&mut by_key), submitted(&mut by_line));
    assert_eq!(by_key.confirmed, by_line.confirmed);
    assert_eq!(by_key.action, by_line.action);
}

#[test]
fn the_targets_are_those_that_were_selected_when_the_key_was_pressed() {
    let mut robot = on_pool("arm-linux");
    robot.press("/");
    robot.type_text("state=InService");
    robot.press("enter space space");
    let marked: Vec<String> = robot
        .list()
        .shown_marks()
        .map(|it| format!("{it:?}"))
        .collect();
    robot.press("a p");
    robot.read_after(Duration::from_secs(10));
    robot.press("y");
    let submission = submitted(&mut robot);
    let targets: Vec<String> = submission.confirmed.targets[0]
        .instances
        .iter()
        .map(|it| format!("Instance({it:?})"))
        .collect();
    assert_eq!(targets, marked);
}

#[test]
fn a_mark_that_the_filter_hides_is_no_target_and_is_named() {
    let mut robot = on_pool("arm-linux");
    robot.press("/");
    robot.type_text("state=InService");
    robot.press("enter space space space");
    let kept = format!("{:?}", robot.list().rows()[0]);
    let id = kept
        .trim_start_matches("Instance(\"")
        .trim_end_matches("\")")
        .to_owned();
    robot.press("/ ctrl-u");
    robot.type_text(&id);
    robot.press("enter a p");
    robot.sees("2 marked instances are hidden by the filter and not included");
    robot.press("y");
    let submission = submitted(&mut robot);
    let targets = &submission.confirmed.targets[0].instances;
    assert_eq!(
        targets.iter().map(InstanceId::as_str).collect::<Vec<_>>(),
        [id]
    );
}

#[test]
fn with_every_mark_hidden_the_row_under_the_cursor_is_no_target_either() {
    let mut robot = on_pool("arm-linux");
    robot.press("space space /");
    robot.type_text("state=InService");
    robot.press("enter G m n");
    robot.press("g g space / ctrl-u");
    let marked = format!("{:?}", robot.list().shown_marks().next().unwrap());
    let id = marked
        .trim_start_matches("Instance(\"")
        .trim_end_matches("\")")
        .to_owned();
    robot.type_text(&format!("!{id}"));
    robot.press("enter a p");
    assert!(robot.app.overlays.is_empty(), "{}", robot.text());
    nothing_submitted(&mut robot);
}

#[test]
fn a_read_only_session_asks_nothing() {
    let mut robot = Robot::with(Look {
        policy: Policy {
            read_only: true,
            ..Policy::default()
        },
        ..Look::default()
    });
    robot.sees("READ-ONLY");
    robot.press("a l");
    assert!(robot.app.overlays.is_empty());
    robot.sees("read-only");
    nothing_submitted(&mut robot);
}

#[test]
fn a_guardrail_that_wants_a_reason_opens_the_line_for_it() {
    let guardrail = Guardrail {
        actions: vec!["launch".to_owned()],
        require_reason: true,
        reason: Some("page the build team first".to_owned()),
        ..Guardrail::default()
    };
    let mut robot = Robot::with(Look {
        policy: Policy {
            guardrails: vec![guardrail],
            ..Policy::default()
        },
        ..Look::default()
    });
    robot.press("a l");
    robot.sees("page the build team first");
    robot.type_text("monday peak");
    robot.press("enter");
    robot.sees("monday peak");
    robot.press("y");
    assert_eq!(submitted(&mut robot).reason.as_deref(), Some("monday peak"));
}

#[test]
fn a_guardrail_that_forbids_says_so() {
    let guardrail = Guardrail {
        confirm: Some(Confirmation::Deny),
        reason: Some("change freeze".to_owned()),
        ..Guardrail::default()
    };
    let mut robot = Robot::with(Look {
        policy: Policy {
            guardrails: vec![guardrail],
            ..Policy::default()
        },
        ..Look::default()
    });
    robot.press("a l");
    robot.sees("change freeze");
    assert!(robot.app.overlays.is_empty());
}

/// Submits a launch, and lets the engine take it under an id.
fn launched(robot: &mut Robot) -> SubmissionId {
    robot.press("a l y");
    let submission = submitted(robot);
    let id = SubmissionId(7);
    robot.update(Msg::Submitted(id, Box::new(submission)));
    robot.settle();
    id
}

#[test]
fn progress_is_on_the_foot_line_and_ends_in_the_history() {
    let mut robot = on_pool("arm-linux");
    let id = launched(&mut robot);
    assert_eq!(robot.app.n_running(), 1);
    robot.hear(Event::Submission {
        id,
        progress: Progress::Observing,
    });
    robot.sees("reading the fleet afresh");
    let call = robot.app.submitted[0].command_line.clone();
    robot.hear(Event::Submission {
        id,
        progress: Progress::Ended(Outcome::Done),
    });
    assert_eq!(robot.app.n_running(), 0);
    robot.press("g m");
    robot.sees(&format!("#7 done: {call}"));
}

#[test]
fn an_applied_call_keeps_its_request_id() {
    let mut robot = on_pool("arm-linux");
    let id = launched(&mut robot);
    let call = Call::SetDesiredCapacity {
        pool: pooldeck::fleet::PoolKey::new("demo/eu-west-1", "arm-linux"),
        desired: 15,
    };
    let receipt = Receipt {
        request_id: Some("req-42".to_owned()),
        message: None,
        made: None,
    };
    robot.hear(Event::Submission {
        id,
        progress: Progress::Applied(call, receipt),
    });
    robot.press("g m");
    robot.sees("req-42");
}

#[test]
fn a_failure_is_counted_until_the_history_was_looked_at() {
    let mut robot = on_pool("arm-linux");
    let id = launched(&mut robot);
    let outcome = Outcome::Partly(vec!["i-1: no capacity".to_owned()]);
    robot.hear(Event::Submission {
        id,
        progress: Progress::Ended(outcome),
    });
    robot.sees("1 action failed");
    robot.press("g m");
    robot.sees_not("1 action failed");
    robot.sees("no capacity");
}

#[test]
fn a_fleet_that_changed_asks_again_and_not_into_a_line_that_is_typed() {
    let mut robot = on_pool("arm-linux");
    robot.press("a l y");
    let submission = submitted(&mut robot);
    let (id, plan) = (SubmissionId(7), submission.confirmed.clone());
    robot.update(Msg::Submitted(id, Box::new(submission)));
    robot.press("/");
    let outcome = Outcome::Changed(Box::new(plan));
    robot.hear(Event::Submission {
        id,
        progress: Progress::Ended(outcome),
    });
    assert!(
        matches!(robot.app.overlay(), Some(Overlay::Filter(_))),
        "the line stays"
    );
    robot.press("esc");
    robot.sees("confirm again");
    robot.press("y");
    submitted(&mut robot);
}

#[test]
fn an_open_question_shows_what_would_be_done_now() {
    let mut robot = on_pool("arm-linux");
    robot.press("a l");
    let before = robot.text();
    let key = pooldeck::fleet::PoolKey::new("demo/eu-west-1", "arm-linux");
    let desired = robot
        .app
        .observation
        .fleet
        .pool(&key)
        .unwrap()
        .capacity
        .unwrap()
        .desired;
    let call = Call::SetDesiredCapacity {
        pool: key,
        desired: desired + 3,
    };
    robot.world().apply(&call).unwrap();
    robot.now = robot.now + Duration::from_mins(1);
    let observation = crate::robot::observation(&mut robot.world(), robot.now);
    robot.update(Msg::Engine(Event::Observed(std::sync::Arc::new(
        observation,
    ))));
    let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('y'));
    robot.update(Msg::Key(key));
    nothing_submitted(&mut robot);
    robot.settle();
    assert_ne!(robot.text(), before);
    robot.sees("the fleet changed");
    robot.press("y");
    submitted(&mut robot);
}

#[test]
fn leaving_while_an_action_runs_takes_two_keys() {
    let mut robot = on_pool("arm-linux");
    launched(&mut robot);
    robot.press("q");
    assert!(robot.take_effects().is_empty());
    robot.sees("still running");
    robot.press("q");
    assert!(matches!(robot.take_effects()[..], [Effect::Quit]));
}

#[test]
fn a_lost_task_is_told_and_the_rest_goes_on() {
    let mut robot = Robot::new();
    robot.hear(Event::TaskLost {
        task: "poll demo".to_owned(),
        why: "index out of bounds".to_owned(),
    });
    robot.sees("index out of bounds");
    assert_eq!(
        robot.app.messages.newest_first().next().unwrap().severity,
        Severity::Failure
    );
    robot.press("j");
}

#[test]
fn the_command_line_of_a_question_can_be_copied() {
    let mut robot = on_pool("arm-linux");
    robot.press("a l c");
    let effects = robot.take_effects();
    assert!(
        matches!(&effects[..], [Effect::Copy(line)] if line == "pooldeck launch arm-linux --count 1 --scope demo/eu-west-1"),
        "{effects:?}"
    );
}

#[test]
fn a_line_that_cannot_be_read_stays_open_with_the_reason() {
    let mut robot = Robot::new();
    robot.press(":");
    robot.type_text("scael workhorse 3");
    robot.press("enter");
    robot.sees("did you mean `scale`?");
    assert!(matches!(robot.app.overlay(), Some(Overlay::Prompt(_))));
}

/// Returns what the palette proposes for a line.
fn proposed(robot: &mut Robot, line: &str) -> Vec<String> {
    robot.press(":");
    robot.type_text(line);
    let Some(Overlay::Prompt(prompt)) = robot.app.overlay() else {
        panic!("no line");
    };
    let words = prompt.proposals.iter().map(|it| it.word.clone()).collect();
    robot.press("esc");
    words
}

#[test]
fn the_palette_proposes_what_the_grammar_wants_next() {
    let mut robot = Robot::new();
    for (line, wanted) in [
        ("sca", "scale"),
        ("inst", "instances"),
        ("scale work", "workhorse"),
        ("scale workhorse 3 --ma", "--max"),
        ("scale workhorse 3 --scope us", "demo/us-east-1"),
        ("suspend workhorse azreb", "AZRebalance"),
        ("suspend workhorse AZRebalance Lau", "Launch"),
        ("pool ios", "ios"),
        ("sort desi", "desired"),
        ("columns name,desi", "desired"),
        ("filter que", "queued="),
        // Pasted from a page: that blank takes two bytes.
        ("scale\u{a0}work", "workhorse"),
    ] {
        let words = proposed(&mut robot, line);
        assert_eq!(
            words.first().map(String::as_str),
            Some(wanted),
            "{line}: {words:?}"
        );
    }
    let ids = proposed(&mut robot, "protect i-");
    assert!(
        ids.len() > 10 && ids.iter().all(|it| it.starts_with("i-")),
        "{ids:?}"
    );
    let words = proposed(&mut robot, "suspend workhorse Launch ");
    assert!(
        !words.contains(&"Launch".to_owned()),
        "a word is said once: {words:?}"
    );
}

#[test]
fn the_palette_completes_and_remembers() {
    let mut robot = Robot::new();
    robot.press(":");
    robot.type_text("launch arm");
    robot.press("tab enter");
    robot.sees("launch arm-linux");
    robot.press("n : up");
    let Some(Overlay::Prompt(prompt)) = robot.app.overlay() else {
        panic!("no line");
    };
    assert_eq!(prompt.input.value().trim(), "launch arm-linux");
}
