//! Rolls: every member replaced, no job lost, nothing borrowed is kept; or all of it back again.

use std::time::Duration;

use pooldeck::{
    fleet::{
        Call, Capacity, Hook, HookResult, HookTransition, ImageId, InstanceId, LaunchSource,
        Lifecycle, PoolKey, Process, Timestamp,
    },
    operation::{
        Change, Decision, Fought, Halt, Happening, OnFailure, PoolRoll, Proof, Roll, Spec,
        Standing, Strategy, TAG, eta, left, phase,
    },
    sim::{Deed, Faults, ImageTrait, LoadSpec, Machine, PoolSpec, Project, Scenario, World},
};

use crate::bench::Driver;

const START: Timestamp = Timestamp::from_secs(1_763_719_200);
pub(crate) const OLD: &str = "ami-0a1d50c6f1f6b9d20";
pub(crate) const NEW: &str = "ami-0feedfacecafebeef";

pub(crate) fn key() -> PoolKey {
    PoolKey::new("sim/us-east-1", "linux")
}

/// A pool of six under load; every third seed has a terminating hook.
pub(crate) fn world(seed: u64, faults: Faults, names: &[&str]) -> World {
    let capacity = Capacity {
        desired: 6,
        min: 1,
        // Every other pool has no room for a surge: max is borrowed.
        max: if seed.is_multiple_of(2) { 6 } else { 12 },
    };
    let pools = names.iter().map(|name| {
        let mut pool = PoolSpec::group(name, "us-east-1", capacity);
        if seed % 3 == 1 {
            let timeout = Duration::from_mins(5);
            let transition = HookTransition::Terminating;
            let hook = Hook::new("drain", transition, timeout, HookResult::Abandon);
            pool.hooks.push(hook);
        }
        pool
    });
    let loads = names.iter().map(|name| LoadSpec {
        label: (*name).to_owned(),
        projects: vec![Project::new("api/tests", 60, 1200)],
        jobs_per_hour: 30,
        night_percent: 100,
        ..LoadSpec::default()
    });
    let scenario = Scenario::of(pools.collect(), loads.collect());
    let mut world = World::new(seed, scenario, START);
    world.advance(Duration::from_mins(20));
    world.set_faults(faults);
    world
}

/// What the plan would say of a pool as it is.
fn pool_roll(world: &World, key: &PoolKey) -> PoolRoll {
    let group = world.group(key).unwrap();
    let template = group.row.template.as_ref().unwrap();
    let alive = world.members(key).filter(|it| it.is_counted());
    PoolRoll {
        pool: key.clone(),
        from: template.source().unwrap(),
        word: Some(template.version.clone()).filter(|it| it.starts_with('$')),
        to: Change::Copy {
            image: Some(NEW.into()),
        },
        targets: alive.map(|it| it.id().clone()).collect(),
        capacity: group.capacity().unwrap(),
        suspends: vec![Process::AzRebalance],
        batch: 2,
        boot_budget: Duration::from_mins(10),
    }
}

pub(crate) fn roll(world: &World, strategy: Strategy) -> Roll {
    Roll {
        pools: vec![pool_roll(world, &key())],
        strategy,
        canary: 1,
        max_unavailable: u32::from(strategy == Strategy::TerminateFirst),
        max_unavailable_total: None,
        bake: Duration::from_mins(5),
        checkpoints: Vec::new(),
        checkpoint_delay: Duration::from_hours(1),
        deadline: None,
        on_failure: OnFailure::Rollback,
        proof: Proof::default(),
        is_rollback: false,
    }
}

fn strategy(seed: u64) -> Strategy {
    if seed % 4 < 2 {
        Strategy::Surge
    } else {
        Strategy::TerminateFirst
    }
}

fn driver(seed: u64, faults: Faults) -> Driver {
    let world = world(seed, faults, &["linux"]);
    let spec = roll(&world, strategy(seed));
    Driver::new(world, Spec::Roll(spec), seed)
}

