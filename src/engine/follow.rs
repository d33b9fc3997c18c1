//! Follows launched instances, one by one, until each is in service or has failed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde::Serialize;

use super::{execute::Outcome, handle::Inner};
use crate::fleet::{
    Activity, ActivityStatus, Fleet, InstanceId, MachineState, Phase, PoolKey, SourceId, Timestamp,
};

/// An instance that was asked for, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Launch {
    /// `None` while it is only asked for, or when it failed before EC2 gave it an id.
    pub instance: Option<InstanceId>,
    pub state: LaunchState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchState {
    Requested,
    Pending,
    /// The machine runs, and a lifecycle hook or the group holds it back.
    Running,
    InService,
    /// In AWS' own words.
    Failed(String),
}

/// How long a launch is followed; hooks and slow images included.
const FOLLOW_MAX: Duration = Duration::from_mins(30);
/// How often the group is looked at.
const PAUSE: Duration = Duration::from_secs(3);
/// AWS' clock and ours may differ by this much.
const SKEW: Duration = Duration::from_secs(5);

pub(super) struct Follower<'a> {
    inner: &'a Arc<Inner>,
    pool: &'a PoolKey,
    n_instances: usize,
    /// Instances that were there before the call.
    known: BTreeSet<&'a InstanceId>,
    began: Timestamp,
    /// Instances that appeared since: ours, as far as anyone can tell.
    seen: Vec<InstanceId>,
    launches: Vec<Launch>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        inner: &'a Arc<Inner>,
        pool: &'a PoolKey,
        n_instances: u32,
        known: &'a [InstanceId],
    ) -> Self {
        Self {
            inner,
            pool,
            n_instances: usize::try_from(n_instances).unwrap_or(usize::MAX),
            known: known.iter().collect(),
            began: inner.clock.now(),
            seen: Vec::new(),
            launches: Vec::new(),
        }
    }

    /// Waits for the launches to change, and returns them; `None` when no more will change.
    pub(super) async fn next(&mut self) -> Option<Vec<Launch>> {
        while !self.is_over() && self.inner.clock.now().since(self.began) < FOLLOW_MAX {
            if !self.launches.is_empty() {
                tokio::time::sleep(self.inner.clock.sleep_for(PAUSE)).await;
                // A reading that fails shows in the source's health; the last good one is used.
                let sources = [SourceId::Scope(self.pool.scope.clone())];
                self.inner.observe(Some(&sources)).await;
            }
            let failed = self.failed_launches().await;
            let observation = self.inner.snapshot.borrow().clone();
            self.find_new(&observation.fleet);
            let launches = self.states(&observation.fleet, &failed);
            if launches != self.launches {
                self.launches.clone_from(&launches);
                return Some(launches);
            }
        }
        None
    }

    pub(super) fn outcome(self) -> Outcome {
        let failures = self.launches.iter().filter_map(|it| match &it.state {
            LaunchState::Failed(why) => Some(match &it.instance {
                Some(id) => format!("{id}: {why}"),
                None => why.clone(),
            }),
            LaunchState::Requested
            | LaunchState::Pending
            | LaunchState::Running
            | LaunchState::InService => None,
        });
        let mut sentences: Vec<String> = failures.collect();
        if !self.is_over() {
            let is_late = |it: &&Launch| !is_final(&it.state);
            let n_late = self.launches.iter().filter(is_late).count();
            let minutes = FOLLOW_MAX.as_secs() / 60;
            sentences.push(format!(
                "{n_late} of {} are not in service after {minutes} min; the group goes on trying",
                self.n_instances
            ));
        }
        if sentences.is_empty() {
            Outcome::Done
        } else {
            Outcome::Partly(sentences)
        }
    }

    fn is_over(&self) -> bool {
        !self.launches.is_empty() && self.launches.iter().all(|it| is_final(&it.state))
    }

    /// Remembers which instances are ours: the first ones that were not there before.
    fn find_new(&mut self, fleet: &Fleet) {
        let is_new = |id: &InstanceId| !self.known.contains(id) && !self.seen.contains(id);
        let members = fleet.roster(self.pool).instances.iter();
        let mut new: Vec<_> = members
            .filter(|it| is_new(&it.id) && it.phase() != Phase::Warm)
            .map(|it| (it.launched_at, it.id.clone()))
            .collect();
        new.sort();
        let n_free = self.n_instances.saturating_sub(self.seen.len());
        self.seen
            .extend(new.into_iter().take(n_free).map(|it| it.1));
    }

    fn states(&self, fleet: &Fleet, failed: &[Activity]) -> Vec<Launch> {
        let named = self.seen.iter().map(|id| Launch {
            instance: Some(id.clone()),
            state: state_of(fleet, id, failed),
        });
        // A launch that failed before it had an instance shows as AWS' reason.
        let is_nameless = |it: &&Activity| {
            let id = it.instance.as_ref();
            id.is_none_or(|id| !self.seen.contains(id))
        };
        let nameless = failed.iter().filter(is_nameless).map(|it| Launch {
            instance: None,
            state: LaunchState::Failed(reason(it)),
        });
        let requested = std::iter::repeat_with(|| Launch {
            instance: None,
            state: LaunchState::Requested,
        });
        named
            .chain(nameless)
            .chain(requested)
            .take(self.n_instances)
            .collect()
    }

    /// Returns the launches of this pool that failed since the call was made.
    async fn failed_launches(&self) -> Vec<Activity> {
        let Some(cloud) = self.inner.cloud(&self.pool.scope) else {
            return Vec::new();
        };
        // Without an answer nothing is known to have failed; the next round asks again.
        let activities = cloud.activities(self.pool).await.unwrap_or_default();
        let is_failed_launch = |it: &Activity| {
            let has_failed = matches!(
                it.status,
                ActivityStatus::Failed | ActivityStatus::Cancelled
            );
            has_failed
                && it.description.starts_with("Launching")
                && self.began <= it.started_at + SKEW
        };
        activities.into_iter().filter(is_failed_launch).collect()
    }
}

fn is_final(state: &LaunchState) -> bool {
    matches!(state, LaunchState::InService | LaunchState::Failed(_))
}

fn state_of(fleet: &Fleet, id: &InstanceId, failed: &[Activity]) -> LaunchState {
    let told = || {
        let activity = failed.iter().find(|it| it.instance.as_ref() == Some(id));
        activity.map(reason)
    };
    let Some(instance) = fleet.instances.get(id) else {
        let why = told().unwrap_or_else(|| "it was gone before it was in service".to_owned());
        return LaunchState::Failed(why);
    };
    match instance.phase() {
        Phase::InService => LaunchState::InService,
        Phase::Terminating | Phase::TerminatingWait | Phase::Retained | Phase::Detached => {
            let why = told().or_else(|| instance.state_reason.clone());
            LaunchState::Failed(
                why.unwrap_or_else(|| {
                    "the group terminates it before it was in service".to_owned()
                }),
            )
        }
        Phase::Pending
        | Phase::PendingWait
        | Phase::Standby
        | Phase::Warm
        | Phase::Unattached
        | Phase::Other => match instance.state {
            Some(MachineState::Running) => LaunchState::Running,
            _ => LaunchState::Pending,
        },
    }
}

fn reason(activity: &Activity) -> String {
    let message = activity.status_message.as_ref();
    message.unwrap_or(&activity.description).clone()
}
