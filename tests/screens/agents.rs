//! The agents of the controllers: what is shown of them, and what an action on them is about.

use std::sync::Arc;

use pooldeck::{
    fleet::{Executor, Fleet, Part, Stray, StrayKind, Timestamp, strays},
    tui::{
        Effect,
        app::{Overlay, RowId, View},
    },
};

use crate::robot::Robot;

/// Changes the agents of the last reading, and reads that.
fn with_agents(robot: &mut Robot, change: impl Fn(&mut Vec<Arc<Executor>>)) {
    let mut observation = (*robot.app.observation).clone();
    let fleet = &observation.fleet;
    let mut executors = fleet.executors.clone();
    change(&mut executors);
    let part = Part {
        scopes: fleet.scopes.clone(),
        pools: fleet.pools.values().cloned().collect(),
        instances: fleet.instances.values().cloned().collect(),
        controllers: fleet.controllers.clone(),
        queues: fleet.queues.clone(),
        executors,
        ..Part::default()
    };
    observation.fleet = Fleet::join(&[part]);
    robot.tell(observation);
}

/// Adds an agent whose name and host fit no machine.
fn add_stranger(robot: &mut Robot) {
    with_agents(robot, |all| {
        let mut stranger = Executor::clone(&all[0]);
        "stranger".clone_into(&mut stranger.name);
        "stranger".clone_into(&mut stranger.id);
        stranger.instance = None;
        stranger.pool = None;
        stranger.host_hints.clear();
        all.push(Arc::new(stranger));
    });
}

#[test]
fn marked_agents_select_their_machines_for_a_cordon() {
    let mut robot = Robot::new();
    robot.press("g e /");
    robot.type_text("work=idle pool=arm-linux");
    robot.press("enter space space");
    let fleet = &robot.app.observation.fleet;
    let wanted: Vec<_> = robot
        .list()
        .shown_marks()
        .map(|row| match row {
            RowId::Executor(controller, id) => {
                fleet.executor(controller, id).unwrap().instance.clone()
            }
            other => panic!("{other:?}"),
        })
        .map(Option::unwrap)
        .collect();
    assert_eq!(wanted.len(), 2);
    robot.press("a c y");
    let effects = robot.take_effects();
    let [Effect::Submit(submission)] = &effects[..] else {
        panic!("{effects:?}\n{}", robot.text());
    };
    assert_eq!(submission.confirmed.targets[0].instances, wanted);
}

#[test]
fn an_agent_without_a_known_machine_is_no_target_and_is_named() {
    let mut robot = Robot::new();
    add_stranger(&mut robot);
    robot.press("g e /");
    robot.type_text("stranger");
    robot.press("enter a c");
    assert!(robot.app.overlays.is_empty(), "{}", robot.text());
    robot.sees("no instance is known");
    robot.press("space \\ g g");
    let is_joined = |robot: &Robot| {
        let fleet = &robot.app.observation.fleet;
        matches!(robot.list().cursor(), Some(RowId::Executor(controller, id))
            if fleet.executor(controller, id).is_some_and(|it| it.instance.is_some()))
    };
    while !is_joined(&robot) {
        robot.press("j");
    }
    robot.press("space a c");
    robot.sees("1 agents have no known instance and are not included");
}

#[test]
fn enter_shows_how_an_agent_was_joined_and_what_is_known_of_it() {
    let mut robot = Robot::new();
    robot.press("g e /");
    robot.type_text("work=busy");
    robot.press("enter enter");
    assert!(matches!(robot.app.screen().view, View::Executor(..)));
    for wanted in [
        "joined",
        "labels",
        "evidence, the newest first",
        " ago  ",
        "job ",
    ] {
        robot.sees(wanted);
    }
    robot.press("enter");
    assert!(matches!(robot.app.screen().view, View::Instance(_)));
    robot.press("esc a c");
    let Some(Overlay::Confirm(confirm)) = robot.app.overlay() else {
        panic!("{}", robot.text());
    };
    assert_eq!(confirm.plan.as_ref().unwrap().targets[0].instances.len(), 1);
}

#[test]
fn evidence_on_an_agent_grows_old_on_the_screen() {
    let mut robot = Robot::new();
    robot.press("g e /");
    robot.type_text("work=idle");
    robot.press("enter enter");
    robot.sees("0s ago");
    let mut observation = (*robot.app.observation).clone();
    observation.at = observation.at + std::time::Duration::from_secs(95);
    robot.tell(observation);
    robot.sees("1m35s ago");
    robot.sees_not("0s ago");
}

#[test]
fn the_queue_is_beside_the_agents_and_opens_its_pool() {
    let mut robot = Robot::sized(80, 24);
    robot.press("g e");
    robot.sees("queues, and why the oldest waits");
    robot.sees("Waiting for next available execut");
    robot.press("tab");
    let Some(RowId::Queue(_, label)) = robot.list().cursor().cloned() else {
        panic!("{}", robot.text());
    };
    robot.sees(&label);
    robot.press("enter");
    let View::Pool(key) = robot.app.screen().view.clone() else {
        panic!("{}", robot.text());
    };
    let pool = robot.app.observation.fleet.pool(&key).unwrap();
    assert_eq!(pool.ci.as_ref().unwrap().label, label);
}

#[test]
fn strays_are_counted_on_the_fleet_screen_and_stand_on_their_board() {
    let mut robot = Robot::new();
    let count = |robot: &Robot| {
        let at: Timestamp = robot.app.observation.at;
        let all: Vec<Stray> = strays(&robot.app.observation.fleet, at);
        all.iter().filter(|it| it.kind.is_alarming()).count()
    };
    let before = count(&robot);
    add_stranger(&mut robot);
    let after = count(&robot);
    assert!(before < after);
    let word = if after == 1 { "stray" } else { "strays" };
    robot.sees(&format!("  {after} {word}"));
    robot.press("g t");
    assert!(matches!(robot.app.screen().view, View::Strays));
    robot.press("/");
    robot.type_text("stranger");
    robot.press("enter");
    robot.sees("agent without instance");
    robot.press("enter");
    assert!(matches!(&robot.app.screen().view, View::Executor(_, id) if id == "stranger"));
}

#[test]
fn a_latent_worker_is_on_the_board_and_alarms_nobody() {
    let mut robot = Robot::new();
    add_stranger(&mut robot);
    with_agents(&mut robot, |all| {
        for it in all.iter_mut().filter(|it| it.id == "stranger") {
            Arc::make_mut(it).is_latent = true;
        }
    });
    let alarming = robot
        .app
        .findings
        .strays()
        .iter()
        .filter(|it| it.kind.is_alarming());
    let n_alarming = alarming.count();
    if n_alarming == 0 {
        robot.sees_not("stray");
    }
    robot.press("g t G");
    assert!(
        matches!(
            robot.list().cursor(),
            Some(RowId::Stray(StrayKind::Latent, ..))
        ),
        "the ordinary comes last"
    );
}

#[test]
fn a_mark_on_an_agent_that_is_gone_is_gone() {
    let mut robot = Robot::new();
    add_stranger(&mut robot);
    robot.press("g e /");
    robot.type_text("stranger");
    robot.press("enter space");
    assert_eq!(robot.list().n_marked(), 1);
    with_agents(&mut robot, |all| all.retain(|it| it.id != "stranger"));
    assert_eq!(robot.list().n_marked(), 0);
}
