//! Drains: what each comes to, aborts at any time, and the seeds that found a mistake.

use std::time::Duration;

use pooldeck::{
    action::{self, ActionLine, Policy},
    fleet::{
        Call, Capacity, Hook, HookResult, HookTransition, InstanceId, Lifecycle, PoolKey, Timestamp,
    },
    operation::{Decision, Drain, Halt, Happening, Operation, Proof, Spec, TAG, left},
    sim::{Deed, Faults, LoadSpec, PoolSpec, Project, Scenario, World},
};

use crate::bench::Driver;

const START: Timestamp = Timestamp::from_secs(1_763_719_200);

pub(crate) fn key() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

/// A pool of six under load; odd seeds have a terminating hook, and faults are as told.
pub(crate) fn world(seed: u64, faults: Faults) -> World {
    let capacity = Capacity {
        desired: 6,
        min: 1,
        max: 12,
    };
    let mut pool = PoolSpec::group("linux", "us-east-1", capacity);
    if seed % 2 == 1 {
        let heartbeat_timeout = Duration::from_mins(5);
        pool.hooks.push(Hook {
            name: "drain".to_owned(),
            transition: HookTransition::Terminating,
            heartbeat_timeout,
            global_timeout: heartbeat_timeout * 100,
            default_result: HookResult::Abandon,
        });
    }
    let load = LoadSpec {
        label: "linux".to_owned(),
        projects: vec![Project::new("api/tests", 60, 1200)],
        jobs_per_hour: 30,
        night_percent: 100,
        ..LoadSpec::default()
    };
    let mut world = World::new(seed, Scenario::of(vec![pool], vec![load]), START);
    world.advance(Duration::from_mins(20));
    world.set_faults(faults);
    world
}

pub(crate) fn members(world: &World, n: usize) -> Vec<InstanceId> {
    let key = key();
    let alive = world.members(&key).filter(|it| it.is_counted());
    alive.take(n).map(|it| it.id().clone()).collect()
}

/// Returns the drain that a spec is; the others are none of these tests.
pub(crate) fn drain_of(spec: &mut Spec) -> &mut Drain {
    #[allow(unreachable_patterns, reason = "kinds come and go")]
    match spec {
        Spec::Drain(it) => it,
        _ => unreachable!("the case is a drain"),
    }
}

pub(crate) fn drain(targets: Vec<InstanceId>, decrement: bool) -> Drain {
    Drain {
        pool: key(),
        targets,
        decrement,
        max_unavailable: 1,
        proof: Proof::default(),
        deadline: None,
        force: false,
    }
}

pub(crate) fn driver(seed: u64, faults: Faults) -> Driver {
    let world = world(seed, faults);
    let n_targets = 1 + usize::try_from(seed % 3).unwrap();
    let targets = members(&world, n_targets);
    let spec = drain(targets, seed % 4 < 2);
    Driver::new(world, Spec::Drain(spec), seed)
}

/// Returns a drain that has just cordoned the agent of its first target, that, and its agent's name.
fn cordoned(seed: u64) -> (Driver, InstanceId, String) {
    let mut driver = driver(seed, Faults::none());
    let id = driver.operation.spec.targets()[0].clone();
    let is_open = |it: &Driver| it.world.agent_on(&id).is_some_and(|it| it.cordon.is_none());
    while is_open(&driver) {
        driver.step();
    }
    let name = driver.world.agent_on(&id).unwrap().name.clone();
    (driver, id, name)
}

fn desired(driver: &Driver) -> u32 {
    driver
        .world
        .group(&key())
        .unwrap()
        .capacity()
        .unwrap()
        .desired
}

