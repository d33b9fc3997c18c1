//! A warm pool: its own states, and what may not be done to its machines.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, HookResult, HookTransition, Lifecycle, MachineState, Phase},
    sim::Deed,
};

use crate::common::{check, hook, ids, key, n_in, path, quiet, read, wait_for};

#[test]
fn a_group_grows_from_its_warm_pool_first_and_refills_it() {
    let mut world = quiet(|it| it.n_warm = 2);
    let warm = ids(&world, |it| {
        it.lifecycle() == Some(&Lifecycle::WarmedStopped)
    });
    assert_eq!(warm.len(), 2);
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 7,
        })
        .unwrap();
    wait_for(&mut world, 60, "a start", |it| {
        it.history().launches.len() == 1
    });
    let id = world.history().launches[0].instance.clone();
    assert!(warm.contains(&id));
    assert_eq!(path(&mut world, &id, 120), ["Pending", "InService"]);
    assert!(world.agent_on(&id).is_some());
    let fresh = ids(&world, |it| it.is_warm() && !warm.contains(it.id())).remove(0);
    assert_eq!(
        path(&mut world, &fresh, 120).last().map(String::as_str),
        Some("Warmed:Stopped")
    );
    let fleet = read(&mut world);
    assert_eq!(fleet.roster(&key()).counts.get(Phase::Warm), 2);
    assert_eq!(fleet.pools[&key()].warm_pool_size, Some(2));
    check(&world);
}

#[test]
fn hooks_hold_the_way_into_the_warm_pool_and_out_of_it() {
    let mut world = quiet(|it| {
        it.n_warm = 1;
        it.hooks = vec![hook(HookTransition::Launching, 300, HookResult::Continue)];
    });
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 7,
        })
        .unwrap();
    wait_for(&mut world, 60, "a start", |it| {
        it.history().launches.len() == 1
    });
    let taken = world.history().launches[0].instance.clone();
    let fresh = ids(&world, |it| {
        it.lifecycle() == Some(&Lifecycle::WarmedPending)
    })
    .remove(0);
    let mut other = world.clone();
    assert_eq!(
        path(&mut world, &taken, 500),
        ["Pending", "Pending:Wait", "Pending:Proceed", "InService"]
    );
    let states = path(&mut other, &fresh, 500);
    assert_eq!(
        states,
        [
            "Warmed:Pending",
            "Warmed:Pending:Wait",
            "Warmed:Pending:Proceed",
            "Warmed:Stopped"
        ]
    );
    assert_eq!(
        other.machine(&fresh).unwrap().row.state,
        Some(MachineState::Stopped)
    );
}

#[test]
fn a_warm_machine_is_neither_protected_nor_terminated_through_the_group() {
    let mut world = quiet(|it| it.n_warm = 1);
    let id = ids(&world, pooldeck::sim::Machine::is_warm).remove(0);
    let instances = vec![id.clone()];
    let refused = world.apply(&Call::SetInstanceProtection {
        pool: key(),
        instances,
        protected: true,
    });
    assert!(
        refused
            .unwrap_err()
            .what
            .contains("is not in InService or EnteringStandby or Standby")
    );
    let refused = world.meddle(&Deed::TerminateInGroup {
        instance: id.clone(),
        decrement: false,
    });
    assert!(refused.unwrap_err().what.contains("is in the warm pool"));
    world
        .meddle(&Deed::TerminateInEc2 {
            instance: id.clone(),
        })
        .unwrap();
    let states = path(&mut world, &id, 300);
    assert_eq!(states.first().map(String::as_str), Some("Warmed:Stopped"));
    assert_eq!(states.last().map(String::as_str), Some("-"));
    assert!(
        states.contains(&"Warmed:Terminating".to_owned()),
        "{states:?}"
    );
    world.advance(Duration::from_mins(10));
    assert_eq!(
        n_in(&world, &Lifecycle::WarmedStopped),
        1,
        "the pool is refilled"
    );
    check(&world);
}
