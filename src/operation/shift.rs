//! A clock that is set while an operation runs, or a machine that slept: how old our own
//! writes are is known by what passed, and not by what the clock says now.

use super::{Mark, PoolState, TargetState};
use crate::fleet::Timestamp;

/// By how much a clock was set, and which of our times go with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    by_millis: i64,
    /// What was older than this is old by either clock, and keeps its time.
    oldest: Timestamp,
    /// What is later than this would lie ahead of us.
    latest: Timestamp,
}

impl Shift {
    /// `at` is the time of the new clock, and `settle` how long reads lag behind writes.
    pub(super) fn new(by_millis: i64, at: Timestamp, settle: std::time::Duration) -> Self {
        let before = Timestamp::from_millis(at.as_millis() - by_millis);
        Self {
            by_millis,
            oldest: before - settle * 2,
            latest: at,
        }
    }

    pub(super) fn time(self, at: &mut Timestamp) {
        if self.oldest <= *at || self.latest < *at {
            *at = Timestamp::from_millis(at.as_millis() + self.by_millis);
        }
    }

    pub(super) fn mark(self, mark: &mut Mark) {
        match mark {
            Mark::None => {}
            Mark::Applied(at) => self.time(at),
            Mark::Intended { at, earlier, .. } | Mark::Refused { at, earlier, .. } => {
                self.time(at);
                if let Some(at) = earlier {
                    self.time(at);
                }
            }
        }
    }

    pub(super) fn target(self, target: &mut TargetState) {
        let marks = [
            &mut target.tag,
            &mut target.protect,
            &mut target.terminate,
            &mut target.hook,
            &mut target.uncordon,
            &mut target.unprotect,
            &mut target.untag,
            &mut target.standby,
        ];
        let cordons = target.cordons.values_mut();
        let by_agent = cordons.chain(target.removals.values_mut());
        for mark in marks.into_iter().chain(by_agent) {
            self.mark(mark);
        }
        match &mut target.heartbeat {
            // Hooks go by AWS' clock: one beat too many does no harm, one too few ends a job.
            it @ (Mark::Intended { .. } | Mark::Applied(_)) => *it = Mark::None,
            it => self.mark(it),
        }
        if let Some(at) = &mut target.gone_at {
            self.time(at);
        }
    }

    pub(super) fn pool(self, pool: &mut PoolState) {
        pool.marks_mut().for_each(|it| self.mark(it));
        self.time(pool.desired_at_mut());
        let noted = pool.in_use_at.iter_mut().chain(&mut pool.resumed_at);
        noted.for_each(|it| self.time(it));
        // Budgets are of time that passed, however long ago it began.
        let all = Self {
            oldest: Timestamp::EPOCH,
            ..self
        };
        if let Some(at) = &mut pool.short_since {
            all.time(at);
        }
    }
}
