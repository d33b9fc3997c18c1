//! Moving, opening, filtering, marking: what the cursor and the marks hold on to.

use std::time::Duration;

use pooldeck::{
    fleet::{Failure, FailureKind, Fleet, InstanceId, Observation, Part, ScopeId},
    tui::app::Noun,
    tui::{
        Effect,
        app::{Overlay, View},
    },
};

use crate::robot::{Look, Robot};

#[test]
fn what_failed_before_the_first_frame_is_told() {
    let mut before = Robot::new().app.observation.as_ref().clone();
    before.sources[0].failure = Some(Failure {
        kind: FailureKind::Denied,
        what: "the door broke".to_owned(),
        at: before.at,
        retry_at: None,
    });
    let robot = Robot::at_start(Look::default(), before);
    assert!(robot.text().contains("the door broke"), "{}", robot.text());
}

#[test]
fn keys_move_the_cursor_by_rows_pages_and_ends() {
    let mut robot = Robot::new();
    let first = robot.under_cursor();
    robot.press("j j");
    assert_ne!(robot.under_cursor(), first);
    robot.press("k k");
    assert_eq!(robot.under_cursor(), first);
    robot.press("G");
    let last = robot.under_cursor();
    robot.press("j pagedown");
    assert_eq!(robot.under_cursor(), last, "the end is the end");
    robot.press("g g");
    assert_eq!(robot.under_cursor(), first);
}

#[test]
fn enter_opens_and_esc_goes_back_to_the_same_row() {
    let mut robot = Robot::new();
    robot.press("j j");
    let pool = robot.under_cursor();
    robot.press("enter");
    assert!(matches!(&robot.app.screen().view, View::Pool(key) if key.name.as_str() == pool));
    robot.press("j enter");
    assert!(matches!(robot.app.screen().view, View::Instance(_)));
    robot.press("esc esc");
    assert_eq!(robot.under_cursor(), pool);
}

#[test]
fn opening_a_pool_asks_for_its_activities() {
    let mut robot = Robot::new();
    robot.press("enter");
    let effects = robot.take_effects();
    assert!(
        matches!(&effects[..], [Effect::FetchActivities(_)]),
        "{effects:?}"
    );
}

#[test]
fn a_reading_never_moves_the_cursor_to_another_machine() {
    let mut robot = Robot::new();
    robot.press("g i");
    robot.press(&"j ".repeat(20));
    let id = robot.under_cursor();
    for _ in 0..40 {
        robot.read_after(Duration::from_secs(15));
        let now = robot.under_cursor();
        assert!(now == id || now.is_empty(), "from {id} to {now}");
        if now.is_empty() {
            break;
        }
    }
}

/// Returns the observation without one machine, as if it had been terminated.
fn without(robot: &Robot, id: &str) -> Observation {
    let mut observation = (*robot.app.observation).clone();
    let fleet = &observation.fleet;
    let part = Part {
        scopes: fleet.scopes.clone(),
        pools: fleet.pools.values().cloned().collect(),
        instances: fleet
            .instances
            .values()
            .filter(|it| it.id.as_str() != id)
            .cloned()
            .collect(),
        executors: fleet.executors.clone(),
        ..Part::default()
    };
    observation.fleet = Fleet::join(&[part]);
    observation
}

#[test]
fn while_regions_come_in_one_by_one_the_cursor_stays_on_top_until_it_is_moved() {
    for is_moved in [false, true] {
        let mut robot = Robot::before_reading(Look::default());
        let whole = Robot::new().app.observation;
        let is_late = |it: &ScopeId| it.as_str() == "demo/eu-west-1";
        let mut first = (*whole).clone();
        let part = Part {
            scopes: whole.fleet.scopes.clone(),
            pools: whole
                .fleet
                .pools
                .values()
                .filter(|it| !is_late(&it.scope))
                .cloned()
                .collect(),
            ..Part::default()
        };
        first.fleet = Fleet::join(&[part]);
        first.sources[0].read_at = None;
        robot.tell(first);
        assert_eq!(robot.under_cursor(), "gpu");
        if is_moved {
            robot.press("j k");
        }
        robot.tell((*whole).clone());
        assert_eq!(
            robot.under_cursor(),
            if is_moved { "gpu" } else { "arm-linux" }
        );
    }
}

