//! What the groups did: read when something changed, remembered for a while.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use aws_sdk_autoscaling::types::Activity as Said;

use super::{
    errors::{explain, refuse},
    groups::Group,
    open::Clients,
    words::{text, timestamp},
};
use crate::{
    cloud::Error,
    fleet::{
        Activity, ActivityStatus, InstanceId, Lifecycle, PoolKey, PoolName, ScopeId, Timestamp,
    },
};

const PAGE_SIZE: i32 = 100;
/// One call tells of every group of the region; a burst may need more than one.
const N_PAGES_MAX: usize = 3;
/// The oldest beyond this are dropped.
const N_KEPT_MAX: usize = 500;
/// While a group stays short of machines, failed launches are looked for this often.
const SHORT_INTERVAL: Duration = Duration::from_secs(30);

/// The activities that we know, newest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    known: Vec<Arc<Activity>>,
    /// Set when something changed since the last reading of activities.
    is_due: bool,
    read_at: Option<Timestamp>,
}

impl Log {
    pub(super) fn all(&self) -> &[Arc<Activity>] {
        &self.known
    }

    pub(super) fn set_due(&mut self) {
        self.is_due = true;
    }

    /// Decides whether to read now; `is_short` when a group misses machines.
    pub(super) fn wants_reading(&self, is_short: bool, now: Timestamp) -> bool {
        let Some(read_at) = self.read_at else {
            return true;
        };
        self.is_due || (is_short && SHORT_INTERVAL <= now.since(read_at))
    }

    /// Reads the newest activities of the whole region, in one call when little happened.
    pub(super) async fn read(
        &mut self,
        clients: &Clients,
        scope: &ScopeId,
        groups: &BTreeMap<PoolName, Group>,
        now: Timestamp,
    ) -> Option<Error> {
        const WHAT: &str = "read the scaling activities";
        let (mut found, mut token) = (Vec::new(), None);
        for _ in 0..N_PAGES_MAX {
            let request = clients.scaling.describe_scaling_activities();
            let request = request.max_records(PAGE_SIZE).set_next_token(token.take());
            let answer = match request.send().await {
                Ok(it) => it,
                Err(error) => return Some(refuse(WHAT, &error).error),
            };
            found.extend(
                answer
                    .activities()
                    .iter()
                    .filter_map(|it| activity(it, scope)),
            );
            token = answer.next_token;
            // On the first reading the newest page says enough.
            if token.is_none() || self.read_at.is_none() || self.reaches(&found) {
                break;
            }
        }
        found.retain(|it| groups.contains_key(&it.pool.name));
        self.merge(found);
        self.is_due = false;
        self.read_at = Some(now);
        None
    }

    /// Returns whether a page reached what was over and known before.
    fn reaches(&self, found: &[Activity]) -> bool {
        found.last().is_some_and(|oldest| {
            let known = self.known.iter().find(|it| it.id == oldest.id);
            known.is_some_and(|it| it.status.is_over())
        })
    }

    /// Takes activities that were read; those that did not change keep their `Arc`.
    pub(super) fn merge(&mut self, found: Vec<Activity>) {
        let mut by_id: HashMap<String, Arc<Activity>> = std::mem::take(&mut self.known)
            .into_iter()
            .map(|it| (it.id.clone(), it))
            .collect();
        for activity in found {
            if by_id.get(&activity.id).is_none_or(|it| **it != activity) {
                by_id.insert(activity.id.clone(), Arc::new(activity));
            }
        }
        self.known = by_id.into_values().collect();
        self.known.sort_by(|a, b| {
            let by_time = b.started_at.cmp(&a.started_at);
            by_time.then_with(|| a.id.cmp(&b.id))
        });
        self.known.truncate(N_KEPT_MAX);
    }

    /// Returns when an instance came into a lifecycle state, as far as the activities tell.
    pub(super) fn began(&self, id: &InstanceId, lifecycle: &Lifecycle) -> Option<Timestamp> {
        let newest = |verb: &str| {
            let is_it = |it: &&Arc<Activity>| {
                it.instance.as_ref() == Some(id) && it.description.starts_with(verb)
            };
            self.known.iter().find(is_it)
        };
        match lifecycle {
            Lifecycle::Pending | Lifecycle::PendingWait | Lifecycle::PendingProceed => {
                newest("Launching").map(|it| it.started_at)
            }
            // A launch is over when the instance is in service.
            Lifecycle::InService => newest("Launching")?.ended_at,
            Lifecycle::Terminating
            | Lifecycle::TerminatingWait
            | Lifecycle::TerminatingProceed
            | Lifecycle::TerminatingRetained => newest("Terminating").map(|it| it.started_at),
            _ => None,
        }
    }
}

