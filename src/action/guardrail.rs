//! What an operator may do, and how hard we ask before it is done.

use serde::{Deserialize, Serialize};

use crate::{fleet::Scope, operation::Proof};

/// Everything that may refuse an action or make its confirmation harder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Refuses every write, in every scope.
    pub read_only: bool,
    /// The first that matches wins.
    pub guardrails: Vec<Guardrail>,
    /// What every drain asks for before it believes that an instance is idle.
    pub proof: Proof,
}

/// One rule of the configuration; a part that is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guardrail {
    pub environment: Option<String>,
    /// `*` stands for any text, as in `pool`.
    pub scope: Option<String>,
    pub pool: Option<String>,
    /// Verbs; empty is every verb.
    pub actions: Vec<String>,
    pub confirm: Option<Confirmation>,
    /// The most instances that one action may touch.
    pub max_instances: Option<u32>,
    /// The largest part of a pool that one action may touch.
    pub max_percent: Option<u32>,
    /// Refuses an action that gives no `--reason`.
    pub require_reason: bool,
    /// Shown to the operator whom this rule stops or slows.
    pub reason: Option<String>,
}

/// How an operator confirms; the later the stronger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    #[default]
    YesNo,
    TypePoolName,
    TypeAccountAlias,
    Deny,
}

impl Confirmation {
    pub const ALL: [Self; 4] = [
        Self::YesNo,
        Self::TypePoolName,
        Self::TypeAccountAlias,
        Self::Deny,
    ];

    /// Returns the word of the configuration file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::YesNo => "yes-no",
            Self::TypePoolName => "type-pool-name",
            Self::TypeAccountAlias => "type-account-alias",
            Self::Deny => "deny",
        }
    }
}

impl Policy {
    /// Returns the first rule that speaks of this verb on this pool.
    pub fn guardrail_for(&self, verb: &str, pool: &str, scope: &Scope) -> Option<&Guardrail> {
        self.guardrails
            .iter()
            .find(|it| it.matches(verb, pool, scope))
    }
}

impl Guardrail {
    fn matches(&self, verb: &str, pool: &str, scope: &Scope) -> bool {
        let is_or_any = |pattern: &Option<String>, text: &str| {
            pattern
                .as_ref()
                .is_none_or(|it| crate::fleet::matches_wildcards(text, it))
        };
        is_or_any(
            &self.environment,
            scope.environment.as_deref().unwrap_or(""),
        ) && is_or_any(&self.scope, scope.id.as_str())
            && is_or_any(&self.pool, pool)
            && (self.actions.is_empty() || self.actions.iter().any(|it| it == verb))
    }
}
