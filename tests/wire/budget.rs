//! How many requests a reading costs, counted at the server.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pooldeck::cloud::{
    Cloud, Reading,
    aws::{Aws, Selection},
};

use crate::region::{Region, now};

/// Reads every ten seconds, and returns the actions that each reading asked for.
async fn readings(
    region: &Region,
    door: &Aws,
    turns: std::ops::Range<u64>,
) -> Vec<(Reading, BTreeMap<String, usize>)> {
    let start = now();
    let mut all = Vec::new();
    for turn in turns {
        let n_before = region.moto.requests().len();
        let at = start + Duration::from_secs(10 * turn);
        let reading = door.observe(at).await.unwrap();
        assert_eq!(reading.missing, []);
        let mut actions = BTreeMap::new();
        for request in &region.moto.requests()[n_before..] {
            *actions.entry(request.action.clone()).or_default() += 1;
        }
        all.push((reading, actions));
    }
    all
}

#[tokio::test]
async fn a_quiet_refresh_of_101_pools_costs_two_calls_and_one_walk_at_the_most() {
    let region = Region::start();
    region.template("shared", "ami-0000000a").await;
    for n in 0..101 {
        let desired = i32::from(n < 3);
        region
            .group(&format!("pool-{n:03}"), "shared", "$Latest", desired)
            .await;
    }
    region.loose(1, &[("ci-pool", "macs")]).await;
    let selection = Selection {
        tag: Some("ci-pool".into()),
        ..Selection::default()
    };
    let door = region.door_to(selection);
    // The first readings learn what there is: hooks and refreshes, six calls at a time.
    let learning = readings(&region, &door, 0..36).await;
    for (_, actions) in &learning[1..] {
        let n_details = ["DescribeLifecycleHooks", "DescribeInstanceRefreshes"]
            .map(|it| actions.get(it).copied().unwrap_or(0));
        assert!(n_details.iter().sum::<usize>() <= 6, "{actions:?}");
    }
    let n_sent_before = door.n_requests();
    let n_logged_before = region.moto.requests().len();
    let quiet = readings(&region, &door, 36..66).await;
    let mut walked = BTreeMap::new();
    for (_, actions) in &quiet {
        assert_eq!(actions["DescribeAutoScalingGroups"], 2, "{actions:?}");
        let others = actions
            .iter()
            .filter(|it| it.0 != "DescribeAutoScalingGroups");
        let n_others: usize = others.clone().map(|it| it.1).sum();
        assert!(n_others <= 1, "{actions:?}");
        for (action, _) in others {
            *walked.entry(action.clone()).or_insert(0) += 1;
        }
    }
    // Five minutes: each slow walk once a minute.
    for walk in [
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeLaunchTemplates",
    ] {
        let n = walked.remove(walk).unwrap_or(0);
        assert!((4..=6).contains(&n), "{walk}: {n}");
    }
    assert_eq!(walked, BTreeMap::new());
    let n_logged = region.moto.requests().len() - n_logged_before;
    let n_sent = usize::try_from(door.n_requests() - n_sent_before).unwrap();
    assert_eq!(n_sent, n_logged, "the door counts what the server sees");

    let (first, last) = (&quiet[0].0.part, &quiet[29].0.part);
    assert_eq!((last.pools.len(), last.instances.len()), (102, 4));
    let rows = first.instances.iter().zip(&last.instances);
    assert!(
        rows.into_iter().all(|(a, b)| Arc::ptr_eq(a, b)),
        "rows are shared"
    );
    let pools = first.pools.iter().zip(&last.pools);
    assert!(
        pools.into_iter().all(|(a, b)| Arc::ptr_eq(a, b)),
        "pools are shared"
    );
}

#[tokio::test]
async fn only_the_machines_that_changed_are_asked_for() {
    let region = Region::start();
    region.simple_group("workhorse", 3).await;
    let door = region.door();
    region.observe_at_rest(&door).await;
    crate::region::observe(&door).await;
    let request = region.scaling.set_desired_capacity();
    let request = request
        .auto_scaling_group_name("workhorse")
        .desired_capacity(4);
    request.send().await.unwrap();
    let n_before = region.moto.requests().len();
    region.observe_at_rest(&door).await;
    let requests = region.moto.requests();
    let walks = requests[n_before..]
        .iter()
        .filter(|it| it.action == "DescribeInstances");
    for walk in walks {
        assert_eq!(walk.parameters["Filter.1.Name"], "instance-id");
        assert!(
            walk.parameters.contains_key("MaxResults"),
            "pages cost less at AWS"
        );
        assert!(
            !walk.parameters.contains_key("Filter.1.Value.2"),
            "only the new one"
        );
    }
}
