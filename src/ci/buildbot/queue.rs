//! What waits on a Buildbot master, by builder, and why: Buildbot does not say, but the
//! workers of the builder do.

use std::collections::BTreeMap;

use super::{
    read::{Seen, at},
    shape::Worker,
};
use crate::{
    ci::{Endpoint, text},
    fleet::Queue,
};

pub(super) fn queues_of(
    seen: &Seen,
    builders: &BTreeMap<u64, String>,
    endpoint: &Endpoint,
) -> Vec<Queue> {
    let mut queues: BTreeMap<String, Queue> = BTreeMap::new();
    for request in seen.requests.items.iter().filter(|it| !it.claimed) {
        let builder = builders
            .get(&request.builderid)
            .map_or_else(|| format!("builder {}", request.builderid), Clone::clone);
        let label = endpoint.label_of(&builder).unwrap_or(&builder);
        let queue = queues.entry(label.to_owned()).or_insert_with(|| Queue {
            controller: endpoint.name.clone(),
            label: text::bounded(label, text::NAME),
            length: 0,
            oldest_since: None,
            why: None,
        });
        queue.length += 1;
        let since = at(request.submitted_at);
        let is_oldest = match (since, queue.oldest_since) {
            (Some(since), Some(oldest)) => since < oldest,
            (since, None) => since.is_some(),
            (None, Some(_)) => false,
        };
        if is_oldest || queue.why.is_none() {
            queue.oldest_since = since.or(queue.oldest_since);
            queue.why = Some(why(&seen.workers.items, request.builderid, &builder));
        }
    }
    queues.into_values().collect()
}

fn why(workers: &[Worker], builderid: u64, builder: &str) -> String {
    let of_builder: Vec<&Worker> = workers
        .iter()
        .filter(|it| {
            let configured = it.configured_on.iter().flatten();
            configured.into_iter().any(|it| it.builderid == builderid)
        })
        .collect();
    let connected = || {
        of_builder
            .iter()
            .filter(|it| it.connected_to.as_ref().is_some_and(|it| !it.is_empty()))
    };
    let n_connected = connected().count();
    let n_open = connected()
        .filter(|it| it.paused == Some(false) && it.graceful == Some(false))
        .count();
    let builder = text::bounded(builder, text::NAME);
    match (of_builder.len(), n_connected, n_open) {
        (0, _, _) => format!("{builder} has no worker"),
        (n, 0, _) => format!("none of the {n} workers of {builder} is connected"),
        (_, n, 0) => format!("all {n} connected workers of {builder} are paused or shutting down"),
        (_, _, n) => format!("waiting for one of the {n} workers of {builder}, or for a lock"),
    }
}
