//! The full-screen console: its theme and keymap, and how it ends.

use std::{fs, io, path::PathBuf};

use pooldeck::{
    cli::{self, ColorChoice, Exit, Printer},
    engine::{Event, Handle},
    settings::Choice,
    tui::{
        self, ColourDepth, Ending, Faults, Glyphs, Keymap, Multiplexer, Options, Theme, UserFile,
    },
};
use tokio::{runtime::Runtime, sync::mpsc};

use crate::{Setup, surroundings::variable};

/// Reads the theme and the keymap; whatever is wrong in them is said before the screen is taken.
pub(crate) fn options(setup: &Setup<'_>) -> Result<Options, cli::Error> {
    let term = variable("TERM");
    let term = term.as_deref();
    let (tmux, sty) = (variable("TMUX"), variable("STY"));
    Ok(Options {
        keymap: keymap(setup)?,
        theme: theme(setup, term)?,
        multiplexer: Multiplexer::of(tmux.as_deref(), sty.as_deref(), term),
        on_quit: setup.settings.on_quit,
    })
}

pub(crate) fn keymap(setup: &Setup<'_>) -> Result<Keymap, cli::Error> {
    let choice = &setup.settings.keymap;
    let file = OwnFile::find(setup, "keymaps", &choice.name)?;
    let keymap = Keymap::load(&choice.name, file.as_ref().map(OwnFile::borrow));
    keymap.map_err(|it| wrong(choice, &it))
}

fn theme(setup: &Setup<'_>, term: Option<&str>) -> Result<Theme, cli::Error> {
    let choice = &setup.settings.theme;
    let file = OwnFile::find(setup, "themes", &choice.name)?;
    let global = &setup.args.global;
    let is_mono = global.no_color || global.color == ColorChoice::Never;
    let depth = if is_mono {
        ColourDepth::Mono
    } else {
        let no_color = variable("NO_COLOR").filter(|_| global.color != ColorChoice::Always);
        ColourDepth::of(no_color.as_deref(), variable("COLORTERM").as_deref(), term)
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(variable);
    let glyphs = Glyphs::of(setup.args.console.ascii, locale.as_deref(), term);
    let theme = Theme::load(
        &choice.name,
        file.as_ref().map(OwnFile::borrow),
        depth,
        glyphs,
    );
    theme.map_err(|it| wrong(choice, &it))
}

/// A name that nothing has is a fault of the place where it was chosen, and not of any theme or keymap.
fn wrong(choice: &Choice, faults: &Faults) -> cli::Error {
    cli::Error::usage(match &faults.0[..] {
        [fault] if fault.file.is_empty() => format!("{}: {}", choice.place, fault.why),
        _ => faults.to_string(),
    })
}

/// A theme or keymap of the operator, beside the configuration file.
struct OwnFile {
    path: PathBuf,
    text: String,
}

impl OwnFile {
    fn find(setup: &Setup<'_>, directory: &str, name: &str) -> Result<Option<Self>, cli::Error> {
        let named = setup.settings.file.as_deref().and_then(|it| it.parent());
        let Some(base) = named.or(setup.directories.config.as_deref()) else {
            return Ok(None);
        };
        let path = base.join(directory).join(format!("{name}.toml"));
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Self { path, text })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cli::Error::usage(format!(
                "{}: cannot be read: {error}",
                path.display()
            ))),
        }
    }

    fn borrow(&self) -> UserFile<'_> {
        UserFile {
            name: self.path.to_str().unwrap_or("your file"),
            text: &self.text,
        }
    }
}

/// Runs the console, and returns the exit code.
pub(crate) fn run(
    runtime: &Runtime,
    handle: Handle,
    events: mpsc::Receiver<Event>,
    options: Options,
    printer: &mut Printer,
) -> Result<u8, cli::Error> {
    match runtime.block_on(tui::run(handle, events, options)) {
        Ok(left) => {
            for words in &left.words {
                printer.talk(words);
            }
            Ok(match left.ending {
                // Whoever closes the terminal has left, too.
                Ending::Quit | Ending::TerminalGone => Exit::Done.code(),
                Ending::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
            })
        }
        Err(error) => Err(cli::Error::new(
            Exit::Failed,
            format!("the console needs a terminal: {error}"),
        )
        .hint("`pooldeck pools` and the other commands need none")),
    }
}
