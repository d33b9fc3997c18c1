//! From a key to a command, and from a command to what it does.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use ratatui::layout::Size;

use super::{App, Command, Effect, Overlay, Severity, Target, edit, propose::Vocabulary};
use crate::tui::keymap::{Context, Keys, Lookup, key_of};

impl App {
    /// Returns the keymap's table that answers now.
    pub fn context(&self) -> Context {
        self.overlay()
            .map_or_else(|| self.screen().view.context(), Overlay::context)
    }

    pub(super) fn key(&mut self, event: KeyEvent) -> Vec<Effect> {
        if event.kind == KeyEventKind::Release {
            return Vec::new();
        }
        let context = self.context();
        self.pressed.0.push(key_of(event));
        match self.keymap.lookup(context, &self.pressed) {
            Lookup::Pending => Vec::new(),
            Lookup::Bound(command) => {
                self.pressed = Keys::default();
                self.run(&command)
            }
            Lookup::Unbound => {
                let n_pressed = self.pressed.0.len();
                let pressed = std::mem::take(&mut self.pressed);
                if matches!(context, Context::Input | Context::TypedName) {
                    self.type_char(event);
                } else if 1 < n_pressed {
                    self.say(
                        Severity::Note,
                        format!("`{pressed}` is bound to nothing here"),
                    );
                }
                Vec::new()
            }
        }
    }

    fn type_char(&mut self, event: KeyEvent) {
        let is_text = !event
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        if let KeyCode::Char(c) = event.code
            && is_text
        {
            self.edit_line(|it| edit::insert(it, c));
        }
    }

    /// Pasted text goes into a line that is typed, and nowhere else: it runs nothing.
    pub(super) fn paste(&mut self, text: &str) {
        let is_name = matches!(self.overlay(), Some(Overlay::Confirm(_)));
        if is_name {
            self.hint_on_confirm("type the name; a pasted one shows nothing");
        } else if self.context() == Context::Input {
            self.edit_line(|it| edit::paste(it, text));
        } else {
            self.say(Severity::Note, "pasted text was ignored: no line is open");
        }
    }

    fn hint_on_confirm(&mut self, hint: &'static str) {
        if let Some(Overlay::Confirm(confirm)) = self.overlays.last_mut() {
            confirm.hint = Some(hint);
        }
    }

    /// Changes the line that is typed, and what follows from it.
    fn edit_line(&mut self, change: impl FnOnce(&mut tui_input::Input)) {
        let observation = self.observation.clone();
        let vocabulary = Vocabulary {
            fleet: &observation.fleet,
            noun: self.noun(),
            pool: None,
        };
        match self.overlays.last_mut() {
            Some(Overlay::Prompt(prompt)) => {
                change(&mut prompt.input);
                prompt.propose(vocabulary);
            }
            Some(Overlay::Filter(line)) => {
                change(&mut line.input);
                self.apply_filter_line();
            }
            Some(Overlay::Confirm(confirm)) => confirm.edit(change),
            Some(Overlay::Question(_) | Overlay::Picker(_) | Overlay::Reader(_)) | None => {}
        }
    }

    pub(super) fn run(&mut self, command: &Command) -> Vec<Effect> {
        // An answer to the last command is old news now.
        self.messages.is_shown = false;
        if *command != Command::Quit {
            self.is_leaving = false;
        }
        match self.overlays.last() {
            None => self.run_on_screen(command),
            Some(Overlay::Confirm(_)) => self.run_on_confirm(command),
            Some(Overlay::Question(_)) => self.run_on_question(command),
            Some(Overlay::Prompt(_)) => self.run_on_prompt(command),
            Some(Overlay::Filter(_)) => {
                self.run_on_filter(command);
                Vec::new()
            }
            Some(Overlay::Picker(_)) => {
                self.run_on_picker(command);
                Vec::new()
            }
            Some(Overlay::Reader(_)) => self.run_on_reader(command),
        }
    }

    fn run_on_screen(&mut self, command: &Command) -> Vec<Effect> {
        let fleet = self.observation.clone();
        match command {
            Command::Act(line) => {
                let target = Target::of(self.screen(), &fleet.fleet);
                self.act(line.clone(), target);
                Vec::new()
            }
            Command::FindingFix => {
                self.mend();
                Vec::new()
            }
            Command::Palette(line) => {
                let target = Target::of(self.screen(), &fleet.fleet);
                let line = line.as_ref().map_or(String::new(), |it| format!("{it} "));
                self.open_prompt(&line, line.chars().count(), target);
                Vec::new()
            }
            Command::Reload => vec![Effect::Refresh, Effect::FetchOperations],
            Command::Redraw => vec![Effect::Redraw],
            Command::Background => vec![Effect::Background],
            Command::Quit => self.quit(),
            Command::CopyId | Command::CopyRow | Command::CopyCommand => self.copy(command),
            _ => self.navigate(command),
        }
    }

