//! `explain POOL` and `explain OPERATION`: the full chain of why nothing is happening.

use serde::Serialize;

use super::{
    ActFormat, Error, Exit, Session,
    json::{self, VERSION},
    session::Sight,
};
use crate::{
    engine::{OperationView, operations_in_the_way},
    fleet::{Obstacle, PoolKey, Timestamp, obstacles, sanitize},
};

/// The document of `explain POOL -o json`, and of an operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Document {
    version: u32,
    at: Timestamp,
    /// Null when a pool was asked about.
    operation: Option<json::Operation>,
    pools: Vec<Why>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Why {
    pool: String,
    scope: String,
    #[serde(rename = "why")]
    reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Reason {
    what: String,
    alarming: bool,
    /// When it ends by itself, where that is known.
    until: Option<Timestamp>,
}

/// Explains what is called so; `None` when no pool and no operation is.
pub(super) fn explain(
    session: &mut Session<'_>,
    sight: &Sight,
    name: &str,
    output: ActFormat,
) -> Result<Option<Exit>, Error> {
    let observation = &sight.observation;
    let (views, _) = session.handle.operations();
    let operation = views.iter().find(|it| it.operation.id.0 == name);
    let keys: Vec<PoolKey> = if let Some(view) = operation {
        view.operation.spec.pools().into_iter().cloned().collect()
    } else {
        let pools = observation.fleet.pools.keys();
        let is_named = |it: &&PoolKey| it.name.as_str() == name || it.to_string() == name;
        pools.filter(is_named).cloned().collect()
    };
    if keys.is_empty() {
        return Ok(None);
    }
    let is_read_only = session.handle.config().policy.read_only;
    let chains: Vec<(PoolKey, Vec<Obstacle>)> = keys
        .into_iter()
        .map(|key| {
            let mut chain = Vec::new();
            if is_read_only {
                let what = "this session is read-only: it changes nothing";
                chain.push(Obstacle::new(what, false));
            }
            chain.extend(obstacles(observation, &key));
            chain.extend(operations_in_the_way(&views, &key));
            (key, chain)
        })
        .collect();
    let document = Document {
        version: VERSION,
        at: observation.at,
        operation: operation.map(json::Operation::new),
        pools: chains.iter().map(Why::new).collect(),
    };
    let text = match output {
        ActFormat::Table => in_words(operation, &chains),
        ActFormat::Json => json::to_text(&document),
        ActFormat::Ndjson => json::to_line(&document),
    };
    session.printer.data(&text)?;
    sight.warn(session.printer);
    Ok(Some(sight.exit()))
}

fn in_words(operation: Option<&OperationView>, chains: &[(PoolKey, Vec<Obstacle>)]) -> String {
    let mut lines = Vec::new();
    if let Some(view) = operation {
        let it = &view.operation;
        lines.push(format!(
            "operation {}: {} of {}, {}, of {}",
            it.id,
            it.spec.kind(),
            it.spec.pool(),
            view.state(),
            it.owner
        ));
        let waits = view.waits.iter();
        lines.extend(waits.map(|(subject, it)| format!("  {subject} waits for {it}")));
        lines.extend(
            view.halts
                .iter()
                .map(|it| format!("  needs an operator: {it}")),
        );
        let fights = it.fights().iter();
        lines.extend(fights.map(|(_, it)| format!("  {it}; it is left so")));
        let collisions = view.outlook.collisions.iter();
        lines.extend(collisions.map(|it| format!("  collision: {it}")));
    }
    for (key, chain) in chains {
        lines.push(format!("{key}: why nothing is happening"));
        if chain.is_empty() {
            lines.push("  nothing is in its way, and nothing is asked of it".to_owned());
        }
        lines.extend(chain.iter().map(|it| {
            let mark = if it.is_alarming { "! " } else { "  " };
            format!("{mark}{}", it.what)
        }));
    }
    let clean = lines.iter().map(|it| sanitize(it));
    clean.fold(String::new(), |text, it| text + &it + "\n")
}

impl Why {
    fn new((key, chain): &(PoolKey, Vec<Obstacle>)) -> Self {
        let why = chain.iter().map(|it| Reason {
            what: sanitize(&it.what).into_owned(),
            alarming: it.is_alarming,
            until: it.until,
        });
        Self {
            pool: key.name.to_string(),
            scope: key.scope.to_string(),
            reasons: why.collect(),
        }
    }
}
