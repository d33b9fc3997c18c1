//! The question before anything is done.

use super::{
    dialog::{Dialog, Typed, flow, inner_width},
    dim, plain, wrap,
};
use crate::{
    action::{Confirmation, Plan, Target, conditional_words},
    fleet::{InstanceId, Scope},
    tui::{
        app::{App, Command, Confirm, Stage},
        keymap::Context,
        theme::Role,
        widget::{Canvas, Span, width_of},
    },
};

type Line = Vec<Span<'static>>;

const WIDTH: u16 = 100;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, confirm: &Confirm) {
    dialog(app, confirm).draw(canvas, app);
}

pub(super) fn max_scroll(app: &App, confirm: &Confirm) -> usize {
    dialog(app, confirm).max_scroll(app)
}

fn dialog<'a>(app: &App, confirm: &'a Confirm) -> Dialog<'a> {
    let width = inner_width(app, WIDTH);
    let plan = confirm.plan.as_ref();
    let is_destructive = plan.is_ok_and(|it| it.is_destructive);
    let (answers, typed) = question(app, confirm, width);
    Dialog {
        title: plan.map_or("refused", |it| it.verb.as_str()),
        role: if is_destructive {
            Role::OverlayDanger
        } else {
            Role::Overlay
        },
        width: WIDTH,
        text: lines(app, confirm, width),
        scroll: confirm.scroll,
        hint: confirm.hint,
        answers,
        typed,
    }
}

/// What answers: keys, or a name that is typed.
fn question<'a>(app: &App, confirm: &'a Confirm, width: u16) -> (Vec<Line>, Option<Typed<'a>>) {
    match (&confirm.wanted, &confirm.plan) {
        (_, Err(_)) => {
            let close = answer(app, Role::Key, &[Command::ConfirmNo], "closes this");
            (vec![close], None)
        }
        (Some(word), Ok(plan)) => {
            let what = what_is_typed(plan, word);
            let no = app
                .keymap
                .keys_for(Context::TypedName, &Command::InputCancel);
            let no = no.map_or(String::new(), |it| format!(" ({it} does nothing)"));
            let label = format!("type {what}, {word}, then enter{no}");
            let role = if confirm.is_typed() {
                Role::Ok
            } else {
                Role::Input
            };
            let typed = |label| Typed {
                label,
                input: &confirm.input,
                role,
            };
            let has_room = width_of(&label) + 2 + width_of(word) < width;
            if has_room {
                let label = Span::new(format!("{label}: "), Role::Text);
                return (Vec::new(), Some(typed(label)));
            }
            let label = wrapped(&label, width, Role::Text);
            (label, Some(typed(Span::new("> ", Role::Key))))
        }
        (None, Ok(plan)) => {
            let role = if confirm.stage == Stage::Armed {
                Role::Key
            } else {
                Role::Dim
            };
            let yes = [Command::ConfirmYes, Command::ConfirmEnter];
            let n_yes = if plan.is_destructive { 1 } else { 2 };
            let pieces = vec![
                answer(app, role, &yes[..n_yes], "does it"),
                answer(app, Role::Key, &[Command::ConfirmNo], "does nothing"),
                answer(app, Role::Key, &[Command::ConfirmEdit], "edit"),
                answer(
                    app,
                    Role::Key,
                    &[Command::CopyCommand],
                    "copy the command line",
                ),
            ];
            (flow(pieces, 3, width), None)
        }
    }
}

/// Says which names are asked for: of several pools, all of them.
fn what_is_typed(plan: &Plan, word: &str) -> &'static str {
    let is_one = !word.contains(' ');
    match (plan.confirmation, is_one) {
        (Confirmation::TypeAccountAlias, true) => "the account",
        (Confirmation::TypeAccountAlias, false) => "the accounts",
        (_, true) => "the pool",
        (_, false) => "the pools",
    }
}

/// The keys of an answer, as the keymap has them, and what they do.
fn answer(app: &App, role: Role, commands: &[Command], words: &'static str) -> Line {
    let keys = commands.iter().filter_map(|it| {
        let keys = app.keymap.keys_for(Context::Confirm, it);
        keys.map(ToString::to_string)
    });
    let keys: Vec<String> = keys.collect();
    vec![
        Span::new(keys.join(" or "), role),
        plain(format!(" {words}")),
    ]
}

