//! The foot line: the newest message, or the keys that matter here; and how what runs stands.

use ratatui::layout::Rect;

use super::{dim, list::severity_role, operation, wrap};
use crate::tui::{
    app::{App, Command, Message, Severity, View},
    keymap::Keys,
    theme::Role,
    widget::{Canvas, Span, width_of},
};

/// What the foot line offers when there is nothing to say, and the word for it.
const OFFERED: [(Command, &str); 19] = [
    (Command::Open, "open"),
    (Command::OperationPause(None), "pause"),
    (Command::OperationResume(None), "resume"),
    (Command::OperationAbort(None), "abort"),
    (Command::OperationSpeedUp(None), "faster"),
    (Command::OperationAdopt(None), "adopt"),
    (Command::GraphLeft, "read"),
    (Command::GraphZoomIn, "zoom"),
    (Command::GraphEarlier, "earlier"),
    (Command::GraphEventPrevious, "event"),
    (Command::GraphSplit(None), "split"),
    (Command::GraphMarks(None), "marks"),
    (Command::MarkToggle, "mark"),
    (Command::Filter(None), "filter"),
    (Command::Sort(None), "sort"),
    (Command::Palette(None), "command"),
    (Command::Help, "help"),
    (Command::Back, "back"),
    (Command::Quit, "quit"),
];

/// A message takes no more lines than this; the list of messages has the rest of it.
const N_MESSAGE_LINES_MAX: u16 = 8;

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    if area.height == 0 {
        return;
    }
    // The question of leaving is worth the whole line.
    let right = if app.is_leaving {
        Vec::new()
    } else {
        right(app, area.width)
    };
    let right_width = width(&right);
    let left_width = area.width - right_width;
    let room = left_width.saturating_sub(1);
    match app.messages.shown() {
        Some(message) => draw_message(canvas, area, app, message, room),
        None => {
            canvas.put_spans(area.x + 1, area.y, room, &hints(app, room));
        }
    }
    canvas.put_spans(area.x + left_width, area.y, right_width, &right);
}

fn width(spans: &[Span<'_>]) -> u16 {
    spans.iter().map(|it| width_of(&it.text)).sum()
}

/// Puts a message on the foot line, and on as many lines above it as it needs: what mends
/// something is nearly always said last.
fn draw_message(canvas: &mut Canvas<'_>, foot: Rect, app: &App, message: &Message, room: u16) {
    let role = severity_role(message.severity);
    let (x, width) = (foot.x + 1, foot.width.saturating_sub(1));
    // What an action tells of its steps came by itself, and covers nothing.
    let is_news = message.severity == Severity::Note && message.submission.is_some();
    if is_news || width_of(&message.text) <= room {
        canvas.put(x, foot.y, room, &message.text, role);
        return;
    }
    let mut lines = wrap(&message.text, width);
    let is_last_beside = lines.last().is_none_or(|it| width_of(it) <= room);
    let n_above = foot.y.min(app.size.height / 2).min(N_MESSAGE_LINES_MAX);
    let n_max = usize::from(n_above + u16::from(is_last_beside));
    if n_max < lines.len() {
        let keys = app.keymap.keys_for(app.context(), &Command::GoMessages);
        let keys = keys.map_or_else(|| "messages".to_owned(), ToString::to_string);
        lines.truncate(n_max);
        if let Some(last) = lines.last_mut() {
            let rest = format!("… {keys} has the rest");
            let n_kept = usize::from(width.saturating_sub(width_of(&rest)));
            *last = last.chars().take(n_kept).collect::<String>() + &rest;
        }
    }
    let n_lines = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let y = (foot.y + u16::from(is_last_beside)).saturating_sub(n_lines);
    let above = Rect {
        y,
        height: foot.y - y,
        ..foot
    };
    canvas.clear(above, Role::Text);
    for (y, line) in (y..).zip(&lines) {
        canvas.put(x, y, width, line, role);
    }
}

/// What needs an operator, what runs, and what failed since it was looked at: the first of it
/// that there is room for.
fn right(app: &App, room: u16) -> Vec<Span<'static>> {
    let mut spans = needs_operator(app);
    spans.extend(failed(app));
    spans.extend(operation::in_short(app).map(|it| Span::new(it, Role::Pending)));
    let mut running = app.running_actions();
    if let Some(newest) = running.next_back() {
        let more = running.count();
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        spans.push(Span::new(
            format!(" {} {}{more} ", newest.id, newest.step),
            Role::Pending,
        ));
    }
    // What does not fit whole is left out: half of it says something else.
    let mut left = room;
    spans.retain(|it| match left.checked_sub(width_of(&it.text)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    spans.reverse();
    spans
}

fn needs_operator(app: &App) -> Vec<Span<'static>> {
    let operations = app.operations.values();
    let n = operations
        .filter(|it| it.state() == "needs-operator")
        .count();
    let text = match n {
        0 => return Vec::new(),
        1 => " 1 operation needs you ".to_owned(),
        n => format!(" {n} operations need you "),
    };
    vec![Span::new(text, Role::Danger)]
}

fn failed(app: &App) -> Vec<Span<'static>> {
    let counts = [
        (app.failed.operations.len(), "operation"),
        (app.failed.actions.len(), "action"),
    ];
    let counts = counts.into_iter().filter(|it| it.0 != 0);
    counts
        .map(|(n, what)| {
            let s = if n == 1 { "" } else { "s" };
            Span::new(format!(" {n} {what}{s} failed "), Role::Danger)
        })
        .collect()
}

