//! Numbers to CloudWatch. Each batch is sent once: the next minute brings the next.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};

use super::{errors::explain, open::Writers};
use crate::{
    cloud::Error,
    fleet::{Datum, Timestamp, Unit},
};

/// As many as CloudWatch takes in one request.
pub(super) const N_METRICS_MAX: usize = 1000;

pub(super) async fn put(
    writers: &Writers,
    namespace: &str,
    at: Timestamp,
    data: &[Datum],
) -> Result<(), Error> {
    for (batch_idx, batch) in data.chunks(N_METRICS_MAX).enumerate() {
        let request = writers.metrics.put_metric_data().namespace(namespace);
        let metrics = batch.iter().map(|it| metric(it, at)).collect();
        let answer = request.set_metric_data(Some(metrics)).send().await;
        answer.map_err(|error| {
            let n_sent = batch_idx * N_METRICS_MAX;
            let n_left = data.len() - n_sent;
            explain(
                &format!("publish {n_left} of {} metrics to {namespace}", data.len()),
                &error,
            )
        })?;
    }
    Ok(())
}

fn metric(datum: &Datum, at: Timestamp) -> MetricDatum {
    let dimensions = datum
        .dimensions()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build());
    MetricDatum::builder()
        .metric_name(datum.name)
        .set_dimensions(Some(dimensions.into()))
        .timestamp(aws_smithy_types::DateTime::from_millis(at.as_millis()))
        .value(datum.value)
        .unit(match datum.unit {
            Unit::Count => StandardUnit::Count,
            Unit::Seconds => StandardUnit::Seconds,
        })
        .build()
}
