//! The question before anything is done.

use super::{dim, middle, plain, wrap};
use crate::{
    action::{Confirmation, Plan},
    fleet::InstanceId,
    tui::{
        app::{App, Confirm, Stage},
        theme::Role,
        widget::{Canvas, Span},
    },
};

type Line = Vec<Span<'static>>;

/// The lines under the text: a rule, the question, the note.
const N_QUESTION_LINES: u16 = 3;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, confirm: &Confirm) {
    let width = app.size.width.min(100);
    let lines = lines(app, confirm, width.saturating_sub(4));
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2 + N_QUESTION_LINES);
    let area = middle(app, width, height);
    let is_destructive = confirm.plan.as_ref().is_ok_and(|it| it.is_destructive);
    let role = if is_destructive {
        Role::OverlayDanger
    } else {
        Role::Overlay
    };
    let title = confirm
        .plan
        .as_ref()
        .map_or("refused", |it| it.verb.as_str());
    let inside = canvas.frame(area, title, role);
    let text_height = inside.height.saturating_sub(N_QUESTION_LINES);
    let shown = lines.iter().skip(confirm.scroll);
    for (y, line) in (inside.y..inside.y + text_height).zip(shown) {
        canvas.put_spans(inside.x + 1, y, inside.width.saturating_sub(2), line);
    }
    let y = inside.y + text_height;
    let below = lines
        .len()
        .saturating_sub(confirm.scroll + usize::from(text_height));
    if 0 < below {
        canvas.put_right(
            inside.x,
            y,
            inside.width,
            &format!("{below} more lines "),
            Role::Warn,
        );
    } else if let Some(note) = &confirm.note {
        canvas.put(
            inside.x + 1,
            y,
            inside.width.saturating_sub(2),
            note,
            Role::Warn,
        );
    }
    question(canvas, confirm, inside, y + 1);
    if let Some(hint) = confirm.hint.filter(|_| y + 2 < inside.bottom()) {
        canvas.put(
            inside.x + 1,
            y + 2,
            inside.width.saturating_sub(2),
            hint,
            Role::Warn,
        );
    }
}

fn question(canvas: &mut Canvas<'_>, confirm: &Confirm, inside: ratatui::layout::Rect, y: u16) {
    if inside.bottom() <= y {
        return;
    }
    let x = inside.x + 1;
    let width = inside.width.saturating_sub(2);
    match (&confirm.wanted, &confirm.plan) {
        (_, Err(_)) => {
            canvas.put(x, y, width, "esc closes this", Role::Dim);
        }
        (Some(word), Ok(_)) => {
            let what = match confirm.plan.as_ref().map(|it| it.confirmation) {
                Ok(Confirmation::TypeAccountAlias) => "the account",
                _ => "the pool",
            };
            let label = format!("type {what}, {word}, then enter: ");
            let taken = canvas.put(x, y, width, &label, Role::Text);
            let role = if confirm.is_typed() {
                Role::Ok
            } else {
                Role::Input
            };
            let typed = canvas.put(x + taken, y, width - taken, confirm.input.value(), role);
            canvas.set_cursor(x + taken + typed, y);
        }
        (None, Ok(plan)) => {
            let enter = if plan.is_destructive { "" } else { " or enter" };
            let role = if confirm.stage == Stage::Armed {
                Role::Key
            } else {
                Role::Dim
            };
            let spans = [
                Span::new(format!("y{enter}"), role),
                plain(" does it   "),
                Span::new("n", Role::Key),
                plain(" does nothing   "),
                Span::new("e", Role::Key),
                dim(" edit   "),
                Span::new("c", Role::Key),
                dim(" copy the command line"),
            ];
            canvas.put_spans(x, y, width, &spans);
        }
    }
}

pub(super) fn max_scroll(app: &App, confirm: &Confirm) -> usize {
    let width = app.size.width.min(100);
    let n_lines = lines(app, confirm, width.saturating_sub(4)).len();
    let height = app.size.height.saturating_sub(2 + N_QUESTION_LINES);
    n_lines.saturating_sub(usize::from(height))
}

