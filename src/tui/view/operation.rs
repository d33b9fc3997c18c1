//! A long operation: its row, what each of its instances waits for, and how idleness is proven.

use ratatui::layout::Rect;

use super::{
    dim, fold,
    list::value_cell,
    plain,
    terms::{fact, terms},
    wrap,
};
use crate::{
    engine::{OperationRow, OperationView},
    fleet::{InstanceId, Record as _, Timestamp, Value, short_duration},
    operation::{Mark, OperationId, Sight, Standing, TargetState, WaitingOn},
    tui::{
        app::App,
        theme::Role,
        widget::{Canvas, Cell, Span},
    },
};

type Line = Vec<Span<'static>>;

pub(super) fn cell(view: &OperationView, column: &str, now: Timestamp) -> Cell<'static> {
    let row = OperationRow(view);
    match column {
        "state" => vec![state(view)],
        "kind" | "owner" | "scope" | "started_at" => value_cell(&row.value(column, now), Role::Dim),
        "why" => {
            let role = if view.halts.is_empty() {
                Role::Text
            } else {
                Role::Danger
            };
            value_cell(&row.value(column, now), role)
        }
        "ends_in" => value_cell(&row.value(column, now), Role::Waiting),
        "collisions" | "fights" => {
            let value = row.value(column, now);
            let is_none = value == Value::Number(0.0);
            value_cell(&value, if is_none { Role::Dim } else { Role::Warn })
        }
        _ => value_cell(&row.value(column, now), Role::Text),
    }
}

/// The word of its state; one that nobody drives says so.
fn state(view: &OperationView) -> Span<'static> {
    let word = OperationRow(view).state();
    let role = match word {
        "done" => Role::Ok,
        "failed" | "needs-operator" => Role::Danger,
        "paused" | "aborted" | "resting" | "giving back" => Role::Warn,
        "foreign" => Role::Waiting,
        _ => Role::Pending,
    };
    Span::new(word, role)
}

/// How far it is, where that is counted.
fn done(view: &OperationView) -> Option<String> {
    OperationRow(view).done()
}

/// Says in a few words what is driven here.
pub(super) fn in_short(app: &App) -> Option<String> {
    let mut driven = app.driven_here.iter();
    let view = app.operations.get(driven.next()?)?;
    let more = match driven.count() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Some(format!(" {}{more} ", briefly(view)))
}

/// Says in a few words what an operation is, and how far.
pub(super) fn briefly(view: &OperationView) -> String {
    let it = &view.operation;
    let done = done(view);
    let done = done.map_or(String::new(), |it| format!("{it} "));
    let (kind, pool) = (it.spec.kind(), &it.spec.pool().name);
    format!("{kind} {pool} {done}{}", state(view).text)
}

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App, id: &OperationId) {
    super::text(canvas, area, app, lines(app, id));
}

pub(super) fn n_lines(app: &App, id: &OperationId) -> usize {
    lines(app, id).len()
}

fn lines(app: &App, id: &OperationId) -> Vec<Line> {
    let heading = |text: String| vec![Span::new(text, Role::Title)];
    let mut lines = vec![heading(id.to_string())];
    let Some(view) = app.operations.get(id) else {
        lines.push(vec![Span::new("not known on this host", Role::Warn)]);
        return lines;
    };
    // Ages are those of the reading: nothing moves until the next one.
    let at = app.observation.at;
    let width = app.size.width.saturating_sub(2);
    let facts = facts(app, view, at).into_iter();
    lines.extend(facts.flat_map(|it| fold(it, FACT, width)));
    for halt in &view.halts {
        let text = format!("needs you: {halt}");
        let wrapped = wrap(&text, width).into_iter();
        lines.extend(wrapped.map(|it| vec![Span::new(it, Role::Danger)]));
    }
    lines.extend(ahead(view, width));
    if let Standing::Ended { left, .. } = view.operation.standing() {
        let left = left.iter();
        lines.extend(left.map(|it| vec![Span::new(format!("not done: {it}"), Role::Warn)]));
    }
    // What is under way comes first; of what is over, its proof can be read as long as this can.
    let (over, mut open): (Vec<_>, Vec<_>) = view.operation.targets().partition(|it| is_over(it.1));
    open.sort_by_key(|it| it.1.step() == "to come");
    for (title, targets) in [
        ("instances, and what each waits for", open),
        (
            "instances that are over, and how they were proven idle",
            over,
        ),
    ] {
        if !targets.is_empty() {
            lines.push(heading(title.to_owned()));
        }
        let targets = targets.into_iter();
        lines.extend(targets.flat_map(|(id, target)| target_lines(view, id, target, at, width)));
    }
    lines
}

fn is_over(target: &TargetState) -> bool {
    matches!(target.step(), "gone" | "given back")
}

