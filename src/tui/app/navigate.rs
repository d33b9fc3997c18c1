//! Moving, opening, marking, copying: everything that changes nothing but the screen.

use super::{
    App, Command, Effect, Failed, Fetched, List, Overlay, Reader, ReaderText, RowId, Screen,
    Severity, Target, View,
};
use crate::{
    fleet::{InstanceId, PoolKey, nearest},
    operation::OperationId,
    tui::layout,
};

impl App {
    pub(super) fn navigate(&mut self, command: &Command) -> Vec<Effect> {
        match command {
            Command::Open => return self.open(),
            Command::Back => self.back(),
            Command::GoFleet => self.screens.truncate(1),
            Command::GoInstances => self.go(View::Instances),
            Command::GoExecutors => self.go(View::Executors),
            Command::GoStrays => self.go(View::Strays),
            Command::GoDoctor => self.go(View::Doctor),
            Command::GoOperations(name) => {
                self.failed.operations.clear();
                match name {
                    Some(name) => self.go_operation(name),
                    None => self.go(View::Operations),
                }
                return vec![Effect::FetchOperations];
            }
            Command::Explain(name) => self.explain(name.as_deref()),
            Command::OperationPause(id)
            | Command::OperationResume(id)
            | Command::OperationAdopt(id)
            | Command::OperationSpeedUp(id)
            | Command::OperationAbort(id) => return self.operate(command, id.as_deref()),
            Command::GoActivities => self.go(View::Activities),
            Command::GoMessages => {
                self.failed = Failed::default();
                self.go(View::Messages);
            }
            Command::GoSources => self.go(View::Sources),
            Command::GoGraph(name) => return self.go_about_pool(name.as_deref(), View::Graph),
            Command::GoUtilisation(name) => {
                return self.go_about_pool(name.as_deref(), View::Utilisation);
            }
            Command::GoBoots(name) => return self.go_about_pool(name.as_deref(), View::Boots),
            Command::GoCost => self.go(View::Cost),
            Command::GoCostGraph(name) => self.go_cost_graph(name.as_deref()),
            Command::Help => self.go(View::Help),
            Command::GoPool(name) => return self.go_pool(name.as_deref()),
            Command::ConsoleOutput => return self.console_output(),
            Command::PanelNext => self.screen_mut().turn_focus(1),
            Command::PanelPrevious => self.screen_mut().turn_focus(-1),
            Command::Filter(Some(text)) => self.filter(text),
            Command::Filter(None) => self.open_filter(),
            Command::FilterClear => self.filter(""),
            Command::Sort(field) => self.sort(field.as_deref()),
            Command::SortReverse => self.reverse_sort(),
            Command::Columns(fields) => self.choose_columns(fields.as_deref()),
            Command::GraphLeft
            | Command::GraphRight
            | Command::GraphFarLeft
            | Command::GraphFarRight
            | Command::GraphEventPrevious
            | Command::GraphEventNext
            | Command::GraphZoomIn
            | Command::GraphZoomOut
            | Command::GraphZoom(_)
            | Command::GraphEarlier
            | Command::GraphLater
            | Command::GraphNow
            | Command::GraphToggle(_)
            | Command::GraphMarks(_)
            | Command::GraphSplit(_) => self.run_graph(command),
            Command::RowNext | Command::RowPrevious
                if matches!(self.screen().view, View::Utilisation(_)) =>
            {
                self.run_graph(command);
            }
            command if self.mark(command) => {}
            command => self.step(command),
        }
        Vec::new()
    }

    fn step(&mut self, command: &Command) {
        let size = self.size;
        let screen = self.screen_mut();
        let area = layout::panels(size, &screen.view)
            .get(screen.focus)
            .copied();
        // A screen of text has no panels, and no line of it is skipped.
        let text = || usize::from(layout::areas(size).body.height);
        let page = area.map_or_else(text, layout::n_rows).max(1);
        let page = isize::try_from(page).unwrap_or(isize::MAX);
        let by = match command {
            Command::RowNext => 1,
            Command::RowPrevious => -1,
            Command::HalfPageNext => (page / 2).max(1),
            Command::HalfPagePrevious => -(page / 2).max(1),
            Command::PageNext => page,
            Command::PagePrevious => -page,
            Command::RowFirst => isize::MIN,
            Command::RowLast => isize::MAX,
            _ => return,
        };
        match screen.list_mut() {
            Some(list) => match by {
                isize::MIN => list.go_to_idx(0),
                isize::MAX => list.go_to_idx(usize::MAX),
                by => list.step(by),
            },
            // The end is found by `scroll`, which knows how long the text is.
            None => screen.scroll = screen.scroll.saturating_add_signed(by),
        }
    }