fn lines(app: &App, confirm: &Confirm, width: u16) -> Vec<Line> {
    match &confirm.plan {
        Ok(plan) => plan_lines(app, confirm, plan, width),
        Err(refusal) => wrapped(&refusal.to_string(), width, Role::Warn),
    }
}

fn wrapped(text: &str, width: u16, role: Role) -> Vec<Line> {
    wrap(text, width)
        .into_iter()
        .map(|it| vec![Span::new(it, role)])
        .collect()
}

fn plan_lines(app: &App, confirm: &Confirm, plan: &Plan, width: u16) -> Vec<Line> {
    let fleet = &app.observation.fleet;
    let mut lines = wrapped(
        &format!("pooldeck {}", plan.command_line),
        width,
        Role::Title,
    );
    for target in &plan.targets {
        let scope = fleet.scope(&target.pool.scope);
        let account = scope
            .and_then(|it| it.identity.as_ref())
            .map_or("account not proven", |it| it.account.as_str());
        let (alias, region) = scope.map_or(("", ""), |it| (it.alias.as_str(), it.region.as_str()));
        let environment = scope.and_then(|it| it.environment.as_ref());
        let environment = environment.map_or(String::new(), |it| format!("  {it}"));
        let role = if scope.is_some_and(crate::fleet::Scope::is_production) {
            Role::Danger
        } else {
            Role::Text
        };
        lines.push(vec![
            dim("where    "),
            Span::new(format!("{alias} {account}  {region}"), role),
            dim("  pool "),
            plain(target.pool.name.to_string()),
            dim(environment),
        ]);
        if !target.instances.is_empty() {
            let ids: Vec<&str> = target.instances.iter().map(InstanceId::as_str).collect();
            let text = format!("{} of it: {}", ids.len(), ids.join(" "));
            lines.extend(
                wrapped(&text, width.saturating_sub(9), Role::Text)
                    .into_iter()
                    .map(indented),
            );
        }
    }
    for (change_idx, change) in plan.changes.iter().enumerate() {
        let label = if change_idx == 0 {
            "changes  "
        } else {
            "         "
        };
        let what = format!("{}  {} → {}", change.what, change.from, change.to);
        lines.push(vec![dim(label), plain(what)]);
    }
    if let Some(cost) = &plan.cost {
        let text = cost.to_string();
        for (line_idx, line) in wrap(&text, width.saturating_sub(9)).into_iter().enumerate() {
            lines.push(vec![
                dim(if line_idx == 0 {
                    "cost     "
                } else {
                    "         "
                }),
                plain(line),
            ]);
        }
    }
    for job in &plan.jobs_at_risk {
        lines.push(vec![Span::new(format!("job      {job}"), Role::Busy)]);
    }
    for warning in &plan.warnings {
        for line in wrapped(warning, width.saturating_sub(9), Role::Warn) {
            lines.push(indented(line));
        }
    }
    if let Some(reason) = &confirm.reason {
        lines.push(vec![dim("reason   "), plain(reason.clone())]);
    }
    if let Some(guardrail) = &plan.guardrail {
        lines.push(vec![
            dim("guardrail "),
            Span::new(guardrail.clone(), Role::Warn),
        ]);
    }
    lines.extend(calls(plan, width));
    lines
}

/// The calls come last: what they put at risk has to be seen without scrolling.
fn calls(plan: &Plan, width: u16) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for call in &plan.calls {
        for line in wrap(&call.to_string(), width.saturating_sub(9)) {
            let label = if lines.is_empty() {
                "calls    "
            } else {
                "         "
            };
            lines.push(vec![dim(label), plain(line)]);
        }
    }
    lines
}

fn indented(line: Line) -> Line {
    std::iter::once(dim("         ")).chain(line).collect()
}
