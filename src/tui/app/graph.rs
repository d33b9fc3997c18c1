//! Where the operator is in time: how much of it is shown, which column is read, which curves are there.

use std::{collections::BTreeSet, time::Duration};

use super::{App, Command, Effect, Severity, Target, Topic, View};
use crate::{
    engine::PastQuery,
    fleet::{Metric, PoolKey, Span, Timestamp},
    tui::{
        glyph::Marks,
        layout,
        widget::{Axes, Window},
    },
};

/// How much time a graph can show, and the word for it.
pub const ZOOMS: [(Duration, &str); 6] = [
    (Duration::from_mins(15), "15m"),
    (Duration::from_hours(1), "1h"),
    (Duration::from_hours(6), "6h"),
    (Duration::from_hours(24), "24h"),
    (Duration::from_hours(7 * 24), "7d"),
    (Duration::from_hours(30 * 24), "30d"),
];

/// The curves of a pool, in the order of their signs and keys.
pub const CURVES: [(Metric, &str); 7] = [
    (Metric::Desired, "desired"),
    (Metric::InService, "in service"),
    (Metric::Min, "min"),
    (Metric::Max, "max"),
    (Metric::BusyExecutors, "busy"),
    (Metric::IdleExecutors, "idle"),
    (Metric::QueuedJobs, "queued"),
];

/// What money goes to, from what works to what nobody knows.
pub const USES: [(Metric, &str); 8] = [
    (Metric::BusyUsd, "busy"),
    (Metric::IdleUsd, "idle"),
    (Metric::BootingUsd, "booting"),
    (Metric::DrainingUsd, "draining"),
    (Metric::StandbyUsd, "standby"),
    (Metric::RetainedUsd, "retained"),
    (Metric::StrayUsd, "stray"),
    (Metric::UnknownUsd, "unknown use"),
];

pub const MARKETS: [(Metric, &str); 2] = [
    (Metric::OnDemandUsd, "on demand"),
    (Metric::SpotUsd, "spot"),
];

/// How many pools a stack shows one by one; the rest is one layer.
const N_POOLS_STACKED: usize = 6;
/// How far back the hours of the week go: whole weeks, so that each weighs the same.
const WEEKS: u64 = 4;
const HOUR: Duration = Duration::from_hours(1);
/// How far back boots are compared.
const BOOTS_SPAN: Duration = Duration::from_hours(30 * 24);
/// The columns of a long step.
const FAR: isize = 10;

/// By what a stack of money is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    #[default]
    Use,
    Market,
    Pool,
}

impl Split {
    pub const ALL: [Self; 3] = [Self::Use, Self::Market, Self::Pool];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Market => "market",
            Self::Pool => "pool",
        }
    }
}

/// What the graphs show; the same for all of them, so that going from one to the other keeps the time.
#[derive(Clone, Debug)]
pub struct Graph {
    pub zoom_idx: usize,
    /// The time of the last column; none follows the present.
    pub end: Option<Timestamp>,
    /// A time in the column that is read.
    pub cursor: Option<Timestamp>,
    pub hidden: BTreeSet<Metric>,
    pub marks: Marks,
    pub split: Split,
    /// The weekday and the hour that are read, on the screen of the week.
    pub hour: Option<(usize, usize)>,
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            zoom_idx: 2,
            end: None,
            cursor: None,
            hidden: BTreeSet::new(),
            marks: Marks::default(),
            split: Split::default(),
            hour: None,
        }
    }
}

impl Graph {
    pub fn length(&self) -> Duration {
        ZOOMS[self.zoom_idx.min(ZOOMS.len() - 1)].0
    }

    /// Returns the zoom as commands write it: `6h`.
    pub fn word(&self) -> &'static str {
        ZOOMS[self.zoom_idx.min(ZOOMS.len() - 1)].1
    }
}

impl App {
    /// Returns how many entries the legend of the graph has room for.
    pub(in crate::tui) fn n_legend_entries(&self) -> u16 {
        match &self.screen().view {
            View::Graph(_) => 7,
            _ => 8,
        }
    }

    /// Returns the time that the graph on the screen shows, a column for each cell.
    pub(in crate::tui) fn window(&self) -> Window {
        let plot = layout::graph(self.size, self.n_legend_entries()).plot;
        let width = Axes::new(plot).inside.width;
        let end = self.graph.end.unwrap_or(self.now);
        Window::ending(end, self.graph.length(), width)
    }

    /// Returns the column that is read, if one is.
    pub(in crate::tui) fn cursor_column(&self) -> Option<usize> {
        self.window().column_of(self.graph.cursor?)
    }

