//! Changed cells as the fewest bytes that a terminal understands.
//!
//! Knows where the terminal's cursor is and how it would style the next letter,
//! from one frame to the next: nobody else writes to the terminal.

use std::fmt::Write as _;

use ratatui::{
    buffer::Cell,
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr as _;

/// What the terminal would do with the next letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifiers: Modifier,
}

/// Writes cells, remembering the terminal's state.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    bytes: String,
    pen: Pen,
    /// Where the next letter goes; not known at first, and after the last column.
    at: Option<(u16, u16)>,
}

impl Encoder {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn begin(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn push(&mut self, sequence: &str) {
        self.bytes.push_str(sequence);
    }

    /// Forgets the state of the terminal: someone else may have written to it.
    pub(super) fn forget(&mut self) {
        self.pen = Pen::default();
        self.at = None;
        self.push("\x1b[m");
    }

    pub(super) fn cell(&mut self, x: u16, y: u16, cell: &Cell, width: u16) {
        self.go_to(x, y);
        self.dip(Pen {
            fg: cell.fg,
            bg: cell.bg,
            modifiers: cell.modifier,
        });
        self.bytes.push_str(cell.symbol());
        let next = x + u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        // Terminals differ in where the cursor is after the last column.
        self.at = (next < width).then_some((next, y));
    }

    pub(super) fn go_to(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (x, y) => return,
            Some((from, row)) if row == y && from < x => self.forward(x - from),
            _ => self.write(format_args!("\x1b[{};{}H", y + 1, x + 1)),
        }
        self.at = Some((x, y));
    }

    fn forward(&mut self, by: u16) {
        if by == 1 {
            self.push("\x1b[C");
        } else {
            self.write(format_args!("\x1b[{by}C"));
        }
    }

    /// Changes the pen by one sequence that names only what is different.
    fn dip(&mut self, pen: Pen) {
        if pen == self.pen {
            return;
        }
        let before = std::mem::replace(&mut self.pen, pen);
        if pen == Pen::default() {
            self.push("\x1b[m");
            return;
        }
        self.push("\x1b[");
        let start = self.bytes.len();
        let (lost, gained) = (
            before.modifiers - pen.modifiers,
            pen.modifiers - before.modifiers,
        );
        // Bold and dim end together, so what stays of them is said again.
        let ends_weight = lost.intersects(WEIGHT);
        let again = if ends_weight {
            pen.modifiers & WEIGHT
        } else {
            Modifier::empty()
        };
        for (modifier, _, off) in MODIFIERS {
            if lost.contains(modifier) {
                self.code(off);
            }
        }
        for (modifier, on, _) in MODIFIERS {
            if (gained | again).contains(modifier) {
                self.code(on);
            }
        }
        if before.fg != pen.fg {
            self.colour(pen.fg, 30);
        }
        if before.bg != pen.bg {
            self.colour(pen.bg, 40);
        }
        if self.bytes[start..].ends_with(';') {
            self.bytes.pop();
        }
        self.push("m");
    }

    fn code(&mut self, code: u8) {
        self.write(format_args!("{code};"));
    }

    fn colour(&mut self, colour: Color, base: u8) {
        let code = match colour {
            Color::Reset => base + 9,
            Color::Black => base,
            Color::Red => base + 1,
            Color::Green => base + 2,
            Color::Yellow => base + 3,
            Color::Blue => base + 4,
            Color::Magenta => base + 5,
            Color::Cyan => base + 6,
            Color::Gray => base + 7,
            Color::DarkGray => base + 60,
            Color::LightRed => base + 61,
            Color::LightGreen => base + 62,
            Color::LightYellow => base + 63,
            Color::LightBlue => base + 64,
            Color::LightMagenta => base + 65,
            Color::LightCyan => base + 66,
            Color::White => base + 67,
            Color::Indexed(n) => return self.write(format_args!("{};5;{n};", base + 8)),
            Color::Rgb(r, g, b) => return self.write(format_args!("{};2;{r};{g};{b};", base + 8)),
        };
        self.code(code);
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.bytes.write_fmt(text);
    }
}

const WEIGHT: Modifier = Modifier::BOLD.union(Modifier::DIM);

/// Modifier, the code that begins it, the code that ends it.
const MODIFIERS: [(Modifier, u8, u8); 6] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::REVERSED, 7, 27),
    (Modifier::CROSSED_OUT, 9, 29),
];

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn encode(cells: &[(u16, u16, &str, Style)]) -> String {
        let mut encoder = Encoder::default();
        for (x, y, symbol, style) in cells {
            let mut cell = Cell::default();
            cell.set_symbol(symbol).set_style(*style);
            encoder.cell(*x, *y, &cell, 80);
        }
        String::from_utf8(encoder.bytes().to_vec()).unwrap()
    }

    #[test]
    fn neighbours_are_not_addressed_again_and_short_gaps_are_stepped_over() {
        let plain = Style::default();
        let text = encode(&[
            (0, 0, "a", plain),
            (1, 0, "b", plain),
            (4, 0, "c", plain),
            (0, 1, "d", plain),
        ]);
        assert_eq!(text, "\x1b[1;1Hab\x1b[2Cc\x1b[2;1Hd");
    }

    #[test]
    fn only_what_differs_is_said_of_a_style() {
        let red = Style::default().fg(Color::Red);
        let bold = red.add_modifier(Modifier::BOLD);
        let text = encode(&[
            (0, 0, "a", red),
            (1, 0, "b", bold),
            (2, 0, "c", red),
            (3, 0, "d", Style::default()),
        ]);
        assert_eq!(text, "\x1b[1;1H\x1b[31ma\x1b[1mb\x1b[22mc\x1b[md");
    }

    #[test]
    fn bold_survives_the_end_of_dim() {
        let both = Style::default().add_modifier(Modifier::BOLD | Modifier::DIM);
        let bold = Style::default().add_modifier(Modifier::BOLD);
        let text = encode(&[(0, 0, "a", both), (1, 0, "b", bold)]);
        assert_eq!(text, "\x1b[1;1H\x1b[1;2ma\x1b[22;1mb");
    }

    #[test]
    fn after_the_last_column_the_place_is_not_known() {
        let plain = Style::default();
        let text = encode(&[(79, 0, "a", plain), (0, 1, "b", plain)]);
        assert_eq!(text, "\x1b[1;80Ha\x1b[2;1Hb");
    }
}
