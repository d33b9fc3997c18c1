//! How many colours a terminal has, and what becomes of a colour that it has not.

use anstyle::{Ansi256Color, AnsiColor, RgbColor};
use anstyle_lossy::palette;
use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourDepth {
    True,
    Indexed,
    Sixteen,
    /// None: `NO_COLOR`, or a terminal without any.
    Mono,
}

impl ColourDepth {
    pub const ALL: [Self; 4] = [Self::True, Self::Indexed, Self::Sixteen, Self::Mono];

    /// Decides from what the environment says; the terminal is never asked.
    pub fn of(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or("");
        if no_color.is_some_and(|it| !it.is_empty()) || term == "dumb" || term.starts_with("vt1") {
            return Self::Mono;
        }
        let is_true = colorterm.is_some_and(|it| matches!(it, "truecolor" | "24bit"));
        if is_true || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }
}

/// A style as a theme writes it, before the terminal's depth is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spec {
    pub(super) fg: Option<Color>,
    pub(super) bg: Option<Color>,
    /// Used instead where there are only sixteen colours.
    pub(super) fg16: Option<Color>,
    pub(super) bg16: Option<Color>,
    pub(super) modifiers: Modifier,
}

impl Spec {
    pub(super) fn at(self, depth: ColourDepth) -> Style {
        let (fg, bg) = match depth {
            ColourDepth::True => (self.fg, self.bg),
            ColourDepth::Indexed => (self.fg.map(to_indexed), self.bg.map(to_indexed)),
            ColourDepth::Sixteen => (
                self.fg16.or(self.fg).map(to_sixteen),
                self.bg16.or(self.bg).map(to_sixteen),
            ),
            ColourDepth::Mono => (None, None),
        };
        Style {
            fg,
            bg,
            add_modifier: self.modifiers,
            ..Style::default()
        }
    }
}

fn to_indexed(color: Color) -> Color {
    match color {
        Color::Rgb(r, g, b) => Color::Indexed(anstyle_lossy::rgb_to_xterm(RgbColor(r, g, b)).0),
        other => other,
    }
}

fn to_sixteen(color: Color) -> Color {
    let near = match color {
        Color::Rgb(r, g, b) => anstyle_lossy::rgb_to_ansi(RgbColor(r, g, b), palette::DEFAULT),
        Color::Indexed(n) => anstyle_lossy::xterm_to_ansi(Ansi256Color(n), palette::DEFAULT),
        other => return other,
    };
    match near {
        AnsiColor::Black => Color::Black,
        AnsiColor::Red => Color::Red,
        AnsiColor::Green => Color::Green,
        AnsiColor::Yellow => Color::Yellow,
        AnsiColor::Blue => Color::Blue,
        AnsiColor::Magenta => Color::Magenta,
        AnsiColor::Cyan => Color::Cyan,
        AnsiColor::White => Color::Gray,
        AnsiColor::BrightBlack => Color::DarkGray,
        AnsiColor::BrightRed => Color::LightRed,
        AnsiColor::BrightGreen => Color::LightGreen,
        AnsiColor::BrightYellow => Color::LightYellow,
        AnsiColor::BrightBlue => Color::LightBlue,
        AnsiColor::BrightMagenta => Color::LightMagenta,
        AnsiColor::BrightCyan => Color::LightCyan,
        AnsiColor::BrightWhite => Color::White,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_the_depth() {
        use ColourDepth::{Indexed, Mono, Sixteen, True};
        for (no_color, colorterm, term, wanted) in [
            (Some("1"), Some("truecolor"), "xterm-256color", Mono),
            (Some(""), Some("truecolor"), "xterm-256color", True),
            (None, Some("24bit"), "screen", True),
            (None, None, "xterm-256color", Indexed),
            (None, None, "tmux-256color", Indexed),
            (None, Some("yes"), "xterm", Sixteen),
            (None, None, "linux", Sixteen),
            (None, None, "dumb", Mono),
            (None, None, "vt100", Mono),
        ] {
            assert_eq!(
                ColourDepth::of(no_color, colorterm, Some(term)),
                wanted,
                "{no_color:?} {colorterm:?} {term}"
            );
        }
    }

    #[test]
    fn colours_are_taken_down_to_what_there_is() {
        let spec = Spec {
            fg: Some(Color::Rgb(255, 0, 0)),
            bg: Some(Color::Rgb(0, 0, 0)),
            fg16: Some(Color::Red),
            modifiers: Modifier::BOLD,
            ..Spec::default()
        };
        assert_eq!(spec.at(ColourDepth::True).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(spec.at(ColourDepth::Indexed).fg, Some(Color::Indexed(196)));
        assert_eq!(spec.at(ColourDepth::Sixteen).fg, Some(Color::Red));
        assert_eq!(spec.at(ColourDepth::Sixteen).bg, Some(Color::Black));
        let mono = spec.at(ColourDepth::Mono);
        assert_eq!((mono.fg, mono.bg), (None, None));
        assert!(mono.add_modifier.contains(Modifier::BOLD));
    }
}
