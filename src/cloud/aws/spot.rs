//! What spot machines cost now, zone by zone.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::InstanceType;

use super::{
    errors::refuse,
    open::Clients,
    pages::{Page, walk},
    words::{text, timestamp},
};
use crate::{
    cloud::Error,
    fleet::{SpotPrice, Timestamp, Usd},
};

/// Reads the prices that hold now: a history that starts now has the last change of each.
pub(super) async fn prices(
    clients: &Clients,
    types: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Vec<SpotPrice>, Error> {
    let types: Vec<InstanceType> = types
        .iter()
        .map(|it| InstanceType::from(it.as_str()))
        .collect();
    let what = format!("read the spot prices of {} instance types", types.len());
    let walked = walk(&what, |token| {
        let request = clients
            .ec2
            .describe_spot_price_history()
            .set_instance_types(Some(types.clone()))
            .start_time(aws_smithy_types::DateTime::from_millis(now.as_millis()))
            .set_next_token(token);
        let what = &what;
        async move {
            let answer = request.send().await.map_err(|it| refuse(what, &it))?;
            Ok(Page {
                rows: answer.spot_price_history().iter().filter_map(row).collect(),
                next: answer.next_token,
            })
        }
    });
    let walked = walked.await;
    match walked.failure {
        Some(error) => Err(error),
        None => Ok(walked.rows),
    }
}

/// A row without a zone, a time or a sound price is none.
fn row(it: &aws_sdk_ec2::types::SpotPrice) -> Option<SpotPrice> {
    let dollars: f64 = it.spot_price()?.parse().ok()?;
    Some(SpotPrice {
        instance_type: it.instance_type()?.as_str().to_owned(),
        zone: text(it.availability_zone())?,
        platform: it.product_description()?.as_str().to_owned(),
        per_hour: Usd::from_f64(dollars).filter(|it| Usd::ZERO < *it)?,
        since: it.timestamp().and_then(timestamp)?,
    })
}
