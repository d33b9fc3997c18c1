//! Leaks: what an operation borrowed is returned, unless somebody changed it since.

use std::{collections::BTreeMap, time::Duration};

use pooldeck::{
    fleet::{Call, FreezeMark, HookTransition, InstanceId, PoolKey, Process, Timestamp},
    operation::TAG,
    sim::{Doom, World},
};

use super::{Checks, Verdict, ensure};

/// One thing that calls change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Min(PoolKey),
    Max(PoolKey),
    Suspended(PoolKey, Process),
    Freeze(PoolKey),
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
    /// What was suspended when we last looked, and when somebody else changed that.
    suspended: BTreeMap<Thing, String>,
    others_at: BTreeMap<Thing, Timestamp>,
    /// When we last asked for the suspension.
    asked_at: BTreeMap<Thing, Timestamp>,
}

impl Borrowed {
    pub(super) fn new(world: &World) -> Self {
        Self {
            suspended: suspended(world),
            ..Self::default()
        }
    }

    pub(super) fn before(&mut self, world: &World, call: &Call) {
        self.before = state(world);
        if let Call::SuspendProcesses { pool, processes } = call {
            let things = processes
                .iter()
                .map(|it| Thing::Suspended(pool.clone(), it.clone()));
            self.asked_at.extend(things.map(|it| (it, world.now())));
        }
    }

    /// What somebody else changed since is theirs.
    pub(super) fn passed(&mut self, world: &World) {
        self.changes
            .retain(|thing, change| value(world, thing).is_none_or(|it| it == change.left));
        let now = suspended(world);
        for (thing, value) in &now {
            if self.suspended.get(thing).is_some_and(|it| it != value) {
                self.others_at.insert(thing.clone(), world.now());
            }
        }
        self.suspended = now;
    }

    pub(super) fn after(&mut self, world: &World) {
        let after = state(world);
        self.suspended = suspended(world);
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

impl Borrowed {
    /// Returns when somebody else suspended a process last, or resumed it.
    pub(super) fn changed_by_others(&self, pool: &PoolKey, process: Process) -> Option<Timestamp> {
        let thing = Thing::Suspended(pool.clone(), process);
        self.others_at.get(&thing).copied()
    }

    /// Returns whether somebody suspended it so near to us that nobody can tell who did: AWS
    /// keeps one suspension, and says to the second when it began, by its own clock.
    fn is_anybodys(&self, thing: &Thing) -> bool {
        // And a step, because we look only at its end.
        const SKEW: Duration = Duration::from_secs(5 * 60 + 10);
        let others_at = self.others_at.get(thing);
        let both = others_at.zip(self.asked_at.get(thing));
        both.is_some_and(|(theirs, ours)| ours.since(*theirs).max(theirs.since(*ours)) <= SKEW)
    }
}

fn suspended(world: &World) -> BTreeMap<Thing, String> {
    let of_group = |key: PoolKey| {
        let processes = FreezeMark::PROCESSES.into_iter();
        processes.map(move |it| Thing::Suspended(key.clone(), it))
    };
    let things = world.groups().flat_map(|it| of_group(it.key()));
    let valued = |it: Thing| value(world, &it).map(|value| (it, value));
    things.filter_map(valued).collect()
}

/// Returns everything that a call may change for a while.
fn state(world: &World) -> BTreeMap<Thing, String> {
    let mut things = Vec::new();
    for group in world.groups() {
        let key = group.key();
        let suspended = FreezeMark::PROCESSES.into_iter();
        things.extend(suspended.map(|it| Thing::Suspended(key.clone(), it)));
        things.extend([Thing::Min(key.clone()), Thing::Max(key.clone())]);
        things.push(Thing::Freeze(key));
    }
    for machine in world.machines() {
        let id = machine.id();
        things.extend([Thing::Protected(id.clone()), Thing::Mark(id.clone())]);
    }
    let valued = |it: Thing| value(world, &it).map(|value| (it, value));
    things.into_iter().filter_map(valued).collect()
}

/// Returns what a thing is like; nothing of a machine that is on its way out.
fn value(world: &World, thing: &Thing) -> Option<String> {
    let capacity = |key: &PoolKey| world.group(key).and_then(pooldeck::sim::Group::capacity);
    let row = |key: &PoolKey| world.group(key).map(|it| &it.row);
    let machine = |id: &InstanceId| {
        let machine = world.machine(id);
        machine.filter(|it| it.is_alive() && !it.is_leaving())
    };
    match thing {
        Thing::Min(key) => capacity(key).map(|it| it.min.to_string()),
        Thing::Max(key) => capacity(key).map(|it| it.max.to_string()),
        Thing::Suspended(key, process) => row(key).map(|it| it.is_suspended(process).to_string()),
        Thing::Freeze(key) => row(key).map(|it| format!("{:?}", it.tags.get(FreezeMark::TAG))),
        Thing::Protected(id) => machine(id).map(|it| it.row.protected.to_string()),
        Thing::Mark(id) => machine(id).map(|it| format!("{:?}", it.row.tags.get(TAG))),
    }
}

/// 9 and 18, of everything that a call changed.
pub(super) fn what_was_borrowed_is_returned(checks: &Checks, world: &World) -> Verdict {
    for (thing, change) in &checks.borrowed.changes {
        // What is on its way out is given back with its life, and what others changed is theirs.
        let is_as_left = value(world, thing).is_some_and(|it| it == change.left);
        if let Thing::Max(pool) = thing
            && is_outgrown(world, pool, change)
        {
            continue;
        }
        let borrowed = &checks.borrowed;
        if change.was == "true" && borrowed.is_anybodys(thing) {
            continue;
        }
        let invariant = match thing {
            Thing::Min(_) | Thing::Max(_) | Thing::Suspended(..) | Thing::Freeze(_) => 9,
            Thing::Protected(_) | Thing::Mark(_) => 18,
        };
        ensure(!is_as_left || change.was == change.left, invariant, || {
            let others_at = borrowed.others_at.get(thing);
            let (was, left) = (&change.was, &change.left);
            format!("{thing:?} was {was} and stays {left}; others changed it at {others_at:?}")
        })?;
    }
    Ok(())
}

/// Returns whether somebody wants more by now than the bounds allowed that are to come back.
fn is_outgrown(world: &World, pool: &PoolKey, change: &Change) -> bool {
    let max = change.was.parse().ok();
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
    for key in checks.spec.pools() {
        let mark = world.group(key).and_then(|it| it.row.tags.get(TAG));
        let is_ours = mark.is_some_and(|it| checks.is_ours(it));
        ensure(!is_ours, 18, || format!("group {key} keeps our mark"))?;
    }
    Ok(())
}

/// 20: a hook that held a target of ours was answered by us, and not by its deadline.
pub(super) fn every_hook_is_answered(
    checks: &Checks,
    world: &World,
    targets: &[InstanceId],
) -> Verdict {
    if !checks.is_strict || checks.away_at.is_some() {
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
