//! The time that a graph shows, in columns of equal length.
//!
//! Columns begin at multiples of their length, so that a graph that follows the
//! present moves by whole columns and the past keeps its shape.

use std::time::Duration;

use crate::fleet::Timestamp;

/// Columns are a multiple of this: the dots of a cell are whole seconds, as steps of the past are.
const GRAIN_MS: i64 = 2000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1440 * MINUTE_MS;
/// 1970-01-05 was a Monday.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;
/// How far apart the labels of the time may stand, in minutes.
const TICK_MINUTES: [i64; 14] = [
    1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The number of the first column, counted from the epoch.
    first: i64,
    column_ms: i64,
    n_columns: usize,
}

impl Window {
    /// Returns the columns of which the last one has `end` in it.
    ///
    /// Together they are at least `length` long: the length of one is rounded up.
    pub(crate) fn ending(end: Timestamp, length: Duration, n_columns: u16) -> Self {
        let n_columns = i64::from(n_columns.max(1));
        let length_ms = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let grains = (length_ms / n_columns / GRAIN_MS).max(0);
        let is_whole = grains * GRAIN_MS * n_columns == length_ms && 0 < grains;
        let column_ms = (grains + i64::from(!is_whole)).saturating_mul(GRAIN_MS);
        let last = end.as_millis().div_euclid(column_ms);
        Self {
            first: last.saturating_sub(n_columns - 1),
            column_ms,
            n_columns: usize::try_from(n_columns).unwrap_or(1),
        }
    }

    /// Returns the same time in `n` times as many columns.
    pub(crate) fn finer(self, n: usize) -> Self {
        let n = n.max(1);
        let by = i64::try_from(n).unwrap_or(1);
        Self {
            first: self.first.saturating_mul(by),
            column_ms: (self.column_ms / by).max(1),
            n_columns: self.n_columns * n,
        }
    }

    pub(crate) fn n_columns(self) -> usize {
        self.n_columns
    }

    pub(crate) fn column(self) -> Duration {
        Duration::from_millis(u64::try_from(self.column_ms).unwrap_or(1))
    }

    /// Returns the number of a column from the epoch on; it stays when the window moves.
    pub(crate) fn number(self, column_idx: usize) -> i64 {
        self.first
            .saturating_add(i64::try_from(column_idx).unwrap_or(i64::MAX))
    }

    pub(crate) fn starts(self, column_idx: usize) -> Timestamp {
        Timestamp::from_millis(self.number(column_idx).saturating_mul(self.column_ms))
    }

    pub(crate) fn begins(self) -> Timestamp {
        self.starts(0)
    }

    pub(crate) fn ends(self) -> Timestamp {
        self.starts(self.n_columns)
    }

    /// Returns the column that a time is in, if it is shown.
    pub(crate) fn column_of(self, at: Timestamp) -> Option<usize> {
        let column = at.as_millis().div_euclid(self.column_ms);
        let column_idx = usize::try_from(column.checked_sub(self.first)?).ok()?;
        (column_idx < self.n_columns).then_some(column_idx)
    }

    /// Returns the labels of the time axis, each with its column: round times, as many as there is room for.
    pub(crate) fn ticks(self) -> Vec<(usize, String)> {
        let step_ms = TICK_MINUTES
            .into_iter()
            .map(|it| it * MINUTE_MS)
            .find(|it| label_room(*it, self.is_days()).saturating_mul(self.column_ms) <= *it);
        // In a terminal too narrow for that, or a window of years, there is at least one.
        let n_ms = self.column_ms.saturating_mul(self.n_columns_i64());
        let step_ms = step_ms.unwrap_or_else(|| n_ms.max(DAY_MS) / DAY_MS * DAY_MS);
        let shift = if step_ms == 7 * DAY_MS {
            FIRST_MONDAY_MS
        } else {
            0
        };
        let begins_ms = self.begins().as_millis();
        let first = (begins_ms.saturating_sub(shift))
            .div_euclid(step_ms)
            .saturating_add(1);
        (0..=n_ms / step_ms)
            .filter_map(|it| {
                let at = first.saturating_add(it).saturating_mul(step_ms);
                let at = Timestamp::from_millis(at.saturating_add(shift));
                let label = self.label(at, step_ms);
                Some((self.column_of(at)?, label))
            })
            .collect()
    }

