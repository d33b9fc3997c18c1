//! The past of a pool: sizes, work and queue on one time axis; and what every graph over time has in common.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{dim, plain};
use crate::{
    fleet::{Marker, MarkerKind, Metric, Past, PoolKey, Timestamp, short_duration},
    tui::{
        app::{App, Asked, CURVES, Command, Topic},
        layout::{self, GraphAreas, LEGEND_ENTRY},
        theme::Role,
        widget::{
            Axes, Canvas, Curve, Extent, Scale, Sign, Span, Unit, Window, extents, lines, merged,
            short_number, width_of,
        },
    },
};

/// An entry of the legend is no wider than this: names and values stay in one glance.
const LEGEND_ENTRY_MAX: u16 = 26;
/// An answer that is this old is late.
const LATE: Duration = Duration::from_mins(10);

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, key: &PoolKey) {
    let areas = layout::graph(app.size, app.n_legend_entries());
    let topic = Topic::Curves(key.clone());
    let asked = app.pasts.get(&topic);
    let past = asked.and_then(|it| it.past.as_deref());
    head(canvas, &areas, app, &format!("past of {}", key.name), asked);
    let window = app.window();
    let axes = Axes::new(areas.plot);
    let marks = app.graph.marks.within(canvas.glyphs());
    let glyphs = canvas.glyphs();
    let dots = window.finer(marks.dots().0);
    let shown = |metric: &Metric| !app.graph.hidden.contains(metric);
    let series = |metric: Metric| past.and_then(|it| it.series(metric));
    let all: Vec<Curve> = CURVES
        .iter()
        .enumerate()
        .map(|(curve_idx, (metric, _))| Curve {
            sign: glyphs.curve(curve_idx),
            role: Role::of_curve(curve_idx),
            extents: series(*metric).map_or_else(Vec::new, |it| extents(it, dots)),
        })
        .collect();
    let curves = all.iter().zip(CURVES).filter(|(_, it)| shown(&it.0));
    let curves: Vec<Curve> = curves.map(|it| it.0.clone()).collect();
    let values = curves.iter().flat_map(|it| it.extents.iter().flatten());
    let values = values.flat_map(|it| [it.least, it.most]);
    let scale = Scale::of(values, axes.n_steps(), Unit::Count);
    let signs = signs(canvas, past, window);
    axes.paint(canvas, window, &scale, &signs, app.cursor_column());
    lines(canvas, axes.inside, window, &scale, marks, &curves);
    let columns = all.iter().map(|it| merged(&it.extents, marks.dots().0));
    let columns: Vec<Vec<Option<Extent>>> = columns.collect();
    let known = columns.iter().map(|it| &it[..]);
    let column_idx = app.cursor_column().or_else(|| newest(known));
    if column_idx.is_none()
        && curves
            .iter()
            .all(|it| it.extents.iter().all(Option::is_none))
    {
        nothing(canvas, axes.inside, asked);
    }
    let entries: Vec<Entry> = CURVES
        .iter()
        .zip(&columns)
        .enumerate()
        .map(|(curve_idx, ((metric, name), column))| {
            let value = column_idx.and_then(|it| column.get(it).copied().flatten());
            Entry {
                key: toggle_key(app, *metric),
                sign: glyphs.curve(curve_idx),
                role: Role::of_curve(curve_idx),
                name: (*name).to_owned(),
                value: value.map_or_else(|| vec!["—".to_owned()], count_words),
                is_off: !shown(metric),
            }
        })
        .collect();
    legend(canvas, areas.legend, &entries);
    readout(
        canvas,
        areas.readout,
        app,
        past,
        column_idx,
        &More::default(),
    );
}

/// One curve or layer in the legend.
pub(super) struct Entry {
    /// Shows and hides it.
    pub(super) key: Option<String>,
    pub(super) sign: &'static str,
    pub(super) role: Role,
    pub(super) name: String,
    /// What it is in the column that is read: the longest form first.
    pub(super) value: Vec<String>,
    pub(super) is_off: bool,
}

fn toggle_key(app: &App, metric: Metric) -> Option<String> {
    let command = Command::GraphToggle(Some(metric.as_str().to_owned()));
    let keys = app.keymap.keys_for(app.context(), &command);
    keys.map(ToString::to_string)
}

