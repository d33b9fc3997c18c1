//! What goes wrong at AWS: the kind, one readable sentence, and what was read before is kept.

use std::{net::TcpListener, time::Duration};

use pooldeck::{
    cloud::{
        Cloud, Error,
        aws::{Aws, Connection, Patience, Selection},
    },
    fleet::{FailureKind, Timestamp},
};
use serde_json::{Value, json};

use crate::{
    common::free_port,
    region::{Region, Seen, credentials, now, observe, scope},
};

/// Waits for less than a test has, and tries twice.
fn impatient() -> Patience {
    Patience {
        connect: Duration::from_millis(500),
        attempt: Duration::from_millis(500),
        read: Duration::from_secs(3),
        n_attempts_max: 2,
    }
}

/// Starts a region with a group of two, and reads it once at rest.
async fn workhorse() -> (Region, Aws) {
    let region = Region::start();
    region.simple_group("workhorse", 2).await;
    let door = region.door_with(Selection::default(), impatient());
    region.observe_at_rest(&door).await;
    (region, door)
}

/// Breaks the listing of the groups, and returns why the reading failed.
async fn broken(region: &Region, door: &Aws, mut faults: Value) -> Error {
    faults["only"] = json!(["DescribeAutoScalingGroups"]);
    region.moto.set_faults(&faults);
    let error = door.observe(now()).await.unwrap_err();
    region.moto.set_faults(&json!({}));
    assert_is_readable(&error.what);
    error
}

/// One line for an operator: no markup, no debug output, not endless.
fn assert_is_readable(what: &str) {
    assert!(what.starts_with("cannot "), "{what}");
    assert!(what.chars().count() < 300, "{what}");
    for noise in ["<", "{", "\n", "Error", "Unhandled", "dispatch"] {
        assert!(!what.contains(noise), "{noise:?} in {what}");
    }
}

#[tokio::test]
async fn each_fault_of_the_listing_has_its_kind_and_a_sentence() {
    let (region, door) = workhorse().await;
    let table = [
        (
            json!({"throttle": 1.0}),
            FailureKind::Throttled,
            "Rate exceeded (Throttling)",
        ),
        (
            json!({"error500": 1.0}),
            FailureKind::Unknown,
            "An internal error has occurred",
        ),
        (
            json!({"html": true}),
            FailureKind::Unknown,
            "a web page came",
        ),
        (
            json!({"truncated": true}),
            FailureKind::Unknown,
            "broke off",
        ),
        (
            json!({"latency": 1.0}),
            FailureKind::Unknown,
            "no answer in time",
        ),
        (
            json!({"denied": true}),
            FailureKind::Denied,
            "is not authorized",
        ),
        (
            json!({"expired": true}),
            FailureKind::Credentials,
            "expired",
        ),
    ];
    for (faults, kind, words) in table {
        let error = broken(&region, &door, faults.clone()).await;
        assert_eq!(error.kind, kind, "{faults}: {error}");
        assert!(error.what.contains(words), "{faults}: {error}");
    }
    // And none of it is held against the next reading.
    let seen = observe(&door).await;
    assert_eq!(seen.instances().len(), 2);
}

#[tokio::test]
async fn a_short_throttle_is_ridden_out_by_a_retry() {
    let (region, door) = workhorse().await;
    let n_before = door.n_requests();
    region.moto.set_faults(&json!({
        "throttle": 1.0, "times": 1, "only": ["DescribeAutoScalingGroups"]
    }));
    let seen = observe(&door).await;
    assert_eq!(seen.pools.len(), 1);
    assert!(door.n_requests() >= n_before + 2, "the retry is counted");
}

#[tokio::test]
async fn a_second_page_that_fails_keeps_the_last_good_rows_and_says_so() {
    let region = Region::start();
    region.template("shared", "ami-0000000a").await;
    for n in 0..101 {
        region
            .group(&format!("pool-{n:03}"), "shared", "1", 0)
            .await;
    }
    let door = region.door_with(Selection::default(), impatient());
    assert_eq!(observe(&door).await.pools.len(), 101);
    let request = region.scaling.update_auto_scaling_group();
    let request = request.auto_scaling_group_name("pool-000");
    request.max_size(7).send().await.unwrap();

    region.moto.set_faults(&json!({
        "error500": 1.0, "after": 1, "only": ["DescribeAutoScalingGroups"]
    }));
    let later = now() + Duration::from_mins(2);
    let reading = door.observe(later).await.unwrap();
    let whole_at = reading.part.read_at.unwrap();
    assert!(whole_at < later, "some rows are older, and that is told");
    assert_eq!(reading.missing.len(), 1, "{:?}", reading.missing);
    let missing = &reading.missing[0];
    assert_eq!(missing.kind, FailureKind::Unknown);
    assert_is_readable(&missing.what);
    assert!(
        missing
            .what
            .ends_with("the groups after the first 100 are as last read")
    );
    let seen = Seen::from(reading);
    assert_eq!(seen.pools.len(), 101, "none is lost");
    assert_eq!(
        seen.pool("pool-000").capacity.unwrap().max,
        7,
        "page one is fresh"
    );
}

