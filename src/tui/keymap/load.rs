//! Reads keymaps: a table for each context, a key sequence and a command line in each line.

use std::{collections::BTreeMap, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Binding, Context, KEYMAPS, Keymap, Keys};
use crate::tui::{
    app::{Command, Group},
    fault::{Fault, Faults, File, INHERITS, hint, in_order, inherited},
    theme::UserFile,
};

/// Chords that tmux, screen and readline take, or that fingers send to them.
const FOREIGN_CHORDS: [&str; 8] = [
    "ctrl-a", "ctrl-b", "ctrl-d", "ctrl-k", "ctrl-u", "ctrl-w", "ctrl-l", "ctrl-z",
];

/// Reads the keymap of that name, and the user's file over it.
pub(super) fn keymap(name: &str, user: Option<UserFile<'_>>) -> Result<Keymap, Faults> {
    let (name, text) = shipped(name, user)?;
    let file_name = format!("keymaps/{name}.toml");
    let mut reader = Reader::default();
    let shipped = File {
        name: &file_name,
        text,
    };
    reader.read(&shipped);
    if let Some(user) = user {
        reader.read(&File {
            name: user.name,
            text: user.text,
        });
    }
    reader.check_prefixes();
    if reader.faults.is_empty() {
        Ok(reader.into_keymap())
    } else {
        Err(Faults(reader.faults))
    }
}

/// Returns the shipped keymap of that name, or the one that the user's file of that name is based on.
fn shipped(name: &str, user: Option<UserFile<'_>>) -> Result<(&'static str, &'static str), Faults> {
    let names = KEYMAPS.iter().map(|it| it.0);
    let found = |name: &str| KEYMAPS.into_iter().find(|it| it.0 == name);
    if let Some(keymap) = found(name) {
        return Ok(keymap);
    }
    let Some(user) = user else {
        let why = format!("no keymap is called `{name}`; {}", hint(name, names));
        return Err(Faults(vec![Fault::no_such(why)]));
    };
    let Some((base, span)) = inherited(user.text) else {
        return Ok(KEYMAPS[0]);
    };
    let file = File {
        name: user.name,
        text: user.text,
    };
    let why = format!("no keymap is called `{base}`; {}", hint(&base, names));
    found(&base).ok_or_else(|| Faults(vec![file.fault(span, INHERITS, why)]))
}

/// A binding, and the place that a fault of it would name.
struct Entry {
    binding: Binding,
    place: Fault,
}

#[derive(Default)]
struct Reader {
    tables: BTreeMap<Context, Vec<Entry>>,
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
        for (name, value) in in_order(&table) {
            let name_text = name.get_ref().as_ref();
            if name_text == INHERITS {
                continue;
            }
            let context = Context::ALL.iter().find(|it| it.as_str() == name_text);
            let (Some(context), Some(bindings)) = (context, value.get_ref().as_table()) else {
                let names = Context::ALL.iter().map(|it| it.as_str());
                let why = format!(
                    "a keymap is made of tables such as [screen]; {}",
                    hint(name_text, names)
                );
                self.faults.push(file.fault(name.span(), name_text, why));
                continue;
            };
            self.read_table(file, *context, bindings);
        }
    }

    fn read_table(&mut self, file: &File<'_>, context: Context, bindings: &DeTable<'_>) {
        // Different spellings of one key are one key: `shift-g` and `G`.
        let mut seen: Vec<(Keys, String)> = Vec::new();
        for (key, value) in in_order(bindings) {
            let text = key.get_ref().as_ref();
            let keys: Keys = match text.parse() {
                Ok(keys) => keys,
                Err(why) => {
                    self.faults.push(file.fault(key.span(), text, why));
                    continue;
                }
            };
            if let Some((_, other)) = seen.iter().find(|it| it.0 == keys) {
                let why = format!("the same key as `{other}` in the same table; keep one of them");
                self.faults.push(file.fault(key.span(), text, why));
                continue;
            }
            seen.push((keys.clone(), text.to_owned()));
            let entries = self.tables.entry(context).or_default();
            entries.retain(|it| it.binding.keys != keys);
            match read_line(value) {
                Ok(None) => {}
                Ok(Some(line)) => match binding(context, keys, line) {
                    Ok(binding) => entries.push(Entry {
                        binding,
                        place: place(file, key.span(), context, text),
                    }),
                    Err(why) => self.faults.push(file.fault(value.span(), text, why)),
                },
                Err(why) => self.faults.push(file.fault(value.span(), text, why)),
            }
        }
    }

    /// A key that runs something cannot also begin a longer sequence.
    fn check_prefixes(&mut self) {
        for context in Context::ALL {
            let own = self.tables.get(context).into_iter().flatten();
            let fallback = context.fallback().and_then(|it| self.tables.get(&it));
            let all: Vec<&Entry> = own.clone().chain(fallback.into_iter().flatten()).collect();
            let mut found = Vec::new();
            for longer in &all {
                for shorter in &all {
                    let is_own = own.clone().any(|it| {
                        it.binding.keys == longer.binding.keys
                            || it.binding.keys == shorter.binding.keys
                    });
                    if is_own && longer.binding.keys.starts_with(&shorter.binding.keys) {
                        found.push(conflict(shorter, longer));
                    }
                }
            }
            for fault in found {
                if !self.faults.contains(&fault) {
                    self.faults.push(fault);
                }
            }
        }
    }

    fn into_keymap(self) -> Keymap {
        let bindings = |it: Vec<Entry>| it.into_iter().map(|it| it.binding).collect();
        Keymap {
            tables: self
                .tables
                .into_iter()
                .map(|(context, it)| (context, bindings(it)))
                .collect(),
        }
    }
}

