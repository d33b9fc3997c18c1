//! A scaling activity: its row, and its whole text.

use super::{dim, list::value_cell};
use crate::{
    fleet::{Activity, ActivityRow, ActivityStatus, Record, Timestamp},
    tui::{
        theme::Role,
        widget::{Cell, Span},
    },
};

pub(super) fn cell(
    row: &ActivityRow<'_>,
    field: &str,
    has_message_column: bool,
    at: Timestamp,
) -> Cell<'static> {
    match field {
        "started_at" => vec![dim(row.0.started_at.clock_time())],
        "status" => value_cell(&row.value(field, at), role_of(row.0)),
        // Why it failed says more than what it tried.
        "description" if row.0.status == ActivityStatus::Failed && !has_message_column => {
            let why = row.0.status_message.as_ref().unwrap_or(&row.0.description);
            vec![Span::new(why.clone(), Role::Warn)]
        }
        "message" => value_cell(&row.value(field, at), Role::Warn),
        _ => value_cell(&row.value(field, at), Role::Text),
    }
}

fn role_of(activity: &Activity) -> Role {
    match activity.status {
        ActivityStatus::Successful => Role::Ok,
        ActivityStatus::Failed => Role::Danger,
        ActivityStatus::Cancelled => Role::Warn,
        _ => Role::Pending,
    }
}

/// Returns everything that AWS says of an activity.
pub(super) fn lines(activity: &Activity) -> Vec<String> {
    let ended = activity
        .ended_at
        .map_or_else(|| "not yet".to_owned(), |it| it.to_string());
    let mut lines = vec![
        activity.description.clone(),
        String::new(),
        format!("status   {}", activity.status),
    ];
    lines.extend(
        activity
            .status_message
            .iter()
            .map(|it| format!("reason   {it}")),
    );
    lines.extend([
        format!("pool     {}", activity.pool),
        format!("started  {}", activity.started_at),
        format!("ended    {ended}"),
        format!("cause    {}", activity.cause),
        format!("id       {}", activity.id),
    ]);
    lines
}