/// Reads the activities of one group, newest first.
pub(super) async fn of_group(
    clients: &Clients,
    scope: &ScopeId,
    pool: &PoolKey,
) -> Result<Vec<Activity>, Error> {
    let request = clients.scaling.describe_scaling_activities();
    let request = request
        .auto_scaling_group_name(pool.name.as_str())
        .max_records(PAGE_SIZE);
    let what = format!("read the activities of {}", pool.name);
    let answer = request
        .send()
        .await
        .map_err(|error| explain(&what, &error))?;
    let activities = answer.activities().iter();
    Ok(activities.filter_map(|it| activity(it, scope)).collect())
}

/// Returns whether an activity was caused by an instance refresh.
pub(super) fn is_of_refresh(activity: &Activity) -> bool {
    activity.cause.contains("instance refresh")
}

fn activity(it: &Said, scope: &ScopeId) -> Option<Activity> {
    let description = it.description().unwrap_or_default();
    Some(Activity {
        id: it.activity_id()?.to_owned(),
        pool: PoolKey::new(scope.clone(), it.auto_scaling_group_name()?),
        started_at: it.start_time().and_then(timestamp)?,
        ended_at: it.end_time().and_then(timestamp),
        status: ActivityStatus::from(it.status_code()?.as_str()),
        status_message: text(it.status_message()),
        description: description.to_owned(),
        cause: it.cause().unwrap_or_default().to_owned(),
        percent: it.progress().and_then(|it| u32::try_from(it).ok()),
        instance: instance_in(description),
    })
}

/// Returns the instance that a description names: `Terminating EC2 instance: i-…`.
fn instance_in(description: &str) -> Option<InstanceId> {
    description
        .split(|it: char| !it.is_ascii_alphanumeric() && it != '-')
        .find(|it| InstanceId::is_well_formed(it))
        .map(InstanceId::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(id: &str, started_at: i64, status: ActivityStatus) -> Activity {
        Activity {
            id: id.into(),
            pool: PoolKey::new("prod/us-east-1", "workhorse"),
            started_at: Timestamp::from_secs(started_at),
            ended_at: None,
            status,
            status_message: None,
            description: "Terminating EC2 instance: i-0123456789abcdef0".into(),
            cause: String::new(),
            percent: None,
            instance: Some("i-0123456789abcdef0".into()),
        }
    }

    #[test]
    fn an_activity_that_went_on_replaces_what_was_known_of_it() {
        let mut log = Log::default();
        log.merge(vec![
            activity("a", 1, ActivityStatus::InProgress),
            activity("b", 2, ActivityStatus::Successful),
        ]);
        let before = log.all().to_vec();
        log.merge(vec![
            activity("a", 1, ActivityStatus::Successful),
            activity("b", 2, ActivityStatus::Successful),
            activity("c", 3, ActivityStatus::InProgress),
        ]);
        let ids: Vec<&str> = log.all().iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["c", "b", "a"]);
        assert_eq!(log.all()[2].status, ActivityStatus::Successful);
        assert!(Arc::ptr_eq(&log.all()[1], &before[0]), "`b` is shared");
    }

    #[test]
    fn a_state_began_with_the_activity_that_led_to_it() {
        let mut log = Log::default();
        log.merge(vec![activity("a", 7, ActivityStatus::MidLifecycleAction)]);
        let id = InstanceId::from("i-0123456789abcdef0");
        assert_eq!(
            log.began(&id, &Lifecycle::TerminatingWait),
            Some(Timestamp::from_secs(7))
        );
        assert_eq!(log.began(&id, &Lifecycle::PendingWait), None);
    }

    #[test]
    fn the_instance_is_found_in_the_description() {
        let id = Some(InstanceId::from("i-0123456789abcdef0"));
        assert_eq!(
            instance_in("Launching a new EC2 instance: i-0123456789abcdef0"),
            id
        );
        let failed = "Launching a new EC2 instance: i-0123456789abcdef0.  Status Reason: no.";
        assert_eq!(instance_in(failed), id);
        assert_eq!(
            instance_in("Launching a new EC2 instance.  Status Reason: x"),
            None
        );
    }
}
