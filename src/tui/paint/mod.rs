//! Turns what is different between two frames into one write.

mod encode;
mod wide;

use std::io::{self, Write};

use encode::Encoder;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

/// DEC private mode 2026: the terminal shows all of a frame or nothing of it.
/// One that does not know the mode ignores it.
const BEGIN_FRAME: &str = "\x1b[?2026h";
const END_FRAME: &str = "\x1b[?2026l";
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR: &str = "\x1b[2J";

/// Knows what is on the terminal, and writes only what changes.
pub struct Painter<W: Write> {
    writer: W,
    /// What is on the terminal.
    shown: Buffer,
    cursor: Option<Position>,
    next: Buffer,
    /// Whether nothing is known of what the terminal shows.
    is_stale: bool,
    encoder: Encoder,
}

impl<W: Write> Painter<W> {
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            shown: Buffer::empty(Rect::ZERO),
            cursor: None,
            next: Buffer::empty(Rect::ZERO),
            is_stale: true,
            encoder: Encoder::default(),
        }
    }

    /// Forgets what is on the terminal: the next frame is painted whole.
    pub fn forget(&mut self) {
        self.is_stale = true;
    }

    pub fn writer(&self) -> &W {
        &self.writer
    }

    /// Paints a frame, and returns how many bytes it took; a frame that is the same takes none.
    pub fn paint(
        &mut self,
        size: Size,
        draw: impl FnOnce(&mut Buffer) -> Option<Position>,
    ) -> io::Result<usize> {
        let area = Rect::new(0, 0, size.width, size.height);
        if self.shown.area != area {
            self.shown = Buffer::empty(area);
            self.next = Buffer::empty(area);
            self.is_stale = true;
        }
        self.next.reset();
        let cursor = draw(&mut self.next);
        wide::make_whole(&mut self.next);
        self.encode(cursor);
        std::mem::swap(&mut self.shown, &mut self.next);
        self.cursor = cursor;
        self.is_stale = false;
        if !self.encoder.is_empty() {
            // One write: a terminal that is far away shows the frame at once or not at all.
            self.writer.write_all(self.encoder.bytes())?;
            self.writer.flush()?;
        }
        Ok(self.encoder.bytes().len())
    }

    /// Writes what is not part of a frame: a copy for the clipboard.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.writer.flush()
    }

    fn encode(&mut self, cursor: Option<Position>) {
        let encoder = &mut self.encoder;
        encoder.begin();
        if self.is_stale {
            self.shown.reset();
        }
        let has_changed = self.is_stale || wide::changed(&self.shown, &self.next).next().is_some();
        let cursor_moved = self.is_stale || self.cursor != cursor;
        if !has_changed && !cursor_moved {
            return;
        }
        encoder.push(BEGIN_FRAME);
        if self.is_stale {
            encoder.forget();
            encoder.push(HIDE_CURSOR);
            encoder.push(CLEAR);
            self.cursor = None;
        }
        for (x, y, cell) in wide::changed(&self.shown, &self.next) {
            encoder.cell(x, y, cell, self.next.area.width);
        }
        match (self.cursor, cursor) {
            (None, None) => {}
            (Some(_), None) => encoder.push(HIDE_CURSOR),
            (before, Some(at)) => {
                // Writing moved it, inside the frame, where nobody sees it.
                encoder.go_to(at.x, at.y);
                if before.is_none() {
                    encoder.push(SHOW_CURSOR);
                }
            }
        }
        encoder.push(END_FRAME);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::{Color, Modifier, Style};

    use super::*;

    const SIZE: Size = Size::new(12, 4);

    fn style() -> impl Strategy<Value = Style> {
        let colour = prop::sample::select(vec![
            Color::Reset,
            Color::Red,
            Color::White,
            Color::Indexed(200),
            Color::Rgb(1, 2, 3),
        ]);
        let modifiers = prop::sample::select(vec![
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::DIM,
            Modifier::BOLD | Modifier::UNDERLINED,
            Modifier::REVERSED | Modifier::ITALIC,
        ]);
        (colour.clone(), colour, modifiers)
            .prop_map(|(fg, bg, it)| Style::default().fg(fg).bg(bg).add_modifier(it))
    }

    type Text = (u16, u16, String, Style);

    /// Wide letters have no style here: what is left of one that is half overwritten, terminals
    /// and the parser paint as they like.
    fn frames(
        letters: &'static str,
        style: impl Strategy<Value = Style>,
    ) -> impl Strategy<Value = Vec<Vec<Text>>> {
        let text = (0..12_u16, 0..4_u16, letters, style);
        prop::collection::vec(prop::collection::vec(text, 0..6), 1..6)
    }

    fn is_same(cell: &ratatui::buffer::Cell, shown: &vt100::Cell) -> bool {
        let colour = |it| match it {
            vt100::Color::Default => Color::Reset,
            vt100::Color::Idx(1) => Color::Red,
            vt100::Color::Idx(15) => Color::White,
            vt100::Color::Idx(n) => Color::Indexed(n),
            vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
        };
        let symbol = if shown.contents().is_empty() {
            " "
        } else {
            shown.contents()
        };
        cell.symbol() == symbol
            && cell.fg == colour(shown.fgcolor())
            && cell.bg == colour(shown.bgcolor())
            && is_same_weight(cell.modifier, shown)
            && cell.modifier.contains(Modifier::UNDERLINED) == shown.underline()
            && cell.modifier.contains(Modifier::REVERSED) == shown.inverse()
    }

    /// The parser knows bold or dim, not both at once.
    fn is_same_weight(modifier: Modifier, shown: &vt100::Cell) -> bool {
        let (bold, dim) = (
            modifier.contains(Modifier::BOLD),
            modifier.contains(Modifier::DIM),
        );
        let is_both = bold && dim && (shown.bold() || shown.dim());
        // Nobody sees the weight of a blank.
        let is_both = is_both || shown.contents().trim().is_empty();
        is_both || (bold, dim) == (shown.bold(), shown.dim())
    }

    proptest! {
        /// A real parser of terminal output shows, after any frames, the last one.
        #[test]
        fn the_terminal_shows_the_last_frame(frames in frames("[a-c ]{1,5}", style())) {
            shows_the_last(&frames)?;
        }

        #[test]
        fn the_terminal_shows_wide_letters(frames in frames("(日|a|🚀|é| ){1,5}", Just(Style::default()))) {
            shows_the_last(&frames)?;
        }
    }

    fn shows_the_last(frames: &[Vec<Text>]) -> Result<(), TestCaseError> {
        let mut painter = Painter::new(Vec::new());
        let mut terminal = vt100::Parser::new(4.try_into().unwrap(), 12.try_into().unwrap(), 0);
        for frame in frames {
            painter.writer.clear();
            painter
                .paint(SIZE, |buffer| {
                    for (x, y, text, style) in frame {
                        buffer.set_string(*x, *y, text, *style);
                    }
                    None
                })
                .unwrap();
            terminal.process(&painter.writer);
            for y in 0..SIZE.height {
                let mut x = 0;
                while x < SIZE.width {
                    let cell = &painter.shown[(x, y)];
                    let shown = terminal.screen().cell(y, x).unwrap();
                    prop_assert!(is_same(cell, shown), "at {x},{y}: {cell:?} {shown:?}");
                    x += if shown.is_wide() { 2 } else { 1 };
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_frame_that_is_the_same_writes_nothing() {
        let mut painter = Painter::new(Vec::new());
        let draw = |buffer: &mut Buffer| {
            buffer.set_string(1, 1, "text", Style::default());
            None
        };
        assert_ne!(painter.paint(SIZE, draw).unwrap(), 0);
        assert_eq!(painter.paint(SIZE, draw).unwrap(), 0);
        painter.forget();
        assert_ne!(
            painter.paint(SIZE, draw).unwrap(),
            0,
            "the whole is painted again"
        );
    }

    #[test]
    fn the_cursor_is_shown_once_and_moved_alone() {
        let mut painter = Painter::new(Vec::new());
        let at = |x| move |_: &mut Buffer| Some(Position::new(x, 0));
        painter.paint(SIZE, at(3)).unwrap();
        painter.writer.clear();
        painter.paint(SIZE, at(4)).unwrap();
        assert_eq!(painter.writer, b"\x1b[?2026h\x1b[C\x1b[?2026l");
        painter.writer.clear();
        painter.paint(SIZE, |_| None).unwrap();
        assert_eq!(painter.writer, b"\x1b[?2026h\x1b[?25l\x1b[?2026l");
    }
}
