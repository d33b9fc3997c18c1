//! Jobs run where the controller put them, and are lost only with their machine.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, FailureKind, Grade, HookResult, InstanceId, Lifecycle, Work},
    sim::{Deed, Doom, World},
};

use crate::common::{
    START, check, ids, jenkins, key, load, read, scenario, terminating, wait_for, world,
};

/// Returns a member that runs a job now, and will for a while.
fn busy(world: &mut World) -> InstanceId {
    let is_busy = |world: &World, id: &InstanceId| {
        world
            .jobs_on(id)
            .iter()
            .any(|it| world.now() + Duration::from_mins(5) < it.ends_at)
    };
    wait_for(world, 7200, "a long job", |it| {
        it.machines().any(|at| is_busy(it, at.id()))
    });
    ids(world, |it| is_busy(world, it.id())).remove(0)
}

fn cordon(world: &mut World, id: &InstanceId) {
    let (executor, note) = (id.to_string(), "op 42".to_owned());
    world
        .apply(&Call::Cordon {
            controller: jenkins(),
            executor,
            note,
        })
        .unwrap();
}

#[test]
fn over_a_day_every_job_is_done_or_running_or_lost_with_its_machine() {
    let mut world = world(5, |it| it.is_spot = true);
    for hour in 0..24 {
        if hour % 3 == 0 {
            let id = ids(&world, |it| it.lifecycle() == Some(&Lifecycle::InService)).remove(0);
            world.interrupt(&id);
        }
        world.advance(Duration::from_hours(1));
        check(&world);
    }
    let history = world.history();
    assert!(200 < history.n_jobs_done, "{}", history.n_jobs_done);
    assert!(
        history
            .deaths
            .iter()
            .all(|it| it.why == Doom::SpotInterruption),
        "{:?}",
        history.deaths
    );
    assert!(
        0 < history.n_jobs_lost(),
        "nobody was ever busy when its machine went"
    );
    let n_failed: u64 = history.outcomes.values().map(|it| it.n_failed).sum();
    let n_passed: u64 = history.outcomes.values().map(|it| it.n_passed).sum();
    assert_eq!(n_failed + n_passed, history.n_jobs_done);
}

#[test]
fn nights_are_quieter_than_days() {
    let started = |from_hours: u64| {
        let mut world = world(2, |_| {});
        world.advance(Duration::from_hours(from_hours));
        let before = world.history().n_jobs_started;
        world.advance(Duration::from_hours(6));
        world.history().n_jobs_started - before
    };
    // The world starts on a Friday at ten.
    let (day, night, weekend) = (started(0), started(12), started(24));
    assert!(night * 4 < day * 3, "{night} at night, {day} by day");
    assert!(
        weekend * 4 < day * 3,
        "{weekend} on Saturday, {day} on Friday"
    );
}

#[test]
fn the_death_of_a_machine_names_the_jobs_that_it_took() {
    let mut world = world(3, |_| {});
    let id = busy(&mut world);
    let jobs = world.jobs_on(&id);
    world
        .meddle(&Deed::TerminateInEc2 {
            instance: id.clone(),
        })
        .unwrap();
    let death = world.history().deaths.last().unwrap();
    assert_eq!(
        (&death.instance, &death.jobs, death.why),
        (&id, &jobs, Doom::TerminatedByOther)
    );
    assert_eq!(world.history().kills().count(), 1);
    assert!(world.jobs_on(&id).is_empty());
    check(&world);
}

#[test]
fn the_controller_notices_a_lost_agent_late_and_forgets_it_later() {
    let mut world = world(3, |_| {});
    let id = busy(&mut world);
    world
        .meddle(&Deed::TerminateInEc2 {
            instance: id.clone(),
        })
        .unwrap();
    let work = |world: &mut World| {
        let executors = read(world).executors;
        executors
            .iter()
            .find(|it| it.name == id.as_str())
            .map(|it| it.work.as_str())
    };
    assert_eq!(
        work(&mut world),
        Some("busy"),
        "the controller does not know yet"
    );
    world.advance(Duration::from_secs(50));
    assert_eq!(work(&mut world), Some("offline"));
    world.advance(Duration::from_mins(5));
    assert_eq!(work(&mut world), None);
}

