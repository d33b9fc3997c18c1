//! Instance refresh: EC2 Auto Scaling's own roll. It keeps to its percentages,
//! asks the hooks, and does not ask what runs.

mod roll;

use std::{collections::BTreeSet, time::Duration};

use super::{Machine, dice, group::Group, happening::Happening, refusal::Refused, world::World};
use crate::fleet::{
    ImageId, InstanceId, Lifecycle, PoolKey, Refresh, RefreshStatus, RefreshTerms, Timestamp,
};

/// How often a refresh looks at its group.
const PERIOD: Duration = Duration::from_secs(15);

/// The preferences of a refresh, with AWS' defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshSpec {
    /// The desired configuration: a template version. Without one there is no rollback.
    pub version: Option<u32>,
    pub min_healthy_percent: u32,
    pub max_healthy_percent: u32,
    pub warmup: Duration,
    /// Percentages at which it stops for `checkpoint_delay`, ascending.
    pub checkpoints: Vec<u32>,
    pub checkpoint_delay: Duration,
    pub skip_matching: bool,
    pub protected: Reluctant,
    pub standby: Reluctant,
    pub bake: Duration,
    pub auto_rollback: bool,
}

impl Default for RefreshSpec {
    fn default() -> Self {
        Self {
            version: None,
            min_healthy_percent: 90,
            max_healthy_percent: 100,
            warmup: Duration::ZERO,
            checkpoints: Vec::new(),
            checkpoint_delay: Duration::from_hours(1),
            skip_matching: false,
            protected: Reluctant::Wait,
            standby: Reluctant::Wait,
            bake: Duration::ZERO,
            auto_rollback: false,
        }
    }
}

impl RefreshSpec {
    /// Reads the terms of a call; AWS fills in what they leave out.
    pub(in crate::sim) fn of(terms: &RefreshTerms) -> Result<Self, Refused> {
        let usual = Self::default();
        let version = terms.template.as_ref().map(|it| {
            let number = it.version.parse().ok();
            number.ok_or_else(|| {
                Refused::validation(format!(
                    "The specified launch template version, {}, does not exist",
                    it.version
                ))
            })
        });
        Ok(Self {
            version: version.transpose()?,
            min_healthy_percent: terms
                .min_healthy_percent
                .unwrap_or(usual.min_healthy_percent),
            max_healthy_percent: terms
                .max_healthy_percent
                .unwrap_or(usual.max_healthy_percent),
            warmup: terms.warmup.unwrap_or(usual.warmup),
            checkpoints: terms.checkpoints.clone(),
            checkpoint_delay: terms.checkpoint_delay.unwrap_or(usual.checkpoint_delay),
            skip_matching: terms.skip_matching,
            protected: terms.protected,
            standby: terms.standby,
            bake: terms.bake.unwrap_or_default(),
            auto_rollback: terms.auto_rollback,
        })
    }
}

/// What a refresh does about machines that are protected, or in standby.
pub use crate::fleet::Reluctance as Reluctant;

/// A refresh under way.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Rolling {
    spec: RefreshSpec,
    /// Who is still to be replaced.
    todo: BTreeSet<InstanceId>,
    n_total: usize,
    /// The desired configuration; without one, whatever the template means at the time.
    target: Option<String>,
    /// What a rollback returns to.
    origin: Option<String>,
    /// Since when nothing can be done but wait.
    stuck_since: Option<Timestamp>,
    n_checkpoints_passed: usize,
    checkpoint_since: Option<Timestamp>,
    bakes_until: Option<Timestamp>,
}

impl Group {
    /// Returns the template version that a launch gets now, and its image.
    pub(in crate::sim) fn launching_version(&self) -> (Option<String>, Option<ImageId>) {
        let pinned = self.rolling.as_ref().and_then(|it| it.target.clone());
        if let Some(version) = pinned {
            let image = self.image_of_version(&version);
            return (Some(version), image);
        }
        let template = self.row.template.as_ref();
        let version = template.and_then(|it| it.resolved_version.clone());
        let image = template.and_then(|it| it.image.clone());
        (version, image.or_else(|| self.spec.images.last().cloned()))
    }

    pub(in crate::sim) fn image_of_version(&self, version: &str) -> Option<ImageId> {
        let version_idx = version.parse::<usize>().ok()?.checked_sub(1)?;
        self.spec.images.get(version_idx).cloned()
    }

    /// Returns how many more than desired a refresh wants for now.
    pub(in crate::sim) fn surge(&self) -> u32 {
        let (Some(rolling), Some(capacity)) = (&self.rolling, self.row.capacity) else {
            return 0;
        };
        let above = rolling.spec.max_healthy_percent.saturating_sub(100);
        if above == 0 || !self.is_rolling() {
            return 0;
        }
        let n_todo = u32::try_from(rolling.todo.len()).unwrap_or(u32::MAX);
        (capacity.desired * above / 100).max(1).min(n_todo)
    }

    /// Returns whether the refresh under way can be turned back.
    pub(in crate::sim) fn is_reversible(&self) -> bool {
        let is_forward = self.status() != Some(&RefreshStatus::RollbackInProgress);
        is_forward
            && self
                .rolling
                .as_ref()
                .is_some_and(|it| it.spec.version.is_some())
    }

