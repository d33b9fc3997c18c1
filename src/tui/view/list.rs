//! A list as a panel: its title, its heads, its rows.

use std::{cell, sync::Arc, time::Duration};

use ratatui::layout::Rect;

use super::{
    activity, columns, dim, executor, finding, liveness, operation, plain, pool, prices, sources,
    stray,
};
use crate::{
    fleet::{
        Activity, ActivityRow, ExecutorRow, FindingRow, InstanceRow, Lifecycle, QueueRow, Record,
        StrayRow, Timestamp, Value, Work, short_duration,
    },
    tui::{
        app::{App, List, Noun, RowId, Severity, View},
        glyph::Glyphs,
        layout,
        theme::Role,
        widget::{Canvas, Cell, Column, Span, Table, role_of},
    },
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App, list: &List, has_focus: bool) {
    if area.height == 0 {
        return;
    }
    canvas.title(area, &title(app, list, has_focus));
    let head = layout::head_height(area);
    let columns = columns_for(app, list, area.width);
    let rows_area = Rect {
        y: area.y + head.min(1),
        height: area.height - head.min(1),
        ..area
    };
    let table = Table {
        area: rows_area,
        columns: &columns,
        has_head: head == 2,
        has_focus,
    };
    let n_rows = layout::n_rows(area);
    let first = list.offset();
    let shown = list.rows().iter().enumerate().skip(first).take(n_rows);
    let painter = RowPainter::new(app, canvas.glyphs());
    let rows = shown.map(|(row_idx, row)| {
        let state = crate::tui::widget::RowState {
            is_cursor: list.cursor_idx() == Some(row_idx),
            is_marked: list.is_marked(row),
        };
        (state, painter.cells(row, &columns))
    });
    table.paint(canvas, rows);
    if list.rows().is_empty() && head < area.height {
        canvas.put(
            area.x + 2,
            area.y + head,
            area.width.saturating_sub(2),
            &why_empty(app, list),
            Role::Dim,
        );
    }
}

fn columns_for(app: &App, list: &List, width: u16) -> Vec<Column> {
    if list.noun.fields().is_empty() {
        return columns::plain_columns(list, &app.observation, width);
    }
    let names = app.columns_of(list.noun);
    columns::columns(list, &names, &app.observation, width)
}

/// Returns the cells of one row, all its columns, as if there were room for each.
pub(super) fn cells_of<'a>(app: &'a App, list: &'a List, row: &'a RowId) -> Vec<Cell<'a>> {
    let columns = columns_for(app, list, u16::MAX);
    RowPainter::new(app, Glyphs::Unicode).cells(row, &columns)
}

/// The name of the list, how many rows it has, and what narrows it.
fn title(app: &App, list: &List, has_focus: bool) -> Vec<Span<'static>> {
    let (n_shown, n_all) = (list.rows().len(), list.n_all());
    let name = match (&list.noun, &list.within, &app.screen().view) {
        (Noun::Instances, Some(pool), View::Pool(_)) => format!("instances of {pool}"),
        (Noun::Queues, ..) => "queues, and why the oldest waits".to_owned(),
        (Noun::Waiting, ..) => "waiting, and why".to_owned(),
        (noun, ..) => noun.as_str().to_owned(),
    };
    let role = if has_focus { Role::Title } else { Role::Dim };
    let mut spans = vec![Span::new(name, role)];
    let count = if n_shown == n_all {
        format!(" {n_all}")
    } else {
        format!(" {n_shown}/{n_all}")
    };
    spans.push(dim(count));
    if !list.filter.is_empty() {
        spans.push(Span::new(
            format!("  / {}", list.filter.as_str()),
            Role::Match,
        ));
    }
    if 0 < list.n_marked() {
        let hidden = match list.n_marked_hidden() {
            0 => String::new(),
            n => format!(", {n} marked hidden"),
        };
        spans.push(Span::new(
            format!("  {} marked{hidden}", list.n_marked()),
            Role::Mark,
        ));
    }
    match list.noun {
        Noun::Pools => spans.extend(stray::warning(app)),
        Noun::Sources => spans.extend(prices::line(app)),
        _ => {}
    }
    spans
}

fn why_empty(app: &App, list: &List) -> String {
    if 0 < list.n_all() {
        return "no row matches the filter".to_owned();
    }
    let was_read = app
        .observation
        .sources
        .iter()
        .any(|it| it.read_at.is_some());
    match list.noun {
        Noun::Waiting if was_read => "nothing waits".to_owned(),
        Noun::Strays if was_read => "EC2 and the controllers agree".to_owned(),
        Noun::Findings if was_read => "the doctor finds nothing".to_owned(),
        Noun::Queues if was_read => "no controller tells of a queue".to_owned(),
        Noun::Operations => "no operation was begun on this host".to_owned(),
        Noun::Messages => "nothing was said yet".to_owned(),
        _ if was_read => format!("no {}", list.noun.as_str()),
        _ => "not read yet".to_owned(),
    }
}

