//! Follows new instances on their way to their first job. A step that was not
//! seen to happen has no time.

use std::{collections::BTreeMap, time::Duration};

use crate::fleet::{
    Boot, Fleet, Instance, InstanceId, MachineState, Observation, Phase, Timestamp, Work,
};

/// An instance that is first seen older than this has its boot behind it.
const NEW_MAX: Duration = Duration::from_mins(30);
/// After this, an instance is no longer on its way.
const FOLLOW_MAX: Duration = Duration::from_hours(3);

#[derive(Clone, Debug, Default)]
pub(super) struct Boots(BTreeMap<InstanceId, Followed>);

#[derive(Clone, Debug)]
struct Followed {
    boot: Boot,
    since: Timestamp,
    /// Which steps were seen not to have happened yet.
    was_stopped: bool,
    was_without_agent: bool,
    was_without_job: bool,
}

impl Boots {
    /// Looks at every instance, and returns those that came a step further.
    pub(super) fn follow(&mut self, observation: &Observation) -> Vec<Boot> {
        let (fleet, now) = (&observation.fleet, observation.at);
        self.0.retain(|id, it| {
            fleet.instances.contains_key(id)
                && it.boot.first_job_at.is_none()
                && now.since(it.since) < FOLLOW_MAX
        });
        let mut moved = Vec::new();
        for instance in fleet.instances.values().filter(|it| is_young(it, now)) {
            let is_new = !self.0.contains_key(&instance.id);
            if is_new && !is_arriving(instance, now) {
                continue;
            }
            let Some(followed) = self.followed(fleet, instance, now) else {
                continue;
            };
            let before = followed.boot.clone();
            followed.look(fleet, instance, now);
            if is_new || followed.boot != before {
                moved.push(followed.boot.clone());
            }
        }
        moved
    }

    fn followed(
        &mut self,
        fleet: &Fleet,
        instance: &Instance,
        now: Timestamp,
    ) -> Option<&mut Followed> {
        let pool = instance.pool.clone()?;
        let entry = self.0.entry(instance.id.clone());
        Some(entry.or_insert_with(|| Followed {
            boot: Boot {
                instance: instance.id.clone(),
                pool,
                image: instance.image.clone(),
                instance_type: instance.instance_type.clone(),
                zone: instance.zone.clone(),
                requested_at: requested_at(fleet, instance),
                running_at: None,
                registered_at: None,
                first_job_at: None,
            },
            since: now,
            was_stopped: false,
            was_without_agent: false,
            was_without_job: false,
        }))
    }
}

impl Followed {
    fn look(&mut self, fleet: &Fleet, instance: &Instance, now: Timestamp) {
        let is_running = instance.state == Some(MachineState::Running);
        let agents = || fleet.executors_on(&instance.id);
        let is_there = |it: &Work| matches!(it, Work::Busy(_) | Work::Idle { .. });
        let has_agent = agents().any(|it| is_there(&it.work));
        let is_busy = agents().any(|it| matches!(it.work, Work::Busy(_)));
        let boot = &mut self.boot;
        boot.image = boot.image.take().or_else(|| instance.image.clone());
        if is_running && self.was_stopped {
            boot.running_at.get_or_insert(now);
        }
        if has_agent && self.was_without_agent {
            boot.registered_at.get_or_insert(now);
        }
        if is_busy {
            let began = agents()
                .flat_map(|it| it.jobs())
                .filter_map(|it| it.started_at);
            // The controller's clock is another than ours.
            let began = began.min().map(|it| it.min(now));
            let began = began.or(self.was_without_job.then_some(now));
            boot.first_job_at = boot.first_job_at.or(began.filter(|_| self.was_without_job));
        }
        self.was_stopped |= !is_running;
        // Before its controller was read, an agent is not missing: nobody looked.
        if is_told(fleet, instance) {
            self.was_without_agent |= !has_agent;
            self.was_without_job |= !is_busy;
        }
    }
}

/// Returns whether the controller of an instance says what runs there, or that nothing does.
fn is_told(fleet: &Fleet, instance: &Instance) -> bool {
    let pool = instance.pool.as_ref().and_then(|it| fleet.pool(it));
    let Some(link) = pool.and_then(|it| it.ci.as_ref()) else {
        return false;
    };
    let mut controllers = fleet.controllers.iter();
    let is_read = controllers.any(|it| it.name == link.controller && it.doubt.is_none());
    let mut agents = fleet.executors_on(&instance.id);
    is_read && !agents.any(|it| matches!(it.work, Work::Unknown(_)))
}

fn is_young(instance: &Instance, now: Timestamp) -> bool {
    let launched_at = instance.launched_at.unwrap_or(now);
    now.since(launched_at) < FOLLOW_MAX + NEW_MAX
}

fn is_arriving(instance: &Instance, now: Timestamp) -> bool {
    let is_on_its_way = matches!(
        instance.phase(),
        Phase::Pending | Phase::PendingWait | Phase::InService | Phase::Unattached
    );
    let launched_at = instance.launched_at;
    is_on_its_way && launched_at.is_none_or(|it| now.since(it) < NEW_MAX)
}

/// The group's own activity began before EC2 launched anything.
fn requested_at(fleet: &Fleet, instance: &Instance) -> Option<Timestamp> {
    let mut activities = fleet.activities.iter();
    let activity = activities.find(|it| {
        it.instance.as_ref() == Some(&instance.id) && it.description.starts_with("Launching")
    });
    activity.map(|it| it.started_at).or(instance.launched_at)
}
