//! AWS refuses in its own words, and a refused call changes nothing.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, Capacity, FailureKind, InstanceId, Lifecycle, PoolKey, Process},
    sim::{Deed, PoolSpec, World},
};

use crate::common::{check, first, hook, ids, jenkins, key, lifecycle, quiet, read, scope};

/// Applies a call that must be refused with this sentence, and must not change anything.
fn check_refused(world: &mut World, call: &Call, sentence: &str) {
    let before = seen(world);
    let refused = world.apply(call).expect_err(&call.to_string());
    assert!(
        refused.what.contains(sentence),
        "{refused}\n  lacks: {sentence}"
    );
    assert!(refused.what.starts_with(call.operation()), "{refused}");
    assert!(refused.request_id.is_some(), "AWS gives every answer an id");
    assert_eq!(
        seen(world),
        before,
        "{call} was refused and changed something"
    );
    check(world);
}

fn seen(world: &mut World) -> String {
    let fleet = read(world);
    let rows = (
        fleet.pools.values().collect::<Vec<_>>(),
        fleet.instances.values().collect::<Vec<_>>(),
    );
    serde_json::to_string(&rows).unwrap()
}

fn refused_deed(world: &mut World, deed: &Deed, sentence: &str) {
    let refused = world.meddle(deed).expect_err("it must be refused");
    assert!(
        refused.what.contains(sentence),
        "{refused}\n  lacks: {sentence}"
    );
    check(world);
}

fn nobody() -> InstanceId {
    "i-0123456789abcdef0".into()
}

#[test]
fn desired_stays_between_min_and_max() {
    let mut world = quiet(|_| {});
    let set = |desired| Call::SetDesiredCapacity {
        pool: key(),
        desired,
    };
    check_refused(
        &mut world,
        &set(13),
        "ValidationError: New SetDesiredCapacity value 13 is above max value 12",
    );
    check_refused(
        &mut world,
        &set(1),
        "ValidationError: New SetDesiredCapacity value 1 is below min value 2",
    );
    assert_eq!(
        world.apply(&set(13)).unwrap_err().kind,
        FailureKind::Invalid
    );
}

#[test]
fn min_stays_below_max_and_desired_follows_the_bounds() {
    let mut world = quiet(|_| {});
    let bounds = |min, max| Call::UpdateBounds {
        pool: key(),
        min,
        max,
    };
    check_refused(
        &mut world,
        &bounds(Some(13), None),
        "Min bound, 13, must be less than or equal to max bound, 12",
    );
    world.apply(&bounds(Some(8), None)).unwrap();
    assert_eq!(
        world.group(&key()).unwrap().capacity(),
        Some(Capacity {
            desired: 8,
            min: 8,
            max: 12
        })
    );
    world.apply(&bounds(Some(1), Some(3))).unwrap();
    assert_eq!(
        world.group(&key()).unwrap().capacity(),
        Some(Capacity {
            desired: 3,
            min: 1,
            max: 3
        })
    );
}

#[test]
fn a_group_that_is_not_there_is_named() {
    let mut world = quiet(|_| {});
    let pool = PoolKey::new("sim/us-east-1", "nowhere");
    for call in [
        Call::SetDesiredCapacity {
            pool: pool.clone(),
            desired: 3,
        },
        Call::EnableMetrics { pool: pool.clone() },
        Call::SuspendProcesses {
            pool,
            processes: Vec::new(),
        },
    ] {
        check_refused(&mut world, &call, "AutoScalingGroup 'nowhere' not found");
    }
}

#[test]
fn protection_needs_a_member_that_is_in_service_or_in_standby() {
    let mut world = quiet(|it| {
        it.hooks = vec![hook(
            pooldeck::fleet::HookTransition::Terminating,
            300,
            pooldeck::fleet::HookResult::Continue,
        )];
    });
    let id = first(&world);
    let protect = |id: &InstanceId| Call::SetInstanceProtection {
        pool: key(),
        instances: vec![id.clone()],
        protected: true,
    };
    check_refused(
        &mut world,
        &protect(&nobody()),
        "is not part of Auto Scaling group linux",
    );
    world
        .meddle(&Deed::TerminateInGroup {
            instance: id.clone(),
            decrement: false,
        })
        .unwrap();
    world.advance(Duration::from_secs(30));
    let sentence = format!("The instance {id} is not in InService or EnteringStandby or Standby.");
    check_refused(&mut world, &protect(&id), &sentence);
}