#[test]
fn a_calm_drain_terminates_its_targets_and_lowers_desired_by_them() {
    for seed in 0..40 {
        let mut driver = driver(seed, Faults::none());
        let before = desired(&driver);
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        assert_eq!(
            driver.operation.fights(),
            [],
            "seed {seed}: nobody else is there"
        );
        let Spec::Drain(spec) = driver.operation.spec.clone() else {
            panic!("a drain")
        };
        for id in &spec.targets {
            assert!(
                driver.world.machine(id).is_none_or(|it| !it.is_alive()),
                "seed {seed}: {id} lives"
            );
        }
        let n_targets = u32::try_from(spec.targets.len()).unwrap();
        let expected = if spec.decrement {
            before - n_targets
        } else {
            before
        };
        assert_eq!(desired(&driver), expected, "seed {seed}");
    }
}

#[test]
fn an_abort_at_any_time_gives_back_what_is_not_terminated() {
    let mut n_given_back = 0;
    for seed in 0..120 {
        let faults = if seed % 2 == 0 {
            Faults::none()
        } else {
            Faults::bad_day()
        };
        let mut driver = driver(seed, faults);
        driver.crash_percent = 5;
        for _ in 0..seed % 40 {
            if driver.step().is_some() {
                break;
            }
        }
        driver.record(Happening::Aborted {
            why: "changed my mind".to_owned(),
        });
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        driver.check_no_leaks();
        n_given_back += driver.n_uncordoned();
    }
    assert!(
        20 < n_given_back,
        "the aborts came too early or too late to give anything back: {n_given_back}"
    );
}

/// Its marks say more than what is left of its journal.
#[test]
fn an_abort_from_a_journal_that_was_cut_short_gives_everything_back() {
    let mut n_protected = 0;
    for seed in 0..20 {
        let mut driver = driver(seed, Faults::none());
        for _ in 0..8 {
            if driver.step().is_some() {
                break;
            }
        }
        let is_left = |driver: &Driver| {
            let id = driver.operation.spec.targets()[0].clone();
            let machine = driver.world.machine(&id);
            machine.is_some_and(|it| it.row.protected && it.row.tags.contains_key(TAG))
        };
        n_protected += usize::from(is_left(&driver));
        driver.journal.truncate(1);
        driver.operation = Operation::replay(&driver.journal).unwrap();
        driver.record(Happening::Aborted {
            why: "changed my mind".to_owned(),
        });
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        driver.check_no_leaks();
    }
    assert!(
        10 < n_protected,
        "there was nothing to give back: {n_protected}"
    );
}

/// An agent whose row cannot be read does not look cordoned; that says nothing.
#[test]
fn an_abort_lifts_the_cordon_of_an_agent_that_cannot_be_read() {
    for seed in 0..20 {
        let (mut driver, _, name) = cordoned(seed);
        driver.unreadable_agents.insert(name);
        driver.record(Happening::Aborted {
            why: "changed my mind".to_owned(),
        });
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        driver.check_no_leaks();
    }
}

#[test]
fn an_abort_names_an_agent_that_is_not_listed_and_may_stay_cordoned() {
    let (mut driver, id, name) = cordoned(2);
    driver.hidden_agents.insert(name.clone());
    driver.record(Happening::Aborted {
        why: "changed my mind".to_owned(),
    });
    assert_eq!(driver.run(), Decision::Done);
    let fleet = driver.read();
    let said = left(&driver.operation, &fleet).join("\n");
    assert!(
        said.contains(&format!("agent {name} of {id} is not listed")),
        "{said}"
    );
}

