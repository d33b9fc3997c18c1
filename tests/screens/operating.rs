//! Long operations on the screen: what they wait for, and what an operator says to them.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    cost::past::OperationCost,
    engine::{Event, OperationView, Progress, SubmissionId, Verdict},
    fleet::{Call, Failure, FailureKind, InstanceId, PoolKey, Usd},
    operation::{
        Drain, Event as Line, Halt, Happening, OnQuit, Operation, OperationId, Owner, Proof, Sight,
        Spec, WaitingOn, outlook,
    },
    tui::{
        Effect, Msg,
        app::{Overlay, View},
    },
};

use crate::robot::{Robot, START};

pub(crate) const ID: &str = "op-20260302-abcde";

/// What one reading showed of a target.
pub(crate) fn saw(instance: &InstanceId, sight: Sight) -> Happening {
    Happening::Saw {
        instance: instance.clone(),
        sight,
        met: Vec::new(),
    }
}

/// Returns an operation that drains three instances of arm-linux: one is gone, one proves, one runs a job.
pub(crate) fn drain(robot: &Robot) -> OperationView {
    let pool = PoolKey::new("demo/eu-west-1", "arm-linux");
    let fleet = &robot.app.observation.fleet;
    let members = fleet.roster(&pool).instances.iter();
    let agents = members.filter_map(|it| fleet.executors_on(&it.id).next());
    let agents: Vec<_> = agents.take(3).cloned().collect();
    let ids: Vec<InstanceId> = agents
        .iter()
        .map(|it| it.instance.clone().unwrap())
        .collect();
    let mut at = START;
    let mut line = |what| {
        at = at + Duration::from_secs(10);
        Line { at, what }
    };
    let spec = Spec::Drain(Drain {
        pool,
        targets: ids.clone(),
        decrement: true,
        max_unavailable: 1,
        proof: Proof::default(),
        deadline: Some(Duration::from_hours(2)),
        force: false,
    });
    let mut journal = vec![line(Happening::Planned {
        version: Line::VERSION,
        id: OperationId(ID.to_owned()),
        spec,
        owner: Owner {
            user: "ada".to_owned(),
            host: "desk".to_owned(),
        },
        reason: Some("the image is old".to_owned()),
        command_line: "drain arm-linux --count 3 --decrement".to_owned(),
    })];
    for agent in &agents {
        let id = agent.instance.as_ref().unwrap();
        journal.push(line(Happening::Applied {
            call: Call::Cordon {
                controller: agent.controller.clone(),
                executor: agent.id.clone(),
                note: format!("pooldeck drains {id}"),
            },
            made: None,
        }));
    }
    journal.push(line(saw(
        &ids[0],
        Sight::Leaving {
            at: START,
            is_doubted: false,
        },
    )));
    journal.push(line(saw(&ids[0], Sight::Gone { at: START })));
    for secs in [60, 80] {
        journal.push(line(saw(
            &ids[1],
            Sight::Idle {
                at: START + Duration::from_secs(secs),
            },
        )));
    }
    let jobs = fleet
        .executors
        .iter()
        .find_map(|it| it.jobs().first())
        .cloned();
    let jobs: Vec<_> = jobs.into_iter().collect();
    journal.push(line(saw(
        &ids[2],
        Sight::Busy {
            at: START + Duration::from_secs(80),
            jobs: jobs.clone(),
            is_closed: true,
        },
    )));
    let proof = WaitingOn::Proof {
        n: 2,
        of: 3,
        span_left: Duration::from_secs(40),
    };
    let operation = Operation::replay(&journal).unwrap();
    OperationView {
        outlook: outlook(&operation, fleet, START + Duration::from_mins(2)),
        operation,
        waits: vec![
            (ids[1].clone().into(), proof),
            (ids[2].clone().into(), WaitingOn::Jobs { jobs }),
        ],
        halts: Vec::new(),
        is_driven: true,
        is_foreign: false,
        cost: Some(OperationCost {
            machine_time: Duration::from_secs(40),
            known: Usd::from_cents(1),
            unpriced: Duration::ZERO,
        }),
    }
}

/// A robot that drives that operation, two minutes in.
pub(crate) fn driving(width: u16, height: u16) -> Robot {
    let mut robot = Robot::sized(width, height);
    let view = drain(&robot);
    let mut observation = (*robot.app.observation).clone();
    robot.now = START + Duration::from_mins(2);
    observation.at = robot.now;
    for source in &mut observation.sources {
        source.read_at = Some(robot.now);
    }
    robot.tell(observation);
    robot.hear(Event::Operation(Arc::new(view)));
    robot
}

#[test]
fn what_is_driven_is_on_the_foot_line_of_every_screen() {
    let mut robot = driving(120, 36);
    robot.sees("drain arm-linux 1/3 waiting");
    robot.press("g i");
    robot.sees("drain arm-linux 1/3 waiting");
}