    /// Returns what the graph on the screen is about.
    pub(in crate::tui) fn graph_topic(&self) -> Option<Topic> {
        match &self.screen().view {
            View::Graph(pool) => Some(Topic::Curves(pool.clone())),
            View::CostGraph(pool) => Some(Topic::Money(pool.clone())),
            _ => None,
        }
    }

    /// Returns the split that the money on the screen has; one pool is not split by pool.
    pub(in crate::tui) fn money_split(&self) -> Split {
        match (&self.screen().view, self.graph.split) {
            (View::CostGraph(Some(_)), Split::Pool) => Split::Use,
            (_, split) => split,
        }
    }

    /// Returns the pools that a stack shows one by one: those that cost most now.
    pub(in crate::tui) fn stacked_pools(&self) -> Vec<PoolKey> {
        let mut pools: Vec<_> = self.findings.spending().pools.iter().collect();
        pools.sort_by_key(|(key, split)| (std::cmp::Reverse(split.known()), *key));
        let keys = pools.into_iter().map(|it| it.0.clone());
        keys.take(N_POOLS_STACKED).collect()
    }

    /// Returns every part of the past that the screen shows.
    pub(super) fn wanted_past(&self) -> Vec<(Topic, PastQuery)> {
        match &self.screen().view {
            View::Graph(pool) => {
                let metrics = CURVES.iter().map(|it| it.0).collect();
                // Two dots in a cell.
                let query = self.window_query(Some(pool.clone()), metrics, 2);
                vec![(Topic::Curves(pool.clone()), query)]
            }
            View::CostGraph(pool) => self.wanted_money(pool.as_ref()),
            View::Utilisation(pool) => {
                let metrics = vec![Metric::BusyExecutors, Metric::IdleExecutors];
                let span = Span::before(next_hour(self.now), HOUR * hours(WEEKS));
                let query = query(Some(pool.clone()), metrics, span, HOUR);
                vec![(Topic::Weeks(pool.clone()), query)]
            }
            View::Boots(pool) => {
                let span = Span::before(next_hour(self.now), BOOTS_SPAN);
                let query = query(Some(pool.clone()), Vec::new(), span, BOOTS_SPAN);
                vec![(Topic::Boots(pool.clone()), query)]
            }
            View::Cost => self.wanted_months(),
            _ => Vec::new(),
        }
    }

    fn wanted_money(&self, pool: Option<&PoolKey>) -> Vec<(Topic, PastQuery)> {
        let parts: &[(Metric, &str)] = match self.money_split() {
            Split::Use => &USES,
            Split::Market => &MARKETS,
            Split::Pool => &[],
        };
        let mut metrics: Vec<Metric> = parts.iter().map(|it| it.0).collect();
        metrics.push(Metric::UsdPerHour);
        let whole = self.window_query(pool.cloned(), metrics, 1);
        let mut wanted = vec![(Topic::Money(pool.cloned()), whole)];
        if self.money_split() == Split::Pool {
            for key in self.stacked_pools() {
                let query = self.window_query(Some(key.clone()), vec![Metric::UsdPerHour], 1);
                wanted.push((Topic::Share(key), query));
            }
        }
        wanted
    }

    /// The pools on the screen, and all of them together.
    fn wanted_months(&self) -> Vec<(Topic, PastQuery)> {
        let span = month(self.now);
        let metrics = vec![Metric::UsdPerHour, Metric::WasteUsd];
        let pools = self.shown_pools().into_iter().map(Some);
        let topics = std::iter::once(None).chain(pools);
        topics
            .map(|it| {
                let query = query(it.clone(), metrics.clone(), span, HOUR);
                (Topic::Month(it), query)
            })
            .collect()
    }

    fn window_query(
        &self,
        pool: Option<PoolKey>,
        metrics: Vec<Metric>,
        per_column: usize,
    ) -> PastQuery {
        let window = self.window().finer(per_column);
        PastQuery {
            pool,
            metrics,
            span: Span {
                from: window.begins(),
                until: window.ends(),
            },
            n_points: window.n_columns(),
        }
    }

