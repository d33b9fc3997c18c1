//! Graphs of the past and of money, drawn from series that are known.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    engine::{Event, PastQuery},
    fleet::{
        Boot, ImageId, InstanceId, Marker, MarkerKind, Metric, Past, Point, PoolKey, Series, Span,
        Timestamp,
    },
    tui::{ColourDepth, Effect, Glyphs, Msg},
};

use crate::{
    goldens::{check, check_on},
    robot::{Look, Robot, START, priced_reading},
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// What a metric of a pool was at a time; none where nobody looked.
type Known = fn(&PastQuery, Metric, Timestamp) -> Option<f64>;

fn sized(width: u16, height: u16) -> Look {
    Look {
        size: (width, height),
        ..Look::default()
    }
}

/// Opens a screen, and answers everything that it asks of the past.
fn open(look: Look, keys: &str, known: Known) -> Robot {
    let mut robot = Robot::with(look);
    robot.press(keys);
    answer(&mut robot, known);
    robot
}

/// As `open`, where the prices of the machines are known.
fn open_priced(look: Look, keys: &str, known: Known) -> Robot {
    let mut robot = Robot::with(look);
    robot.tell(priced_reading());
    robot.press(keys);
    answer(&mut robot, known);
    robot
}

fn answer(robot: &mut Robot, known: Known) {
    for _ in 0..10 {
        let queries = asked(robot);
        if queries.is_empty() {
            return;
        }
        for query in queries {
            robot.hear(Event::Past(Arc::new(past(&query, known))));
        }
    }
    panic!("the screen asks for the past again and again");
}

fn asked(robot: &mut Robot) -> Vec<PastQuery> {
    let effects = robot.take_effects().into_iter();
    effects
        .filter_map(|it| match it {
            Effect::FetchPast(query) => Some(*query),
            _ => None,
        })
        .collect()
}

/// Answers as a store does that knows the value of every moment.
fn past(query: &PastQuery, known: Known) -> Past {
    let step = query.step();
    let series = query.metrics.iter().map(|metric| {
        let mut points = Vec::new();
        let mut at = query.span.from;
        while at < query.span.until {
            points.push(point(query, *metric, at, step, known));
            at = at + step;
        }
        Series {
            metric: *metric,
            step,
            points,
        }
    });
    Past {
        pool: query.pool.clone(),
        span: query.span,
        series: series.collect(),
        markers: markers(query.span),
        boots: boots(query.pool.as_ref()),
        notes: vec!["some of it comes from CloudWatch, in steps of minutes".to_owned()],
    }
}

fn point(query: &PastQuery, metric: Metric, at: Timestamp, step: Duration, known: Known) -> Point {
    let parts = 8;
    let values: Vec<f64> = (0..parts)
        .map(|it| at + step * it / parts)
        .filter(|it| *it <= START)
        .filter_map(|it| known(query, metric, it))
        .collect();
    if values.is_empty() {
        return Point::gap(at);
    }
    let n = f64::from(u32::try_from(values.len()).unwrap());
    let mean = values.iter().sum::<f64>() / n;
    Point {
        at,
        value: Some(mean),
        least: values.iter().copied().reduce(f64::min),
        most: values.iter().copied().reduce(f64::max),
        seen: n / f64::from(parts),
    }
}

/// A morning: two waves of work, a pool that follows them, and a console that was away for a while.
fn morning(_: &PastQuery, metric: Metric, at: Timestamp) -> Option<f64> {
    let before = START.as_millis() - at.as_millis();
    if (110 * MINUTE..135 * MINUTE).contains(&before) {
        return None;
    }
    let hours = f64::from(i32::try_from(before / 1000).unwrap()) / 3600.0;
    let wave = |center: f64, width: f64| (-((hours - center) / width).powi(2)).exp();
    let demand = 3.0 + 17.0 * wave(4.1, 0.7) + 11.0 * wave(0.9, 0.6);
    let late = 3.0 + 17.0 * wave(3.9, 0.75) + 11.0 * wave(0.75, 0.65);
    let desired = late.ceil().min(18.0);
    Some(match metric {
        Metric::Desired => desired,
        Metric::InService => (desired - wave(4.4, 0.3) * 4.0).floor(),
        Metric::Min => 2.0,
        Metric::Max => 18.0,
        Metric::BusyExecutors => demand.min(desired).floor(),
        Metric::IdleExecutors => (desired - demand.min(desired)).floor(),
        Metric::QueuedJobs => (demand - desired).max(0.0).ceil(),
        _ => return None,
    })
}

fn money(query: &PastQuery, metric: Metric, at: Timestamp) -> Option<f64> {
    let price = 0.34;
    let n = |metric| morning(query, metric, at).map(|it| it * price);
    let (busy, idle) = (n(Metric::BusyExecutors)?, n(Metric::IdleExecutors)?);
    let booting = 0.1 * busy;
    let total = busy + idle + booting;
    let share = query.pool.as_ref().map_or(1.0, |it| {
        0.06 * f64::from(u32::try_from(it.name.as_str().len()).unwrap() % 5 + 1)
    });
    Some(
        share
            * match metric {
                Metric::UsdPerHour => total,
                Metric::BusyUsd => busy,
                Metric::IdleUsd | Metric::WasteUsd => idle,
                Metric::BootingUsd => booting,
                Metric::SpotUsd => total * 0.4,
                Metric::OnDemandUsd => total * 0.6,
                _ => 0.0,
            },
    )
}

/// As `money`, and for two hours nobody knew what the machines did, or what a type cost.
fn partly_unknown_money(query: &PastQuery, metric: Metric, at: Timestamp) -> Option<f64> {
    let before = START.as_millis() - at.as_millis();
    let is_unpriced = (150 * MINUTE..200 * MINUTE).contains(&before);
    let is_unseen = (200 * MINUTE..260 * MINUTE).contains(&before);
    let value = money(query, metric, at)?;
    match metric {
        Metric::UsdPerHour | Metric::BootingUsd if is_unpriced => None,
        Metric::BusyUsd | Metric::IdleUsd if is_unseen => Some(0.0),
        Metric::UnknownUsd if is_unseen => {
            Some(money(query, Metric::BusyUsd, at)? + money(query, Metric::IdleUsd, at)?)
        }
        _ => Some(value),
    }
}

/// Office hours, in which a pool works.
fn weeks(_: &PastQuery, metric: Metric, at: Timestamp) -> Option<f64> {
    let (day, hour) = at.weekday_and_hour();
    if day == 6 && hour < 6 {
        return None;
    }
    let is_office = day < 5 && (7..19).contains(&hour);
    let busy = match (is_office, hour) {
        (true, 10..16) => 15.0,
        (true, _) => 9.0,
        (false, 2) => 8.0,
        (false, _) if day < 5 => 2.0,
        (false, _) => 0.5,
    };
    let all = if is_office { 16.0 } else { 8.0 };
    match metric {
        Metric::BusyExecutors => Some(busy),
        Metric::IdleExecutors if day == 6 && hour == 12 => Some(0.0),
        Metric::IdleExecutors => Some(all - busy),
        _ => None,
    }
}

fn markers(span: Span) -> Vec<Marker> {
    let marker = |minutes: i64, kind, what: &str| Marker {
        at: Timestamp::from_millis(START.as_millis() - minutes * MINUTE),
        pool: None,
        kind,
        what: what.to_owned(),
    };
    let all = [
        marker(
            262,
            MarkerKind::Activity,
            "Launching a new EC2 instance: i-0a1",
        ),
        marker(
            261,
            MarkerKind::Activity,
            "Launching a new EC2 instance: i-0a2",
        ),
        marker(180, MarkerKind::Operation, "drain i-0a1 began, by carol"),
        marker(
            75,
            MarkerKind::Interruption,
            "spot takes i-0a2 back: rebalance recommendation",
        ),
        marker(50, MarkerKind::Activity, "Terminating EC2 instance: i-0a2"),
    ];
    all.into_iter().filter(|it| span.contains(it.at)).collect()
}

fn boots(pool: Option<&PoolKey>) -> Vec<Boot> {
    let Some(pool) = pool else {
        return Vec::new();
    };
    let boot = |nth: i64, image: &str, slow: i64| {
        let requested = Timestamp::from_millis(START.as_millis() - (400 - nth * 7) * HOUR / 10);
        let after = |secs: i64| Some(Timestamp::from_millis(requested.as_millis() + secs * 1000));
        let is_lost = nth == 5;
        Boot {
            instance: InstanceId::from(format!("i-0b{nth}").as_str()),
            pool: pool.clone(),
            image: Some(ImageId::from(image)),
            instance_type: "c6i.4xlarge".to_owned(),
            zone: "us-east-1a".to_owned(),
            requested_at: Some(requested),
            running_at: after(14 + nth),
            registered_at: (!is_lost).then(|| after(80 + slow + 3 * nth)).flatten(),
            first_job_at: (!is_lost && nth % 3 != 0)
                .then(|| after(95 + slow + 9 * nth))
                .flatten(),
        }
    };
    let old = (0..14).map(|it| boot(it, "ami-0a11ce0000000001", 0));
    let new = (14..22).map(|it| boot(it, "ami-0a11ce0000000002", 70));
    old.chain(new).collect()
}

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
    robot.sees("spot takes i-0a2 back");
    check(&robot, "graph-pool-cursor");
    robot.press("p");
    robot.sees("drain i-0a1 began, by carol");
    robot.press("n");
    robot.sees("spot takes i-0a2 back");
    robot.press("left");
    robot.sees_not("spot takes i-0a2 back");
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
fn money_by_what_it_goes_to() {
    check(&open(sized(120, 36), "g b", money), "cost-graph");
    let mut robot = open(sized(80, 24), "g b", partly_unknown_money);
    check(&robot, "cost-graph-unknown-80x24");
    robot.press("left H H left left left left left left left left left left left left");
    robot.sees("at least");
    let mut robot = open_priced(sized(100, 30), "g b", money);
    robot.press("s s");
    answer(&mut robot, money);
    check(&robot, "cost-graph-pools");
    let ascii = Look {
        glyphs: Glyphs::Ascii,
        depth: ColourDepth::Mono,
        ..sized(80, 24)
    };
    let robot = open(ascii, "g b", money);
    assert!(robot.text().is_ascii(), "{}", robot.text());
    check(&robot, "cost-graph-ascii");
}

#[test]
fn what_every_pool_costs() {
    check(&open_priced(sized(120, 30), "g c", money), "cost");
    check(&open_priced(sized(80, 24), "g c", money), "cost-80x24");
    let mut robot = open(sized(120, 30), "g c", money);
    robot.sees("machines have no known price, and are in no sum");
    robot.press("enter");
    robot.sees("by use");
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
