//! A pool: its row in the fleet, and the facts above its instances.

use ratatui::layout::Rect;

use super::{dim, list::value_cell, plain};
use crate::{
    fleet::{
        Fleet, FreezeMark, ImageId, Phase, Pool, PoolKey, PoolRow, Queue, Record, Timestamp,
        short_duration,
    },
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

/// Says how large the pool is, what it is made from, and what it does by itself.
pub(super) fn draw_facts(canvas: &mut Canvas<'_>, area: Rect, app: &App, key: &PoolKey) {
    let fleet = &app.observation.fleet;
    let Some(pool) = fleet.pool(key) else {
        canvas.put(
            area.x + 1,
            area.y,
            area.width.saturating_sub(1),
            &format!("{key} is gone"),
            Role::Warn,
        );
        return;
    };
    let Some(row) = app.figures.row(fleet, key) else {
        return;
    };
    // The first line is there on every screen, the last only where there is room.
    let lines = [
        size(pool, app.now),
        template(&row),
        ci(&row, fleet, app.observation.at),
        group(pool),
    ];
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        canvas.put_spans(area.x + 1, y, area.width.saturating_sub(1), &line);
    }
}

type Line = Vec<Span<'static>>;

fn size(pool: &Pool, now: Timestamp) -> Line {
    let mut line = match pool.capacity {
        Some(it) => vec![
            dim("desired "),
            plain(it.desired.to_string()),
            dim("  min "),
            plain(it.min.to_string()),
            dim("  max "),
            plain(it.max.to_string()),
        ],
        None => vec![plain(format!(
            "{}: no group keeps its size",
            pool.kind.as_str()
        ))],
    };
    if let Some(warm) = pool.warm_pool_size {
        line.extend([dim("  warm pool "), plain(warm.to_string())]);
    }
    let suspended: Vec<&str> = pool
        .suspended
        .iter()
        .map(|it| it.process.as_str())
        .collect();
    line.extend(frozen(pool, now));
    if !suspended.is_empty() {
        line.push(Span::new(
            format!("   suspended: {}", suspended.join(" ")),
            Role::Warn,
        ));
    }
    if let Some(status) = &pool.status {
        line.push(Span::new(format!("   {status}"), Role::Danger));
    }
    line
}

/// Says that a freeze holds the group, and counts down.
fn frozen(pool: &Pool, now: Timestamp) -> Option<Span<'static>> {
    let (text, role) = match FreezeMark::of(pool)? {
        Err(_) => (
            "frozen, and its tag cannot be read".to_owned(),
            Role::Danger,
        ),
        Ok(it) if it.is_overdue(now) => (
            format!("frozen by {}, overdue: thaw it", it.by),
            Role::Danger,
        ),
        Ok(it) => {
            let ends = it.until.map_or_else(
                || " until somebody thaws it".to_owned(),
                |until| format!(" for {} more", short_duration(until.since(now))),
            );
            (format!("frozen by {}{ends}", it.by), Role::Waiting)
        }
    };
    Some(Span::new(format!("   {text}"), role))
}

fn template(row: &PoolRow<'_>) -> Line {
    let Some(it) = &row.pool.template else {
        return vec![dim("template "), dim("not known")];
    };
    let resolved = it
        .resolved_version
        .as_deref()
        .filter(|resolved| **resolved != it.version);
    let version = resolved.map_or(it.version.clone(), |resolved| {
        format!("{} = {resolved}", it.version)
    });
    let image = it
        .image
        .as_ref()
        .map_or("image not resolved", ImageId::as_str);
    let mut line = vec![
        dim("template "),
        plain(format!("{} {version}  {image}", it.name)),
    ];
    line.extend(it.instance_type.as_ref().map(|it| plain(format!("  {it}"))));
    if 0 < row.n_outdated {
        line.push(Span::new(
            format!("   {} made from an older one", row.n_outdated),
            Role::Warn,
        ));
    }
    line
}

fn ci(row: &PoolRow<'_>, fleet: &Fleet, at: Timestamp) -> Line {
    let Some(served) = &row.pool.ci else {
        return vec![dim(
            "no controller is configured: what runs there is not known",
        )];
    };
    let mut line = vec![
        dim(format!("{} ", served.controller)),
        plain(served.label.clone()),
        dim("  agents "),
        plain(format!(
            "{} busy, {} idle, {} in all",
            row.n_busy, row.n_idle, row.n_executors
        )),
    ];
    let is_ours = |it: &&Queue| it.controller == served.controller && it.label == served.label;
    for queue in fleet
        .queues
        .iter()
        .filter(is_ours)
        .filter(|it| 0 < it.length)
    {
        let since = queue.oldest_since.map_or(String::new(), |it| {
            format!(", the oldest for {}", short_duration(at.since(it)))
        });
        let why = queue
            .why
            .as_ref()
            .map_or(String::new(), |it| format!(": {it}"));
        line.push(Span::new(
            format!("   {} waiting{since}{why}", queue.length),
            Role::Warn,
        ));
    }
    line
}

fn group(pool: &Pool) -> Line {
    let mut line = vec![dim("zones "), plain(pool.zones.join(" "))];
    let hooks: Vec<String> = pool
        .hooks
        .iter()
        .map(|it| format!("{} {}", it.name, short_duration(it.heartbeat_timeout)))
        .collect();
    if !hooks.is_empty() {
        line.extend([dim("  hooks "), plain(hooks.join(", "))]);
    }
    if let Some(mixed) = &pool.mixed {
        let base = mixed.on_demand_base;
        let above = mixed.on_demand_percent_above_base;
        line.extend([
            dim("  on demand "),
            plain(format!("{base} and {above} % above")),
        ]);
    }
    if pool.protects_new_instances {
        line.push(plain("  protects new instances"));
    }
    line
}
