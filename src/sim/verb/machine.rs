//! What becomes of a machine without anybody's call: it stops, or its host is retired.

use std::time::Duration;

use super::no_such_instance;
use crate::{
    fleet::InstanceId,
    sim::{deed::Deed, happening::Happening, refusal::Verdict, world::World},
};

impl World {
    pub(in crate::sim) fn stop_itself(&mut self, id: &InstanceId) -> Verdict {
        if !self.machines.contains_key(id) {
            return Err(no_such_instance(id));
        }
        self.stop_machine(id);
        Ok(())
    }

    pub(in crate::sim) fn retire(&mut self, id: &InstanceId, after: Duration) -> Verdict {
        if !self.machines.contains_key(id) {
            return Err(no_such_instance(id));
        }
        self.edit_machine(id, |it| {
            it.scheduled_event = Some("instance-retirement".to_owned());
        });
        let stop = Deed::StopItself {
            instance: id.clone(),
        };
        self.schedule(after, Happening::Deed(stop));
        Ok(())
    }
}
