//! The frame of a graph: the labelled scale on the left, the times below, signs of events between.

use ratatui::layout::Rect;

use super::{Scale, Window};
use crate::tui::{
    theme::Role,
    widget::{Canvas, width_of},
};

/// Something that stands on the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    pub(crate) column_idx: usize,
    pub(crate) text: &'static str,
    pub(crate) role: Role,
}

/// Where the parts of a graph are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axes {
    pub(crate) area: Rect,
    /// Where the curves are drawn.
    pub(crate) inside: Rect,
    has_times: bool,
}

impl Axes {
    /// Divides an area; what there is no room for is left out, the curves last.
    pub(crate) fn new(area: Rect) -> Self {
        let gutter = match area.width {
            30.. => 7,
            16.. => 5,
            _ => 0,
        };
        let below = match area.height {
            5.. => 2,
            3.. => 1,
            _ => 0,
        };
        let inside = Rect {
            x: area.x + gutter,
            y: area.y,
            width: area.width - gutter,
            height: area.height - below,
        };
        Self {
            area,
            inside,
            has_times: below == 2,
        }
    }

    /// Returns how many steps the scale has room for.
    pub(crate) fn n_steps(&self) -> usize {
        usize::from(self.inside.height / 3).clamp(1, 8)
    }

    /// Paints everything but the curves.
    pub(crate) fn paint(
        &self,
        canvas: &mut Canvas<'_>,
        window: Window,
        scale: &Scale,
        signs: &[Sign],
        cursor: Option<usize>,
    ) {
        self.paint_scale(canvas, scale);
        self.paint_cursor(canvas, cursor);
        self.paint_times(canvas, window, signs, cursor);
    }

    fn paint_scale(&self, canvas: &mut Canvas<'_>, scale: &Scale) {
        let inside = self.inside;
        let gutter = inside.x - self.area.x;
        let glyphs = canvas.glyphs();
        if 0 < gutter {
            for y in inside.top()..inside.bottom() {
                canvas.put(inside.x - 1, y, 1, glyphs.upright(), Role::Rule);
            }
        }
        let mut labelled = inside.bottom() + 1;
        for (value, label) in scale.ticks() {
            let row = scale.row_of(value, usize::from(inside.height));
            let row = u16::try_from(row).unwrap_or(0);
            if inside.height <= row {
                continue;
            }
            let y = inside.bottom() - 1 - row;
            // Two labels in one row, or a cell apart, would be hard to tell apart.
            if labelled <= y {
                continue;
            }
            labelled = y;
            if row != 0 {
                let line = glyphs.grid().repeat(usize::from(inside.width / 2));
                canvas.put(inside.x, y, inside.width, &line, Role::Rule);
            }
            if 1 < gutter {
                canvas.put_right(self.area.x, y, gutter - 2, &label, Role::Dim);
                canvas.put(inside.x - 1, y, 1, glyphs.tick_left(), Role::Rule);
            }
        }
    }

    fn paint_cursor(&self, canvas: &mut Canvas<'_>, cursor: Option<usize>) {
        let Some(x) = cursor.and_then(|it| self.x_of(it)) else {
            return;
        };
        let glyphs = canvas.glyphs();
        for y in self.inside.top()..self.inside.bottom() {
            canvas.put(x, y, 1, glyphs.upright(), Role::Cursor);
        }
    }

    fn paint_times(
        &self,
        canvas: &mut Canvas<'_>,
        window: Window,
        signs: &[Sign],
        cursor: Option<usize>,
    ) {
        let (inside, glyphs) = (self.inside, canvas.glyphs());
        let y = inside.bottom();
        if self.area.bottom() <= y {
            return;
        }
        let rule = glyphs.rule().repeat(usize::from(inside.width));
        canvas.put(inside.x, y, inside.width, &rule, Role::Rule);
        if self.area.x < inside.x {
            canvas.put(inside.x - 1, y, 1, glyphs.corners()[2], Role::Rule);
            if self.has_times && 5 < inside.x - self.area.x {
                canvas.put_right(
                    self.area.x,
                    y + 1,
                    inside.x - self.area.x - 2,
                    "UTC",
                    Role::Dim,
                );
            }
        }
        let mut free = inside.x;
        for (column_idx, label) in window.ticks() {
            let Some(x) = self.x_of(column_idx) else {
                continue;
            };
            canvas.put(x, y, 1, glyphs.tick_down(), Role::Rule);
            let width = width_of(&label);
            // A label begins at its tick; the last one ends with the graph, and is never cut.
            let x = x.min(inside.right().saturating_sub(width));
            if self.has_times && free <= x {
                canvas.put(x, y + 1, width, &label, Role::Dim);
                free = x + width + 1;
            }
        }
        for sign in signs {
            if let Some(x) = self.x_of(sign.column_idx) {
                canvas.put(x, y, 1, sign.text, sign.role);
            }
        }
        if let Some(x) = cursor.and_then(|it| self.x_of(it))
            && signs.iter().all(|it| Some(it.column_idx) != cursor)
        {
            canvas.put(x, y, 1, glyphs.pointer(), Role::Cursor);
        }
    }

    fn x_of(&self, column_idx: usize) -> Option<u16> {
        let x = u16::try_from(column_idx).ok()?;
        (x < self.inside.width).then(|| self.inside.x + x)
    }
}