fn capacity(driver: &Driver, key: &PoolKey) -> Capacity {
    driver.world.group(key).unwrap().capacity().unwrap()
}

/// The images of the members that count, each once.
fn images(driver: &Driver, key: &PoolKey) -> Vec<ImageId> {
    let members = driver.world.members(key).filter(|it| it.is_counted());
    let mut images: Vec<ImageId> = members.filter_map(|it| it.row.image.clone()).collect();
    images.sort();
    images.dedup();
    images
}

fn is_begun_by_us(driver: &Driver, id: &InstanceId) -> bool {
    driver
        .operation
        .target(id)
        .is_some_and(pooldeck::operation::TargetState::is_begun)
}

/// Goes on to the end; before each step the pool's true state is looked at.
fn run_watching(driver: &mut Driver, max_unavailable: u32) -> Decision {
    for _ in 0..5000 {
        if let Some(decision) = driver.step() {
            return decision;
        }
        let base = driver.operation.pool(&key()).base;
        let pool = key();
        let in_service = driver.world.members(&pool).filter(|it| {
            let is_open = driver
                .world
                .agent_on(it.id())
                .is_some_and(|it| it.cordon.is_none());
            it.lifecycle() == Some(&Lifecycle::InService)
                && is_open
                && !is_begun_by_us(driver, it.id())
        });
        let n = u32::try_from(in_service.count()).unwrap();
        assert!(
            base - max_unavailable <= n,
            "only {n} of {base} take jobs at {}; journal:\n{}",
            driver.world.now(),
            driver.told()
        );
        let capacity = capacity(driver, &key());
        let Spec::Roll(roll) = &driver.operation.spec else {
            unreachable!("a roll")
        };
        assert!(
            capacity.desired <= base + roll.pools[0].batch.max(roll.canary),
            "{capacity:?} is more than {base} and a batch"
        );
    }
    panic!("never over: {}", driver.told());
}

/// Nothing that the operation borrowed is kept, and every member is of one image.
pub(crate) fn check_end(driver: &Driver, image: &str, context: &str) {
    driver.check_no_leaks();
    for plan in plans(driver) {
        let capacity = capacity(driver, &plan.pool);
        let base = driver.operation.pool(&plan.pool).base;
        assert_eq!(capacity.desired, base, "{context}\n{}", driver.told());
        assert_eq!(
            capacity.max,
            plan.capacity.max.max(base),
            "{context}: {capacity:?}\n{}",
            driver.told()
        );
        let group = driver.world.group(&plan.pool).unwrap();
        assert!(
            group.row.suspended.is_empty(),
            "{context}\n{}",
            driver.told()
        );
        assert_eq!(
            images(driver, &plan.pool),
            [ImageId::from(image)],
            "{context}\n{}",
            driver.told()
        );
    }
}

fn plans(driver: &Driver) -> &[PoolRoll] {
    let Spec::Roll(roll) = &driver.operation.spec else {
        unreachable!("a roll")
    };
    &roll.pools
}

#[test]
fn a_calm_roll_replaces_every_member_and_keeps_the_pool_whole() {
    for seed in 0..24 {
        let mut driver = driver(seed, Faults::none());
        let before = capacity(&driver, &key());
        let most = u32::from(strategy(seed) == Strategy::TerminateFirst);
        assert_eq!(
            run_watching(&mut driver, most),
            Decision::Done,
            "seed {seed}"
        );
        check_end(&driver, NEW, &format!("seed {seed}"));
        assert_eq!(capacity(&driver, &key()), before, "seed {seed}");
        let fleet = driver.read();
        let left = left(&driver.operation, &fleet);
        assert!(left.is_empty(), "seed {seed}: {left:?}");
    }
}