#[test]
fn a_machine_that_goes_away_leaves_nothing_under_the_cursor() {
    let mut robot = Robot::new();
    robot.press("g i j j j");
    let gone = robot.under_cursor();
    let gone_at = robot.list().cursor_idx().unwrap();
    robot.tell(without(&robot, &gone));
    assert_eq!(robot.under_cursor(), "");
    robot.press("a p");
    assert!(robot.app.overlays.is_empty(), "there is nothing to act on");
    robot.press("j");
    assert_eq!(
        robot.list().cursor_idx(),
        Some(gone_at),
        "down goes to the row that took the place"
    );
}

#[test]
fn a_filter_follows_the_line_while_it_is_typed() {
    let mut robot = Robot::new();
    robot.press("g i /");
    let n_all = robot.list().rows().len();
    robot.type_text("work=busy");
    let n_busy = robot.list().rows().len();
    assert!(0 < n_busy && n_busy < n_all, "{n_busy} of {n_all}");
    robot.press("esc");
    assert_eq!(robot.list().rows().len(), n_all, "esc brings the rows back");
    robot.press("/");
    robot.type_text("work=busy");
    robot.press("enter");
    assert_eq!(robot.list().rows().len(), n_busy);
    robot.sees(&format!("{n_busy}/{n_all}"));
}

#[test]
fn a_filter_that_cannot_be_read_says_why_under_itself_and_changes_nothing() {
    let mut robot = Robot::new();
    robot.press("g i /");
    robot.type_text("spot");
    let n_spot = robot.list().rows().len();
    robot.type_text(" !");
    robot.sees("a word is missing after `!`");
    assert_eq!(
        robot.list().rows().len(),
        n_spot,
        "the last one that could be read"
    );
    robot.press("ctrl-u");
    robot.type_text("lifecycl=x");
    robot.sees("did you mean `lifecycle`?");
    robot.press("enter");
    assert!(
        matches!(robot.app.overlay(), Some(Overlay::Filter(_))),
        "it stays open"
    );
}

#[test]
fn the_filter_line_remembers_what_was_typed() {
    let mut robot = Robot::new();
    robot.press("g i /");
    robot.type_text("spot");
    robot.press("enter / up");
    let Some(Overlay::Filter(line)) = robot.app.overlay() else {
        panic!("no filter line");
    };
    assert_eq!(line.input.value(), "spot");
}

#[test]
fn marks_stay_with_their_machines_and_hidden_ones_are_counted() {
    let mut robot = Robot::new();
    robot.press("g i space space space");
    assert_eq!(robot.list().n_marked(), 3);
    robot.press("/");
    robot.type_text("zzzzzz");
    robot.press("enter");
    assert_eq!(robot.list().n_marked_hidden(), 3);
    robot.sees("3 marked hidden");
    robot.press("\\ m n");
    assert_eq!(robot.list().n_marked(), 0);
}

#[test]
fn a_range_is_marked_from_the_last_mark_to_the_cursor() {
    let mut robot = Robot::new();
    robot.press("g i space j j j m r");
    assert_eq!(robot.list().n_marked(), 5);
    robot.press("m i");
    assert_eq!(robot.list().n_marked(), robot.list().rows().len() - 5);
}

#[test]
fn the_order_is_chosen_turned_round_and_kept_over_readings() {
    let mut robot = Robot::new();
    robot.press(":");
    robot.type_text("sort desired");
    robot.press("enter S g g");
    let top = robot.under_cursor();
    assert_eq!(top, "workhorse", "the largest pool comes first");
    robot.read_after(Duration::from_secs(10));
    assert_eq!(robot.list().sort.map(|it| it.field), Some("desired"));
    robot.sees("DESIRED↓");
}

