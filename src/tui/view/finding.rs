//! A finding of the doctor: its row.

use super::list::value_cell;
use crate::{
    fleet::{FindingRow, Record, Severity, Timestamp},
    tui::{
        theme::Role,
        widget::{Cell, Span},
    },
};

pub(super) fn cell(row: &FindingRow<'_>, field: &str, at: Timestamp) -> Cell<'static> {
    let severity = match row.0.severity {
        Severity::Danger => Role::Danger,
        Severity::Warning => Role::Warn,
        Severity::Unknown | Severity::Advice => Role::Dim,
    };
    let role = match field {
        "severity" => severity,
        "evidence" | "scope" => Role::Dim,
        _ => Role::Text,
    };
    if field == "finding" {
        return vec![Span::new(row.0.kind.as_str().replace('_', " "), role)];
    }
    value_cell(&row.value(field, at), role)
}
