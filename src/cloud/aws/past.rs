//! What CloudWatch measured: many metrics in few requests, page by page.

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use aws_smithy_types::DateTime;

use super::{errors::explain, open::Clients, spend::Meter, words::timestamp};
use crate::{
    cloud::{AskedMetric, Error, Measured, Statistic},
    fleet::{FailureKind, Span},
};

/// As many as CloudWatch takes in one request.
const N_QUERIES_MAX: usize = 500;
/// More pages than this for one request are an endless list.
const N_PAGES_MAX: usize = 100;

pub(super) async fn read(
    clients: &Clients,
    meter: &Meter,
    asked: &[AskedMetric],
    span: Span,
    step: std::time::Duration,
) -> Result<Vec<Measured>, Error> {
    let mut found = vec![Measured::new(); asked.len()];
    let period = i32::try_from(step.as_secs()).unwrap_or(i32::MAX);
    let batches = asked
        .chunks(N_QUERIES_MAX)
        .zip(found.chunks_mut(N_QUERIES_MAX));
    for (asked, found) in batches {
        let queries: Vec<MetricDataQuery> = asked
            .iter()
            .enumerate()
            .map(|(query_idx, it)| query(it, query_idx, period))
            .collect();
        read_batch(clients, meter, queries, span, found).await?;
    }
    for values in &mut found {
        values.sort_by_key(|it| it.0);
        values.dedup_by_key(|it| it.0);
    }
    Ok(found)
}

async fn read_batch(
    clients: &Clients,
    meter: &Meter,
    queries: Vec<MetricDataQuery>,
    span: Span,
    found: &mut [Measured],
) -> Result<(), Error> {
    let what = format!("read {} metrics from CloudWatch", queries.len());
    let mut token = None;
    for _ in 0..N_PAGES_MAX {
        // AWS bills every metric of every request, pages too.
        meter.count_metrics(queries.len());
        let request = clients
            .metrics
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(DateTime::from_millis(span.from.as_millis()))
            .end_time(DateTime::from_millis(span.until.as_millis()))
            .scan_by(ScanBy::TimestampAscending)
            .set_next_token(token);
        let answer = request.send().await;
        let answer = answer.map_err(|error| explain(&what, &error))?;
        for result in answer.metric_data_results() {
            let id = result.id().and_then(|it| it.strip_prefix('q'));
            let query_idx = id.and_then(|it| it.parse::<usize>().ok());
            let Some(values) = query_idx.and_then(|it| found.get_mut(it)) else {
                continue;
            };
            let points = result.timestamps().iter().zip(result.values());
            values.extend(points.filter_map(|(at, value)| Some((timestamp(at)?, *value))));
        }
        token = answer.next_token.filter(|it| !it.is_empty());
        if token.is_none() {
            return Ok(());
        }
    }
    let what = format!("cannot {what}: the list of pages has no end");
    Err(Error::new(FailureKind::Unknown, what))
}

fn query(asked: &AskedMetric, query_idx: usize, period: i32) -> MetricDataQuery {
    let dimensions = asked.dimensions.iter();
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&asked.namespace)
        .metric_name(&asked.name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = match asked.statistic {
        Statistic::Average => "Average",
        Statistic::Maximum => "Maximum",
    };
    MetricDataQuery::builder()
        .id(format!("q{query_idx}"))
        .metric_stat(
            MetricStat::builder()
                .metric(metric)
                .period(period)
                .stat(stat)
                .build(),
        )
        .return_data(true)
        .build()
}
