//! Every documented move between lifecycle states that the world models, as a member's whole path.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, HookResult, HookTransition, InstanceId, Lifecycle, MachineState},
    sim::{Deed, Doom, PoolSpec, World},
};

use crate::common::{
    check, desired, first, hook, ids, key, lifecycle, n_in, path, quiet, terminate, terminating,
    wait_for,
};

const LONG: u64 = 6 * 3600;

fn launching(result: HookResult) -> impl FnOnce(&mut PoolSpec) {
    move |it| it.hooks = vec![hook(HookTransition::Launching, 300, result)]
}

fn grow(world: &mut World) -> InstanceId {
    let before = ids(world, |_| true);
    let desired = desired(world) + 1;
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired,
        })
        .unwrap();
    wait_for(world, 60, "a launch", |it| {
        before.len() < it.machines().count()
    });
    ids(world, |it| !before.contains(it.id())).remove(0)
}

#[test]
fn a_launch_without_a_hook_goes_straight_into_service() {
    let mut world = quiet(|_| {});
    let id = grow(&mut world);
    assert_eq!(
        world.machine(&id).unwrap().row.state,
        Some(MachineState::Pending)
    );
    assert_eq!(path(&mut world, &id, 120), ["Pending", "InService"]);
    assert_eq!(
        world.machine(&id).unwrap().row.state,
        Some(MachineState::Running)
    );
}

#[test]
fn a_launching_hook_holds_until_it_is_completed() {
    let mut world = quiet(launching(HookResult::Abandon));
    let id = grow(&mut world);
    wait_for(&mut world, 60, "the hook", |it| {
        lifecycle(it, &id) == Some(Lifecycle::PendingWait)
    });
    world.advance(Duration::from_secs(100));
    let answer = Deed::CompleteHook {
        instance: id.clone(),
        hook: "up".into(),
        result: HookResult::Continue,
    };
    world.meddle(&answer).unwrap();
    assert_eq!(path(&mut world, &id, 60), ["Pending:Proceed", "InService"]);
    world
        .meddle(&answer)
        .expect_err("a second answer finds nobody waiting");
}

#[test]
fn an_unanswered_launching_hook_that_abandons_replaces_the_machine() {
    let mut world = quiet(launching(HookResult::Abandon));
    let id = grow(&mut world);
    let states = path(&mut world, &id, 500);
    assert_eq!(
        states,
        [
            "Pending",
            "Pending:Wait",
            "Terminating",
            "Terminating:Proceed",
            "-"
        ]
    );
    assert_eq!(world.history().deaths[0].why, Doom::LaunchAbandoned);
    assert_eq!(
        world.members(&key()).filter(|it| it.is_counted()).count(),
        7,
        "another is on its way"
    );
}

#[test]
fn an_unanswered_launching_hook_that_continues_goes_into_service() {
    let mut world = quiet(launching(HookResult::Continue));
    let id = grow(&mut world);
    let states = path(&mut world, &id, 500);
    assert_eq!(
        states,
        ["Pending", "Pending:Wait", "Pending:Proceed", "InService"]
    );
}

#[test]
fn the_host_completes_its_launching_hook_when_its_agent_registers() {
    let mut world = quiet(|it| {
        launching(HookResult::Abandon)(it);
        it.host.answers_hooks = true;
    });
    let id = grow(&mut world);
    wait_for(&mut world, 300, "service", |it| {
        lifecycle(it, &id) == Some(Lifecycle::InService)
    });
    assert!(world.agent_on(&id).is_some());
}

#[test]
fn a_termination_without_a_hook_takes_the_machine_at_once() {
    let mut world = quiet(|_| {});
    let id = first(&world);
    terminate(&mut world, &id, true);
    let states = path(&mut world, &id, 300);
    assert_eq!(states, ["Terminating", "Terminating:Proceed", "-"]);
    assert_eq!(
        (desired(&world), n_in(&world, &Lifecycle::InService)),
        (5, 5)
    );
}

#[test]
fn a_termination_without_a_decrement_is_replaced() {
    let mut world = quiet(|_| {});
    let id = first(&world);
    terminate(&mut world, &id, false);
    world.advance(Duration::from_mins(5));
    assert_eq!(
        (desired(&world), n_in(&world, &Lifecycle::InService)),
        (6, 6)
    );
    assert!(world.machine(&id).unwrap().is_terminated());
}

