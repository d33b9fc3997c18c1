//! Which rows a list shows, in which order, and in which columns: the filter, the sort and the picker.

use tui_input::Input;

use super::{
    App, Command, FilterLine, Noun, Overlay, Picker, PickerKind, Severity, Sort, edit,
    keys::{remember, step_history},
};

impl App {
    pub(super) fn open_filter(&mut self) {
        let Some(list) = self
            .screen()
            .list()
            .filter(|it| !it.noun.fields().is_empty())
        else {
            self.say(Severity::Note, "nothing here can be filtered");
            return;
        };
        let before = list.filter.as_str().to_owned();
        let line = FilterLine {
            input: Input::new(before.clone()),
            before,
            error: None,
            history_idx: None,
            noun: list.noun,
        };
        self.overlays.push(Overlay::Filter(Box::new(line)));
    }

    /// Filters the list by the line that is typed; a line that cannot be read leaves it as it is.
    pub(super) fn apply_filter_line(&mut self) {
        let Some(Overlay::Filter(line)) = self.overlays.last() else {
            return;
        };
        let text = line.input.value().to_owned();
        let result = self.set_filter(&text);
        if let Some(Overlay::Filter(line)) = self.overlays.last_mut() {
            line.error = result.err();
        }
    }

    fn set_filter(&mut self, text: &str) -> Result<(), crate::fleet::FilterError> {
        let (observation, findings) = (self.observation.clone(), self.findings.clone());
        if let Some(list) = self.screen_mut().list_mut() {
            list.set_filter(text)?;
            list.observe(&observation, &findings);
            list.recover_cursor();
        }
        self.refill_operations();
        Ok(())
    }

    pub(super) fn filter(&mut self, text: &str) {
        if let Err(error) = self.set_filter(text) {
            self.say(Severity::Warning, error.to_string());
        }
    }

    pub(super) fn run_on_filter(&mut self, command: &Command) {
        let Some(Overlay::Filter(line)) = self.overlays.last_mut() else {
            return;
        };
        match command {
            Command::InputCancel => {
                let before = line.before.clone();
                self.overlays.pop();
                self.filter(&before);
            }
            Command::InputAccept => {
                if let Some(error) = &line.error {
                    let error = error.to_string();
                    self.say(Severity::Warning, error);
                    return;
                }
                let text = line.input.value().trim().to_owned();
                self.overlays.pop();
                if !text.is_empty() {
                    remember(&mut self.filter_history, &text);
                }
            }
            Command::InputHistoryPrevious | Command::InputHistoryNext => {
                let by = if *command == Command::InputHistoryPrevious {
                    1
                } else {
                    -1
                };
                let n_lines = self.filter_history.len();
                line.history_idx = step_history(line.history_idx, by, n_lines);
                let text = line
                    .history_idx
                    .map_or("", |it| &self.filter_history[n_lines - 1 - it]);
                line.input = Input::new(text.to_owned());
                self.apply_filter_line();
            }
            command => {
                edit::edit(&mut line.input, command);
                self.apply_filter_line();
            }
        }
    }

    pub(super) fn sort(&mut self, field: Option<&str>) {
        let Some(list) = self
            .screen()
            .list()
            .filter(|it| !it.noun.fields().is_empty())
        else {
            self.say(Severity::Note, "nothing here can be sorted");
            return;
        };
        let noun = list.noun;
        match field {
            None => {
                let items: Vec<&'static str> = noun.fields().iter().map(|it| it.name).collect();
                let chosen: Vec<&'static str> = list.sort.iter().map(|it| it.field).collect();
                let cursor = items.iter().position(|it| chosen.contains(it)).unwrap_or(0);
                let kind = PickerKind::Sort;
                self.overlays.push(Overlay::Picker(Picker {
                    kind,
                    noun,
                    items,
                    chosen,
                    cursor,
                }));
            }
            Some(name) => match field_of(noun, name) {
                Ok(field) => {
                    let is_same = |it: &Sort| it.field == field && !it.is_descending;
                    let is_descending = list.sort.as_ref().is_some_and(is_same);
                    self.set_sort(Some(Sort {
                        field,
                        is_descending,
                    }));
                }
                Err(why) => self.say(Severity::Warning, why),
            },
        }
    }

