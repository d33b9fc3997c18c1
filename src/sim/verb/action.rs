//! Answering lifecycle actions, and telling a group how its member is.

use crate::{
    fleet::{Health, HookResult, InstanceId},
    sim::{
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    pub(in crate::sim) fn complete_hook(
        &mut self,
        id: &InstanceId,
        hook: &str,
        result: HookResult,
    ) -> Verdict {
        if self.answer(id, hook, result) {
            return Ok(());
        }
        Err(no_active_action(id))
    }

    pub(in crate::sim) fn record_heartbeat(&mut self, id: &InstanceId, hook: &str) -> Verdict {
        if self.heartbeat(id, hook) {
            return Ok(());
        }
        Err(no_active_action(id))
    }

    pub(in crate::sim) fn set_health(&mut self, id: &InstanceId, is_healthy: bool) -> Verdict {
        let is_member = self
            .machines
            .get(id)
            .is_some_and(|it| it.lifecycle().is_some());
        if !is_member {
            return Err(Refused::validation(format!(
                "Instance Id not found - No managed instance found for instance ID: {id}"
            )));
        }
        if is_healthy {
            self.edit_machine(id, |it| it.health = Some(Health::Healthy));
        } else {
            self.set_unhealthy(id);
        }
        Ok(())
    }
}

fn no_active_action(id: &InstanceId) -> Refused {
    Refused::validation(format!(
        "No active Lifecycle Action found with instance ID {id}"
    ))
}