#[test]
fn a_terminating_hook_holds_for_its_timeout_and_heartbeats_extend_it() {
    let mut world = quiet(terminating(HookResult::Continue));
    let id = first(&world);
    terminate(&mut world, &id, false);
    wait_for(&mut world, 10, "the hook", |it| {
        lifecycle(it, &id) == Some(Lifecycle::TerminatingWait)
    });
    let held_at = world.now();
    let beat = Deed::Heartbeat {
        instance: id.clone(),
        hook: "down".into(),
    };
    for _ in 0..4 {
        world.advance(Duration::from_secs(250));
        world.meddle(&beat).unwrap();
    }
    assert!(world.machine(&id).unwrap().is_alive());
    let states = path(&mut world, &id, 600);
    assert_eq!(states, ["Terminating:Wait", "Terminating:Proceed", "-"]);
    let died_at = world.history().deaths[0].at;
    assert_eq!(died_at.since(held_at), Duration::from_secs(4 * 250 + 300));
    world.meddle(&beat).expect_err("nobody waits any more");
}

#[test]
fn no_heartbeat_reaches_beyond_the_global_timeout() {
    let mut world = quiet(|it| {
        let mut down = hook(HookTransition::Terminating, 300, HookResult::Continue);
        down.global_timeout = Duration::from_secs(1000);
        it.hooks = vec![down];
    });
    let id = first(&world);
    terminate(&mut world, &id, false);
    wait_for(&mut world, 10, "the hook", |it| {
        lifecycle(it, &id) == Some(Lifecycle::TerminatingWait)
    });
    let held_at = world.now();
    for _ in 0..20 {
        let beat = Deed::Heartbeat {
            instance: id.clone(),
            hook: "down".into(),
        };
        let _ = world.meddle(&beat);
        world.advance(Duration::from_secs(100));
    }
    assert_eq!(
        world.history().deaths[0].at.since(held_at),
        Duration::from_secs(1000)
    );
}

#[test]
fn an_abandoned_termination_is_retained_where_the_policy_says_so() {
    let mut world = quiet(|it| {
        terminating(HookResult::Abandon)(it);
        it.retains_abandoned = true;
    });
    let id = first(&world);
    terminate(&mut world, &id, false);
    let states = path(&mut world, &id, LONG);
    assert_eq!(
        states,
        ["Terminating", "Terminating:Wait", "Terminating:Retained"]
    );
    assert!(world.machine(&id).unwrap().is_alive(), "it is billed");
    assert_eq!(n_in(&world, &Lifecycle::InService), 6, "and not counted");
    terminate(&mut world, &id, true);
    assert_eq!(
        desired(&world),
        6,
        "a member that does not count is not decremented"
    );
    assert_eq!(path(&mut world, &id, 200), ["Terminating:Proceed", "-"]);
}

#[test]
fn an_abandoned_termination_goes_on_where_no_policy_retains() {
    let mut world = quiet(terminating(HookResult::Abandon));
    let id = first(&world);
    terminate(&mut world, &id, false);
    let states = path(&mut world, &id, 600);
    assert_eq!(
        states,
        [
            "Terminating",
            "Terminating:Wait",
            "Terminating:Proceed",
            "-"
        ]
    );
}

#[test]
fn standby_and_back_skips_every_hook() {
    let mut world = quiet(|it| {
        it.hooks = vec![
            hook(HookTransition::Launching, 300, HookResult::Abandon),
            hook(HookTransition::Terminating, 300, HookResult::Abandon),
        ];
    });
    let id = first(&world);
    let instances = vec![id.clone()];
    let pool = key();
    world
        .apply(&Call::EnterStandby {
            pool,
            instances: instances.clone(),
            decrement: true,
        })
        .unwrap();
    assert_eq!(desired(&world), 5);
    assert_eq!(path(&mut world, &id, 60), ["EnteringStandby", "Standby"]);
    world
        .apply(&Call::ExitStandby {
            pool: key(),
            instances,
        })
        .unwrap();
    assert_eq!(desired(&world), 6);
    assert_eq!(path(&mut world, &id, 60), ["Pending", "InService"]);
    assert_eq!(world.machines().count(), 6, "nobody was launched for it");
}

#[test]
fn standby_without_a_decrement_is_replaced() {
    let mut world = quiet(|_| {});
    let instances = vec![first(&world)];
    world
        .apply(&Call::EnterStandby {
            pool: key(),
            instances,
            decrement: false,
        })
        .unwrap();
    world.advance(Duration::from_secs(200));
    assert_eq!(
        (
            n_in(&world, &Lifecycle::InService),
            n_in(&world, &Lifecycle::Standby)
        ),
        (6, 1)
    );
}

