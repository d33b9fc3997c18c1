//! Published numbers, read back from CloudWatch as ministack serves it.

use aws_sdk_cloudwatch::types::{Dimension, DimensionFilter, Statistic};
use pooldeck::{
    cloud::Cloud,
    fleet::{Datum, FailureKind, Timestamp, Unit},
};

use crate::{
    common::Ministack,
    region::{cloudwatch, door_at},
};

const NAMESPACE: &str = "pooldeck";

/// Now: CloudWatch takes nothing that is two weeks old.
fn now() -> Timestamp {
    pooldeck::engine::Clock::system().now()
}

fn datum(name: &'static str, pool: &str, value: f64, unit: Unit) -> Datum {
    Datum {
        name,
        pool: pool.to_owned(),
        label: "linux".to_owned(),
        value,
        unit,
    }
}

#[tokio::test]
async fn what_was_published_is_read_back() {
    let server = Ministack::start();
    let door = door_at(server.endpoint());
    let data = [
        datum("IdleExecutors", "workhorse", 4.0, Unit::Count),
        datum("OldestQueuedSeconds", "workhorse", 90.0, Unit::Seconds),
    ];
    let at = now();
    door.put_metrics(NAMESPACE, at, &data).await.unwrap();
    let client = cloudwatch(server.endpoint());
    for it in &data {
        let dimensions = it
            .dimensions()
            .map(|(name, value)| Dimension::builder().name(name).value(value).build());
        let read = client
            .get_metric_statistics()
            .namespace(NAMESPACE)
            .metric_name(it.name)
            .set_dimensions(Some(dimensions.into()))
            .start_time(aws_smithy_types::DateTime::from_millis(
                at.as_millis() - 60_000,
            ))
            .end_time(aws_smithy_types::DateTime::from_millis(
                at.as_millis() + 60_000,
            ))
            .period(60)
            .statistics(Statistic::Maximum)
            .statistics(Statistic::SampleCount)
            .send()
            .await
            .unwrap();
        let points = read.datapoints();
        assert_eq!(points.len(), 1, "{read:?}");
        assert_eq!(points[0].maximum(), Some(it.value));
        assert_eq!(points[0].sample_count(), Some(1.0), "sent once");
    }
}

#[tokio::test]
async fn a_thousand_metrics_are_one_request() {
    let server = Ministack::start();
    let door = door_at(server.endpoint());
    door.identify().await.unwrap();
    let n_before = door.n_requests();
    let pools: Vec<String> = (0..1001).map(|it| format!("pool-{it}")).collect();
    let data: Vec<Datum> = pools
        .iter()
        .map(|it| datum("BusyExecutors", it, 1.0, Unit::Count))
        .collect();
    door.put_metrics(NAMESPACE, now(), &data).await.unwrap();
    assert_eq!(door.n_requests() - n_before, 2);
    let last = DimensionFilter::builder().name("Pool").value("pool-1000");
    let listed = cloudwatch(server.endpoint())
        .list_metrics()
        .namespace(NAMESPACE)
        .dimensions(last.build())
        .send()
        .await
        .unwrap();
    assert_eq!(listed.metrics().len(), 1, "the second batch arrived too");
}

#[tokio::test]
async fn no_cloudwatch_is_said_like_any_other_failure() {
    // Nothing listens on the port that this server has left.
    let endpoint = Ministack::start().endpoint();
    let data = [datum("BusyExecutors", "workhorse", 1.0, Unit::Count)];
    let error = door_at(endpoint)
        .put_metrics(NAMESPACE, now(), &data)
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown, "{error}");
}
