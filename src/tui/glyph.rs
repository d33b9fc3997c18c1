//! The signs that mean something by themselves, so that no colour has to.

use std::str::FromStr;

use crate::fleet::{Liveness, MarkerKind, Phase};

/// Which signs the terminal's encoding has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    Unicode,
    Ascii,
}

impl Glyphs {
    /// Decides from the locale and the terminal's name; the terminal is never asked.
    pub fn of(wants_ascii: bool, locale: Option<&str>, term: Option<&str>) -> Self {
        let is_utf8 = locale.is_some_and(|it| {
            let it = it.to_ascii_lowercase();
            it.contains("utf-8") || it.contains("utf8")
        });
        if wants_ascii || !is_utf8 || term == Some("dumb") {
            Self::Ascii
        } else {
            Self::Unicode
        }
    }

    fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }

    pub fn cursor(self) -> &'static str {
        self.pick("▌", ">")
    }

    pub fn mark(self) -> &'static str {
        self.pick("●", "*")
    }

    pub fn rule(self) -> &'static str {
        self.pick("─", "-")
    }

    pub fn upright(self) -> &'static str {
        self.pick("│", "|")
    }

    pub fn corners(self) -> [&'static str; 4] {
        match self {
            Self::Unicode => ["╭", "╮", "╰", "╯"],
            Self::Ascii => ["+", "+", "+", "+"],
        }
    }

    pub fn ellipsis(self) -> &'static str {
        self.pick("…", "~")
    }

    pub fn liveness(self, liveness: Liveness) -> &'static str {
        match liveness {
            Liveness::Live => self.pick("●", "+"),
            Liveness::Delayed => self.pick("◐", "~"),
            Liveness::NoResponse => self.pick("○", "x"),
        }
    }

    /// One cell of a lifecycle bar.
    pub fn phase(self, phase: Phase) -> &'static str {
        match phase {
            Phase::InService => self.pick("█", "#"),
            Phase::Pending => self.pick("▒", "+"),
            Phase::PendingWait => self.pick("◇", "w"),
            Phase::Standby => self.pick("▬", "s"),
            Phase::Terminating => self.pick("░", "-"),
            Phase::TerminatingWait => self.pick("◆", "W"),
            Phase::Retained => self.pick("!", "!"),
            Phase::Warm => self.pick("▂", "_"),
            Phase::Unattached => self.pick("▪", "o"),
            Phase::Detached => self.pick("▫", "d"),
            Phase::Other => self.pick("?", "?"),
        }
    }

    /// What the group wants and has not.
    pub fn missing(self) -> &'static str {
        self.pick("·", ".")
    }

    /// The faint line at a tick of a graph, two cells of it.
    pub fn grid(self) -> &'static str {
        self.pick("· ", ". ")
    }

    /// Where a tick of the scale meets the graph.
    pub fn tick_left(self) -> &'static str {
        self.pick("┤", "+")
    }

    /// Where a tick of the time axis meets its label.
    pub fn tick_down(self) -> &'static str {
        self.pick("┬", "+")
    }

    /// Where a cursor stands on an axis.
    pub fn pointer(self) -> &'static str {
        self.pick("▲", "^")
    }

    /// The top of a column that fills only a part of its last cell; none when it fills the whole.
    pub fn eighths(self, part: f64) -> Option<&'static str> {
        const PARTS: [&str; 7] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇"];
        let bounds = [3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0];
        let found = bounds.iter().position(|it| part * 16.0 < *it)?;
        match self {
            Self::Unicode => Some(PARTS[found]),
            Self::Ascii => None,
        }
    }

    /// The sign of a curve, of each of eight another one.
    pub fn curve(self, curve_idx: usize) -> &'static str {
        const SIGNS: [(&str, &str); 8] = [
            ("●", "d"),
            ("◆", "s"),
            ("▼", "n"),
            ("▲", "x"),
            ("■", "b"),
            ("○", "i"),
            ("◇", "q"),
            ("□", "o"),
        ];
        let (unicode, ascii) = SIGNS[curve_idx % SIGNS.len()];
        self.pick(unicode, ascii)
    }

    /// What a layer of a stack is filled with, each of eight otherwise.
    pub fn fill(self, layer_idx: usize) -> &'static str {
        const FILLS: [(&str, &str); 8] = [
            ("█", "#"),
            ("▒", "="),
            ("░", "-"),
            ("▓", "%"),
            ("╱", "/"),
            ("╳", "x"),
            ("╲", "\\"),
            ("┃", ":"),
        ];
        let (unicode, ascii) = FILLS[layer_idx % FILLS.len()];
        self.pick(unicode, ascii)
    }

    /// One cell of a heat map, from nothing to full in five grades.
    pub fn heat(self, grade: usize) -> &'static str {
        const GRADES: [(&str, &str); 5] =
            [("·", "."), ("░", "-"), ("▒", "="), ("▓", "%"), ("█", "#")];
        let (unicode, ascii) = GRADES[grade.min(GRADES.len() - 1)];
        self.pick(unicode, ascii)
    }

    /// What happened at a time, on an axis.
    pub fn event(self, kind: MarkerKind) -> &'static str {
        match kind {
            MarkerKind::Operation => self.pick("◈", "O"),
            MarkerKind::Activity => self.pick("•", "*"),
            MarkerKind::Interruption => self.pick("!", "!"),
            MarkerKind::LaunchFailure => self.pick("✗", "X"),
            MarkerKind::Clock => self.pick("↺", "C"),
        }
    }

    /// A length in cells, and where it ends.
    pub fn bar_piece(self) -> &'static str {
        self.pick("━", "=")
    }
}

/// What curves are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marks {
    #[default]
    Braille,
    /// For terminals whose letters have no braille.
    Block,
    Ascii,
}

impl Marks {
    pub const ALL: [Self; 3] = [Self::Braille, Self::Block, Self::Ascii];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Braille => "braille",
            Self::Block => "block",
            Self::Ascii => "ascii",
        }
    }

    /// Returns what the terminal can show of it.
    pub fn within(self, glyphs: Glyphs) -> Self {
        match glyphs {
            Glyphs::Unicode => self,
            Glyphs::Ascii => Self::Ascii,
        }
    }

    /// Returns how many dots a cell has, across and up.
    pub fn dots(self) -> (usize, usize) {
        match self {
            Self::Braille => (2, 4),
            Self::Block => (1, 2),
            Self::Ascii => (1, 1),
        }
    }
}

impl FromStr for Marks {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == word);
        found.ok_or_else(|| format!("`{word}` is none of braille, block, ascii"))
    }
}
