//! A pool as it truly is: an Auto Scaling group with its members, or a set of tagged machines.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{refresh::Rolling, scenario::PoolSpec};
use crate::fleet::{Activity, Capacity, InstanceId, Pool, PoolKey, Timestamp};

/// How many activities a group remembers; AWS keeps six weeks of them.
const N_ACTIVITIES_MAX: usize = 200;

#[derive(Clone, Debug)]
pub struct Group {
    /// What AWS would say now, if it said the truth.
    pub row: Arc<Pool>,
    pub members: BTreeSet<InstanceId>,
    /// Oldest first.
    pub activities: VecDeque<Arc<Activity>>,
    pub(super) spec: PoolSpec,
    /// When it reconciles next; an event for any other time is void.
    pub(super) reconciles_at: Option<Timestamp>,
    /// Launches that failed since the last that did not.
    pub(super) n_failures: u32,
    pub(super) failing_since: Option<Timestamp>,
    /// The zones whose last launch failed are tried last.
    pub(super) short_zones: BTreeSet<String>,
    /// AWS' words for the last change of desired, until an activity has told them.
    pub(super) change: Option<String>,
    /// Whether one more than desired was launched to even out the zones.
    pub(super) is_balancing: bool,
    /// Since when more slots are idle than the policy likes.
    pub(super) idle_since: Option<Timestamp>,
    /// The version that each client token made.
    pub(super) versions_by_token: BTreeMap<String, String>,
    /// How many of the next launches never register.
    pub(super) n_duds: u32,
    /// The tags that its machines do not get.
    pub(super) local_tags: BTreeSet<String>,
    /// The instance refresh under way.
    pub(super) rolling: Option<Rolling>,
    pub(super) past: VecDeque<(Timestamp, Arc<Pool>)>,
}

impl Group {
    pub(super) fn new(row: Pool, spec: PoolSpec) -> Self {
        Self {
            row: Arc::new(row),
            members: BTreeSet::new(),
            activities: VecDeque::new(),
            spec,
            reconciles_at: None,
            n_failures: 0,
            failing_since: None,
            short_zones: BTreeSet::new(),
            change: None,
            is_balancing: false,
            idle_since: None,
            versions_by_token: BTreeMap::new(),
            n_duds: 0,
            local_tags: BTreeSet::new(),
            rolling: None,
            past: VecDeque::new(),
        }
    }

    pub fn key(&self) -> PoolKey {
        self.row.key()
    }

    pub fn capacity(&self) -> Option<Capacity> {
        self.row.capacity
    }

    /// Changes what AWS says of the group, and keeps what it said before for a stale reader.
    pub(super) fn edit(
        &mut self,
        now: Timestamp,
        stale_for: Duration,
        edit: impl FnOnce(&mut Pool),
    ) {
        remember(&mut self.past, now, stale_for, &self.row);
        edit(Arc::make_mut(&mut self.row));
    }

    pub(super) fn record(&mut self, activity: Activity) {
        if self.activities.len() == N_ACTIVITIES_MAX {
            self.activities.pop_front();
        }
        self.activities.push_back(Arc::new(activity));
    }

    pub(super) fn amend(&mut self, id: &str, amend: impl FnOnce(&mut Activity)) {
        if let Some(found) = self.activities.iter_mut().rev().find(|it| it.id == id) {
            amend(Arc::make_mut(found));
        }
    }
}

/// Keeps `row` as what a reader may still see; nothing when reads are never stale.
pub(super) fn remember<T>(
    past: &mut VecDeque<(Timestamp, Arc<T>)>,
    now: Timestamp,
    stale_for: Duration,
    row: &Arc<T>,
) {
    while past
        .front()
        .is_some_and(|(until, _)| stale_for < now.since(*until))
    {
        past.pop_front();
    }
    if !stale_for.is_zero() {
        past.push_back((now, row.clone()));
    }
}
