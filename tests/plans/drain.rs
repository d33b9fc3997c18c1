//! `drain`, `scale` downwards and `terminate`: who goes, and what the plan promises.

use std::sync::Arc;

use pooldeck::{
    action::{Plan, Policy},
    fleet::*,
    operation::{self, Spec},
};

use crate::{IDS, plan_with, served_part};

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
    assert_eq!(targets(&plan("scale linux 3", &fleet)), [IDS[0].into()]);
}
