//! Which keys run which command. Keys are data: keymaps/*.toml, and the operator's own file.

mod load;

use std::{collections::BTreeMap, fmt};

use crokey::{
    KeyCombination, KeyCombinationFormat,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};

use super::{app::Command, fault::Faults, theme::UserFile};

/// The keymaps that come with pooldeck.
pub const KEYMAPS: [(&str, &str); 3] = [
    ("default", include_str!("../../../keymaps/default.toml")),
    ("vim-like", include_str!("../../../keymaps/vim-like.toml")),
    (
        "emacs-like",
        include_str!("../../../keymaps/emacs-like.toml"),
    ),
];

/// Declares the tables of a keymap.
macro_rules! contexts {
    ($($(#[$doc:meta])* $context:ident = $name:literal,)*) => {
        /// Where a key is pressed; each is a table of the keymap.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Context { $($(#[$doc])* $context,)* }

        impl Context {
            pub const ALL: &'static [Self] = &[$(Self::$context),*];

            /// Returns the name of the table.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$context => $name,)* }
            }
        }
    };
}

contexts! {
    /// Every screen; the table of the screen itself comes first.
    Screen = "screen",
    Fleet = "fleet",
    Pool = "pool",
    Instances = "instances",
    Instance = "instance",
    Executors = "executors",
    Executor = "executor",
    Strays = "strays",
    Doctor = "doctor",
    Operations = "operations",
    Operation = "operation",
    Activities = "activities",
    Messages = "messages",
    Sources = "sources",
    Help = "help",
    /// A pool's past, and the money's.
    Graph = "graph",
    Cost = "cost",
    Utilisation = "utilisation",
    Boots = "time-to-ready",
    /// A list to choose from: the order, the columns.
    Picker = "picker",
    /// Long text: console output, the whole of a message.
    Reader = "reader",
    Confirm = "confirm",
    /// Every line that is typed: the palette, the filter, a name that confirms.
    Input = "input",
    /// A name that is typed under a plan, which may be longer than the screen.
    TypedName = "typed-name",
}

impl Context {
    /// Returns the table that is asked when this one has no such key.
    fn fallback(self) -> Option<Self> {
        match self {
            Self::Fleet
            | Self::Pool
            | Self::Instances
            | Self::Instance
            | Self::Executors
            | Self::Executor
            | Self::Strays
            | Self::Doctor
            | Self::Operations
            | Self::Operation
            | Self::Activities
            | Self::Messages
            | Self::Sources
            | Self::Help
            | Self::Graph
            | Self::Cost
            | Self::Utilisation
            | Self::Boots => Some(Self::Screen),
            Self::TypedName => Some(Self::Input),
            Self::Screen | Self::Picker | Self::Reader | Self::Confirm | Self::Input => None,
        }
    }
}

/// One key sequence and what it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub keys: Keys,
    pub command: Command,
    /// The command as the keymap writes it.
    pub line: String,
}

/// A sequence of keys, as keymaps write it: `g s`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Keys(pub Vec<KeyCombination>);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keymap {
    tables: BTreeMap<Context, Vec<Binding>>,
}

/// What the keys pressed so far mean.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for each key press, and gone with it"
)]
pub enum Lookup {
    Bound(Command),
    /// They begin a longer sequence.
    Pending,
    Unbound,
}

impl Keymap {
    /// Reads a keymap by its name, with the operator's own file over it.
    pub fn load(name: &str, user: Option<UserFile<'_>>) -> Result<Self, Faults> {
        load::keymap(name, user)
    }

    pub fn lookup(&self, context: Context, pressed: &Keys) -> Lookup {
        let mut is_prefix = false;
        for table in self.chain(context) {
            for binding in table {
                if binding.keys == *pressed {
                    return if is_prefix {
                        Lookup::Pending
                    } else {
                        Lookup::Bound(binding.command.clone())
                    };
                }
            }
            is_prefix = is_prefix || table.iter().any(|it| it.keys.starts_with(pressed));
        }
        if is_prefix {
            Lookup::Pending
        } else {
            Lookup::Unbound
        }
    }

    /// Returns the bindings of a context, its own first; a key that is bound twice is there once.
    pub fn bindings(&self, context: Context) -> Vec<&Binding> {
        let mut found: Vec<&Binding> = Vec::new();
        for binding in self.chain(context).flatten() {
            if found.iter().all(|it| it.keys != binding.keys) {
                found.push(binding);
            }
        }
        found
    }

    /// Returns the shortest keys that run this command here.
    pub fn keys_for(&self, context: Context, command: &Command) -> Option<&Keys> {
        let bindings = self.bindings(context).into_iter();
        bindings
            .filter(|it| it.command == *command)
            .map(|it| &it.keys)
            .min_by_key(|it| it.0.len())
    }

    fn chain(&self, context: Context) -> impl Iterator<Item = &Vec<Binding>> {
        let contexts = std::iter::successors(Some(context), |it| it.fallback());
        contexts.filter_map(|it| self.tables.get(&it))
    }
}

impl Keys {
    pub fn starts_with(&self, prefix: &Self) -> bool {
        prefix.0.len() < self.0.len() && self.0.starts_with(&prefix.0)
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = KeyCombinationFormat::default()
            .with_lowercase_modifiers()
            .with_implicit_shift();
        for (key_idx, key) in self.0.iter().enumerate() {
            if key_idx != 0 {
                f.write_str(" ")?;
            }
            f.write_str(&as_keymaps_write(&format.to_string(*key)))?;
        }
        Ok(())
    }
}

/// Writes named keys in lower case, and letters as they are.
fn as_keymaps_write(text: &str) -> String {
    // `-` itself is the last key of `ctrl--`, and crokey calls it Hyphen.
    let (modifiers, name) = text.rsplit_once('-').unwrap_or(("", text));
    let name = match name {
        "Hyphen" => "-".to_owned(),
        "BackTab" => "shift-tab".to_owned(),
        it if it.chars().count() == 1 => it.to_owned(),
        it => it.to_lowercase(),
    };
    if modifiers.is_empty() {
        name
    } else {
        format!("{modifiers}-{name}")
    }
}

impl std::str::FromStr for Keys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keys: Vec<KeyCombination> = text
            .split_whitespace()
            .map(parse_key)
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err("no key is named here".to_owned());
        }
        Ok(Self(keys))
    }
}

/// Reads one key: `j`, `G`, `ctrl-l`, `alt-<`, `shift-tab`, `f5`, `space`.
fn parse_key(word: &str) -> Result<KeyCombination, String> {
    let mut chars = word.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        // A single character is itself, a capital letter included.
        return Ok(key_of(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
    }
    let word = if word == "shift-tab" { "backtab" } else { word };
    let expected = || {
        format!(
            "`{word}` is no key; write j, G, ctrl-l, alt-x, f5, or one of esc, enter, space, tab, shift-tab, \
             backspace, delete, insert, up, down, left, right, home, end, pageup, pagedown"
        )
    };
    let key = crokey::parse(word).map_err(|_| expected())?;
    if key.is_ansi_compatible() {
        Ok(key.normalized())
    } else {
        Err(format!(
            "`{word}` means two keys at once; separate the keys of a sequence by spaces"
        ))
    }
}

/// Returns the key of a terminal's event in the form that keymaps are compared with.
pub(super) fn key_of(event: KeyEvent) -> KeyCombination {
    let mut event = event;
    if let KeyCode::Char(c) = event.code
        && !c.is_alphabetic()
    {
        // `?` is `?`, however many keys a layout wants for it.
        event.modifiers.remove(KeyModifiers::SHIFT);
    }
    KeyCombination::from(event)
}