#[test]
fn each_instance_says_what_it_waits_for_and_how_far_its_proof_is() {
    let mut robot = driving(120, 36);
    robot.press("g o");
    robot.sees(ID);
    robot.sees("1/3");
    robot.press("enter");
    assert!(matches!(robot.app.screen().view, View::Operation(_)));
    for wanted in [
        "pooldeck drain arm-linux --count 3 --decrement",
        "the image is old",
        "this console",
        "gone",
        "waits for proof of idleness: 2 of 3 readings, 40s to go",
        "2 of 3 readings, over 20s of 1m00s",
        "09:31:20  counts, 2 now",
        "waits for job ",
        "busy with ",
        "in force",
    ] {
        robot.sees(wanted);
    }
}

#[test]
fn pause_and_resume_are_told_to_the_driver() {
    let mut robot = driving(120, 36);
    robot.press("g o");
    robot.take_effects();
    robot.press("p");
    let id = OperationId(ID.to_owned());
    let effects = robot.take_effects();
    assert!(
        matches!(&effects[..], [Effect::Tell(it, Verdict::Pause)] if *it == id),
        "{effects:?}"
    );
    robot.press("enter u");
    let effects = robot.take_effects();
    assert!(
        matches!(&effects[..], [Effect::Tell(it, Verdict::Resume)] if *it == id),
        "{effects:?}"
    );
    robot.press("g f :");
    robot.type_text(&format!("operation.pause {ID}"));
    robot.press("enter");
    let effects = robot.take_effects();
    assert!(matches!(&effects[..], [Effect::Tell(..)]), "{effects:?}");
}

#[test]
fn an_abort_is_confirmed_by_y_and_by_nothing_else() {
    let mut robot = driving(80, 24);
    robot.press("g o x");
    robot.take_effects();
    robot.sees("1 of 3 is terminated already");
    robot.press("enter enter");
    robot.sees("enter does not confirm this");
    assert!(robot.take_effects().is_empty());
    robot.press("esc x n");
    assert!(robot.app.overlays.is_empty());
    assert!(robot.take_effects().is_empty());
    robot.press("x y");
    let effects = robot.take_effects();
    assert!(
        matches!(&effects[..], [Effect::Tell(_, Verdict::Abort { .. })]),
        "{effects:?}"
    );
}

#[test]
fn an_abort_is_not_confirmed_by_a_key_that_came_before_the_question() {
    let mut robot = driving(80, 24);
    robot.press("g o");
    robot.take_effects();
    robot.press_ahead("x y y");
    assert!(robot.take_effects().is_empty());
    assert!(matches!(robot.app.overlay(), Some(Overlay::Question(_))));
    robot.press("y");
    assert_eq!(robot.take_effects().len(), 1);
}

#[test]
fn leaving_says_that_the_operation_rests_and_how_to_go_on() {
    let mut robot = driving(140, 36);
    robot.press("q");
    assert!(robot.take_effects().is_empty());
    robot.sees(&format!(
        "`pooldeck ops resume {ID}` goes on with the operation, which rests in its journal"
    ));
    robot.update(Msg::Resize(ratatui::layout::Size::new(80, 24)));
    robot.sees(&format!("quit again: `pooldeck ops resume {ID}` goes on"));
    robot.press("q");
    assert!(matches!(robot.take_effects()[..], [Effect::Quit]));
}

#[test]
fn leaving_asks_what_becomes_of_an_operation_that_can_go_on() {
    let mut robot = driving(100, 30);
    robot.app.cannot_detach = None;
    robot.press("q");
    robot.sees("Leave the console?");
    robot.sees(&format!("{ID}: drain arm-linux 1/3 waiting"));
    robot.press("y enter");
    robot.sees("say which of the two");
    robot.press("esc");
    assert!(robot.take_effects().is_empty());
    robot.press_ahead("q d d s s");
    assert!(
        robot.take_effects().is_empty(),
        "keys from before the question"
    );
    robot.press("d");
    assert!(matches!(robot.take_effects()[..], [Effect::QuitDetached]));
    robot.press("q s");
    assert!(matches!(robot.take_effects()[..], [Effect::Quit]));
}

#[test]
fn leaving_does_as_is_configured_without_a_question() {
    let mut robot = driving(100, 30);
    robot.app.cannot_detach = None;
    robot.app.on_quit = OnQuit::Detach;
    robot.press("q");
    assert!(matches!(robot.take_effects()[..], [Effect::QuitDetached]));
    robot.app.on_quit = OnQuit::Stop;
    robot.press("q");
    robot.sees("goes on with the operation, which rests");
    robot.press("q");
    assert!(matches!(robot.take_effects()[..], [Effect::Quit]));
}

