//! Graphs of the past, drawn from series that are known.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    engine::Event,
    tui::{ColourDepth, Effect, Glyphs},
};

use crate::{
    goldens::{check, check_on},
    known::{answer, asked, morning, open, past, sized, weeks},
    robot::{Look, Robot, START},
};

#[test]
fn the_past_of_a_pool() {
    check(&open(sized(120, 36), "G g h", morning), "graph-pool");
    check(&open(sized(80, 24), "G g h", morning), "graph-pool-80x24");
    check(&open(sized(40, 10), "G g h", morning), "graph-pool-40x10");
}

#[test]
fn the_past_of_a_pool_elsewhere() {
    let light = Look {
        theme: "light",
        ..sized(100, 30)
    };
    check_on(&open(light, "G g h", morning), "graph-pool-light", true);
    let ascii = Look {
        glyphs: Glyphs::Ascii,
        depth: ColourDepth::Mono,
        ..sized(80, 24)
    };
    let robot = open(ascii, "G g h", morning);
    assert!(robot.text().is_ascii(), "{}", robot.text());
    check(&robot, "graph-pool-ascii");
    let mut robot = open(sized(80, 24), "G g h", morning);
    robot.press("v 3 4 7");
    check(&robot, "graph-pool-block");
}

#[test]
fn a_cursor_reads_every_value_and_what_happened() {
    let mut robot = open(sized(100, 30), "G g h", morning);
    robot.sees("the newest");
    robot.sees("1 operation, 1 interruption, 3 activities in this time");
    robot.press("p p");
    robot.sees("spot took back i-0a2");
    check(&robot, "graph-pool-cursor");
    robot.press("p");
    robot.sees("drain i-0a1 began, by carol");
    robot.press("n");
    robot.sees("spot took back i-0a2");
    robot.press("left");
    robot.sees_not("spot took back i-0a2");
    robot.press(".");
    robot.sees("the newest");
}

#[test]
fn a_curve_is_hidden_and_the_scale_follows() {
    let mut robot = open(sized(80, 24), "G g h", morning);
    robot.sees("20 ┤");
    robot.press("1 2 4 5 6 7");
    robot.sees("off");
    robot.sees_not("20 ┤");
    robot.sees("2 ┤");
    robot.press("4");
    robot.sees("20 ┤");
}

#[test]
fn zoom_and_time_are_asked_for_anew() {
    let mut robot = open(sized(80, 24), "G g h", morning);
    robot.press("-");
    let query = &asked(&mut robot)[0];
    assert!(Duration::from_hours(24) <= query.span.length());
    assert!(query.span.contains(START));
    answer(&mut robot, morning);
    // The answer to the first question came too late for it to count.
    robot.hear(Event::Past(Arc::new(past(query, morning))));
    robot.press("[");
    let query = asked(&mut robot).pop().unwrap();
    assert!(!query.span.contains(START));
    robot.sees("24h until");
    robot.press("]");
    robot.sees("last 24h");
    robot.press("- - -");
    robot.sees("last 30d");
    robot.press(":");
    robot.type_text("graph.zoom 1h");
    robot.press("enter");
    robot.sees("last 1h");
}

#[test]
fn the_hours_of_the_week() {
    let mut robot = open(sized(80, 24), "G g u", weeks);
    check(&robot, "utilisation-80x24");
    robot.press("left left up");
    robot.sees("executors on average");
    check(&open(sized(120, 30), "G g u", weeks), "utilisation");
    open(sized(40, 10), "G g u", weeks).sees("Mon");
}

#[test]
fn the_time_to_ready() {
    check(&open(sized(100, 30), "G g r", weeks), "time-to-ready");
    open(sized(80, 24), "G g r", weeks).sees("1 not seen to register");
}

#[test]
fn where_nobody_saw_them_run_two_phases_are_one() {
    let mut robot = Robot::sized(80, 24);
    robot.press("G g r");
    let query = asked(&mut robot).pop().unwrap();
    let mut past = past(&query, weeks);
    past.boots.truncate(1);
    past.boots[0].running_at = None;
    past.boots[0].first_job_at = None;
    robot.hear(Event::Past(Arc::new(past)));
    robot.sees("1 instance  read");
    robot.sees("to running not seen   to registered 1m20s of 1   to first job not seen");
    robot.sees("|1m00s");
}

#[test]
fn before_the_past_is_there_the_screen_says_so() {
    for keys in ["G g h", "g b", "G g u", "G g r"] {
        let mut robot = Robot::sized(80, 24);
        robot.press(keys);
        robot.sees("the past is being read");
    }
}

#[test]
fn where_nothing_was_seen_the_screen_says_why() {
    let mut robot = Robot::sized(80, 24);
    robot.press("G g h");
    let query = asked(&mut robot).pop().unwrap();
    let mut past = past(&query, |_, _, _| None);
    past.notes = vec!["the history cannot be read: disk I/O error".to_owned()];
    robot.hear(Event::Past(Arc::new(past)));
    robot.sees("nothing was seen in this time: the history cannot be read");
}

#[test]
fn the_equivalent_command_line_is_shown_and_copied() {
    let mut robot = open(sized(160, 40), "G g h", morning);
    robot.sees("pooldeck history workhorse --since 6h");
    robot.press("C");
    let copied = robot.take_effects().into_iter().find_map(|it| match it {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    assert!(copied.unwrap().starts_with("pooldeck history "));
}
