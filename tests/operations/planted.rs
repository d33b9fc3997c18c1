//! Mistakes that are made on purpose: each is noticed by the checker of its invariant, alone.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    fleet::{Call, Fleet, HookResult, InstanceId, Lifecycle, Part, Process, Timestamp, Work},
    operation::{Decision, Event, Happening, Spec, TAG},
    sim::Deed,
};

use crate::{
    bench::Driver,
    case::{Case, key},
    checks::Violation,
    drains::drain_of,
};

/// What a driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    TerminatesUnproven,
    BelievesOneReading,
    RemovesUnproven,
    TakesUnknownForIdle,
    LowersDesired,
    LowersUnheld,
    LowersTooFar,
    EndsHookUnderJob,
    AbandonsHook,
    NeverBeats,
    OverlooksOwners,
    TakesTooMany,
    TerminatesAgain,
    RaisesMax,
    Suspends,
    RaisesDesired,
    ProtectsAnother,
    FlipsDecrement,
    ActsLate,
    WaitsForEver,
    ForgetsCordon,
    ForgetsMark,
    ForgetsProtection,
    ForgetsHook,
    AsksAgainAtOnce,
    LosesItsJournal,
    LowersMax,
    GrowsTooFar,
    ForgetsResume,
    KeepsMax,
    MakesTwo,
    StartsTwice,
    StartsAnother,
    OpensTooEarly,
    TakesOldForNew,
    LeavesEarly,
}

pub(crate) struct Plant {
    mistake: Mistake,
    /// A mistake that is made once was made.
    is_made: bool,
    is_repeated: bool,
    last: Option<Call>,
}

impl Plant {
    pub(crate) fn new(mistake: Mistake) -> Self {
        Self {
            mistake,
            is_made: false,
            is_repeated: false,
            last: None,
        }
    }

