//! When Jenkins started. After a restart Pipeline jobs take their executors back late, so
//! for a while an idle agent may be one whose shell still runs.

use std::time::Duration;

use crate::fleet::{Timestamp, short_duration};

use super::shape::{Health, N_HISTORY_MAX};

/// How often an unchanged controller is asked for its health again.
const HEALTH_INTERVAL: Duration = Duration::from_mins(5);
const POINT: Duration = Duration::from_secs(10);

/// What we know of the run of Jenkins that answers us.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Session {
    /// The value of `X-Jenkins-Session`, new with each start.
    pub(super) id: Option<String>,
    first_seen: Timestamp,
    /// When it was started, if it told.
    pub(super) started_at: Option<Timestamp>,
    pub(super) quieting_down: Option<String>,
    asked_at: Option<Timestamp>,
}

impl Session {
    pub(super) fn new(id: Option<String>, now: Timestamp) -> Self {
        Self {
            id,
            first_seen: now,
            started_at: None,
            quieting_down: None,
            asked_at: None,
        }
    }

    /// Returns whether the health should be read now.
    ///
    /// A proxy may strip the header that tells one run from the next; then only the
    /// health can tell, each time.
    pub(super) fn wants_health(&self, now: Timestamp) -> bool {
        self.id.is_none()
            || self
                .asked_at
                .is_none_or(|it| HEALTH_INTERVAL <= now.since(it))
    }

    pub(super) fn hear(&mut self, health: &Health, now: Timestamp) {
        self.asked_at = Some(now);
        self.quieting_down = health.quieting_down.unwrap_or(false).then(|| {
            let reason = health.quiet_down_reason.as_deref();
            let reason = reason.filter(|it| !it.is_empty());
            reason.unwrap_or("Jenkins is going to shut down").to_owned()
        });
        let n_points = health
            .overall_load
            .as_ref()
            .map_or(0, |it| it.busy_executors.sec10.history.len());
        // The history has one point from the start, and a new one every ten seconds.
        if let Some(n_grown) = n_points.checked_sub(1) {
            let n_grown = u32::try_from(n_grown.min(N_HISTORY_MAX)).unwrap_or(u32::MAX);
            self.started_at = Some(now - POINT * n_grown);
        }
    }

    /// Returns why an idle agent is not to be believed yet, if so.
    pub(super) fn blackout(&self, now: Timestamp, lasts: Duration) -> Option<String> {
        let (since, what) = match self.started_at {
            Some(at) => (at, "Jenkins started"),
            None => (
                self.first_seen,
                "Jenkins does not tell when it started, and we met it",
            ),
        };
        let age = now.since(since);
        let remaining = lasts.checked_sub(age).filter(|it| !it.is_zero())?;
        Some(format!(
            "{what} {} ago, and Pipeline jobs take their executors back late; \
             idle counts in {}",
            short_duration(age),
            short_duration(remaining)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_mins(5);

    fn health(n_points: usize) -> Health {
        let history = vec![0.0; n_points];
        serde_json::from_value(serde_json::json!({
            "quietingDown": false,
            "overallLoad": {"busyExecutors": {"sec10": {"history": history}}}
        }))
        .unwrap()
    }

    #[test]
    fn the_length_of_the_load_history_is_the_uptime() {
        let now = Timestamp::from_secs(10_000);
        let mut session = Session::new(Some("a".into()), now);
        session.hear(&health(7), now);
        assert_eq!(session.started_at, Some(now - Duration::from_mins(1)));
        assert!(session.blackout(now, LASTS).unwrap().contains("4m00s"));
        session.hear(&health(31), now);
        assert_eq!(session.blackout(now, LASTS), None, "300 s are over");
    }

    #[test]
    fn without_a_start_time_the_blackout_counts_from_the_first_sight() {
        let now = Timestamp::from_secs(10_000);
        let session = Session::new(Some("a".into()), now);
        assert!(session.blackout(now, LASTS).is_some());
        assert!(session.blackout(now + LASTS, LASTS).is_none());
    }
}