/// The range where a column has one, and the mean where there is no room for it.
fn count_words(extent: Extent) -> Vec<String> {
    let short = |it: f64| {
        let is_whole = (it - it.round()).abs() < 0.05;
        short_number(it, usize::from(!is_whole))
    };
    // Where there is no room for more, a mean is a whole number.
    let mut words = vec![short(extent.mean), short_number(extent.mean, 0)];
    if 0.05 < extent.most - extent.least {
        words.insert(0, format!("{}–{}", short(extent.least), short(extent.most)));
    }
    words
}

/// The title, and the line that says where the data is from.
pub(super) fn head(
    canvas: &mut Canvas<'_>,
    areas: &GraphAreas,
    app: &App,
    name: &str,
    asked: Option<&Asked>,
) {
    let window = app.window();
    let time = match app.graph.end {
        None => format!("  last {}", app.graph.word()),
        Some(end) => format!(
            "  {} until {} {}",
            app.graph.word(),
            end.day(),
            end.minute_time()
        ),
    };
    let mut spans = vec![
        Span::new(name.to_owned(), Role::Title),
        plain(time),
        dim(format!("  {} a column", short_duration(window.column()))),
    ];
    spans.extend(reading(app, asked));
    spans.extend(command_line(app, &spans));
    canvas.title(areas.title, &spans);
    let past = asked.and_then(|it| it.past.as_deref());
    if let Some(past) = past.filter(|_| 0 < areas.notes.height) {
        let width = areas.notes.width.saturating_sub(1);
        canvas.put(
            areas.notes.x + 1,
            areas.notes.y,
            width,
            &source(past),
            Role::Dim,
        );
    }
}

/// The command line that gives the same numbers, where it fits into the title.
pub(super) fn command_line(app: &App, title: &[Span<'_>]) -> Option<Span<'static>> {
    let line = format!("  pooldeck {}", app.equivalent()?);
    let taken: u16 = title.iter().map(|it| width_of(&it.text)).sum();
    // The rule takes six cells around the title.
    (taken + width_of(&line) + 6 <= app.size.width).then(|| dim(line))
}

/// Says where the points come from, and what is wrong with them.
pub(super) fn source(past: &Past) -> String {
    let is_seen = past.series.iter().any(|it| it.last().is_some());
    let own = is_seen.then_some("own samples");
    let notes = past.notes.iter().map(String::as_str);
    own.into_iter().chain(notes).collect::<Vec<_>>().join("; ")
}

/// When the past was read, and whether that is late.
pub(super) fn reading(app: &App, asked: Option<&Asked>) -> Option<Span<'static>> {
    let asked = asked?;
    if asked.past.is_none() {
        return Some(dim("  reading"));
    }
    let age = app.now.since(asked.at);
    Some(if LATE < age {
        Span::new(format!("  read {} ago", short_duration(age)), Role::Warn)
    } else {
        dim(format!("  read {}", asked.at.minute_time()))
    })
}

/// Says in words why there is no curve.
pub(super) fn nothing(canvas: &mut Canvas<'_>, inside: Rect, asked: Option<&Asked>) {
    let past = asked.and_then(|it| it.past.as_ref());
    let text = match past {
        None => "the past is being read".to_owned(),
        Some(past) => {
            let why = past.notes.first();
            why.map_or_else(
                || "nothing was seen in this time".to_owned(),
                |why| format!("nothing was seen in this time: {why}"),
            )
        }
    };
    let lines = super::wrap(&text, inside.width.saturating_sub(2));
    let n_lines = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let top = inside.y + inside.height.saturating_sub(n_lines) / 2;
    for (y, line) in (top..inside.bottom()).zip(lines) {
        let x = inside.x + inside.width.saturating_sub(width_of(&line)) / 2;
        canvas.put(x, y, inside.right() - x, &line, Role::Dim);
    }
}

/// The events of the window, one sign for each column: the worst that happened in it.
pub(super) fn signs(canvas: &Canvas<'_>, past: Option<&Past>, window: Window) -> Vec<Sign> {
    let mut worst: Vec<Option<MarkerKind>> = vec![None; window.n_columns()];
    for marker in past.iter().flat_map(|it| &it.markers) {
        if let Some(column_idx) = window.column_of(marker.at) {
            let here = &mut worst[column_idx];
            if here.is_none_or(|it| rank(it) < rank(marker.kind)) {
                *here = Some(marker.kind);
            }
        }
    }
    let found = worst.into_iter().enumerate();
    found
        .filter_map(|(column_idx, kind)| {
            let kind = kind?;
            Some(Sign {
                column_idx,
                text: canvas.glyphs().event(kind),
                role: marker_role(kind),
            })
        })
        .collect()
}

/// What is seen where several things happened.
fn rank(kind: MarkerKind) -> u8 {
    match kind {
        MarkerKind::Activity => 0,
        MarkerKind::Clock => 1,
        MarkerKind::Operation => 2,
        MarkerKind::LaunchFailure => 3,
        MarkerKind::Interruption => 4,
    }
}

fn marker_role(kind: MarkerKind) -> Role {
    match kind {
        MarkerKind::Activity => Role::Text,
        MarkerKind::Clock => Role::Warn,
        MarkerKind::Operation => Role::Mark,
        MarkerKind::LaunchFailure | MarkerKind::Interruption => Role::Danger,
    }
}

/// Returns the newest column in which anything is known.
pub(super) fn newest<'a>(columns: impl Iterator<Item = &'a [Option<Extent>]>) -> Option<usize> {
    columns
        .filter_map(|it| it.iter().rposition(Option::is_some))
        .max()
}