#[tokio::test]
async fn a_page_token_that_went_stale_starts_the_listing_again() {
    let region = Region::start();
    region.template("shared", "ami-0000000a").await;
    for n in 0..101 {
        region
            .group(&format!("pool-{n:03}"), "shared", "1", 0)
            .await;
    }
    let door = region.door();
    region.moto.set_faults(&json!({
        "stale_tokens": true, "times": 1, "only": ["DescribeAutoScalingGroups"]
    }));
    assert_eq!(observe(&door).await.pools.len(), 101);
}

#[tokio::test]
async fn ec2_that_fails_leaves_the_pools_and_the_facts_that_were_known() {
    let (region, door) = workhorse().await;
    let request = region.scaling.set_desired_capacity();
    let request = request
        .auto_scaling_group_name("workhorse")
        .desired_capacity(3);
    request.send().await.unwrap();
    for (faults, kind) in [
        (json!({"throttle": 1.0}), FailureKind::Throttled),
        (json!({"html": true}), FailureKind::Unknown),
        (json!({"truncated": true}), FailureKind::Unknown),
    ] {
        let mut faults = faults;
        faults["only"] = json!(["DescribeInstances"]);
        region.moto.set_faults(&faults);
        let reading = door.observe(now()).await.unwrap();
        let kinds: Vec<FailureKind> = reading.missing.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [kind], "{:?}", reading.missing);
        assert_is_readable(&reading.missing[0].what);
        let seen = Seen::from(reading);
        let known = seen.instances().iter().filter(|it| it.state.is_some());
        assert_eq!((seen.instances().len(), known.count()), (3, 2));
        let new = seen
            .instances()
            .iter()
            .find(|it| it.state.is_none())
            .unwrap();
        assert_eq!(new.market.as_str(), "unknown", "nobody said on-demand");
        assert_eq!(new.instance_type, "m5.large", "the group said that");
    }
    region.moto.set_faults(&json!({}));
    region.observe_at_rest(&door).await;
}

#[tokio::test]
async fn what_we_may_not_read_is_said_each_time_and_asked_for_seldom() {
    let (region, door) = workhorse().await;
    region
        .moto
        .set_faults(&json!({"denied": true, "only": ["DescribeLifecycleHooks"]}));
    let asked = || {
        let requests = region.moto.requests().into_iter();
        requests
            .filter(|it| it.action == "DescribeLifecycleHooks")
            .count()
    };
    let (n_before, start) = (asked(), now());
    let mut n_said = 0;
    for turn in 0..20 {
        let at: Timestamp = start + Duration::from_secs(10 * turn) + Duration::from_hours(2);
        let reading = door.observe(at).await.unwrap();
        n_said += usize::from(
            reading
                .missing
                .iter()
                .any(|it| it.kind == FailureKind::Denied && it.what.contains("lifecycle hooks")),
        );
        assert_eq!(reading.part.instances.len(), 2);
    }
    assert_eq!((n_said, asked() - n_before), (20, 1));
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_given_up_in_time() {
    let open = |endpoint: String| {
        let connection = Connection {
            endpoint: Some(endpoint),
            credentials: Some(credentials()),
            patience: impatient(),
            ..Connection::default()
        };
        Aws::open(scope(), Selection::default(), connection).unwrap()
    };
    let dead = open(format!("http://127.0.0.1:{}", free_port()));
    let error = dead.observe(now()).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown);
    assert_is_readable(&error.what);
    assert!(error.what.contains("no connection"), "{error}");

    // Someone listens and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let door = open(format!("http://{}", silent.local_addr().unwrap()));
    let started = now();
    let error = door.observe(now()).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown);
    assert!(error.what.contains("no answer in time"), "{error}");
    assert!(now().since(started) < Duration::from_secs(5));
    assert_eq!(door.n_requests(), 2, "two attempts");
}
