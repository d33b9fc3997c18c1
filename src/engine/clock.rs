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
        since: Instant,
        speed: f64,
    },
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
                since: Instant::now(),
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

    /// Returns how long to sleep so that `duration` passes on this clock.
    pub fn sleep_for(&self, duration: Duration) -> Duration {
        match &self.source {
            Source::System => duration,
            Source::Scaled { speed, .. } => duration.div_f64(speed.max(0.001)),
        }
    }
}
