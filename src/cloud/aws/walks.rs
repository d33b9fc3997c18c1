//! The slow walks through a whole region, and whose turn it is.
//!
//! A quiet reading makes one of them at the most, so that the requests of a
//! minute are few and even.

use std::time::Duration;

use crate::fleet::Timestamp;

/// How often a walk is made, for each page that it has: a walk of many pages
/// is made less often, and the requests per minute stay the same.
const INTERVAL: Duration = Duration::from_mins(1);
/// A walk that is this much later than due no longer waits for a quiet reading.
const LATE_MAX: Duration = Duration::from_mins(3);

/// A walk that is not urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlowWalk {
    /// Tagged machines that belong to no group.
    Loose,
    /// Status checks and scheduled events.
    Status,
    /// What `$Latest` and `$Default` mean now.
    Pointers,
}

/// When a walk was made last, and how many pages it had.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule {
    last: Option<(Timestamp, u32)>,
}

impl Schedule {
    pub(super) fn done(&mut self, n_pages: usize, now: Timestamp) {
        self.last = Some((now, u32::try_from(n_pages).unwrap_or(u32::MAX).max(1)));
    }

    /// Returns how much later than due it is; `None` before.
    fn lateness(self, now: Timestamp) -> Option<Duration> {
        let Some((at, n_pages)) = self.last else {
            return Some(Duration::MAX);
        };
        if now < at {
            // The clock was set back; when the walk was made is not known.
            return Some(Duration::MAX);
        }
        now.since(at).checked_sub(INTERVAL.saturating_mul(n_pages))
    }
}

/// Chooses the walks of this reading: the latest one if nothing else is read,
/// and those that have waited too long whatever else is read.
pub(super) fn choose(
    candidates: &[(SlowWalk, Schedule)],
    is_quiet: bool,
    now: Timestamp,
) -> Vec<SlowWalk> {
    let mut due: Vec<(Duration, SlowWalk)> = candidates
        .iter()
        .filter_map(|(walk, schedule)| Some((schedule.lateness(now)?, *walk)))
        .collect();
    due.sort_by_key(|(lateness, _)| std::cmp::Reverse(*lateness));
    let n_late = due.iter().take_while(|it| LATE_MAX <= it.0).count();
    due.truncate(n_late.max(usize::from(is_quiet)));
    due.into_iter().map(|(_, walk)| walk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALKS: [SlowWalk; 3] = [SlowWalk::Loose, SlowWalk::Status, SlowWalk::Pointers];

    /// Makes a reading at each second of `at`, and returns the walks of each.
    fn readings(at: impl IntoIterator<Item = i64>, is_quiet: bool) -> Vec<Vec<SlowWalk>> {
        let mut candidates = WALKS.map(|it| (it, Schedule::default()));
        let mut chosen = Vec::new();
        for second in at {
            let now = Timestamp::from_secs(second);
            let walks = choose(&candidates, is_quiet, now);
            for (walk, schedule) in &mut candidates {
                if walks.contains(walk) {
                    schedule.done(1, now);
                }
            }
            chosen.push(walks);
        }
        chosen
    }

    #[test]
    fn a_quiet_reading_makes_one_walk_and_none_starves() {
        for interval in [5, 10, 61, 150] {
            let chosen = readings((0..900).step_by(interval), true);
            let later = &chosen[1..];
            // Readings that are minutes apart may make more of them.
            let is_even = interval > 61 || later.iter().all(|it| it.len() <= 1);
            assert!(is_even, "every {interval} s: {later:?}");
            for walk in WALKS {
                let is_made = later.iter().flatten().any(|it| *it == walk);
                assert!(is_made, "every {interval} s, {walk:?}");
            }
        }
    }

    #[test]
    fn a_busy_reading_makes_only_what_is_far_too_late() {
        let chosen = readings([0, 60, 120, 239, 240], false);
        assert_eq!(chosen[0], WALKS, "never made is too late");
        assert_eq!(chosen[1..4], [vec![], vec![], vec![]]);
        assert_eq!(chosen[4], WALKS);
    }

    #[test]
    fn a_long_walk_is_made_less_often() {
        let mut schedule = Schedule::default();
        schedule.done(5, Timestamp::from_secs(0));
        let due_at = |second| schedule.lateness(Timestamp::from_secs(second)).is_some();
        assert!(!due_at(299) && due_at(300));
    }
}