/// Its group waits for somebody to look at it, and to end it by its name.
#[test]
fn what_is_retained_is_ended_by_force_and_desired_stays() {
    let mut pool = PoolSpec::group(
        "linux",
        "us-east-1",
        Capacity {
            desired: 3,
            min: 1,
            max: 6,
        },
    );
    let timeout = Duration::from_mins(1);
    let transition = HookTransition::Terminating;
    let hook = Hook::new("drain", transition, timeout, HookResult::Abandon);
    pool.hooks.push(hook);
    pool.retains_abandoned = true;
    let mut world = World::new(1, Scenario::of(vec![pool], Vec::new()), START);
    world.advance(Duration::from_mins(20));
    let id = members(&world, 1).remove(0);
    let terminate = Deed::Call(Call::TerminateInstance {
        pool: key(),
        instance: id.clone(),
        decrement: false,
    });
    world.meddle(&terminate).unwrap();
    world.advance(Duration::from_hours(3));
    let is_retained = |world: &World| {
        let machine = world.machine(&id);
        machine.is_some_and(|it| it.row.lifecycle == Some(Lifecycle::TerminatingRetained))
    };
    assert!(is_retained(&world));

    let mut reader = Driver::new(world, Spec::Drain(drain(Vec::new(), true)), 0);
    let fleet = reader.read();
    let plan = |line: String| {
        let line: ActionLine = line.parse().unwrap();
        action::plan(
            &line.action,
            line.reason.as_deref(),
            &fleet,
            &Policy::default(),
        )
    };
    let refusal = plan(format!("drain {id}")).unwrap_err().to_string();
    assert!(refusal.contains("--force"), "{refusal}");
    let plan = plan(format!("terminate {id} --force --reason seen")).unwrap();
    assert_eq!(plan.changes, [], "desired does not count it");
    let mut driver = Driver::new(reader.world, plan.operation.unwrap(), 1);
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(desired(&driver), 3);
    assert!(driver.world.machine(&id).is_none_or(|it| !it.is_alive()));
}

/// A controller that restarts, falls silent and loses agents all the time proves nothing.
#[test]
fn no_trouble_of_the_controller_passes_for_idleness() {
    let mut faults = Faults::bad_day();
    faults.weather.restart = 0.2;
    faults.weather.agent_drops = 0.2;
    faults.weather.silence = 0.1;
    for seed in 0..100 {
        let mut driver = driver(seed, faults.clone());
        let Spec::Drain(spec) = &mut driver.operation.spec else {
            panic!("a drain")
        };
        spec.deadline = Some(Duration::from_hours(2));
        driver.run();
    }
}

/// Found by simulation: the driver died after its intent, came back while AWS
/// could not be read, and took the empty fleet for the end of its instances.
#[test]
fn seed_200_a_fleet_that_was_not_read_proves_no_end() {
    let mut driver = driver(200, Faults::bad_day());
    driver.crash_percent = 3;
    driver.run();
    driver.check_no_leaks();
}

/// Found on real servers: a paused Buildbot worker stays paused when its machine is
/// gone, and a machine that takes its name over is never given a build.
#[test]
fn an_agent_whose_machine_is_gone_is_not_left_cordoned() {
    let mut driver = driver(3, Faults::none());
    let targets = driver.operation.spec.targets().clone();
    assert_eq!(driver.run(), Decision::Done);
    let is_known = |id: &InstanceId| driver.world.agent_on(id).is_some();
    assert!(
        targets.iter().any(is_known),
        "every agent was forgotten before the end"
    );
    driver.check_no_leaks();
    assert!(0 < driver.n_uncordoned());
}

/// Found by simulation: somebody saved the agent's configuration while its
/// instance was in Terminating:Wait, the cordon was gone, and job followed job
/// until the hook's last deadline, eight hours later, ended one of them.
#[test]
fn seed_2029_an_instance_on_its_way_out_keeps_its_cordon() {
    let mut driver = driver(2029, Faults::bad_day());
    driver.run();
    driver.check_no_leaks();
}

/// A controller that says yes and cordons nothing is not asked for ever.
#[test]
fn a_cordon_that_never_shows_is_for_an_operator_to_look_at() {
    let mut faults = Faults::none();
    faults.ci.cordon_lost = 1.0;
    let mut driver = driver(0, faults);
    let Decision::Halt(halts) = driver.run() else {
        panic!("{}", driver.told());
    };
    let why = halts[0].to_string();
    assert!(why.contains("was cordoned 10 times"), "{why}");
    // Whoever mended the controller resumes, and it goes on.
    driver.world.set_faults(Faults::none());
    driver.record(Happening::Resumed);
    assert_eq!(driver.run(), Decision::Done);
    driver.check_no_leaks();
}