/// One version is made, however often the answer is lost.
#[test]
fn a_lost_answer_makes_no_second_version() {
    let mut faults = Faults::none();
    faults.cloud.lost_reply = 0.5;
    for seed in 0..8 {
        let mut driver = driver(seed, faults.clone());
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        check_end(&driver, NEW, &format!("seed {seed}"));
        let template = driver.world.group(&key()).unwrap().row.template.clone();
        assert_eq!(template.unwrap().resolved_version.as_deref(), Some("2"));
    }
}

#[test]
fn an_image_whose_agents_never_register_leads_back_or_holds() {
    for (seed, on_failure) in [
        (0, OnFailure::Rollback),
        (1, OnFailure::Hold),
        (2, OnFailure::Rollback),
        (3, OnFailure::Hold),
        (7, OnFailure::Rollback),
    ] {
        let mut world = world(seed, Faults::none(), &["linux"]);
        world.set_image(NEW.into(), ImageTrait::NeverRegisters);
        let mut spec = roll(&world, strategy(seed));
        spec.on_failure = on_failure;
        let mut driver = Driver::new(world, Spec::Roll(spec), seed);
        let end = driver.run();
        match on_failure {
            OnFailure::Hold => {
                assert!(
                    matches!(&end, Decision::Halt(halts) if matches!(halts[..], [Halt::NewInstances { .. }])),
                    "seed {seed}: {end:?}"
                );
            }
            OnFailure::Rollback => {
                assert_eq!(end, Decision::Done, "seed {seed}");
                check_end(&driver, OLD, &format!("seed {seed}"));
                // Nothing proves a machine idle whose agent was never seen: it is put aside.
                let fleet = driver.read();
                let left = left(&driver.operation, &fleet).join("\n");
                assert!(left.contains("went back to linux:1"), "{left}");
                assert!(left.contains("is in standby"), "{left}");
            }
        }
    }
}

/// Our clock is ahead of AWS', by which a newcomer was launched before the roll began.
#[test]
fn a_newcomer_without_an_agent_is_noticed_whatever_the_clocks_say() {
    for secs in [0, 60, 240] {
        let mut world = world(2, Faults::none(), &["linux"]);
        world.set_image(NEW.into(), ImageTrait::NeverRegisters);
        let spec = Spec::Roll(roll(&world, Strategy::Surge));
        let old = spec.targets();
        let mut driver = Driver::ahead(world, spec, 2, secs);
        assert_eq!(driver.run(), Decision::Done, "{secs} s ahead");
        let is_there = |id: &InstanceId| driver.world.machine(id).is_some_and(Machine::is_alive);
        assert!(
            old.iter().all(is_there),
            "{secs} s ahead: {}",
            driver.told()
        );
        check_end(&driver, OLD, &format!("{secs} s ahead"));
    }
}

/// What is too many is the newcomer that never took a job, and not who does.
#[test]
fn an_abort_after_a_failed_canary_keeps_every_instance_that_works() {
    for (seed, strategy) in [
        (2, Strategy::Surge),
        (3, Strategy::Surge),
        (4, Strategy::Surge),
    ] {
        let mut world = world(seed, Faults::none(), &["linux"]);
        world.set_image(NEW.into(), ImageTrait::NeverRegisters);
        let mut spec = roll(&world, strategy);
        spec.on_failure = OnFailure::Hold;
        let mut driver = Driver::new(world, Spec::Roll(spec), seed);
        assert!(matches!(driver.run(), Decision::Halt(_)), "seed {seed}");
        let working = |driver: &Driver| {
            let key = key();
            let members = driver.world.members(&key).filter(|it| it.is_counted());
            members.filter(|it| !it.agents.is_empty()).count()
        };
        let before = working(&driver);
        driver.record(Happening::Aborted {
            why: "a bad image".to_owned(),
        });
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        driver.check_no_leaks();
        assert_eq!(working(&driver), before, "seed {seed}: {}", driver.told());
        let capacity = driver.world.group(&key()).unwrap().capacity().unwrap();
        assert_eq!(capacity.desired, 6, "seed {seed}");
    }
}

