//! A long operation in JSON.

use serde::Serialize;

use crate::{
    cost::past,
    engine::{OperationError, OperationView},
    fleet::{Timestamp, Usd, sanitize},
    operation,
};

/// The document of `ops -o json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operations {
    pub version: u32,
    pub at: Timestamp,
    pub operations: Vec<Operation>,
    /// Journals, and sources, that cannot be read.
    pub errors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operation {
    pub id: String,
    pub kind: &'static str,
    /// The first of its pools.
    pub pool: String,
    pub scope: String,
    /// All of them: a roll may have several.
    pub pools: Vec<String>,
    /// `running`, `waiting`, `paused`, `done`, `aborted`, `failed` or `needs-operator`.
    pub state: &'static str,
    pub owner: String,
    pub started_at: Timestamp,
    pub reason: Option<String>,
    /// Why it was aborted, as whoever did that said; null where nobody did.
    pub aborted: Option<String>,
    /// Whether a process on this host drives it.
    pub driven: bool,
    /// Whether its marks are all that is known of it: its journal is on another host, or lost.
    pub foreign: bool,
    pub progress: Progress,
    pub waiting_on: Option<String>,
    pub targets: Vec<Target>,
    /// Where it is, beyond what each instance waits for.
    pub phase: Option<String>,
    /// When it will be over, by the jobs' own estimates; null where that cannot be told.
    pub ends_at: Option<Timestamp>,
    /// Ends that are in each other's way, a sentence each.
    pub collisions: Vec<String>,
    /// What others changed while it ran, and is left so.
    pub fights: Vec<Fight>,
    /// What the machines cost that were there for it alone; null where nobody here can tell.
    pub cost: Option<OperationCost>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationCost {
    /// Null when a part of the time has no known price.
    pub usd: Option<Usd>,
    /// As far as prices are known: the least that it is.
    pub known_usd: Usd,
    pub machine_seconds: u64,
    pub unpriced_seconds: u64,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fight {
    pub at: Timestamp,
    /// An instance, or a pool with its scope.
    pub subject: String,
    /// `desired`, `bounds`, `suspended`, `template`, `protection`, `cordon` or `mark`.
    pub what: operation::Fought,
    pub left: String,
    pub found: String,
    pub cause: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    pub instance: String,
    pub pool: String,
    pub step: &'static str,
    pub why: Option<String>,
}

impl Operations {
    pub fn new(at: Timestamp, views: &[OperationView], errors: &[OperationError]) -> Self {
        Self {
            version: super::VERSION,
            at,
            operations: views.iter().map(Operation::new).collect(),
            errors: errors.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Operation {
    pub fn new(view: &OperationView) -> Self {
        let operation = &view.operation;
        // What it would wait for is of no use where nobody drives it.
        let rests = view.rests() && !view.is_foreign && view.halts.is_empty();
        let nobody = rests.then(|| format!("a driver: `pooldeck ops resume {}`", operation.id));
        let first_wait = nobody.or_else(|| view.waits.first().map(|it| it.1.to_string()));
        let first_halt = view.halts.first().map(ToString::to_string);
        let targets: Vec<Target> = operation
            .targets()
            .map(|(id, target)| {
                let wait = view.waits.iter().find(|it| it.0.is_instance(id));
                Target {
                    instance: id.to_string(),
                    pool: operation.pool_of(id).name.to_string(),
                    step: target.step(),
                    why: wait.map(|it| sanitize(&it.1.to_string()).into_owned()),
                }
            })
            .collect();
        Self {
            id: operation.id.to_string(),
            kind: operation.spec.kind(),
            pool: operation.spec.pool().name.to_string(),
            scope: operation.spec.pool().scope.to_string(),
            state: view.state(),
            owner: operation.owner.to_string(),
            started_at: operation.started_at,
            pools: operation
                .spec
                .pools()
                .iter()
                .map(|it| it.name.to_string())
                .collect(),
            reason: operation.reason.clone(),
            aborted: operation.aborted().map(str::to_owned),
            driven: view.is_driven,
            foreign: view.is_foreign,
            progress: Progress {
                done: operation.n_done(),
                total: targets.len(),
            },
            waiting_on: first_wait
                .or(first_halt)
                .map(|it| sanitize(&it).into_owned()),
            targets,
            phase: view.outlook.phase.clone(),
            ends_at: view.ends_at(),
            collisions: view
                .outlook
                .collisions
                .iter()
                .map(ToString::to_string)
                .collect(),
            fights: operation.fights().iter().map(Fight::new).collect(),
            cost: view.cost.map(OperationCost::from),
        }
    }
}

impl From<past::OperationCost> for OperationCost {
    fn from(it: past::OperationCost) -> Self {
        Self {
            usd: it.usd(),
            known_usd: it.known,
            machine_seconds: it.machine_time.as_secs(),
            unpriced_seconds: it.unpriced.as_secs(),
            why: it.to_string(),
        }
    }
}

impl OperationCost {
    pub(in crate::cli) fn words(&self) -> String {
        match self.usd {
            Some(usd) => usd.to_string(),
            None if self.known_usd == Usd::ZERO => "?".to_owned(),
            None => format!(">{}", self.known_usd),
        }
    }
}

impl Fight {
    fn new((at, it): &(Timestamp, operation::Fight)) -> Self {
        Self {
            at: *at,
            subject: it.subject.to_string(),
            what: it.what,
            left: it.left.clone(),
            found: it.found.clone(),
            cause: it.cause.clone(),
        }
    }
}
