//! From what AWS said to the rows of a fleet; rows that did not change are shared with the last reading.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    activities::Log,
    details::{Detail, Details},
    groups::{Group, Member},
    machines::{Machine, Machines},
    status::Statuses,
    templates::Templates,
};
use crate::fleet::{
    Instance, InstanceId, Lifecycle, Market, Pool, PoolKey, PoolKind, PoolName, ScopeId, Timestamp,
    Upkeep,
};

/// What the rows are made from.
pub(super) struct Sources<'a> {
    pub(super) scope: &'a ScopeId,
    /// The tag that makes a pool, where the configuration names one.
    pub(super) tag: Option<&'a str>,
    pub(super) groups: &'a BTreeMap<PoolName, Group>,
    pub(super) details: &'a Details,
    pub(super) templates: &'a Templates,
    pub(super) machines: &'a Machines,
    pub(super) loose: &'a BTreeSet<InstanceId>,
    pub(super) statuses: &'a Statuses,
    pub(super) log: &'a Log,
}

/// The rows as they were told last.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pools: HashMap<PoolKey, Arc<Pool>>,
    instances: HashMap<InstanceId, Arc<Instance>>,
    seen: HashMap<InstanceId, Seen>,
}

/// In which state a machine was seen, and since when.
#[derive(Clone, Debug)]
struct Seen {
    lifecycle: Option<Lifecycle>,
    since: Timestamp,
    last_at: Timestamp,
}

impl Rows {
    /// Makes the rows of this reading.
    pub(super) fn make(
        &mut self,
        sources: &Sources<'_>,
        now: Timestamp,
    ) -> (Vec<Arc<Pool>>, Vec<Arc<Instance>>) {
        let (mut pools, mut instances) = (Vec::new(), Vec::new());
        for (name, group) in sources.groups {
            let detail = sources.details.get(name);
            pools.push(group_pool(sources, group, detail));
            let key = PoolKey::new(sources.scope.clone(), name.clone());
            for member in members(group, detail) {
                let lifecycle = Some(&member.lifecycle);
                let since = self.since(&member.id, lifecycle, sources.log, now);
                instances.push(member_row(sources, &key, member, since));
            }
        }
        let (static_pools, loose) = self.loose_rows(sources, now);
        pools.extend(static_pools);
        instances.extend(loose);
        let pools = share(&mut self.pools, pools, Pool::key);
        let instances = share(&mut self.instances, instances, |it| it.id.clone());
        self.seen.retain(|id, _| self.instances.contains_key(id));
        (pools, instances)
    }

    /// Remembers in which state a machine is, and returns since when.
    fn since(
        &mut self,
        id: &InstanceId,
        lifecycle: Option<&Lifecycle>,
        log: &Log,
        now: Timestamp,
    ) -> Timestamp {
        let seen = self.seen.get(id);
        let since = if let Some(same) = seen.filter(|it| it.lifecycle.as_ref() == lifecycle) {
            same.since
        } else {
            let began = lifecycle.and_then(|it| log.began(id, it));
            // An activity that began before we saw the state before this
            // one cannot say when this one began.
            let is_tighter =
                |it: &Timestamp| *it <= now && seen.is_none_or(|seen| seen.last_at <= *it);
            began.filter(is_tighter).unwrap_or(now)
        };
        let seen = Seen {
            lifecycle: lifecycle.cloned(),
            since,
            last_at: now,
        };
        self.seen.insert(id.clone(), seen);
        since
    }

    /// Makes rows for machines that carry the pool's tag and belong to no group.
    fn loose_rows(&mut self, sources: &Sources<'_>, now: Timestamp) -> (Vec<Pool>, Vec<Instance>) {
        let (mut pools, mut instances) = (BTreeMap::new(), Vec::new());
        let Some(tag) = sources.tag else {
            return (Vec::new(), instances);
        };
        for id in sources.loose {
            let Some(machine) = sources.machines.get(id) else {
                continue;
            };
            let value = machine.tags.get(tag).filter(|it| !it.is_empty());
            let name = value.map(|value| {
                group_tagged(sources.groups, tag, value)
                    .unwrap_or_else(|| PoolName::from(value.as_str()))
            });
            let key = name.map(|it| PoolKey::new(sources.scope.clone(), it));
            if let Some(key) = &key
                && !sources.groups.contains_key(&key.name)
            {
                let pool = pools
                    .entry(key.name.clone())
                    .or_insert_with(|| static_pool(key, tag, machine));
                if !pool.zones.contains(&machine.zone) {
                    pool.zones.push(machine.zone.clone());
                    pool.zones.sort();
                }
            }
            let since = self.since(id, None, sources.log, now);
            instances.push(machine_row(sources, id, machine, key, since));
        }
        (pools.into_values().collect(), instances)
    }
}

/// Returns the members of a group, its warm pool's included.
pub(super) fn members<'a>(
    group: &'a Group,
    detail: Option<&'a Detail>,
) -> impl Iterator<Item = &'a Member> {
    let warm = detail.map_or(&[][..], |it| &it.warm);
    // A machine that leaves the warm pool is in both lists for a moment.
    let warm = warm
        .iter()
        .filter(|warm| group.members.iter().all(|it| it.id != warm.id));
    group.members.iter().chain(warm)
}

