//! Everything that is on the screen follows from one value, `App`.
//!
//! `update` takes a message and returns what the loop must do. It performs no
//! IO and reads no clock: `now` comes in with each message.

mod arrange;
mod command;
mod confirm;
mod disagree;
mod edit;
mod engine;
mod findings;
mod graph;
mod keys;
mod list;
mod mend;
mod message;
mod navigate;
mod operate;
mod overlay;
mod past;
mod prompt;
mod propose;
mod question;
mod rows;
mod screen;
mod submit;
mod target;
mod timeline;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

pub use command::{Command, Entry, Group, verbs};
pub use confirm::{Answer, Confirm, Stage};
use crossterm::event::KeyEvent;
pub use findings::{Figures, Findings, Spending};
pub use graph::{CURVES, Graph, MARKETS, Split, USES, ZOOMS};
pub use list::{List, RowId, Sort};
pub(super) use message::aborted;
pub use message::{Failed, Message, Messages, Review, Severity, Submitted};
pub use overlay::{FilterLine, Overlay, Picker, PickerKind, Reader, ReaderText};
pub use past::{Asked, Pasts, Topic};
pub use prompt::Prompt;
pub use question::{About, Question};
use ratatui::layout::Size;
pub use rows::Noun;
pub use screen::{Screen, View};
pub use target::Target;
pub use timeline::Timeline;

use super::{
    keymap::{Keymap, Keys},
    layout,
};
use crate::{
    action::Policy,
    engine::{Event, OperationView, PastQuery, Submission, SubmissionId, Verdict},
    fleet::{Activity, ConsoleOutput, Failure, InstanceId, Observation, PoolKey, Timestamp},
    operation::{OnQuit, OperationId},
};

/// What enters.
#[derive(Clone, Debug)]
pub enum Msg {
    Key(KeyEvent),
    Paste(String),
    Resize(Size),
    Engine(Event),
    /// Time passed, and something visible counts it.
    Tick,
    FocusGained,
    FocusLost,
    /// The engine took a submission under this id.
    Submitted(SubmissionId, Box<Submission>),
    /// What `update` made of the last messages is on the screen.
    Painted,
    /// What was painted has been on the screen for a moment.
    Seen,
    /// Something that the loop has to tell the operator.
    Notice(Severity, String),
}

/// What leaves: what only the loop can do.
#[derive(Clone, Debug)]
pub enum Effect {
    Submit(Box<Submission>),
    Refresh,
    FetchConsole(InstanceId),
    FetchActivities(PoolKey),
    FetchOperations,
    FetchPast(Box<PastQuery>),
    /// Says this to the operation's driver; unless it is to rest, drives it here if nobody does.
    Tell(OperationId, Verdict),
    Copy(String),
    /// Let go of an old observation; a large one takes longer than a frame.
    Forget(Arc<Observation>),
    Redraw,
    /// Stop, and give the terminal back to the shell.
    Background,
    /// Leave; the operations that are driven here stop where that is safe, and rest.
    Quit,
    /// Leave; the operations that are driven here go on without a terminal.
    QuitDetached,
}

/// Something that was asked for, and the last answer.
#[derive(Clone, Debug)]
pub struct Fetched<T> {
    pub is_asked: bool,
    pub answer: Option<Result<T, Failure>>,
    pub at: Timestamp,
}

/// Everything that the screen shows, and nothing else.
#[derive(Clone, Debug)]
pub struct App {
    pub keymap: Arc<Keymap>,
    pub policy: Policy,
    pub observation: Arc<Observation>,
    pub now: Timestamp,
    pub size: Size,
    /// Never empty; the last is on the screen.
    pub screens: Vec<Screen>,
    pub overlays: Vec<Overlay>,
    /// The keys of a sequence that is not complete.
    pub pressed: Keys,
    pub messages: Messages,
    pub submitted: Vec<Submitted>,
    pub failed: Failed,
    /// Confirmations that wait until nothing else is asked.
    pub reviews: VecDeque<Review>,
    pub findings: Arc<Findings>,
    pub figures: Figures,
    /// Counts the observations, so that a screen knows whether it has the newest.
    generation: u64,
    /// The chosen columns, where they are not the default ones.
    pub columns: BTreeMap<Noun, Vec<&'static str>>,
    pub consoles: BTreeMap<InstanceId, Fetched<ConsoleOutput>>,
    pub activities: BTreeMap<PoolKey, Fetched<Vec<Activity>>>,
    /// The long operations that were heard of.
    pub operations: BTreeMap<OperationId, Arc<OperationView>>,
    /// Those of them whose driver is in this process.
    pub driven_here: BTreeSet<OperationId>,
    pub timeline: Timeline,
    /// Where the operator is in the past, and what is known of it.
    pub graph: Graph,
    pub pasts: Pasts,
    pub prompt_history: Vec<String>,
    pub filter_history: Vec<String>,
    pub has_focus: bool,
    /// Set when leaving was asked for while actions run.
    pub is_leaving: bool,
    /// What becomes of the operations that are driven here when the console ends.
    pub on_quit: OnQuit,
    /// Why they cannot go on without this process; none when they can.
    pub cannot_detach: Option<&'static str>,
}

