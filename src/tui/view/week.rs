//! Which hours of the week a pool works in: a cell for each weekday and hour, over whole weeks.

use ratatui::layout::Rect;

use super::{dim, graph::nothing, plain};
use crate::{
    fleet::{Metric, Past, PoolKey},
    tui::{
        app::{App, Topic},
        theme::Role,
        widget::{Canvas, Span},
    },
};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// The name of the day, before its hours.
const GUTTER: u16 = 5;

/// What was seen of one hour of the week.
#[derive(Clone, Copy, Default)]
struct Hour {
    busy: f64,
    all: f64,
    /// How many hours there were, in parts that were seen.
    seen: f64,
}

impl Hour {
    fn add(&mut self, other: Self) {
        self.busy += other.busy;
        self.all += other.all;
        self.seen += other.seen;
    }

    /// The part of the executors that worked; none when there were none, or nobody looked.
    fn share(self) -> Option<f64> {
        (0.0 < self.all).then(|| (self.busy / self.all).clamp(0.0, 1.0))
    }
}

type Week = [[Hour; 24]; 7];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App, key: &PoolKey) {
    let asked = app.pasts.get(&Topic::Weeks(key.clone()));
    let past = asked.and_then(|it| it.past.as_deref());
    let mut spans = vec![
        Span::new(format!("utilisation of {}", key.name), Role::Title),
        plain("  busy executors, last 4 weeks, UTC"),
    ];
    spans.extend(super::graph::reading(app, asked));
    spans.extend(super::graph::command_line(app, &spans));
    let head = Rect {
        height: area.height.min(1),
        ..area
    };
    canvas.title(head, &spans);
    let below = Rect {
        y: area.y + head.height,
        height: area.height - head.height,
        ..area
    };
    let week = week(past);
    let hours = || week.iter().flatten();
    if hours().all(|it| it.seen <= 0.0) {
        nothing(canvas, below, asked);
        return;
    }
    let bottom = map(canvas, below, &week, app.graph.hour);
    let rest = Rect {
        y: bottom,
        height: below.bottom().saturating_sub(bottom),
        ..below
    };
    words(canvas, rest, app, &week);
}

/// Adds the hours up by weekday and hour of the day.
fn week(past: Option<&Past>) -> Week {
    let mut week: Week = [[Hour::default(); 24]; 7];
    let Some((busy, idle)) = past.and_then(|it| {
        let busy = it.series(Metric::BusyExecutors)?;
        Some((busy, it.series(Metric::IdleExecutors)?))
    }) else {
        return week;
    };
    for (busy, idle) in busy.points.iter().zip(&idle.points) {
        let (Some(n_busy), Some(n_idle)) = (busy.value, idle.value) else {
            continue;
        };
        let seen = busy.seen.min(idle.seen);
        if busy.at != idle.at || !(n_busy + n_idle).is_finite() || seen <= 0.0 {
            continue;
        }
        let (day, hour) = busy.at.weekday_and_hour();
        week[day][hour].add(Hour {
            busy: n_busy * seen,
            all: (n_busy + n_idle) * seen,
            seen,
        });
    }
    week
}