    fn run_on_confirm(&mut self, command: &Command) -> Vec<Effect> {
        let Some(Overlay::Confirm(confirm)) = self.overlays.last_mut() else {
            return Vec::new();
        };
        if let Some(scroll) = scrolled(confirm.scroll, self.size, command) {
            confirm.scroll = scroll;
            confirm.hint = None;
            return Vec::new();
        }
        match command {
            Command::CopyCommand => {
                let line = confirm.plan.as_ref().ok().map(|it| it.command_line.clone());
                return line
                    .map_or_else(Vec::new, |it| vec![Effect::Copy(format!("pooldeck {it}"))]);
            }
            Command::InputCancel => return self.answer(&Command::ConfirmNo),
            Command::InputAccept
            | Command::ConfirmYes
            | Command::ConfirmNo
            | Command::ConfirmEnter
            | Command::ConfirmEdit => return self.answer(command),
            command if confirm.wants_typing() => confirm.edit(|it| {
                edit::edit(it, command);
            }),
            _ => {}
        }
        Vec::new()
    }

    fn run_on_prompt(&mut self, command: &Command) -> Vec<Effect> {
        match command {
            Command::InputCancel => {
                self.overlays.pop();
            }
            Command::InputAccept => return self.accept_prompt(),
            Command::InputHistoryPrevious => self.walk_history(1),
            Command::InputHistoryNext => self.walk_history(-1),
            Command::InputComplete | Command::InputCompletePrevious => {
                if let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut() {
                    prompt.complete(*command == Command::InputCompletePrevious);
                }
            }
            Command::InputRight | Command::InputEnd if self.take_ghost() => {}
            command => self.edit_line(|it| {
                edit::edit(it, command);
            }),
        }
        Vec::new()
    }

    fn take_ghost(&mut self) -> bool {
        let Some(Overlay::Prompt(prompt)) = self.overlays.last() else {
            return false;
        };
        let Some(ghost) = prompt.ghost().map(str::to_owned) else {
            return false;
        };
        self.edit_line(|it| ghost.chars().for_each(|c| edit::insert(it, c)));
        true
    }

    /// Runs the line; one that cannot be read stays open, with the reason under it.
    fn accept_prompt(&mut self) -> Vec<Effect> {
        let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut() else {
            return Vec::new();
        };
        let line = prompt.input.value().trim().to_owned();
        if line.is_empty() {
            self.overlays.pop();
            return Vec::new();
        }
        match prompt.parse() {
            Err(error) => {
                prompt.error = Some(error);
                Vec::new()
            }
            Ok(command) => {
                let target = prompt.target.clone();
                self.overlays.pop();
                remember(&mut self.prompt_history, &line);
                match command {
                    Command::Act(line) => {
                        self.act(line, target);
                        Vec::new()
                    }
                    command => self.run(&command),
                }
            }
        }
    }

    /// Goes through the lines that were typed before; `by` is 1 for an older one.
    fn walk_history(&mut self, by: isize) {
        let observation = self.observation.clone();
        let vocabulary = Vocabulary {
            fleet: &observation.fleet,
            noun: self.noun(),
            pool: None,
        };
        let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut() else {
            return;
        };
        let next = step_history(prompt.history_idx, by, self.prompt_history.len());
        if next == prompt.history_idx {
            return;
        }
        prompt.history_idx = next;
        let line = next.map_or("", |it| {
            &self.prompt_history[self.prompt_history.len() - 1 - it]
        });
        prompt.input = tui_input::Input::new(line.to_owned());
        prompt.propose(vocabulary);
    }
}

/// Returns the line that a question is scrolled to by a command; none for any other command.
///
/// The end is found by `scroll`, which knows how long the text is.
pub(super) fn scrolled(from: usize, size: Size, command: &Command) -> Option<usize> {
    let half = usize::from(size.height / 4).max(1);
    let page = usize::from(size.height / 2).max(1);
    Some(match command {
        Command::RowNext => from.saturating_add(1),
        Command::RowPrevious => from.saturating_sub(1),
        Command::HalfPageNext => from.saturating_add(half),
        Command::HalfPagePrevious => from.saturating_sub(half),
        Command::PageNext => from.saturating_add(page),
        Command::PagePrevious => from.saturating_sub(page),
        Command::RowFirst => 0,
        Command::RowLast => usize::MAX,
        _ => return None,
    })
}

/// Returns the place in a history after a step, counted from the newest.
pub(super) fn step_history(from: Option<usize>, by: isize, n_lines: usize) -> Option<usize> {
    match from {
        None if 0 < by && 0 < n_lines => Some(0),
        None | Some(0) if by < 0 => None,
        Some(it) => Some(it.saturating_add_signed(by).min(n_lines.saturating_sub(1))),
        None => None,
    }
}

/// Adds a line to a history; the same line is there once, at its newest place.
pub(super) fn remember(history: &mut Vec<String>, line: &str) {
    const N_LINES_MAX: usize = 200;
    history.retain(|it| it != line);
    history.push(line.to_owned());
    if N_LINES_MAX < history.len() {
        history.remove(0);
    }
}
