//! Where the operator is in time: how much of it is shown, which column is read, which curves are there.

mod steer;
mod wanted;

use std::{collections::BTreeSet, time::Duration};

use self::wanted::WEEKS;
use super::{App, Effect, Target, Topic, View};
use crate::{
    fleet::{Metric, PoolKey, Timestamp},
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
///
/// One machine without a price must not hide all others: layers are of what is priced,
/// and the screen says where that is not all.
pub const USES: [(Metric, &str); 8] = [
    (Metric::PricedBusyUsd, "busy"),
    (Metric::PricedIdleUsd, "idle"),
    (Metric::PricedBootingUsd, "booting"),
    (Metric::PricedDrainingUsd, "draining"),
    (Metric::PricedStandbyUsd, "standby"),
    (Metric::PricedRetainedUsd, "retained"),
    (Metric::PricedStrayUsd, "stray"),
    (Metric::PricedUnknownUsd, "unknown use"),
];

pub const MARKETS: [(Metric, &str); 2] = [
    (Metric::PricedOnDemandUsd, "on demand"),
    (Metric::PricedSpotUsd, "spot"),
];

/// How many pools a stack shows one by one; the rest is one layer.
const N_POOLS_STACKED: usize = 6;

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

    /// Goes to a screen about the named pool, or the one that is selected.
    ///
    /// Where the money of all pools is shown none is, and the dearest is meant.
    pub(in crate::tui::app) fn go_about_pool(
        &mut self,
        name: Option<&str>,
        view: impl FnOnce(PoolKey) -> View,
    ) -> Vec<Effect> {
        let is_of_all = matches!(self.screen().view, View::CostGraph(None));
        let dearest = || self.stacked_pools().into_iter().next();
        let meant = (is_of_all && name.is_none()).then(dearest).flatten();
        if let Some(key) = meant.or_else(|| self.named_pool(name)) {
            self.go(view(key));
        }
        Vec::new()
    }

    /// Shows the money of the named pool, or of the one whose screen this is, or of all.
    pub(in crate::tui::app) fn go_cost_graph(&mut self, name: Option<&str>) {
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