fn place(file: &File<'_>, span: Range<usize>, context: Context, key: &str) -> Fault {
    file.fault(span, key, format!("[{}]", context.as_str()))
}

fn conflict(shorter: &Entry, longer: &Entry) -> Fault {
    Fault {
        why: format!(
            "runs `{}`, so `{}` ({}:{}) could never be typed; unbind one of them with \"\"",
            shorter.binding.line, longer.binding.keys, longer.place.file, longer.place.line
        ),
        ..shorter.place.clone()
    }
}

/// Returns the command line, or nothing for a key that is unbound by "" or false.
fn read_line(value: &Spanned<DeValue<'_>>) -> Result<Option<String>, String> {
    match value.get_ref() {
        DeValue::String(line) if line.trim().is_empty() => Ok(None),
        DeValue::String(line) => Ok(Some(line.to_string())),
        DeValue::Boolean(false) => Ok(None),
        _ => Err("wants a command in quotation marks, or false for none".to_owned()),
    }
}

const TEXT: &str = "a character or a sequence is text while a line is typed";

fn is_text(keys: &Keys) -> bool {
    keys.0.len() != 1 || keys.0[0].as_letter().is_some()
}

fn binding(context: Context, keys: Keys, line: String) -> Result<Binding, String> {
    let command: Command = line.parse()?;
    let is_edit = command.group() == Group::Edit;
    let is_confirm = command.group() == Group::Confirm;
    match context {
        Context::Input => {
            if !is_edit {
                return Err(format!(
                    "`{line}` does not edit a line; in [input] only input.* may be bound"
                ));
            }
            if is_text(&keys) {
                return Err(TEXT.to_owned());
            }
        }
        Context::TypedName => {
            if command.group() != Group::Move {
                return Err(format!(
                    "`{line}` does not scroll; in [typed-name] only moves may be bound, and [input] has the rest"
                ));
            }
            if is_text(&keys) {
                return Err(TEXT.to_owned());
            }
        }
        Context::Confirm if !is_confirm && command != Command::CopyCommand => {
            let is_scroll = command.group() == Group::Move;
            if !is_scroll {
                return Err(format!(
                    "`{line}` answers no question; in [confirm] use confirm.*"
                ));
            }
        }
        _ if is_edit => return Err(format!("`{line}` edits a line; bind it in [input]")),
        _ if is_confirm && context != Context::Confirm => {
            return Err(format!("`{line}` answers a question; bind it in [confirm]"));
        }
        _ => {}
    }
    let is_foreign = |it: &str| it.parse::<Keys>().is_ok_and(|it| keys.0.contains(&it.0[0]));
    if let Some(chord) = FOREIGN_CHORDS.into_iter().find(|it| is_foreign(it))
        && (command.is_action() || command == Command::ConfirmYes)
    {
        return Err(format!(
            "{chord} belongs to tmux, screen or line editing; an action on it would be run by accident"
        ));
    }
    Ok(Binding {
        keys,
        command,
        line,
    })
}
