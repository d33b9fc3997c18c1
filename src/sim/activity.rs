//! Scaling activities, in AWS' own words: the only attribution that it gives.

use super::{dice, history::Doom, world::World};
use crate::fleet::{Activity, ActivityStatus, InstanceId, PoolKey, Timestamp};

impl World {
    /// Opens the activity that a member goes through.
    pub(super) fn start_activity(&mut self, id: &InstanceId, description: &str, cause: String) {
        let Some(key) = self.pool_of(id) else {
            return;
        };
        let activity = Activity {
            id: dice::uuid(&mut self.dice.cloud),
            pool: key.clone(),
            started_at: self.now,
            ended_at: None,
            status: ActivityStatus::InProgress,
            status_message: None,
            description: description.to_owned(),
            cause,
            percent: Some(0),
            instance: Some(id.clone()),
        };
        if let Some(machine) = self.machines.get_mut(id) {
            machine.activity = Some(activity.id.clone());
        }
        if let Some(group) = self.groups.get_mut(&key) {
            group.record(activity);
        }
    }

    /// Records something that the group wanted and could not do.
    pub(super) fn record_failure(
        &mut self,
        key: &PoolKey,
        description: &str,
        cause: String,
        message: &str,
    ) {
        let activity = Activity {
            id: dice::uuid(&mut self.dice.cloud),
            pool: key.clone(),
            started_at: self.now,
            ended_at: Some(self.now),
            status: ActivityStatus::Failed,
            status_message: Some(message.to_owned()),
            description: description.to_owned(),
            cause,
            percent: Some(100),
            instance: None,
        };
        if let Some(group) = self.groups.get_mut(key) {
            group.record(activity);
        }
    }

    /// Moves the member's activity on.
    pub(super) fn amend_activity(&mut self, id: &InstanceId, status: ActivityStatus) {
        let now = self.now;
        let is_over = status.is_over();
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        let activity = if is_over {
            machine.activity.take()
        } else {
            machine.activity.clone()
        };
        let (Some(activity), Some(key)) = (activity, machine.pool()) else {
            return;
        };
        if let Some(group) = self.groups.get_mut(key) {
            group.amend(&activity, |it| {
                it.percent = Some(match &status {
                    it if it.is_over() => 100,
                    ActivityStatus::MidLifecycleAction => 60,
                    _ => 30,
                });
                it.ended_at = is_over.then_some(now);
                it.status = status;
            });
        }
    }

    pub(super) fn finish_activity(&mut self, id: &InstanceId, status: ActivityStatus) {
        self.amend_activity(id, status);
    }

    /// Returns AWS' sentence for why a member goes; `shrinks` is desired before and after.
    pub(super) fn cause_of(
        &self,
        id: &InstanceId,
        why: Doom,
        shrinks: Option<(u32, u32)>,
    ) -> String {
        let at = aws_time(self.now);
        let shrinking = shrinks.map_or(String::new(), |(from, to)| {
            format!(", shrinking the capacity from {from} to {to}")
        });
        match why {
            Doom::ScaleIn | Doom::Rebalance => format!(
                "At {at} an instance was taken out of service in response to a difference between desired and \
                 actual capacity{shrinking}.  At {at} instance {id} was selected for termination."
            ),
            Doom::Unhealthy => format!(
                "At {at} an instance was taken out of service in response to an EC2 instance status checks failure."
            ),
            Doom::SpotInterruption | Doom::Failed | Doom::TerminatedByOther => format!(
                "At {at} an instance was taken out of service in response to an EC2 health check indicating it has \
                 been terminated or stopped."
            ),
            Doom::TerminatedByUs => format!(
                "At {at} instance {id} was taken out of service in response to a user request{shrinking}."
            ),
            Doom::Lifetime => {
                format!(
                    "At {at} an instance was taken out of service in response to its maximum lifetime."
                )
            }
            Doom::Refresh => {
                format!(
                    "At {at} an instance was taken out of service in response to an instance refresh."
                )
            }
            Doom::LaunchAbandoned => format!(
                "At {at} an instance was taken out of service in response to a launch lifecycle action that was \
                 abandoned or timed out."
            ),
        }
    }
}

/// Returns a time as AWS writes it into causes: whole seconds, UTC.
pub(super) fn aws_time(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.as_millis().div_euclid(1000))
}

/// Returns AWS' sentence for a change of desired that somebody asked for.
pub(super) fn explicit_change(at: Timestamp, from: u32, to: u32) -> String {
    format!(
        "At {} a user request explicitly set group desired capacity changing the desired capacity from {from} to {to}.",
        aws_time(at)
    )
}
