//! Leaks: what an operation borrowed is returned, unless somebody changed it since.

use std::collections::BTreeMap;

use pooldeck::{
    fleet::{Call, HookTransition, InstanceId, PoolKey},
    operation::TAG,
    sim::{Doom, World},
};

use super::{Checks, Verdict, drain_terms, ensure};

/// One thing that calls change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Bounds(PoolKey),
    Desired(PoolKey),
    Suspended(PoolKey),
    Protected(InstanceId),
    Mark(InstanceId),
}

/// As it was before our first change of it, and as our last change left it.
#[derive(Clone, Debug)]
struct Change {
    was: String,
    left: String,
}

#[derive(Default)]
pub(super) struct Borrowed {
    changes: BTreeMap<Thing, Change>,
    before: BTreeMap<Thing, String>,
}

impl Borrowed {
    pub(super) fn before(&mut self, world: &World, call: &Call) {
        self.before = state(world);
        if matches!(call, Call::TerminateInstance { .. }) {
            // A decrement is no loan.
            self.before.retain(|it, _| !matches!(it, Thing::Desired(_)));
        }
    }

    /// What somebody else changed since is theirs.
    pub(super) fn passed(&mut self, world: &World) {
        let now = state(world);
        self.changes
            .retain(|thing, change| now.get(thing).is_none_or(|it| *it == change.left));
    }

    pub(super) fn after(&mut self, world: &World) {
        let after = state(world);
        for (thing, was) in std::mem::take(&mut self.before) {
            let Some(left) = after.get(&thing).filter(|it| **it != was) else {
                continue;
            };
            let change = self.changes.entry(thing).or_insert_with(|| Change {
                was: was.clone(),
                left: String::new(),
            });
            if change.left != was && !change.left.is_empty() {
                // Somebody else changed it meanwhile, and that is what we found.
                change.was = was;
            }
            change.left.clone_from(left);
        }
    }
}

fn state(world: &World) -> BTreeMap<Thing, String> {
    let mut state = BTreeMap::new();
    for group in world.groups() {
        let key = group.key();
        if let Some(it) = group.capacity() {
            state.insert(
                Thing::Bounds(key.clone()),
                format!("{}..{}", it.min, it.max),
            );
            state.insert(Thing::Desired(key.clone()), it.desired.to_string());
        }
        let suspended = group.row.suspended.iter().map(|it| it.process.to_string());
        let suspended: std::collections::BTreeSet<String> = suspended.collect();
        state.insert(Thing::Suspended(key), format!("{suspended:?}"));
    }
    for machine in world.machines() {
        if machine.is_alive() && !machine.is_leaving() {
            let id = machine.id();
            let mark = format!("{:?}", machine.row.tags.get(TAG));
            state.insert(
                Thing::Protected(id.clone()),
                machine.row.protected.to_string(),
            );
            state.insert(Thing::Mark(id.clone()), mark);
        }
    }
    state
}

/// 9 and 18, of everything that a call changed.
pub(super) fn what_was_borrowed_is_returned(checks: &Checks, world: &World) -> Verdict {
    let now = state(world);
    for (thing, change) in &checks.borrowed.changes {
        // What is on its way out is given back with its life, and what others changed is theirs.
        let is_as_left = now.get(thing).is_some_and(|it| *it == change.left);
        if let Thing::Bounds(pool) = thing
            && is_outgrown(world, pool, change)
        {
            continue;
        }
        let invariant = match thing {
            Thing::Bounds(_) | Thing::Desired(_) | Thing::Suspended(_) => 9,
            Thing::Protected(_) | Thing::Mark(_) => 18,
        };
        ensure(!is_as_left || change.was == change.left, invariant, || {
            format!("{thing:?} was {} and stays {}", change.was, change.left)
        })?;
    }
    Ok(())
}

/// Returns whether somebody wants more by now than the bounds allowed that are to come back.
fn is_outgrown(world: &World, pool: &PoolKey, change: &Change) -> bool {
    let max = change.was.rsplit('.').next().and_then(|it| it.parse().ok());
    let capacity = world.group(pool).and_then(pooldeck::sim::Group::capacity);
    capacity
        .zip(max)
        .is_some_and(|(it, max): (_, u32)| max < it.desired)
}

/// 18, of what names the operation.
pub(super) fn nothing_of_ours_outlives_it(checks: &Checks, world: &World) -> Verdict {
    for agent in world.controllers().flat_map(|it| it.agents.values()) {
        let is_ours = agent
            .cordon
            .as_ref()
            .is_some_and(|it| it.contains(&checks.id.0));
        ensure(!is_ours, 18, || {
            format!("{} keeps our cordon at {}", agent.name, world.now())
        })?;
    }
    for machine in world
        .machines()
        .filter(|it| it.is_alive() && !it.is_leaving())
    {
        let mark = machine.row.tags.get(TAG);
        let is_ours = mark.is_some_and(|it| checks.is_ours(it));
        ensure(!is_ours, 18, || format!("{} keeps our mark", machine.id()))?;
    }
    Ok(())
}

/// 20: a hook that held a target of ours was answered by us, and not by its deadline.
pub(super) fn every_hook_is_answered(
    checks: &Checks,
    world: &World,
    targets: &[InstanceId],
) -> Verdict {
    if !checks.is_strict || checks.away_at.is_some() || drain_terms(&checks.spec).is_none() {
        return Ok(());
    }
    for death in &world.history().deaths[checks.n_deaths..] {
        let hooks = death.pool.as_ref().and_then(|it| world.group(it));
        let is_held = hooks.is_some_and(|it| {
            let hooks = &it.row.hooks;
            hooks
                .iter()
                .any(|it| it.transition == HookTransition::Terminating)
        });
        let is_judged = is_held && death.why == Doom::TerminatedByUs;
        let is_ours = targets.contains(&death.instance);
        let is_answered = checks.completed.contains(&death.instance);
        ensure(!is_judged || !is_ours || is_answered, 20, || {
            format!("the hook of {} was left to its deadline", death.instance)
        })?;
    }
    Ok(())
}
