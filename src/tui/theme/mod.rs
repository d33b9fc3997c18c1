//! What a colour means, and how it looks here. The only place that names a colour.
//!
//! Views name a `Role`; themes/*.toml give each role a style; the depth of the
//! terminal decides what is left of it.

mod colour;
mod load;

pub use colour::ColourDepth;
use ratatui::style::Style;

use super::{fault::Faults, glyph::Glyphs};

/// Declares the roles with the names that themes use.
macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal,)*) => {
        /// What a piece of text means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role { $($(#[$doc])* $role,)* }

        impl Role {
            pub const ALL: &'static [Self] = &[$(Self::$role),*];

            /// Returns the name that themes use.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$role => $name,)* }
            }
        }
    };
}

roles! {
    Text = "text",
    /// What may be overlooked.
    Dim = "dim",
    Title = "title",
    Rule = "rule",
    /// The head of a column.
    Heading = "heading",
    /// The name under the cursor.
    Selected = "selected",
    /// The mark in the gutter.
    Cursor = "cursor",
    Mark = "mark",
    Band = "band",
    /// The band while a production scope is in view.
    BandProduction = "band-production",
    BandAccent = "band-accent",
    ReadOnly = "read-only",
    Writable = "writable",
    Ok = "ok",
    Warn = "warn",
    Danger = "danger",
    InService = "in-service",
    Pending = "pending",
    Waiting = "waiting",
    Terminating = "terminating",
    Standby = "standby",
    Other = "other",
    Busy = "busy",
    Idle = "idle",
    Unknown = "unknown",
    /// A key in a hint.
    Key = "key",
    /// The characters that a fuzzy word found.
    Match = "match",
    Input = "input",
    /// Text that is proposed and not typed yet.
    Ghost = "ghost",
    Overlay = "overlay",
    OverlayDanger = "overlay-danger",
    /// The curves of a graph, and the layers of a stack; each has a sign of its own, too.
    Curve1 = "curve-1",
    Curve2 = "curve-2",
    Curve3 = "curve-3",
    Curve4 = "curve-4",
    Curve5 = "curve-5",
    Curve6 = "curve-6",
    Curve7 = "curve-7",
    Curve8 = "curve-8",
}

impl Role {
    /// Returns the role of a curve; the ninth looks like the first.
    pub fn of_curve(curve_idx: usize) -> Self {
        const CURVES: [Role; 8] = [
            Role::Curve1,
            Role::Curve2,
            Role::Curve3,
            Role::Curve4,
            Role::Curve5,
            Role::Curve6,
            Role::Curve7,
            Role::Curve8,
        ];
        CURVES[curve_idx % CURVES.len()]
    }
}

/// The themes that come with pooldeck.
pub const THEMES: [(&str, &str); 5] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../../themes/high-contrast.toml"),
    ),
    (
        "colour-blind-safe",
        include_str!("../../../themes/colour-blind-safe.toml"),
    ),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// A style for every role, and the glyphs that the terminal can show.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    styles: [Style; Role::ALL.len()],
    pub glyphs: Glyphs,
}

/// The operator's own file, merged over the chosen one.
#[derive(Clone, Copy, Debug)]
pub struct UserFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Theme {
    /// Reads a theme by its name, with the operator's own file over it.
    ///
    /// Without colour the theme is `mono`, whatever was asked for: a theme
    /// that tells two things apart by colour alone would tell nothing.
    pub fn load(
        name: &str,
        user: Option<UserFile<'_>>,
        depth: ColourDepth,
        glyphs: Glyphs,
    ) -> Result<Self, Faults> {
        let (name, user) = match depth {
            ColourDepth::Mono => ("mono", None),
            ColourDepth::True | ColourDepth::Indexed | ColourDepth::Sixteen => (name, user),
        };
        let styles = load::styles(name, user)?;
        Ok(Self {
            styles: styles.map(|it| it.at(depth)),
            glyphs,
        })
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}
