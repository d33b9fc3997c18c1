//! Dots in cells: braille has eight of them in a cell, blocks two, ASCII one.

use ratatui::layout::Rect;

use crate::tui::{glyph::Marks, theme::Role, widget::Canvas};

/// Which bit of a braille letter a dot is: across, then from the bottom up.
const BRAILLE: [[u8; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
const BLOCK: [u8; 2] = [1, 2];
/// Where curves lie on each other they take turns, in pieces of this many cells.
const TURN: i64 = 3;

/// A curve's look: a sign of its own, and a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) sign: &'static str,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    dots: u8,
    /// The curves that have a dot here, a bit each.
    curves: u16,
    /// The curve whose sign stands here.
    sign: Option<u8>,
}

pub(super) struct Raster<'a> {
    width: usize,
    height: usize,
    marks: Marks,
    looks: &'a [Look],
    cells: Vec<Cell>,
}

impl<'a> Raster<'a> {
    /// More curves than this share a colour with none, and no screen has them.
    pub(super) const N_CURVES_MAX: usize = 16;

    pub(super) fn new(area: Rect, marks: Marks, looks: &'a [Look]) -> Self {
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        Self {
            width,
            height,
            marks,
            looks,
            cells: vec![Cell::default(); width * height],
        }
    }

    /// Returns the rows of dots.
    pub(super) fn n_rows(&self) -> usize {
        self.height * self.marks.dots().1
    }

    /// Sets a dot, counted from the left and from the bottom.
    pub(super) fn set(&mut self, x: usize, y: usize, curve_idx: usize) {
        let (across, up) = self.marks.dots();
        let bit = match self.marks {
            Marks::Braille => BRAILLE[x % across][y % up],
            Marks::Block => BLOCK[y % up],
            Marks::Ascii => 1,
        };
        if let Some(cell) = self.cell(x / across, y / up) {
            cell.dots |= bit;
            cell.curves |= 1 << curve_idx;
        }
    }

    /// Puts a curve's sign over the cell of a dot, unless there is one already.
    pub(super) fn sign(&mut self, x: usize, y: usize, curve_idx: usize) -> bool {
        let (across, up) = self.marks.dots();
        match self.cell(x / across, y / up) {
            Some(cell) if cell.sign.is_none() => {
                cell.sign = u8::try_from(curve_idx).ok();
                true
            }
            _ => false,
        }
    }

    fn cell(&mut self, column: usize, row_up: usize) -> Option<&mut Cell> {
        let row = self.height.checked_sub(row_up + 1)?;
        if self.width <= column {
            return None;
        }
        self.cells.get_mut(row * self.width + column)
    }

    /// Paints the dots; the cells without any are left as they are.
    ///
    /// `first` is the number of the first column, from which turns are counted.
    pub(super) fn paint(&self, canvas: &mut Canvas<'_>, area: Rect, first: i64) {
        for (y, row) in (area.top()..area.bottom()).zip(self.cells.chunks(self.width.max(1))) {
            let mut run = Run::default();
            for (x, cell) in (area.left()..area.right()).zip(row) {
                let column = first.wrapping_add(i64::from(x - area.left()));
                match self.letter(*cell, column) {
                    Some((letter, role)) => run.push(canvas, x, y, letter, role),
                    None => run.flush(canvas, y),
                }
            }
            run.flush(canvas, y);
        }
    }

    fn letter(&self, cell: Cell, column: i64) -> Option<(char, Role)> {
        if let Some(curve_idx) = cell.sign {
            let look = self.looks.get(usize::from(curve_idx))?;
            return Some((look.sign.chars().next()?, look.role));
        }
        if cell.dots == 0 {
            return None;
        }
        let look = self.looks.get(turn(cell.curves, column))?;
        let letter = match (self.marks, cell.dots) {
            (Marks::Braille, dots) => char::from_u32(0x2800 + u32::from(dots))?,
            (Marks::Block, 1) => '▄',
            (Marks::Block, 2) => '▀',
            (Marks::Block, _) => '█',
            (Marks::Ascii, _) => look.sign.chars().next()?,
        };
        Some((letter, look.role))
    }
}

/// Returns the curve whose turn it is in a cell that several share.
fn turn(curves: u16, column: i64) -> usize {
    let n = i64::from(curves.count_ones().max(1));
    let nth = column.div_euclid(TURN).rem_euclid(n);
    let mut left = nth;
    for curve_idx in 0..16 {
        if curves & (1 << curve_idx) != 0 {
            if left == 0 {
                return curve_idx;
            }
            left -= 1;
        }
    }
    0
}

/// Letters of one role beside each other, put at once.
#[derive(Default)]
struct Run {
    text: String,
    x: u16,
    role: Option<Role>,
}

impl Run {
    fn push(&mut self, canvas: &mut Canvas<'_>, x: u16, y: u16, letter: char, role: Role) {
        if self.role != Some(role) {
            self.flush(canvas, y);
            self.x = x;
            self.role = Some(role);
        }
        self.text.push(letter);
    }

    fn flush(&mut self, canvas: &mut Canvas<'_>, y: u16) {
        if let Some(role) = self.role.take() {
            canvas.put(self.x, y, u16::MAX - self.x, &self.text, role);
            self.text.clear();
        }
    }
}
