//! The context band: who we are, where, what we may do, and how fresh it all is.

use std::time::Duration;

use ratatui::layout::Rect;

use super::sources::liveness_word;
use crate::{
    fleet::{Liveness, Scope, SourceHealth, short_duration},
    tui::{
        app::{App, Target},
        theme::Role,
        widget::{Canvas, Span},
    },
};

/// From here on the time that is left on the credentials counts down by seconds.
const CREDENTIALS_SOON: Duration = Duration::from_mins(10);

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    if area.height == 0 {
        return;
    }
    let scopes = &app.observation.fleet.scopes;
    let is_production = scopes.iter().any(Scope::is_production);
    let role = if is_production {
        Role::BandProduction
    } else {
        Role::Band
    };
    canvas.clear(area, role);
    let width = area.width;
    canvas.on(role, |canvas| {
        canvas.put_spans(area.x, area.y, width, &context(app, role));
        if 1 < area.height {
            canvas.put_spans(
                area.x,
                area.y + 1,
                width,
                &sources(app, role, canvas.glyphs()),
            );
        }
    });
}

/// The scope of what is selected, or the first one.
fn scope_in_view(app: &App) -> Option<&Scope> {
    let fleet = &app.observation.fleet;
    let pool = Target::of(app.screen(), fleet).selection.pool;
    pool.and_then(|it| fleet.scope(&it.scope))
        .or_else(|| fleet.scopes.first())
}

fn context(app: &App, role: Role) -> Vec<Span<'static>> {
    let mut spans = vec![Span::new(" pooldeck ", Role::BandAccent)];
    let Some(scope) = scope_in_view(app) else {
        spans.push(Span::new("no scope is configured", role));
        return spans;
    };
    if scope.is_production() {
        spans.push(Span::new(" PRODUCTION ", Role::BandAccent));
    }
    let account = scope
        .identity
        .as_ref()
        .map_or("account not proven", |it| it.account.as_str());
    spans.push(Span::new(
        format!(" {} {account} ", scope.alias),
        Role::BandAccent,
    ));
    spans.push(Span::new(format!(" {} ", scope.region), role));
    if let Some(identity) = &scope.identity {
        spans.push(Span::new(format!(" {} ", identity.role()), role));
    }
    if app.policy.read_only || scope.read_only {
        spans.push(Span::new(" READ-ONLY ", Role::ReadOnly));
    } else {
        spans.push(Span::new(" write ", Role::Writable));
    }
    spans.extend(credentials(app, scope, role));
    spans
}

fn credentials(app: &App, scope: &Scope, role: Role) -> Option<Span<'static>> {
    let expires_at = scope.identity.as_ref()?.expires_at?;
    let left = expires_at.since(app.now);
    Some(if left.is_zero() {
        Span::new(" credentials EXPIRED ", Role::Danger)
    } else if left < CREDENTIALS_SOON {
        Span::new(
            format!(" credentials {} ", short_duration(left)),
            Role::Warn,
        )
    } else {
        // By the minute: a number that ticks is a number that is sent.
        let left = Duration::from_mins(left.as_secs() / 60);
        Span::new(format!(" credentials {} ", short_duration(left)), role)
    })
}

fn sources(app: &App, role: Role, glyphs: crate::tui::glyph::Glyphs) -> Vec<Span<'static>> {
    let mut spans = vec![Span::new(" ", role)];
    for health in &app.observation.sources {
        let liveness = health.liveness(app.now);
        let (_, sign_role) = liveness_word(liveness);
        let sign_role = if liveness == Liveness::Live {
            role
        } else {
            sign_role
        };
        spans.push(Span::new(glyphs.liveness(liveness), sign_role));
        spans.push(Span::new(
            format!(" {} {}  ", health.source, age(health, app)),
            sign_role,
        ));
    }
    let n_calls: u32 = app
        .observation
        .sources
        .iter()
        .map(|it| it.n_calls_per_minute)
        .sum();
    spans.push(Span::new(format!("{n_calls} calls/min"), role));
    spans
}

/// The time of the reading while it is fresh; its age once it is late.
fn age(health: &SourceHealth, app: &App) -> String {
    match (health.read_at, health.liveness(app.now)) {
        (None, Liveness::NoResponse) => "no response".to_owned(),
        (None, _) => "reading".to_owned(),
        (Some(at), Liveness::Live) => at.clock_time(),
        (Some(at), _) => format!("{} old", short_duration(app.now.since(at))),
    }
}

/// Returns after how long the band is different without any news: none when never.
pub(super) fn changes_in(app: &App) -> Option<Duration> {
    let sources = app
        .observation
        .sources
        .iter()
        .filter_map(|it| turns_late_in(it, app));
    let scope = scope_in_view(app);
    let expires_at = scope.and_then(|it| it.identity.as_ref()?.expires_at);
    let credentials = expires_at
        .map(|it| it.since(app.now))
        .filter(|it| !it.is_zero());
    let credentials = credentials.map(|left| {
        if left < CREDENTIALS_SOON {
            SECOND
        } else {
            // Until the next whole minute.
            Duration::from_secs(left.as_secs() % 60 + 1)
        }
    });
    sources.chain(credentials).min()
}

/// A fresh source turns late by itself, and the age of a late one counts.
fn turns_late_in(health: &SourceHealth, app: &App) -> Option<Duration> {
    let read_at = health.read_at?;
    if health.liveness(app.now) == Liveness::Live {
        let late_at = read_at + health.interval * 3 / 2;
        Some(late_at.since(app.now) + SECOND)
    } else {
        Some(SECOND)
    }
}

const SECOND: Duration = Duration::from_secs(1);
