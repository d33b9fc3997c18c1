//! Where we look, who we are there, and how well we can see.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{ControllerName, Region, ScopeId, Timestamp};

/// One AWS account and region, as one profile sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub id: ScopeId,
    /// The profile's name; `None` is the default credential chain.
    pub profile: Option<String>,
    pub region: Region,
    /// What the operator calls this account.
    pub alias: String,
    /// Free text such as `production`; guardrails and colours go by it.
    pub environment: Option<String>,
    pub read_only: bool,
    /// Proven by STS; `None` until it was.
    pub identity: Option<Identity>,
}

impl Scope {
    /// Returns whether this scope wants the harder confirmations and the louder colours.
    pub fn is_production(&self) -> bool {
        self.environment.as_deref().is_some_and(|it| {
            it.eq_ignore_ascii_case("production") || it.eq_ignore_ascii_case("prod")
        })
    }
}

/// Who we are, according to STS `GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub account: String,
    pub arn: String,
    /// When the credentials end, where the provider says so.
    pub expires_at: Option<Timestamp>,
}

impl Identity {
    /// Returns the role or user part of the ARN: `ci-operator` of `…:assumed-role/ci-operator/me`.
    pub fn role(&self) -> &str {
        let resource = self.arn.rsplit(':').next().unwrap_or(&self.arn);
        let mut parts = resource.split('/');
        let kind = parts.next().unwrap_or(resource);
        parts.next().unwrap_or(kind)
    }
}

/// Something that we read from: a scope of AWS, or a CI controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceId {
    Scope(ScopeId),
    Controller(ControllerName),
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(id) => f.pad(id.as_str()),
            Self::Controller(name) => f.pad(name.as_str()),
        }
    }
}

/// How a source has been answering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceHealth {
    pub source: SourceId,
    /// When the last good reading was made; `None` before the first.
    pub read_at: Option<Timestamp>,
    /// How often it is read.
    pub interval: Duration,
    /// Set while a read is under way.
    pub reading_since: Option<Timestamp>,
    /// The last failure, cleared by the next good reading.
    pub failure: Option<Failure>,
    /// API calls in the last 60 seconds, reads and writes.
    pub n_calls_per_minute: u32,
}

impl SourceHealth {
    pub fn new(source: SourceId, interval: Duration) -> Self {
        Self {
            source,
            read_at: None,
            interval,
            reading_since: None,
            failure: None,
            n_calls_per_minute: 0,
        }
    }

    /// Returns what the last good reading lacks, of what all sources could not read.
    pub fn missing<'a>(
        &'a self,
        errors: &'a [(SourceId, Failure)],
    ) -> impl Iterator<Item = &'a Failure> {
        let own = errors.iter().filter(|(source, _)| *source == self.source);
        own.map(|(_, failure)| failure)
            .filter(|it| self.failure.as_ref() != Some(it))
    }

    /// Decides how alive the source is: on time, late, or silent.
    ///
    /// A reading is late when one and a half intervals passed without the next,
    /// and the source is silent after four, or when it never answered and failed.
    pub fn liveness(&self, now: Timestamp) -> Liveness {
        let Some(read_at) = self.read_at else {
            return if self.failure.is_some() {
                Liveness::NoResponse
            } else {
                Liveness::Delayed
            };
        };
        let age = now.since(read_at);
        if age > self.interval * 4 {
            Liveness::NoResponse
        } else if age > self.interval * 3 / 2 || self.failure.is_some() {
            Liveness::Delayed
        } else {
            Liveness::Live
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    Live,
    Delayed,
    NoResponse,
}

/// Why a read or a write failed, in the kinds that callers act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The service asks us to slow down.
    Throttled,
    /// The credentials ended or are not valid.
    Credentials,
    /// We are known, and may not do this.
    Denied,
    NotFound,
    /// The thing is in a state that forbids this.
    Conflict,
    /// The service said that the request itself is wrong.
    Invalid,
    /// No answer, or none that can be read; a write may have happened.
    Unknown,
}

impl FailureKind {
    /// Returns whether the same request may be answered otherwise in a while, by itself.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Throttled | Self::Credentials | Self::Unknown => true,
            Self::Denied | Self::NotFound | Self::Conflict | Self::Invalid => false,
        }
    }

    /// Returns the kind in a word or two, for where a sentence has no room.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Credentials => "credentials",
            Self::Denied => "not allowed",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Invalid => "refused",
            Self::Unknown => "no good answer",
        }
    }
}

/// A failure that an operator can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// One sentence: what could not be done, and AWS' own reason.
    pub what: String,
    pub at: Timestamp,
    /// When we try again; `None` when only an operator can mend it.
    pub retry_at: Option<Timestamp>,
}