    /// Makes of a right decision a wrong one.
    #[expect(clippy::too_many_lines, reason = "one arm for each mistake")]
    pub(crate) fn twist(
        &mut self,
        decision: Decision,
        driver: &mut Driver,
        fleet: &Fleet,
    ) -> Decision {
        let pool = key();
        let decrement = match &driver.operation.spec {
            Spec::Drain(it) => it.decrement,
            Spec::Roll(_) | Spec::Freeze(_) | Spec::Refresh(_) => true,
        };
        let is_first = !std::mem::replace(&mut self.is_made, true);
        let waits = matches!(decision, Decision::Wait(_));
        let targets: Vec<InstanceId> = driver.operation.targets().map(|it| it.0.clone()).collect();
        let held = targets.iter().find(|it| {
            let instance = fleet.instances.get(*it);
            instance.is_some_and(|it| it.lifecycle == Some(Lifecycle::TerminatingWait))
        });
        let capacity = fleet.pool(&pool).and_then(|it| it.capacity);
        let desired = capacity.map_or(6, |it| it.desired);
        let once = |call: Call| {
            if is_first {
                Decision::Apply(call)
            } else {
                decision.clone()
            }
        };
        match (self.mistake, &decision) {
            (Mistake::TerminatesUnproven, Decision::Wait(_)) => {
                let is_begun = |it: &&InstanceId| driver.operation.target(it).unwrap().is_begun();
                let begun = targets.iter().filter(is_begun);
                let mut there = begun.filter(|it| fleet.instances.contains_key(*it));
                there.next().map_or(decision.clone(), |it| {
                    Decision::Apply(Call::TerminateInstance {
                        pool,
                        instance: it.clone(),
                        decrement,
                    })
                })
            }
            (Mistake::RemovesUnproven, Decision::Wait(_)) => {
                let mut agents = targets.iter().flat_map(|it| fleet.executors_on(it));
                agents.next().map_or(decision.clone(), |it| {
                    Decision::Apply(Call::RemoveExecutor {
                        controller: it.controller.clone(),
                        executor: it.id.clone(),
                    })
                })
            }
            (Mistake::LowersDesired, Decision::Apply(Call::TerminateInstance { .. })) => {
                let desired = desired - 1;
                Decision::Apply(Call::SetDesiredCapacity { pool, desired })
            }
            (Mistake::LowersUnheld, Decision::Apply(Call::SuspendProcesses { processes, .. }))
                if *processes == [Process::Terminate] =>
            {
                let desired = desired - 1;
                Decision::Apply(Call::SetDesiredCapacity { pool, desired })
            }
            // First one too few, then what mends that is left out.
            (Mistake::LowersTooFar, Decision::Apply(Call::ResumeProcesses { processes, .. }))
                if *processes == [Process::Terminate] =>
            {
                self.last = Some(Call::ResumeProcesses {
                    pool: pool.clone(),
                    processes: processes.clone(),
                });
                let desired = desired - 1;
                Decision::Apply(Call::SetDesiredCapacity { pool, desired })
            }
            (Mistake::LowersTooFar, Decision::Apply(Call::SetDesiredCapacity { .. })) => {
                self.last.take().map_or(decision, Decision::Apply)
            }
            (Mistake::EndsHookUnderJob | Mistake::AbandonsHook, _) if held.is_some() && waits => {
                let is_abandon = self.mistake == Mistake::AbandonsHook;
                Decision::Apply(Call::CompleteHook {
                    pool,
                    instance: held.unwrap().clone(),
                    hook: "drain".to_owned(),
                    result: if is_abandon {
                        HookResult::Abandon
                    } else {
                        HookResult::Continue
                    },
                })
            }
            (Mistake::NeverBeats, Decision::Apply(Call::Heartbeat { .. }))
            | (Mistake::WaitsForEver, Decision::Apply(_)) => Decision::Wait(Vec::new()),
            (Mistake::TerminatesAgain | Mistake::OpensTooEarly, Decision::Wait(_))
                if self.last.is_some() =>
            {
                Decision::Apply(self.last.take().unwrap())
            }
            (Mistake::TerminatesAgain, Decision::Apply(call @ Call::TerminateInstance { .. })) => {
                self.last = Some(call.clone());
                decision
            }
            (Mistake::ForgetsCordon, Decision::Apply(Call::Uncordon { .. })) => Decision::Done,
            (Mistake::RaisesMax, _) => once(Call::UpdateBounds {
                pool,
                min: None,
                max: Some(14),
            }),
            (Mistake::Suspends, _) => once(Call::SuspendProcesses {
                pool,
                processes: vec![pooldeck::fleet::Process::AlarmNotification],
            }),
            (Mistake::RaisesDesired, _) => once(Call::SetDesiredCapacity {
                pool,
                desired: desired + 1,
            }),
            (Mistake::ProtectsAnother, _) => {
                let mut others = fleet.instances.keys().filter(|it| !targets.contains(it));
                once(Call::SetInstanceProtection {
                    pool,
                    instances: vec![others.next().unwrap().clone()],
                    protected: true,
                })
            }
            (
                Mistake::FlipsDecrement,
                Decision::Apply(Call::TerminateInstance { instance, .. }),
            ) => Decision::Apply(Call::TerminateInstance {
                pool,
                instance: instance.clone(),
                decrement: !decrement,
            }),
            (Mistake::ActsLate, Decision::Apply(_)) => {
                driver.world.advance(Duration::from_mins(2));
                decision
            }
            (Mistake::LowersMax, Decision::Apply(Call::TerminateInstance { .. })) => {
                let max = Some(desired - 1);
                Decision::Apply(Call::UpdateBounds {
                    pool,
                    min: None,
                    max,
                })
            }
            (Mistake::GrowsTooFar, Decision::Apply(Call::SetDesiredCapacity { desired, .. })) => {
                // As far as the largest max allows.
                let desired = desired + 5;
                Decision::Apply(Call::SetDesiredCapacity { pool, desired })
            }
            (
                Mistake::MakesTwo,
                Decision::Apply(Call::LaunchFrom { .. } | Call::SuspendProcesses { .. }),
            ) if !self.is_repeated => {
                self.is_repeated = true;
                let made = driver.journal.iter().find_map(|it| match &it.what {
                    Happening::Applied { call, .. } if !matches!(call, Call::TagPool { .. }) => {
                        Some(call.clone())
                    }
                    _ => None,
                });
                let mut made = made.unwrap();
                if let Call::CreateTemplateVersion { token, .. } = &mut made {
                    token.push_str("-again");
                }
                Decision::Apply(made)
            }
            (Mistake::StartsTwice, Decision::Done) if !self.is_repeated => {
                self.is_repeated = true;
                let Spec::Refresh(refresh) = &driver.operation.spec else {
                    unreachable!("the case is a refresh")
                };
                let terms = Box::new(refresh.terms.clone());
                Decision::Apply(Call::StartRefresh { pool, terms })
            }
            (Mistake::StartsAnother, Decision::Apply(Call::StartRefresh { terms, .. })) => {
                let mut terms = terms.clone();
                terms.min_healthy_percent = Some(0);
                Decision::Apply(Call::StartRefresh { pool, terms })
            }
            (Mistake::OpensTooEarly, Decision::Apply(Call::TerminateInstance { instance, .. })) => {
                let agent = fleet.executors_on(instance).next().unwrap();
                self.last = Some(Call::Uncordon {
                    controller: agent.controller.clone(),
                    executor: agent.id.clone(),
                });
                decision
            }
            (Mistake::OpensTooEarly, Decision::Apply(Call::CompleteHook { instance, .. }))
                if driver.world.jobs_on(instance).is_empty() =>
            {
                Decision::Wait(Vec::new())
            }
            (Mistake::OpensTooEarly, Decision::Wait(_) | Decision::Apply(Call::Cordon { .. }))
                if held.is_some_and(|it| !driver.world.jobs_on(it).is_empty()) =>
            {
                Decision::Apply(Call::CompleteHook {
                    pool,
                    instance: held.unwrap().clone(),
                    hook: "drain".to_owned(),
                    result: HookResult::Continue,
                })
            }
            (Mistake::LeavesEarly, Decision::Wait(_)) => {
                let has_begun = driver.journal.iter().any(|it| {
                    let Happening::Applied { call, .. } = &it.what else {
                        return false;
                    };
                    matches!(
                        call,
                        Call::StartRefresh { .. }
                            | Call::SetDesiredCapacity { .. }
                            | Call::TagPool { .. }
                    )
                });
                if has_begun { Decision::Done } else { decision }
            }
            (Mistake::AsksAgainAtOnce, _) => {
                let refused = driver.journal.last().and_then(|it| match &it.what {
                    Happening::Refused { call, .. } => Some(call.clone()),
                    _ => None,
                });
                refused.map_or(decision, Decision::Apply)
            }
            _ => decision,
        }
    }