#[test]
fn a_cordoned_agent_finishes_its_job_and_gets_no_other() {
    let mut world = world(4, |_| {});
    let id = busy(&mut world);
    let runs = world.jobs_on(&id);
    cordon(&mut world, &id);
    let ends_at = runs[0].ends_at;
    world.advance_to(ends_at - Duration::from_secs(1));
    assert_eq!(world.jobs_on(&id), runs);
    world.advance(Duration::from_hours(2));
    assert!(world.jobs_on(&id).is_empty());
    let fleet = read(&mut world);
    let executor = fleet.executors_on(&id).next().unwrap();
    assert!(executor.cordoned && executor.note.as_deref() == Some("op 42"));
    assert_eq!(
        executor.work,
        Work::Idle {
            since: Some(ends_at)
        }
    );
    let executor = id.to_string();
    world
        .apply(&Call::Uncordon {
            controller: jenkins(),
            executor,
        })
        .unwrap();
    wait_for(&mut world, 7200, "another job", |it| {
        !it.jobs_on(&id).is_empty()
    });
}

#[test]
fn a_job_survives_the_connection_of_its_agent() {
    let mut world = world(4, |_| {});
    let id = busy(&mut world);
    let runs = world.jobs_on(&id);
    world.drop_agent(&jenkins(), id.as_str());
    assert_eq!(world.jobs_on(&id), runs);
    let fleet = read(&mut world);
    let executor = fleet.executors_on(&id).next().unwrap();
    assert!(
        matches!(executor.work, Work::Offline { .. }),
        "offline, and what runs there is not told"
    );
    let n_done = world.history().n_jobs_done;
    world.advance_to(runs[0].ends_at);
    assert!(n_done < world.history().n_jobs_done);
    assert!(world.agent_on(&id).unwrap().is_online, "and it came back");
}

#[test]
fn scale_in_does_not_ask_what_runs() {
    let n_lost: u64 = (0..20)
        .map(|seed| {
            let mut scenario = scenario(|_| {});
            scenario.controllers[0].loads = vec![load(200)];
            let mut world = World::new(seed, scenario, START);
            world.advance(Duration::from_hours(1));
            world
                .apply(&Call::SetDesiredCapacity {
                    pool: key(),
                    desired: 2,
                })
                .unwrap();
            world.advance(Duration::from_mins(5));
            world.history().n_jobs_lost()
        })
        .sum();
    assert!(
        40 < n_lost,
        "twenty groups that were full lost {n_lost} jobs only"
    );
}

#[test]
fn the_queue_says_why_it_waits() {
    let mut scenario = scenario(|_| {});
    scenario.controllers[0].loads = vec![load(400)];
    let mut lost = load(60);
    lost.label = "vms".to_owned();
    scenario.controllers[0].loads.push(lost);
    let mut world = World::new(1, scenario, START);
    world.advance(Duration::from_hours(1));
    let why = |world: &mut World, label: &str| {
        let queues = read(world).queues;
        let queue = queues.into_iter().find(|it| it.label == label).unwrap();
        assert!(0 < queue.length && queue.oldest_since.is_some());
        queue.why.unwrap()
    };
    assert_eq!(
        why(&mut world, "linux"),
        "Waiting for next available executor on ‘linux’"
    );
    assert_eq!(
        why(&mut world, "vms"),
        "There are no nodes with the label ‘vms’"
    );
    for id in ids(&world, |_| true) {
        cordon(&mut world, &id);
    }
    assert_eq!(
        why(&mut world, "linux"),
        "All nodes of label ‘linux’ are not accepting tasks"
    );
    for id in ids(&world, |_| true) {
        world.drop_agent(&jenkins(), id.as_str());
    }
    assert_eq!(
        why(&mut world, "linux"),
        "All nodes of label ‘linux’ are offline"
    );
}

