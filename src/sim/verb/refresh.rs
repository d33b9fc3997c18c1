//! Starting, cancelling and rolling back an instance refresh.

use crate::{
    fleet::{PoolKey, RefreshStatus},
    sim::{
        refresh::RefreshSpec,
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    pub(in crate::sim) fn start_refresh(&mut self, pool: &PoolKey, spec: &RefreshSpec) -> Verdict {
        self.capacity_of(pool)?;
        if self.active_refresh(pool).is_some() {
            return Err(Refused::conflict(
                "InstanceRefreshInProgress",
                "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
            ));
        }
        let n_versions = self.groups[pool].spec.images.len();
        let is_known = |it: u32| usize::try_from(it).is_ok_and(|it| (1..=n_versions).contains(&it));
        if let Some(version) = spec.version.filter(|it| !is_known(*it)) {
            return Err(Refused::validation(format!(
                "The specified launch template version, {version}, does not exist"
            )));
        }
        let (min, max) = (spec.min_healthy_percent, spec.max_healthy_percent);
        if 100 < min || !(100..=200).contains(&max) || 100 < max - min.min(max) {
            return Err(Refused::validation(format!(
                "MinHealthyPercentage {min} and MaxHealthyPercentage {max} must lie in 0-100 and 100-200, and differ \
                 by no more than 100"
            )));
        }
        self.begin_refresh(pool, spec.clone());
        Ok(())
    }

    pub(in crate::sim) fn cancel_refresh(&mut self, pool: &PoolKey) -> Verdict {
        self.check_active(pool)?;
        self.set_refresh(pool, RefreshStatus::Cancelling, None);
        if let Some(group) = self.groups.get_mut(pool) {
            // Launches go by the group's own template again.
            group.rolling = None;
        }
        Ok(())
    }

    pub(in crate::sim) fn roll_back(&mut self, pool: &PoolKey) -> Verdict {
        self.check_active(pool)?;
        let is_reversible = self.groups[pool].is_reversible();
        if !is_reversible {
            return Err(Refused::conflict(
                "IrreversibleInstanceRefresh",
                "The instance refresh cannot be rolled back: it has no desired configuration to return from.",
            ));
        }
        self.turn_back(pool, "Rolling back due to user request.");
        Ok(())
    }

    fn check_active(&self, pool: &PoolKey) -> Verdict {
        self.capacity_of(pool)?;
        match self.active_refresh(pool) {
            Some(RefreshStatus::Cancelling) | None => Err(Refused::not_found(
                "ActiveInstanceRefreshNotFound",
                format!(
                    "No in progress or pending Instance Refresh found for Auto Scaling group {}",
                    pool.name
                ),
            )),
            Some(_) => Ok(()),
        }
    }

    fn active_refresh(&self, pool: &PoolKey) -> Option<&RefreshStatus> {
        let refresh = self.groups.get(pool)?.row.refresh.as_ref()?;
        (!refresh.status.is_over()).then_some(&refresh.status)
    }
}
