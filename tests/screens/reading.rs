//! What an operator has to be able to read: to its end, at every size, and in one number.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    engine::Event,
    fleet::{Call, PoolKey},
    operation::{Event as Line, Fight, Fought, Halt, Happening, Sight, WaitingOn},
    tui::{
        Msg, Severity,
        app::{Overlay, View},
    },
};

use crate::{
    asking::{ask, begun, refreshing, show},
    operating::{ID, drain, driving, saw},
    robot::{Robot, START},
};

/// Returns the words on the screen in their order, however its lines are broken.
fn words(robot: &Robot) -> String {
    let text = robot.text();
    let words = text.split(|it: char| it.is_whitespace() || it == '│');
    let words: Vec<&str> = words.filter(|it| !it.is_empty()).collect();
    words.join(" ")
}

/// Returns all that is read by going down a screen of text.
fn scrolled(robot: &mut Robot) -> String {
    let mut read = Vec::new();
    for _ in 0..100 {
        read.push(robot.text().lines().nth(1).unwrap().trim().to_owned());
        robot.press("j");
    }
    read.join(" ")
}

#[test]
fn a_refusal_is_read_to_its_end_at_every_size() {
    let refusal = "demo/us-east-1/workhorse: a roll is under way there already, and two at once would undo each other's \
                   template; abort op-20260302-abcde first, or wait until it is over and ask for this again";
    for (width, height) in [(160, 45), (80, 24), (40, 10)] {
        let mut robot = driving(width, height);
        robot.update(Msg::Notice(Severity::Warning, refusal.to_owned()));
        robot.settle();
        assert!(words(&robot).contains(refusal), "{}", robot.text());
        robot.sees("drain arm-linux 1/3 waiting");
        robot.press("j");
        assert!(!words(&robot).contains("is over and ask"));
    }
}

#[test]
fn a_refusal_beyond_all_bounds_says_where_the_rest_is() {
    let mut robot = Robot::sized(80, 24);
    robot.update(Msg::Notice(Severity::Warning, "very long ".repeat(300)));
    robot.settle();
    robot.sees("… g m has the rest");
    robot.sees("workhorse");
}

#[test]
fn what_an_action_tells_of_its_steps_covers_no_row() {
    let mut robot = Robot::sized(80, 24);
    let before = robot.text();
    robot.app.messages.say(
        START,
        Severity::Note,
        "a step ".repeat(40),
        Some(pooldeck::engine::SubmissionId(1)),
    );
    let rows = |text: &str| text.lines().take(23).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&robot.text()), rows(&before));
}

#[test]
fn key_hints_end_whole_before_what_runs() {
    let foot = |robot: &Robot| robot.text().lines().last().unwrap().to_owned();
    let mut wide = driving(200, 24);
    wide.press("g o enter");
    let all = foot(&wide);
    for width in 30..120 {
        let mut robot = driving(width, 24);
        robot.press("g o enter");
        let line = foot(&robot);
        let line = line.strip_suffix("drain arm-linux 1/3 waiting").unwrap();
        let hints = line.trim_end();
        let rest = all.strip_prefix(hints).unwrap_or_else(|| panic!("{line}"));
        assert!(
            hints.is_empty() || rest.starts_with("  "),
            "{width}: {line}"
        );
    }
}

#[test]
fn the_doctor_says_of_which_pool_and_how_it_knows_at_every_size() {
    let mut robot = Robot::sized(160, 45);
    robot.press("g d");
    robot.sees("EVIDENCE");
    robot.sees("FIX");
    let evidence = robot.app.findings.diagnosis()[0].evidence.clone();
    let begin: String = evidence.chars().take(55).collect();
    robot.sees(&begin);
    let mut robot = Robot::sized(80, 24);
    robot.press("g d");
    robot.sees("POOL");
    robot.sees("EVIDENCE");
    let mut robot = Robot::sized(40, 10);
    robot.press("g d");
    robot.sees("POOL");
    robot.sees("SEVERITY");
    robot.press("enter");
    let inside = |robot: &Robot| {
        let text = robot.text();
        let lines = text.lines().filter_map(|it| it.split('│').nth(1));
        let lines: Vec<String> = lines.map(|it| it.trim().to_owned()).collect();
        lines.join(" ")
    };
    let mut read = inside(&robot);
    robot.press("pagedown");
    read += &inside(&robot);
    let first: Vec<&str> = evidence.split_whitespace().collect();
    assert!(read.contains(&first.join(" ")), "{read}");
    robot.press("esc g p");
    assert!(matches!(robot.app.screen().view, View::Pool(_)));
}