    pub(super) fn run_graph(&mut self, command: &Command) {
        if let View::Utilisation(_) = self.screen().view {
            self.step_hour(command);
            return;
        }
        if self.graph_topic().is_none() {
            self.say(Severity::Note, "this screen has no graph");
            return;
        }
        match command {
            Command::GraphLeft => self.step_column(-1),
            Command::GraphRight => self.step_column(1),
            Command::GraphFarLeft => self.step_column(-FAR),
            Command::GraphFarRight => self.step_column(FAR),
            Command::GraphEventPrevious => self.step_event(true),
            Command::GraphEventNext => self.step_event(false),
            Command::GraphZoomIn => self.zoom(self.graph.zoom_idx.checked_sub(1)),
            Command::GraphZoomOut => self.zoom(Some(self.graph.zoom_idx + 1)),
            Command::GraphZoom(word) => self.zoom_to(word.as_deref()),
            Command::GraphEarlier => self.pan(true),
            Command::GraphLater => self.pan(false),
            Command::GraphNow => (self.graph.end, self.graph.cursor) = (None, None),
            Command::GraphToggle(word) => self.toggle_curve(word.as_deref()),
            Command::GraphMarks(word) => self.choose_marks(word.as_deref()),
            Command::GraphSplit(word) => self.choose_split(word.as_deref()),
            _ => {}
        }
    }

    /// Moves the column that is read; at the edges time moves instead.
    fn step_column(&mut self, by: isize) {
        let window = self.window();
        let last = window.n_columns().saturating_sub(1);
        let from = match self.graph.cursor {
            None if 0 < by => return,
            // The first step shows the newest column, and then goes on from there.
            None => last + 1,
            Some(at) => window.column_of(at).unwrap_or(last),
        };
        let to = from.checked_add_signed(by);
        match to {
            Some(to) if to <= last => self.graph.cursor = Some(window.starts(to)),
            Some(_) if self.graph.end.is_none() => self.graph.cursor = None,
            Some(_) => {
                self.pan(false);
                self.graph.cursor = Some(window.ends());
            }
            None => {
                let at = window.starts(from.min(last)) - window.column() * far(by);
                self.pan(true);
                self.graph.cursor = Some(at);
            }
        }
    }

    fn step_event(&mut self, backwards: bool) {
        let window = self.window();
        let past = self.graph_topic().and_then(|it| self.pasts.past(&it));
        let columns = past.map_or(&[][..], |it| &it.markers).iter();
        let mut columns: Vec<usize> = columns.filter_map(|it| window.column_of(it.at)).collect();
        columns.sort_unstable();
        let here = self.cursor_column();
        let found = if backwards {
            let before = |it: &&usize| here.is_none_or(|here| **it < here);
            columns.iter().rev().find(before)
        } else {
            columns
                .iter()
                .find(|it| here.is_some_and(|here| here < **it))
        };
        match found {
            Some(column_idx) => self.graph.cursor = Some(window.starts(*column_idx)),
            None => self.say(Severity::Note, "no event is further that way on this graph"),
        }
    }

    fn zoom(&mut self, zoom_idx: Option<usize>) {
        let Some(zoom_idx) = zoom_idx.filter(|it| *it < ZOOMS.len()) else {
            self.say(
                Severity::Note,
                "a graph shows between 15 minutes and 30 days",
            );
            return;
        };
        self.graph.zoom_idx = zoom_idx;
        // The column that is read stays on the screen.
        if let Some(at) = self.graph.cursor
            && self.window().column_of(at).is_none()
        {
            self.set_end(at + self.graph.length() / 2);
        }
    }

    fn zoom_to(&mut self, word: Option<&str>) {
        let found = ZOOMS.iter().position(|it| Some(it.1) == word);
        if found.is_none() {
            let words: Vec<&str> = ZOOMS.iter().map(|it| it.1).collect();
            self.say(
                Severity::Warning,
                format!("say how much time to show: {}", words.join(", ")),
            );
            return;
        }
        self.zoom(found);
    }

    fn pan(&mut self, backwards: bool) {
        let (end, half) = (self.graph.end.unwrap_or(self.now), self.graph.length() / 2);
        self.set_end(if backwards { end - half } else { end + half });
        if self.cursor_column().is_none() {
            self.graph.cursor = None;
        }
    }

    /// A graph that reaches the present follows it.
    fn set_end(&mut self, end: Timestamp) {
        self.graph.end = (end < self.now).then_some(end);
    }

    fn toggle_curve(&mut self, word: Option<&str>) {
        let View::Graph(_) = self.screen().view else {
            self.say(Severity::Note, "the parts of a sum cannot be hidden");
            return;
        };
        let found = word.ok_or_else(|| "say which curve".to_owned());
        match found.and_then(Metric::parse) {
            Err(why) => self.say(Severity::Warning, why),
            Ok(metric) if CURVES.iter().all(|it| it.0 != metric) => {
                self.say(
                    Severity::Warning,
                    format!("{metric} is no curve of this graph"),
                );
            }
            Ok(metric) => {
                if !self.graph.hidden.remove(&metric) {
                    self.graph.hidden.insert(metric);
                }
            }
        }
    }

