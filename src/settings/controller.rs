//! The shape of a `[[controller]]` table, and what its keys say of each other.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;

use super::{
    ControllerKind, ControllerSettings, SecretSource, SettingsError,
    file::{Reader, Span, unknown},
};
use crate::fleet::ControllerName;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ControllerTable {
    name: Spanned<String>,
    kind: Spanned<String>,
    url: Option<String>,
    user: Option<String>,
    token: Option<SecretTable>,
    organization: Option<String>,
    #[serde(default)]
    repositories: Vec<String>,
    enterprise: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    timeout: Option<Span>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    labels: Vec<LabelTable>,
    #[serde(default)]
    latent: Vec<String>,
    #[serde(default)]
    load_labels: Vec<String>,
    blackout: Option<Span>,
    job_requests_max: Option<u32>,
    agent_token: Option<SecretTable>,
    pause: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelTable {
    r#match: String,
    label: String,
}

impl ControllerTable {
    /// Returns the keys that stand there, with the kinds that know them.
    fn special_keys(&self) -> impl Iterator<Item = (&'static str, &'static [ControllerKind])> {
        use ControllerKind::{Buildbot, Buildkite, Command, GitHub, Jenkins};
        let keys: [(bool, &str, &[ControllerKind]); 10] = [
            (
                self.organization.is_some(),
                "organization",
                &[GitHub, Buildkite],
            ),
            (!self.repositories.is_empty(), "repositories", &[GitHub]),
            (self.enterprise.is_some(), "enterprise", &[GitHub]),
            (
                self.job_requests_max.is_some(),
                "job_requests_max",
                &[GitHub],
            ),
            (!self.command.is_empty(), "command", &[Command]),
            (!self.latent.is_empty(), "latent", &[Buildbot]),
            (!self.load_labels.is_empty(), "load_labels", &[Jenkins]),
            (self.blackout.is_some(), "blackout", &[Jenkins]),
            (self.agent_token.is_some(), "agent_token", &[Buildkite]),
            (self.pause.is_some(), "pause", &[Buildkite]),
        ];
        keys.into_iter().filter(|it| it.0).map(|it| (it.1, it.2))
    }
}

/// Exactly one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretFields {
    env: Option<String>,
    command: Option<String>,
    file: Option<PathBuf>,
}

struct SecretTable(SecretSource);

impl<'de> Deserialize<'de> for SecretTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a place to find the secret: { env = \"NAME\" }, { command = \"…\" } or { file = \"…\" }; \
                        never the secret itself";
        let value = toml::Value::deserialize(deserializer)?;
        let toml::Value::Table(table) = value else {
            return Err(D::Error::custom(format!("expected {expected}")));
        };
        let fields: SecretFields = table
            .try_into()
            .map_err(|it: toml::de::Error| D::Error::custom(it.message()))?;
        match (fields.env, fields.command, fields.file) {
            (Some(name), None, None) => Ok(Self(SecretSource::Env(name))),
            (None, Some(line), None) => Ok(Self(SecretSource::Command(line))),
            (None, None, Some(path)) => Ok(Self(SecretSource::File(path))),
            _ => Err(D::Error::custom(format!("expected exactly one {expected}"))),
        }
    }
}

impl Reader<'_> {
    pub(super) fn controller(
        &self,
        table: ControllerTable,
    ) -> Result<ControllerSettings, SettingsError> {
        let word = table.kind.get_ref();
        let Some(kind) = ControllerKind::ALL
            .into_iter()
            .find(|it| it.as_str() == word)
        else {
            let known = ControllerKind::ALL.map(ControllerKind::as_str);
            return self.error(&table.kind, unknown("kind of controller", word, &known));
        };
        let name = table.name.get_ref();
        let needs =
            |what: &str| self.error(&table.name, format!("controller `{name}` needs {what}"));
        match kind {
            ControllerKind::Jenkins | ControllerKind::Buildbot if table.url.is_none() => {
                return needs("a `url`");
            }
            ControllerKind::Command if table.url.is_none() == table.command.is_empty() => {
                return needs("either a `command` or a `url`");
            }
            ControllerKind::Buildkite if table.organization.is_none() => {
                return needs("an `organization`");
            }
            ControllerKind::GitHub
                if table.organization.is_none()
                    && table.enterprise.is_none()
                    && table.repositories.is_empty() =>
            {
                return needs("an `organization`, an `enterprise` or `repositories`");
            }
            ControllerKind::Jenkins
            | ControllerKind::Buildbot
            | ControllerKind::Command
            | ControllerKind::Buildkite
            | ControllerKind::GitHub => {}
        }
        if let Some((key, kinds)) = table.special_keys().find(|it| !it.1.contains(&kind)) {
            let kinds: Vec<&str> = kinds.iter().map(|it| it.as_str()).collect();
            let what = format!(
                "`{key}` is for {} controllers, and `{name}` is a {word} one",
                kinds.join(" and ")
            );
            return self.error(&table.name, what);
        }
        Ok(ControllerSettings {
            name: ControllerName::from(name.as_str()),
            kind,
            url: table.url,
            user: table.user,
            token: table.token.map(|it| it.0),
            organization: table.organization,
            repositories: table.repositories,
            enterprise: table.enterprise,
            command: table.command,
            timeout: table.timeout.map_or(Duration::from_secs(10), |it| it.0),
            proxy: table.proxy,
            ca_file: table.ca_file,
            labels: table
                .labels
                .into_iter()
                .map(|it| (it.r#match, it.label))
                .collect(),
            latent: table.latent,
            load_labels: table.load_labels,
            blackout: table.blackout.map(|it| it.0),
            job_requests_max: table.job_requests_max,
            agent_token: table.agent_token.map(|it| it.0),
            pause: table.pause.map(|it| it.0),
        })
    }
}