/// Paints the entries beside and under each other; in one line, as short as they can be.
pub(super) fn legend(canvas: &mut Canvas<'_>, area: Rect, entries: &[Entry]) {
    if area.height == 0 {
        return;
    }
    let width = area.width.saturating_sub(1);
    let per_line = (width / LEGEND_ENTRY).max(1);
    let n_entries = u16::try_from(entries.len()).unwrap_or(u16::MAX);
    if area.height < n_entries.div_ceil(per_line) {
        let mut x = area.x + 1;
        for entry in entries.iter().filter(|it| !it.is_off) {
            let value = entry.value.last().map_or("", String::as_str);
            let text = format!("{}{} {value} ", entry.sign, short_name(&entry.name));
            let room = area.right().saturating_sub(x);
            // What does not fit whole is left out: half a number is another number.
            if room < width_of(&text) {
                break;
            }
            x += canvas.put(x, area.y, room, &text, entry.role);
        }
        return;
    }
    // The lines are as full as each other, and what belongs together stands together.
    let n_lines = n_entries.div_ceil(per_line).max(1);
    let per_line = n_entries.div_ceil(n_lines).max(1);
    let pitch = (width / per_line).min(LEGEND_ENTRY_MAX);
    for (entry_idx, entry) in entries.iter().enumerate() {
        let entry_idx = u16::try_from(entry_idx).unwrap_or(u16::MAX);
        let x = area.x + 1 + entry_idx % per_line * pitch;
        let y = area.y + entry_idx / per_line;
        if y < area.bottom() {
            let room = area.right().saturating_sub(x).min(pitch - 1);
            legend_entry(canvas, x, y, room, entry);
        }
    }
}

/// A name for a line that has room for no more.
fn short_name(name: &str) -> &str {
    match name {
        "desired" => "des",
        "in service" => "in",
        "queued" => "que",
        other => other.split(' ').next().unwrap_or(other),
    }
}

/// A name and its value side by side, so that a value is never read with what follows it.
fn legend_entry(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, entry: &Entry) {
    let mut spans = Vec::new();
    if let Some(key) = &entry.key {
        spans.push(Span::new(format!("{key} "), Role::Key));
    }
    spans.push(Span::new(format!("{} ", entry.sign), entry.role));
    let taken: u16 = spans.iter().map(|it| width_of(&it.text)).sum();
    let shortest = entry.value.last().map_or(0, |it| width_of(it));
    let name_width = width.saturating_sub(taken + 1 + shortest);
    let role = if entry.is_off { Role::Dim } else { Role::Text };
    let at = canvas.put_spans(x, y, width, &spans);
    let at = at + canvas.put(x + at, y, name_width, &entry.name, role) + 1;
    let left = width.saturating_sub(at);
    if entry.is_off {
        canvas.put(x + at, y, left, "off", Role::Dim);
        return;
    }
    let fits = |it: &&String| width_of(it) <= left;
    let value = entry.value.iter().find(fits).or(entry.value.last());
    if let Some(value) = value {
        canvas.put(x + at, y, left, value, entry.role);
    }
}

