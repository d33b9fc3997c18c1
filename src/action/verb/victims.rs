//! Which instances of a pool go first, and why.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use crate::{
    fleet::{
        Fleet, Health, Instance, InstanceRow, Phase, Pool, Record as _, Timestamp, Value, Work,
    },
    operation,
};

/// An instance that was chosen, and the reason that an operator reads.
pub(super) struct Victim<'a> {
    pub(super) instance: &'a Arc<Instance>,
    pub(super) why: String,
}

/// Who of a pool may be chosen, those that go soonest first.
pub(super) struct Candidates<'a> {
    pub(super) ranked: Vec<Victim<'a>>,
    /// How many somebody protected one by one, where others are not; they are passed over.
    pub(super) n_spared: usize,
}

/// Ranks the members of a pool: unhealthy first, then idle ones (outdated, from a crowded
/// zone, idle longest), then busy ones by the expected end of their jobs.
///
/// Protection from scale-in keeps the group from choosing by itself, which is why every pool
/// is told to have it; it says something of an instance only where others have none.
pub(super) fn candidates<'a>(fleet: &'a Fleet, pool: &Pool) -> Candidates<'a> {
    let roster = fleet.roster(&pool.key());
    let mut n_in_zone: BTreeMap<&str, usize> = BTreeMap::new();
    for instance in &roster.instances {
        *n_in_zone.entry(&instance.zone).or_default() += 1;
    }
    // What an operation has marked is on its way already, and protected by that operation.
    let is_free = |it: &&Arc<Instance>| {
        it.phase() == Phase::InService && !it.tags.contains_key(operation::TAG)
    };
    let free: Vec<_> = roster.instances.iter().filter(is_free).collect();
    let is_hardened = pool.protects_new_instances || free.iter().all(|it| it.protected);
    let (spared, eligible): (Vec<_>, Vec<_>) = free
        .into_iter()
        .partition(|it| it.protected && !is_hardened);
    let mut ranked: Vec<_> = eligible
        .into_iter()
        .map(|it| (rank(fleet, it, n_in_zone[it.zone.as_str()]), it))
        .collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.id.cmp(&b.1.id)));
    let ranked = ranked.into_iter().map(|(rank, instance)| Victim {
        instance,
        why: rank.to_string(),
    });
    Candidates {
        ranked: ranked.collect(),
        n_spared: spared.len(),
    }
}

/// The smaller, the sooner it goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_healthy: bool,
    /// Idle, then busy, then what cannot be told.
    work: u8,
    is_current: bool,
    n_in_zone: Reverse<usize>,
    /// Nobody knows when its jobs end: no estimate, or one that is over.
    is_open_ended: bool,
    /// Idle since, or the expected end of the last job.
    at: Option<Timestamp>,
}

fn rank(fleet: &Fleet, instance: &Arc<Instance>, n_in_zone: usize) -> Rank {
    let row = InstanceRow::new(fleet, instance);
    let now = fleet.read_at(&instance.scope).unwrap_or_default();
    let (work, at) = match row.work() {
        Some(Work::Idle { since }) => (0, *since),
        Some(Work::Busy(jobs)) => (1, jobs.iter().filter_map(|it| it.expected_end).max()),
        Some(Work::Offline { .. } | Work::Unknown(_)) | None => (2, None),
    };
    Rank {
        is_healthy: instance.health != Some(Health::Unhealthy),
        work,
        is_current: row.value("outdated", Timestamp::EPOCH) != Value::Flag(true),
        n_in_zone: Reverse(n_in_zone),
        is_open_ended: work == 1 && at.is_none_or(|it| it < now),
        at,
    }
}

impl std::fmt::Display for Rank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.is_healthy {
            return f.write_str("unhealthy");
        }
        let work = match self.work {
            0 => "idle",
            1 if self.is_open_ended => "busy, its end is not known",
            1 => "busy, ends soonest",
            _ => "its work is not known",
        };
        f.write_str(work)?;
        if !self.is_current {
            f.write_str(", outdated")?;
        }
        match self.at {
            Some(at) if self.work == 0 => write!(f, ", since {}", at.clock_time()),
            Some(at) => write!(f, ", expected {}", at.clock_time()),
            None => Ok(()),
        }
    }
}