impl App {
    pub fn new(
        keymap: Arc<Keymap>,
        policy: Policy,
        observation: Arc<Observation>,
        now: Timestamp,
        size: Size,
    ) -> Self {
        let mut app = Self {
            keymap,
            policy,
            observation: Arc::default(),
            now,
            size,
            screens: vec![Screen::new(View::Fleet)],
            overlays: Vec::new(),
            pressed: Keys::default(),
            messages: Messages::default(),
            submitted: Vec::new(),
            failed: Failed::default(),
            reviews: VecDeque::new(),
            findings: Arc::default(),
            figures: Figures::default(),
            generation: 0,
            columns: BTreeMap::new(),
            consoles: BTreeMap::new(),
            activities: BTreeMap::new(),
            operations: BTreeMap::new(),
            driven_here: BTreeSet::new(),
            timeline: Timeline::default(),
            graph: Graph::default(),
            pasts: Pasts::default(),
            prompt_history: Vec::new(),
            filter_history: Vec::new(),
            has_focus: true,
            is_leaving: false,
            on_quit: OnQuit::default(),
            cannot_detach: Some("nobody has said how"),
        };
        // What failed before the first frame is news as well.
        app.tell_new_failures(&observation);
        app.take_observation(observation);
        app.settle();
        app
    }

    /// Takes one message, and returns what the loop must do for it.
    pub fn update(&mut self, msg: Msg, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        let mut effects = match msg {
            Msg::Key(key) => self.key(key),
            Msg::Paste(text) => {
                self.paste(&text);
                Vec::new()
            }
            Msg::Resize(size) => {
                self.size = size;
                Vec::new()
            }
            Msg::Engine(event) => self.event(event),
            Msg::Tick => Vec::new(),
            Msg::FocusGained => {
                self.has_focus = true;
                Vec::new()
            }
            Msg::FocusLost => {
                self.has_focus = false;
                Vec::new()
            }
            Msg::Submitted(id, submission) => {
                self.take_submission(id, *submission);
                Vec::new()
            }
            Msg::Painted => {
                self.advance_confirm(Stage::New, Stage::Painted);
                Vec::new()
            }
            Msg::Seen => {
                self.advance_confirm(Stage::Painted, Stage::Armed);
                Vec::new()
            }
            Msg::Notice(severity, text) => {
                self.say(severity, text);
                Vec::new()
            }
        };
        self.open_review();
        self.settle();
        effects.extend(self.ask_past());
        effects
    }

    pub fn screen(&self) -> &Screen {
        self.screens
            .last()
            .expect("the stack of screens is never empty")
    }

    pub fn screen_mut(&mut self) -> &mut Screen {
        self.screens
            .last_mut()
            .expect("the stack of screens is never empty")
    }

    /// Returns what the list on the screen is made of.
    pub(super) fn noun(&self) -> Option<Noun> {
        self.screen().list().map(|it| it.noun)
    }

    pub fn overlay(&self) -> Option<&Overlay> {
        self.overlays.last()
    }

    /// Returns how long the question on the screen has to be seen before it can be answered.
    pub fn seen_in(&self) -> Option<Duration> {
        match self.overlay() {
            Some(Overlay::Confirm(it)) if it.stage == Stage::Painted => Some(it.seen_after()),
            Some(Overlay::Question(it)) if it.stage == Stage::Painted => Some(confirm::SEEN_AFTER),
            _ => None,
        }
    }