/// What there is to say besides: of the column that is read, and of all that is in view.
#[derive(Clone, Debug, Default)]
pub(super) struct More {
    pub(super) of_column: Vec<Span<'static>>,
    pub(super) of_view: Option<Span<'static>>,
}

/// Says which time is read, what more there is to say of it, and what happened then.
pub(super) fn readout(
    canvas: &mut Canvas<'_>,
    area: Rect,
    app: &App,
    past: Option<&Past>,
    column_idx: Option<usize>,
    more: &More,
) {
    if area.height == 0 {
        return;
    }
    let window = app.window();
    let (x, width) = (area.x + 1, area.width.saturating_sub(1));
    let mut spans = Vec::new();
    if let Some(column_idx) = column_idx {
        spans.push(plain(column_time(window, column_idx)));
        if app.cursor_column().is_none() {
            spans.push(dim("  the newest"));
        }
    }
    spans.extend_from_slice(&more.of_column);
    let here: Vec<&Marker> = past
        .iter()
        .flat_map(|it| &it.markers)
        .filter(|it| app.cursor_column().is_some() && window.column_of(it.at) == column_idx)
        .collect();
    let events = match (&here[..], past) {
        ([], Some(past)) if app.cursor_column().is_none() => in_window(past, window),
        (here, _) => events(canvas, here),
    };
    let mut below = Vec::new();
    if let Some(it) = &more.of_view {
        below.push(it.clone());
        below.push(dim("  "));
    }
    if area.height == 1 {
        if app.cursor_column().is_some() && !events.is_empty() {
            spans.push(dim("  "));
            spans.extend(events);
        } else if !below.is_empty() {
            spans.push(dim("  "));
            spans.extend(below);
        }
        canvas.put_spans(x, area.y, width, &spans);
        return;
    }
    below.extend(events);
    canvas.put_spans(x, area.y, width, &spans);
    canvas.put_spans(x, area.y + 1, width, &below);
}

/// `Sat 21 Nov 14:32:00–14:37:10 UTC`
fn column_time(window: Window, column_idx: usize) -> String {
    let (from, until) = (window.starts(column_idx), window.starts(column_idx + 1));
    let clock = |it: Timestamp| {
        if window.column() < Duration::from_mins(10) {
            it.clock_time()
        } else {
            it.minute_time()
        }
    };
    if from.start_of_day() == until.start_of_day() {
        format!("{} {}–{} UTC", from.day(), clock(from), clock(until))
    } else {
        let (from_day, until_day) = (from.day(), until.day());
        format!(
            "{from_day} {} – {until_day} {} UTC",
            clock(from),
            clock(until)
        )
    }
}

fn events(canvas: &Canvas<'_>, markers: &[&Marker]) -> Vec<Span<'static>> {
    let mut sorted = markers.to_vec();
    sorted.sort_by_key(|it| std::cmp::Reverse(rank(it.kind)));
    let Some(first) = sorted.first() else {
        return Vec::new();
    };
    let mut spans = vec![
        Span::new(
            format!("{} ", canvas.glyphs().event(first.kind)),
            marker_role(first.kind),
        ),
        dim(format!("{} ", first.at.clock_time())),
        plain(first.what.clone()),
    ];
    if 1 < sorted.len() {
        spans.insert(1, dim(format!("1 of {} ", sorted.len())));
    }
    spans
}

/// How many events there are to be found with the cursor.
fn in_window(past: &Past, window: Window) -> Vec<Span<'static>> {
    let shown = |it: &&Marker| window.column_of(it.at).is_some();
    let count = |kind: MarkerKind| {
        let markers = past.markers.iter().filter(shown);
        markers.filter(|it| it.kind == kind).count()
    };
    let kinds = [
        (MarkerKind::Operation, "operation", "operations"),
        (MarkerKind::Interruption, "interruption", "interruptions"),
        (
            MarkerKind::LaunchFailure,
            "failed launch",
            "failed launches",
        ),
        (MarkerKind::Activity, "activity", "activities"),
        (MarkerKind::Clock, "step of the clock", "steps of the clock"),
    ];
    let mut words = Vec::new();
    for (kind, one, many) in kinds {
        match count(kind) {
            0 => {}
            1 => words.push(format!("1 {one}")),
            n => words.push(format!("{n} {many}")),
        }
    }
    if words.is_empty() {
        return Vec::new();
    }
    vec![dim(format!("{} in this time", words.join(", ")))]
}
