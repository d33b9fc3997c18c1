//! EC2's status checks and the events that it scheduled for a host.

use std::collections::HashMap;

use aws_sdk_ec2::types::InstanceStatus;

use super::{
    errors::refuse,
    open::Clients,
    pages::{Page, Walk, walk},
    words::text,
};
use crate::fleet::InstanceId;

const PAGE_SIZE: i32 = 1000;

/// What EC2 checked of one running machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Status {
    /// The worst of the checks.
    pub(super) checks: Option<String>,
    pub(super) event: Option<String>,
}

/// Reads the checks of every running machine of the region; EC2 cannot filter them by tag.
pub(super) async fn read(clients: &Clients) -> Walk<(InstanceId, Status)> {
    const WHAT: &str = "read the status checks";
    walk(WHAT, |token| async {
        let request = clients.ec2.describe_instance_status();
        let request = request.max_results(PAGE_SIZE).set_next_token(token);
        let answer = request.send().await.map_err(|error| refuse(WHAT, &error))?;
        let statuses = answer.instance_statuses.unwrap_or_default();
        Ok(Page {
            rows: statuses.iter().filter_map(status).collect(),
            next: answer.next_token,
        })
    })
    .await
}

/// The statuses by machine, replaced as a whole.
pub(super) type Statuses = HashMap<InstanceId, Status>;

fn status(it: &InstanceStatus) -> Option<(InstanceId, Status)> {
    let id = InstanceId::from(it.instance_id()?);
    let checks = [
        it.system_status()
            .and_then(|it| it.status())
            .map(aws_sdk_ec2::types::SummaryStatus::as_str),
        it.instance_status()
            .and_then(|it| it.status())
            .map(aws_sdk_ec2::types::SummaryStatus::as_str),
        it.attached_ebs_status()
            .and_then(|it| it.status())
            .map(aws_sdk_ec2::types::SummaryStatus::as_str),
    ];
    let is_ahead = |description: Option<&str>| {
        // A past event stays in the list for a while, marked so.
        let description = description.unwrap_or_default();
        !description.starts_with("[Completed]") && !description.starts_with("[Canceled]")
    };
    let event = it.events().iter().find(|it| is_ahead(it.description()));
    let status = Status {
        checks: worst(checks.into_iter().flatten()),
        event: event.and_then(|it| text(it.code().map(aws_sdk_ec2::types::EventCode::as_str))),
    };
    Some((id, status))
}

/// Returns the word that an operator must see among several checks.
fn worst<'a>(checks: impl Iterator<Item = &'a str>) -> Option<String> {
    let rank = |word: &str| match word {
        "not-applicable" => 0,
        "ok" => 1,
        "initializing" => 2,
        "insufficient-data" => 3,
        // `impaired`, and any word that is new.
        _ => 4,
    };
    checks.max_by_key(|it| rank(it)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_is_the_one_to_show() {
        let worst = |words: &[&str]| worst(words.iter().copied());
        assert_eq!(worst(&["ok", "ok", "not-applicable"]), Some("ok".into()));
        assert_eq!(worst(&["ok", "initializing"]), Some("initializing".into()));
        assert_eq!(
            worst(&["impaired", "insufficient-data"]),
            Some("impaired".into())
        );
        assert_eq!(worst(&[]), None);
    }
}