#[test]
fn an_image_that_nothing_launches_from_leads_back() {
    for seed in [0, 2] {
        let mut world = world(seed, Faults::none(), &["linux"]);
        world.set_image(NEW.into(), ImageTrait::Gone);
        let spec = roll(&world, strategy(seed));
        let mut driver = Driver::new(world, Spec::Roll(spec), seed);
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        check_end(&driver, OLD, &format!("seed {seed}"));
        let why = driver.operation.turned_back().unwrap();
        assert!(why.contains("could not launch"), "{why}");
    }
}

#[test]
fn a_rollback_brings_every_member_back() {
    for seed in [0, 1, 2, 3] {
        let mut there = driver(seed, Faults::none());
        assert_eq!(there.run(), Decision::Done, "seed {seed}");
        let plan = pool_roll(&there.world, &key());
        let from = plans(&there)[0].from.clone();
        let mut spec = roll(&there.world, strategy(seed));
        spec.pools = vec![PoolRoll {
            to: Change::Existing(from),
            ..plan
        }];
        spec.is_rollback = true;
        let mut back = Driver::new(there.world, Spec::Roll(spec), seed + 100);
        assert_eq!(back.run(), Decision::Done, "seed {seed}");
        check_end(&back, OLD, &format!("seed {seed}"));
        assert_eq!(back.operation.spec.kind(), "rollback");
    }
}

