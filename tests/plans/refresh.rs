//! A refresh: whose jobs it puts at risk, what ends them, and what it costs.

use std::{sync::Arc, time::Duration};

use pooldeck::{
    action::{Plan, Policy},
    fleet::*,
};

use crate::{IDS, plan_with, price, scope, served_part};

const SCOPE: &str = "dev/us-east-1";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The served pool, of version 3, with a job of 44 minutes on each of its first three, and a
/// hook that goes on by itself after 15.
fn fleet(edit: impl FnOnce(&mut Part)) -> Fleet {
    let mut part = served_part();
    part.scopes = vec![scope(SCOPE, None)];
    part.read_at = Some(NOW);
    let served = Arc::make_mut(&mut part.pools[0]);
    served.template = Some(Template {
        kind: TemplateKind::LaunchTemplate,
        id: Some("lt-1".into()),
        name: "linux".into(),
        version: "3".into(),
        resolved_version: Some("3".into()),
        image: None,
        instance_type: None,
    });
    served.hooks = vec![Hook::new(
        "drain-agent",
        HookTransition::Terminating,
        Duration::from_mins(15),
        HookResult::Continue,
    )];
    served.hooks_read_at = Some(NOW);
    for instance in &mut part.instances {
        let it = Arc::make_mut(instance);
        it.template_name = Some("linux".into());
        it.template_version = Some("3".into());
    }
    for executor in &mut part.executors {
        Arc::make_mut(executor).work = Work::Busy(vec![Job {
            name: "deploy".into(),
            url: None,
            started_at: None,
            expected_end: Some(NOW + Duration::from_mins(44)),
        }]);
    }
    edit(&mut part);
    Fleet::join([&part])
}

fn plan(line: &str, fleet: &Fleet) -> Plan {
    plan_with(line, fleet, &Policy::default()).unwrap()
}

/// The instances whose jobs the plan names.
fn at_risk(plan: &Plan) -> Vec<&str> {
    let jobs = plan.jobs_at_risk.iter();
    jobs.map(|it| it.instance.as_str()).collect()
}

fn warns(plan: &Plan, words: &str) -> bool {
    plan.warnings.iter().any(|it| it.contains(words))
}

const LINE: &str = "refresh start linux --template-version 7";

#[test]
fn a_refresh_says_that_a_hook_nobody_answers_ends_the_job() {
    let silent = plan(LINE, &fleet(|_| ()));
    let words = "hook drain-agent: when nobody answers for 15m it says CONTINUE by itself, and the instance is ended \
                 with its job (3 of the jobs at risk run longer, up to 44m); `harden linux`";
    assert!(warns(&silent, words), "{silent:#?}");
    let kept = fleet(|it| {
        let served = Arc::make_mut(&mut it.pools[0]);
        served.hooks[0].default_result = HookResult::Abandon;
        served.upkeep.retains_abandoned = true;
    });
    let kept = plan(LINE, &kept);
    assert!(!warns(&kept, "ended with its job"), "{kept:#?}");
    assert!(warns(&kept, "is kept, with its job"), "{kept:#?}");
    let unknown = fleet(|it| {
        let executor = Arc::make_mut(&mut it.executors[0]);
        let Work::Busy(jobs) = &mut executor.work else {
            panic!("it is busy")
        };
        jobs[0].expected_end = None;
    });
    let unknown = plan(LINE, &unknown);
    assert!(warns(&unknown, "the end of 1 is not known"), "{unknown:#?}");
}

#[test]
fn a_refresh_puts_only_those_jobs_at_risk_that_it_reaches() {
    let all = [IDS[0], IDS[1], IDS[2]];
    assert_eq!(at_risk(&plan(LINE, &fleet(|_| ()))), all);
    // One belongs to no group, and one leaves it already.
    let aside = fleet(|it| {
        Arc::make_mut(&mut it.instances[0]).lifecycle = None;
        Arc::make_mut(&mut it.instances[1]).lifecycle = Some(Lifecycle::TerminatingWait);
    });
    assert_eq!(at_risk(&plan(LINE, &aside)), [IDS[2]]);
    let protected = fleet(|it| {
        Arc::make_mut(&mut it.instances[0]).protected = true;
        Arc::make_mut(&mut it.instances[1]).lifecycle = Some(Lifecycle::Standby);
    });
    let spared = format!("{LINE} --protected ignore --standby ignore");
    assert_eq!(at_risk(&plan(&spared, &protected)), [IDS[2]]);
    assert_eq!(at_risk(&plan(LINE, &protected)), all, "it waits for these");
    let current =
        fleet(|it| Arc::make_mut(&mut it.instances[0]).template_version = Some("7".into()));
    assert_eq!(at_risk(&plan(LINE, &current)), [IDS[1], IDS[2]]);
    assert_eq!(at_risk(&plan(&format!("{LINE} --all"), &current)), all);
    let nobody = plan("refresh start linux", &fleet(|_| ()));
    assert!(nobody.changes.is_empty() && warns(&nobody, "it replaces no instance; --all"));
}

#[test]
fn a_refresh_says_how_many_are_missing_for_how_long_and_what_it_costs() {
    let told = fleet(|it| {
        Arc::make_mut(&mut it.pools[0]).next_price = Some(price(30));
        for instance in &mut it.instances {
            Arc::make_mut(instance).price = Some(price(20));
        }
    });
    let made = plan(LINE, &told);
    let cost = made.cost.as_ref().unwrap();
    assert_eq!(
        cost.change,
        Some(Usd::from_cents(40)),
        "each of four is dearer: {cost:?}"
    );
    assert!(warns(
        &made,
        "4 instances are replaced; up to 1 of 4 are missing"
    ));
    assert!(warns(&made, "its end is not known: AWS tells none"));
    let surge = plan(
        &format!("{LINE} --min-healthy 100 --max-healthy 150"),
        &told,
    );
    assert!(warns(
        &surge,
        "none of 4 is missing meanwhile (min-healthy 100 %), and up to 2 more"
    ));
    let half = plan(&format!("{LINE} --min-healthy 50"), &told);
    assert!(warns(
        &half,
        "up to 2 of 4 are missing meanwhile (min-healthy 50 %)"
    ));
}
