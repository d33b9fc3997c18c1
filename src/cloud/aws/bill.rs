//! Cost Explorer: what EC2 has cost this month, in one request that is never repeated.

use aws_sdk_costexplorer::types::{
    DateInterval, Dimension, DimensionValues, Expression, Granularity,
};

use super::{errors::explain, open::Writers, spend::Meter};
use crate::{
    cloud::Error,
    fleet::{Bill, FailureKind, Timestamp, Usd},
};

/// The machines alone: volumes, balancers and traffic are other services, or other usage.
const SERVICE: &str = "Amazon Elastic Compute Cloud - Compute";
const METRIC: &str = "UnblendedCost";

pub(super) async fn read(
    writers: &Writers,
    spend: &Meter,
    account: &str,
    regions: &[String],
    now: Timestamp,
) -> Result<Bill, Error> {
    let what = format!(
        "ask Cost Explorer what EC2 has cost in {} this month",
        regions.join(", ")
    );
    let from = now.month().0;
    let until = now.start_of_day();
    if until <= from {
        let why = "nothing of this month is on the bill before its second day";
        return Err(Error::new(
            FailureKind::NotFound,
            format!("cannot {what}: {why}"),
        ));
    }
    let only = |dimension, values: &[String]| {
        let values = DimensionValues::builder()
            .key(dimension)
            .set_values(Some(values.to_vec()))
            .build();
        Expression::builder().dimensions(values).build()
    };
    let filter = Expression::builder()
        .and(only(Dimension::Service, &[SERVICE.to_owned()]))
        .and(only(Dimension::Region, regions))
        .and(only(Dimension::LinkedAccount, &[account.to_owned()]))
        .build();
    let period = DateInterval::builder()
        .start(day(from))
        .end(day(until))
        .build();
    let period = period.map_err(|it| damaged(&what, &it.to_string()))?;
    // A request that fails may be billed, too.
    spend.count_bill();
    let request = writers.bills.get_cost_and_usage();
    let request = request
        .time_period(period)
        .granularity(Granularity::Monthly)
        .metrics(METRIC)
        .filter(filter);
    let answer = request.send().await.map_err(|it| explain(&what, &it))?;
    let months = answer.results_by_time();
    if months.is_empty() {
        return Err(damaged(&what, "it has no month"));
    }
    let mut usd = Usd::ZERO;
    for month in months {
        let total = month.total().and_then(|it| it.get(METRIC));
        let total = total.ok_or_else(|| damaged(&what, "a month has no sum"))?;
        let unit = total.unit().unwrap_or("no unit");
        let amount = total
            .amount()
            .and_then(|it| it.parse().ok())
            .and_then(Usd::from_f64);
        let Some(amount) = amount.filter(|_| unit == "USD") else {
            let why = format!("`{}` in {unit}", total.amount().unwrap_or_default());
            return Err(damaged(&what, &why));
        };
        usd += amount;
    }
    Ok(Bill {
        account: account.to_owned(),
        regions: regions.to_vec(),
        from,
        until,
        usd,
        is_estimate: months
            .iter()
            .any(aws_sdk_costexplorer::types::ResultByTime::estimated),
        at: now,
    })
}

/// The day as Cost Explorer writes it.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn damaged(what: &str, why: &str) -> Error {
    let text = format!("cannot {what}: the answer is not as documented: {why}");
    Error::new(FailureKind::Unknown, text)
}