    pub(super) fn go(&mut self, view: View) {
        if self.screen().view == view {
            return;
        }
        let screen = Screen::new(view);
        // The same screen further down is the one to go back to.
        if let Some(depth) = self.screens.iter().position(|it| it.view == screen.view) {
            self.screens.truncate(depth + 1);
            return;
        }
        self.screens.push(screen);
        self.refill_messages();
        self.refill_operations();
    }

    fn back(&mut self) {
        if 1 < self.screens.len() {
            self.screens.pop();
        } else if let Some(list) = self.screen_mut().list_mut()
            && !list.filter.is_empty()
        {
            self.filter("");
        }
    }

    fn open(&mut self) -> Vec<Effect> {
        if let View::Executor(controller, id) = &self.screen().view {
            let found = self.observation.fleet.executor(controller, id);
            if let Some(instance) = found.and_then(|it| it.instance.clone()) {
                self.go(View::Instance(instance));
            }
            return Vec::new();
        }
        let Some(row) = self.screen().list().and_then(|it| it.cursor().cloned()) else {
            return Vec::new();
        };
        match row {
            RowId::Pool(key) if self.screen().view == View::Cost => {
                self.go(View::CostGraph(Some(key)));
            }
            RowId::Pool(key) | RowId::Waiting(key, None, _) => return self.open_pool(key),
            RowId::Instance(id) | RowId::Waiting(_, Some(id), _) => self.go(View::Instance(id)),
            RowId::Executor(controller, id) => self.go(View::Executor(controller, id)),
            RowId::Queue(controller, label) => return self.open_queue(&controller, &label),
            RowId::Stray(kind, name, instance) => return self.open_stray(kind, &name, instance),
            RowId::Finding(kind, pool, nth) => self.read(ReaderText::Finding(kind, pool, nth)),
            RowId::Operation(id) => self.go(View::Operation(id)),
            RowId::Activity(id) => self.read(ReaderText::Activity(id)),
            RowId::Message(id) => self.read(ReaderText::Message(id)),
            RowId::Source(id) => self.read(ReaderText::Source(id)),
        }
        Vec::new()
    }

    pub(super) fn open_pool(&mut self, key: PoolKey) -> Vec<Effect> {
        self.go(View::Pool(key.clone()));
        let at = self.now;
        let fetched = self.activities.entry(key.clone()).or_insert(Fetched {
            is_asked: false,
            answer: None,
            at,
        });
        fetched.is_asked = true;
        vec![Effect::FetchActivities(key)]
    }

    fn go_pool(&mut self, name: Option<&str>) -> Vec<Effect> {
        match self.named_pool(name) {
            Some(key) => self.open_pool(key),
            None => Vec::new(),
        }
    }

    /// Returns the pool of that name, or the one that is selected; says why there is none.
    pub(super) fn named_pool(&mut self, name: Option<&str>) -> Option<PoolKey> {
        let fleet = &self.observation.fleet;
        let found = match name {
            None => Target::of(self.screen(), fleet).selection.pool,
            Some(name) => {
                let is_named = |it: &&PoolKey| it.name.as_str() == name || it.to_string() == name;
                fleet.pools.keys().find(is_named).cloned()
            }
        };
        match (found, name) {
            (Some(key), _) => Some(key),
            (None, Some(name)) => {
                let near = nearest(name, fleet.pools.keys().map(|it| it.name.as_str()));
                let near = near.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
                self.say(
                    Severity::Warning,
                    format!("no pool is called `{name}`{near}"),
                );
                None
            }
            (None, None) => {
                self.say(Severity::Note, "no pool is under the cursor");
                None
            }
        }
    }

    /// Explains what is named, or what is on the screen: an instance or a pool.
    fn explain(&mut self, name: Option<&str>) {
        let text = match name {
            Some(name) => self.named_text(name),
            None => self.shown_text(),
        };
        match text {
            Ok(text) => self.read(text),
            Err(why) => self.say(Severity::Note, why),
        }
    }

    fn shown_text(&self) -> Result<ReaderText, String> {
        let pool = match &self.screen().view {
            View::Instance(id) => return Ok(ReaderText::Instance(id.clone())),
            View::Operation(id) => {
                let view = self.operations.get(id);
                view.map(|it| it.operation.spec.pool().clone())
            }
            _ => {
                Target::of(self.screen(), &self.observation.fleet)
                    .selection
                    .pool
            }
        };
        pool.map(ReaderText::Explanation)
            .ok_or_else(|| "no pool is under the cursor".to_owned())
    }

