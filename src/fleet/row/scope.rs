//! The row of a scope: who we are there, and how it has been answering.

use super::field;
use crate::fleet::{
    Align::{Left, Right},
    Field, Identity, Observation, Record, Scope, SourceHealth, SourceId, Timestamp, Value,
};

/// A scope with how it has been answering.
#[derive(Clone, Debug)]
pub struct ScopeRow<'a> {
    pub scope: &'a Scope,
    pub health: Option<&'a SourceHealth>,
}

impl<'a> ScopeRow<'a> {
    pub fn all(observation: &'a Observation) -> Vec<Self> {
        observation
            .fleet
            .scopes
            .iter()
            .map(|scope| Self {
                scope,
                health: observation
                    .sources
                    .iter()
                    .find(|it| it.source == SourceId::Scope(scope.id.clone())),
            })
            .collect()
    }
}

impl Record for ScopeRow<'_> {
    const NOUN: &'static str = "a scope";

    fn fields() -> &'static [Field] {
        const FIELDS: &[Field] = &[
            field("id", "SCOPE", "account alias and region", Left, true),
            field("profile", "PROFILE", "AWS profile", Left, true),
            field("region", "REGION", "AWS region", Left, false),
            field(
                "account",
                "ACCOUNT",
                "account id, proven by STS",
                Left,
                true,
            ),
            field("role", "ROLE", "the role or user that we are", Left, true),
            field(
                "environment",
                "ENVIRONMENT",
                "from the configuration",
                Left,
                true,
            ),
            field(
                "read_only",
                "READ-ONLY",
                "whether writes are refused",
                Left,
                true,
            ),
            field(
                "expires_at",
                "EXPIRES",
                "end of the credentials",
                Left,
                false,
            ),
            field(
                "read_at",
                "READ",
                "time of the last good reading",
                Left,
                true,
            ),
            field(
                "calls",
                "CALLS/MIN",
                "API calls in the last minute",
                Right,
                true,
            ),
            field(
                "failure",
                "FAILURE",
                "why the last reading failed",
                Left,
                true,
            ),
        ];
        FIELDS
    }

    fn value(&self, field: &str, _now: Timestamp) -> Value<'_> {
        let it = self.scope;
        match field {
            "id" => Value::text(it.id.as_str()),
            "profile" => Value::maybe_text(it.profile.as_deref()),
            "region" => Value::text(it.region.as_str()),
            "account" => Value::maybe_text(it.identity.as_ref().map(|it| it.account.as_str())),
            "role" => Value::maybe_text(it.identity.as_ref().map(Identity::role)),
            "environment" => Value::maybe_text(it.environment.as_deref()),
            "read_only" => Value::Flag(it.read_only),
            "expires_at" => it
                .identity
                .as_ref()
                .and_then(|it| it.expires_at)
                .map_or(Value::Missing, Value::Time),
            "read_at" => self
                .health
                .and_then(|it| it.read_at)
                .map_or(Value::Missing, Value::Time),
            "calls" => Value::maybe_count(self.health.map(|it| it.n_calls_per_minute)),
            "failure" => Value::maybe_text(
                self.health
                    .and_then(|it| it.failure.as_ref())
                    .map(|it| it.what.as_str()),
            ),
            _ => Value::Missing,
        }
    }

    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str)) {
        visit(self.scope.id.as_str());
    }
}
