//! The context band: who we are, where, what we may do, and how fresh it all is.

use std::time::Duration;

use ratatui::layout::Rect;

use super::liveness;
use crate::{
    fleet::{InstanceId, Scope, SourceId, short_duration},
    tui::{
        app::{App, List, RowId, View},
        theme::Role,
        widget::{Canvas, Span, width_of},
    },
};

/// From here on the time that is left on the credentials counts down by seconds.
const CREDENTIALS_SOON: Duration = Duration::from_mins(10);

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    if area.height == 0 {
        return;
    }
    let scopes = scopes_in_view(app);
    let is_production = scopes.iter().any(|it| it.is_production());
    let role = if is_production {
        Role::BandProduction
    } else {
        Role::Band
    };
    canvas.clear(area, role);
    let width = area.width;
    canvas.on(role, |canvas| {
        let word = environments(&scopes);
        let taken = width_of(&word).min(width);
        canvas.put_right(area.x, area.y, width, &word, Role::BandAccent);
        let mut spans = Vec::new();
        if area.height == 1 {
            // Without a line of their own, the worst of the sources goes before everything.
            spans.extend(liveness::worst(app, canvas.glyphs()));
        }
        spans.extend(context(app, role));
        canvas.put_spans(area.x, area.y, width - taken, &spans);
        if 1 < area.height {
            let sources = liveness::line(app, role, width, canvas.glyphs());
            canvas.put_spans(area.x, area.y + 1, width, &sources);
        }
    });
}

/// The scopes that the screen shows something of.
fn scopes_in_view(app: &App) -> Vec<&Scope> {
    let fleet = &app.observation.fleet;
    let one = match &app.screen().view {
        View::Pool(key)
        | View::Graph(key)
        | View::CostGraph(Some(key))
        | View::Utilisation(key)
        | View::Boots(key) => fleet.scope(&key.scope),
        View::Instance(id) => fleet
            .instances
            .get(id)
            .and_then(|it| fleet.scope(&it.scope)),
        View::Executor(controller, id) => {
            let pool = fleet
                .executor(controller, id)
                .and_then(|it| it.pool.as_ref());
            pool.and_then(|it| fleet.scope(&it.scope))
        }
        View::Operation(id) => {
            let view = app.operations.get(id);
            view.and_then(|it| fleet.scope(&it.operation.spec.pool().scope))
        }
        View::Fleet
        | View::Instances
        | View::Executors
        | View::Strays
        | View::Doctor
        | View::Operations
        | View::Activities
        | View::Messages
        | View::Sources
        | View::Help
        | View::Cost
        | View::CostGraph(None) => None,
    };
    one.map_or_else(|| fleet.scopes.iter().collect(), |it| vec![it])
}

/// Names the environments in view, production first.
fn environments(scopes: &[&Scope]) -> String {
    let mut scopes = scopes.to_vec();
    scopes.sort_by_key(|it| !it.is_production());
    let mut words: Vec<String> = Vec::new();
    for environment in scopes.iter().filter_map(|it| it.environment.as_deref()) {
        let word = environment.to_uppercase();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() {
        return String::new();
    }
    format!(" {} ", words.join(" + "))
}

/// The scope of the row under the cursor, or the first one.
fn scope_in_view(app: &App) -> Option<&Scope> {
    let fleet = &app.observation.fleet;
    let of_instance = |id: &InstanceId| fleet.instances.get(id).map(|it| &it.scope);
    let row = app.screen().list().and_then(List::cursor);
    let scope = row.and_then(|row| match row {
        RowId::Pool(key) | RowId::Waiting(key, ..) | RowId::Finding(_, Some(key), _) => {
            Some(&key.scope)
        }
        RowId::Instance(id) | RowId::Stray(_, _, Some(id)) => of_instance(id),
        RowId::Executor(controller, id) => {
            let agent = fleet.executor(controller, id);
            agent.and_then(|it| it.pool.as_ref()).map(|it| &it.scope)
        }
        RowId::Activity(id) => {
            let mut activities = fleet.activities.iter();
            activities.find(|it| it.id == *id).map(|it| &it.pool.scope)
        }
        RowId::Source(SourceId::Scope(id)) => Some(id),
        _ => None,
    });
    let found = scope.and_then(|it| fleet.scope(it));
    found.or_else(|| scopes_in_view(app).first().copied())
}

/// From this width on there is room for our own name.
const ROOMY: u16 = 100;

fn context(app: &App, role: Role) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if ROOMY <= app.size.width {
        spans.push(Span::new(" pooldeck ", role));
    }
    let Some(scope) = scope_in_view(app) else {
        spans.push(Span::new(" no scope is configured", role));
        return spans;
    };
    let account = scope.identity.as_ref();
    let account = account.map_or("account not proven", |it| it.account.as_str());
    spans.push(Span::new(
        format!(" {} {account} ", scope.alias),
        Role::BandAccent,
    ));
    spans.push(Span::new(format!(" {} ", scope.region), role));
    if app.policy.read_only || scope.read_only {
        spans.push(Span::new(" READ-ONLY ", Role::ReadOnly));
    } else {
        spans.push(Span::new(" write ", Role::Writable));
    }
    if let Some(identity) = &scope.identity {
        spans.push(Span::new(format!(" {} ", identity.role()), role));
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

/// Returns after how long the band is different without any news: none when never.
pub(super) fn changes_in(app: &App) -> Option<Duration> {
    let sources = liveness::changes_in(app);
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
    sources.into_iter().chain(credentials).min()
}

const SECOND: Duration = Duration::from_secs(1);