#[test]
fn the_number_of_ids_is_bounded() {
    let mut world = quiet(|_| {});
    let instances = |n: u64| {
        (0..n)
            .map(|it| InstanceId::from(format!("i-{it:017x}")))
            .collect::<Vec<_>>()
    };
    let most = "Member must have length less than or equal to";
    let standby = Call::EnterStandby {
        pool: key(),
        instances: instances(21),
        decrement: true,
    };
    check_refused(&mut world, &standby, &format!("{most} 20"));
    let protect = Call::SetInstanceProtection {
        pool: key(),
        instances: instances(51),
        protected: true,
    };
    check_refused(&mut world, &protect, &format!("{most} 50"));
    let nobody = Call::ExitStandby {
        pool: key(),
        instances: Vec::new(),
    };
    check_refused(&mut world, &nobody, most);
}

#[test]
fn standby_respects_min_max_and_the_state() {
    let mut world = quiet(|it| {
        it.capacity = Some(Capacity {
            desired: 6,
            min: 6,
            max: 6,
        });
    });
    let id = first(&world);
    let enter = |decrement| Call::EnterStandby {
        pool: key(),
        instances: vec![id.clone()],
        decrement,
    };
    let exit = Call::ExitStandby {
        pool: key(),
        instances: vec![id.clone()],
    };
    check_refused(
        &mut world,
        &enter(true),
        "has min-size=6, max-size=6, and desired-size=6. To place into standby",
    );
    check_refused(
        &mut world,
        &exit,
        &format!("The instance {id} is not in Standby."),
    );
    world.apply(&enter(false)).unwrap();
    world.advance(Duration::from_mins(1));
    check_refused(
        &mut world,
        &enter(false),
        &format!("The instance {id} is not in InService."),
    );
    check_refused(&mut world, &exit, "To exit standby 1 instance(s)");
}

#[test]
fn a_decrement_never_passes_min() {
    let mut world = quiet(|it| {
        it.capacity = Some(Capacity {
            desired: 6,
            min: 6,
            max: 8,
        });
    });
    let instance = first(&world);
    let terminate = Deed::TerminateInGroup {
        instance: instance.clone(),
        decrement: true,
    };
    refused_deed(
        &mut world,
        &terminate,
        "Currently, desiredSize equals minSize (6)",
    );
    let detach = Deed::Detach {
        pool: key(),
        instances: vec![instance],
        decrement: true,
    };
    refused_deed(&mut world, &detach, "desiredSize equals minSize");
}

#[test]
fn termination_through_the_group_needs_a_member() {
    let mut world = quiet(|it: &mut PoolSpec| it.n_loose = 1);
    let loose = ids(&world, |it| it.lifecycle().is_none()).remove(0);
    for instance in [nobody(), loose] {
        let sentence = format!("No managed instance found for instance ID: {instance}");
        refused_deed(
            &mut world,
            &Deed::TerminateInGroup {
                instance,
                decrement: false,
            },
            &sentence,
        );
    }
}

#[test]
fn a_second_termination_is_accepted_and_decrements_again() {
    let mut world = quiet(|it| {
        it.hooks = vec![hook(
            pooldeck::fleet::HookTransition::Terminating,
            3600,
            pooldeck::fleet::HookResult::Continue,
        )];
    });
    let instance = first(&world);
    let terminate = Deed::TerminateInGroup {
        instance: instance.clone(),
        decrement: true,
    };
    world.meddle(&terminate).unwrap();
    world.advance(Duration::from_secs(30));
    assert_eq!(
        lifecycle(&world, &instance),
        Some(Lifecycle::TerminatingWait)
    );
    // The trap of a lost reply: whoever sends it again shrinks the group by two.
    world.meddle(&terminate).unwrap();
    assert_eq!(crate::common::desired(&world), 4);
}

#[test]
fn tags_need_a_machine_that_ec2_knows_and_a_key_of_our_own() {
    let mut world = quiet(|_| {});
    let tag = |instances: Vec<InstanceId>, tag: &str| Call::TagInstances {
        scope: scope(),
        instances,
        key: tag.to_owned(),
        value: "x".to_owned(),
    };
    let id = first(&world);
    let unknown =
        "InvalidInstanceID.NotFound: The instance ID 'i-0123456789abcdef0' does not exist";
    check_refused(&mut world, &tag(vec![id.clone(), nobody()], "op"), unknown);
    assert_eq!(
        world.apply(&tag(vec![nobody()], "op")).unwrap_err().kind,
        FailureKind::NotFound
    );
    check_refused(
        &mut world,
        &tag(vec![id.clone()], "aws:op"),
        "reserved for internal use",
    );
    world.apply(&tag(vec![id.clone()], "op")).unwrap();
    assert_eq!(world.machine(&id).unwrap().row.tags["op"], "x");
}

