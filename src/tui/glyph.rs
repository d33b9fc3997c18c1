//! The signs that mean something by themselves, so that no colour has to.

use crate::fleet::{Liveness, Phase};

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
}
