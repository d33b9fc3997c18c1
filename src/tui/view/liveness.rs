//! How well each source can be read: its age, and while it fails the reason and the next try.

use std::time::Duration;

use crate::{
    fleet::{Failure, Liveness, SourceHealth, Timestamp, short_duration},
    tui::{
        app::App,
        glyph::Glyphs,
        theme::Role,
        widget::{Span, width_of},
    },
};

/// How alive a source is, in one word; one that reads only a part is not quite alive.
pub(super) fn word(health: &SourceHealth, app: &App) -> (Liveness, &'static str, Role) {
    match health.liveness(app.now) {
        Liveness::Live if is_partial(health, app) => (Liveness::Delayed, "partial", Role::Warn),
        Liveness::Live => (Liveness::Live, "live", Role::Ok),
        Liveness::Delayed => (Liveness::Delayed, "late", Role::Warn),
        Liveness::NoResponse => (Liveness::NoResponse, "no response", Role::Danger),
    }
}

fn is_partial(health: &SourceHealth, app: &App) -> bool {
    health.missing(&app.observation.errors).next().is_some()
}

/// Returns everything that keeps a source from being read whole, the worst first.
pub(super) fn troubles<'a>(
    health: &'a SourceHealth,
    app: &'a App,
) -> impl Iterator<Item = &'a Failure> {
    let missing = health.missing(&app.observation.errors);
    health.failure.iter().chain(missing)
}

/// Says when a failing source is tried again; nothing where only an operator can mend it.
pub(super) fn next_try(failure: &Failure, now: Timestamp) -> Option<String> {
    let at = failure.retry_at?;
    Some(if now < at {
        format!("next try in {}", short_duration(at.since(now)))
    } else {
        "trying again".to_owned()
    })
}

/// How much is said of a source that fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Sentence,
    Word,
    Age,
}

/// How much is said of a source that is live.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Times,
    Names,
    Count,
    Bare,
}

/// Every source with its liveness; less of each where there is less room, and last of what fails.
pub(super) fn line(app: &App, role: Role, width: u16, glyphs: Glyphs) -> Vec<Span<'static>> {
    let ways = [
        (Detail::Sentence, Form::Times),
        (Detail::Sentence, Form::Names),
        (Detail::Sentence, Form::Count),
        (Detail::Word, Form::Names),
        (Detail::Word, Form::Count),
        (Detail::Word, Form::Bare),
        (Detail::Age, Form::Count),
    ];
    let mut spans = Vec::new();
    for (detail, form) in ways {
        spans = vec![Span::new(" ", role)];
        spans.extend(failing(app, detail, glyphs));
        spans.extend(live(app, role, form, glyphs));
        let n_calls: u32 = app
            .observation
            .sources
            .iter()
            .map(|it| it.n_calls_per_minute)
            .sum();
        spans.push(Span::new(format!("{n_calls} calls/min"), role));
        let taken: u16 = spans.iter().map(|it| width_of(&it.text)).sum();
        if taken <= width {
            break;
        }
    }
    spans
}

/// The sign and the age of the source that answers worst; none while all is well.
pub(super) fn worst(app: &App, glyphs: Glyphs) -> Option<Span<'static>> {
    let sources = app.observation.sources.iter();
    let worst = sources.max_by_key(|it| word(it, app).0)?;
    let (liveness, _, role) = word(worst, app);
    let text = format!(" {} {} ", glyphs.liveness(liveness), age(worst, app));
    (liveness != Liveness::Live).then(|| Span::new(text, role))
}

fn failing(app: &App, detail: Detail, glyphs: Glyphs) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for health in &app.observation.sources {
        let (liveness, _, role) = word(health, app);
        if liveness == Liveness::Live {
            continue;
        }
        let sign = glyphs.liveness(liveness);
        let why = why(health, app, detail);
        let text = format!("{sign} {} {}{why}  ", health.source, age(health, app));
        spans.push(Span::new(text, role));
    }
    spans
}

/// The reason and the next try, as long as there is room for.
fn why(health: &SourceHealth, app: &App, detail: Detail) -> String {
    let Some(trouble) = troubles(health, app).next() else {
        return String::new();
    };
    // What is missing from a good reading may be missing for months: nothing counts then.
    let next = health.failure.as_ref().and_then(|it| next_try(it, app.now));
    let next = next.map_or(String::new(), |it| format!(", {it}"));
    match detail {
        Detail::Sentence => format!("{next}: {}", trouble.what),
        Detail::Word => format!(", {}{next}", trouble.kind.as_str()),
        Detail::Age => String::new(),
    }
}

fn live(app: &App, role: Role, form: Form, glyphs: Glyphs) -> Vec<Span<'static>> {
    let sign = glyphs.liveness(Liveness::Live);
    let sources = app.observation.sources.iter();
    let live: Vec<&SourceHealth> = sources
        .filter(|it| word(it, app).0 == Liveness::Live)
        .collect();
    let oldest = live
        .iter()
        .filter_map(|it| it.read_at)
        .min()
        .map_or(String::new(), Timestamp::clock_time);
    let mut spans = Vec::new();
    match form {
        Form::Times => {
            for health in live {
                let text = format!("{sign} {} {}  ", health.source, age(health, app));
                spans.push(Span::new(text, role));
            }
        }
        Form::Names => {
            for health in live {
                spans.push(Span::new(format!("{sign} {}  ", health.source), role));
            }
            spans.push(Span::new(format!("{oldest}  "), role));
        }
        Form::Count | Form::Bare if live.is_empty() => {}
        Form::Count => {
            let text = format!("{sign} {} live {oldest}  ", live.len());
            spans.push(Span::new(text, role));
        }
        Form::Bare => spans.push(Span::new(format!("{sign} {} live  ", live.len()), role)),
    }
    spans
}

/// The time of the reading while it is fresh; its age once it is late.
fn age(health: &SourceHealth, app: &App) -> String {
    match (health.read_at, health.liveness(app.now)) {
        (None, Liveness::NoResponse) => "no response".to_owned(),
        (None, _) => "reading".to_owned(),
        (Some(at), Liveness::Live) if is_partial(health, app) => {
            format!("{} in part", at.clock_time())
        }
        (Some(at), Liveness::Live) => at.clock_time(),
        (Some(at), _) => format!("{} old", short_duration(app.now.since(at))),
    }
}

/// Returns after how long the line is different without any news.
pub(super) fn changes_in(app: &App) -> Option<Duration> {
    let sources = app.observation.sources.iter();
    sources.filter_map(|it| turns_late_in(it, app)).min()
}

/// A fresh source turns late by itself, and the age of a late one counts.
fn turns_late_in(health: &SourceHealth, app: &App) -> Option<Duration> {
    // What never answered has no age, but a next try.
    let counts = health
        .failure
        .as_ref()
        .is_some_and(|it| it.retry_at.is_some_and(|at| app.now < at));
    let Some(read_at) = health.read_at else {
        return counts.then_some(SECOND);
    };
    if health.liveness(app.now) == Liveness::Live {
        let late_at = read_at + health.interval * 3 / 2;
        Some(late_at.since(app.now) + SECOND)
    } else {
        Some(SECOND)
    }
}

const SECOND: Duration = Duration::from_secs(1);
