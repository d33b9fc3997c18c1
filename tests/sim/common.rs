//! What the tests of the simulated region share: a small world, its reading, and what must always be true of it.

use std::{collections::BTreeMap, time::Duration};

use pooldeck::{
    fleet::{
        Call, Capacity, ControllerName, Fleet, Hook, HookResult, HookTransition, InstanceId,
        Lifecycle, MachineState, PoolKey, ScopeId, Timestamp,
    },
    sim::{Deed, LoadSpec, Machine, PoolSpec, Project, Scenario, World},
};

/// A Friday morning.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_763_719_200);

pub(crate) fn key() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

pub(crate) fn scope() -> ScopeId {
    key().scope
}

pub(crate) fn jenkins() -> ControllerName {
    "jenkins".into()
}

/// One pool of six that may be two to twelve, and jobs for about half of it.
pub(crate) fn scenario(edit: impl FnOnce(&mut PoolSpec)) -> Scenario {
    let capacity = Capacity {
        desired: 6,
        min: 2,
        max: 12,
    };
    let mut pool = PoolSpec::group("linux", "us-east-1", capacity);
    edit(&mut pool);
    Scenario::of(vec![pool], vec![load(20)])
}

pub(crate) fn load(jobs_per_hour: u32) -> LoadSpec {
    LoadSpec {
        label: "linux".to_owned(),
        projects: vec![Project::new("api/tests", 120, 1200)],
        jobs_per_hour,
        night_percent: 50,
        backlog: 0,
    }
}

pub(crate) fn world(seed: u64, edit: impl FnOnce(&mut PoolSpec)) -> World {
    World::new(seed, scenario(edit), START)
}

/// A world in which nothing runs and nothing will, so that only what a test does happens.
pub(crate) fn quiet(edit: impl FnOnce(&mut PoolSpec)) -> World {
    let mut scenario = scenario(edit);
    scenario.controllers[0].loads[0].projects.clear();
    World::new(1, scenario, START)
}

pub(crate) fn hook(
    transition: HookTransition,
    timeout_secs: u64,
    default_result: HookResult,
) -> Hook {
    let heartbeat_timeout = Duration::from_secs(timeout_secs);
    Hook {
        name: match transition {
            HookTransition::Launching => "up".to_owned(),
            HookTransition::Terminating => "down".to_owned(),
        },
        transition,
        heartbeat_timeout,
        global_timeout: heartbeat_timeout * 100,
        default_result,
    }
}

/// Reads every source of the world, none of which may fail, and joins them.
pub(crate) fn read(world: &mut World) -> Fleet {
    let scopes: Vec<_> = world.scopes().map(|it| it.id.clone()).collect();
    let controllers: Vec<_> = world.controllers().map(|it| it.name.clone()).collect();
    let mut parts = Vec::new();
    for scope in scopes {
        parts.push(world.observe(&scope).unwrap().part);
    }
    for name in controllers {
        parts.push(world.observe_ci(&name).unwrap().part);
    }
    Fleet::join(&parts)
}

/// Lets time pass, happening by happening, until the world is as wanted.
pub(crate) fn wait_for(
    world: &mut World,
    most_secs: u64,
    what: &str,
    wanted: impl Fn(&World) -> bool,
) {
    let deadline = world.now() + Duration::from_secs(most_secs);
    while !wanted(world) {
        let next = world.next_at().filter(|it| *it <= deadline);
        let next = next.unwrap_or_else(|| panic!("not within {most_secs} s: {what}"));
        world.advance_to(next);
    }
}

pub(crate) fn ids(world: &World, wanted: impl Fn(&Machine) -> bool) -> Vec<InstanceId> {
    world
        .machines()
        .filter(|it| wanted(it))
        .map(|it| it.id().clone())
        .collect()
}

pub(crate) fn n_in(world: &World, lifecycle: &Lifecycle) -> usize {
    world
        .members(&key())
        .filter(|it| it.lifecycle() == Some(lifecycle))
        .count()
}

/// Returns the lifecycle state of a machine; a machine that is gone has none.
pub(crate) fn lifecycle(world: &World, id: &InstanceId) -> Option<Lifecycle> {
    let machine = world.machine(id).filter(|it| !it.is_gone());
    machine.and_then(|it| it.lifecycle().cloned())
}

/// Lists every lifecycle state that a machine passes through, until it rests or is gone.
pub(crate) fn path(world: &mut World, id: &InstanceId, most_secs: u64) -> Vec<String> {
    let deadline = world.now() + Duration::from_secs(most_secs);
    let mut states: Vec<String> = Vec::new();
    loop {
        let state = lifecycle(world, id).map_or("-".to_owned(), |it| it.to_string());
        if states.last() != Some(&state) {
            states.push(state);
        }
        match world.next_at().filter(|it| *it <= deadline) {
            Some(next) => world.advance_to(next),
            None => return states,
        }
    }
}

