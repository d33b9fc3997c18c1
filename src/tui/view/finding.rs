//! A finding of the doctor: its row, and its whole text.

use super::list::value_cell;
use crate::{
    fleet::{Finding, FindingRow, Record, Severity, Timestamp},
    tui::{
        app::{App, Command},
        keymap::Context,
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

/// Returns everything that is known of a finding, and what mends it.
pub(super) fn lines(app: &App, it: &Finding) -> Vec<String> {
    let pool = it.pool.as_ref();
    let pool = pool.map_or_else(|| "none".to_owned(), ToString::to_string);
    let mut lines = vec![
        it.evidence.clone(),
        String::new(),
        format!("severity  {}", it.severity.as_str()),
        format!("pool      {pool}"),
        format!("source    {}", it.source),
    ];
    let keys = app.keymap.keys_for(Context::Doctor, &Command::FindingFix);
    let keys = keys.map_or_else(String::new, |it| format!("; {it} on its row plans that"));
    lines.push(match &it.fix {
        Some(fix) => format!("fix       pooldeck {fix}{keys}"),
        None => "fix       no command of ours; the evidence says what mends it".to_owned(),
    });
    lines
}
