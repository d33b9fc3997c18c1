//! One instance: its facts, its agents, what happened to it, its tags.

use ratatui::layout::Rect;

use super::{dim, executor, plain};
use crate::{
    fleet::{
        Fleet, Health, ImageId, Instance, InstanceId, MachineState, Timestamp, short_duration,
    },
    tui::{
        app::App,
        theme::Role,
        widget::{Canvas, Span, role_of},
    },
};

type Line = Vec<Span<'static>>;

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App, id: &InstanceId) {
    super::text(canvas, area, app, lines(app, id));
}

pub(super) fn n_lines(app: &App, id: &InstanceId) -> usize {
    lines(app, id).len()
}

fn lines(app: &App, id: &InstanceId) -> Vec<Line> {
    let fleet = &app.observation.fleet;
    let at = app.observation.at;
    let mut lines = vec![vec![Span::new(id.to_string(), Role::Title)]];
    match fleet.instances.get(id) {
        Some(instance) => {
            lines.extend(facts(instance, fleet, at));
            lines.push(heading("agents"));
            lines.extend(agents(id, fleet, at));
        }
        None => lines.push(vec![Span::new(
            "gone: the last reading does not have it any more",
            Role::Warn,
        )]),
    }
    lines.push(heading(
        "what happened, as this session and its group saw it",
    ));
    lines.extend(history(app, id));
    if let Some(instance) = fleet.instances.get(id) {
        lines.push(heading("tags"));
        for (key, value) in &instance.tags {
            lines.push(vec![dim(format!("{key:<24} ")), plain(value.clone())]);
        }
        if instance.tags.is_empty() {
            lines.push(vec![dim("none")]);
        }
    }
    lines
}

fn heading(text: &str) -> Line {
    vec![Span::new(text.to_owned(), Role::Title)]
}

fn facts(it: &Instance, fleet: &Fleet, at: Timestamp) -> Vec<Line> {
    let fact = |name: &str, value: Span<'static>| vec![dim(format!("{name:<12} ")), value];
    let text = |it: Option<&str>| it.map_or_else(|| dim("-"), plain);
    let lifecycle = it.lifecycle.as_ref();
    let in_state = short_duration(at.since(it.lifecycle_since));
    let lifecycle = lifecycle.map_or_else(
        || plain("in no group"),
        |it| Span::new(format!("{it}, seen so for {in_state}"), role_of(it.phase())),
    );
    let pool = it
        .pool
        .as_ref()
        .map_or_else(|| "none".to_owned(), ToString::to_string);
    let launched = it.launched_at.map_or_else(
        || dim("-"),
        |launched| {
            plain(format!(
                "{launched}, {} ago",
                short_duration(at.since(launched))
            ))
        },
    );
    let machine = it.state.as_ref().map(MachineState::as_str);
    let template = match (&it.template_name, &it.template_version) {
        (Some(name), Some(version)) => plain(format!("{name} {version}")),
        (Some(name), None) => plain(name.clone()),
        _ => dim("-"),
    };
    let mut lines = vec![
        fact("pool", plain(pool)),
        fact("lifecycle", lifecycle),
        fact("machine", text(machine)),
        fact("health", text(it.health.as_ref().map(Health::as_str))),
        fact("checks", text(it.status_checks.as_deref())),
        fact(
            "protected",
            plain(if it.protected { "from scale-in" } else { "no" }),
        ),
        fact(
            "type",
            plain(format!("{}  {}  {}", it.instance_type, it.market, it.zone)),
        ),
        fact("image", text(it.image.as_ref().map(ImageId::as_str))),
        fact("template", template),
        fact("launched", launched),
        fact("address", text(it.private_address.as_deref())),
    ];
    lines.extend(
        it.public_address
            .as_ref()
            .map(|it| fact("public", plain(it.clone()))),
    );
    lines.extend(
        it.private_dns
            .as_ref()
            .map(|it| fact("name", plain(it.clone()))),
    );
    lines.extend(
        it.state_reason
            .as_ref()
            .map(|it| fact("why", Span::new(it.clone(), Role::Warn))),
    );
    lines.extend(
        it.scheduled_event
            .as_ref()
            .map(|it| fact("event", Span::new(it.clone(), Role::Warn))),
    );
    let hook = it.pool.as_ref().and_then(|it| fleet.pool(it));
    let hook = hook
        .zip(it.lifecycle.as_ref())
        .and_then(|(pool, it)| pool.hook_for(it));
    lines.extend(hook.map(|it| {
        let timeout = short_duration(it.heartbeat_timeout);
        fact(
            "hook",
            Span::new(
                format!("{} holds it, {timeout} from its last heartbeat", it.name),
                Role::Waiting,
            ),
        )
    }));
    lines
}

fn agents(id: &InstanceId, fleet: &Fleet, at: Timestamp) -> Vec<Line> {
    let lines: Vec<Line> = fleet
        .executors_on(id)
        .flat_map(|it| executor::short_lines(it, at))
        .collect();
    if lines.is_empty() {
        return vec![vec![dim(
            "none is known here; what runs on it is not known",
        )]];
    }
    lines
}

/// The newest first: what this session saw change, and the activities of the group.
fn history(app: &App, id: &InstanceId) -> Vec<Line> {
    let mut found: Vec<(Timestamp, Line)> = Vec::new();
    for it in app.timeline.of(id) {
        found.push((
            it.at,
            vec![
                dim(format!("{}  ", it.at.clock_time())),
                plain(it.what.clone()),
            ],
        ));
    }
    let activities = app.observation.fleet.activities.iter();
    for it in activities.filter(|it| it.instance.as_ref() == Some(id)) {
        let line = vec![
            dim(format!("{}  ", it.started_at.clock_time())),
            plain(format!("{}: {}", it.status, it.description)),
        ];
        found.push((it.started_at, line));
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.0));
    if found.is_empty() {
        return vec![vec![dim("nothing yet")]];
    }
    found.into_iter().map(|it| it.1).collect()
}