/// How wide a label is that stands before a fact, and before what is known of an instance.
const FACT: u16 = 10;
const KNOWN: u16 = 12;
/// The id and the step of an instance.
const TARGET: u16 = 33;

/// A list that others write has no end; its newest lines say how it stands.
const N_TROUBLES_SHOWN: usize = 3;

/// What collides, what others changed, and what a source that fails holds up.
fn ahead(view: &OperationView, width: u16) -> Vec<Line> {
    let it = &view.operation;
    let mut texts = Vec::new();
    if let Some((since, why)) = it.stalled() {
        texts.push(format!(
            "nothing is done since {}: {why}",
            since.clock_time()
        ));
    }
    if !it.is_over() {
        let collisions = view.outlook.collisions.iter();
        let collisions = collisions.map(|it| format!("collision: {it}"));
        let (first, more) = few(collisions.collect(), "collisions", &it.id);
        texts.extend(first.into_iter().chain(more));
    }
    let fights = it.fights().iter().rev();
    let fights = fights.map(|(at, it)| format!("{} {it}; it is left so", at.clock_time()));
    let (newest, more) = few(fights.collect(), "changes by others before", &it.id);
    texts.extend(more);
    texts.extend(newest.into_iter().rev());
    let wrapped = texts.iter().flat_map(|it| wrap(it, width));
    wrapped.map(|it| vec![Span::new(it, Role::Warn)]).collect()
}

/// Keeps the first of what may be many, and says how many more there are and what lists them.
fn few(mut all: Vec<String>, what: &str, id: &OperationId) -> (Vec<String>, Option<String>) {
    let n_more = all.len().saturating_sub(N_TROUBLES_SHOWN);
    all.truncate(N_TROUBLES_SHOWN);
    let more = format!("{n_more} more {what}: `pooldeck ops show {id}` lists all");
    (all, (0 < n_more).then_some(more))
}

fn facts(app: &App, view: &OperationView, at: Timestamp) -> Vec<Line> {
    let it = &view.operation;
    let driver = if it.is_over() {
        dim("nobody: it is over")
    } else if app.driven_here.contains(&it.id) {
        plain("this console")
    } else if view.is_foreign {
        Span::new(
            format!(
                "{}, on another host: only its marks are known here",
                it.owner
            ),
            Role::Waiting,
        )
    } else if view.rests() {
        Span::new(
            "nobody: it rests until it is resumed or aborted",
            Role::Warn,
        )
    } else {
        plain("another process on this host")
    };
    let mut standing = vec![dim("state     "), state(view)];
    if let Some(done) = done(view) {
        standing.extend([dim("  done "), plain(done)]);
    }
    let mut lines = vec![
        standing,
        fact("command", plain(format!("pooldeck {}", it.command_line))),
        fact("pool", plain(it.spec.pool().to_string())),
        fact(
            "begun",
            plain(format!(
                "{}, {} ago, by {}",
                it.started_at.clock_time(),
                short_duration(at.since(it.started_at)),
                it.owner
            )),
        ),
        fact("driver", driver),
    ];
    if !it.is_over() && !view.is_foreign {
        let eta = view.outlook.eta_words(at);
        lines.push(fact("ends", Span::new(eta, Role::Waiting)));
    }
    lines.extend(view.cost.map(|it| fact("cost", plain(it.to_string()))));
    let phase = view.outlook.phase.as_ref();
    lines.extend(phase.map(|it| fact("phase", plain(it.clone()))));
    lines.extend(it.took_over().map(|it| {
        let text = format!("what {it} had begun, by its marks");
        fact("goes on", plain(text))
    }));
    lines.extend(it.reason.iter().map(|it| fact("reason", plain(it.clone()))));
    match it.standing() {
        Standing::Aborting { why }
        | Standing::Ended {
            aborted: Some(why), ..
        } => lines.push(fact("aborted", Span::new(why.clone(), Role::Warn))),
        Standing::Running | Standing::Paused | Standing::Ended { .. } => {}
    }
    lines.extend(terms(it, at));
    lines
}

fn target_lines(
    view: &OperationView,
    id: &InstanceId,
    target: &TargetState,
    at: Timestamp,
    width: u16,
) -> Vec<Line> {
    let step = target.step();
    let role = match step {
        "gone" => Role::Ok,
        "terminating" => Role::Terminating,
        "given back" => Role::Warn,
        "to come" => Role::Dim,
        _ => Role::Pending,
    };
    let mut line = vec![
        plain(format!("{id}  ")),
        Span::new(format!("{step:<12}"), role),
    ];
    let wait = view
        .waits
        .iter()
        .find(|it| it.0.is_instance(id))
        .map(|it| &it.1);
    if let Some(wait) = wait {
        let role = match wait {
            WaitingOn::Evidence { .. } | WaitingOn::Retry { .. } => Role::Warn,
            _ => Role::Text,
        };
        line.extend([dim("waits for "), Span::new(wait.to_string(), role)]);
    }
    // On a narrow screen a reason beside its instance would be a column of single words.
    let indent = if width < 3 * TARGET { 4 } else { TARGET };
    let mut lines = fold(line, indent, width);
    let mut known = refusals(target);
    if !is_over(target) && step != "to come" {
        known.extend(sight_lines(target, at));
    }
    if step != "to come" {
        known.extend(ledger(view, target, wait));
    }
    lines.extend(known.into_iter().flat_map(|it| fold(it, KNOWN, width)));
    lines
}