/// Returns a second while a countdown is on the screen.
pub(super) fn changes_in(app: &App) -> Option<Duration> {
    let screen = app.screen();
    let panels = layout::panels(app.size, &screen.view);
    let mut visible = screen.panels.iter().zip(panels);
    let counts = visible.any(|(list, area)| has_countdown(app, list, area));
    counts.then_some(Duration::from_secs(1))
}

fn has_countdown(app: &App, list: &List, area: Rect) -> bool {
    if list.noun != Noun::Waiting && list.noun != Noun::Sources {
        return false;
    }
    let mut shown = list
        .rows()
        .iter()
        .skip(list.offset())
        .take(layout::n_rows(area));
    let all = app.findings.waiting();
    shown.any(|row| match row {
        RowId::Waiting(pool, instance, _) => {
            let found = all
                .iter()
                .find(|it| it.pool == *pool && it.instance == *instance);
            found.is_some_and(|it| it.until.is_some_and(|until| app.now < until))
        }
        RowId::Source(source) => {
            let found = app
                .observation
                .sources
                .iter()
                .find(|it| it.source == *source);
            found.is_some_and(|it| liveness::troubles(it, app).next().is_some())
        }
        _ => false,
    })
}

/// What a list's rows look like.
struct RowPainter<'a> {
    app: &'a App,
    at: Timestamp,
    glyphs: Glyphs,
    next_activity_idx: cell::Cell<usize>,
}

impl<'a> RowPainter<'a> {
    fn new(app: &'a App, glyphs: Glyphs) -> Self {
        // Ages are those of the reading: nothing moves until the next one.
        let at = app.observation.at;
        Self {
            app,
            at,
            glyphs,
            next_activity_idx: cell::Cell::new(0),
        }
    }

    /// Finds an activity, nearly always right after the one before.
    fn activity(&self, id: &str) -> Option<&'a Arc<Activity>> {
        let all = &self.app.observation.fleet.activities;
        let from = self.next_activity_idx.get().min(all.len());
        let mut indices = (from..all.len()).chain(0..from);
        let found = indices.find(|it| all[*it].id == id)?;
        self.next_activity_idx.set(found + 1);
        all.get(found)
    }

    fn cells(&self, row: &RowId, columns: &[Column]) -> Vec<Cell<'a>> {
        let fleet = &self.app.observation.fleet;
        match row {
            RowId::Pool(key) => {
                let row = self.app.figures.row(fleet, key);
                row.map_or_else(Vec::new, |row| {
                    columns
                        .iter()
                        .map(|column| pool::cell(&row, column, self.at, self.glyphs))
                        .collect()
                })
            }
            RowId::Instance(id) => fleet.instances.get(id).map_or_else(Vec::new, |it| {
                let row = InstanceRow::new(fleet, it);
                columns
                    .iter()
                    .map(|column| instance_cell(&row, column.name, self.at))
                    .collect()
            }),
            RowId::Finding(kind, pool, nth) => {
                let findings = &self.app.findings;
                let found = findings.finding(*kind, pool.as_ref(), *nth);
                found.map_or_else(Vec::new, |it| {
                    let row = FindingRow(it);
                    columns
                        .iter()
                        .map(|column| finding::cell(&row, column.name, self.at))
                        .collect()
                })
            }
            RowId::Executor(..) | RowId::Queue(..) | RowId::Stray(..) => {
                self.controller_cells(row, columns)
            }
            RowId::Operation(id) => {
                let found = self.app.operations.get(id);
                found.map_or_else(Vec::new, |it| {
                    let columns = columns.iter();
                    columns
                        .map(|column| operation::cell(it, column.name, self.app.now))
                        .collect()
                })
            }
            RowId::Activity(id) => {
                let found = self.activity(id);
                found.map_or_else(Vec::new, |it| {
                    let row = ActivityRow(it);
                    let has_message = columns.iter().any(|it| it.name == "message");
                    columns
                        .iter()
                        .map(|column| activity::cell(&row, column.name, has_message, self.at))
                        .collect()
                })
            }
            RowId::Waiting(pool, instance, nth) => {
                let is_same =
                    |it: &&crate::fleet::Waiting| it.pool == *pool && it.instance == *instance;
                let found = self.app.findings.waiting().iter().filter(is_same).nth(*nth);
                found.map_or_else(Vec::new, |it| {
                    columns
                        .iter()
                        .map(|column| waiting_cell(it, column.name, self.app.now))
                        .collect()
                })
            }
            RowId::Message(id) => {
                let found = self.app.messages.get(*id);
                found.map_or_else(Vec::new, |it| {
                    columns
                        .iter()
                        .map(|column| message_cell(it, column.name))
                        .collect()
                })
            }
            RowId::Source(source) => {
                let found = self
                    .app
                    .observation
                    .sources
                    .iter()
                    .find(|it| it.source == *source);
                found.map_or_else(Vec::new, |it| {
                    columns
                        .iter()
                        .map(|column| sources::cell(it, column.name, self.app))
                        .collect()
                })
            }
        }
    }

    /// The cells of what the controllers know.
    fn controller_cells(&self, row: &RowId, columns: &[Column]) -> Vec<Cell<'a>> {
        let fleet = &self.app.observation.fleet;
        match row {
            RowId::Executor(controller, id) => {
                fleet.executor(controller, id).map_or_else(Vec::new, |it| {
                    let row = ExecutorRow(it);
                    columns
                        .iter()
                        .map(|column| executor::cell(&row, column.name, self.at))
                        .collect()
                })
            }
            RowId::Queue(controller, label) => {
                let mut queues = fleet.queues.iter();
                let found = queues.find(|it| it.controller == *controller && it.label == *label);
                found.map_or_else(Vec::new, |it| {
                    let row = QueueRow(it);
                    columns
                        .iter()
                        .map(|column| executor::queue_cell(&row, column.name, self.at))
                        .collect()
                })
            }
            RowId::Stray(kind, name, instance) => {
                let mut strays = self.app.findings.strays().iter();
                let found = strays
                    .find(|it| it.kind == *kind && it.name == *name && it.instance == *instance);
                found.map_or_else(Vec::new, |it| {
                    let row = StrayRow(it);
                    columns
                        .iter()
                        .map(|column| stray::cell(&row, column.name, self.at))
                        .collect()
                })
            }
            _ => Vec::new(),
        }
    }
}