#[test]
fn an_instance_is_explained_by_its_name_and_on_its_own_screen() {
    let mut robot = Robot::sized(120, 36);
    let fleet = &robot.app.observation.fleet;
    let id = fleet.instances.keys().next().unwrap().clone();
    ask(&mut robot, &format!("explain {id}"));
    robot.sees(&format!("{id}: what is known of it, and how"));
    robot.sees("missing for a proof of idleness");
    robot.press("esc g i enter w");
    robot.sees("what is known of it, and how");
    robot.press("esc");
    ask(&mut robot, "explain workhorse");
    robot.sees("workhorse: why nothing is happening");
    robot.press("esc");
    ask(&mut robot, "explain workhors");
    robot.sees("did you mean `workhorse`?");
}

#[test]
fn an_operation_is_shown_by_its_name_in_the_words_of_the_command_line() {
    let mut robot = driving(120, 36);
    ask(&mut robot, &format!("ops show {ID}"));
    assert!(matches!(robot.app.screen().view, View::Operation(_)));
    robot.press("g f");
    ask(&mut robot, "ops show op-20260302-abcdf");
    robot.sees(&format!("did you mean `{ID}`?"));
}

#[test]
fn a_rollback_of_what_was_never_rolled_says_why_it_is_not_done() {
    let mut robot = Robot::sized(120, 36);
    ask(&mut robot, "rollback workhorse");
    robot.sees("this host knows no roll of workhorse");
}

#[test]
fn operations_that_need_an_operator_are_counted_and_not_what_was_said_of_them() {
    let mut robot = driving(140, 36);
    let mut view = drain(&robot);
    view.waits.clear();
    for n in 1..4 {
        view.halts = vec![Halt::CordonLost {
            instance: view.operation.targets().next().unwrap().0.clone(),
            n,
        }];
        robot.hear(Event::Operation(Arc::new(view.clone())));
        view.halts.clear();
        robot.hear(Event::Operation(Arc::new(view.clone())));
    }
    view.halts = vec![Halt::CordonLost {
        instance: view.operation.targets().next().unwrap().0.clone(),
        n: 4,
    }];
    robot.hear(Event::Operation(Arc::new(view)));
    robot.press("g m");
    robot.sees("1 operation needs you");
    robot.sees_not("failed");
}

#[test]
fn the_reason_of_every_instance_is_read_on_the_smallest_screen() {
    let mut robot = driving(40, 10);
    robot.press("g o enter");
    let read = scrolled(&mut robot);
    assert!(
        read.contains("waits for proof of idleness: 2 of 3 readings, 40s to go"),
        "{read}"
    );
    assert!(!read.contains('…'), "{read}");
}

#[test]
fn how_an_instance_was_proven_idle_is_read_after_its_end() {
    let mut robot = driving(120, 45);
    let mut view = drain(&robot);
    let id = view.operation.targets().nth(1).unwrap().0.clone();
    let at = START + Duration::from_mins(3);
    for sight in [
        Sight::Leaving {
            at,
            is_doubted: false,
        },
        Sight::Gone { at },
    ] {
        let what = saw(&id, sight);
        view.operation.evolve(&Line { at, what });
    }
    view.waits.remove(0);
    show(&mut robot, view);
    robot.press("enter");
    let text = robot.text();
    let (_, over) = text.split_once("instances that are over").expect(&text);
    assert!(over.contains(id.as_str()), "{text}");
    assert!(over.contains("09:31:20  counts, 2 now"), "{text}");
}

#[test]
fn many_changes_by_others_leave_the_instances_on_the_screen() {
    let mut robot = driving(120, 36);
    let mut view = drain(&robot);
    for n in 0..30 {
        let fight = Fight {
            subject: view.operation.spec.pool().clone().into(),
            what: Fought::Desired,
            left: "12".to_owned(),
            found: format!("{n} hundred"),
            cause: None,
        };
        view.operation.evolve(&Line {
            at: START + Duration::from_secs(n),
            what: Happening::Fought { fight },
        });
    }
    show(&mut robot, view);
    robot.press("enter");
    robot.sees("instances, and what each waits for");
    robot.sees("29 hundred");
    robot.sees_not("26 hundred");
    robot.sees(&format!(
        "27 more changes by others before: `pooldeck ops show {ID}` lists all"
    ));
}

