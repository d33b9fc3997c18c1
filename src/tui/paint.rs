//! Turns what is different between two frames into one write.

use std::io::{self, Write};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    queue,
    terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};
use ratatui::{
    backend::{Backend as _, CrosstermBackend},
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

/// Knows what is on the terminal, and writes only what changes.
pub struct Painter<W: Write> {
    writer: W,
    /// What is on the terminal.
    shown: Buffer,
    cursor: Option<Position>,
    next: Buffer,
    /// Whether nothing is known of what the terminal shows.
    is_stale: bool,
    bytes: Vec<u8>,
}

impl<W: Write> Painter<W> {
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            shown: Buffer::empty(Rect::ZERO),
            cursor: None,
            next: Buffer::empty(Rect::ZERO),
            is_stale: true,
            bytes: Vec::new(),
        }
    }

    /// Forgets what is on the terminal: the next frame is painted whole.
    pub fn forget(&mut self) {
        self.is_stale = true;
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
        self.encode(cursor)?;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.cursor = cursor;
        self.is_stale = false;
        if !self.bytes.is_empty() {
            // One write: a terminal that is far away shows the frame at once or not at all.
            self.writer.write_all(&self.bytes)?;
            self.writer.flush()?;
        }
        Ok(self.bytes.len())
    }

    /// Writes what is not part of a frame: a copy for the clipboard.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.writer.flush()
    }

    fn encode(&mut self, cursor: Option<Position>) -> io::Result<()> {
        self.bytes.clear();
        if self.is_stale {
            self.shown.reset();
        }
        let has_changed = self.is_stale || self.shown.diff_iter(&self.next).next().is_some();
        let cursor_moved = self.is_stale || self.cursor != cursor;
        if !has_changed && !cursor_moved {
            return Ok(());
        }
        queue!(self.bytes, BeginSynchronizedUpdate)?;
        if self.is_stale {
            queue!(self.bytes, Hide, Clear(ClearType::All))?;
        } else if self.cursor.is_some() && has_changed {
            queue!(self.bytes, Hide)?;
        }
        if has_changed {
            let mut backend = CrosstermBackend::new(&mut self.bytes);
            backend.draw(self.shown.diff_iter(&self.next))?;
        }
        match cursor {
            Some(at) => queue!(self.bytes, MoveTo(at.x, at.y), Show)?,
            None if self.cursor.is_some() => queue!(self.bytes, Hide)?,
            None => {}
        }
        queue!(self.bytes, EndSynchronizedUpdate)
    }
}