/// What was seen of an instance, and which of its agents are closed.
fn sight_lines(target: &TargetState, at: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(sight) = &target.seen {
        let age = short_duration(at.since(sight.at()));
        let words = match sight {
            // Each new proof counts; of anything else only the first reading is written down.
            Sight::Idle { .. } => format!("{}, {age} ago", sight.at().clock_time()),
            _ => format!("since {}, for {age}", sight.at().clock_time()),
        };
        lines.push(vec![
            dim(format!("    seen    {words}  ")),
            plain(sight.to_string()),
        ]);
    }
    for ((controller, agent), mark) in &target.cordons {
        let text = match mark {
            Mark::Applied(at) => format!("{} in force", at.clock_time()),
            Mark::Intended { at, .. } => format!("{} sent, not answered", at.clock_time()),
            Mark::Refused { .. } | Mark::None => "not in force".to_owned(),
        };
        lines.push(vec![
            dim(format!("    cordon  {text}  ")),
            plain(format!("{agent} on {controller}")),
        ]);
    }
    if 0 < target.n_cordons_lost {
        let text = format!(
            "    its cordon was lifted by others, {} times",
            target.n_cordons_lost
        );
        lines.push(vec![Span::new(text, Role::Warn)]);
    }
    lines
}

/// The proof of idleness: how far it is, and each reading that counted or cleared it.
///
/// How far it is, is told by the wait where there is one: what is believed of the time between
/// two readings is the operation's to say.
fn ledger(view: &OperationView, target: &TargetState, wait: Option<&WaitingOn>) -> Vec<Line> {
    let mut lines = Vec::new();
    let proof = view.operation.spec.proof();
    let wanted = usize::try_from(proof.n_readings).unwrap_or(usize::MAX);
    if let Some((first, last)) = target.idle_at.first().zip(target.idle_at.last()) {
        let (n, span) = match wait {
            Some(WaitingOn::Proof { n, span_left, .. }) => {
                (*n, proof.span.saturating_sub(*span_left))
            }
            _ => (target.idle_at.len(), last.since(*first)),
        };
        let (n, span) = (n.min(wanted), span.min(proof.span));
        let is_enough = n == wanted && span == proof.span;
        let role = if is_enough { Role::Ok } else { Role::Idle };
        let text = format!(
            "{n} of {} readings, over {} of {}",
            proof.n_readings,
            short_duration(span),
            short_duration(proof.span)
        );
        lines.push(vec![dim("    idle    "), Span::new(text, role)]);
    }
    // The newest matter.
    let shown = target.ledger.len().saturating_sub(N_READINGS_SHOWN);
    for reading in &target.ledger[shown..] {
        let (word, role) = match reading.counted {
            true if reading.n <= wanted => (format!("counts, {} now", reading.n), Role::Idle),
            true => ("extends the span".to_owned(), Role::Idle),
            false => ("clears the proof".to_owned(), Role::Warn),
        };
        lines.push(vec![
            dim(format!("      {}  ", reading.at.clock_time())),
            Span::new(format!("{word:<17} "), role),
            dim(reading.what.clone()),
        ]);
    }
    lines
}

const N_READINGS_SHOWN: usize = 4;

fn refusals(target: &TargetState) -> Vec<Line> {
    let marks = [
        ("tag", &target.tag),
        ("protect", &target.protect),
        ("terminate", &target.terminate),
        ("hook", &target.hook),
        ("heartbeat", &target.heartbeat),
        ("uncordon", &target.uncordon),
        ("unprotect", &target.unprotect),
        ("untag", &target.untag),
    ];
    let cordons = target.cordons.values().map(|it| ("cordon", it));
    let refused = marks
        .into_iter()
        .chain(cordons)
        .filter_map(|(what, mark)| match mark {
            Mark::Refused { why, n, .. } => Some((what, why, n)),
            Mark::None | Mark::Intended { .. } | Mark::Applied(_) => None,
        });
    refused
        .map(|(what, why, n)| {
            let times = if *n == 1 {
                String::new()
            } else {
                format!(", {n} times")
            };
            vec![Span::new(
                format!("    {what} was refused{times}: {why}"),
                Role::Danger,
            )]
        })
        .collect()
}