    pub(super) fn reverse_sort(&mut self) {
        let sort = self.screen().list().and_then(|it| it.sort);
        match sort {
            Some(Sort {
                field,
                is_descending,
            }) => {
                self.set_sort(Some(Sort {
                    field,
                    is_descending: !is_descending,
                }));
            }
            None => self.sort(None),
        }
    }

    fn set_sort(&mut self, sort: Option<Sort>) {
        let (observation, findings) = (self.observation.clone(), self.findings.clone());
        if let Some(list) = self.screen_mut().list_mut() {
            list.sort = sort;
            list.observe(&observation, &findings);
        }
        self.refill_operations();
    }

    pub(super) fn choose_columns(&mut self, names: Option<&str>) {
        let Some(list) = self
            .screen()
            .list()
            .filter(|it| !it.noun.fields().is_empty())
        else {
            self.say(Severity::Note, "nothing here has columns");
            return;
        };
        let noun = list.noun;
        match names {
            None => {
                let items = noun.fields().iter().map(|it| it.name).collect();
                let chosen = self.columns_of(noun);
                let kind = PickerKind::Columns;
                self.overlays.push(Overlay::Picker(Picker {
                    kind,
                    noun,
                    items,
                    chosen,
                    cursor: 0,
                }));
            }
            Some(names) => {
                let names = names.split([',', ' ']).filter(|it| !it.is_empty());
                match names
                    .map(|it| field_of(noun, it))
                    .collect::<Result<Vec<_>, _>>()
                {
                    Ok(fields) => {
                        self.columns.insert(noun, fields);
                    }
                    Err(why) => self.say(Severity::Warning, why),
                }
            }
        }
    }

    /// Returns the names of the columns that a kind of list shows.
    pub fn columns_of(&self, noun: Noun) -> Vec<&'static str> {
        let chosen = self.columns.get(&noun).cloned();
        chosen.unwrap_or_else(|| noun.default_columns())
    }

    pub(super) fn run_on_picker(&mut self, command: &Command) {
        let Some(Overlay::Picker(picker)) = self.overlays.last_mut() else {
            return;
        };
        let last = picker.items.len().saturating_sub(1);
        match command {
            Command::RowNext => picker.cursor = (picker.cursor + 1).min(last),
            Command::RowPrevious => picker.cursor = picker.cursor.saturating_sub(1),
            Command::PageNext => picker.cursor = (picker.cursor + 10).min(last),
            Command::PagePrevious => picker.cursor = picker.cursor.saturating_sub(10),
            Command::RowFirst => picker.cursor = 0,
            Command::RowLast => picker.cursor = last,
            Command::MarkToggle | Command::Open | Command::SortReverse => self.pick(command),
            _ => {
                self.overlays.pop();
            }
        }
    }

    fn pick(&mut self, command: &Command) {
        let Some(Overlay::Picker(picker)) = self.overlays.last_mut() else {
            return;
        };
        let item = picker.items[picker.cursor];
        match (picker.kind, command) {
            (PickerKind::Sort, Command::SortReverse) => {
                self.overlays.pop();
                self.set_sort(Some(Sort {
                    field: item,
                    is_descending: true,
                }));
            }
            (PickerKind::Sort, _) => {
                self.overlays.pop();
                self.sort(Some(item));
            }
            (PickerKind::Columns, Command::MarkToggle) => {
                if picker.chosen.contains(&item) {
                    picker.chosen.retain(|it| *it != item);
                } else {
                    picker.chosen.push(item);
                }
                let (noun, chosen) = (picker.noun, picker.chosen.clone());
                self.columns.insert(noun, chosen);
            }
            (PickerKind::Columns, _) => {
                self.overlays.pop();
            }
        }
    }
}

fn field_of(noun: Noun, name: &str) -> Result<&'static str, String> {
    let fields = noun.fields();
    let found = fields.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    found.map(|it| it.name).ok_or_else(|| {
        let names = fields.iter().map(|it| it.name);
        let hint = crate::tui::fault::hint(name, names);
        format!("{} have no field `{name}`; {hint}", noun.as_str())
    })
}