    /// Makes the driver see what is not so.
    pub(crate) fn misread(&self, part: &Part, now: Timestamp) -> Part {
        let mut part = part.clone();
        if self.mistake == Mistake::TakesUnknownForIdle {
            for executor in &mut part.executors {
                let executor = Arc::make_mut(executor);
                if matches!(executor.work, Work::Unknown(_) | Work::Offline { .. }) {
                    executor.work = Work::Idle { since: None };
                    executor.evidence.iter_mut().for_each(|it| it.at = now);
                }
            }
        }
        if self.mistake == Mistake::TakesOldForNew {
            for instance in &mut part.instances {
                Arc::make_mut(instance).template_version = Some("2".to_owned());
            }
        }
        if self.mistake == Mistake::OverlooksOwners {
            for instance in &mut part.instances {
                Arc::make_mut(instance).tags.remove(TAG);
            }
        }
        part
    }

    /// Returns whether a call is written down as done and never sent.
    pub(crate) fn swallows(&self, call: &Call) -> bool {
        match self.mistake {
            Mistake::ForgetsMark => matches!(call, Call::UntagInstances { .. }),
            Mistake::ForgetsProtection => matches!(
                call,
                Call::SetInstanceProtection {
                    protected: false,
                    ..
                }
            ),
            Mistake::ForgetsHook => matches!(call, Call::CompleteHook { .. }),
            Mistake::ForgetsResume => matches!(call, Call::ResumeProcesses { .. }),
            Mistake::KeepsMax => matches!(call, Call::UpdateBounds { max: Some(4), .. }),
            _ => false,
        }
    }

    /// Loses what the driver wrote down.
    pub(crate) fn forget(&self, journal: &mut Vec<Event>) {
        if self.mistake == Mistake::LosesItsJournal {
            journal.truncate(1);
        }
    }
}

/// Runs cases with a mistake, judged by one invariant, until it is noticed.
fn noticed(mistake: Mistake, invariant: u8, case: &str, edit: impl Fn(&mut Driver)) -> bool {
    let fails = |seed: u64| -> Option<Violation> {
        let case: Case = format!("seed={seed} {case}").parse().unwrap();
        let mut driver = case.driver();
        driver.checks.only = Some(invariant);
        driver.plant = Some(Plant::new(mistake));
        edit(&mut driver);
        case.run_with(&mut driver).err()
    };
    (0..40)
        .filter_map(fails)
        .any(|it| it.invariant == invariant)
}

#[track_caller]
fn check(mistake: Mistake, invariant: u8, case: &str) {
    check_with(mistake, invariant, case, |_| {});
}