/// Shows a value as a cell; what is not known is a dash, never a zero.
pub(super) fn value_cell(value: &Value<'_>, role: Role) -> Cell<'static> {
    match value {
        Value::Missing => vec![dim("-")],
        value => vec![Span::new(value.show("-").into_owned(), role)],
    }
}

fn instance_cell(row: &InstanceRow<'_>, field: &str, at: Timestamp) -> Cell<'static> {
    let value = row.value(field, at);
    let role = match field {
        "lifecycle" | "state" => row
            .instance
            .lifecycle
            .as_ref()
            .map_or(Role::Other, |it: &Lifecycle| role_of(it.phase())),
        "work" => match row.work() {
            Some(Work::Busy(_)) => Role::Busy,
            Some(Work::Idle { .. }) => Role::Idle,
            Some(Work::Offline { .. } | Work::Unknown(_)) | None => Role::Unknown,
        },
        "health" if value.show("") != "Healthy" => Role::Danger,
        "outdated" if value == Value::Flag(true) => Role::Warn,
        "event" => Role::Warn,
        "az" | "age" | "market" => Role::Dim,
        _ => Role::Text,
    };
    value_cell(&value, role)
}

fn waiting_cell(it: &crate::fleet::Waiting, column: &str, now: Timestamp) -> Cell<'static> {
    match column {
        "until" => match it.until.filter(|it| now < *it) {
            Some(until) => vec![Span::new(short_duration(until.since(now)), Role::Waiting)],
            None if it.is_alarming => vec![Span::new("!", Role::Danger)],
            None => vec![dim("-")],
        },
        "pool" => vec![plain(it.pool.name.to_string())],
        "instance" => vec![
            it.instance
                .as_ref()
                .map_or_else(|| dim("-"), |id| plain(id.to_string())),
        ],
        _ => {
            let role = if it.is_alarming {
                Role::Danger
            } else {
                Role::Dim
            };
            vec![Span::new(it.why.clone(), role)]
        }
    }
}

fn message_cell(it: &crate::tui::app::Message, column: &str) -> Cell<'static> {
    match column {
        "at" => vec![dim(it.at.clock_time())],
        _ => vec![Span::new(it.text.clone(), severity_role(it.severity))],
    }
}

pub(super) fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Note => Role::Text,
        Severity::Done => Role::Ok,
        Severity::Warning => Role::Warn,
        Severity::Failure => Role::Danger,
    }
}