#[test]
fn a_proof_has_one_number_of_readings() {
    let mut robot = driving(120, 36);
    let mut view = drain(&robot);
    let id = view.operation.targets().nth(1).unwrap().0.clone();
    for secs in 82..89 {
        let at = START + Duration::from_secs(secs);
        view.operation.evolve(&Line {
            at,
            what: saw(&id, Sight::Idle { at }),
        });
    }
    view.waits[0].1 = WaitingOn::Proof {
        n: 3,
        of: 3,
        span_left: Duration::from_secs(7),
    };
    show(&mut robot, view);
    robot.press("enter");
    robot.sees("3 of 3 readings, 7s to go");
    robot.sees("3 of 3 readings, over 53s of 1m00s");
    robot.sees_not("9 of 3");
}

#[test]
fn a_refresh_counts_in_percent_and_a_freeze_not_at_all() {
    let mut robot = Robot::sized(160, 36);
    let view = refreshing(&mut robot);
    show(&mut robot, view);
    robot.sees("refresh arm-linux 40 % waiting");
    robot.sees_not("0/0");
    let mut robot = Robot::sized(160, 36);
    let mut view = begun(&mut robot, "freeze arm-linux --for 1h");
    view.waits = vec![(
        PoolKey::new("demo/eu-west-1", "arm-linux").into(),
        WaitingOn::Time {
            what: "its thaw".to_owned(),
            at: START + Duration::from_hours(1),
        },
    )];
    show(&mut robot, view);
    robot.sees("freeze arm-linux waiting");
    robot.sees("its thaw at 10:30:00");
    robot.sees_not("0/0");
}

#[test]
fn a_list_of_operations_says_what_is_done_where_at_every_size() {
    for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 10)] {
        let mut robot = driving(width, height);
        robot.press("g o");
        let text = robot.text();
        let row = text.lines().find(|it| it.contains('▌')).expect(&text);
        for wanted in ["drain", "arm-linux", "waiting", "1/3"] {
            assert!(row.contains(wanted), "{width}x{height} {wanted}:\n{text}");
        }
    }
}

#[test]
fn the_pool_under_the_cursor_is_proposed_first() {
    let mut robot = Robot::sized(120, 36);
    let first = |robot: &mut Robot, line: &str| {
        robot.press(":");
        robot.type_text(line);
        let Some(Overlay::Prompt(prompt)) = robot.app.overlay() else {
            panic!("no line");
        };
        let word = prompt.proposals[0].word.clone();
        robot.press("esc");
        word
    };
    assert_eq!(first(&mut robot, "launch "), "arm-linux");
    robot.press("G");
    assert_eq!(first(&mut robot, "launch "), "workhorse");
    assert_eq!(first(&mut robot, "launch w"), "workhorse");
    assert_eq!(first(&mut robot, "launch win"), "windows");
}

#[test]
fn activities_that_nobody_went_down_in_follow_the_newest() {
    let mut robot = Robot::sized(120, 36);
    let before = robot.app.screen().panels[2].rows().first().cloned();
    let call = Call::SetDesiredCapacity {
        pool: PoolKey::new("demo/eu-west-1", "arm-linux"),
        desired: 18,
    };
    robot.world().apply(&call).unwrap();
    robot.read_after(Duration::from_mins(5));
    let feed = &robot.app.screen().panels[2];
    assert_ne!(feed.rows().first(), before.as_ref(), "something happened");
    assert_eq!(feed.cursor_idx(), Some(0));
    assert_eq!(feed.cursor(), feed.rows().first());
    // Who went down reads on where he is.
    robot.press("tab tab j");
    let read = robot.app.screen().panels[2].cursor().cloned();
    robot.press("tab");
    robot.read_after(Duration::from_mins(5));
    assert_eq!(robot.app.screen().panels[2].cursor(), read.as_ref());
}

#[test]
fn a_page_of_help_follows_the_one_before_without_a_gap() {
    for height in [24, 36] {
        let mut robot = Robot::sized(80, height);
        robot.press("?");
        let body = |it: &Robot| -> Vec<String> {
            let text = it.text();
            let lines: Vec<&str> = text.lines().collect();
            lines[2..lines.len() - 1]
                .iter()
                .map(|it| (*it).to_owned())
                .collect()
        };
        let first = body(&robot);
        robot.press("j");
        let below = body(&robot);
        assert_eq!(first[1], below[0], "one line further");
        robot.press("k pagedown");
        let second = body(&robot);
        robot.press("k");
        assert_eq!(body(&robot)[1], second[0]);
        // The line above the second page was the last of the first.
        assert_eq!(body(&robot)[0], first[first.len() - 1], "{height} lines");
    }
}