/// Returns the one group that carries the tag with this value.
fn group_tagged(groups: &BTreeMap<PoolName, Group>, tag: &str, value: &str) -> Option<PoolName> {
    let mut found = groups
        .values()
        .filter(|it| it.pool.tags.get(tag).is_some_and(|it| it == value));
    let first = found.next()?;
    found.next().is_none().then(|| first.pool.name.clone())
}

fn group_pool(sources: &Sources<'_>, group: &Group, detail: Option<&Detail>) -> Pool {
    let mut pool = group.pool.clone();
    let describe = |it| sources.templates.describe(it);
    pool.template = group.blueprint.as_ref().map(describe);
    if let Some(detail) = detail {
        pool.hooks.clone_from(&detail.hooks);
        pool.hooks_read_at = detail.hooks_read_at;
        pool.refresh.clone_from(&detail.refresh);
    }
    pool
}

fn static_pool(key: &PoolKey, tag: &str, machine: &Machine) -> Pool {
    let value = machine.tags.get(tag).cloned().unwrap_or_default();
    Pool {
        scope: key.scope.clone(),
        name: key.name.clone(),
        kind: PoolKind::Static,
        capacity: None,
        template: None,
        mixed: None,
        zones: Vec::new(),
        suspended: Vec::new(),
        protects_new_instances: false,
        hooks: Vec::new(),
        hooks_read_at: None,
        warm_pool_size: None,
        refresh: None,
        upkeep: Upkeep::default(),
        health_check: None,
        termination_policies: Vec::new(),
        enabled_metrics: Vec::new(),
        created_at: None,
        status: None,
        tags: BTreeMap::from([(tag.to_owned(), value)]),
        ci: None,
        next_price: None,
    }
}

fn member_row(
    sources: &Sources<'_>,
    pool: &PoolKey,
    member: &Member,
    since: Timestamp,
) -> Instance {
    let machine = sources.machines.get(&member.id);
    let mut row = match machine {
        Some(machine) => machine_row(sources, &member.id, machine, Some(pool.clone()), since),
        None => unseen_row(sources, member, pool.clone(), since),
    };
    row.lifecycle = Some(member.lifecycle.clone());
    row.health.clone_from(&member.health);
    row.protected = member.protected;
    row.template_name.clone_from(&member.template_name);
    row.template_version.clone_from(&member.template_version);
    row
}

fn machine_row(
    sources: &Sources<'_>,
    id: &InstanceId,
    machine: &Machine,
    pool: Option<PoolKey>,
    since: Timestamp,
) -> Instance {
    let status = sources.statuses.get(id).cloned().unwrap_or_default();
    Instance {
        id: id.clone(),
        scope: sources.scope.clone(),
        pool,
        lifecycle: None,
        lifecycle_since: since,
        state: Some(machine.state.clone()),
        state_reason: machine.state_reason.clone(),
        health: None,
        protected: false,
        instance_type: machine.instance_type.clone(),
        zone: machine.zone.clone(),
        market: machine.market.clone(),
        platform: machine.platform.clone(),
        price: None,
        image: machine.image.clone(),
        template_name: None,
        template_version: None,
        launched_at: machine.launched_at,
        private_address: machine.private_address.clone(),
        public_address: machine.public_address.clone(),
        private_dns: machine.private_dns.clone(),
        status_checks: status.checks,
        scheduled_event: status.event,
        tags: machine.tags.clone(),
    }
}

/// Makes the row of a member that EC2 has not shown yet.
fn unseen_row(sources: &Sources<'_>, member: &Member, pool: PoolKey, since: Timestamp) -> Instance {
    Instance {
        id: member.id.clone(),
        scope: sources.scope.clone(),
        pool: Some(pool),
        lifecycle: None,
        lifecycle_since: since,
        state: None,
        state_reason: None,
        health: None,
        protected: false,
        instance_type: member.instance_type.clone(),
        zone: member.zone.clone(),
        // Only EC2 knows how it was bought; on-demand would be a guess.
        market: Market::Other("unknown".to_owned()),
        platform: None,
        price: None,
        image: member.image.clone(),
        template_name: None,
        template_version: None,
        launched_at: None,
        private_address: None,
        public_address: None,
        private_dns: None,
        status_checks: None,
        scheduled_event: None,
        tags: BTreeMap::new(),
    }
}

/// Replaces what was told last, keeping the `Arc` of every row that is the same.
fn share<K, T>(last: &mut HashMap<K, Arc<T>>, rows: Vec<T>, key: impl Fn(&T) -> K) -> Vec<Arc<T>>
where
    K: std::hash::Hash + Eq,
    T: PartialEq,
{
    let mut old = std::mem::take(last);
    rows.into_iter()
        .map(|row| {
            let id = key(&row);
            let row = match old.remove(&id) {
                Some(same) if *same == row => same,
                _ => Arc::new(row),
            };
            last.insert(id, row.clone());
            row
        })
        .collect()
}
