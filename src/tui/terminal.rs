//! The terminal's modes: taken, given back, and given back however this ends.

use std::{
    io::{self, Stdout, Write},
    panic,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange},
    execute,
    style::ResetColor,
    terminal::{
        EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::layout::Size;
use rustix::termios::{isatty, tcgetwinsize};

/// Whether the modes are ours now.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// What panics said while they could not be shown.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Holds the terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub(super) struct Held {
    is_ours: bool,
}

impl Held {
    /// Takes the terminal: raw mode, the alternate screen, bracketed paste.
    pub(super) fn take() -> io::Result<Self> {
        if !isatty(io::stdin()) || !isatty(io::stdout()) {
            return Err(io::Error::other("standard input and output have to be one"));
        }
        keep_panics_off_the_screen();
        enter()?;
        Ok(Self { is_ours: true })
    }

    /// Gives the terminal back for a while.
    pub(super) fn release(&mut self) {
        leave();
        self.is_ours = false;
    }

    pub(super) fn take_again(&mut self) -> io::Result<()> {
        enter()?;
        self.is_ours = true;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_ours {
            leave();
        }
        tell_panics();
    }
}

fn enter() -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    // The mouse stays the terminal's own: selecting text keeps working.
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Hide
    )
}

fn leave() {
    if !IS_TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // A terminal that is gone cannot be given back; nobody is left to hear of it.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        ResetColor,
        DisableFocusChange,
        DisableBracketedPaste,
        Show,
        LeaveAlternateScreen
    );
    let _ = disable_raw_mode();
}

/// A panic of any task would write over the screen: it is kept, and told at the end.
fn keep_panics_off_the_screen() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_TAKEN.load(Ordering::SeqCst) {
                before(info);
                return;
            }
            tracing::error!("{info}");
            if let Ok(mut panics) = PANICS.lock() {
                panics.push(info.to_string());
            }
        }));
    });
}

fn tell_panics() {
    let Ok(mut panics) = PANICS.lock() else {
        return;
    };
    for panic in panics.drain(..) {
        let _ = writeln!(io::stderr(), "pooldeck: {panic}");
    }
}

/// Returns the size of the terminal; a terminal that has none is 80×24.
pub(super) fn size() -> Size {
    let found = tcgetwinsize(io::stdout()).ok();
    let found = found.filter(|it| 0 < it.ws_col && 0 < it.ws_row);
    found.map_or(Size::new(80, 24), |it| Size::new(it.ws_col, it.ws_row))
}

/// Returns the way to the terminal; every frame is one write, so it has no buffer of its own.
pub(super) fn output() -> Output {
    Output(io::stdout())
}

/// Writes to the terminal without the line buffer of standard output.
#[derive(Debug)]
pub(super) struct Output(Stdout);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        rustix::io::retry_on_intr(|| rustix::io::write(&self.0, bytes)).map_err(Into::into)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
