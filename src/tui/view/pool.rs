//! A pool: its row in the fleet, and the facts above its instances.

use ratatui::layout::Rect;

use super::{dim, list::value_cell, plain};
use crate::{
    fleet::{Phase, Pool, PoolKey, PoolRow, Record, Timestamp, short_duration},
    tui::{
        app::App,
        glyph::Glyphs,
        theme::Role,
        widget::{Canvas, Cell, Column, Span, bar},
    },
};

pub(super) fn cell(
    row: &PoolRow<'_>,
    column: &Column,
    at: Timestamp,
    glyphs: Glyphs,
) -> Cell<'static> {
    if column.name == super::columns::BAR {
        let desired = row.pool.capacity.map_or(0, |it| it.desired);
        return bar(&row.roster.counts, desired, column.width, glyphs);
    }
    let value = row.value(column.name, at);
    let is_some = value.show("0") != "0";
    let role = match column.name {
        "pending" if is_some => Role::Pending,
        "terminating" if is_some => Role::Terminating,
        "standby" if is_some => Role::Standby,
        "waiting" if is_some => Role::Waiting,
        "in_service"
            if row
                .pool
                .capacity
                .is_some_and(|it| row.count(Phase::InService) < it.desired) =>
        {
            Role::Warn
        }
        "outdated" | "queued" if is_some => Role::Warn,
        "busy" if is_some => Role::Busy,
        "idle" if is_some => Role::Idle,
        "suspended" => Role::Warn,
        "pending" | "terminating" | "standby" | "waiting" | "outdated" | "queued" | "busy"
        | "idle" | "min" | "max" | "scope" => Role::Dim,
        _ => Role::Text,
    };
    value_cell(&value, role)
}

/// Says what the pool is made from and what it does by itself.
pub(super) fn draw_facts(canvas: &mut Canvas<'_>, area: Rect, app: &App, key: &PoolKey) {
    let Some(pool) = app.observation.fleet.pool(key) else {
        canvas.put(
            area.x,
            area.y,
            area.width,
            &format!("{key} is gone"),
            Role::Warn,
        );
        return;
    };
    let lines = facts(pool);
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        canvas.put_spans(area.x + 1, y, area.width.saturating_sub(1), &line);
    }
}

fn facts(pool: &Pool) -> Vec<Vec<Span<'static>>> {
    let mut lines = Vec::new();
    let size = pool.capacity.map_or_else(
        || format!("{}, no group keeps its size", pool.kind.as_str()),
        |it| format!("desired {}  min {}  max {}", it.desired, it.min, it.max),
    );
    let template = pool.template.as_ref().map_or_else(
        || "not known".to_owned(),
        |it| {
            let version = it
                .resolved_version
                .as_deref()
                .filter(|resolved| **resolved != it.version);
            let version = version.map_or(it.version.clone(), |resolved| {
                format!("{} ({resolved})", it.version)
            });
            let image = it
                .image
                .as_ref()
                .map_or("image not resolved", |it| it.as_str());
            format!("{} {version}  {image}", it.name)
        },
    );
    lines.push(vec![plain(size), dim("   template "), plain(template)]);
    let suspended: Vec<&str> = pool
        .suspended
        .iter()
        .map(|it| it.process.as_str())
        .collect();
    let mut line = vec![dim("zones "), plain(pool.zones.join(" "))];
    if !suspended.is_empty() {
        line.push(Span::new(
            format!("   suspended: {}", suspended.join(" ")),
            Role::Warn,
        ));
    }
    lines.push(line);
    let hooks: Vec<String> = pool
        .hooks
        .iter()
        .map(|it| format!("{} {}", it.name, short_duration(it.heartbeat_timeout)))
        .collect();
    lines.push(vec![
        dim("hooks "),
        plain(if hooks.is_empty() {
            "none".to_owned()
        } else {
            hooks.join(", ")
        }),
    ]);
    lines
}
