//! Every screen of the past, at every zoom: what it asks the history for, the
//! answers taken in, and the frame drawn, together.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use pooldeck::{
    action::Policy,
    engine::{Event, PastQuery, Store, Whose},
    fleet::{CiLink, Fleet, Observation, Part, Pool, PoolName, Timestamp},
    tui::{App, ColourDepth, Effect, Glyphs, Keymap, Msg, Theme, draw},
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

use crate::{ACCOUNT, SCOPE, report, rows};

const SIZE: Size = Size::new(200, 50);
/// Every so many pools are looked at.
const STRIDE: usize = 10;

/// What is opened, the keys that lead there, and the last one, with which it is asked for.
const SCREENS: [(&str, &str, &str); 2] = [
    ("the hours of the week", "", "gu"),
    ("the time to ready", "", "gr"),
];
const GRAPHS: [(&str, &str); 3] = [
    ("the pool graph", "gh"),
    ("the cost graph of all pools", "gfgb"),
    ("the cost graph by pool", "gfgbss"),
];
/// From the zoom beside it, for a graph begins with six hours.
const ZOOMS: [(&str, &str, &str); 6] = [
    ("15 minutes", "+", "+"),
    ("1 hour", "", "+"),
    ("6 hours", "+", "-"),
    ("1 day", "", "-"),
    ("7 days", "-", "-"),
    ("30 days", "--", "-"),
];

/// Opens every screen; returns the slowest p99.
pub(crate) fn measure(store: &Store, names: &[PoolName], now: Timestamp) -> Duration {
    // No graph: its rows come one by one, and nobody waits for the last.
    open(store, names, now, "the table of costs", "gf", "gc");
    let mut slowest = Duration::ZERO;
    for (screen, before, last) in SCREENS {
        slowest = slowest.max(open(store, names, now, screen, before, last));
    }
    for (graph, keys) in GRAPHS {
        for (zoom, before, last) in ZOOMS {
            let (what, before) = (format!("{graph} of {zoom}"), format!("{keys}{before}"));
            slowest = slowest.max(open(store, names, now, &what, &before, last));
        }
    }
    slowest
}

/// Opens a screen of one pool after the other; returns the p99.
fn open(
    store: &Store,
    names: &[PoolName],
    now: Timestamp,
    what: &str,
    before: &str,
    last: &str,
) -> Duration {
    let (mut took, mut n_asked) = (Vec::new(), 0);
    for pool_idx in (0..names.len()).step_by(STRIDE) {
        let mut console = Console::new(names, now);
        console.type_keys(&"j".repeat(pool_idx));
        console.type_keys(before);
        console.answer(store);
        let began = Instant::now();
        console.type_keys(last);
        n_asked = console.answer(store);
        console.draw();
        took.push(began.elapsed());
        assert!(0 < n_asked, "{what} asks for nothing");
    }
    let questions = if n_asked == 1 {
        "question"
    } else {
        "questions"
    };
    report(
        &format!("{what}, {n_asked} {questions}, asked and drawn"),
        &mut took,
    )
}

struct Console {
    app: App,
    theme: Theme,
    buffer: Buffer,
    now: Timestamp,
    asked: Vec<PastQuery>,
}

impl Console {
    fn new(names: &[PoolName], now: Timestamp) -> Self {
        let keymap = Arc::new(Keymap::load("default", None).unwrap());
        let observation = Arc::new(observation(names, now));
        Self {
            app: App::new(keymap, Policy::default(), observation, now, SIZE),
            theme: Theme::load("dark", None, ColourDepth::True, Glyphs::Unicode).unwrap(),
            buffer: Buffer::empty(Rect::new(0, 0, SIZE.width, SIZE.height)),
            now,
            asked: Vec::new(),
        }
    }

    fn type_keys(&mut self, keys: &str) {
        for key in keys.chars() {
            let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
            self.update(Msg::Key(key));
        }
    }

    fn update(&mut self, msg: Msg) {
        let effects = self.app.update(msg, self.now).into_iter();
        self.asked.extend(effects.filter_map(|it| match it {
            Effect::FetchPast(query) => Some(*query),
            _ => None,
        }));
    }

    /// Answers until nothing more is asked; returns how many questions it took.
    fn answer(&mut self, store: &Store) -> usize {
        let whose = Whose {
            scopes: vec![(SCOPE.into(), Some(ACCOUNT.to_owned()))],
        };
        let mut n_asked = 0;
        while !self.asked.is_empty() {
            for query in std::mem::take(&mut self.asked) {
                n_asked += 1;
                let past = store.past(&query, &whose).unwrap();
                self.update(Msg::Engine(Event::Past(Arc::new(past))));
            }
            self.update(Msg::Tick);
        }
        n_asked
    }

    fn draw(&mut self) {
        self.buffer.reset();
        black_box(draw(&mut self.buffer, &self.app, &self.theme));
    }
}

/// Pools without machines: only their past is looked at.
fn observation(names: &[PoolName], now: Timestamp) -> Observation {
    let pools = names.iter().map(|name| {
        Arc::new(Pool {
            ci: Some(CiLink {
                controller: "jenkins".into(),
                label: name.to_string(),
                executors_per_instance: 1,
                instance_from: None,
                boot_budget: Duration::from_mins(10),
            }),
            ..rows::pool(SCOPE, name.as_str())
        })
    });
    let fleet = Fleet::join([&Part {
        pools: pools.collect(),
        ..Part::default()
    }]);
    Observation {
        at: now,
        fleet,
        ..Observation::default()
    }
}