    fn status(&self) -> Option<&RefreshStatus> {
        self.row.refresh.as_ref().map(|it| &it.status)
    }

    fn is_rolling(&self) -> bool {
        matches!(
            self.status(),
            Some(RefreshStatus::InProgress | RefreshStatus::RollbackInProgress)
        )
    }
}

impl World {
    pub(in crate::sim) fn begin_refresh(&mut self, key: &PoolKey, spec: RefreshSpec) {
        let todo = self.member_ids(key, |it| !it.is_leaving() && !it.is_warm());
        let id = dice::uuid(&mut self.dice.cloud);
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        let origin = group.launching_version().0;
        let target = spec.version.map(|it| it.to_string());
        let (on_protected, target_version) = (spec.protected, target.clone());
        group.rolling = Some(Rolling {
            n_total: todo.len(),
            todo,
            target,
            origin,
            spec,
            stuck_since: None,
            n_checkpoints_passed: 0,
            checkpoint_since: None,
            bakes_until: None,
        });
        let refresh = Refresh {
            id,
            status: RefreshStatus::Pending,
            reason: None,
            percent_complete: Some(0),
            n_instances_to_update: None,
            started_at: Some(self.now),
            ended_at: None,
            on_protected: Some(on_protected),
            version: target_version,
        };
        self.edit_group(key, |it| it.refresh = Some(refresh));
        self.schedule(PERIOD, Happening::Refresh(key.clone()));
    }

    /// Turns a refresh around: those that were replaced are replaced again.
    pub(in crate::sim) fn turn_back(&mut self, key: &PoolKey, reason: &str) {
        let Some(rolling) = self.groups.get(key).and_then(|it| it.rolling.as_ref()) else {
            return;
        };
        let target = rolling.target.clone();
        let todo = self.member_ids(key, |it| {
            !it.is_leaving() && !it.is_warm() && it.row.template_version == target
        });
        if let Some(rolling) = self.groups.get_mut(key).and_then(|it| it.rolling.as_mut()) {
            std::mem::swap(&mut rolling.target, &mut rolling.origin);
            rolling.todo = todo;
            rolling.bakes_until = None;
            rolling.stuck_since = None;
            rolling.checkpoint_since = None;
            rolling.n_checkpoints_passed = rolling.spec.checkpoints.len();
        }
        self.set_refresh(
            key,
            RefreshStatus::RollbackInProgress,
            Some(reason.to_owned()),
        );
    }

    pub(in crate::sim) fn set_refresh(
        &mut self,
        key: &PoolKey,
        status: RefreshStatus,
        reason: Option<String>,
    ) {
        let now = self.now;
        let Some(group) = self.groups.get_mut(key) else {
            return;
        };
        let progress = group.rolling.as_ref().map(|it| {
            let n_done = it.n_total.saturating_sub(it.todo.len());
            (n_done * 100 / it.n_total.max(1), it.todo.len())
        });
        if status.is_over() {
            group.rolling = None;
        }
        let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        let Some(old) = &group.row.refresh else {
            return;
        };
        let refresh = Refresh {
            ended_at: status.is_over().then_some(now),
            percent_complete: progress.map(|it| number(it.0)).or(old.percent_complete),
            n_instances_to_update: progress
                .map(|it| number(it.1))
                .or(old.n_instances_to_update),
            status,
            reason,
            ..old.clone()
        };
        // A look that found nothing new leaves the row as it is.
        if *old != refresh {
            self.edit_group(key, |it| it.refresh = Some(refresh));
        }
    }

    pub(in crate::sim) fn tick_refresh(&mut self, key: &PoolKey) {
        let Some(status) = self.groups.get(key).and_then(|it| it.status().cloned()) else {
            return;
        };
        match status {
            RefreshStatus::Pending => self.set_refresh(key, RefreshStatus::InProgress, None),
            RefreshStatus::InProgress | RefreshStatus::RollbackInProgress => {
                self.roll(key, status);
            }
            RefreshStatus::Baking => {
                let bakes_until = self.groups[key]
                    .rolling
                    .as_ref()
                    .and_then(|it| it.bakes_until);
                if bakes_until.is_none_or(|it| it <= self.now) {
                    self.succeed(key, &RefreshStatus::Baking);
                }
            }
            RefreshStatus::Cancelling => {
                let in_transit = |it: &Machine| {
                    it.is_counted() != it.is_in(&Lifecycle::InService) || it.is_leaving()
                };
                if !self.members(key).any(in_transit) {
                    let reason = "Cancelled due to user request.".to_owned();
                    self.set_refresh(key, RefreshStatus::Cancelled, Some(reason));
                }
            }
            RefreshStatus::Successful
            | RefreshStatus::Failed
            | RefreshStatus::Cancelled
            | RefreshStatus::RollbackSuccessful
            | RefreshStatus::RollbackFailed
            | RefreshStatus::Other(_) => return,
        }
        self.schedule(PERIOD, Happening::Refresh(key.clone()));
    }
}
