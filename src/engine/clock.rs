//! The only place that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::fleet::Timestamp;

/// Tells the time: the system's, or a simulated one that runs faster.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Scaled {
        start: Timestamp,
        /// As the runtime counts: one whose time is stopped tells the same story each time.
        since: tokio::time::Instant,
        speed: f64,
    },
}

/// Notices that a clock was set, or that the machine slept: what it says moved on by more or
/// less than the time that passed.
#[derive(Debug)]
pub(super) struct Watch {
    said: Timestamp,
    at: Instant,
}

/// Clocks that are kept right move by less, now and then.
const SET_MIN: Duration = Duration::from_secs(5);

impl Watch {
    /// Returns by how many milliseconds the clock was set since it was last asked, if it was.
    pub(super) fn set_by(&mut self, clock: &Clock) -> Option<i64> {
        if let Source::Scaled { .. } = clock.source {
            return None;
        }
        let now = clock.watch();
        let passed = now.at.duration_since(self.at);
        let by = set_by(self.said, now.said, passed);
        *self = now;
        by
    }
}

fn set_by(said: Timestamp, says: Timestamp, passed: Duration) -> Option<i64> {
    let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    let by = says.as_millis() - said.as_millis() - passed;
    (SET_MIN.as_millis() <= u128::from(by.unsigned_abs())).then_some(by)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads a clock"
)]
impl Clock {
    pub fn system() -> Self {
        Self {
            source: Source::System,
        }
    }

    /// Starts a clock at `start` that runs `speed` times as fast as the system's.
    pub fn scaled(start: Timestamp, speed: f64) -> Self {
        Self {
            source: Source::Scaled {
                start,
                since: tokio::time::Instant::now(),
                speed,
            },
        }
    }

    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::System => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
                let millis = since_epoch.map_or(0, |it| it.as_millis());
                Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
            }
            Source::Scaled {
                start,
                since,
                speed,
            } => *start + since.elapsed().mul_f64(*speed),
        }
    }

    /// Begins to watch whether the clock is set.
    pub(super) fn watch(&self) -> Watch {
        Watch {
            said: self.now(),
            at: Instant::now(),
        }
    }

    /// Returns how long to sleep so that `duration` passes on this clock.
    pub fn sleep_for(&self, duration: Duration) -> Duration {
        match &self.source {
            Source::System => duration,
            Source::Scaled { speed, .. } => duration.div_f64(speed.max(0.001)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_told_from_one_that_runs() {
        let said = Timestamp::from_secs(1_763_719_200);
        let minute = Duration::from_mins(1);
        assert_eq!(set_by(said, said + minute, minute), None);
        let late = minute + Duration::from_secs(2);
        assert_eq!(set_by(said, said + late, minute), None, "kept right");
        let hour = Duration::from_hours(1);
        assert_eq!(set_by(said, said + minute + hour, minute), Some(3_600_000));
        assert_eq!(set_by(said, said + minute - hour, minute), Some(-3_600_000));
    }
}
