//! The one way to put text on the screen: sanitised, cut to its place, styled by its role.

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    fleet::sanitize,
    tui::{
        glyph::Glyphs,
        theme::{Role, Theme},
    },
};

/// Text with its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) role: Role,
}

impl<'a> Span<'a> {
    pub(crate) fn new(text: impl Into<Cow<'a, str>>, role: Role) -> Self {
        Self {
            text: text.into(),
            role,
        }
    }
}

/// A buffer that is painted by roles.
pub(crate) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    /// Under every text that brings no background of its own.
    ground: Style,
    cursor: Option<Position>,
}

impl<'a> Canvas<'a> {
    pub(crate) fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self {
            buffer,
            theme,
            ground: Style::default(),
            cursor: None,
        }
    }

    pub(crate) fn glyphs(&self) -> Glyphs {
        self.theme.glyphs
    }

    /// Returns where the terminal's own cursor belongs: in a line that is typed.
    pub(crate) fn cursor(&self) -> Option<Position> {
        self.cursor
    }

    pub(crate) fn set_cursor(&mut self, x: u16, y: u16) {
        if self.buffer.area.contains(Position::new(x, y)) {
            self.cursor = Some(Position::new(x, y));
        }
    }

    /// Puts one line of text, and returns how many cells it took, at most `width`.
    pub(crate) fn put(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let style = self.ground.patch(self.theme.style(role));
        let room = self.buffer.area.right().saturating_sub(x).min(width);
        if room == 0 || y < self.buffer.area.top() || self.buffer.area.bottom() <= y {
            return 0;
        }
        let text = shown(text, self.theme.glyphs);
        let text = cut(&text, room, self.theme.glyphs);
        self.free(x, y);
        let (end, _) = self
            .buffer
            .set_stringn(x, y, &text, usize::from(room), style);
        end - x
    }

    /// Takes away a wide letter that reaches into a cell: half a letter cannot be shown.
    fn free(&mut self, x: u16, y: u16) {
        if let Some(before) = x.checked_sub(1)
            && let Some(cell) = self.buffer.cell_mut((before, y))
            && 1 < cell.symbol().width()
        {
            cell.set_symbol(" ");
        }
    }

    /// Puts text against the right end of `width` cells.
    pub(crate) fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let taken = width_of(text).min(width);
        self.put(x + width - taken, y, taken, text, role);
    }

    /// Puts several texts one after the other, and returns how many cells they took.
    pub(crate) fn put_spans(&mut self, x: u16, y: u16, width: u16, spans: &[Span<'_>]) -> u16 {
        let mut taken = 0;
        for span in spans {
            taken += self.put(x + taken, y, width - taken, &span.text, span.role);
        }
        taken
    }

    /// Empties an area; what is put there stands on the role's background.
    pub(crate) fn clear(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        let style = self.theme.style(role);
        for y in area.top()..area.bottom() {
            self.free(area.left(), y);
            for x in area.left()..area.right() {
                let cell = &mut self.buffer[(x, y)];
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// Paints with the background of a role under everything.
    pub(crate) fn on(&mut self, role: Role, paint: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.ground, self.theme.style(role));
        paint(self);
        self.ground = before;
    }

    /// Rules a line with a title in it.
    pub(crate) fn title(&mut self, area: Rect, spans: &[Span<'_>]) {
        if area.height == 0 {
            return;
        }
        let rule = self.theme.glyphs.rule();
        let (x, y) = (area.x, area.y);
        let mut at = self.put(x, y, area.width.min(2), &rule.repeat(2), Role::Rule);
        at += self.put(x + at, y, area.width - at, " ", Role::Rule);
        at += self.put_spans(x + at, y, area.width - at, spans);
        at += self.put(x + at, y, area.width - at, " ", Role::Rule);
        let rest = area.width - at;
        self.put(x + at, y, rest, &rule.repeat(usize::from(rest)), Role::Rule);
    }

    /// Draws a box around an area that is emptied, and returns its inside.
    pub(crate) fn frame(&mut self, area: Rect, title: &str, role: Role) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 4 || area.height < 3 {
            self.clear(area, Role::Text);
            return area;
        }
        self.clear(area, Role::Text);
        let glyphs = self.theme.glyphs;
        let [nw, ne, sw, se] = glyphs.corners();
        let across = glyphs.rule().repeat(usize::from(area.width - 2));
        self.put(
            area.x,
            area.y,
            area.width,
            &format!("{nw}{across}{ne}"),
            role,
        );
        let bottom = area.bottom() - 1;
        self.put(
            area.x,
            bottom,
            area.width,
            &format!("{sw}{across}{se}"),
            role,
        );
        for y in area.y + 1..bottom {
            self.put(area.x, y, 1, glyphs.upright(), role);
            self.put(area.right() - 1, y, 1, glyphs.upright(), role);
        }
        if !title.is_empty() {
            self.put(
                area.x + 2,
                area.y,
                area.width - 4,
                &format!(" {title} "),
                role,
            );
        }
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }
}

/// Returns how many cells a text takes.
pub(crate) fn width_of(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Makes text safe, and plain where the terminal has no other letters.
fn shown(text: &str, glyphs: Glyphs) -> Cow<'_, str> {
    let text = sanitize(text);
    match glyphs {
        Glyphs::Unicode => text,
        Glyphs::Ascii if text.is_ascii() => text,
        Glyphs::Ascii => Cow::Owned(text.graphemes(true).map(plain).collect()),
    }
}

fn plain(grapheme: &str) -> Cow<'_, str> {
    match grapheme {
        "→" => Cow::Borrowed("->"),
        "…" => Cow::Borrowed("~"),
        "·" => Cow::Borrowed("|"),
        "↑" => Cow::Borrowed("^"),
        "↓" => Cow::Borrowed("v"),
        "—" | "–" => Cow::Borrowed("-"),
        it if it.is_ascii() => Cow::Borrowed(it),
        // As wide as what it stands for.
        it => Cow::Owned("?".repeat(it.width().max(1))),
    }
}

/// Cuts text to a width, and shows that it was cut.
fn cut(text: &str, width: u16, glyphs: Glyphs) -> Cow<'_, str> {
    if width_of(text) <= width {
        return Cow::Borrowed(text);
    }
    let mut short = String::new();
    let mut left = width.saturating_sub(1);
    for grapheme in text.graphemes(true) {
        let Some(rest) = left.checked_sub(width_of(grapheme)) else {
            break;
        };
        left = rest;
        short.push_str(grapheme);
    }
    short.push_str(glyphs.ellipsis());
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::ColourDepth;

    #[test]
    fn half_a_wide_letter_is_not_left_under_what_covers_the_other_half() {
        let theme = Theme::load("mono", None, ColourDepth::Mono, Glyphs::Unicode).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        let mut canvas = Canvas::new(&mut buffer, &theme);
        canvas.put(0, 0, 6, "日本語", Role::Text);
        canvas.put(3, 0, 1, "|", Role::Text);
        canvas.put(0, 1, 6, "日本語", Role::Text);
        canvas.clear(Rect::new(1, 1, 2, 1), Role::Text);
        let row = |y| (0..6).map(|x| buffer[(x, y)].symbol()).collect::<Vec<_>>();
        assert_eq!(row(0), ["日", " ", " ", "|", "語", " "]);
        assert_eq!(row(1)[0], " ");
    }

    #[test]
    fn what_does_not_fit_is_cut_and_shows_it() {
        assert_eq!(cut("workhorse", 9, Glyphs::Unicode), "workhorse");
        assert_eq!(cut("workhorse", 5, Glyphs::Unicode), "work…");
        assert_eq!(cut("日本語", 5, Glyphs::Unicode), "日本…");
        assert_eq!(cut("日本語", 4, Glyphs::Ascii), "日~");
    }

    #[test]
    fn without_unicode_every_letter_becomes_one_that_is_there() {
        assert_eq!(shown("5 → 8 … grün", Glyphs::Ascii), "5 -> 8 ~ gr?n");
    }
}
