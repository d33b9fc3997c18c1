//! Random calls and deeds under the worst weather: the world never contradicts itself, and never panics.

use std::time::Duration;

use pooldeck::{
    fleet::{Call, HookResult, HookTransition, ImageId, InstanceId, Lifecycle, Process},
    sim::{Deed, Faults, ImageTrait, PoolSpec, RefreshSpec, Reluctant, World},
};
use proptest::prelude::*;

use crate::common::{START, check, hook, jenkins, key, scenario, scope};

/// A deed or a call on a member picked by number, so that a failing list shrinks well.
#[derive(Clone, Debug)]
enum Step {
    Pass(u16),
    Read,
    Desired(u8),
    Bounds(u8, u8),
    Protect(u8, bool),
    Suspend(u8),
    Resume(u8),
    EnterStandby(u8, bool),
    ExitStandby(u8),
    Tag(u8),
    Cordon(u8),
    Uncordon(u8),
    Terminate(u8, bool),
    TerminateInEc2(u8),
    Interrupt(u8),
    Sicken(u8),
    StopItself(u8),
    Complete(u8, bool),
    Heartbeat(u8),
    Detach(u8, bool),
    Attach(u8),
    Health(u8, bool),
    Publish(u8),
    Restart,
    QuietDown(bool),
    DropAgent(u8),
    DeleteHook(bool),
    Refresh(u8),
    CancelRefresh,
    RollBack,
    DeleteGroup,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (1..600_u16).prop_map(Step::Pass),
        4 => Just(Step::Read),
        2 => (0..14_u8).prop_map(Step::Desired),
        1 => (0..6_u8, 0..16_u8).prop_map(|(min, max)| Step::Bounds(min, max)),
        1 => any::<(u8, bool)>().prop_map(|(n, on)| Step::Protect(n, on)),
        1 => any::<u8>().prop_map(Step::Suspend),
        2 => any::<u8>().prop_map(Step::Resume),
        1 => any::<(u8, bool)>().prop_map(|(n, it)| Step::EnterStandby(n, it)),
        2 => any::<u8>().prop_map(Step::ExitStandby),
        1 => any::<u8>().prop_map(Step::Tag),
        1 => any::<u8>().prop_map(Step::Cordon),
        1 => any::<u8>().prop_map(Step::Uncordon),
        2 => any::<(u8, bool)>().prop_map(|(n, it)| Step::Terminate(n, it)),
        1 => any::<u8>().prop_map(Step::TerminateInEc2),
        1 => any::<u8>().prop_map(Step::Interrupt),
        1 => any::<u8>().prop_map(Step::Sicken),
        1 => any::<u8>().prop_map(Step::StopItself),
        2 => any::<(u8, bool)>().prop_map(|(n, it)| Step::Complete(n, it)),
        1 => any::<u8>().prop_map(Step::Heartbeat),
        1 => any::<(u8, bool)>().prop_map(|(n, it)| Step::Detach(n, it)),
        1 => any::<u8>().prop_map(Step::Attach),
        1 => any::<(u8, bool)>().prop_map(|(n, it)| Step::Health(n, it)),
        1 => (0..4_u8).prop_map(Step::Publish),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::QuietDown),
        1 => any::<u8>().prop_map(Step::DropAgent),
        1 => any::<bool>().prop_map(Step::DeleteHook),
        2 => any::<u8>().prop_map(Step::Refresh),
        1 => Just(Step::CancelRefresh),
        1 => Just(Step::RollBack),
    ];
    // At most one deletion, and late, or most lists would be about nothing.
    (
        prop::collection::vec(step, 1..60),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(mut steps, deletes)| {
            if deletes {
                steps.push(Step::DeleteGroup);
                steps.push(Step::Pass(600));
            }
            steps
        })
}

fn pool(shape: u8, pool: &mut PoolSpec) {
    pool.is_spot = shape & 1 != 0;
    pool.retains_abandoned = shape & 2 != 0;
    pool.host.answers_hooks = shape & 4 != 0;
    pool.protects_new_instances = shape & 8 != 0;
    if shape & 16 != 0 {
        // Where nobody answers, an abandoned launch would be repeated for ever.
        let unanswered = if pool.host.answers_hooks {
            HookResult::Abandon
        } else {
            HookResult::Continue
        };
        pool.hooks
            .push(hook(HookTransition::Launching, 300, unanswered));
    }
    if shape & 32 != 0 {
        pool.hooks
            .push(hook(HookTransition::Terminating, 300, HookResult::Abandon));
    }
    pool.n_loose = u32::from(shape >> 7);
    pool.n_warm = u32::from(shape >> 6 & 1);
}

