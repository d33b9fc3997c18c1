//! A list to choose from: the order of the rows, the columns.

use super::{dim, middle};
use crate::tui::{
    app::{App, Picker, PickerKind},
    theme::Role,
    widget::{Canvas, Span},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, picker: &Picker) {
    let n_items = u16::try_from(picker.items.len()).unwrap_or(u16::MAX);
    let area = middle(app, 72, n_items.saturating_add(2));
    let title = match picker.kind {
        PickerKind::Sort => "order by",
        PickerKind::Columns => "columns, space to choose",
    };
    let inside = canvas.frame(area, title, Role::Overlay);
    let height = usize::from(inside.height.max(1));
    let first = (picker.cursor + 1).saturating_sub(height);
    let glyphs = canvas.glyphs();
    let fields = picker.noun.fields();
    let shown = picker.items.iter().enumerate().skip(first);
    for (y, (item_idx, item)) in (inside.y..inside.bottom()).zip(shown) {
        let is_cursor = item_idx == picker.cursor;
        let (cursor, role) = if is_cursor {
            (glyphs.cursor(), Role::Selected)
        } else {
            (" ", Role::Text)
        };
        let chosen = if picker.chosen.contains(item) {
            glyphs.mark()
        } else {
            " "
        };
        let help = fields
            .iter()
            .find(|it| it.name == *item)
            .map_or("", |it| it.help);
        let spans = [
            Span::new(cursor, Role::Cursor),
            Span::new(format!("{chosen} "), Role::Mark),
            Span::new(format!("{item:<18} "), role),
            dim(help),
        ];
        canvas.put_spans(inside.x, y, inside.width, &spans);
    }
}
