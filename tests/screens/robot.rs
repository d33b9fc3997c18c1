//! Drives an `App` as an operator does: by keys, as keymaps write them.

use std::{
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use pooldeck::{
    action::Policy,
    cost::{PriceBook, PriceList, Terms},
    engine::Event,
    fleet::{Fleet, Observation, Part, Scope, SourceHealth, SourceId, Timestamp},
    sim::{self, World},
    tui::{
        App, ColourDepth, Effect, Glyphs, Keymap, Keys, Msg, Painter, Theme,
        app::{List, RowId},
        draw,
    },
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

/// When the demo's story begins, in every test.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_772_443_800);
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

pub(crate) struct Robot {
    pub(crate) app: App,
    pub(crate) theme: Theme,
    pub(crate) now: Timestamp,
    /// Made when a test lets time pass: its warm-up is what takes long.
    demo: OnceLock<sim::Demo>,
    painter: Painter<Vec<u8>>,
    /// What the app asked for since it was last looked at.
    pub(crate) effects: Vec<Effect>,
    /// How many bytes the last frame took.
    pub(crate) n_bytes: usize,
}

/// Which screen a test wants to look at.
pub(crate) struct Look {
    pub(crate) size: (u16, u16),
    pub(crate) theme: &'static str,
    pub(crate) keymap: &'static str,
    pub(crate) depth: ColourDepth,
    pub(crate) glyphs: Glyphs,
    pub(crate) policy: Policy,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            size: (120, 36),
            theme: "dark",
            keymap: "default",
            depth: ColourDepth::True,
            glyphs: Glyphs::Unicode,
            policy: Policy::default(),
        }
    }
}

impl Robot {
    /// Starts the console on the demo, with its first reading on the screen.
    pub(crate) fn new() -> Self {
        Self::with(Look::default())
    }

    pub(crate) fn with(look: Look) -> Self {
        let mut robot = Self::before_reading(look);
        robot.tell(first_reading().clone());
        robot
    }

    pub(crate) fn sized(width: u16, height: u16) -> Self {
        Self::with(Look {
            size: (width, height),
            ..Look::default()
        })
    }

    /// Starts the console with nothing read yet.
    pub(crate) fn before_reading(look: Look) -> Self {
        Self::at_start(look, unread(first_reading()))
    }

    /// Starts the console with what was read before it came up.
    pub(crate) fn at_start(look: Look, observation: Observation) -> Self {
        let keymap = Keymap::load(look.keymap, None).unwrap();
        let theme = Theme::load(look.theme, None, look.depth, look.glyphs).unwrap();
        let observation = Arc::new(observation);
        let size = Size::new(look.size.0, look.size.1);
        let app = App::new(Arc::new(keymap), look.policy, observation, START, size);
        let mut robot = Self {
            app,
            theme,
            now: START,
            demo: OnceLock::new(),
            painter: Painter::new(Vec::new()),
            effects: Vec::new(),
            n_bytes: 0,
        };
        robot.paint();
        robot
    }

