//! Capacity: how many may be out, and that desired moves by what was planned.

use std::collections::BTreeMap;

use pooldeck::{
    fleet::{Call, InstanceId, Lifecycle, PoolKey},
    operation::Spec,
    sim::World,
};

use super::{Before, Checks, Verdict, drain_terms, ensure};

pub(super) struct Ledger {
    pool: PoolKey,
    desired_before: u32,
    n_launches: usize,
    /// By how much desired sank with our terminations of each target.
    sunk: BTreeMap<InstanceId, u32>,
}

impl Ledger {
    pub(super) fn new(world: &World, spec: &Spec) -> Self {
        Self {
            pool: spec.pool().clone(),
            desired_before: 0,
            n_launches: world.history().launches.len(),
            sunk: BTreeMap::new(),
        }
    }

    pub(super) fn before(&mut self, world: &World) {
        self.desired_before = desired(world, &self.pool);
    }
}

fn desired(world: &World, pool: &PoolKey) -> u32 {
    let capacity = world.group(pool).and_then(pooldeck::sim::Group::capacity);
    capacity.map_or(0, |it| it.desired)
}

/// 4.
pub(super) fn fewer_names_its_victims(checks: &Checks, before: &Before<'_>) -> Verdict {
    let Call::SetDesiredCapacity { pool, desired } = before.call else {
        return Ok(());
    };
    if drain_terms(&checks.spec).is_none() && !checks.is_strict {
        // AWS offers no way to change a number only if it is still what was read.
        return Ok(());
    }
    let n_counted = before.world.members(pool).filter(|it| it.is_counted());
    let n_counted = u32::try_from(n_counted.count()).unwrap();
    ensure(n_counted <= *desired, 4, || {
        format!("desired sinks to {desired} below {n_counted} members, and names no victim")
    })
}

/// 8 and 10: a replacing drain begins with one more only while enough others serve.
pub(super) fn no_more_than_allowed_are_out(checks: &Checks, before: &Before<'_>) -> Verdict {
    let (Call::Cordon { .. }, Some((false, max_unavailable))) =
        (before.call, drain_terms(&checks.spec))
    else {
        return Ok(());
    };
    if !checks.is_strict || checks.spec.is_forced() {
        return Ok(());
    }
    let world = before.world;
    let is_ours = |id: &InstanceId| {
        let mut agents = world.agents_on(id).filter_map(|it| it.cordon.as_ref());
        let is_named = before.call.to_string().contains(id.as_str());
        is_named || agents.any(|it| it.contains(&checks.id.0))
    };
    let serving = world.members(&checks.capacity.pool).filter(|it| {
        it.lifecycle() == Some(&Lifecycle::InService) && it.is_alive() && !is_ours(it.id())
    });
    let n_serving = u32::try_from(serving.count()).unwrap();
    let desired = desired(world, &checks.capacity.pool);
    ensure(desired <= n_serving + max_unavailable, 8, || {
        format!("{n_serving} of {desired} serve, and {max_unavailable} may be out")
    })
}

/// 9, of desired: a target that goes lowers it once.
pub(super) fn each_decrement_counts_once(
    checks: &mut Checks,
    world: &World,
    call: &Call,
) -> Verdict {
    let Call::TerminateInstance { instance, .. } = call else {
        return Ok(());
    };
    let now = desired(world, &checks.capacity.pool);
    let sunk = checks.capacity.sunk.entry(instance.clone()).or_default();
    *sunk += checks.capacity.desired_before.saturating_sub(now);
    let duplicates = world.history().duplicates.iter();
    let n_duplicates = duplicates.filter(|it| *it == call).count();
    let most = 1 + u32::try_from(n_duplicates).unwrap();
    ensure(*sunk <= most, 9, || {
        format!("desired sank by {sunk} for {instance} alone")
    })
}

/// 11: launches come from what was terminated, and from nothing else of ours.
pub(super) fn nothing_more_is_launched(checks: &mut Checks, world: &World) -> Verdict {
    let desired_now = desired(world, &checks.capacity.pool);
    let n_launched = world.history().launches.len() - checks.capacity.n_launches;
    let is_judged = drain_terms(&checks.spec).is_some();
    ensure(
        !is_judged || desired_now <= checks.capacity.desired_before,
        11,
        || format!("a drain raised desired to {desired_now} ({n_launched} were launched)"),
    )
}