#[test]
fn a_quiet_controller_hands_out_nothing() {
    let mut world = world(6, |_| {});
    let why = Some("upgrade at noon".to_owned());
    world
        .meddle(&Deed::QuietDown {
            controller: jenkins(),
            why: why.clone(),
        })
        .unwrap();
    let before = world.history().n_jobs_started;
    world.advance(Duration::from_hours(1));
    assert_eq!(world.history().n_jobs_started, before);
    assert_eq!(read(&mut world).controllers[0].quieting_down, why);
    world
        .meddle(&Deed::QuietDown {
            controller: jenkins(),
            why: None,
        })
        .unwrap();
    assert!(
        before < world.history().n_jobs_started,
        "the queue is served at once"
    );
}

#[test]
fn an_atomic_controller_removes_an_idle_agent_and_refuses_a_busy_one() {
    let mut scenario = scenario(|_| {});
    scenario.controllers[0].grade = Grade::Atomic;
    let mut world = World::new(4, scenario, START);
    let id = busy(&mut world);
    let remove = |id: &InstanceId| Call::RemoveExecutor {
        controller: jenkins(),
        executor: id.to_string(),
    };
    let refused = world.apply(&remove(&id)).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Conflict);
    let idle = ids(&world, |it| world.jobs_on(it.id()).is_empty()).remove(0);
    world.apply(&remove(&idle)).unwrap();
    assert!(world.agent_on(&idle).is_none());
    world.advance(Duration::from_hours(1));
    assert!(
        world.jobs_on(&idle).is_empty(),
        "no job finds its way there"
    );
    check(&world);
}

#[test]
fn several_agents_on_one_machine_die_and_drain_together() {
    let mut scenario = scenario(|it| {
        it.host.n_agents = 2;
        it.host.answers_hooks = true;
        terminating(HookResult::Continue)(it);
    });
    scenario.controllers[0].loads = vec![load(400)];
    let mut world = World::new(8, scenario, START);
    world.advance(Duration::from_hours(1));
    let fleet = read(&mut world);
    assert_eq!(fleet.executors.len(), 12);
    let id = ids(&world, |it| world.jobs_on(it.id()).len() == 2).remove(0);
    assert_eq!(
        fleet.executors_on(&id).count(),
        2,
        "both are joined to their machine"
    );
    let ends_at = world
        .jobs_on(&id)
        .iter()
        .map(|it| it.ends_at)
        .max()
        .unwrap();
    world
        .meddle(&Deed::TerminateInGroup {
            instance: id.clone(),
            decrement: false,
        })
        .unwrap();
    wait_for(&mut world, 7200, "its end", |it| {
        !it.machine(&id).unwrap().is_alive()
    });
    assert!(ends_at <= world.now(), "the host waited for both");
    assert_eq!(world.history().n_jobs_lost(), 0);
    check(&world);

    let id = ids(&world, |it| world.jobs_on(it.id()).len() == 2).remove(0);
    world
        .meddle(&Deed::TerminateInEc2 { instance: id })
        .unwrap();
    assert_eq!(world.history().n_jobs_lost(), 2);
    check(&world);
}

#[test]
fn a_timed_cordon_ends_by_itself_unless_it_is_renewed() {
    let mut scenario = scenario(|_| {});
    scenario.controllers[0].grade = Grade::Timed;
    let mut world = World::new(4, scenario, START);
    let id = ids(&world, |_| true).remove(0);
    let is_cordoned = |world: &World| world.agent_on(&id).unwrap().cordon.is_some();
    cordon(&mut world, &id);
    world.advance(Duration::from_mins(4));
    cordon(&mut world, &id);
    world.advance(Duration::from_mins(4));
    assert!(is_cordoned(&world), "the renewed one holds");
    world.advance(Duration::from_mins(1));
    assert!(!is_cordoned(&world));
}

#[test]
fn a_controller_that_can_only_be_looked_at_refuses_a_cordon() {
    let mut scenario = scenario(|_| {});
    scenario.controllers[0].grade = Grade::ReadOnly;
    let mut world = World::new(4, scenario, START);
    let executor = ids(&world, |_| true).remove(0).to_string();
    let call = Call::Cordon {
        controller: jenkins(),
        executor,
        note: "op".into(),
    };
    assert!(
        world
            .apply(&call)
            .unwrap_err()
            .what
            .contains("has no way to cordon")
    );
}