/// Another driver took it over and gave it back; whoever resumes here marks and protects it again.
#[test]
fn what_was_given_back_meanwhile_is_marked_again_when_it_is_resumed() {
    for seed in [0, 1] {
        let (mut driver, id, name) = cordoned(seed);
        driver.step();
        driver.world.advance(Duration::from_mins(2));
        let controller = driver.world.controllers().next().unwrap().name.clone();
        for call in [
            Call::Uncordon {
                controller,
                executor: name,
            },
            Call::SetInstanceProtection {
                pool: key(),
                instances: vec![id.clone()],
                protected: false,
            },
            Call::UntagInstances {
                scope: key().scope,
                instances: vec![id.clone()],
                key: TAG.to_owned(),
            },
        ] {
            driver.world.apply(&call).unwrap();
        }
        // Whoever drove it and only slept does not go on with what was given back.
        let Decision::Halt(halts) = driver.run() else {
            panic!("{}", driver.told());
        };
        assert!(matches!(halts[0], Halt::Unmarked { .. }), "{halts:?}");
        driver.record(Happening::Resumed);
        let is_going = |it: &Driver| it.operation.target(&id).unwrap().step() == "terminating";
        while !is_going(&driver) {
            let row = driver.world.machine(&id).unwrap().row.clone();
            assert_eq!(driver.step(), None);
            let is_ours = row.tags.contains_key(TAG) && row.protected;
            assert!(is_ours || !is_going(&driver), "{}", driver.told());
        }
        assert_eq!(driver.run(), Decision::Done);
        driver.check_no_leaks();
    }
}

/// Somebody lifts it now and then under a job that runs for hours: each time it was in force.
#[test]
fn a_cordon_that_is_lifted_under_a_long_job_is_set_again() {
    let capacity = Capacity {
        desired: 3,
        min: 1,
        max: 6,
    };
    let load = LoadSpec {
        label: "linux".to_owned(),
        projects: vec![Project::new("api/long", 14_000, 14_400)],
        jobs_per_hour: 30,
        night_percent: 100,
        ..LoadSpec::default()
    };
    let pool = PoolSpec::group("linux", "us-east-1", capacity);
    let mut world = World::new(1, Scenario::of(vec![pool], vec![load]), START);
    world.advance(Duration::from_mins(20));
    let is_busy = |it: &InstanceId| !world.jobs_on(it).is_empty();
    let id = members(&world, 3).into_iter().find(is_busy).unwrap();
    let mut driver = Driver::new(world, Spec::Drain(drain(vec![id.clone()], true)), 0);
    let mut end = None;
    for n_steps in 0.. {
        end = end.or_else(|| driver.step());
        if end.is_some() {
            break;
        }
        let agent = driver.world.agent_on(&id).map(|it| it.name.clone());
        if let Some(executor) = agent.filter(|_| n_steps % 60 == 59) {
            let controller = driver.world.controllers().next().unwrap().name.clone();
            let call = Call::Uncordon {
                controller,
                executor,
            };
            let _ = driver.world.meddle(&Deed::Call(call));
        }
    }
    assert_eq!(end, Some(Decision::Done), "{}", driver.told());
}

/// Desired does not count who is in standby: a decrement would end somebody else.
#[test]
fn one_in_standby_takes_nothing_of_desired_with_it() {
    for seed in [0, 1] {
        let mut world = world(seed, Faults::none());
        let id = members(&world, 1)[0].clone();
        let call = Call::EnterStandby {
            pool: key(),
            instances: vec![id.clone()],
            decrement: true,
        };
        world.apply(&call).unwrap();
        world.advance(Duration::from_mins(5));
        let others = members(&world, 6);
        let spec = Spec::Drain(drain(vec![id], true));
        let mut driver = Driver::new(world, spec, seed);
        let before = desired(&driver);
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        driver.check_no_leaks();
        driver.world.advance(Duration::from_mins(10));
        assert_eq!(desired(&driver), before, "{}", driver.told());
        assert_eq!(members(&driver.world, 6), others);
    }
}