#[track_caller]
fn check_with(mistake: Mistake, invariant: u8, case: &str, edit: impl Fn(&mut Driver)) {
    assert!(
        noticed(mistake, invariant, case, edit),
        "invariant {invariant} does not notice that a driver {mistake:?}"
    );
}

/// Without a mistake the same cases pass, so that it is the mistake that is noticed.
#[test]
fn the_cases_of_the_mistakes_are_sound() {
    for line in [
        "verb=drain hook=true targets=2",
        "verb=replace targets=3",
        "verb=drain abort=9",
        "verb=surge room=none targets=2",
        "verb=surge abort=40 faults=lost-image",
        "verb=terminate-first targets=3",
        "verb=refresh pause=5 hook=true",
        "verb=freeze",
        "verb=drain grade=atomic agents=2",
        "verb=replace grade=timed hook=true",
    ] {
        for seed in 0..20 {
            crate::shrink::check(&format!("seed={seed} {line}").parse().unwrap());
        }
    }
}

#[test]
fn invariant_1_notices_a_termination_under_a_job() {
    check(Mistake::TerminatesUnproven, 1, "verb=drain");
}

#[test]
fn invariant_2_notices_a_proof_that_is_too_short() {
    check_with(Mistake::BelievesOneReading, 2, "verb=drain", |driver| {
        let drain = drain_of(&mut driver.operation.spec);
        drain.proof.n_readings = 1;
        drain.proof.span = Duration::ZERO;
    });
}

#[test]
fn invariants_2_and_3_notice_an_agent_that_is_removed_before_its_proof() {
    for invariant in [2, 3] {
        check(
            Mistake::RemovesUnproven,
            invariant,
            "verb=drain grade=atomic",
        );
    }
}

#[test]
fn invariant_3_notices_that_unknown_passes_for_idle() {
    check_with(
        Mistake::TakesUnknownForIdle,
        3,
        "verb=drain faults=agent-drops,restart",
        |driver| {
            let mut faults = driver.world.faults().clone();
            faults.weather.agent_drops = 0.3;
            driver.world.set_faults(faults);
        },
    );
}

#[test]
fn invariant_4_notices_fewer_without_names() {
    check(Mistake::LowersDesired, 4, "verb=drain");
    for mistake in [Mistake::LowersUnheld, Mistake::LowersTooFar] {
        check(mistake, 4, "verb=surge abort=40 faults=lost-image");
    }
}

/// Somebody else terminates a busy target, whose hook then holds it.
fn somebody_terminates(driver: &mut Driver) {
    let instance = driver.operation.targets().next().unwrap().0.clone();
    let _ = driver.world.meddle(&Deed::TerminateInGroup {
        instance,
        decrement: false,
    });
}

#[test]
fn invariant_4_notices_a_max_below_desired() {
    check(Mistake::LowersMax, 4, "verb=surge");
}

/// Whoever lifts a cordon after a termination gives a job to the dead; here it is the driver.
#[test]
fn invariant_1_notices_a_job_on_what_was_opened_too_early() {
    check(Mistake::OpensTooEarly, 1, "verb=surge hook=true");
}

#[test]
fn invariant_5_notices_a_hook_that_ends_under_a_job() {
    check_with(
        Mistake::EndsHookUnderJob,
        5,
        "verb=drain hook=true",
        somebody_terminates,
    );
}

#[test]
fn invariant_5_notices_a_hook_that_is_abandoned() {
    check_with(
        Mistake::AbandonsHook,
        5,
        "verb=drain hook=true",
        somebody_terminates,
    );
}

#[test]
fn invariant_6_notices_a_hook_that_is_not_kept_alive() {
    check_with(
        Mistake::NeverBeats,
        6,
        "verb=drain hook=true",
        somebody_terminates,
    );
}

#[test]
fn invariant_7_notices_that_an_owner_is_overlooked() {
    check_with(Mistake::OverlooksOwners, 7, "verb=drain", |driver| {
        let instances: Vec<_> = driver.operation.targets().map(|it| it.0.clone()).collect();
        let (scope, key, value) = (key().scope, TAG.to_owned(), "op-other".to_owned());
        driver
            .world
            .meddle(&Deed::Call(Call::TagInstances {
                scope,
                instances,
                key,
                value,
            }))
            .unwrap();
        // Long enough that every reading shows it.
        driver.advance(Duration::from_secs(1));
        driver.advance(Duration::from_mins(2));
    });
}

