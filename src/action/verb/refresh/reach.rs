//! Whom a refresh replaces, as far as its terms and the last reading tell.

use std::sync::Arc;

use crate::fleet::{Fleet, Instance, LaunchSource, Phase, Pool, Refresh, RefreshTerms, Reluctance};

/// What decides whether a member is replaced.
pub(super) struct Reach {
    /// Members of it stay as they are.
    spared: Option<LaunchSource>,
    protected: Reluctance,
    standby: Reluctance,
}

impl Reach {
    /// Of a refresh that is to start.
    pub(super) fn of_terms(pool: &Pool, terms: &RefreshTerms) -> Self {
        let wanted = terms.template.clone().map(LaunchSource::Template);
        let launched = || pool.template.as_ref()?.source();
        Self {
            spared: wanted.or_else(launched).filter(|_| terms.skip_matching),
            protected: terms.protected,
            standby: terms.standby,
        }
    }

    /// Of one that is under way: AWS does not tell all of its terms, and what it does not tell
    /// may be the worse for a job.
    pub(super) fn of_active(refresh: &Refresh) -> Self {
        Self {
            spared: None,
            protected: refresh.on_protected.unwrap_or(Reluctance::Replace),
            standby: Reluctance::Replace,
        }
    }

    /// Returns the members that are replaced: also those it only waits for.
    pub(super) fn members<'a>(&self, fleet: &'a Fleet, pool: &Pool) -> Vec<&'a Arc<Instance>> {
        let members = fleet.roster(&pool.key()).instances.iter();
        members.filter(|it| self.reaches(it)).collect()
    }

    fn reaches(&self, instance: &Instance) -> bool {
        let phase = instance.phase();
        // What leaves the group already, or never was in it, is none of its business.
        let is_member = matches!(
            phase,
            Phase::InService | Phase::Standby | Phase::Pending | Phase::PendingWait
        );
        let is_ignored = instance.protected && self.protected == Reluctance::Ignore
            || phase == Phase::Standby && self.standby == Reluctance::Ignore;
        let is_spared = self.spared.as_ref().is_some_and(|it| it.is_of(instance));
        is_member && !is_ignored && !is_spared
    }
}
