//! What cannot be read, wholly or in part: on every screen, with the reason and the next try.

use std::time::Duration;

use pooldeck::{
    fleet::{Failure, FailureKind, Observation},
    tui::Msg,
};

use crate::robot::Robot;

const WHY: &str = "cannot list the Auto Scaling groups: Request has expired (ExpiredToken)";
const PART: &str = "cannot read the instances: not authorized (UnauthorizedOperation)";

fn failure(robot: &Robot, kind: FailureKind, what: &str) -> Failure {
    Failure {
        kind,
        what: what.to_owned(),
        at: robot.now,
        retry_at: Some(robot.now + Duration::from_secs(40)),
    }
}

/// The last reading, after which the first source failed as a whole.
fn failing(robot: &Robot) -> Observation {
    let mut observation = (*robot.app.observation).clone();
    let failure = failure(robot, FailureKind::Credentials, WHY);
    let source = &mut observation.sources[0];
    source.failure = Some(failure.clone());
    observation.errors = vec![(source.source.clone(), failure)];
    observation
}

/// A good reading, of which the first source lacks a part.
fn partial(robot: &Robot) -> Observation {
    let mut observation = (*robot.app.observation).clone();
    let failure = failure(robot, FailureKind::Denied, PART);
    observation.errors = vec![(observation.sources[0].source.clone(), failure)];
    observation
}

fn line(robot: &Robot, y: usize) -> String {
    robot.text().lines().nth(y).unwrap_or_default().to_owned()
}

#[test]
fn a_failing_source_says_why_and_when_it_is_tried_again_on_every_screen() {
    for screen in ["g f", "g i", "g e", "?"] {
        let mut robot = Robot::sized(180, 50);
        robot.press(screen);
        let n_rows = robot.text().lines().count();
        robot.tell(failing(&robot));
        let line = line(&robot, 1);
        assert!(line.contains("0s old, next try in 40s"), "{line}");
        assert!(line.contains(WHY), "{line}");
        assert_eq!(robot.text().lines().count(), n_rows, "no row is wiped");
    }
}

#[test]
fn where_there_is_less_room_a_word_says_why() {
    let mut robot = Robot::sized(80, 24);
    robot.tell(failing(&robot));
    robot.press("j");
    let line = line(&robot, 1);
    assert!(
        line.contains("0s old, credentials, next try in 40s"),
        "{line}"
    );
}

#[test]
fn on_the_smallest_screen_the_worst_source_goes_first() {
    let mut robot = Robot::sized(40, 10);
    assert!(line(&robot, 0).starts_with(" demo"), "{}", robot.text());
    let observation = failing(&robot);
    robot.now = robot.now + Duration::from_secs(12);
    robot.tell(observation);
    assert!(line(&robot, 0).contains("12s old"), "{}", robot.text());
}

#[test]
fn the_next_try_of_a_source_that_never_answered_counts_down() {
    let mut robot = Robot::sized(180, 50);
    let mut observation = failing(&robot);
    for source in &mut observation.sources {
        source.read_at = None;
    }
    robot.tell(observation);
    robot.sees("no response, credentials, next try in 40s");
    assert_eq!(robot.app.tick_in(), Some(Duration::from_secs(1)));
    robot.now = robot.now + Duration::from_secs(1);
    robot.update(Msg::Tick);
    robot.sees("no response, credentials, next try in 39s");
}

#[test]
fn a_partial_reading_is_shown_as_such() {
    let mut robot = Robot::sized(180, 50);
    robot.tell(partial(&robot));
    let band = line(&robot, 1);
    assert!(band.contains("09:30:00 in part"), "{band}");
    assert!(band.contains(PART), "{band}");
    robot.press("g s");
    robot.sees("partial");
    robot.press("g m");
    robot.sees(PART);
    robot.tell(partial(&robot));
    assert_eq!(
        robot.text().matches(PART).count(),
        2,
        "said once in the history"
    );
    let mut whole = partial(&robot);
    whole.errors.clear();
    robot.tell(whole);
    robot.sees("is read whole again");
    assert!(!line(&robot, 1).contains("in part"), "{}", robot.text());
}

#[test]
fn what_is_missing_for_months_sends_nothing_between_readings() {
    let mut robot = Robot::sized(180, 50);
    robot.press("g i");
    robot.tell(partial(&robot));
    for _ in 0..8 {
        robot.now = robot.now + Duration::from_secs(1);
        robot.update(Msg::Tick);
        robot.settle();
        assert_eq!(robot.n_bytes, 0);
    }
}

#[test]
fn enter_on_a_source_shows_whole_reasons_on_a_small_screen() {
    let mut robot = Robot::sized(80, 24);
    let mut observation = failing(&robot);
    observation.errors.extend(partial(&robot).errors);
    robot.tell(observation);
    robot.press("g s");
    robot.sees_not("UnauthorizedOperation");
    robot.press("enter");
    for words in ["ExpiredToken", "UnauthorizedOperation", "next try in 40s"] {
        robot.sees(words);
    }
    robot.press("esc");
    robot.sees_not("UnauthorizedOperation");
}
