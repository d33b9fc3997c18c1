//! A stray: its row, and the warning that the fleet screen shows.

use super::list::value_cell;
use crate::{
    fleet::{Record, StrayRow, Timestamp},
    tui::{
        app::App,
        theme::Role,
        widget::{Cell, Span},
    },
};

pub(super) fn cell(row: &StrayRow<'_>, field: &str, at: Timestamp) -> Cell<'static> {
    let is_alarming = row.0.kind.is_alarming();
    let role = match field {
        // A latent worker is ordinary: it is there, and does not ask to be looked at.
        _ if !is_alarming => Role::Dim,
        "kind" => Role::Danger,
        "for" | "pool" | "since" => Role::Dim,
        _ => Role::Text,
    };
    if field == "kind" {
        return vec![Span::new(row.0.kind.as_str().replace('_', " "), role)];
    }
    value_cell(&row.value(field, at), role)
}

/// Says how many disagreements an operator should look at; none when there are none.
pub(super) fn warning(app: &App) -> Option<Span<'static>> {
    let n = app
        .findings
        .strays()
        .iter()
        .filter(|it| it.kind.is_alarming())
        .count();
    let what = if n == 1 { "stray" } else { "strays" };
    (0 < n).then(|| Span::new(format!("  {n} {what}"), Role::Danger))
}
