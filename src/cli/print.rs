//! Where everything is printed: stdout is data, stderr is talk.
//!
//! Talk is sanitised here; data was, by whoever laid it out.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Write},
};

use clap::builder::styling::{AnsiColor, Style};
use rustix::termios::{QueueSelector, tcflush, tcgetwinsize};

use super::exit::{Error, Exit};
use crate::fleet::{sanitize, sanitize_lines};

/// The three streams of a command, and what is known of the terminal behind them.
pub struct Printer {
    pub terminal: Terminal,
    stdin: Box<dyn BufRead + Send>,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
    /// Whether the streams are those of the process, whose terminal may change its size.
    is_of_process: bool,
    /// Set once whoever read stdout has gone.
    is_closed: bool,
    /// Whether the cursor stands behind a status that the next line overwrites.
    has_status: bool,
    /// The newest warnings.
    said: VecDeque<String>,
}

/// How many warnings are remembered: a watch goes on for days.
const N_SAID_MAX: usize = 32;

/// What stands behind the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    pub stdin_is_terminal: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    /// Columns and lines of stdout at the start, where it is a terminal.
    pub size: Option<(u16, u16)>,
    pub stdout_has_color: bool,
    pub stderr_has_color: bool,
}

impl Terminal {
    /// Returns whether somebody is there who can be shown a plan and asked.
    pub fn can_ask(self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }
}

/// Bold, for the titles of a table.
const TITLE: Style = Style::new().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

