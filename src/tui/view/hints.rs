//! What may follow the keys that were pressed so far.

use ratatui::layout::Rect;

use crate::tui::{
    app::App,
    keymap::Keys,
    theme::Role,
    widget::{Canvas, Span, width_of},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App) {
    if app.pressed.0.is_empty() {
        return;
    }
    let next = next_keys(app);
    let widest = next
        .iter()
        .map(|(keys, about)| width_of(keys) + width_of(about) + 4)
        .max();
    let Some(widest) = widest else {
        return;
    };
    let size = app.size;
    let width = size.width.min(widest.max(30) + 2);
    let height = u16::try_from(next.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2)
        .min(size.height);
    let area = Rect::new(size.width - width, size.height - height, width, height);
    let inside = canvas.frame(area, &app.pressed.to_string(), Role::Overlay);
    for (y, (keys, about)) in (inside.y..inside.bottom()).zip(next) {
        let spans = [
            Span::new(format!(" {keys:<4} "), Role::Key),
            Span::new(about, Role::Text),
        ];
        canvas.put_spans(inside.x, y, inside.width, &spans);
    }
}

/// The rest of each sequence that begins with what was pressed, and what it does.
fn next_keys(app: &App) -> Vec<(String, String)> {
    let bindings = app.keymap.bindings(app.context()).into_iter();
    let n_pressed = app.pressed.0.len();
    bindings
        .filter(|it| it.keys.starts_with(&app.pressed))
        .map(|it| {
            let rest = Keys(it.keys.0[n_pressed..].to_vec());
            (rest.to_string(), it.command.about())
        })
        .collect()
}
