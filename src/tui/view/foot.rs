//! The foot line: the newest message, or the keys that matter here.

use ratatui::layout::Rect;

use super::{dim, list::severity_role, operation};
use crate::tui::{
    app::{App, Command, View},
    keymap::Keys,
    theme::Role,
    widget::{Canvas, Span, width_of},
};

/// What the foot line offers when there is nothing to say, and the word for it.
const OFFERED: [(Command, &str); 19] = [
    (Command::Open, "open"),
    (Command::OperationPause(None), "pause"),
    (Command::OperationResume(None), "resume"),
    (Command::OperationSpeedUp(None), "faster"),
    (Command::OperationAdopt(None), "adopt"),
    (Command::OperationAbort(None), "abort"),
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

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    if area.height == 0 {
        return;
    }
    // The question of leaving is worth the whole line.
    let right = if app.is_leaving {
        Vec::new()
    } else {
        right(app)
    };
    let right_width: u16 = right
        .iter()
        .map(|it| width_of(&it.text))
        .sum::<u16>()
        .min(area.width);
    let left_width = area.width - right_width;
    if let Some(message) = app.messages.shown() {
        canvas.put(
            area.x + 1,
            area.y,
            left_width.saturating_sub(1),
            &message.text,
            severity_role(message.severity),
        );
    } else {
        canvas.put_spans(
            area.x + 1,
            area.y,
            left_width.saturating_sub(1),
            &hints(app),
        );
    }
    canvas.put_spans(area.x + left_width, area.y, right_width, &right);
}

/// What runs, and what failed since the history was looked at.
fn right(app: &App) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if let Some(it) = operation::in_short(app) {
        spans.push(Span::new(it, Role::Pending));
    }
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
    if 0 < app.messages.n_unread {
        spans.push(Span::new(
            format!(" {} failed ", app.messages.n_unread),
            Role::Danger,
        ));
    }
    spans
}

fn hints(app: &App) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut offer = |keys: String, word: &str| {
        spans.push(Span::new(keys, Role::Key));
        spans.push(dim(format!(" {word}  ")));
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
