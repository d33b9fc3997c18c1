//! The stages of a roll: the canaries, the checkpoints, and how long each is watched.

use std::time::Duration;

use super::ground::Ground;
use crate::fleet::Timestamp;

/// After so many instances it stops for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Milestone {
    pub(super) upto: usize,
    pub(super) delay: Duration,
    /// `None` for the canaries.
    pub(super) percent: Option<u32>,
}

impl Milestone {
    pub(super) fn name(&self) -> String {
        match self.percent {
            None if self.upto == 1 => "the canary".to_owned(),
            None => format!("the {} canaries", self.upto),
            Some(percent) => format!("the checkpoint at {percent} %"),
        }
    }
}

impl Ground<'_> {
    /// Returns the stages of this pool, the canaries first; a roll that goes back has none.
    pub(super) fn milestones(&self) -> Vec<Milestone> {
        if self.operation.turned_back().is_some() {
            return Vec::new();
        }
        let n_all = self.progress().n_all;
        let canary = usize::try_from(self.roll.canary).unwrap_or(usize::MAX);
        let canary = Milestone {
            upto: canary.min(n_all),
            delay: self.roll.bake,
            percent: None,
        };
        let checkpoints = self.roll.checkpoints.iter().map(|percent| Milestone {
            upto: (n_all * usize::try_from(*percent).unwrap_or(100))
                .div_ceil(100)
                .min(n_all),
            delay: self.roll.checkpoint_delay,
            percent: Some(*percent),
        });
        std::iter::once(canary)
            .filter(|it| 0 < it.upto)
            .chain(checkpoints)
            .collect()
    }

    /// Returns the stage that is being watched, and until when.
    pub(super) fn baking(&self) -> Option<(Milestone, Timestamp)> {
        let reached_idx = self.state.reached.len().checked_sub(1)?;
        let milestone = *self.milestones().get(reached_idx)?;
        let reached = self.state.reached[reached_idx];
        let until = reached.at + milestone.delay;
        // The canaries are watched to the end; an operator waits at a checkpoint, or does not.
        let is_released = reached.is_released && milestone.percent.is_some();
        (self.now < until && !is_released).then_some((milestone, until))
    }

    /// Returns the stage that is worked on, unless all are behind us.
    pub(super) fn milestone(&self) -> Option<Milestone> {
        if let Some((baking, _)) = self.baking() {
            return Some(baking);
        }
        self.milestones().get(self.state.reached.len()).copied()
    }

    /// Returns how many targets may be begun by now.
    pub(super) fn limit(&self) -> usize {
        self.milestone().map_or(usize::MAX, |it| it.upto)
    }

    /// Returns how many targets may be under way at a time.
    pub(super) fn window(&self) -> usize {
        let batch = usize::try_from(self.plan.batch)
            .unwrap_or(usize::MAX)
            .max(1);
        match self.milestone() {
            Some(it) if it.percent.is_none() => it.upto.max(1),
            _ => batch,
        }
    }

    /// Returns whether the stage that is worked on is complete: its instances are gone, and
    /// the pool is whole again.
    pub(super) fn has_reached(&self) -> bool {
        if self.baking().is_some() || self.is_stopping() {
            return false;
        }
        let progress = self.progress();
        let next = self.milestones().get(self.state.reached.len()).copied();
        next.is_some_and(|it| it.upto <= progress.n_gone && progress.n_under_way == 0)
            && self.n_missing() == 0
    }
}