#[test]
fn a_group_tag_reaches_new_machines_only_when_it_propagates() {
    let mut world = quiet(|_| {});
    for (name, propagate) in [("near", false), ("far", true)] {
        let (key, value) = (name.to_owned(), "1".to_owned());
        world
            .apply(&Call::TagPool {
                pool: crate::common::key(),
                key,
                value,
                propagate,
            })
            .unwrap();
    }
    let old = first(&world);
    world
        .apply(&Call::SetDesiredCapacity {
            pool: key(),
            desired: 7,
        })
        .unwrap();
    world.advance(Duration::from_mins(1));
    let new = &world.history().launches[0].instance;
    let tags = |id: &InstanceId| world.machine(id).unwrap().row.tags.clone();
    assert!(tags(new).contains_key("far") && !tags(new).contains_key("near"));
    assert!(!tags(&old).contains_key("far"), "the old ones keep theirs");
}

#[test]
fn a_process_that_nobody_knows_is_refused() {
    let mut world = quiet(|_| {});
    let processes = vec![Process::from("Dance")];
    check_refused(
        &mut world,
        &Call::SuspendProcesses {
            pool: key(),
            processes,
        },
        "Dance is not a valid process name",
    );
}

#[test]
fn suspending_twice_keeps_the_first_reason() {
    let mut world = quiet(|_| {});
    let suspend = Call::SuspendProcesses {
        pool: key(),
        processes: vec![Process::Launch],
    };
    world.apply(&suspend).unwrap();
    let reason = world.group(&key()).unwrap().row.suspended[0].reason.clone();
    assert_eq!(reason, "User suspended at 2025-11-21T10:00:00Z");
    world.advance(Duration::from_mins(1));
    world.apply(&suspend).unwrap();
    assert_eq!(world.group(&key()).unwrap().row.suspended.len(), 1);
    assert_eq!(world.group(&key()).unwrap().row.suspended[0].reason, reason);
}

#[test]
fn an_answer_to_no_hook_is_refused() {
    let mut world = quiet(|_| {});
    let instance = first(&world);
    let sentence = format!("No active Lifecycle Action found with instance ID {instance}");
    let result = pooldeck::fleet::HookResult::Continue;
    let answer = Deed::CompleteHook {
        instance: instance.clone(),
        hook: "down".into(),
        result,
    };
    refused_deed(&mut world, &answer, &sentence);
    refused_deed(
        &mut world,
        &Deed::Heartbeat {
            instance,
            hook: "down".into(),
        },
        &sentence,
    );
}

#[test]
fn attaching_needs_room_a_running_machine_and_no_other_group() {
    let mut world = quiet(|it| {
        it.capacity = Some(Capacity {
            desired: 6,
            min: 0,
            max: 6,
        });
        it.n_loose = 1;
    });
    let loose = ids(&world, |it| it.lifecycle().is_none()).remove(0);
    let attach = |id: &InstanceId| Deed::Attach {
        pool: key(),
        instances: vec![id.clone()],
    };
    refused_deed(&mut world, &attach(&loose), "To attach 1 instance(s)");
    let member = first(&world);
    refused_deed(
        &mut world,
        &attach(&member),
        "is already part of AutoScalingGroup",
    );
    refused_deed(&mut world, &attach(&nobody()), "Invalid Instance ID(s)");
    world
        .meddle(&Deed::StopItself {
            instance: loose.clone(),
        })
        .unwrap();
    refused_deed(&mut world, &attach(&loose), "must be in 'running' state");
}

#[test]
fn an_agent_that_is_not_there_is_not_cordoned() {
    let mut world = quiet(|_| {});
    let cordon = Call::Cordon {
        controller: jenkins(),
        executor: "nobody".into(),
        note: String::new(),
    };
    check_refused(&mut world, &cordon, "jenkins has no agent nobody");
    let agent = first(&world).to_string();
    let remove = Call::RemoveExecutor {
        controller: jenkins(),
        executor: agent,
    };
    check_refused(
        &mut world,
        &remove,
        "cannot remove an agent on the condition that it is idle",
    );
}

#[test]
fn the_kinds_of_refusal_are_those_of_the_door_to_aws() {
    let mut world = quiet(|_| {});
    let (pool, instance) = (key(), first(&world));
    let nowhere = PoolKey::new("sim/us-east-1", "nowhere");
    let instances = vec![instance.clone()];
    let result = pooldeck::fleet::HookResult::Continue;
    for (call, kind) in [
        (Call::EnableMetrics { pool: nowhere }, FailureKind::NotFound),
        (
            Call::ExitStandby {
                pool: pool.clone(),
                instances,
            },
            FailureKind::Conflict,
        ),
        (
            Call::SetDesiredCapacity {
                pool: pool.clone(),
                desired: 99,
            },
            FailureKind::Invalid,
        ),
        (
            Call::CompleteHook {
                pool,
                instance,
                hook: "down".into(),
                result,
            },
            FailureKind::NotFound,
        ),
    ] {
        assert_eq!(world.apply(&call).unwrap_err().kind, kind, "{call}");
    }
}
