//! A dry run of every verb that the grammar knows, against a region in which each of them
//! has something to do: all of them plan calls, and the servers are asked to change nothing.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use crate::{
    operator::{Operator, writes},
    region::{Region, observe},
};

const NEW: &str = "ami-785db401";

/// The instances that the lines below name.
struct Named {
    serving: String,
    protected: String,
    resting: String,
    held: String,
}

/// One line at least for each verb; a verb that is missing here fails the test.
fn lines(named: &Named) -> Vec<String> {
    let Named {
        serving,
        protected,
        resting,
        held,
    } = named;
    let of_instances = [
        format!("drain {serving}"),
        format!("terminate {serving}"),
        format!("terminate {serving} --force"),
        format!("cordon {serving}"),
        format!("uncordon {protected}"),
        format!("protect {serving}"),
        format!("unprotect {protected}"),
        format!("standby {serving}"),
        format!("activate {resting}"),
        format!("hook complete {held}"),
        format!("hook abandon {held}"),
        format!("hook heartbeat {held}"),
        format!("tag owner=build {serving}"),
    ];
    let of_pools = [
        "scale workhorse +1 --max 25",
        "scale workhorse -1",
        "launch workhorse --count 2",
        "drain --pool workhorse --count 1 --replace",
        "suspend workhorse AZRebalance",
        "resume quiet AZRebalance",
        &format!("reami workhorse {NEW}"),
        "reami workhorse --template-version 2 --strategy terminate-first",
        "reami workhorse --bootstrap",
        "rollback workhorse --to 2",
        "freeze workhorse --for 1h",
        "thaw frozen",
        "harden workhorse --launch-hook",
        "refresh start workhorse --template-version 2 --force",
        "refresh pause rolling",
        "refresh resume waiting --force",
        "refresh cancel rolling",
        "refresh rollback rolling --force",
        "enable-metrics workhorse",
        "tag owner=build --pool workhorse",
    ];
    let of_pools = of_pools.iter().map(|it| (*it).to_owned());
    of_instances.into_iter().chain(of_pools).collect()
}

async fn stage() -> (Region, Operator, Named) {
    let region = Region::start();
    for (name, desired) in [
        ("workhorse", 3),
        ("quiet", 1),
        ("frozen", 1),
        ("rolling", 1),
        ("waiting", 1),
    ] {
        region.template(name, "ami-760aaa0f").await;
        region.template_version(name, NEW).await;
        region.group(name, name, "1", desired).await;
    }
    region.group("held", "quiet", "1", 1).await;
    region.hook("held", "TERMINATING", 600).await;
    let seen = region.observe_at_rest(&region.door()).await;
    let ids = |pool: &str| {
        let members = seen.of(seen.pool(pool)).map(|it| it.id.to_string());
        members.collect::<Vec<_>>()
    };
    let operator = Operator::of(&region);
    let mut workhorse = ids("workhorse").into_iter();
    let named = Named {
        serving: workhorse.next().unwrap(),
        protected: workhorse.next().unwrap(),
        resting: workhorse.next().unwrap(),
        held: ids("held").remove(0),
    };
    for line in [
        format!("cordon {} {}", named.protected, named.held),
        format!("protect {}", named.protected),
        format!("standby {}", named.resting),
        format!("protect {} {}", ids("rolling")[0], ids("waiting")[0]),
        "suspend quiet AZRebalance".to_owned(),
        "suspend waiting InstanceRefresh".to_owned(),
        "freeze frozen".to_owned(),
    ] {
        let said = operator.run(&format!("{line} --yes --reason stage"));
        assert_eq!(said.code, 0, "{line}: {said:#?}");
    }
    for name in ["rolling", "waiting"] {
        region.refresh(name).await;
    }
    region.take_out(&named.held).await;
    (region, operator, named)
}

impl Region {
    /// Begins somebody's refresh; it waits, because its instance is protected.
    pub(crate) async fn refresh(&self, name: &str) {
        use aws_sdk_autoscaling::types::{DesiredConfiguration, LaunchTemplateSpecification};
        let template = LaunchTemplateSpecification::builder()
            .launch_template_name(name)
            .version("2");
        let wanted = DesiredConfiguration::builder().launch_template(template.build());
        let request = self.scaling.start_instance_refresh();
        let request = request.auto_scaling_group_name(name);
        request
            .desired_configuration(wanted.build())
            .send()
            .await
            .unwrap();
    }

    /// Terminates a member that a hook then holds.
    async fn take_out(&self, id: &str) {
        let request = self.scaling.terminate_instance_in_auto_scaling_group();
        let request = request
            .instance_id(id)
            .should_decrement_desired_capacity(false);
        request.send().await.unwrap();
        let door = self.door();
        let is_held = |it: &crate::region::Seen| {
            it.lifecycles("held")
                .contains(&"Terminating:Wait".to_owned())
        };
        self.observe_until(&door, "a hook that holds", is_held)
            .await;
        // Its agent is the fake's: as long as the machine runs it is idle.
        let seen = observe(&door).await;
        assert!(seen.instances().iter().any(|it| it.id.as_str() == id));
    }
}

#[tokio::test]
async fn a_dry_run_of_every_verb_changes_nothing_at_the_servers() {
    let (region, operator, named) = stage().await;
    let n_before = writes(&region).len();
    let n_all_before = n_mutating(&region);
    let mut tried = BTreeSet::new();
    for line in lines(&named) {
        let said = operator.run(&format!("{line} --dry-run --yes --reason test -o json"));
        assert_eq!(said.code, 0, "{line}: {said:#?}");
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(document["outcome"], json!("planned"), "{line}: {document}");
        let calls = document["plan"]["calls"].as_array().unwrap();
        assert!(!calls.is_empty(), "{line}: {document}");
        assert_eq!(writes(&region).len(), n_before, "{line} wrote");
        tried.insert(line.split(' ').next().unwrap().to_owned());
    }
    // Nothing was left to a process that goes on.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(n_mutating(&region), n_all_before);
    let known: BTreeSet<String> = pooldeck::action::verbs()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(tried, known, "a line for every verb of the grammar");
}

fn n_mutating(region: &Region) -> usize {
    region
        .moto
        .requests()
        .iter()
        .filter(|it| it.mutating)
        .count()
}
