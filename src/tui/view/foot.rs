//! The foot line: the newest message, or the keys that matter here.

use ratatui::layout::Rect;

use super::{dim, list::severity_role};
use crate::tui::{
    app::{App, Command},
    theme::Role,
    widget::{Canvas, Span, width_of},
};

/// What the foot line offers when there is nothing to say.
const OFFERED: [Command; 6] = [
    Command::Help,
    Command::Palette(None),
    Command::Filter(None),
    Command::Open,
    Command::Back,
    Command::Quit,
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    if area.height == 0 {
        return;
    }
    let right = right(app);
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
    let mut running = app.submitted.iter().filter(|it| !it.is_over);
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
    for command in OFFERED {
        if let Some(keys) = app.keymap.keys_for(app.context(), &command) {
            spans.push(Span::new(keys.to_string(), Role::Key));
            spans.push(dim(format!(" {}  ", command.name())));
        }
    }
    spans
}
