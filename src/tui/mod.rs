//! The full-screen console. `App::update` decides, `view` draws, and only `run` touches the outside.

pub mod app;
mod clipboard;
mod fault;
mod glyph;
mod input;
mod keymap;
mod layout;
mod paint;
mod run;
mod takeover;
mod terminal;
mod theme;
mod view;
mod widget;

pub use app::{App, Command, Effect, Entry, Group, Msg, Severity, verbs};
pub use clipboard::Multiplexer;
pub use fault::{Fault, Faults};
pub use glyph::Glyphs;
pub use keymap::{Binding, Context, KEYMAPS, Keymap, Keys, Lookup};
pub use paint::Painter;
pub use run::{Ending, Left, Options, run};
pub use theme::{ColourDepth, Role, THEMES, Theme, UserFile};
pub use view::draw;