    pub(crate) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        let demo = self.demo.get_or_init(|| sim::demo(1, START));
        demo.world.lock().unwrap()
    }

    /// Reads every source, now.
    pub(crate) fn read(&mut self) {
        let observation = observation(&mut self.world(), self.now);
        self.tell(observation);
    }

    /// Lets time pass, and reads again.
    pub(crate) fn read_after(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.read();
    }

    pub(crate) fn tell(&mut self, observation: Observation) {
        self.hear(Event::Observed(Arc::new(observation)));
    }

    pub(crate) fn hear(&mut self, event: Event) {
        self.update(Msg::Engine(event));
        self.settle();
    }

    pub(crate) fn update(&mut self, msg: Msg) {
        let effects = self.app.update(msg, self.now);
        // What is let go of changes nothing that a test looks at.
        let is_kept = |it: &Effect| !matches!(it, Effect::Forget(_));
        self.effects.extend(effects.into_iter().filter(is_kept));
    }

    /// Presses keys, and waits after each until what it did has been seen.
    pub(crate) fn press(&mut self, keys: &str) {
        for key in events(keys) {
            self.update(Msg::Key(key));
            self.settle();
        }
    }

    /// Presses keys faster than anything can be painted.
    pub(crate) fn press_ahead(&mut self, keys: &str) {
        for key in events(keys) {
            self.update(Msg::Key(key));
        }
        self.settle();
    }

    /// Types text into a line.
    pub(crate) fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.update(Msg::Key(KeyEvent::new(
                KeyCode::Char(c),
                KeyModifiers::NONE,
            )));
            self.settle();
        }
    }

    /// Paints, and waits until what was painted has been seen.
    pub(crate) fn settle(&mut self) {
        self.paint();
        self.update(Msg::Painted);
        self.update(Msg::Seen);
    }

    pub(crate) fn paint(&mut self) {
        let (app, theme) = (&self.app, &self.theme);
        self.n_bytes = self
            .painter
            .paint(app.size, |buffer| draw(buffer, app, theme))
            .unwrap();
    }

    pub(crate) fn buffer(&self) -> Buffer {
        let size = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.width, size.height));
        draw(&mut buffer, &self.app, &self.theme);
        buffer
    }

    /// Returns the screen as text, without the blanks at the ends of its lines.
    pub(crate) fn text(&self) -> String {
        let buffer = self.buffer();
        let row = |y| {
            let cells = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol());
            cells.collect::<String>().trim_end().to_owned()
        };
        (0..buffer.area.height)
            .map(row)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[track_caller]
    pub(crate) fn sees(&self, wanted: &str) {
        let text = self.text();
        assert!(
            text.contains(wanted),
            "`{wanted}` is not on the screen:\n{text}"
        );
    }

    #[track_caller]
    pub(crate) fn sees_not(&self, unwanted: &str) {
        let text = self.text();
        assert!(
            !text.contains(unwanted),
            "`{unwanted}` is on the screen:\n{text}"
        );
    }

    pub(crate) fn list(&self) -> &List {
        self.app.screen().list().expect("this screen has a list")
    }

    /// Returns the name or id under the cursor; empty when the row went away.
    pub(crate) fn under_cursor(&self) -> String {
        match self.list().cursor() {
            Some(RowId::Pool(key)) => key.name.to_string(),
            Some(RowId::Instance(id)) => id.to_string(),
            Some(other) => format!("{other:?}"),
            None => String::new(),
        }
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

/// Reads keys as keymaps write them.
fn events(keys: &str) -> Vec<KeyEvent> {
    let keys: Keys = keys.parse().unwrap();
    keys.0.into_iter().map(Into::into).collect()
}

/// The demo's first reading; it is the same for everyone.
fn first_reading() -> &'static Observation {
    static FIRST: LazyLock<Observation> = LazyLock::new(|| {
        let demo = sim::demo(1, START);
        let mut world = demo.world.lock().unwrap();
        observation(&mut world, START)
    });
    &FIRST
}

/// What is known before anything was read: where we look.
fn unread(first: &Observation) -> Observation {
    let unproven = |it: &Scope| Scope {
        identity: None,
        ..it.clone()
    };
    let part = Part {
        scopes: first.fleet.scopes.iter().map(unproven).collect(),
        ..Part::default()
    };
    let sources = first.sources.iter();
    Observation {
        at: START,
        fleet: Fleet::join(&[part]),
        sources: sources
            .map(|it| SourceHealth::new(it.source.clone(), INTERVAL))
            .collect(),
        errors: Vec::new(),
        ..Observation::default()
    }
}

fn sources(world: &World) -> Vec<SourceHealth> {
    let scopes = world.scopes().map(|it| SourceId::Scope(it.id.clone()));
    let controllers = world
        .controllers()
        .map(|it| SourceId::Controller(it.name.clone()));
    scopes
        .chain(controllers)
        .map(|it| SourceHealth::new(it, INTERVAL))
        .collect()
}

/// The demo's first reading, with what the bundled list says that the machines cost.
pub(crate) fn priced_reading() -> Observation {
    let demo = sim::demo(1, START);
    let mut world = demo.world.lock().unwrap();
    let mut book = PriceBook::new(Terms::default());
    book.add_list((*PriceList::bundled()).clone());
    observation_with(&mut world, START, |part| {
        for instance in &mut part.instances {
            let price = book.price(instance);
            Arc::make_mut(instance).price = price;
        }
    })
}

/// Reads every source of a world, as the engine does.
pub(crate) fn observation(world: &mut World, now: Timestamp) -> Observation {
    observation_with(world, now, |_| {})
}

fn observation_with(world: &mut World, now: Timestamp, change: impl Fn(&mut Part)) -> Observation {
    world.advance_to(now);
    let scopes: Vec<_> = world.scopes().cloned().collect();
    let controllers: Vec<_> = world.controllers().map(|it| it.name.clone()).collect();
    let mut parts = Vec::new();
    for mut scope in scopes {
        let mut part = world.observe(&scope.id).unwrap().part;
        scope.identity = Some(world.identify(&scope.id).unwrap());
        part.scopes = vec![scope];
        change(&mut part);
        parts.push(part);
    }
    for name in &controllers {
        parts.push(world.observe_ci(name).unwrap().part);
    }
    let mut sources = sources(world);
    for source in &mut sources {
        source.read_at = Some(now);
        source.n_calls_per_minute = 12;
    }
    Observation {
        at: now,
        fleet: Fleet::join(&parts),
        sources,
        errors: Vec::new(),
        ..Observation::default()
    }
}
