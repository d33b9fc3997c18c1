//! The past as CloudWatch tells it: published, and asked for again in pages and batches.

use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use pooldeck::{
    cloud::{AskedMetric, Cloud, Statistic},
    fleet::{FailureKind, Span, Timestamp},
};

use crate::{
    common::Ministack,
    region::{cloudwatch, door_at},
};

const MINUTE: Duration = Duration::from_mins(1);

fn now() -> Timestamp {
    let now = pooldeck::engine::Clock::system().now();
    // The beginning of a minute, some minutes ago.
    Timestamp::from_millis(now.as_millis() / 60_000 * 60_000) - MINUTE * 10
}

fn asked(name: &str, group: &str, statistic: Statistic) -> AskedMetric {
    AskedMetric {
        namespace: "AWS/AutoScaling".to_owned(),
        name: name.to_owned(),
        dimensions: vec![("AutoScalingGroupName".to_owned(), group.to_owned())],
        statistic,
    }
}

/// Measures as Auto Scaling does, a value each minute.
async fn measure(server: &Ministack, name: &str, group: &str, values: &[f64], from: Timestamp) {
    let dimension = Dimension::builder()
        .name("AutoScalingGroupName")
        .value(group)
        .build();
    let data = values.iter().enumerate().map(|(idx, value)| {
        let at = from + MINUTE * u32::try_from(idx).unwrap();
        MetricDatum::builder()
            .metric_name(name)
            .dimensions(dimension.clone())
            .timestamp(aws_smithy_types::DateTime::from_millis(at.as_millis()))
            .value(*value)
            .build()
    });
    cloudwatch(server.endpoint())
        .put_metric_data()
        .namespace("AWS/AutoScaling")
        .set_metric_data(Some(data.collect()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_measured_comes_back_in_the_order_in_which_it_is_asked() {
    let server = Ministack::start();
    let from = now();
    let desired = [4.0, 5.0, 6.0];
    measure(&server, "GroupDesiredCapacity", "workhorse", &desired, from).await;
    measure(
        &server,
        "GroupInServiceInstances",
        "workhorse",
        &[3.0],
        from,
    )
    .await;
    let door = door_at(server.endpoint());
    let questions = [
        asked("GroupInServiceInstances", "workhorse", Statistic::Average),
        asked("GroupDesiredCapacity", "nobody", Statistic::Maximum),
        asked("GroupDesiredCapacity", "workhorse", Statistic::Maximum),
    ];
    let span = Span {
        from,
        until: from + MINUTE * 5,
    };
    let found = door.past_metrics(&questions, span, MINUTE).await.unwrap();
    assert_eq!(found[0], [(from, 3.0)]);
    assert_eq!(found[1], [], "what nobody measured is nothing, not zero");
    let expected: Vec<_> = (0..3)
        .map(|it| (from + MINUTE * it, 4.0 + f64::from(it)))
        .collect();
    assert_eq!(found[2], expected);
    assert_eq!(door.own_spend().n_metrics_read, 3, "AWS bills each of them");
}

#[tokio::test]
async fn a_thousand_metrics_are_asked_five_hundred_at_a_time() {
    let server = Ministack::start();
    let from = now();
    measure(&server, "GroupMaxSize", "pool-1000", &[7.0], from).await;
    let door = door_at(server.endpoint());
    let questions: Vec<AskedMetric> = (0..1001)
        .map(|it| asked("GroupMaxSize", &format!("pool-{it}"), Statistic::Maximum))
        .collect();
    let n_before = door.n_requests();
    let span = Span {
        from,
        until: from + MINUTE,
    };
    let found = door.past_metrics(&questions, span, MINUTE).await.unwrap();
    assert_eq!(door.n_requests() - n_before, 3);
    assert_eq!(found.len(), 1001);
    assert_eq!(found[1000], [(from, 7.0)], "the last of the last batch");
    assert!(found[..1000].iter().all(Vec::is_empty));
    assert_eq!(door.own_spend().n_metrics_read, 1001);
}

#[tokio::test]
async fn no_cloudwatch_is_said_like_any_other_failure() {
    // Nothing listens on the port that this server has left.
    let endpoint = Ministack::start().endpoint();
    let span = Span {
        from: now(),
        until: now() + MINUTE,
    };
    let questions = [asked("GroupMaxSize", "workhorse", Statistic::Maximum)];
    let error = door_at(endpoint)
        .past_metrics(&questions, span, MINUTE)
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown, "{error}");
    assert!(
        error.what.contains("read 1 metrics from CloudWatch"),
        "{error}"
    );
}
