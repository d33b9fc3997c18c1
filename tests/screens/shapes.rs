//! What a graph makes of the series that are hard to draw, of every size, and of nothing new.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    engine::Event,
    fleet::{Marker, MarkerKind, Metric, Past, Point, Series},
    tui::Msg,
};

use crate::{
    goldens::check,
    known::{Known, MINUTE, answer, asked, money, morning, open, past, sized},
    robot::{Robot, START},
};

#[track_caller]
fn check_shape(name: &str, known: Known) {
    check(&open(sized(60, 18), "G g h", known), name);
}

#[test]
fn one_point_is_one_mark() {
    check_shape("graph-single-point", |_, metric, at| {
        let is_then = (60..64).contains(&((START.as_millis() - at.as_millis()) / MINUTE));
        (metric == Metric::Desired && is_then).then_some(7.0)
    });
}

#[test]
fn nothing_but_zeros_lies_on_the_ground() {
    check_shape("graph-zeros", |_, metric, _| {
        (metric != Metric::Max).then_some(0.0)
    });
}

#[test]
fn a_clock_that_went_back_draws_what_was_measured() {
    let mut robot = Robot::sized(60, 18);
    robot.press("G g h");
    let query = asked(&mut robot).pop().unwrap();
    let mut past = past(&query, morning);
    for series in &mut past.series {
        // An hour happened twice, and is told after what came later.
        let again = series.points[30..50].to_vec();
        series.points.extend(again.into_iter().map(|it| Point {
            value: it.value.map(|it| it + 6.0),
            most: it.most.map(|it| it + 6.0),
            ..it
        }));
    }
    let at = past.span.from + query.step() * 50;
    past.markers.push(Marker {
        at,
        pool: None,
        kind: MarkerKind::Clock,
        what: "the clock of this host went back by 1h00m".to_owned(),
    });
    robot.hear(Event::Past(Arc::new(past)));
    check(&robot, "graph-clock-step");
}

#[test]
fn ten_thousand_points_on_forty_columns_keep_their_spikes() {
    let mut robot = Robot::sized(47, 18);
    robot.press("G g h");
    let query = asked(&mut robot).pop().unwrap();
    let step = query.span.length() / 10_000;
    let series = query.metrics.iter().map(|metric| Series {
        metric: *metric,
        step,
        points: (0..10_000)
            .map(|it: u32| {
                let value = match (metric, it) {
                    (Metric::Desired, 3_333) => 90.0,
                    (Metric::Desired, 6_666) => 0.0,
                    (Metric::Desired, _) => 40.0 + f64::from(it % 7),
                    _ => return Point::gap(query.span.from + step * it),
                };
                Point::flat(query.span.from + step * it, value)
            })
            .collect(),
    });
    let series = series.collect();
    let past = Past {
        series,
        ..past(&query, |_, _, _| None)
    };
    robot.hear(Event::Past(Arc::new(past)));
    check(&robot, "graph-ten-thousand-points");
}

#[test]
fn no_size_is_too_small_for_a_graph() {
    for keys in ["G g h", "g b", "g c", "G g u", "G g r"] {
        let mut robot = open(sized(80, 24), keys, money);
        for width in (0..30).chain([40, 79, 200]) {
            for height in (0..12).chain([16, 20, 60]) {
                let size = ratatui::layout::Size::new(width, height);
                robot.update(Msg::Resize(size));
                robot.settle();
                robot.press("left");
            }
        }
    }
}

#[test]
fn a_graph_that_does_not_change_writes_nothing() {
    for keys in ["G g h", "g b", "G g u"] {
        let mut robot = open(sized(120, 36), keys, morning);
        for _ in 0..3 {
            robot.now = robot.now + Duration::from_secs(1);
            robot.update(Msg::Tick);
            robot.settle();
            assert_eq!(robot.n_bytes, 0, "{keys}");
        }
        // The same answer again is no news.
        robot.press("r");
        answer(&mut robot, morning);
        assert_eq!(robot.n_bytes, 0, "{keys}");
    }
}

#[test]
fn a_cursor_move_sends_its_columns_and_the_values() {
    let mut robot = open(sized(120, 36), "G g h", morning);
    robot.press("left");
    for _ in 0..20 {
        robot.press("left");
        assert!((1..=2500).contains(&robot.n_bytes), "{}", robot.n_bytes);
    }
}