impl Printer {
    pub fn new(
        terminal: Terminal,
        stdin: Box<dyn BufRead + Send>,
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            terminal,
            stdin,
            stdout,
            stderr,
            is_of_process: false,
            is_closed: false,
            has_status: false,
            said: VecDeque::new(),
        }
    }

    /// Takes the streams of the process.
    pub fn of_process(terminal: Terminal) -> Self {
        let mut printer = Self::new(
            terminal,
            Box::new(io::BufReader::new(io::stdin())),
            Box::new(io::BufWriter::new(io::stdout())),
            Box::new(io::stderr()),
        );
        printer.is_of_process = true;
        printer
    }

    /// Returns the columns of the terminal now; `None` without one.
    pub fn width(&self) -> Option<u16> {
        self.size().map(|it| it.0)
    }

    fn size(&self) -> Option<(u16, u16)> {
        let at_start = self.terminal.size?;
        if !self.is_of_process {
            return Some(at_start);
        }
        Some(terminal_size().unwrap_or(at_start))
    }

    /// Writes data. A reader that has gone is no error: `| head` has seen enough.
    pub fn data(&mut self, text: &str) -> Result<(), Error> {
        if self.is_closed {
            return Ok(());
        }
        self.clear_status();
        let written = self
            .stdout
            .write_all(text.as_bytes())
            .and_then(|()| self.stdout.flush());
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Err(error) => Err(Error::new(
                Exit::Failed,
                format!("stdout cannot be written: {error}"),
            )),
        }
    }

    /// Returns whether whoever read stdout has gone.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes a table whose first line is its titles, if it has any.
    pub fn table(&mut self, table: &str, has_titles: bool) -> Result<(), Error> {
        match table.split_once('\n') {
            Some((titles, rows)) if has_titles && self.terminal.stdout_has_color => {
                self.data(&format!("{TITLE}{titles}{TITLE:#}\n{rows}"))
            }
            _ => self.data(table),
        }
    }

    /// Writes the next picture of a table in place of the last one.
    pub fn redraw(&mut self, picture: &str, has_titles: bool) -> Result<(), Error> {
        let n_lines = picture.lines().count();
        let n_shown = match self.size() {
            // The last line holds the cursor, and the one before it what is cut off.
            Some((_, height)) if usize::from(height) <= n_lines => {
                usize::from(height).saturating_sub(2)
            }
            _ => n_lines,
        };
        let mut lines: Vec<String> = picture.lines().take(n_shown).map(str::to_owned).collect();
        if has_titles && self.terminal.stdout_has_color {
            // The first line is the time of the reading.
            if let Some(titles) = lines.get_mut(1) {
                *titles = format!("{TITLE}{titles}{TITLE:#}");
            }
        }
        if n_shown < n_lines {
            lines.push(format!("… {} more lines", n_lines - n_shown));
        }
        // Home, and each line's rest erased as it is written: no flicker.
        let text: String = lines.iter().flat_map(|it| [it, "\x1b[K\n"]).collect();
        self.data(&format!("\x1b[H{text}\x1b[J"))
    }

    /// Makes room for pictures that are drawn in place.
    pub fn begin_redraw(&mut self) -> Result<(), Error> {
        self.data("\x1b[2J")
    }

    /// Says something about what is going on, on one line.
    pub fn talk(&mut self, text: &str) {
        self.say(&sanitize(text));
    }

    /// Says several lines.
    pub fn talk_lines(&mut self, text: &str) {
        for line in sanitize_lines(text) {
            self.say(&line);
        }
    }

    fn say(&mut self, line: &str) {
        self.clear_status();
        // There is nobody left to tell that stderr cannot be written.
        let _ = writeln!(self.stderr, "{line}");
    }

    pub fn warn(&mut self, what: &str) {
        self.said.truncate(N_SAID_MAX - 1);
        self.said.push_front(what.to_owned());
        self.labelled(WARNING, "warning", what);
    }

    /// Warns, unless that was said before, with its source before it or without.
    pub fn warn_once(&mut self, what: &str) {
        let is_same = |it: &String| it.ends_with(what) || what.ends_with(it.as_str());
        if !self.said.iter().any(is_same) {
            self.warn(what);
        }
    }

    pub fn hint(&mut self, what: &str) {
        self.labelled(HINT, "hint", what);
    }

    pub fn error(&mut self, error: &Error) {
        self.labelled(ERROR, "error", &error.what);
        if let Some(hint) = &error.hint {
            self.hint(hint);
        }
    }

    fn labelled(&mut self, style: Style, label: &str, what: &str) {
        for (line_idx, line) in sanitize_lines(what).enumerate() {
            match (line_idx, self.terminal.stderr_has_color) {
                (0, true) => self.say(&format!("{style}{label}:{style:#} {line}")),
                (0, false) => self.say(&format!("{label}: {line}")),
                _ => self.say(&line),
            }
        }
    }

    /// Shows what is waited for, on a terminal only; the next line takes its place.
    pub fn status(&mut self, text: &str) {
        if self.terminal.stderr_is_terminal {
            let text = sanitize(text);
            let _ = write!(self.stderr, "\r{text}\x1b[K");
            let _ = self.stderr.flush();
            self.has_status = true;
        }
    }

    pub fn clear_status(&mut self) {
        if std::mem::take(&mut self.has_status) {
            let _ = write!(self.stderr, "\r\x1b[K");
            let _ = self.stderr.flush();
        }
    }

    /// Asks, and returns the answer; `None` at the end of the input.
    ///
    /// What was typed before the question stood there is no answer to it.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        self.clear_status();
        if self.is_of_process {
            // What cannot be dropped was not typed on a terminal.
            let _ = tcflush(io::stdin(), QueueSelector::IFlush);
        }
        let _ = write!(self.stderr, "{} ", sanitize(question));
        let _ = self.stderr.flush();
        let mut answer = String::new();
        match self.stdin.read_line(&mut answer) {
            Ok(0) | Err(_) => {
                self.say("");
                None
            }
            Ok(_) => Some(answer.trim().to_owned()),
        }
    }
}

/// Returns the columns and lines of the terminal behind stdout.
pub fn terminal_size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col != 0 && size.ws_row != 0).then_some((size.ws_col, size.ws_row))
}