/// The keys that matter here, as many as there is room for, each with its word.
fn hints(app: &App, room: u16) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut left = room;
    let mut offer = |keys: String, word: &str| {
        let gap = if spans.is_empty() { "" } else { "  " };
        let taken = width_of(gap) + width_of(&keys) + 1 + width_of(word);
        if left < taken {
            // Nothing that comes later takes its place: keys would move about.
            left = 0;
            return;
        }
        left -= taken;
        spans.extend([
            dim(gap),
            Span::new(keys, Role::Key),
            dim(format!(" {word}")),
        ]);
    };
    let context = app.context();
    if let Some(prefix) = action_prefix(app) {
        offer(prefix, "act");
    }
    for (command, word) in OFFERED.into_iter().filter(|it| is_of_use(app, &it.0)) {
        if let Some(keys) = app.keymap.keys_for(context, &command) {
            offer(keys.to_string(), word);
        }
    }
    if 2 <= left {
        spans.push(dim("  "));
    }
    spans
}

/// The key that most actions begin with.
fn action_prefix(app: &App) -> Option<String> {
    let bindings = app.keymap.bindings(app.context());
    let mut actions = bindings
        .iter()
        .filter(|it| it.command.is_action() && 1 < it.keys.0.len());
    let first = actions.next()?;
    Some(Keys(vec![*first.keys.0.first()?]).to_string())
}

/// Whether the command does anything on this screen.
fn is_of_use(app: &App, command: &Command) -> bool {
    let list = app.screen().list();
    match command {
        Command::Open => list.is_some() || matches!(app.screen().view, View::Executor(..)),
        Command::MarkToggle => list.is_some_and(|it| it.noun.can_be_marked()),
        Command::Filter(_) | Command::Sort(_) => {
            list.is_some_and(|it| !it.noun.fields().is_empty())
        }
        Command::OperationAdopt(_) => app
            .named_operation(None)
            .is_ok_and(|it| it.is_foreign || it.rests()),
        Command::GraphLeft => matches!(
            app.screen().view,
            View::Graph(_) | View::CostGraph(_) | View::Utilisation(_)
        ),
        Command::GraphZoomIn | Command::GraphEarlier | Command::GraphEventPrevious => {
            matches!(app.screen().view, View::Graph(_) | View::CostGraph(_))
        }
        Command::GraphSplit(_) => matches!(app.screen().view, View::CostGraph(_)),
        Command::GraphMarks(_) => matches!(app.screen().view, View::Graph(_)),
        Command::Back => 1 < app.screens.len(),
        Command::Quit => app.screens.len() == 1,
        _ => true,
    }
}
