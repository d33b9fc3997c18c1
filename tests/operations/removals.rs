//! Where a controller refuses to let go of a busy agent, it has the last word on idleness; and
//! an agent that it does not list any more is missed, whatever those beside it say.

use pooldeck::{
    fleet::{Call, FailureKind, InstanceId},
    operation::{Decision, Event, Happening},
    sim::{Faults, Machine},
};

use crate::{bench::Driver, case::Case};

fn driver(line: &str) -> Driver {
    line.parse::<Case>().unwrap().driver()
}

fn target(driver: &Driver) -> InstanceId {
    driver.operation.spec.targets()[0].clone()
}

fn is_removal(call: &Call) -> bool {
    matches!(call, Call::RemoveExecutor { .. })
}

fn has_removed(event: &Event) -> bool {
    matches!(&event.what, Happening::Applied { call, .. } if is_removal(call))
}

#[track_caller]
fn step_until(driver: &mut Driver, is_so: impl Fn(&Driver) -> bool) {
    for _ in 0..2000 {
        if is_so(driver) {
            return;
        }
        driver.step();
        assert_eq!(driver.violation, None, "{}", driver.told());
    }
    panic!("it never came to that:\n{}", driver.told());
}

#[test]
fn an_agent_that_vanishes_beside_another_is_missed() {
    for seed in 0..20 {
        let mut driver = driver(&format!("seed={seed} verb=replace agents=2"));
        let id = target(&driver);
        step_until(&mut driver, |it| {
            let target = it.operation.target(&it.operation.spec.targets()[0]);
            target.is_some_and(|it| it.cordons.len() == 2)
        });
        // The second is in no reading any more, and the first is idle and cordoned.
        let names: Vec<String> = driver
            .world
            .agents_on(&id)
            .map(|it| it.name.clone())
            .collect();
        driver.hidden_agents.insert(names[1].clone());
        for _ in 0..120 {
            assert_eq!(driver.step(), None, "seed {seed}");
            assert_eq!(driver.violation, None, "seed {seed}");
        }
        let is_alive = |driver: &Driver| driver.world.machine(&id).is_some_and(Machine::is_alive);
        assert!(is_alive(&driver), "seed {seed}: {}", driver.told());
        assert!(
            driver
                .told()
                .contains(&format!("agent {} is not listed", names[1]))
        );

        driver.hidden_agents.clear();
        assert_eq!(driver.run(), Decision::Done);
        assert!(!is_alive(&driver), "seed {seed}");
        driver.check_no_leaks();
    }
}

/// Its flag comes so late that a proof of a minute does not see the job.
#[test]
fn a_job_that_the_readings_do_not_show_is_found_by_the_controller() {
    let mut n_refused = 0;
    for seed in 0..40 {
        let mut driver = driver(&format!("seed={seed} verb=replace grade=atomic"));
        let mut faults = Faults::none();
        faults.ci.late_busy = std::time::Duration::from_mins(20);
        driver.world.set_faults(faults);
        driver.world.advance(std::time::Duration::from_mins(15));
        assert_eq!(driver.run(), Decision::Done, "seed {seed}");
        let is_busy = |event: &&Event| matches!(&event.what, Happening::Refused { call, kind: FailureKind::Conflict, .. } if is_removal(call));
        n_refused += driver.journal.iter().filter(is_busy).count();
        driver.check_no_leaks();
    }
    assert!(
        5 < n_refused,
        "the controller was hardly ever needed: {n_refused}"
    );
}

/// Nothing gives it its agent back, so it goes: nobody would ever work there again.
#[test]
fn an_abort_between_removal_and_termination_ends_what_serves_nobody() {
    for line in [
        "verb=replace",
        "verb=drain hook=true",
        "verb=drain agents=2",
        "verb=surge",
        "verb=terminate-first",
    ] {
        for seed in 0..10 {
            let mut driver = driver(&format!("seed={seed} grade=atomic {line}"));
            step_until(&mut driver, |it| it.journal.iter().any(has_removed));
            driver.record(Happening::Aborted {
                why: "changed my mind".to_owned(),
            });
            assert_eq!(driver.run(), Decision::Done, "seed {seed} {line}");
            driver.check_no_leaks();
            let machines = driver
                .world
                .machines()
                .filter(|it| it.is_alive() && !it.is_leaving());
            for machine in machines {
                let n_agents = driver.world.agents_on(machine.id()).count();
                let has_lost = !machine.agents.is_empty() && n_agents == 0;
                assert!(
                    !has_lost,
                    "seed {seed} {line}: {} lives on, without an agent",
                    machine.id()
                );
            }
        }
    }
}

/// The answer to a removal is lost, or its driver dies before it hears it.
#[test]
fn a_removal_without_an_answer_is_asked_about_again() {
    for (seed, fault) in (0..60).zip(
        ["ci-lost-reply", "lost-call", "missing-agent"]
            .iter()
            .cycle(),
    ) {
        let crash = if seed % 2 == 0 { 5 } else { 0 };
        let line = format!("seed={seed} verb=replace grade=atomic crash={crash} faults={fault}");
        crate::shrink::check(&line.parse().unwrap());
    }
}
