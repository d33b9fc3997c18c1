//! A table: heads, rows, a gutter with the cursor and the marks.
//!
//! The cursor is a sign in the gutter and a restyled name, so that moving it
//! sends two names over the wire and not two rows.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Span};
use crate::{fleet::Align, tui::theme::Role};

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) width: u16,
    pub(crate) align: Align,
}

/// What a row shows in one column.
pub(crate) type Cell<'a> = Vec<Span<'a>>;

/// The cells before a row: the cursor, the mark.
pub(crate) const GUTTER: u16 = 2;

/// Where a table is and what it looks like; its rows come when it is painted.
pub(crate) struct Table<'a> {
    pub(crate) area: Rect,
    pub(crate) columns: &'a [Column],
    pub(crate) has_head: bool,
    pub(crate) has_focus: bool,
}

/// A row's place in the list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowState {
    pub(crate) is_cursor: bool,
    pub(crate) is_marked: bool,
}

impl Table<'_> {
    /// Paints the heads, then the rows until there is no room.
    pub(crate) fn paint<'r>(
        &self,
        canvas: &mut Canvas<'_>,
        rows: impl Iterator<Item = (RowState, Vec<Cell<'r>>)>,
    ) {
        let mut y = self.area.y;
        if self.has_head && 0 < self.area.height {
            for (x, column) in self.places() {
                let text = column.title.as_str();
                match column.align {
                    Align::Left => {
                        canvas.put(x, y, column.width, text, Role::Heading);
                    }
                    Align::Right => canvas.put_right(x, y, column.width, text, Role::Heading),
                }
            }
            y += 1;
        }
        for (state, cells) in rows {
            if self.area.bottom() <= y {
                return;
            }
            self.paint_row(canvas, y, state, &cells);
            y += 1;
        }
    }

    fn paint_row(&self, canvas: &mut Canvas<'_>, y: u16, state: RowState, cells: &[Cell<'_>]) {
        let glyphs = canvas.glyphs();
        if state.is_cursor {
            let role = if self.has_focus {
                Role::Cursor
            } else {
                Role::Dim
            };
            canvas.put(self.area.x, y, 1, glyphs.cursor(), role);
        }
        if state.is_marked {
            canvas.put(self.area.x + 1, y, 1, glyphs.mark(), Role::Mark);
        }
        for (cell_idx, ((x, column), cell)) in self.places().zip(cells).enumerate() {
            let is_name = cell_idx == 0 && state.is_cursor && self.has_focus;
            let taken: u16 = cell.iter().map(|it| super::width_of(&it.text)).sum();
            let indent = match column.align {
                Align::Left => 0,
                Align::Right => column.width.saturating_sub(taken),
            };
            if is_name {
                for span in cell {
                    canvas.put(
                        x + indent,
                        y,
                        column.width - indent,
                        &span.text,
                        Role::Selected,
                    );
                }
            } else {
                canvas.put_spans(x + indent, y, column.width - indent, cell);
            }
        }
    }

    fn places(&self) -> impl Iterator<Item = (u16, &Column)> {
        let mut x = self.area.x + GUTTER;
        let right = self.area.right();
        self.columns.iter().map_while(move |column| {
            let at = x;
            x = x.saturating_add(column.width + 1);
            (at < right).then_some((at, column))
        })
    }
}

/// Keeps the columns that fit, dropping from the end of `order`; the rest keep their places.
///
/// `order` names the columns from the one that matters most.
pub(crate) fn fit(columns: Vec<Column>, width: u16, order: &[&str]) -> Vec<Column> {
    let rank = |it: &Column| {
        order
            .iter()
            .position(|name| *name == it.name)
            .unwrap_or(order.len())
    };
    let mut ranked: Vec<(usize, usize)> = columns
        .iter()
        .enumerate()
        .map(|(column_idx, it)| (rank(it), column_idx))
        .collect();
    ranked.sort_unstable();
    let mut left = width.saturating_sub(GUTTER);
    let mut kept = Vec::new();
    for (_, column_idx) in ranked {
        let wanted = columns[column_idx].width + u16::from(!kept.is_empty());
        if let Some(rest) = left.checked_sub(wanted) {
            left = rest;
            kept.push(column_idx);
        } else if kept.is_empty() {
            // Something is shown, however little room there is.
            kept.push(column_idx);
            left = 0;
        }
    }
    let all = columns.into_iter().enumerate();
    all.filter(|(column_idx, _)| kept.contains(column_idx))
        .map(|it| it.1)
        .collect()
}