fn member(world: &World, n: u8) -> InstanceId {
    let ids: Vec<_> = world.machines().map(|it| it.id().clone()).collect();
    let member_idx = usize::from(n) % ids.len().max(1);
    ids.get(member_idx)
        .cloned()
        .unwrap_or_else(|| "i-00000000000000000".into())
}

fn process(n: u8) -> Process {
    Process::KNOWN[usize::from(n) % Process::KNOWN.len()].clone()
}

/// Returns the call that a step makes, if it makes one.
fn call_of(world: &World, step: &Step) -> Option<Call> {
    let (pool, scope, controller) = (key(), scope(), jenkins());
    let some = |n: u8| vec![member(world, n)];
    let agent = |n: u8| member(world, n).to_string();
    Some(match *step {
        Step::Desired(n) => Call::SetDesiredCapacity {
            pool,
            desired: u32::from(n),
        },
        Step::Bounds(min, max) => Call::UpdateBounds {
            pool,
            min: Some(u32::from(min)),
            max: Some(u32::from(max)),
        },
        Step::Protect(n, protected) => Call::SetInstanceProtection {
            pool,
            instances: some(n),
            protected,
        },
        Step::Suspend(n) => Call::SuspendProcesses {
            pool,
            processes: vec![process(n)],
        },
        Step::Resume(n) => Call::ResumeProcesses {
            pool,
            processes: vec![process(n)],
        },
        Step::EnterStandby(n, decrement) => Call::EnterStandby {
            pool,
            instances: some(n),
            decrement,
        },
        Step::ExitStandby(n) => Call::ExitStandby {
            pool,
            instances: some(n),
        },
        Step::Tag(n) => {
            let (key, value) = ("op".to_owned(), "42".to_owned());
            Call::TagInstances {
                scope,
                instances: some(n),
                key,
                value,
            }
        }
        Step::Cordon(n) => Call::Cordon {
            controller,
            executor: agent(n),
            note: "soak".to_owned(),
        },
        Step::Uncordon(n) => Call::Uncordon {
            controller,
            executor: agent(n),
        },
        _ => return None,
    })
}

/// Returns the deed of somebody else that a step is, if it is one.
fn deed_of(world: &World, step: &Step) -> Option<Deed> {
    let pool = key();
    let some = |n: u8| member(world, n);
    Some(match *step {
        Step::Terminate(n, decrement) => Deed::TerminateInGroup {
            instance: some(n),
            decrement,
        },
        Step::TerminateInEc2(n) => Deed::TerminateInEc2 { instance: some(n) },
        Step::StopItself(n) => Deed::StopItself { instance: some(n) },
        Step::Complete(n, goes_on) => {
            let result = if goes_on {
                HookResult::Continue
            } else {
                HookResult::Abandon
            };
            let hook = if n % 2 == 0 { "up" } else { "down" }.to_owned();
            Deed::CompleteHook {
                instance: some(n),
                hook,
                result,
            }
        }
        Step::Heartbeat(n) => Deed::Heartbeat {
            instance: some(n),
            hook: "down".to_owned(),
        },
        Step::Detach(n, decrement) => Deed::Detach {
            pool,
            instances: vec![some(n)],
            decrement,
        },
        Step::Attach(n) => Deed::Attach {
            pool,
            instances: vec![some(n)],
        },
        Step::Health(n, is_healthy) => Deed::SetHealth {
            instance: some(n),
            is_healthy,
        },
        Step::Publish(n) => Deed::PublishVersion {
            pool,
            image: image(n),
        },
        Step::QuietDown(on) => Deed::QuietDown {
            controller: jenkins(),
            why: on.then(|| "maintenance".to_owned()),
        },
        Step::DeleteHook(up) => Deed::DeleteHook {
            pool,
            hook: if up { "up" } else { "down" }.to_owned(),
        },
        Step::Refresh(n) => Deed::StartRefresh {
            pool,
            spec: refresh(n),
        },
        Step::CancelRefresh => Deed::CancelRefresh { pool },
        Step::RollBack => Deed::RollbackRefresh { pool },
        Step::DeleteGroup => Deed::DeleteGroup { pool, force: true },
        _ => return None,
    })
}

