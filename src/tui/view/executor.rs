//! A CI agent: its row, and everything that is known of it with the age of each word.

use ratatui::layout::Rect;

use super::{dim, list::value_cell, plain};
use crate::{
    fleet::{
        ControllerName, Evidence, Executor, ExecutorRow, Job, QueueRow, Record, Timestamp, Value,
        Work, short_duration,
    },
    tui::{
        app::App,
        theme::Role,
        widget::{Canvas, Cell, Span},
    },
};

type Line = Vec<Span<'static>>;

pub(super) fn cell(row: &ExecutorRow<'_>, field: &str, at: Timestamp) -> Cell<'static> {
    let value = row.value(field, at);
    let role = match field {
        "work" | "why" => work_role(&row.0.work),
        "cordoned" if value == Value::Flag(true) => Role::Warn,
        "ends_in" if value.show("") == "late" => Role::Warn,
        "job" => Role::Busy,
        "cordoned" | "pool" | "controller" | "seen" | "slots" | "labels" | "joined"
        | "evidence" => Role::Dim,
        _ => Role::Text,
    };
    value_cell(&value, role)
}

pub(super) fn queue_cell(row: &QueueRow<'_>, field: &str, at: Timestamp) -> Cell<'static> {
    let role = match field {
        "length" | "oldest" | "why" if 0 < row.0.length => Role::Warn,
        "controller" | "length" => Role::Dim,
        _ => Role::Text,
    };
    value_cell(&row.value(field, at), role)
}

fn work_role(work: &Work) -> Role {
    match work {
        Work::Busy(_) => Role::Busy,
        Work::Idle { .. } => Role::Idle,
        Work::Offline { .. } | Work::Unknown(_) => Role::Unknown,
    }
}

pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    app: &App,
    controller: &ControllerName,
    id: &str,
) {
    super::text(canvas, area, app, lines(app, controller, id));
}

pub(super) fn n_lines(app: &App, controller: &ControllerName, id: &str) -> usize {
    lines(app, controller, id).len()
}

fn lines(app: &App, controller: &ControllerName, id: &str) -> Vec<Line> {
    let fleet = &app.observation.fleet;
    let at = app.observation.at;
    let heading = |text: String| vec![Span::new(text, Role::Title)];
    let Some(it) = fleet.executor(controller, id) else {
        return vec![
            heading(format!("{id} on {controller}")),
            vec![Span::new(
                "gone: the last reading does not have it any more",
                Role::Warn,
            )],
        ];
    };
    let fact = |name: &str, value: Span<'static>| vec![dim(format!("{name:<11} ")), value];
    let maybe = |it: Option<String>| it.map_or_else(|| dim("-"), plain);
    let instance = it.instance.as_ref().map(ToString::to_string);
    let (words, role) = work(it, at);
    let labels = Some(it.labels.join(" ")).filter(|it| !it.is_empty());
    let mut lines = vec![
        heading(format!("{} on {controller}", it.name)),
        fact("work", Span::new(words, role)),
        fact("cordon", cordon(it)),
        fact(
            "slots",
            plain(format!("{} busy of {}", it.n_busy_slots, it.n_slots)),
        ),
        fact("labels", maybe(labels)),
        fact("instance", maybe(instance)),
        fact("joined", plain(it.joining.to_string())),
        fact("pool", maybe(it.pool.as_ref().map(ToString::to_string))),
    ];
    if it.is_latent {
        lines.push(fact(
            "latent",
            dim("has no machine until a job needs one; being offline is ordinary"),
        ));
    }
    if it.id != it.name {
        lines.push(fact("id", plain(it.id.clone())));
    }
    let controller = fleet.controllers.iter().find(|it| it.name == *controller);
    lines.extend(controller.map(|it| fact("safety", dim(it.grade.sentence()))));
    lines.push(heading("jobs".to_owned()));
    lines.extend(it.jobs().iter().flat_map(|it| job(it, at)));
    if it.jobs().is_empty() {
        lines.push(vec![no_jobs(it)]);
    }
    lines.push(heading("evidence, the newest first".to_owned()));
    lines.extend(evidence(it, at));
    lines
}

/// Nothing shown is not nothing running.
fn no_jobs(it: &Executor) -> Span<'static> {
    match it.work {
        Work::Busy(_) => Span::new("its controller hides them from us", Role::Warn),
        Work::Idle { .. } => dim("none"),
        Work::Offline { .. } | Work::Unknown(_) => dim("not known"),
    }
}

/// Returns the lines of an agent among the facts of its instance.
pub(super) fn short_lines(it: &Executor, at: Timestamp) -> Vec<Line> {
    let (words, role) = work(it, at);
    let mut line = vec![
        plain(format!("{} on {}  ", it.name, it.controller)),
        Span::new(words, role),
    ];
    if it.cordoned {
        line.extend([dim("  "), cordon(it)]);
    }
    let joined = vec![dim(format!("  joined: {}", it.joining))];
    let indented = |line: Line| std::iter::once(dim("  ")).chain(line).collect();
    let jobs = it.jobs().iter().flat_map(|it| job(it, at)).map(indented);
    let evidence = evidence(it, at).map(indented);
    [line, joined]
        .into_iter()
        .chain(jobs)
        .chain(evidence)
        .collect()
}

fn work(it: &Executor, at: Timestamp) -> (String, Role) {
    let since = |word: &str, since: Option<Timestamp>| {
        since.map_or_else(
            || word.to_owned(),
            |it| format!("{word} for {}", short_duration(at.since(it))),
        )
    };
    let words = match &it.work {
        Work::Busy(_) => "busy".to_owned(),
        Work::Idle { since: it } => since("idle", *it),
        Work::Offline { since: it } => since("offline", *it),
        Work::Unknown(why) => format!("unknown: {why}"),
    };
    (words, work_role(&it.work))
}

fn cordon(it: &Executor) -> Span<'static> {
    if !it.cordoned {
        return plain("no: it takes jobs");
    }
    let note = it.note.as_deref().unwrap_or("no note");
    Span::new(format!("cordoned: {note}"), Role::Warn)
}

fn job(it: &Job, at: Timestamp) -> Vec<Line> {
    let mut line = vec![dim("job "), Span::new(it.name.clone(), Role::Busy)];
    line.extend(
        it.started_at
            .map(|it| plain(format!("  {} so far", short_duration(at.since(it))))),
    );
    line.extend(it.expected_end.map(|end| {
        if at < end {
            dim(format!(", ends in {}", short_duration(end.since(at))))
        } else {
            let over = short_duration(at.since(end));
            Span::new(format!(", {over} over its estimate"), Role::Warn)
        }
    }));
    let url = it.url.iter().map(|it| vec![dim(format!("    {it}"))]);
    std::iter::once(line).chain(url).collect()
}

fn evidence(it: &Executor, at: Timestamp) -> impl Iterator<Item = Line> {
    let mut all: Vec<Evidence> = it.evidence.clone();
    all.sort_by_key(|it| std::cmp::Reverse(it.at));
    if all.is_empty() {
        let none = "none: what it does is not known";
        return vec![vec![Span::new(none, Role::Warn)]].into_iter();
    }
    let lines = all.into_iter().map(|it| {
        let age = short_duration(at.since(it.at));
        vec![
            dim(format!("{}  {age:>5} ago  ", it.at.clock_time())),
            plain(format!("{}: {}", it.source, it.what)),
        ]
    });
    lines.collect::<Vec<_>>().into_iter()
}