#[test]
fn invariant_8_notices_that_too_many_are_out() {
    check_with(
        Mistake::TakesTooMany,
        8,
        "verb=replace targets=3",
        |driver| {
            let drain = drain_of(&mut driver.operation.spec);
            drain.max_unavailable = 9;
        },
    );
}

#[test]
fn invariant_8_notices_that_a_roll_goes_below_its_floor() {
    check_with(
        Mistake::TakesTooMany,
        8,
        "verb=terminate-first targets=3",
        |driver| {
            let Spec::Roll(roll) = &mut driver.operation.spec else {
                unreachable!("the case is a roll")
            };
            roll.max_unavailable = 3;
        },
    );
}

#[test]
fn invariant_8_notices_that_a_roll_grows_too_far() {
    check(Mistake::GrowsTooFar, 8, "verb=surge targets=1");
}

#[test]
fn invariant_9_notices_a_surge_that_stays() {
    check(Mistake::LeavesEarly, 9, "verb=surge");
}

#[test]
fn invariant_9_notices_what_a_roll_a_freeze_or_a_refresh_leaves() {
    check(Mistake::ForgetsResume, 9, "verb=terminate-first");
    check(Mistake::ForgetsResume, 9, "verb=freeze");
    check(Mistake::LeavesEarly, 9, "verb=freeze");
    check(Mistake::KeepsMax, 9, "verb=surge room=none");
}

#[test]
fn invariant_9_notices_a_second_decrement() {
    check(Mistake::TerminatesAgain, 9, "verb=drain hook=true");
}

#[test]
fn invariant_9_notices_bounds_and_processes_that_stay_changed() {
    check(Mistake::RaisesMax, 9, "verb=drain");
    check(Mistake::Suspends, 9, "verb=drain");
}

#[test]
fn invariant_11_notices_launches_that_nobody_planned() {
    check(Mistake::RaisesDesired, 11, "verb=replace");
}

#[test]
fn invariant_11_notices_what_is_made_or_started_twice() {
    check(Mistake::MakesTwo, 11, "verb=canary");
    check(Mistake::StartsTwice, 11, "verb=refresh hook=true");
    check(Mistake::GrowsTooFar, 11, "verb=surge targets=3");
}

#[test]
fn invariant_12_notices_an_instance_that_was_not_named() {
    check(Mistake::ProtectsAnother, 12, "verb=drain");
}

#[test]
fn invariant_14_notices_calls_that_were_never_shown() {
    check(Mistake::FlipsDecrement, 14, "verb=drain");
    check(Mistake::RaisesMax, 14, "verb=drain");
    check(Mistake::Suspends, 14, "verb=surge");
    check(Mistake::ProtectsAnother, 14, "verb=freeze");
    check(Mistake::StartsAnother, 14, "verb=refresh hook=true");
}

#[test]
fn invariant_15_notices_what_is_done_on_old_data() {
    check(Mistake::ActsLate, 15, "verb=drain");
}

#[test]
fn invariant_17_notices_an_operation_without_an_end() {
    check(Mistake::WaitsForEver, 17, "verb=drain");
}

#[test]
fn invariant_18_notices_what_is_left_behind() {
    check(Mistake::ForgetsCordon, 18, "verb=drain abort=9");
    check(Mistake::ForgetsMark, 18, "verb=drain abort=9");
    check(Mistake::ForgetsProtection, 18, "verb=drain abort=9");
}

#[test]
fn invariant_18_notices_what_a_lost_journal_forgets() {
    check(Mistake::LosesItsJournal, 18, "verb=drain abort=20 crash=10");
}

#[test]
fn invariant_17_notices_a_refresh_that_is_left_alone() {
    check(Mistake::ForgetsResume, 17, "verb=refresh pause=4 hook=true");
    check(Mistake::LeavesEarly, 17, "verb=refresh targets=2 hook=true");
}

#[test]
fn invariant_31_notices_members_that_were_forgotten() {
    check(Mistake::TakesOldForNew, 31, "verb=terminate-first");
}

#[test]
fn invariant_20_notices_a_hook_that_is_left_to_its_deadline() {
    check(Mistake::ForgetsHook, 20, "verb=drain hook=true");
}

#[test]
fn invariant_22_notices_haste() {
    check_with(
        Mistake::AsksAgainAtOnce,
        22,
        "verb=drain faults=throttled",
        |driver| {
            let mut faults = driver.world.faults().clone();
            faults.cloud.throttled = 0.3;
            driver.world.set_faults(faults);
        },
    );
}