    /// Returns how many actions have not ended.
    pub fn n_running(&self) -> usize {
        self.submitted.iter().filter(|it| !it.is_over).count()
    }

    /// Returns after how long the screen changes by itself; none when nothing on it counts time.
    pub fn tick_in(&self) -> Option<Duration> {
        super::view::changes_in(self)
    }

    pub(super) fn say(&mut self, severity: Severity, text: impl Into<String>) {
        self.messages.say(self.now, severity, text, None);
        self.refill_messages();
    }

    fn advance_confirm(&mut self, from: Stage, to: Stage) {
        let stage = match self.overlays.last_mut() {
            Some(Overlay::Confirm(confirm)) => &mut confirm.stage,
            Some(Overlay::Question(question)) => &mut question.stage,
            _ => return,
        };
        if *stage == from {
            *stage = to;
        }
    }

    /// Takes an observation; the screens take their rows of it when they are looked at.
    ///
    /// Returns the one before.
    pub(super) fn take_observation(&mut self, observation: Arc<Observation>) -> Arc<Observation> {
        self.findings = Arc::new(Findings::of(observation.clone()));
        self.figures.clear();
        self.generation += 1;
        std::mem::replace(&mut self.observation, observation)
    }

    /// Brings the screen up to date with everything that was taken.
    fn settle(&mut self) {
        let (generation, findings) = (self.generation, self.findings.clone());
        let observation = self.observation.clone();
        let screen = self.screen_mut();
        if screen.generation != generation {
            screen.generation = generation;
            screen.observe(&observation, &findings);
        }
        self.scroll();
        self.add_up();
    }

    /// Adds up the pools that are on the screen, before the frame wants them.
    fn add_up(&mut self) {
        match &self.screen().view {
            View::Fleet => {
                self.findings.strays();
            }
            View::Cost | View::CostGraph(_) => {
                self.findings.spending();
            }
            _ => {}
        }
        let screen = self
            .screens
            .last()
            .expect("the stack of screens is never empty");
        let fleet = &self.observation.fleet;
        if let View::Pool(key) = &screen.view {
            self.figures.add(fleet, key, self.observation.at);
        }
        let panels = layout::panels(self.size, &screen.view);
        for (list, area) in screen.panels.iter().zip(panels) {
            let shown = list
                .rows()
                .iter()
                .skip(list.offset())
                .take(layout::n_rows(area));
            for row in shown {
                if let RowId::Pool(key) = row {
                    self.figures.add(fleet, key, self.observation.at);
                }
            }
        }
    }

    /// Returns the pools whose rows are on the screen.
    fn shown_pools(&self) -> Vec<PoolKey> {
        let screen = self.screen();
        let panels = layout::panels(self.size, &screen.view);
        let shown = screen.panels.iter().zip(panels).flat_map(|(list, area)| {
            let rows = list.rows().iter().skip(list.offset());
            rows.take(layout::n_rows(area))
        });
        shown
            .filter_map(|it| match it {
                RowId::Pool(key) => Some(key.clone()),
                _ => None,
            })
            .collect()
    }

    fn refill_messages(&mut self) {
        let ids: Vec<RowId> = self
            .messages
            .newest_first()
            .map(|it| RowId::Message(it.id))
            .collect();
        let lists = self.screens.iter_mut().flat_map(|it| &mut it.panels);
        for list in lists.filter(|it| it.noun == Noun::Messages) {
            let n_all = ids.len();
            list.replace(ids.clone(), n_all);
        }
    }

    /// Keeps every cursor of the screen in view.
    fn scroll(&mut self) {
        let size = self.size;
        let screen = self.screen_mut();
        let panels = layout::panels(size, &screen.view);
        for (list, area) in screen.panels.iter_mut().zip(panels) {
            list.scroll_into(layout::n_rows(area));
        }
        if screen.panels.is_empty() {
            let most = super::view::max_scroll(self);
            let screen = self.screen_mut();
            screen.scroll = screen.scroll.min(most);
        }
        if let Some(most) = super::view::max_overlay_scroll(self) {
            match self.overlays.last_mut() {
                Some(Overlay::Reader(it)) => it.scroll = it.scroll.min(most),
                Some(Overlay::Confirm(it)) => it.scroll = it.scroll.min(most),
                Some(Overlay::Question(it)) => it.scroll = it.scroll.min(most),
                _ => {}
            }
        }
    }
}
