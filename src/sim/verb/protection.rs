//! Scale-in protection.

use super::check_n_ids;
use crate::{
    fleet::{InstanceId, Lifecycle, PoolKey},
    sim::{
        dice,
        refusal::{Refused, Verdict},
        world::World,
    },
};

/// `SetInstanceProtection` takes this many.
const N_PROTECTED_MAX: usize = 50;

impl World {
    /// Changes what new members get; those who are there stay as they are.
    pub(in crate::sim) fn protect_new(&mut self, pool: &PoolKey, protected: bool) -> Verdict {
        self.capacity_of(pool)?;
        self.edit_group(pool, |it| it.protects_new_instances = protected);
        Ok(())
    }

    /// Changes what becomes of a member whose termination is abandoned.
    pub(in crate::sim) fn retain_abandoned(&mut self, pool: &PoolKey, retain: bool) -> Verdict {
        self.capacity_of(pool)?;
        self.edit_group(pool, |it| it.upkeep.retains_abandoned = retain);
        Ok(())
    }

    pub(in crate::sim) fn set_protection(
        &mut self,
        pool: &PoolKey,
        ids: &[InstanceId],
        protected: bool,
    ) -> Verdict {
        self.capacity_of(pool)?;
        check_n_ids(ids, N_PROTECTED_MAX)?;
        for id in ids {
            self.check_member(pool, id)?;
            let is_protectable = self.machines.get(id).is_some_and(|it| {
                [
                    Lifecycle::InService,
                    Lifecycle::EnteringStandby,
                    Lifecycle::Standby,
                ]
                .iter()
                .any(|state| it.is_in(state))
            });
            if !is_protectable {
                return Err(Refused::validation(format!(
                    "The instance {id} is not in InService or EnteringStandby or Standby."
                )));
            }
        }
        for id in ids {
            self.edit_machine(id, |it| it.protected = protected);
        }
        if !protected {
            let after = dice::secs(&mut self.dice.cloud, 3, 15);
            self.wake(pool, after);
        }
        Ok(())
    }
}
