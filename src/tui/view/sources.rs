//! Where the data comes from: how old it is, what fails, when it is tried again.

use super::{dim, plain};
use crate::{
    fleet::{Liveness, SourceHealth, Timestamp, short_duration},
    tui::{
        theme::Role,
        widget::{Cell, Span},
    },
};

pub(super) fn cell(health: &SourceHealth, column: &str, now: Timestamp) -> Cell<'static> {
    let liveness = health.liveness(now);
    match column {
        "source" => vec![plain(health.source.to_string())],
        "state" => {
            let (word, role) = liveness_word(liveness);
            vec![Span::new(word, role)]
        }
        "read" => vec![dim(health
            .read_at
            .map_or_else(|| "never".to_owned(), Timestamp::clock_time))],
        // An age that counts is shown once it means something.
        "age" => match health.read_at.filter(|_| liveness != Liveness::Live) {
            Some(at) => vec![Span::new(short_duration(now.since(at)), Role::Warn)],
            None => vec![dim("-")],
        },
        "every" => vec![dim(short_duration(health.interval))],
        "calls" => vec![dim(health.n_calls_per_minute.to_string())],
        _ => failure(health, now),
    }
}

fn failure(health: &SourceHealth, now: Timestamp) -> Cell<'static> {
    let Some(failure) = &health.failure else {
        return vec![dim("-")];
    };
    let next = match failure.retry_at {
        Some(at) if now < at => format!("next try in {}: ", short_duration(at.since(now))),
        Some(_) => "trying again: ".to_owned(),
        None => String::new(),
    };
    vec![dim(next), Span::new(failure.what.clone(), Role::Warn)]
}

pub(super) fn liveness_word(liveness: Liveness) -> (&'static str, Role) {
    match liveness {
        Liveness::Live => ("live", Role::Ok),
        Liveness::Delayed => ("late", Role::Warn),
        Liveness::NoResponse => ("no response", Role::Danger),
    }
}
