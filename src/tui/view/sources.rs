//! Where the data comes from: how old it is, what fails, when it is tried again.

use super::dim;
use crate::{
    fleet::{Liveness, SourceHealth, short_duration},
    tui::{
        app::App,
        theme::Role,
        widget::{Cell, Span},
    },
};

pub(super) fn cell(health: &SourceHealth, app: &App) -> Cell<'static> {
    let (word, role) = liveness_word(health.liveness(app.now));
    let read = health.read_at.map_or_else(
        || "never read".to_owned(),
        |it| format!("read {}", it.clock_time()),
    );
    let mut cell = vec![
        Span::new(format!("{:<24} ", health.source), Role::Text),
        Span::new(format!("{word:<11} "), role),
        dim(format!(
            "{read}  every {}  {} calls/min",
            short_duration(health.interval),
            health.n_calls_per_minute
        )),
    ];
    if let Some(failure) = &health.failure {
        cell.push(Span::new(format!("  {}", failure.what), Role::Warn));
        if let Some(at) = failure.retry_at.filter(|it| app.now < *it) {
            cell.push(dim(format!(
                "  next try in {}",
                short_duration(at.since(app.now))
            )));
        }
    }
    cell
}

pub(super) fn liveness_word(liveness: Liveness) -> (&'static str, Role) {
    match liveness {
        Liveness::Live => ("live", Role::Ok),
        Liveness::Delayed => ("late", Role::Warn),
        Liveness::NoResponse => ("no response", Role::Danger),
    }
}
