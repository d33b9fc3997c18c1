//! Golden screens: what an operator sees, as pictures in screenshots/.
//!
//! `SNAPSHOTS=overwrite cargo test --test screens` writes them anew; look at each before it is committed.

use std::{path::Path, time::Duration};

use pooldeck::{
    fleet::{Failure, FailureKind},
    tui::{ColourDepth, Glyphs},
};
use snapbox::{Data, assert_data_eq, data::DataFormat};

use crate::{
    robot::{Look, Robot},
    svg,
};

#[track_caller]
pub(crate) fn check(robot: &Robot, name: &str) {
    check_on(robot, name, false);
}

#[track_caller]
pub(crate) fn check_on(robot: &Robot, name: &str, is_light: bool) {
    let path = Path::new("screenshots").join(format!("{name}.term.svg"));
    let drawn = svg::svg(&robot.buffer(), is_light);
    let wanted = Data::read_from(&path, Some(DataFormat::Text)).raw();
    assert_data_eq!(Data::text(drawn), wanted);
}

#[test]
fn fleet() {
    check(&Robot::new(), "fleet");
}

#[test]
fn fleet_on_a_small_terminal() {
    check(&Robot::sized(80, 24), "fleet-80x24");
    check(&Robot::sized(40, 10), "fleet-40x10");
}

#[test]
fn fleet_on_a_large_terminal() {
    check(&Robot::sized(180, 50), "fleet-180x50");
}

#[test]
fn fleet_in_every_theme() {
    for theme in ["light", "high-contrast", "colour-blind-safe"] {
        let robot = Robot::with(Look {
            size: (110, 30),
            theme,
            ..Look::default()
        });
        check_on(&robot, &format!("theme-{theme}"), theme == "light");
    }
}

#[test]
fn fleet_with_fewer_colours() {
    for (name, depth) in [
        ("depth-256", ColourDepth::Indexed),
        ("depth-16", ColourDepth::Sixteen),
        ("depth-mono", ColourDepth::Mono),
    ] {
        let robot = Robot::with(Look {
            size: (110, 30),
            depth,
            ..Look::default()
        });
        check(&robot, name);
    }
}

#[test]
fn fleet_in_ascii() {
    let mut robot = Robot::with(Look {
        size: (80, 24),
        glyphs: Glyphs::Ascii,
        depth: ColourDepth::Mono,
        ..Look::default()
    });
    assert!(robot.text().is_ascii(), "{}", robot.text());
    check(&robot, "ascii-80x24");
    robot.press("a l");
    assert!(robot.text().is_ascii(), "{}", robot.text());
}

#[test]
fn before_anything_was_read() {
    check(
        &Robot::before_reading(Look {
            size: (80, 24),
            ..Look::default()
        }),
        "start-80x24",
    );
}

#[test]
fn pool() {
    let mut robot = Robot::new();
    robot.press("G enter");
    check(&robot, "pool");
}

#[test]
fn pool_on_a_small_terminal() {
    let mut robot = Robot::sized(80, 24);
    robot.press("G enter");
    check(&robot, "pool-80x24");
}

#[test]
fn instances() {
    let mut robot = Robot::new();
    robot.press("g i /");
    robot.type_text("work=busy az=*a");
    robot.press("enter space space");
    check(&robot, "instances");
}

#[test]
fn instance() {
    let mut robot = Robot::new();
    robot.press("G enter j j enter");
    check(&robot, "instance");
}

#[test]
fn sources() {
    let mut robot = Robot::sized(120, 16);
    let mut observation = (*robot.app.observation).clone();
    let failure = |kind, what: &str| Failure {
        kind,
        what: what.to_owned(),
        at: robot.now,
        retry_at: Some(robot.now + Duration::from_secs(40)),
    };
    let throttled = failure(
        FailureKind::Throttled,
        "cannot list the Auto Scaling groups: Rate exceeded (Throttling)",
    );
    let denied = failure(
        FailureKind::Denied,
        "cannot read the lifecycle hooks: not authorized (AccessDenied)",
    );
    let ids: Vec<_> = observation
        .sources
        .iter()
        .map(|it| it.source.clone())
        .collect();
    observation.sources[0].failure = Some(throttled.clone());
    observation.errors = vec![(ids[0].clone(), throttled), (ids[1].clone(), denied)];
    robot.now = robot.now + Duration::from_secs(13);
    robot.tell(observation);
    robot.press("g s j");
    check(&robot, "sources");
}

#[test]
fn help() {
    let mut robot = Robot::sized(100, 40);
    robot.press("?");
    check(&robot, "help");
}

#[test]
fn hints_after_a_prefix() {
    let mut robot = Robot::sized(100, 24);
    robot.press("a");
    check(&robot, "hints");
}

#[test]
fn palette() {
    let mut robot = Robot::sized(100, 24);
    robot.press("G :");
    robot.type_text("sta");
    check(&robot, "palette");
}

#[test]
fn confirm() {
    let mut robot = Robot::sized(100, 30);
    robot.press("G a l");
    check(&robot, "confirm");
}

#[test]
fn confirm_by_typing() {
    let mut robot = Robot::sized(100, 30);
    robot.press("G a z");
    robot.type_text("workh");
    check(&robot, "confirm-typed");
}

#[test]
fn columns() {
    let mut robot = Robot::sized(100, 30);
    robot.press("c j j space");
    check(&robot, "columns");
}

#[test]
fn console_output() {
    let mut robot = Robot::sized(100, 24);
    robot.press("G enter o");
    check(&robot, "console-output");
}

#[test]
fn executors() {
    let mut robot = Robot::sized(160, 45);
    robot.press("g e");
    check(&robot, "executors-160x45");
    let mut robot = Robot::sized(80, 24);
    robot.press("g e space");
    check(&robot, "executors-80x24");
}

#[test]
fn executor() {
    let mut robot = Robot::sized(100, 30);
    robot.press("g e /");
    robot.type_text("work=busy");
    robot.press("enter enter");
    check(&robot, "executor");
}

#[test]
fn strays() {
    let mut robot = Robot::sized(120, 24);
    robot.press("g t");
    check(&robot, "strays");
}

#[test]
fn operations() {
    let mut robot = crate::operating::driving(160, 45);
    robot.press("g o");
    check(&robot, "operations-160x45");
    let mut robot = crate::operating::driving(80, 24);
    robot.press("g o");
    check(&robot, "operations-80x24");
}

#[test]
fn operation() {
    let mut robot = crate::operating::driving(120, 30);
    robot.press("g o enter");
    check(&robot, "operation");
    let mut robot = crate::operating::driving(80, 24);
    robot.press("g o enter");
    check(&robot, "operation-80x24");
    robot.press("x");
    check(&robot, "operation-abort");
}