/// Paints the map, and returns the line under it.
fn map(canvas: &mut Canvas<'_>, area: Rect, week: &Week, cursor: Option<(usize, usize)>) -> u16 {
    let glyphs = canvas.glyphs();
    let cell = ((area.width.saturating_sub(GUTTER + 7)) / 24).clamp(1, 4);
    let x_of = |hour: usize| area.x + GUTTER + cell * u16::try_from(hour).unwrap_or(0);
    let mut y = area.y;
    if 9 <= area.height {
        for hour in (0..24).step_by(if cell == 1 { 6 } else { 3 }) {
            canvas.put(x_of(hour), y, 3, &format!("{hour:02}"), Role::Heading);
        }
        canvas.put(x_of(24) + 1, y, 5, "day", Role::Heading);
        y += 1;
    }
    for (day, hours) in week.iter().enumerate() {
        if area.bottom() <= y {
            return y;
        }
        canvas.put(area.x + 1, y, 4, DAYS[day], Role::Dim);
        for (hour, it) in hours.iter().enumerate() {
            let is_cursor = cursor == Some((day, hour));
            let share = it.share();
            let text = match share {
                // Wide cells have a number: a shade is an estimate.
                Some(share) if cell == 4 => format!("{:>3.0}", share * 100.0),
                Some(share) => {
                    let sign = glyphs.heat(grade(share));
                    sign.repeat(usize::from(cell))
                }
                None if 0.0 < it.seen => "-".to_owned(),
                None => String::new(),
            };
            let role = if is_cursor {
                Role::Cursor
            } else {
                share.map_or(Role::Dim, role_of)
            };
            canvas.put(x_of(hour), y, cell, &text, role);
            if is_cursor {
                let x = x_of(hour) + cell - 1;
                canvas.put(x, y, 1, glyphs.cursor(), Role::Cursor);
            }
        }
        let mut whole = Hour::default();
        for hour in hours {
            whole.add(*hour);
        }
        if let Some(share) = whole.share() {
            let text = format!("{:>3.0} %", share * 100.0);
            canvas.put(x_of(24) + 1, y, 6, &text, Role::Text);
        }
        y += 1;
    }
    y
}

/// What the map means, and the hour that is read.
fn words(canvas: &mut Canvas<'_>, area: Rect, app: &App, week: &Week) {
    let glyphs = canvas.glyphs();
    let mut lines = Vec::new();
    if let Some((day, hour)) = app.graph.hour {
        let it = week[day.min(6)][hour.min(23)];
        let at = format!(
            "{} {hour:02}:00–{:02}:00",
            DAYS[day.min(6)],
            (hour + 1) % 24
        );
        let text = match it.share() {
            Some(share) => format!(
                "  {:.0} % busy: {:.1} of {:.1} executors on average, {:.1} hours seen",
                share * 100.0,
                it.busy / it.seen,
                it.all / it.seen,
                it.seen
            ),
            None if 0.0 < it.seen => "  there was no executor".to_owned(),
            None => "  not seen".to_owned(),
        };
        lines.push(vec![plain(at), plain(text)]);
    } else {
        lines.push(busiest(week));
    }
    let mut key = Vec::new();
    for (grade, range) in ["<20", "<40", "<60", "<80", "80–100 %"]
        .into_iter()
        .enumerate()
    {
        let sign = glyphs.heat(grade).repeat(2);
        key.push(Span::new(sign, GRADES[grade]));
        key.push(dim(format!(" {range}  ")));
    }
    key.push(dim("- no executor  blank not seen"));
    lines.push(key);
    for (y, line) in (area.y + u16::from(3 < area.height)..area.bottom()).zip(lines) {
        canvas.put_spans(area.x + 1, y, area.width.saturating_sub(1), &line);
    }
}

/// The hour that works most: it is what a schedule would be made for.
fn busiest(week: &Week) -> Vec<Span<'static>> {
    let mut all = Vec::new();
    for (day, hours) in week.iter().enumerate() {
        for (hour, it) in hours.iter().enumerate() {
            all.extend(it.share().map(|share| (share, day, hour)));
        }
    }
    let by_share = |a: &&(f64, usize, usize), b: &&(f64, usize, usize)| a.0.total_cmp(&b.0);
    let (Some(most), Some(least)) = (all.iter().max_by(by_share), all.iter().min_by(by_share))
    else {
        return Vec::new();
    };
    let name = |it: &(f64, usize, usize)| {
        format!("{} {:02}:00 with {:.0} %", DAYS[it.1], it.2, it.0 * 100.0)
    };
    vec![
        dim("most work: "),
        plain(name(most)),
        dim("  least: "),
        plain(name(least)),
    ]
}

const GRADES: [Role; 5] = [
    Role::Dim,
    Role::Curve6,
    Role::Curve2,
    Role::Curve5,
    Role::Curve7,
];

fn grade(share: f64) -> usize {
    [0.2, 0.4, 0.6, 0.8]
        .iter()
        .filter(|it| **it <= share)
        .count()
}

fn role_of(share: f64) -> Role {
    GRADES[grade(share)]
}