#[test]
fn columns_are_chosen_in_the_picker_and_by_name() {
    let mut robot = Robot::sized(180, 50);
    robot.sees_not("ACCOUNT");
    robot.press(":");
    robot.type_text("columns name,account,desired");
    robot.press("enter");
    robot.sees("ACCOUNT");
    robot.sees_not("QUEUE");
    robot.press("c space esc");
    assert_eq!(robot.app.columns_of(Noun::Pools), ["account", "desired"]);
}

#[test]
fn panels_are_walked_with_tab() {
    let mut robot = Robot::new();
    robot.press("tab");
    assert_eq!(robot.app.screen().focus, 1);
    robot.press("tab tab");
    assert_eq!(robot.app.screen().focus, 0);
    robot.press("shift-tab");
    assert_eq!(robot.app.screen().focus, 2);
}

#[test]
fn help_has_every_key_and_every_verb() {
    let mut robot = Robot::sized(200, 400);
    robot.press("?");
    let text = robot.text();
    for verb in pooldeck::tui::verbs() {
        assert!(
            text.contains(&verb.usage),
            "{} is not in the help",
            verb.usage
        );
    }
    for binding in robot.app.keymap.bindings(pooldeck::tui::Context::Screen) {
        assert!(
            text.contains(&binding.command.about()),
            "{} is not in the help",
            binding.keys
        );
    }
}

#[test]
fn a_prefix_shows_what_may_follow() {
    let mut robot = Robot::new();
    robot.press("a");
    robot.sees("launch more instances");
    robot.press("esc");
    robot.sees_not("launch more instances");
}

#[test]
fn the_instance_remembers_what_this_session_saw() {
    let mut robot = Robot::new();
    robot.press("g i");
    for _ in 0..60 {
        robot.read_after(Duration::from_secs(20));
    }
    let changed = robot
        .app
        .observation
        .fleet
        .instances
        .keys()
        .find(|it| !robot.app.timeline.of(it).is_empty());
    let id: InstanceId = changed
        .expect("in twenty minutes something changes")
        .clone();
    let first = robot.app.timeline.of(&id)[0].what.clone();
    robot.press("/");
    robot.type_text(id.as_str());
    robot.press("enter enter");
    robot.sees(&first);
}

#[test]
fn vim_and_emacs_hands_find_their_keys() {
    for (keymap, down, quit) in [
        ("vim-like", "j", "Z Z"),
        ("emacs-like", "ctrl-n", "ctrl-x ctrl-c"),
    ] {
        let mut robot = Robot::with(Look {
            keymap,
            ..Look::default()
        });
        let first = robot.under_cursor();
        robot.press(down);
        assert_ne!(robot.under_cursor(), first, "{keymap}");
        robot.press(quit);
        let effects = robot.take_effects();
        assert!(
            matches!(effects[..], [Effect::Quit]),
            "{keymap}: {effects:?}"
        );
    }
}

#[test]
fn a_list_in_an_order_is_in_that_order_after_every_reading() {
    for order in ["lifecycle", "work", "-age", "-job"] {
        let sorted = |robot: &mut Robot| {
            robot.press("g i");
            robot.press(":");
            robot.type_text(&format!("sort {order}"));
            robot.press("enter");
        };
        let mut robot = Robot::new();
        sorted(&mut robot);
        for _ in 0..12 {
            robot.read_after(Duration::from_secs(15));
            let reading = robot.app.observation.as_ref().clone();
            let mut anew = Robot::at_start(Look::default(), reading);
            sorted(&mut anew);
            assert_eq!(robot.list().rows(), anew.list().rows(), "by {order}");
        }
    }
}
