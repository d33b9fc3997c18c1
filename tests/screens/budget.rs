//! What goes over the wire: an operator's line may be slow and far away.

use std::time::Duration;

use pooldeck::tui::Msg;

use crate::robot::Robot;

#[test]
fn a_screen_that_does_not_change_writes_nothing() {
    let mut robot = Robot::sized(180, 50);
    robot.press("g i");
    for _ in 0..8 {
        robot.now = robot.now + Duration::from_secs(1);
        robot.update(Msg::Tick);
        robot.settle();
        assert_eq!(robot.n_bytes, 0);
    }
}

#[test]
fn the_instances_screen_wants_no_tick_while_its_sources_are_fresh() {
    let mut robot = Robot::sized(180, 50);
    robot.press("g i");
    let tick = robot.app.tick_in().expect("a source turns late some day");
    assert!(Duration::from_secs(8) < tick, "{tick:?}");
}

#[test]
fn an_identical_reading_costs_the_time_of_the_reading() {
    let mut robot = Robot::sized(180, 50);
    robot.press("g i");
    let mut observation = (*robot.app.observation).clone();
    robot.now = robot.now + Duration::from_secs(10);
    observation.at = robot.now;
    for source in &mut observation.sources {
        source.read_at = Some(robot.now);
    }
    // Ages are no part of this: half the rows would be a minute older.
    robot.app.columns.insert(
        pooldeck::tui::app::Noun::Instances,
        vec!["id", "pool", "lifecycle", "work", "type"],
    );
    robot.settle();
    robot.tell(observation);
    assert!((1..=100).contains(&robot.n_bytes), "{}", robot.n_bytes);
}

#[test]
fn a_cursor_move_costs_two_names() {
    for screen in ["", "g i", "enter"] {
        let mut robot = Robot::sized(180, 50);
        if !screen.is_empty() {
            robot.press(screen);
        }
        robot.press("j");
        for _ in 0..3 {
            robot.press("j");
            assert!(
                (1..=200).contains(&robot.n_bytes),
                "{screen}: {}",
                robot.n_bytes
            );
            robot.press("k");
            assert!(
                (1..=200).contains(&robot.n_bytes),
                "{screen}: {}",
                robot.n_bytes
            );
        }
    }
}
