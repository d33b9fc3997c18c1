//! What a frame, a key and a fresh reading cost on a screen of 200×50, with
//! 10,000 and with 100,000 instances, and what goes over the wire.
//!
//! `cargo bench --no-default-features --bench screen` prints the numbers.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints what it measured"
)]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use pooldeck::{
    action::Policy,
    engine::{Event, PastQuery},
    fleet::{Fleet, Observation, Part, Past, Point, Series, SourceHealth, SourceId, Timestamp},
    sim,
    tui::{App, ColourDepth, Effect, Glyphs, Keymap, Msg, Painter, Theme, app::Topic, draw},
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

const SIZE: Size = Size::new(200, 50);
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const N_ROUNDS: usize = 500;

fn main() {
    measure_graph();
    for n_instances in [10_000, 100_000] {
        println!("{n_instances} instances");
        measure(n_instances);
    }
}

/// The past of a pool: 30 days, 10,000 points of each of its seven curves.
fn measure_graph() {
    println!("a graph of 30 days, 10,000 points a curve");
    let parts = parts(1_000);
    let mut console = Console::new(observation(&parts, NOW));
    console.type_keys("gh");
    let mut effects = console.effects.drain(..);
    let query = effects.find_map(|it| match it {
        Effect::FetchPast(query) => Some(*query),
        _ => None,
    });
    drop(effects);
    let mut query = query.expect("a graph asks for its past");
    console.type_keys("zm");
    // The answer to the first question, so that the one for 30 days is asked.
    console.app.update(past_of(&query), NOW);
    for effect in console.app.update(Msg::Tick, NOW) {
        if let Effect::FetchPast(it) = effect {
            query = *it;
        }
    }
    if let Some(asked) = console.app.pasts.get(&Topic::Curves(
        query.pool.clone().expect("the query is of a pool"),
    )) {
        query = asked.query.clone();
    }
    console.app.update(past_of(&query), NOW);
    report("draw the graph (limit 2 ms)", N_ROUNDS, || console.draw());
    report("a cursor move on the graph, drawn", N_ROUNDS, || {
        console.key(KeyCode::Left);
        console.paint();
    });
    println!("  bytes of a cursor move: {}", console.n_bytes);
}

/// Answers with 10,000 points that never stand still.
fn past_of(query: &PastQuery) -> Msg {
    const N_POINTS: u32 = 10_000;
    let step = query.span.length() / N_POINTS;
    let series = (0_u32..).zip(&query.metrics).map(|(metric_idx, metric)| {
        let points = (0..N_POINTS).map(|it| {
            let value = f64::from((it * 7 + it / 11) % 40 + metric_idx);
            Point::flat(query.span.from + step * it, value)
        });
        Series {
            metric: *metric,
            step,
            points: points.collect(),
        }
    });
    Msg::Engine(Event::Past(Arc::new(Past {
        pool: query.pool.clone(),
        span: query.span,
        series: series.collect(),
        markers: Vec::new(),
        boots: Vec::new(),
        notes: Vec::new(),
        failure: None,
    })))
}

fn measure(n_instances: u32) {
    let parts = parts(n_instances);
    let before = resident_kib();
    let mut console = Console::new(observation(&parts, NOW));
    println!(
        "  memory of the screen: {} KiB",
        resident_kib().saturating_sub(before)
    );
    for (screen, keys) in [("fleet", "gf"), ("instances", "gi")] {
        console.type_keys(keys);
        report(
            &format!("draw {screen} (limit 1 ms at 10,000, 2 ms at 100,000)"),
            N_ROUNDS,
            || console.draw(),
        );
        report(
            &format!("a cursor move on {screen}, drawn"),
            N_ROUNDS,
            || {
                console.type_keys("j");
                console.paint();
            },
        );
        // One that does not scroll.
        console.type_keys("k");
        console.paint();
        println!("  bytes of a cursor move: {}", console.n_bytes);
    }
    let readings: Vec<Observation> = (1..40)
        .map(|it| observation(&parts, NOW + Duration::from_secs(it)))
        .collect();
    let mut readings = readings.into_iter();
    report(
        "apply a fresh reading on instances (limit 5 ms at 10,000)",
        30,
        || {
            console.take(readings.next().unwrap());
        },
    );
    console.paint();
    println!(
        "  bytes of a reading that changed nothing but the time: {}",
        console.n_bytes
    );
    console.type_keys(":sort az");
    console.enter();
    let readings: Vec<Observation> = (1..12)
        .map(|it| observation(&parts, NOW + Duration::from_mins(it)))
        .collect();
    let mut readings = readings.into_iter();
    report("apply a fresh reading on instances in an order", 10, || {
        console.take(readings.next().unwrap());
    });
    console.type_keys("/");
    let mut letters = "work=busy az=*a 7".chars().cycle();
    report(
        "a letter in the filter, drawn (limit 16 ms at 10,000)",
        51,
        || {
            let c = letters.next().unwrap();
            console.key(KeyCode::Char(c));
            console.paint();
        },
    );
}

struct Console {
    app: App,
    theme: Theme,
    buffer: Buffer,
    painter: Painter<std::io::Sink>,
    n_bytes: usize,
    left: Vec<Effect>,
    /// What the keys asked for.
    effects: Vec<Effect>,
}

impl Console {
    fn new(observation: Observation) -> Self {
        let keymap = Arc::new(Keymap::load("default", None).unwrap());
        let observation = Arc::new(observation);
        Self {
            app: App::new(keymap, Policy::default(), observation, NOW, SIZE),
            theme: Theme::load("dark", None, ColourDepth::True, Glyphs::Unicode).unwrap(),
            buffer: Buffer::empty(Rect::new(0, 0, SIZE.width, SIZE.height)),
            painter: Painter::new(std::io::sink()),
            n_bytes: 0,
            left: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn key(&mut self, code: KeyCode) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        let effects = self.app.update(Msg::Key(key), NOW);
        self.effects.extend(effects);
    }

    fn type_keys(&mut self, keys: &str) {
        keys.chars().for_each(|it| self.key(KeyCode::Char(it)));
    }

    fn enter(&mut self) {
        self.key(KeyCode::Enter);
    }

    /// Takes a reading; what is to be let go of is let go of elsewhere.
    fn take(&mut self, observation: Observation) {
        let event = Event::Observed(Arc::new(observation));
        self.left.extend(self.app.update(Msg::Engine(event), NOW));
    }

    fn draw(&mut self) {
        self.buffer.reset();
        black_box(draw(&mut self.buffer, &self.app, &self.theme));
    }

    fn paint(&mut self) {
        let (app, theme) = (&self.app, &self.theme);
        self.n_bytes = self
            .painter
            .paint(SIZE, |buffer| draw(buffer, app, theme))
            .unwrap();
    }
}

fn parts(n_instances: u32) -> Vec<Part> {
    let mut world = sim::big(n_instances, 1, NOW);
    let scopes: Vec<_> = world.scopes().map(|it| it.id.clone()).collect();
    let controllers: Vec<_> = world.controllers().map(|it| it.name.clone()).collect();
    let mut parts: Vec<Part> = Vec::new();
    for scope in &scopes {
        parts.push(world.observe(scope).unwrap().part);
    }
    for name in &controllers {
        parts.push(world.observe_ci(name).unwrap().part);
    }
    parts
}

fn observation(parts: &[Part], at: Timestamp) -> Observation {
    let fleet = Fleet::join(parts);
    let ids = fleet.scopes.iter().map(|it| SourceId::Scope(it.id.clone()));
    let sources = ids.map(|it| SourceHealth {
        read_at: Some(at),
        ..SourceHealth::new(it, Duration::from_secs(10))
    });
    Observation {
        at,
        sources: sources.collect(),
        fleet,
        errors: Vec::new(),
        ..Observation::default()
    }
}

fn report<T>(what: &str, n_rounds: usize, mut round: impl FnMut() -> T) {
    let mut times: Vec<Duration> = (0..n_rounds)
        .map(|_| {
            let began = Instant::now();
            black_box(round());
            began.elapsed()
        })
        .collect();
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("  {what}: p50 {:?}, p99 {:?}", at(50), at(99));
}

/// Reads the resident set of this process, in KiB; zero where the platform does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|it| it.starts_with("VmRSS:"));
    let number = line.and_then(|it| it.split_whitespace().nth(1));
    number.and_then(|it| it.parse().ok()).unwrap_or(0)
}