    fn n_columns_i64(self) -> i64 {
        i64::try_from(self.n_columns).unwrap_or(i64::MAX)
    }

    /// Whether a time of day does not say which day is meant.
    fn is_days(self) -> bool {
        DAY_MS < self.column_ms.saturating_mul(self.n_columns_i64())
    }

    fn label(self, at: Timestamp, step_ms: i64) -> String {
        let is_midnight = at.as_millis().rem_euclid(DAY_MS) == 0;
        if DAY_MS <= step_ms || (self.is_days() && is_midnight) {
            at.day()
        } else {
            at.minute_time()
        }
    }
}

/// How many columns there have to be between two labels.
fn label_room(step_ms: i64, is_days: bool) -> i64 {
    match (step_ms < DAY_MS, is_days) {
        (true, false) => 8,
        // A day's name stands among the times.
        (true, true) | (false, _) => 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Timestamp = Timestamp::from_secs(1_772_443_812);

    #[test]
    fn a_window_ends_with_the_column_of_its_end() {
        for minutes in [15, 60, 360, 1440, 10_080, 43_200] {
            for n_columns in [1, 7, 40, 70, 180] {
                let length = Duration::from_mins(minutes);
                let window = Window::ending(END, length, n_columns);
                assert_eq!(window.n_columns(), usize::from(n_columns));
                assert_eq!(window.column_of(END), Some(usize::from(n_columns) - 1));
                assert!(length <= window.column() * u32::from(n_columns));
                assert_eq!(window.column_of(window.begins()), Some(0));
                assert_eq!(window.column_of(window.ends()), None);
            }
        }
    }

    #[test]
    fn the_past_keeps_its_columns_while_the_window_moves() {
        let length = Duration::from_hours(1);
        let before = Window::ending(END, length, 40);
        let after = Window::ending(END + Duration::from_mins(7), length, 40);
        let at = END - Duration::from_mins(20);
        let column = |it: Window| it.number(it.column_of(at).unwrap());
        assert_eq!(column(before), column(after));
    }

    #[test]
    fn labels_stand_at_round_times_and_do_not_touch() {
        for minutes in [15, 60, 360, 1440, 10_080, 43_200] {
            for n_columns in [10, 34, 70, 110, 180] {
                let window = Window::ending(END, Duration::from_mins(minutes), n_columns);
                let ticks = window.ticks();
                for (column_idx, label) in &ticks {
                    assert!(!label.is_empty());
                    assert!(*column_idx < usize::from(n_columns));
                }
                for pair in ticks.windows(2) {
                    assert!(pair[0].0 + pair[0].1.len() < pair[1].0, "{ticks:?}");
                }
                assert!(40 < n_columns || ticks.len() <= 12, "{ticks:?}");
            }
        }
        let window = Window::ending(END, Duration::from_hours(6), 70);
        let labels: Vec<String> = window.ticks().into_iter().map(|it| it.1).collect();
        assert_eq!(
            labels,
            ["04:00", "05:00", "06:00", "07:00", "08:00", "09:00"]
        );
    }

    #[test]
    fn no_time_is_too_far_away() {
        for millis in [i64::MIN, -1, 0, i64::MAX] {
            for length in [Duration::ZERO, Duration::MAX] {
                for n_columns in [0, 1, u16::MAX] {
                    let window = Window::ending(Timestamp::from_millis(millis), length, n_columns);
                    window.finer(2).column_of(END);
                    window.starts(usize::MAX);
                    window.ticks();
                }
            }
        }
    }
}