    fn choose_marks(&mut self, word: Option<&str>) {
        let marks = match word {
            Some(word) => word.parse(),
            None => Ok(next(&Marks::ALL, self.graph.marks)),
        };
        match marks {
            Ok(marks) => self.graph.marks = marks,
            Err(why) => self.say(Severity::Warning, why),
        }
    }

    fn choose_split(&mut self, word: Option<&str>) {
        let View::CostGraph(pool) = &self.screen().view else {
            self.say(Severity::Note, "only money is split");
            return;
        };
        let all = match pool {
            Some(_) => &Split::ALL[..2],
            None => &Split::ALL[..],
        };
        let found = match word {
            Some(word) => all.iter().copied().find(|it| it.as_str() == word),
            None => Some(next(all, self.money_split())),
        };
        if let Some(split) = found {
            self.graph.split = split;
        } else {
            let words: Vec<&str> = all.iter().map(|it| it.as_str()).collect();
            let why = format!("money is split by {}", words.join(", "));
            self.say(Severity::Warning, why);
        }
    }

    fn step_hour(&mut self, command: &Command) {
        let (day, hour) = self
            .graph
            .hour
            .unwrap_or_else(|| self.now.weekday_and_hour());
        let wrap = |at: usize, by: usize, n: usize| (at + by) % n;
        self.graph.hour = Some(match command {
            // The first step shows where we are.
            _ if self.graph.hour.is_none() => (day, hour),
            Command::GraphLeft => (day, wrap(hour, 23, 24)),
            Command::GraphRight => (day, wrap(hour, 1, 24)),
            Command::RowPrevious => (wrap(day, 6, 7), hour),
            Command::RowNext => (wrap(day, 1, 7), hour),
            _ => (day, hour),
        });
    }

    /// Goes to a screen about the named pool, or the one that is selected.
    pub(super) fn go_about_pool(
        &mut self,
        name: Option<&str>,
        view: impl FnOnce(PoolKey) -> View,
    ) -> Vec<Effect> {
        if let Some(key) = self.named_pool(name) {
            self.go(view(key));
        }
        Vec::new()
    }

    /// Shows the money of the named pool, or of the one whose screen this is, or of all.
    pub(super) fn go_cost_graph(&mut self, name: Option<&str>) {
        let here = match &self.screen().view {
            View::Cost | View::Fleet => None,
            _ => {
                Target::of(self.screen(), &self.observation.fleet)
                    .selection
                    .pool
            }
        };
        let pool = match name {
            None => here,
            Some(name) => match self.named_pool(Some(name)) {
                Some(key) => Some(key),
                None => return,
            },
        };
        self.go(View::CostGraph(pool));
    }

    /// Returns the command line that gives the same numbers.
    pub(in crate::tui) fn equivalent(&self) -> Option<String> {
        let since = self.graph.word();
        Some(match &self.screen().view {
            View::Graph(pool) => format!("history {} --since {since}", pool.name),
            View::CostGraph(Some(pool)) => format!("cost {} --since {since}", pool.name),
            View::CostGraph(None) => format!("cost --since {since}"),
            View::Cost => "cost".to_owned(),
            View::Utilisation(pool) => {
                format!("report utilisation {} --since {}d", pool.name, WEEKS * 7)
            }
            View::Boots(pool) => format!("report time-to-ready {} --since 30d", pool.name),
            _ => return None,
        })
    }
}

fn query(pool: Option<PoolKey>, metrics: Vec<Metric>, span: Span, step: Duration) -> PastQuery {
    let n_points = span.length().as_millis().div_ceil(step.as_millis().max(1));
    PastQuery {
        pool,
        metrics,
        span,
        n_points: usize::try_from(n_points).unwrap_or(1).max(1),
    }
}

/// Returns the month up to now, to the end of the hour.
pub(in crate::tui) fn month(now: Timestamp) -> Span {
    Span {
        from: now.month().0,
        until: next_hour(now),
    }
}

/// Returns the end of the hour that a time is in.
fn next_hour(at: Timestamp) -> Timestamp {
    let hour = i64::try_from(HOUR.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(
        at.as_millis()
            .div_euclid(hour)
            .saturating_add(1)
            .saturating_mul(hour),
    )
}

fn hours(weeks: u64) -> u32 {
    u32::try_from(weeks * 7 * 24).unwrap_or(u32::MAX)
}

fn far(by: isize) -> u32 {
    u32::try_from(by.unsigned_abs()).unwrap_or(1)
}

fn next<T: Copy + PartialEq>(all: &[T], from: T) -> T {
    let here = all.iter().position(|it| *it == from).unwrap_or(0);
    all[(here + 1) % all.len()]
}