#[test]
fn a_checkpoint_waits_for_an_operator_or_for_its_time() {
    let staged = || {
        let world = world(0, Faults::none(), &["linux"]);
        let mut spec = roll(&world, Strategy::Surge);
        spec.canary = 0;
        spec.checkpoints = vec![50, 100];
        Driver::new(world, Spec::Roll(spec), 0)
    };
    let n_new = |driver: &Driver| {
        let pool = key();
        let members = driver.world.members(&pool).filter(|it| it.is_counted());
        members
            .filter(|it| it.row.image == Some(ImageId::from(NEW)))
            .count()
    };
    let at_checkpoint = |driver: &Driver| !driver.operation.pool(&key()).reached.is_empty();
    let mut driver = staged();
    while !at_checkpoint(&driver) {
        assert_eq!(driver.step(), None);
    }
    let reached_at = driver.world.now();
    for _ in 0..60 {
        assert_eq!(driver.step(), None);
        assert_eq!(n_new(&driver), 3, "it goes on");
    }
    let fleet = driver.read();
    let words = phase(&driver.operation, &fleet, driver.world.now()).unwrap();
    assert!(words.contains("the checkpoint at 50 %"), "{words}");
    driver.record(Happening::Resumed);
    assert_eq!(driver.run(), Decision::Done);
    check_end(&driver, NEW, "resumed");
    // Nobody resumes at the last one: it takes its hour, and no more.
    let took = driver.world.now().since(reached_at);
    assert!(
        (Duration::from_hours(1)..Duration::from_hours(3)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn a_foreign_template_stops_the_roll_and_resume_sets_it_again() {
    let mut driver = driver(0, Faults::none());
    for _ in 0..12 {
        driver.step();
    }
    let other = "ami-0badc0ffee0badc0f";
    let publish = Deed::PublishVersion {
        pool: key(),
        image: other.into(),
    };
    driver.world.meddle(&publish).unwrap();
    // `$Latest` moved: the concrete number is set instead, and stays.
    while driver
        .operation
        .pool(&key())
        .mark(pooldeck::operation::Slot::Source)
        == &pooldeck::operation::Mark::None
    {
        assert_eq!(driver.step(), None);
    }
    let source = driver.world.group(&key()).unwrap().row.template.clone();
    assert_eq!(source.unwrap().version, "2");
    for _ in 0..12 {
        driver.step();
    }
    let LaunchSource::Template(mut theirs) = plans(&driver)[0].from.clone() else {
        unreachable!("the world has launch templates")
    };
    theirs.version = "3".to_owned();
    let source = LaunchSource::Template(theirs);
    let point = Deed::Call(Call::LaunchFrom {
        pool: key(),
        source,
    });
    driver.world.meddle(&point).unwrap();
    let Decision::Halt(halts) = driver.run() else {
        panic!("nobody noticed: {}", driver.told())
    };
    let words = halts[0].to_string();
    assert!(words.contains("linux:3"), "{words}");
    driver.record(Happening::Resumed);
    assert_eq!(driver.run(), Decision::Done);
    check_end(&driver, NEW, "resumed");
}

/// It was made what `$Latest` means, so nothing had to be set; whoever goes back is not overruled.
#[test]
fn somebody_who_sets_the_template_from_before_stops_the_roll() {
    let mut driver = driver(0, Faults::none());
    for _ in 0..40 {
        assert_eq!(driver.step(), None);
    }
    let from = plans(&driver)[0].from.clone();
    let LaunchSource::Template(before) = &from else {
        unreachable!("the world has launch templates")
    };
    let point = Deed::Call(Call::LaunchFrom {
        pool: key(),
        source: from.clone(),
    });
    driver.world.meddle(&point).unwrap();
    let Decision::Halt(halts) = driver.run() else {
        panic!("nobody noticed: {}", driver.told())
    };
    let words = halts[0].to_string();
    assert!(words.contains("somebody else"), "{words}");
    let says = driver.world.group(&key()).unwrap().row.template.clone();
    assert_eq!(says.unwrap().version, before.version, "it is left as it is");
}

#[test]
fn a_process_that_somebody_else_resumes_during_a_roll_is_told_once_and_left_so() {
    let mut driver = driver(0, Faults::none());
    for _ in 0..30 {
        assert_eq!(driver.step(), None);
    }
    let call = Call::ResumeProcesses {
        pool: key(),
        processes: vec![Process::AzRebalance],
    };
    driver.world.meddle(&Deed::Call(call)).unwrap();
    for _ in 0..40 {
        driver.step();
    }
    let told = driver.operation.fights().iter();
    let told: Vec<_> = told.filter(|it| it.1.what == Fought::Suspended).collect();
    assert_eq!(told.len(), 1, "{}", driver.told());
    assert!(told[0].1.left.contains("AZRebalance"));
    let is_suspended = |it: &Driver| {
        it.world
            .group(&key())
            .unwrap()
            .row
            .is_suspended(&Process::AzRebalance)
    };
    assert!(!is_suspended(&driver), "somebody wanted it so");
}

#[test]
fn a_roll_marks_its_group_until_its_end_and_leaves_that_of_another_alone() {
    let mark = |driver: &Driver| {
        let group = driver.world.group(&key()).unwrap();
        group.row.tags.get(TAG).cloned()
    };
    let mut driver = driver(0, Faults::none());
    driver.step();
    let id = driver.operation.id.clone();
    assert!(mark(&driver).unwrap().starts_with(&id.0), "before all else");

    let other = "op-20260101-other ada@desk reami".to_owned();
    let call = Call::TagPool {
        pool: key(),
        key: TAG.to_owned(),
        value: other.clone(),
        propagate: false,
    };
    driver.world.meddle(&Deed::Call(call)).unwrap();
    let Decision::Halt(halts) = driver.run() else {
        panic!("nobody noticed: {}", driver.told())
    };
    assert!(
        halts[0]
            .to_string()
            .contains("op-20260101-other of ada@desk")
    );
    driver.record(Happening::Aborted {
        why: "the other goes on".to_owned(),
    });
    assert_eq!(driver.run(), Decision::Done);
    assert_eq!(mark(&driver), Some(other));
}

#[test]
fn a_desired_size_that_somebody_else_set_is_kept() {
    for (seed, by) in [(0, 2), (2, 1), (8, -1), (10, -1)] {
        let mut driver = driver(seed, Faults::none());
        for _ in 0..30 {
            driver.step();
        }
        // A pool without room for more refuses; then nothing changes.
        let _ = driver
            .world
            .meddle(&Deed::ChangeDesired { pool: key(), by });
        let wanted = capacity(&driver, &key()).desired;
        let was = driver.operation.pool(&key()).desired().unwrap();
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        check_end(&driver, NEW, &format!("seed {seed}"));
        if wanted != was {
            assert_eq!(capacity(&driver, &key()).desired, wanted, "seed {seed}");
            let by = driver.operation.pool(&key()).desired_by.clone().unwrap();
            assert!(
                by.contains("user request") || by.contains("does not say"),
                "{by}"
            );
        }
    }
}

#[test]
fn two_pools_share_one_budget() {
    for seed in [0, 1] {
        let names = ["linux", "arm"];
        let world = world(seed, Faults::none(), &names);
        let keys = names.map(|it| PoolKey::new("sim/us-east-1", it));
        let mut spec = roll(&world, Strategy::TerminateFirst);
        spec.pools = keys.iter().map(|it| pool_roll(&world, it)).collect();
        spec.max_unavailable_total = Some(1);
        let mut driver = Driver::new(world, Spec::Roll(spec), seed);
        let mut most = 0;
        let end = loop {
            if let Some(end) = driver.step() {
                break end;
            }
            let is_out = |it: &(&InstanceId, &pooldeck::operation::TargetState)| {
                it.1.is_begun() && !it.1.was_leaving && it.1.gone_at.is_none()
            };
            most = most.max(driver.operation.targets().filter(is_out).count());
        };
        assert_eq!(end, Decision::Done, "seed {seed}");
        check_end(&driver, NEW, &format!("seed {seed}"));
        assert_eq!(most, 1, "both pools were emptied at once");
    }
}

/// What is not known is not guessed, and what is known is not far from the truth.
#[test]
fn the_end_is_estimated_once_a_new_instance_has_come_up() {
    let mut driver = driver(0, Faults::none());
    let fleet = driver.read();
    assert_eq!(eta(&driver.operation, &fleet, driver.world.now()), None);
    while driver.operation.pool(&key()).reached.is_empty() {
        driver.step();
    }
    let fleet = driver.read();
    let guess = eta(&driver.operation, &fleet, driver.world.now()).unwrap();
    assert_eq!(driver.run(), Decision::Done);
    let end = driver.world.now();
    let off = guess.since(end).max(end.since(guess));
    assert!(off < Duration::from_mins(30), "{guess} for {end}");
    assert!(matches!(driver.operation.standing(), Standing::Running));
}

/// Somebody else, or AWS, ends a member before its turn: only a proof lets its hook go, and there
/// is one as soon as it is idle.
#[test]
fn a_target_that_is_ended_before_its_turn_is_let_go_once_it_is_idle() {
    let world = world(1, Faults::none(), &["linux"]);
    let mut spec = roll(&world, Strategy::Surge);
    spec.bake = Duration::from_hours(1);
    let mut driver = Driver::new(world, Spec::Roll(spec), 1);
    let is_canary_gone = |it: &Driver| it.world.history().deaths.len() == 1;
    while !is_canary_gone(&driver) {
        assert_eq!(driver.step(), None);
    }
    let is_waiting = |it: &&Machine| {
        let target = driver.operation.target(it.id());
        it.is_counted() && target.is_some_and(|it| !it.is_begun())
    };
    let key = key();
    let victim = driver.world.members(&key).find(is_waiting).unwrap();
    let deed = Deed::TerminateInGroup {
        instance: victim.id().clone(),
        decrement: false,
    };
    let (victim, asked_at) = (victim.id().clone(), driver.world.now());
    driver.world.meddle(&deed).unwrap();
    assert_eq!(driver.run(), Decision::Done);
    driver.check_no_leaks();
    let mut deaths = driver.world.history().deaths.iter();
    let death = deaths.find(|it| it.instance == victim).unwrap();
    let took = death.at.since(asked_at);
    assert!(took < Duration::from_hours(1), "{took:?}");
    assert!(death.jobs.is_empty(), "{death:?}");
}
