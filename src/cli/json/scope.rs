//! Scopes, what could not be read of them, and what their groups did, in JSON.

use serde::Serialize;

use crate::fleet::{
    self, ActivityRow, Failure, FailureKind, Identity, Liveness, Observation, Past, ScopeRow,
    SourceId, Timestamp,
};

/// Where was looked, who we are there, and how it answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scope {
    /// `alias/region`; pools and instances name their scope by it.
    pub id: String,
    /// Null is the default credential chain.
    pub profile: Option<String>,
    pub region: String,
    pub alias: String,
    pub environment: Option<String>,
    pub read_only: bool,
    /// Proven by STS; null until it was.
    pub account: Option<String>,
    pub arn: Option<String>,
    pub role: Option<String>,
    /// When the credentials end, where the provider says so.
    pub expires_at: Option<Timestamp>,
    /// When the last good reading was made; null when there was none.
    pub read_at: Option<Timestamp>,
    pub liveness: Option<Liveness>,
    pub calls_per_minute: Option<u32>,
    /// Why the last reading failed; null when it did not.
    pub failure: Option<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceError {
    /// The `id` of a scope, the name of a controller, `prices` or `history`.
    pub source: String,
    /// `scope`, `controller`, `prices` or `history`.
    pub source_kind: &'static str,
    pub kind: FailureKind,
    pub what: String,
    pub at: Timestamp,
    /// When it is tried again; null when only an operator can mend it.
    pub retry_at: Option<Timestamp>,
}

/// One row of `activities`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Activity {
    pub id: String,
    pub pool: String,
    /// The `id` of a scope.
    pub scope: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub status: String,
    /// AWS' reason for the status.
    pub message: Option<String>,
    pub description: String,
    /// Who or what caused it.
    pub cause: String,
    pub percent: Option<u32>,
    pub instance: Option<String>,
}

impl Scope {
    pub(in crate::cli) fn all(observation: &Observation) -> Vec<Self> {
        let rows = ScopeRow::all(observation);
        rows.iter()
            .map(|it| Self::new(it, observation.at))
            .collect()
    }

    pub(in crate::cli) fn new(row: &ScopeRow<'_>, now: Timestamp) -> Self {
        let (scope, health) = (row.scope, row.health);
        let identity = scope.identity.as_ref();
        Self {
            id: scope.id.to_string(),
            profile: scope.profile.clone(),
            region: scope.region.to_string(),
            alias: scope.alias.clone(),
            environment: scope.environment.clone(),
            read_only: scope.read_only,
            account: identity.map(|it| it.account.clone()),
            arn: identity.map(|it| it.arn.clone()),
            role: identity.map(Identity::role).map(str::to_owned),
            expires_at: identity.and_then(|it| it.expires_at),
            read_at: health.and_then(|it| it.read_at),
            liveness: health.map(|it| it.liveness(now)),
            calls_per_minute: health.map(|it| it.n_calls_per_minute),
            failure: health
                .and_then(|it| it.failure.as_ref())
                .map(|it| it.what.clone()),
        }
    }
}

impl SourceError {
    pub(in crate::cli) fn new((source, failure): &(SourceId, Failure)) -> Self {
        Self {
            source: source.to_string(),
            source_kind: match source {
                SourceId::Scope(_) => "scope",
                SourceId::Controller(_) => "controller",
            },
            kind: failure.kind,
            what: failure.what.clone(),
            at: failure.at,
            retry_at: failure.retry_at,
        }
    }

    /// Returns what kept the history from being read, if anything did.
    pub(in crate::cli) fn of_history(past: &Past, at: Timestamp) -> Option<Self> {
        past.failure.as_ref().map(|what| Self {
            source: "history".to_owned(),
            source_kind: "history",
            kind: FailureKind::Unknown,
            what: what.clone(),
            at,
            retry_at: None,
        })
    }
}

impl Activity {
    pub(in crate::cli) fn new(row: &ActivityRow<'_>) -> Self {
        let it: &fleet::Activity = row.0;
        Self {
            id: it.id.clone(),
            pool: it.pool.name.to_string(),
            scope: it.pool.scope.to_string(),
            started_at: it.started_at,
            ended_at: it.ended_at,
            status: it.status.to_string(),
            message: it.status_message.clone(),
            description: it.description.clone(),
            cause: it.cause.clone(),
            percent: it.percent,
            instance: it.instance.as_ref().map(ToString::to_string),
        }
    }
}
