//! A drain through a termination hook, by the binary: what it calls is what its plan lists.

use crate::{
    operator::{Operator, writes},
    reami::{listed, made},
    region::Region,
};

const IMAGE: &str = "ami-760aaa0f";

#[tokio::test]
async fn a_drain_through_a_hook_calls_what_its_plan_lists_and_nothing_else() {
    let region = Region::start();
    region.template("workhorse", IMAGE).await;
    region.group("workhorse", "workhorse", "1", 2).await;
    region.hook("workhorse", "TERMINATING", 60).await;
    let door = region.door();
    region.observe_at_rest(&door).await;
    let operator = Operator::of(&region);
    // By its name, so that nobody says beforehand whose hooks have to be read.
    let seen = region.observe_at_rest(&door).await;
    let id = &seen.instances()[0].id;
    let line = format!("drain {id} --yes --reason test");
    let plan = operator.plan(&region, &line);
    let warnings = plan["warnings"].to_string();
    assert!(!warnings.contains("were not read"), "{warnings}");
    let n_before = writes(&region).len();
    let said = operator.run(&line);
    assert_eq!(said.code, 0, "{said:#?}");

    let calls = operator.applied(plan["command_line"].as_str().unwrap());
    let sure = listed(&plan["calls"]);
    let maybe = listed(&plan["conditional_calls"]);
    let did = made(&calls);
    for call in &sure {
        assert!(did.contains(call), "planned and not made: {call}");
    }
    let rest: Vec<&String> = did.iter().filter(|it| !sure.contains(it)).collect();
    assert!(!rest.is_empty(), "the hook was answered: {did:?}");
    for call in rest {
        assert!(
            maybe.contains(call),
            "made and not planned: {call}, {maybe:?}"
        );
    }
    // The server was asked for no more than the audit log says.
    let n_asked = writes(&region).len() - n_before;
    assert_eq!(n_asked, calls.len());
}
