//! The queues of Buildkite, from the API that is made for scaling agents. It has its own
//! token and its own pace.

use std::{sync::Mutex, time::Duration};

use super::shape::Metrics;
use crate::{
    ci::{
        Endpoint, Error, Secret,
        http::{Http, Scheme},
        text,
    },
    fleet::{Queue, Timestamp},
};

const POLL_DURATION: &str = "buildkite-agent-metrics-poll-duration";
/// How often at most, where it does not say.
const PACE_DEFAULT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct MetricsApi {
    pub(super) http: Http,
    /// What it said last, and when it may be asked again; locked for a moment only.
    last: Mutex<Option<(Vec<Queue>, Timestamp)>>,
}

impl MetricsApi {
    pub(super) fn open(endpoint: &Endpoint, url: &str, token: &Secret) -> Result<Self, Error> {
        let endpoint = Endpoint {
            url: url.to_owned(),
            token: Some(token.clone()),
            ..endpoint.clone()
        };
        Ok(Self {
            http: Http::open(&endpoint, Scheme::Token)?,
            last: Mutex::new(None),
        })
    }

    /// Returns the queues; the last ones, until it may be asked again.
    pub(super) async fn queues(
        &self,
        endpoint: &Endpoint,
        now: Timestamp,
    ) -> Result<Vec<Queue>, Error> {
        let last = self.last.lock().expect("no panic while held").clone();
        if let Some((queues, not_before)) = last
            && now < not_before
        {
            return Ok(queues);
        }
        let reply = self.http.get(&["v3", "metrics"], &[]).await?;
        let metrics: Metrics = reply.json()?;
        let pace = reply.header(POLL_DURATION).and_then(|it| it.parse().ok());
        let pace = pace.map_or(PACE_DEFAULT, Duration::from_secs);
        let queues = queues_of(metrics, endpoint);
        *self.last.lock().expect("no panic while held") = Some((queues.clone(), now + pace));
        Ok(queues)
    }
}

fn queues_of(metrics: Metrics, endpoint: &Endpoint) -> Vec<Queue> {
    let queues = metrics.jobs.queues.into_iter();
    queues
        .filter(|(_, it)| 0 < it.scheduled)
        .map(|(name, it)| {
            let label = endpoint.label_of(&name).unwrap_or(&name);
            let others = it.waiting.filter(|it| 0 < *it);
            let others = others.map_or(String::new(), |it| {
                format!("; {it} more wait for other jobs")
            });
            Queue {
                controller: endpoint.name.clone(),
                label: text::bounded(label, text::NAME),
                length: it.scheduled,
                oldest_since: None,
                why: Some(format!("scheduled, waiting for an agent{others}")),
            }
        })
        .collect()
}
