//! Moving through time: the column that is read, the zoom, what is hidden and how it is split.

use super::{CURVES, Split, ZOOMS};
use crate::{
    fleet::{Metric, Timestamp},
    tui::{
        app::{App, Command, Severity, View},
        glyph::Marks,
    },
};

/// The columns of a long step.
const FAR: isize = 10;

impl App {
    pub(in crate::tui::app) fn run_graph(&mut self, command: &Command) {
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
}

fn far(by: isize) -> u32 {
    u32::try_from(by.unsigned_abs()).unwrap_or(1)
}

fn next<T: Copy + PartialEq>(all: &[T], from: T) -> T {
    let here = all.iter().position(|it| *it == from).unwrap_or(0);
    all[(here + 1) % all.len()]
}