pub(crate) fn desired(world: &World) -> u32 {
    world
        .group(&key())
        .and_then(pooldeck::sim::Group::capacity)
        .unwrap()
        .desired
}

/// Checks what must hold of the true state at any time, whatever was done to it.
pub(crate) fn check(world: &World) {
    check_membership(world);
    check_machines(world);
    check_jobs(world);
    for group in world.groups() {
        if let Some(it) = group.capacity() {
            assert!(
                it.min <= it.desired && it.desired <= it.max,
                "{}: {it:?}",
                group.key()
            );
        }
        for activity in &group.activities {
            assert_eq!(
                activity.ended_at.is_some(),
                activity.status.is_over(),
                "{activity:?}"
            );
        }
    }
}

/// Every machine is a member of exactly one group, or of none.
fn check_membership(world: &World) {
    let mut owners: BTreeMap<&InstanceId, Vec<PoolKey>> = BTreeMap::new();
    for group in world.groups() {
        for id in &group.members {
            owners.entry(id).or_default().push(group.key());
        }
    }
    for machine in world.machines() {
        let owners = owners.remove(machine.id()).unwrap_or_default();
        match (machine.lifecycle(), &owners[..]) {
            (None, []) => {}
            (Some(_), [owner]) => assert_eq!(machine.pool(), Some(owner)),
            (Some(_), []) if machine.is_gone() => {}
            (lifecycle, owners) => panic!(
                "{} is {lifecycle:?} and a member of {owners:?}",
                machine.id()
            ),
        }
    }
    assert!(owners.is_empty(), "members without a machine: {owners:?}");
}

fn check_machines(world: &World) {
    let now = world.now();
    for machine in world.machines() {
        let id = machine.id();
        let runs = matches!(
            machine.row.state,
            Some(MachineState::Pending | MachineState::Running)
        );
        // A machine of the warm pool is stopped, and dead only once EC2 took it.
        let rests = machine.is_warm() && machine.row.state == Some(MachineState::Stopped);
        assert!(
            machine.is_alive() == runs || rests,
            "{id} is {:?}",
            machine.row.state
        );
        let is_held = machine
            .lifecycle()
            .is_some_and(Lifecycle::is_waiting_on_hook);
        assert_eq!(
            is_held,
            !machine.waits.is_empty(),
            "{id} is {:?}",
            machine.lifecycle()
        );
        for wait in &machine.waits {
            assert!(
                now <= wait.deadline && wait.deadline <= wait.global_deadline,
                "{id}: {wait:?} at {now}"
            );
        }
        if machine.lifecycle() == Some(&Lifecycle::TerminatingProceed) {
            assert!(!machine.is_alive(), "{id} proceeds and still runs");
        }
        let n_deaths = world
            .history()
            .deaths
            .iter()
            .filter(|it| it.instance == *id)
            .count();
        assert_eq!(
            n_deaths,
            usize::from(!machine.is_alive()),
            "{id} died {n_deaths} times"
        );
    }
}

/// A job waits, runs on a living machine, is done, or was lost with its machine; nothing else.
fn check_jobs(world: &World) {
    let mut n_running = 0;
    for machine in world.machines() {
        let runs = world.jobs_on(machine.id());
        assert!(
            runs.is_empty() || machine.is_alive(),
            "{} is dead and runs {runs:?}",
            machine.id()
        );
        n_running += runs.len() as u64;
        let n_slots: u32 = world.agents_on(machine.id()).map(|it| it.n_slots).sum();
        assert!(
            runs.len() as u64 <= u64::from(n_slots),
            "{} runs {runs:?}",
            machine.id()
        );
        assert!(runs.iter().all(|it| world.now() <= it.ends_at), "{runs:?}");
    }
    let history = world.history();
    assert_eq!(
        history.n_jobs_started,
        history.n_jobs_done + history.n_jobs_lost() + n_running,
        "a job vanished"
    );
}

/// A world whose six agents are busy most of the time.
pub(crate) fn busy_world(seed: u64) -> World {
    let mut scenario = scenario(|_| {});
    scenario.controllers[0].loads = vec![load(200)];
    let mut world = World::new(seed, scenario, START);
    world.advance(Duration::from_hours(1));
    world
}

pub(crate) fn set_desired(desired: u32) -> Call {
    Call::SetDesiredCapacity {
        pool: key(),
        desired,
    }
}

pub(crate) fn first(world: &World) -> InstanceId {
    ids(world, |it| it.lifecycle() == Some(&Lifecycle::InService)).remove(0)
}

pub(crate) fn terminating(result: HookResult) -> impl FnOnce(&mut PoolSpec) {
    move |it| it.hooks = vec![hook(HookTransition::Terminating, 300, result)]
}

pub(crate) fn terminate(world: &mut World, id: &InstanceId, decrement: bool) {
    world
        .meddle(&Deed::TerminateInGroup {
            instance: id.clone(),
            decrement,
        })
        .unwrap();
}
