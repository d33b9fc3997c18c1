//! `drain`, `scale` downwards and `terminate`: who goes, and what the plan promises.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    action::{Plan, Policy},
    fleet::*,
    operation::{self, Spec},
};

use crate::{IDS, plan_with, served_part};

/// When the served pool was read, where that matters.
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The served pool, otherwise.
fn fleet(edit: impl FnOnce(&mut Part)) -> Fleet {
    let mut part = served_part();
    edit(&mut part);
    Fleet::join([&part])
}

fn protect(part: &mut Part, n: usize) {
    for instance in &mut part.instances[..n] {
        Arc::make_mut(instance).protected = true;
    }
}

/// The fleet as it is read now, with the one job that runs expected to end then.
fn expecting(end: Timestamp) -> Fleet {
    fleet(|it| {
        it.scopes = vec![crate::scope("dev/us-east-1", None)];
        it.read_at = Some(NOW);
        let Work::Busy(jobs) = &mut Arc::make_mut(&mut it.executors[2]).work else {
            panic!("it is busy")
        };
        jobs[0].expected_end = Some(end);
    })
}

fn plan(line: &str, fleet: &Fleet) -> Plan {
    plan_with(line, fleet, &Policy::default()).unwrap()
}

fn refusal(line: &str, fleet: &Fleet) -> String {
    plan_with(line, fleet, &Policy::default())
        .unwrap_err()
        .to_string()
}

fn targets(plan: &Plan) -> &[InstanceId] {
    let Some(Spec::Drain(drain)) = &plan.operation else {
        panic!("{plan:#?}")
    };
    &drain.targets
}

#[track_caller]
fn check_warns(plan: &Plan, expected: &str) {
    let mut warnings = plan.warnings.iter();
    assert!(warnings.any(|it| it.contains(expected)), "{plan:#?}");
}

#[test]
fn a_pool_that_protects_its_instances_can_still_be_made_smaller() {
    let all = fleet(|it| protect(it, 4));
    let to_come = fleet(|it| {
        protect(it, 2);
        Arc::make_mut(&mut it.pools[0]).protects_new_instances = true;
    });
    for fleet in [all, to_come] {
        for line in ["scale linux 2", "drain --pool linux --count 2"] {
            let plan = plan(line, &fleet);
            assert_eq!(targets(&plan), [IDS[1].into(), IDS[0].into()], "{line}");
            check_warns(
                &plan,
                "instances are protected from scale-in; a drain names those it takes",
            );
            // What was protected before stays so when it is given back: it is not ours to lift.
            let sets = |it: &Call| matches!(it, Call::SetInstanceProtection { .. });
            assert!(!plan.calls.iter().any(sets), "{:#?}", plan.calls);
        }
    }
}

#[test]
fn an_instance_that_somebody_protected_is_spared_where_others_are_not() {
    let some = fleet(|it| protect(it, 2));
    let made = plan("scale linux 3", &some);
    assert_eq!(targets(&made), [IDS[2].into()], "busy, but not protected");
    check_warns(
        &made,
        "passed over, because somebody protected them and not the others: 2",
    );
    let most = fleet(|it| protect(it, 3));
    let why = refusal("scale linux 2", &most);
    assert!(why.contains("3 more are protected"), "{why}");
    assert!(why.contains("`drain` takes them by name"), "{why}");
}

#[test]
fn what_an_operation_has_marked_is_not_chosen_again() {
    let fleet = fleet(|it| {
        protect(it, 4);
        let tags = &mut Arc::make_mut(&mut it.instances[1]).tags;
        tags.insert(operation::TAG.to_owned(), "op-1".to_owned());
    });
    assert_eq!(
        targets(&plan("drain linux --count 1", &fleet)),
        [IDS[0].into()]
    );
    // What size it would end at nobody knows who scales it meanwhile.
    let why = refusal("scale linux 3", &fleet);
    assert!(why.contains("operation op-1 changes the size"), "{why}");
}

#[test]
fn a_job_past_its_estimate_is_overdue_and_not_about_to_end() {
    let line = format!("drain {}", IDS[2]);
    let late = plan(&line, &expecting(NOW - Duration::from_mins(2)));
    assert_eq!(
        late.jobs_at_risk[0].to_string(),
        format!(
            "deploy on {}, overdue, it was expected to end at 07:58:00: its end is not known",
            IDS[2]
        )
    );
    check_warns(&late, "its end is not known");
    let early = plan(&line, &expecting(NOW + Duration::from_mins(2)));
    let words = early.jobs_at_risk[0].to_string();
    assert!(words.ends_with("expected to end at 08:02:00"), "{words}");
}

