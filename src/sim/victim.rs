//! Whom a group terminates when it shrinks: the fullest zone first, then its
//! policy. It never asks what runs there.

use super::{machine::Machine, world::World};
use crate::fleet::{InstanceId, PoolKey};

impl World {
    /// Chooses among the members that are not protected, as AWS would; `None` when all are.
    pub(super) fn choose_victim(&mut self, key: &PoolKey) -> Option<InstanceId> {
        let draw = self.dice.cloud.u64(..);
        let group = self.groups.get(key)?;
        let policy = group.row.termination_policies.first().cloned();
        let current = group
            .row
            .template
            .as_ref()
            .and_then(|it| it.resolved_version.clone());
        let counts = self.zone_counts(key);
        let open: Vec<&Machine> = self
            .members(key)
            .filter(|it| it.is_counted() && !it.row.protected)
            .collect();
        let fullest = open.iter().map(|it| counts[&it.row.zone]).max()?;
        let mut candidates: Vec<&Machine> = open
            .into_iter()
            .filter(|it| counts[&it.row.zone] == fullest)
            .collect();
        match policy.as_deref() {
            Some("OldestInstance") => candidates.sort_by_key(|it| it.row.launched_at),
            Some("NewestInstance") => {
                candidates.sort_by_key(|it| std::cmp::Reverse(it.row.launched_at));
            }
            // The default: the oldest template first, then whoever is nearest to its next hour.
            _ => {
                if candidates
                    .iter()
                    .any(|it| it.row.template_version != current)
                {
                    candidates.retain(|it| it.row.template_version != current);
                }
                let victim_idx = usize::try_from(draw % candidates.len().max(1) as u64).ok()?;
                candidates.swap(0, victim_idx);
            }
        }
        candidates.first().map(|it| it.row.id.clone())
    }
}
