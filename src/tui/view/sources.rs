//! Where the data comes from: how old it is, what fails, when it is tried again.

use super::{dim, liveness, plain};
use crate::{
    fleet::{Liveness, SourceHealth, SourceId, Timestamp, short_duration},
    tui::{
        app::App,
        theme::Role,
        widget::{Cell, Span},
    },
};

pub(super) fn cell(health: &SourceHealth, column: &str, app: &App) -> Cell<'static> {
    let (liveness, word, role) = liveness::word(health, app);
    match column {
        "source" => vec![plain(health.source.to_string())],
        "state" => vec![Span::new(word, role)],
        "read" => vec![dim(read(health))],
        // An age that counts is shown once it means something.
        "age" => match health.read_at.filter(|_| liveness != Liveness::Live) {
            Some(at) => vec![Span::new(short_duration(app.now.since(at)), Role::Warn)],
            None => vec![dim("-")],
        },
        "every" => vec![dim(short_duration(health.interval))],
        "calls" => vec![dim(health.n_calls_per_minute.to_string())],
        _ => failure(health, app),
    }
}

fn read(health: &SourceHealth) -> String {
    let at = health.read_at;
    at.map_or_else(|| "never".to_owned(), Timestamp::clock_time)
}

fn failure(health: &SourceHealth, app: &App) -> Cell<'static> {
    let mut troubles = liveness::troubles(health, app);
    let Some(failure) = troubles.next() else {
        return vec![dim("-")];
    };
    let next = liveness::next_try(failure, app.now);
    let mut cell = vec![
        dim(next.map_or(String::new(), |it| format!("{it}: "))),
        Span::new(failure.what.clone(), Role::Warn),
    ];
    let n_more = troubles.count();
    if 0 < n_more {
        cell.push(dim(format!(", and {n_more} more")));
    }
    cell
}

/// Returns all of a source in lines: the table has seldom room for a whole reason.
pub(super) fn lines(id: &SourceId, app: &App) -> Vec<String> {
    let mut sources = app.observation.sources.iter();
    let Some(health) = sources.find(|it| it.source == *id) else {
        return vec!["not looked at any more".to_owned()];
    };
    let (_, word, _) = liveness::word(health, app);
    let mut lines = vec![
        format!("state   {word}"),
        format!("read    {}", read(health)),
        format!("every   {}", short_duration(health.interval)),
        format!("calls   {} in a minute", health.n_calls_per_minute),
    ];
    for failure in liveness::troubles(health, app) {
        lines.push(String::new());
        lines.push(failure.what.clone());
        let next = liveness::next_try(failure, app.now);
        lines.push(next.unwrap_or_else(|| "only an operator can mend it".to_owned()));
    }
    lines
}