#[test]
fn what_the_deadline_gives_back_is_not_counted_as_gone() {
    let mut priced = expecting(NOW + Duration::from_mins(40));
    for instance in priced.instances.values_mut() {
        Arc::make_mut(instance).price = Some(crate::price(10));
    }
    let one = format!("drain {} --deadline 30m", IDS[2]);
    let none_goes = plan(&one, &priced);
    assert!(none_goes.changes.is_empty(), "{:?}", none_goes.changes);
    assert_eq!(none_goes.cost, None);
    check_warns(&none_goes, "ends 10m after the deadline");
    let end = "its end is its deadline, 08:30:00, in 30m: 1 of 1 instances are given back then";
    assert_eq!(none_goes.warnings.last().unwrap(), end);
    let two = format!("drain {} {} --deadline 30m", IDS[0], IDS[2]);
    let one_goes = plan(&two, &priced);
    assert_eq!(one_goes.changes[0].to, "3");
    let saved = one_goes.cost.and_then(|it| it.change);
    assert_eq!(saved, Some(Usd::from_cents(-10)));
    let in_time = plan(&format!("drain {} --deadline 60m", IDS[2]), &priced);
    assert_eq!(in_time.changes[0].to, "3");
    check_warns(&in_time, "its end is about 08:42:00");
}

#[test]
fn a_refusal_names_a_way_that_is_not_refused_in_its_turn() {
    let fleet = fleet(|it| {
        Arc::make_mut(&mut it.instances[3]).lifecycle = Some(Lifecycle::PendingWait);
        Arc::make_mut(&mut it.instances[2]).lifecycle = Some(Lifecycle::TerminatingWait);
        let served = Arc::make_mut(&mut it.pools[0]);
        let timeout = Duration::from_mins(5);
        let hook = |transition| Hook::new("gate", transition, timeout, HookResult::Abandon);
        served.hooks = vec![hook(HookTransition::Terminating)];
    });
    // It never registered: only force ends it, and both say so.
    let why = refusal(&format!("terminate {}", IDS[3]), &fleet);
    assert!(why.contains("--force with a --reason"), "{why}");
    assert!(!why.contains("drain"), "{why}");
    let why = refusal(&format!("drain {}", IDS[3]), &fleet);
    assert!(why.contains("--force"), "{why}");
    plan(&format!("terminate {} --force --reason x", IDS[3]), &fleet);
    // It is busy on its way out: what holds it is what can be answered.
    for verb in ["terminate", "drain"] {
        let why = refusal(&format!("{verb} {}", IDS[2]), &fleet);
        assert!(why.contains("`hook heartbeat"), "{why}");
    }
    plan(&format!("hook heartbeat {}", IDS[2]), &fleet);
}

#[test]
fn a_drain_says_what_follows_its_calls_and_what_holds_nothing_back() {
    let with = |hooks: Vec<Hook>| {
        fleet(|it| {
            let served = Arc::make_mut(&mut it.pools[0]);
            served.hooks = hooks;
            served.hooks_read_at = Some(NOW);
        })
    };
    let hook = Hook::new(
        "drain-agent",
        HookTransition::Terminating,
        Duration::from_mins(5),
        HookResult::Abandon,
    );
    let bare = "no termination hook of dev/us-east-1/linux holds what is terminated";
    let held = plan("scale linux 3", &with(vec![hook]));
    let maybe = held.conditional_calls.iter();
    let maybe: Vec<String> = maybe
        .map(|it| format!("{}: {}", it.call, it.when))
        .collect();
    let id = &held.targets[0].instances[0];
    assert_eq!(
        maybe,
        [
            format!(
                "autoscaling:RecordLifecycleActionHeartbeat group=linux instance={id} hook=drain-agent: while the \
                 hook holds it and a job may run"
            ),
            format!(
                "autoscaling:CompleteLifecycleAction group=linux instance={id} hook=drain-agent result=CONTINUE: \
                 once the hook holds it and nothing runs"
            ),
            format!(
                "ci:Uncordon executor={id}: after its instance's end or an abort, if the agent is still known"
            ),
            format!(
                "autoscaling:SetInstanceProtection group=linux instances={id} protected=false: at an abort, if it is \
                 still there"
            ),
            format!(
                "ec2:DeleteTags instances={id} pooldeck:operation: at an abort, if it is still there"
            ),
        ]
    );
    assert!(!held.warnings.iter().any(|it| it.contains(bare)));
    check_warns(&plan("scale linux 3", &with(Vec::new())), bare);
    // What was not read is not known to be missing.
    let unread = plan("scale linux 3", &fleet(|_| ()));
    assert!(!unread.warnings.iter().any(|it| it.contains(bare)));
}

#[test]
fn one_in_standby_takes_nothing_of_desired_with_it() {
    let fleet = fleet(|it| {
        Arc::make_mut(&mut it.instances[0]).lifecycle = Some(Lifecycle::Standby);
    });
    let plan = plan(&format!("drain {}", IDS[0]), &fleet);
    assert!(plan.changes.is_empty(), "{:?}", plan.changes);
    let is_it = |it: &Call| {
        matches!(
            it,
            Call::TerminateInstance {
                decrement: false,
                ..
            }
        )
    };
    assert!(plan.calls.iter().any(is_it), "{:?}", plan.calls);
}
