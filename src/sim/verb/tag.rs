//! Tags of groups and of machines, and the group's metrics.

use super::no_such_instance;
use crate::{
    fleet::{InstanceId, PoolKey, ScopeId},
    sim::{
        refusal::{Refused, Verdict},
        world::World,
    },
};

/// Tags that one resource may carry.
const N_TAGS_MAX: usize = 50;

impl World {
    pub(in crate::sim) fn tag_pool(
        &mut self,
        pool: &PoolKey,
        key: &str,
        value: &str,
        propagate: bool,
    ) -> Verdict {
        self.capacity_of(pool)?;
        check_tag(key)?;
        let n_others = self.groups[pool]
            .row
            .tags
            .keys()
            .filter(|it| *it != key)
            .count();
        if N_TAGS_MAX <= n_others {
            return Err(Refused::conflict(
                "LimitExceeded",
                "The tag limit is 50 for each group.",
            ));
        }
        self.edit_group(pool, |it| {
            it.tags.insert(key.to_owned(), value.to_owned());
        });
        if let Some(group) = self.groups.get_mut(pool) {
            // Propagation reaches new machines only.
            if propagate {
                group.local_tags.remove(key);
            } else {
                group.local_tags.insert(key.to_owned());
            }
        }
        Ok(())
    }

    pub(in crate::sim) fn untag_pool(&mut self, pool: &PoolKey, key: &str) -> Verdict {
        self.capacity_of(pool)?;
        self.edit_group(pool, |it| {
            it.tags.remove(key);
        });
        if let Some(group) = self.groups.get_mut(pool) {
            group.local_tags.remove(key);
        }
        Ok(())
    }

    pub(in crate::sim) fn tag_instances(
        &mut self,
        scope: &ScopeId,
        ids: &[InstanceId],
        key: &str,
        value: &str,
    ) -> Verdict {
        check_tag(key)?;
        for id in ids {
            let machine = self.machines.get(id).filter(|it| it.row.scope == *scope);
            // A replica that does not know the machine yet refuses it.
            let is_known = machine.is_some_and(|it| it.hidden_until <= self.now);
            if !is_known {
                return Err(no_such_instance(id));
            }
        }
        for id in ids {
            self.edit_machine(id, |it| {
                it.tags.insert(key.to_owned(), value.to_owned());
            });
        }
        Ok(())
    }

    pub(in crate::sim) fn untag_instances(
        &mut self,
        scope: &ScopeId,
        ids: &[InstanceId],
        key: &str,
    ) -> Verdict {
        for id in ids {
            let machine = self.machines.get(id).filter(|it| it.row.scope == *scope);
            machine.ok_or_else(|| no_such_instance(id))?;
        }
        for id in ids {
            self.edit_machine(id, |it| {
                it.tags.remove(key);
            });
        }
        Ok(())
    }

    pub(in crate::sim) fn enable_metrics(&mut self, pool: &PoolKey) -> Verdict {
        self.capacity_of(pool)?;
        self.edit_group(pool, |it| {
            it.enabled_metrics = [
                "GroupMinSize",
                "GroupMaxSize",
                "GroupDesiredCapacity",
                "GroupInServiceInstances",
                "GroupPendingInstances",
                "GroupStandbyInstances",
                "GroupTerminatingInstances",
                "GroupTotalInstances",
            ]
            .map(str::to_owned)
            .to_vec();
        });
        Ok(())
    }
}

fn check_tag(key: &str) -> Verdict {
    if key.starts_with("aws:") {
        return Err(Refused::validation(
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    if key.is_empty() || 128 < key.chars().count() {
        return Err(Refused::validation(
            "Tag keys must have between 1 and 128 characters",
        ));
    }
    Ok(())
}
