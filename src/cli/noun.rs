//! What can be listed: the rows of each noun, their order and their JSON.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Command, Error, ReadFlags,
    json::{self, Rows},
    query::Query,
};
use crate::fleet::{
    Activity, ActivityRow, ExecutorRow, FindingRow, InstanceRow, JobRow, Observation, PoolKey,
    PoolRow, QueueRow, Record, ScopeRow, StrayRow, doctor, strays,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noun {
    Pools,
    Instances,
    Activities,
    Executors,
    Jobs,
    Queue,
    Strays,
    Findings,
    Scopes,
}

/// The rows of a listing in JSON; scopes are in every document anyway.
pub(super) enum Shown {
    Rows(Rows),
    Scopes(Vec<json::Scope>),
}

/// Takes the rows of one kind, whichever it is.
pub(super) trait Writer {
    type Text;

    fn write<R: Record>(self, rows: &[R], shown: Shown) -> Self::Text;
}

impl Noun {
    /// Returns what a command lists; `None` for a command that lists nothing.
    pub(super) fn of(command: &Command) -> Option<Self> {
        Some(match command {
            Command::Pools { .. } => Self::Pools,
            Command::Instances { .. } => Self::Instances,
            Command::Activities { .. } => Self::Activities,
            Command::Executors { .. } => Self::Executors,
            Command::Jobs { .. } => Self::Jobs,
            Command::Queue { .. } => Self::Queue,
            Command::Strays { .. } => Self::Strays,
            Command::Doctor { .. } => Self::Findings,
            Command::Scopes { .. } => Self::Scopes,
            Command::History { .. }
            | Command::Report { .. }
            | Command::Ops { .. }
            | Command::Explain { .. }
            | Command::Publish { .. }
            | Command::Cost { .. }
            | Command::Summary { .. }
            | Command::Prices { .. }
            | Command::Info { .. }
            | Command::Act(_)
            | Command::Completions { .. }
            | Command::Man { .. } => return None,
        })
    }

    /// Returns the noun in a sentence: "No jobs."
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Pools => "pools",
            Self::Instances => "instances",
            Self::Activities => "activities",
            Self::Executors => "executors",
            Self::Jobs => "running jobs",
            Self::Queue => "queues",
            Self::Strays => "strays",
            Self::Findings => "findings",
            Self::Scopes => "scopes",
        }
    }

    /// Reads the flags against the fields of the noun's rows, and sets its usual order.
    pub(super) fn query(self, flags: &ReadFlags) -> Result<Query, Error> {
        match self {
            Self::Pools => Query::parse::<PoolRow<'_>>(flags, &["scope", "name"]),
            Self::Instances => {
                let order = ["scope", "pool", "launched_at", "id"];
                Query::parse::<InstanceRow<'_>>(flags, &order)
            }
            // They come newest first.
            Self::Activities => Query::parse::<ActivityRow<'_>>(flags, &[]),
            Self::Executors => {
                let order = ["pool", "name", "controller"];
                Query::parse::<ExecutorRow<'_>>(flags, &order)
            }
            Self::Jobs => Query::parse::<JobRow<'_>>(flags, &["pool", "-age", "name"]),
            Self::Queue => Query::parse::<QueueRow<'_>>(flags, &["controller", "label"]),
            // They come with the alarming kinds first.
            Self::Strays => Query::parse::<StrayRow<'_>>(flags, &[]),
            // They come with the worst first.
            Self::Findings => Query::parse::<FindingRow<'_>>(flags, &[]),
            Self::Scopes => Query::parse::<ScopeRow<'_>>(flags, &[]),
        }
    }

    /// Hands the rows that are named and pass to `writer`, in their order.
    pub(super) fn select<W: Writer>(
        self,
        observation: &Observation,
        activities: &[Arc<Activity>],
        named: Option<&BTreeSet<PoolKey>>,
        query: &Query,
        writer: W,
    ) -> W::Text {
        let (fleet, now) = (&observation.fleet, observation.at);
        let is_named = |key: Option<&PoolKey>| {
            named.is_none_or(|named| key.is_some_and(|it| named.contains(it)))
        };
        match self {
            Self::Pools => {
                let mut rows = PoolRow::all(fleet);
                rows.retain(|it| is_named(Some(&it.pool.key())));
                let rows = query.select(rows, now);
                let json = json::Pool::all(&rows, fleet, now);
                writer.write(&rows, Shown::Rows(Rows::Pools(json)))
            }
            Self::Instances => {
                let mut rows = InstanceRow::all(fleet);
                rows.retain(|it| is_named(it.instance.pool.as_ref()));
                let rows = query.select(rows, now);
                let json = rows.iter().map(|it| json::Instance::new(it, now)).collect();
                writer.write(&rows, Shown::Rows(Rows::Instances(json)))
            }
            Self::Activities => {
                let rows = query.select(activities.iter().map(ActivityRow).collect(), now);
                let json = rows.iter().map(json::Activity::new).collect();
                writer.write(&rows, Shown::Rows(Rows::Activities(json)))
            }
            Self::Executors => {
                let mut rows = ExecutorRow::all(fleet);
                rows.retain(|it| is_named(it.0.pool.as_ref()));
                let rows = query.select(rows, now);
                let json = rows.iter().map(json::Executor::new).collect();
                writer.write(&rows, Shown::Rows(Rows::Executors(json)))
            }
            Self::Jobs => {
                let mut rows = JobRow::all(fleet);
                rows.retain(|it| is_named(it.executor.pool.as_ref()));
                let rows = query.select(rows, now);
                let json = rows.iter().map(json::RunningJob::new).collect();
                writer.write(&rows, Shown::Rows(Rows::Jobs(json)))
            }
            Self::Queue => {
                let rows = query.select(QueueRow::all(fleet), now);
                let json = rows.iter().map(|it| json::Queue::new(it, now)).collect();
                writer.write(&rows, Shown::Rows(Rows::Queue(json)))
            }
            Self::Strays => {
                let strays = strays(fleet, now);
                let rows = query.select(StrayRow::all(&strays), now);
                let json = rows.iter().map(json::Stray::new).collect();
                writer.write(&rows, Shown::Rows(Rows::Strays(json)))
            }
            Self::Findings => {
                let mut findings = doctor(observation);
                findings.retain(|it| is_named(it.pool.as_ref()));
                let rows = query.select(FindingRow::all(&findings), now);
                let json = rows.iter().map(json::Finding::new).collect();
                writer.write(&rows, Shown::Rows(Rows::Findings(json)))
            }
            Self::Scopes => {
                let rows = query.select(ScopeRow::all(observation), now);
                let json = rows.iter().map(|it| json::Scope::new(it, now)).collect();
                writer.write(&rows, Shown::Scopes(json))
            }
        }
    }
}