#[test]
fn a_detached_machine_runs_on_and_can_be_attached_again() {
    let mut world = quiet(terminating(HookResult::Abandon));
    let id = first(&world);
    let instances = vec![id.clone()];
    world
        .meddle(&Deed::Detach {
            pool: key(),
            instances: instances.clone(),
            decrement: true,
        })
        .unwrap();
    assert_eq!(path(&mut world, &id, 60), ["Detaching", "-"]);
    assert!(world.machine(&id).unwrap().is_alive());
    assert_eq!((desired(&world), world.members(&key()).count()), (5, 5));
    check(&world);
    world
        .meddle(&Deed::Attach {
            pool: key(),
            instances,
        })
        .unwrap();
    assert_eq!(path(&mut world, &id, 60), ["Pending", "InService"]);
    assert_eq!((desired(&world), world.members(&key()).count()), (6, 6));
}

#[test]
fn a_machine_that_is_terminated_behind_the_groups_back_still_waits_for_the_hook() {
    let mut world = quiet(terminating(HookResult::Continue));
    let id = first(&world);
    world
        .meddle(&Deed::TerminateInEc2 {
            instance: id.clone(),
        })
        .unwrap();
    assert!(!world.machine(&id).unwrap().is_alive(), "EC2 asks no hook");
    wait_for(&mut world, 300, "the hook", |it| {
        lifecycle(it, &id) == Some(Lifecycle::TerminatingWait)
    });
    world.advance(Duration::from_mins(1));
    assert!(world.machine(&id).unwrap().is_terminated());
    // Nothing is left to wait for once the hook lets go.
    assert_eq!(path(&mut world, &id, 600), ["Terminating:Wait", "-"]);
}

#[test]
fn a_spot_machine_has_two_minutes() {
    let mut world = quiet(|it| {
        it.is_spot = true;
        terminating(HookResult::Continue)(it);
    });
    let id = first(&world);
    world.interrupt(&id);
    world.advance(Duration::from_secs(119));
    assert!(world.machine(&id).unwrap().is_alive());
    world.advance(Duration::from_secs(1));
    let machine = world.machine(&id).unwrap();
    assert!(!machine.is_alive(), "no hook delays it");
    assert!(
        machine
            .row
            .state_reason
            .as_deref()
            .unwrap()
            .starts_with("Server.SpotInstanceTermination")
    );
    world.advance(Duration::from_mins(15));
    assert_eq!(n_in(&world, &Lifecycle::InService), 6, "it was replaced");
    assert_eq!(world.history().deaths[0].why, Doom::SpotInterruption);
}

#[test]
fn a_stopped_machine_is_noticed_and_replaced() {
    let mut world = quiet(|_| {});
    let id = first(&world);
    world
        .meddle(&Deed::StopItself {
            instance: id.clone(),
        })
        .unwrap();
    wait_for(&mut world, 60, "stopped", |it| {
        it.machine(&id).unwrap().row.state == Some(MachineState::Stopped)
    });
    assert_eq!(
        path(&mut world, &id, 600),
        ["InService", "Terminating", "Terminating:Proceed", "-"]
    );
}

#[test]
fn a_deleted_hook_lets_go_as_aws_documents_it() {
    // Those who terminate go on, also where an abandoned termination would be retained.
    let mut world = quiet(|it| {
        terminating(HookResult::Abandon)(it);
        it.retains_abandoned = true;
    });
    let id = first(&world);
    terminate(&mut world, &id, false);
    wait_for(&mut world, 10, "the hook", |it| {
        lifecycle(it, &id) == Some(Lifecycle::TerminatingWait)
    });
    world
        .meddle(&Deed::DeleteHook {
            pool: key(),
            hook: "down".into(),
        })
        .unwrap();
    assert_eq!(path(&mut world, &id, 200), ["Terminating:Proceed", "-"]);

    // Those who launch are given up.
    let mut world = quiet(launching(HookResult::Continue));
    let id = grow(&mut world);
    wait_for(&mut world, 60, "the hook", |it| {
        lifecycle(it, &id) == Some(Lifecycle::PendingWait)
    });
    world
        .meddle(&Deed::DeleteHook {
            pool: key(),
            hook: "up".into(),
        })
        .unwrap();
    assert_eq!(lifecycle(&world, &id), Some(Lifecycle::Terminating));
}
