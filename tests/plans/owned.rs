//! What another operation works on, by its marks: refused where the two would fight, and said
//! wherever else they meet.

use std::sync::Arc;

use pooldeck::{
    action::{Plan, Policy, Refusal},
    fleet::*,
    operation::TAG,
};

use crate::{IDS, plan_with, reami};

const CLAIM: &str = "op-20260101-abcde ada@desk reami";

fn plan(line: &str, edit: impl FnOnce(&mut Part)) -> Result<Plan, Refusal> {
    let mut part = reami::part(|_| {});
    edit(&mut part);
    plan_with(line, &reami::fleet_of(&part), &Policy::default())
}

fn mark_group(part: &mut Part) {
    let tags = &mut Arc::make_mut(&mut part.pools[0]).tags;
    tags.insert(TAG.to_owned(), CLAIM.to_owned());
}

fn mark_first(part: &mut Part) {
    let tags = &mut Arc::make_mut(&mut part.instances[0]).tags;
    tags.insert(TAG.to_owned(), CLAIM.to_owned());
}

#[test]
fn a_second_roll_of_a_pool_is_refused_with_the_owner_of_the_first() {
    for line in [
        "reami linux --bootstrap",
        "rollback linux --to 2",
        "refresh start linux --force --reason test",
    ] {
        let refusal = plan(line, mark_group).unwrap_err().to_string();
        assert!(
            refusal.contains("operation op-20260101-abcde of ada@desk owns linux"),
            "{line}: {refusal}"
        );
        assert!(plan(line, |_| {}).is_ok(), "{line}");
    }
}

#[test]
fn what_else_meets_a_roll_says_so() {
    for line in ["scale linux 5", "freeze linux", "suspend linux Launch"] {
        let plan = plan(line, mark_group).unwrap();
        let said = plan.warnings.join("\n");
        assert!(
            said.contains("reami op-20260101-abcde of ada@desk is under way in linux"),
            "{line}: {said}"
        );
    }
}

#[test]
fn an_instance_that_an_operation_owns_is_not_changed_beside_it() {
    for verb in ["standby", "cordon", "uncordon", "protect", "unprotect"] {
        let line = format!("{verb} {}", IDS[0]);
        let owned = |part: &mut Part| {
            mark_first(part);
            let protected = verb == "unprotect";
            Arc::make_mut(&mut part.instances[0]).protected = protected;
            let executor = Arc::make_mut(&mut part.executors[0]);
            executor.cordoned = verb == "uncordon";
        };
        let refusal = plan(&line, owned).unwrap_err().to_string();
        assert!(refusal.contains("of ada@desk owns"), "{line}: {refusal}");
    }
}

#[test]
fn a_refresh_is_refused_while_a_drain_owns_a_member() {
    let line = "refresh start linux --force --reason test";
    let refusal = plan(line, mark_first).unwrap_err().to_string();
    assert!(refusal.contains("of ada@desk owns"), "{refusal}");
}

/// Only its note is left of an operation that is over: nothing else would lift it.
#[test]
fn a_cordon_that_an_operation_left_behind_can_be_lifted() {
    let left = |part: &mut Part| {
        let executor = Arc::make_mut(&mut part.executors[0]);
        executor.cordoned = true;
        executor.note = Some(format!("pooldeck op-20260101-abcde: drain of {}", IDS[0]));
    };
    let plan = plan(&format!("uncordon {}", IDS[0]), left).unwrap();
    assert_eq!(plan.calls.len(), 1);
}
