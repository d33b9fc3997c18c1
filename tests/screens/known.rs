//! Series that are known, and screens that have asked for them.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    engine::{Event, PastQuery},
    fleet::{
        Boot, ImageId, InstanceId, Marker, MarkerKind, Metric, Past, Point, PoolKey, Series, Span,
        Timestamp,
    },
    tui::Effect,
};

use crate::robot::{Look, Robot, START, priced_reading};

pub(crate) const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// What a metric of a pool was at a time; none where nobody looked.
pub(crate) type Known = fn(&PastQuery, Metric, Timestamp) -> Option<f64>;

pub(crate) fn sized(width: u16, height: u16) -> Look {
    Look {
        size: (width, height),
        ..Look::default()
    }
}

/// Opens a screen, and answers everything that it asks of the past.
pub(crate) fn open(look: Look, keys: &str, known: Known) -> Robot {
    let mut robot = Robot::with(look);
    robot.press(keys);
    answer(&mut robot, known);
    robot
}

/// As `open`, where the prices of the machines are known.
pub(crate) fn open_priced(look: Look, keys: &str, known: Known) -> Robot {
    let mut robot = Robot::with(look);
    robot.tell(priced_reading());
    robot.press(keys);
    answer(&mut robot, known);
    robot
}

pub(crate) fn answer(robot: &mut Robot, known: Known) {
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

pub(crate) fn asked(robot: &mut Robot) -> Vec<PastQuery> {
    let effects = robot.take_effects().into_iter();
    effects
        .filter_map(|it| match it {
            Effect::FetchPast(query) => Some(*query),
            _ => None,
        })
        .collect()
}

/// Answers as a store does that knows the value of every moment.
pub(crate) fn past(query: &PastQuery, known: Known) -> Past {
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
        failure: None,
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
pub(crate) fn morning(_: &PastQuery, metric: Metric, at: Timestamp) -> Option<f64> {
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

pub(crate) fn money(query: &PastQuery, metric: Metric, at: Timestamp) -> Option<f64> {
    let price = 0.34;
    let n = |metric| morning(query, metric, at).map(|it| it * price);
    let (busy, idle) = (n(Metric::BusyExecutors)?, n(Metric::IdleExecutors)?);
    let booting = 0.1 * busy;
    let total = busy + idle + booting;
    let share = query.pool.as_ref().map_or(ALL_SHARES, |it| {
        0.06 * f64::from(u32::try_from(it.name.as_str().len()).unwrap() % 5 + 1)
    });
    Some(
        share
            * match metric.whole().unwrap_or(metric) {
                Metric::UsdPerHour => total,
                Metric::BusyUsd => busy,
                Metric::IdleUsd | Metric::WasteUsd => idle,
                Metric::BootingUsd => booting,
                Metric::SpotUsd => total * 0.4,
                Metric::OnDemandUsd => total * 0.6,
                Metric::SpotSavingUsd => total * 0.5,
                Metric::InService | Metric::TotalExecutors => 12.0,
                _ => 0.0,
            },
    )
}

/// What the seven pools of the demo have together, so that they add up.
const ALL_SHARES: f64 = 1.68;

/// As `money`, and for two hours nobody knew what the machines did, or what a type cost.
pub(crate) fn partly_unknown_money(
    query: &PastQuery,
    metric: Metric,
    at: Timestamp,
) -> Option<f64> {
    let before = START.as_millis() - at.as_millis();
    let is_unpriced = (150 * MINUTE..200 * MINUTE).contains(&before);
    let is_unseen = (200 * MINUTE..260 * MINUTE).contains(&before);
    let value = money(query, metric, at)?;
    match metric {
        Metric::UsdPerHour | Metric::BootingUsd if is_unpriced => None,
        Metric::PricedUsd if is_unpriced => Some(value - money(query, Metric::BootingUsd, at)?),
        Metric::PricedBootingUsd if is_unpriced => Some(0.0),
        Metric::BusyUsd | Metric::IdleUsd | Metric::PricedBusyUsd | Metric::PricedIdleUsd
            if is_unseen =>
        {
            Some(0.0)
        }
        Metric::UnknownUsd | Metric::PricedUnknownUsd if is_unseen => {
            Some(money(query, Metric::BusyUsd, at)? + money(query, Metric::IdleUsd, at)?)
        }
        _ => Some(value),
    }
}

/// Office hours, in which a pool works.
pub(crate) fn weeks(_: &PastQuery, metric: Metric, at: Timestamp) -> Option<f64> {
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
            "spot took back i-0a2 (c6i.4xlarge, us-east-1a), 35 job-minutes lost",
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
