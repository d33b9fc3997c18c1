//! Deleting a group.

use crate::{
    fleet::{Capacity, InstanceId, PoolKey},
    sim::{
        history::Doom,
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    /// Deletes an empty group, or by force one with members: no hook is asked then.
    pub(in crate::sim) fn delete_group(&mut self, pool: &PoolKey, force: bool) -> Verdict {
        self.capacity_of(pool)?;
        let members: Vec<InstanceId> = self.groups[pool].members.iter().cloned().collect();
        if !force && !members.is_empty() {
            return Err(Refused::conflict(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) \
                 still in the group.",
            ));
        }
        self.edit_group(pool, |it| {
            it.capacity = Some(Capacity {
                desired: 0,
                min: 0,
                max: 0,
            });
            it.status = Some("Delete in progress".to_owned());
            it.hooks.clear();
        });
        if let Some(group) = self.groups.get_mut(pool) {
            group.rolling = None;
        }
        for id in members {
            self.begin_termination(
                &id,
                Doom::TerminatedByOther,
                "The group is being deleted.".to_owned(),
            );
            self.forget_hooks(&id);
        }
        self.remove_deleted_group(pool);
        Ok(())
    }

    /// Takes a group away that is being deleted, once its last member is gone.
    pub(in crate::sim) fn remove_deleted_group(&mut self, pool: &PoolKey) {
        let is_over = self
            .groups
            .get(pool)
            .is_some_and(|it| it.row.status.is_some() && it.members.is_empty());
        if !is_over {
            return;
        }
        self.groups.remove(pool);
        // Machines that only carried its tag belong to no pool any more.
        let loose: Vec<InstanceId> = self
            .machines
            .values()
            .filter(|it| it.pool() == Some(pool))
            .map(|it| it.id().clone())
            .collect();
        for id in loose {
            self.edit_machine(&id, |it| it.pool = None);
        }
    }
}
