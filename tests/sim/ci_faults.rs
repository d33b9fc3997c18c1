//! What goes wrong between us and a controller: each fault is seen to happen.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, FailureKind, InstanceId, Work},
    sim::{CiFaults, Faults, World},
};

use crate::common::{busy_world, first, ids, jenkins, quiet, read, scope, world};

fn with_ci(mut world: World, edit: impl FnOnce(&mut CiFaults)) -> World {
    let mut faults = Faults::none();
    edit(&mut faults.ci);
    world.set_faults(faults);
    world
}

#[test]
fn a_job_that_began_is_shown_late() {
    let mut world = with_ci(world(1, |_| {}), |it| {
        it.late_busy = Duration::from_secs(45);
    });
    let mut n_hidden = 0;
    for _ in 0..600 {
        world.advance(Duration::from_secs(5));
        let fleet = read(&mut world);
        for machine in world.machines() {
            let runs = world.jobs_on(machine.id());
            let n_shown = fleet
                .executors_on(machine.id())
                .map(|it| it.jobs().len())
                .sum::<usize>();
            n_hidden += runs.len() - n_shown;
            let old = runs
                .iter()
                .filter(|it| Duration::from_secs(45) < world.now().since(it.started_at));
            assert!(old.count() <= n_shown, "late, not lost");
        }
    }
    assert!(0 < n_hidden);
}

#[test]
fn a_busy_agent_reads_idle_now_and_then_or_is_not_in_the_list() {
    let mut world = with_ci(busy_world(1), |it| it.false_idle = 0.2);
    let n_busy = world
        .machines()
        .filter(|it| !world.jobs_on(it.id()).is_empty())
        .count();
    assert_eq!(n_busy, 6);
    let n_idle = |world: &mut World| {
        let executors = read(world).executors;
        executors
            .iter()
            .filter(|it| matches!(it.work, Work::Idle { .. }))
            .count()
    };
    let n_lies: usize = (0..100).map(|_| n_idle(&mut world)).sum();
    assert!((60..180).contains(&n_lies), "{n_lies} of 600");

    let mut world = with_ci(world, |it| it.missing_agent = 0.2);
    let n_listed: usize = (0..100).map(|_| read(&mut world).executors.len()).sum();
    assert!((420..540).contains(&n_listed), "{n_listed} of 600");
}

#[test]
fn a_cordon_may_land_late_or_never_though_it_was_accepted() {
    let cordon = |world: &mut World, id: &InstanceId| {
        let (executor, note) = (id.to_string(), "op".to_owned());
        world
            .apply(&Call::Cordon {
                controller: jenkins(),
                executor,
                note,
            })
            .unwrap();
    };
    let is_cordoned = |world: &World, id: &InstanceId| world.agent_on(id).unwrap().cordon.is_some();

    let mut world = with_ci(quiet(|_| {}), |it| {
        it.cordon_delay = Duration::from_secs(30);
    });
    let agents = ids(&world, |_| true);
    for id in &agents {
        cordon(&mut world, id);
    }
    assert!(agents.iter().any(|it| !is_cordoned(&world, it)));
    world.advance(Duration::from_secs(30));
    assert!(agents.iter().all(|it| is_cordoned(&world, it)));

    let mut world = with_ci(quiet(|_| {}), |it| it.cordon_lost = 1.0);
    let id = first(&world);
    cordon(&mut world, &id);
    world.advance(Duration::from_mins(10));
    assert!(!is_cordoned(&world, &id));
}

#[test]
fn a_cordon_whose_answer_is_lost_holds() {
    let mut world = with_ci(quiet(|_| {}), |it| it.lost_reply = 1.0);
    let id = first(&world);
    let call = Call::Cordon {
        controller: jenkins(),
        executor: id.to_string(),
        note: "op".into(),
    };
    assert_eq!(world.apply(&call).unwrap_err().kind, FailureKind::Unknown);
    assert!(world.agent_on(&id).unwrap().cordon.is_some());
}

#[test]
fn a_controller_answers_500_now_and_then() {
    let mut world = with_ci(quiet(|_| {}), |it| it.refused = 0.5);
    let n = (0..100)
        .filter(|_| world.observe_ci(&jenkins()).is_err())
        .count();
    assert!((30..70).contains(&n), "{n} of 100");
    world.observe(&scope()).unwrap();
}

#[test]
fn a_login_page_with_a_200_is_no_list_of_idle_agents() {
    let mut world = with_ci(quiet(|_| {}), |it| it.login_page = 1.0);
    let error = world.observe_ci(&jenkins()).unwrap_err();
    assert_eq!(error.kind, FailureKind::Credentials);
    assert!(error.what.contains("200 with a web page"), "{}", error.what);
    world.observe(&scope()).unwrap();
}

#[test]
fn after_a_restart_executors_are_unknown_or_even_idle_while_their_jobs_run() {
    for hides_restart in [false, true] {
        let mut world = with_ci(busy_world(2), |it| {
            it.restart_blackout = Duration::from_secs(90);
            it.hides_restart = hides_restart;
        });
        world.restart(&jenkins());
        assert!(world.observe_ci(&jenkins()).is_err(), "it is down first");
        world.advance(Duration::from_secs(61));
        let executors = read(&mut world).executors;
        let n_running = world
            .machines()
            .filter(|it| !world.jobs_on(it.id()).is_empty())
            .count();
        assert!(4 <= n_running, "{n_running} of 6 run on");
        for executor in &executors {
            match &executor.work {
                Work::Unknown(why) if !hides_restart => {
                    assert!(why.starts_with("the controller restarted"));
                }
                Work::Idle { .. } if hides_restart => {}
                other => panic!("{other:?} with hides_restart = {hides_restart}"),
            }
        }
        world.advance(Duration::from_secs(90));
        assert!(
            read(&mut world)
                .executors
                .iter()
                .any(|it| matches!(it.work, Work::Busy(_)))
        );
    }
}