    /// Returns what explains the instance, the operation or the pool of that name.
    fn named_text(&self, name: &str) -> Result<ReaderText, String> {
        let fleet = &self.observation.fleet;
        let id = InstanceId::from(name);
        if fleet.instances.contains_key(&id) {
            return Ok(ReaderText::Instance(id));
        }
        let view = self.operations.get(&OperationId(name.to_owned()));
        let is_named = |it: &&PoolKey| it.name.as_str() == name || it.to_string() == name;
        let of_operation = view.map(|it| it.operation.spec.pool());
        if let Some(key) = of_operation.or_else(|| fleet.pools.keys().find(is_named)) {
            return Ok(ReaderText::Explanation(key.clone()));
        }
        let pools = fleet.pools.keys().map(|it| it.name.as_str());
        let instances = fleet.instances.keys().map(InstanceId::as_str);
        let near = nearest(name, pools.chain(instances));
        let near = near.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
        Err(format!(
            "no instance, pool or operation is called `{name}`{near}"
        ))
    }

    fn go_operation(&mut self, name: &str) {
        match self.named_operation(Some(name)) {
            Ok(view) => self.go(View::Operation(view.operation.id.clone())),
            Err(why) => self.say(Severity::Note, why),
        }
    }

    fn read(&mut self, text: ReaderText) {
        self.overlays
            .push(Overlay::Reader(Reader { text, scroll: 0 }));
    }

    fn console_output(&mut self) -> Vec<Effect> {
        let target = Target::of(self.screen(), &self.observation.fleet);
        let Some(id) = target.selection.instances.first().cloned() else {
            self.say(Severity::Note, "no instance is under the cursor");
            return Vec::new();
        };
        self.read(ReaderText::Console(id.clone()));
        let at = self.now;
        let fetched = self.consoles.entry(id.clone()).or_insert(Fetched {
            is_asked: false,
            answer: None,
            at,
        });
        fetched.is_asked = true;
        vec![Effect::FetchConsole(id)]
    }

    pub(super) fn run_on_reader(&mut self, command: &Command) -> Vec<Effect> {
        let page = usize::from(self.size.height).saturating_sub(4).max(1);
        let Some(Overlay::Reader(reader)) = self.overlays.last_mut() else {
            return Vec::new();
        };
        let scroll = &mut reader.scroll;
        match command {
            Command::RowNext => *scroll += 1,
            Command::RowPrevious => *scroll = scroll.saturating_sub(1),
            Command::HalfPageNext => *scroll += page / 2,
            Command::HalfPagePrevious => *scroll = scroll.saturating_sub(page / 2),
            Command::PageNext => *scroll += page,
            Command::PagePrevious => *scroll = scroll.saturating_sub(page),
            Command::RowFirst => *scroll = 0,
            Command::RowLast => *scroll = usize::MAX,
            Command::Reload => {
                if let ReaderText::Console(id) = &reader.text {
                    let id = id.clone();
                    if let Some(fetched) = self.consoles.get_mut(&id) {
                        fetched.is_asked = true;
                    }
                    return vec![Effect::FetchConsole(id)];
                }
            }
            Command::CopyId => return self.copy(command),
            _ => {
                self.overlays.pop();
            }
        }
        Vec::new()
    }

    fn mark(&mut self, command: &Command) -> bool {
        let change: fn(&mut List) = match command {
            Command::MarkToggle => |it| {
                it.toggle_mark();
                it.step(1);
            },
            Command::MarkRange => List::mark_range,
            Command::MarkAll => List::mark_all,
            Command::MarkInvert => List::invert_marks,
            Command::MarkNone => List::unmark_all,
            _ => return false,
        };
        match self.screen_mut().list_mut() {
            Some(list) if list.noun.can_be_marked() => change(list),
            _ => self.say(Severity::Note, "only instances and agents can be marked"),
        }
        true
    }

    pub(super) fn copy(&mut self, command: &Command) -> Vec<Effect> {
        let text = match command {
            Command::CopyId => super::super::view::id_under_cursor(self),
            Command::CopyRow => super::super::view::row_under_cursor(self),
            _ => {
                let done = self.submitted.last().map(|it| it.command_line.clone());
                let line = self.equivalent().or(done);
                line.map(|it| format!("pooldeck {it}"))
            }
        };
        let Some(text) = text else {
            self.say(Severity::Note, "there is nothing to copy here");
            return Vec::new();
        };
        vec![Effect::Copy(text)]
    }
}
