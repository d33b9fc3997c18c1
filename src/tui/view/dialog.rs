//! A question over the screen: its text, which scrolls, and under it what answers.
//!
//! What is typed and what answers stay on the screen at every size; the text gives way to them.

use tui_input::Input;

use super::middle;
use crate::tui::{
    app::{App, Command},
    theme::Role,
    widget::{Canvas, Span, width_of},
};

type Line = Vec<Span<'static>>;

pub(super) struct Dialog<'a> {
    pub(super) title: &'a str,
    pub(super) role: Role,
    /// How wide it is, where there is room.
    pub(super) width: u16,
    pub(super) text: Vec<Line>,
    /// The first line of the text that is shown.
    pub(super) scroll: usize,
    /// Why the last key did not answer.
    pub(super) hint: Option<&'static str>,
    pub(super) answers: Vec<Line>,
    pub(super) typed: Option<Typed<'a>>,
}

/// A name that is typed, and what stands before it in its line.
pub(super) struct Typed<'a> {
    pub(super) label: Span<'static>,
    pub(super) input: &'a Input,
    pub(super) role: Role,
}

/// Returns how wide the lines of a dialog of this width can be.
pub(super) fn inner_width(app: &App, width: u16) -> u16 {
    app.size.width.min(width).saturating_sub(4)
}

impl Dialog<'_> {
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, app: &App) {
        let n_lines = u16::try_from(self.text.len()).unwrap_or(u16::MAX);
        let height = n_lines.saturating_add(2 + self.n_lines_under());
        let area = middle(app, self.width, height);
        let inside = canvas.frame(area, self.title, self.role);
        let (x, width) = (inside.x + 1, inside.width.saturating_sub(2));
        let n_under = self.n_lines_under().min(inside.height);
        let text_bottom = inside.bottom() - n_under;
        let shown = self.text.iter().skip(self.scroll);
        for (y, line) in (inside.y..text_bottom).zip(shown) {
            canvas.put_spans(x, y, width, line);
        }
        let mut under = vec![self.status(app, text_bottom - inside.y, width)];
        under.extend(self.answers.iter().cloned());
        // Where there is no room for all of it, what is nearest to the answer is left.
        let n_above_typed = n_under - u16::from(self.typed.is_some()).min(n_under);
        let n_cut = under.len().saturating_sub(usize::from(n_above_typed));
        for (y, line) in (text_bottom..inside.bottom()).zip(under.iter().skip(n_cut)) {
            canvas.put_spans(x, y, width, line);
        }
        if let Some(typed) = self.typed.as_ref().filter(|_| 0 < n_under) {
            typed.draw(canvas, x, inside.bottom() - 1, width);
        }
    }

    pub(super) fn max_scroll(&self, app: &App) -> usize {
        let under = 2 + self.n_lines_under();
        let height = app.size.height.saturating_sub(under);
        self.text.len().saturating_sub(usize::from(height))
    }

    /// The status, the answers, and the name that is typed.
    fn n_lines_under(&self) -> u16 {
        let n_answers = u16::try_from(self.answers.len()).unwrap_or(u16::MAX);
        n_answers.saturating_add(1 + u16::from(self.typed.is_some()))
    }

    /// Says why the last key did not answer, or which keys scroll; and how much is below.
    fn status(&self, app: &App, text_height: u16, width: u16) -> Line {
        let text_height = usize::from(text_height);
        let below = self.text.len().saturating_sub(self.scroll + text_height);
        let more = match below {
            0 => Span::new("", Role::Warn),
            1 => Span::new("1 more line", Role::Warn),
            n => Span::new(format!("{n} more lines"), Role::Warn),
        };
        let is_long = text_height < self.text.len();
        let scrolls = if is_long {
            scroll_keys(app)
        } else {
            Vec::new()
        };
        let hint = self.hint.map(|it| Span::new(it, Role::Warn));
        let lefts = hint.map(|it| vec![it]).into_iter().chain(scrolls);
        let more_width = width_of(&more.text);
        let fits = |left: &Line| line_width(left) + 1 + more_width <= width;
        let mut lefts = lefts.peekable();
        let Some(first) = lefts.peek().cloned() else {
            return vec![more];
        };
        if self.hint.is_some() && !fits(&first) {
            return first;
        }
        let left = lefts.find(fits).unwrap_or_default();
        let gap = width.saturating_sub(line_width(&left) + more_width);
        let mut line = left;
        line.push(Span::new(" ".repeat(usize::from(gap)), Role::Text));
        line.push(more);
        line
    }
}

impl Typed<'_> {
    /// A name that is longer than its line shows the end that is typed at.
    fn draw(&self, canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16) {
        let taken = canvas.put(x, y, width, &self.label.text, self.label.role);
        let room = width - taken;
        let before: String = self
            .input
            .value()
            .chars()
            .take(self.input.cursor())
            .collect();
        let skip = width_of(&before).saturating_sub(room.saturating_sub(1));
        let shown: String = self.input.value().chars().skip(usize::from(skip)).collect();
        canvas.put(x + taken, y, room, &shown, self.role);
        canvas.set_cursor(x + taken + width_of(&before).saturating_sub(skip), y);
    }
}

/// What says which keys scroll, as the keymap has them, the longest first.
fn scroll_keys(app: &App) -> Vec<Line> {
    let context = app.context();
    let keys = |command| {
        let keys = app.keymap.keys_for(context, &command);
        keys.map(ToString::to_string)
    };
    let rows = [keys(Command::RowNext), keys(Command::RowPrevious)];
    let pages = [keys(Command::PageNext), keys(Command::PagePrevious)];
    let line = |keys: Vec<String>| {
        let words = Span::new(" scroll", Role::Dim);
        (!keys.is_empty()).then(|| vec![Span::new(keys.join(" "), Role::Key), words])
    };
    let all = rows.iter().chain(&pages).flatten().cloned().collect();
    let rows = rows.into_iter().flatten().collect();
    let pages = pages.into_iter().flatten().collect();
    [line(all), line(rows), line(pages)]
        .into_iter()
        .flatten()
        .collect()
}

fn line_width(line: &[Span<'_>]) -> u16 {
    line.iter().map(|it| width_of(&it.text)).sum()
}

/// Lays pieces side by side, each whole, as many in a line as there is room for.
pub(super) fn flow(pieces: Vec<Line>, gap: u16, width: u16) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if line_width(line) + gap + line_width(&piece) <= width => {
                line.push(Span::new(" ".repeat(usize::from(gap)), Role::Text));
                line.extend(piece);
            }
            _ => lines.push(piece),
        }
    }
    lines
}