fn lines(app: &App, confirm: &Confirm, width: u16) -> Vec<Line> {
    let note = confirm.note.as_deref();
    let mut lines = note.map_or_else(Vec::new, |it| wrapped(it, width, Role::Warn));
    match &confirm.plan {
        Ok(plan) => lines.extend(plan_lines(app, confirm, plan, width)),
        Err(refusal) => lines.extend(wrapped(&refusal.to_string(), width, Role::Warn)),
    }
    lines
}

fn wrapped(text: &str, width: u16, role: Role) -> Vec<Line> {
    wrap(text, width)
        .into_iter()
        .map(|it| vec![Span::new(it, role)])
        .collect()
}

/// A label, and beside it a text of as many lines as it needs.
fn labelled(label: &'static str, text: &str, width: u16, role: Role) -> Vec<Line> {
    beside(
        label,
        wrapped(text, width.saturating_sub(width_of(label)), role),
    )
}

fn beside(label: &'static str, lines: Vec<Line>) -> Vec<Line> {
    let blank = " ".repeat(label.len());
    let lines = lines.into_iter().enumerate();
    lines
        .map(|(line_idx, line)| {
            let label = if line_idx == 0 {
                dim(label)
            } else {
                dim(blank.clone())
            };
            std::iter::once(label).chain(line).collect()
        })
        .collect()
}

const WHERE: &str = "where    ";
const BLANK: &str = "         ";

fn plan_lines(app: &App, confirm: &Confirm, plan: &Plan, width: u16) -> Vec<Line> {
    let command_line = format!("pooldeck {}", plan.command_line);
    let mut lines = wrapped(&command_line, width, Role::Title);
    for target in &plan.targets {
        lines.extend(target_lines(app, target, width));
    }
    for (change_idx, change) in plan.changes.iter().enumerate() {
        let label = if change_idx == 0 { "changes  " } else { BLANK };
        let what = format!("{}  {} → {}", change.what, change.from, change.to);
        lines.extend(labelled(label, &what, width, Role::Text));
    }
    if let Some(cost) = &plan.cost {
        lines.extend(labelled("cost     ", &cost.to_string(), width, Role::Text));
    }
    for job in &plan.jobs_at_risk {
        lines.extend(labelled("job      ", &job.to_string(), width, Role::Busy));
    }
    for (warning_idx, warning) in plan.warnings.iter().enumerate() {
        let label = if warning_idx == 0 { "warnings " } else { BLANK };
        lines.extend(labelled(label, warning, width, Role::Warn));
    }
    if let Some(reason) = &confirm.reason {
        lines.extend(labelled("reason   ", reason, width, Role::Text));
    }
    if let Some(guardrail) = &plan.guardrail {
        lines.extend(labelled("guardrail ", guardrail, width, Role::Warn));
    }
    lines.extend(calls(plan, width));
    lines
}

/// Where a pool is, and which of its instances are meant.
fn target_lines(app: &App, target: &Target, width: u16) -> Vec<Line> {
    let scope = app.observation.fleet.scope(&target.pool.scope);
    let account = scope
        .and_then(|it| it.identity.as_ref())
        .map_or("account not proven", |it| it.account.as_str());
    let (alias, region) = scope.map_or(("", ""), |it| (it.alias.as_str(), it.region.as_str()));
    let role = if scope.is_some_and(Scope::is_production) {
        Role::Danger
    } else {
        Role::Text
    };
    let mut pieces = vec![
        vec![Span::new(format!("{alias} {account}"), role)],
        vec![Span::new(region.to_owned(), role)],
        vec![dim("pool "), plain(target.pool.name.to_string())],
    ];
    let environment = scope.and_then(|it| it.environment.as_ref());
    pieces.extend(environment.map(|it| vec![dim(it.clone())]));
    let room = width.saturating_sub(width_of(WHERE));
    let mut lines = beside(WHERE, flow(pieces, 2, room));
    if !target.instances.is_empty() {
        let ids: Vec<&str> = target.instances.iter().map(InstanceId::as_str).collect();
        let text = format!("{} of it: {}", ids.len(), ids.join(" "));
        lines.extend(labelled(BLANK, &text, width, Role::Text));
    }
    lines
}

/// The calls come last: what they put at risk has to be seen without scrolling.
fn calls(plan: &Plan, width: u16) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for call in &plan.calls {
        let label = if lines.is_empty() { "calls    " } else { BLANK };
        lines.extend(labelled(label, &call.to_string(), width, Role::Text));
    }
    let maybe = conditional_words(&plan.conditional_calls);
    for (maybe_idx, text) in maybe.iter().enumerate() {
        let label = if maybe_idx == 0 { "maybe    " } else { BLANK };
        lines.extend(labelled(label, text, width, Role::Dim));
    }
    lines
}