#[test]
fn an_operation_of_another_host_is_foreign_until_it_is_taken_over() {
    let mut robot = Robot::sized(120, 36);
    let view = OperationView::of_marks(drain(&robot).operation);
    robot.hear(Event::Operations {
        views: vec![view],
        errors: Vec::new(),
    });
    robot.sees_not("rests");
    robot.press("g o");
    robot.sees("foreign");
    robot.sees("ada@desk");
    robot.press("u");
    robot.sees("is driven by ada@desk: take it over first");
    robot.take_effects();
    robot.press("t y");
    let effects = robot.take_effects();
    let adopt = Verdict::Adopt { gives_back: false };
    assert!(
        matches!(&effects[..], [Effect::Tell(_, it)] if *it == adopt),
        "{effects:?}"
    );
    robot.press("enter");
    robot.sees("ada@desk, on another host: only its marks are known here");
    robot.press("x");
    robot.sees("is given back");
    robot.press("y");
    let effects = robot.take_effects();
    let give_back = Verdict::Adopt { gives_back: true };
    assert!(
        matches!(&effects[..], [Effect::Tell(_, it)] if *it == give_back),
        "{effects:?}"
    );
    // Once its marks are gone, so is it.
    robot.hear(Event::Operations {
        views: Vec::new(),
        errors: Vec::new(),
    });
    robot.press("esc");
    robot.sees_not("foreign");
}

#[test]
fn an_operation_that_is_over_is_left_at_once_and_told_nothing() {
    let mut robot = driving(120, 36);
    let mut view = drain(&robot);
    view.operation.evolve(&Line {
        at: robot.now,
        what: Happening::Ended { left: Vec::new() },
    });
    view.waits.clear();
    robot.hear(Event::Operation(Arc::new(view)));
    robot.sees_not("1/3 waiting");
    robot.press("g o p");
    robot.sees("is over");
    robot.take_effects();
    robot.press("x");
    assert!(robot.app.overlays.is_empty());
    robot.press("g f q");
    assert!(matches!(robot.take_effects()[..], [Effect::Quit]));
}

#[test]
fn what_an_earlier_session_left_is_told_at_the_start() {
    let mut robot = Robot::new();
    let mut view = drain(&robot);
    view.is_driven = false;
    robot.hear(Event::Operations {
        views: vec![view],
        errors: Vec::new(),
    });
    robot.sees(&format!("operation {ID} rests"));
    robot.press("g o");
    robot.sees("resting");
    robot.press("enter");
    robot.sees("nobody: it rests until it is resumed or aborted");
    robot.press("q q");
    assert!(matches!(robot.take_effects()[..], [.., Effect::Quit]));
}

#[test]
fn a_halt_is_told_once_and_stands_on_its_screen() {
    let mut robot = driving(120, 36);
    let mut view = drain(&robot);
    view.waits.clear();
    view.halts = vec![Halt::CordonLost {
        instance: InstanceId::from("i-0123456789abcdef0"),
        n: 3,
    }];
    for _ in 0..2 {
        robot.hear(Event::Operation(Arc::new(view.clone())));
    }
    let said = robot.app.messages.newest_first();
    let n_said = said
        .filter(|it| it.text.contains("waits for an operator"))
        .count();
    assert_eq!(n_said, 1);
    robot.press("g o");
    robot.sees("needs-operator");
    robot.press("enter");
    robot.sees("needs you: i-0123456789abcdef0: its cordon was lifted 3 times");
    robot.sees("nobody: it rests");
}

#[test]
fn a_refused_call_stands_beside_its_instance() {
    let mut robot = driving(120, 36);
    let mut view = drain(&robot);
    let (id, _) = view.operation.targets().nth(1).unwrap();
    let call = Call::TerminateInstance {
        pool: view.operation.spec.pool().clone(),
        instance: id.clone(),
        decrement: true,
    };
    let failure = Failure {
        kind: FailureKind::Denied,
        what: "not authorized".to_owned(),
        at: robot.now,
        retry_at: None,
    };
    view.operation.evolve(&Line {
        at: robot.now,
        what: Happening::Refused {
            call,
            kind: failure.kind,
            why: failure.what,
        },
    });
    robot.hear(Event::Operation(Arc::new(view)));
    robot.press("g o enter");
    robot.sees("terminate was refused: not authorized");
}

#[test]
fn no_size_is_too_small_for_an_operation() {
    for (width, height) in [(1, 1), (0, 0), (20, 5), (40, 10), (3, 30), (5, 2)] {
        for keys in ["g o", "g o enter", "g o x"] {
            let mut robot = driving(width, height);
            robot.press(keys);
            robot.update(Msg::Tick);
            robot.settle();
        }
    }
}

#[test]
fn a_drain_that_was_submitted_here_is_shown_and_counted_once() {
    let mut robot = Robot::sized(140, 36);
    robot.press(":");
    robot.type_text("launch arm-linux");
    robot.press("enter y");
    let effects = robot.take_effects();
    let [Effect::Submit(submission)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let mut submission = submission.clone();
    let view = drain(&robot);
    submission
        .confirmed
        .command_line
        .clone_from(&view.operation.command_line);
    robot.update(Msg::Submitted(SubmissionId(7), submission));
    robot.press("esc");
    robot.sees("#7 started");
    robot.hear(Event::Submission {
        id: SubmissionId(7),
        progress: Progress::Operating(OperationId(ID.to_owned())),
    });
    robot.hear(Event::Operation(Arc::new(view)));
    robot.sees("drain arm-linux");
    robot.sees_not("#7 started");
    robot.press("q");
    robot.sees_not("still running");
}
