//! Reads themes: a palette, and a style for each role. A user's file may style a few.

use std::{collections::BTreeMap, ops::Range};

use ratatui::style::{Color, Modifier};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Role, THEMES, UserFile, colour::Spec};
use crate::tui::fault::{Fault, Faults, File, INHERITS, hint, in_order, inherited};

/// The table of a theme that names its colours.
const PALETTE: &str = "palette";

const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
    ("strike", Modifier::CROSSED_OUT),
];
const COLOURS: [&str; 4] = ["fg", "bg", "fg16", "bg16"];

/// Reads the theme of that name, and the user's file over it.
pub(super) fn styles(
    name: &str,
    user: Option<UserFile<'_>>,
) -> Result<[Spec; Role::ALL.len()], Faults> {
    let mut reader = Reader::default();
    let (name, text) = shipped(name, user)?;
    let file_name = format!("themes/{name}.toml");
    reader.read(&File {
        name: &file_name,
        text,
    });
    for role in Role::ALL {
        if !reader.styles.contains_key(role.as_str()) {
            let why = "the theme gives this role no style; every role needs one";
            let file = File {
                name: &file_name,
                text,
            };
            reader
                .faults
                .push(file.fault(text.len()..text.len(), role.as_str(), why));
        }
    }
    if let Some(user) = user {
        reader.read(&File {
            name: user.name,
            text: user.text,
        });
    }
    if !reader.faults.is_empty() {
        return Err(Faults(reader.faults));
    }
    let mut styles = [Spec::default(); Role::ALL.len()];
    for (style, role) in styles.iter_mut().zip(Role::ALL) {
        *style = reader
            .styles
            .get(role.as_str())
            .copied()
            .unwrap_or_default();
    }
    Ok(styles)
}

/// Returns the shipped theme of that name, or the one that the user's file of that name is based on.
fn shipped(name: &str, user: Option<UserFile<'_>>) -> Result<(&'static str, &'static str), Faults> {
    let found = |name: &str| THEMES.into_iter().find(|it| it.0 == name);
    if let Some(theme) = found(name) {
        return Ok(theme);
    }
    let base = user.and_then(|it| inherited(it.text)).map(|(base, span)| {
        let file = user.map_or(("", ""), |it| (it.name, it.text));
        let file = File {
            name: file.0,
            text: file.1,
        };
        let why = format!("no theme is called `{base}`; {}", hint(&base, names()));
        found(&base).ok_or_else(|| file.fault(span, INHERITS, why))
    });
    match (base, user) {
        (Some(found), _) => found.map_err(|it| Faults(vec![it])),
        (None, Some(_)) => Ok(THEMES[0]),
        (None, None) => {
            let why = format!("no theme is called `{name}`; {}", hint(name, names()));
            Err(Faults(vec![Fault::no_such(why)]))
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> + Clone {
    THEMES.iter().map(|it| it.0)
}

#[derive(Default)]
struct Reader {
    palette: BTreeMap<String, Color>,
    styles: BTreeMap<&'static str, Spec>,
    faults: Vec<Fault>,
}

impl Reader {
    fn read(&mut self, file: &File<'_>) {
        let table = match DeTable::parse(file.text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                self.faults.push(file.syntax_fault(&error));
                return;
            }
        };
        // The colours first: roles name them.
        if let Some(palette) = table.get(PALETTE) {
            self.read_palette(file, palette);
        }
        for (key, value) in in_order(&table) {
            if key.get_ref() == PALETTE || key.get_ref() == INHERITS {
                continue;
            }
            let Some(role) = Role::ALL.iter().find(|it| it.as_str() == key.get_ref()) else {
                let names = Role::ALL.iter().map(|it| it.as_str());
                let why = format!("no role has this name; {}", hint(key.get_ref(), names));
                self.faults.push(file.fault(key.span(), key.get_ref(), why));
                continue;
            };
            let Some(fields) = value.get_ref().as_table() else {
                let why = "a role wants a table such as { fg = \"red\", bold = true }";
                self.faults
                    .push(file.fault(value.span(), key.get_ref(), why));
                continue;
            };
            let spec = self.read_spec(file, key.get_ref(), fields);
            self.styles.insert(role.as_str(), spec);
        }
    }

    fn read_palette(&mut self, file: &File<'_>, palette: &Spanned<DeValue<'_>>) {
        let Some(colours) = palette.get_ref().as_table() else {
            let why = "the palette is a table of names and colours";
            self.faults.push(file.fault(palette.span(), PALETTE, why));
            return;
        };
        for (name, value) in in_order(colours) {
            if let Some(colour) = self.read_colour(file, name.get_ref(), value) {
                self.palette.insert(name.get_ref().to_string(), colour);
            }
        }
    }

    fn read_spec(&mut self, file: &File<'_>, role: &str, fields: &DeTable<'_>) -> Spec {
        let mut spec = Spec::default();
        for (name, value) in in_order(fields) {
            let place = format!("{role}.{}", name.get_ref());
            let colour = match name.get_ref().as_ref() {
                "fg" => &mut spec.fg,
                "bg" => &mut spec.bg,
                "fg16" => &mut spec.fg16,
                "bg16" => &mut spec.bg16,
                other => {
                    self.read_modifier(file, &place, other, name.span(), value, &mut spec);
                    continue;
                }
            };
            *colour = self.read_colour(file, &place, value);
        }
        spec
    }

    fn read_modifier(
        &mut self,
        file: &File<'_>,
        place: &str,
        name: &str,
        span: Range<usize>,
        value: &Spanned<DeValue<'_>>,
        spec: &mut Spec,
    ) {
        let known = MODIFIERS.iter().find(|it| it.0 == name);
        match (known, value.get_ref().as_bool()) {
            (Some((_, modifier)), Some(true)) => spec.modifiers |= *modifier,
            (Some(_), Some(false)) => {}
            (Some(_), None) => {
                self.faults
                    .push(file.fault(value.span(), place, "wants true or false"));
            }
            (None, _) => {
                let names = COLOURS.into_iter().chain(MODIFIERS.iter().map(|it| it.0));
                let why = format!("no style has this part; {}", hint(name, names));
                self.faults.push(file.fault(span, place, why));
            }
        }
    }

    fn read_colour(
        &mut self,
        file: &File<'_>,
        place: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Color> {
        let found = match value.get_ref() {
            DeValue::String(text) => {
                let named = self.palette.get(text.as_ref()).copied();
                named.or_else(|| text.parse().ok()).ok_or_else(|| {
                    let own = self.palette.keys().map(String::as_str);
                    let all = own.chain(["black", "red", "green", "yellow", "blue"]);
                    format!(
                        "`{text}` is no colour; write #rrggbb, a number, an ANSI name, or a name of the palette; {}",
                        hint(text, all)
                    )
                })
            }
            DeValue::Integer(n) => n
                .as_str()
                .parse()
                .map(Color::Indexed)
                .map_err(|_| format!("`{n}` is no colour; a number is from 0 to 255")),
            _ => Err("wants a colour such as \"#88aaff\", \"red\" or 42".to_owned()),
        };
        match found {
            Ok(colour) => Some(colour),
            Err(why) => {
                self.faults.push(file.fault(value.span(), place, why));
                None
            }
        }
    }
}