fn refresh(n: u8) -> RefreshSpec {
    RefreshSpec {
        version: (n & 1 != 0).then_some(1),
        min_healthy_percent: if n & 2 != 0 { 50 } else { 100 },
        max_healthy_percent: if n & 4 != 0 { 130 } else { 100 },
        skip_matching: n & 8 != 0,
        protected: if n & 16 != 0 {
            Reluctant::Replace
        } else {
            Reluctant::Ignore
        },
        standby: if n & 32 != 0 {
            Reluctant::Replace
        } else {
            Reluctant::Ignore
        },
        auto_rollback: n & 64 != 0,
        ..RefreshSpec::default()
    }
}

fn image(n: u8) -> ImageId {
    ImageId::from(format!("ami-{n}"))
}

/// Does one step. Whether it is refused is not the question here.
fn take(world: &mut World, step: &Step) {
    if let Some(call) = call_of(world, step) {
        let _ = world.apply(&call);
    }
    if let Some(deed) = deed_of(world, step) {
        let _ = world.meddle(&deed);
    }
    match *step {
        Step::Pass(secs) => world.advance(Duration::from_secs(u64::from(secs))),
        Step::Read => {
            let _ = (world.observe(&scope()), world.observe_ci(&jenkins()));
        }
        Step::Interrupt(n) => world.interrupt(&member(world, n)),
        Step::Sicken(n) => world.sicken(&member(world, n)),
        Step::Restart => world.restart(&jenkins()),
        Step::DropAgent(n) => world.drop_agent(&jenkins(), member(world, n).as_str()),
        _ => {}
    }
}

/// After every fault has stopped and nobody does anything, a group comes to rest.
fn settle(world: &mut World) {
    world.set_faults(Faults::none());
    // Somebody else's call: a source that is still silent would not hear ours.
    let resume = Call::ResumeProcesses {
        pool: key(),
        processes: Vec::new(),
    };
    let _ = world.meddle(&Deed::Call(resume));
    // A refresh towards an image that never comes up would go on trying.
    let _ = world.meddle(&Deed::CancelRefresh { pool: key() });
    world.advance(Duration::from_hours(2));
    check(world);
    let Some(group) = world.group(&key()) else {
        return;
    };
    let counted: Vec<_> = world.members(&key()).filter(|it| it.is_counted()).collect();
    let all_protected = counted.iter().all(|it| it.row.protected);
    let template = group.row.template.as_ref().and_then(|it| it.image.as_ref());
    let launches = template.is_none_or(|it| !["ami-1", "ami-3"].contains(&it.as_str()));
    let desired = group.capacity().unwrap().desired as usize;
    if launches && !all_protected {
        assert_eq!(
            counted.len(),
            desired,
            "did not settle: {:?}",
            group.activities.back()
        );
    }
    for machine in world.members(&key()) {
        let rests = matches!(
            machine.lifecycle(),
            Some(
                Lifecycle::InService
                    | Lifecycle::Standby
                    | Lifecycle::TerminatingRetained
                    | Lifecycle::WarmedStopped
            )
        );
        assert!(
            rests || !launches,
            "{} is still {:?}",
            machine.id(),
            machine.lifecycle()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_world_never_contradicts_itself(seed in any::<u64>(), shape in any::<u8>(), steps in steps()) {
        let mut scenario = scenario(|it| pool(shape, it));
        scenario.faults = Faults::bad_day();
        // So many interruptions that every run has some.
        scenario.faults.weather.spot_interruption = 0.02;
        scenario.faults.weather.sick_machine = 0.005;
        let mut world = World::new(seed, scenario, START);
        for n in 0..4 {
            let is = [ImageTrait::Good, ImageTrait::NeverRegisters, ImageTrait::FailsJobs, ImageTrait::Gone];
            world.set_image(image(n), is[usize::from(n)]);
        }
        for step in &steps {
            take(&mut world, step);
            check(&world);
        }
        settle(&mut world);
    }
}
