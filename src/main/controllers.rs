//! The doors to CI controllers, from the configuration; their secrets are fetched here.

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use pooldeck::{
    ci::{
        self, Endpoint, Error, Kind, Secret, SharedCi, Unopened, buildbot,
        buildkite::{self, Buildkite},
        command,
        github::{self, GitHub},
        jenkins,
    },
    fleet::FailureKind,
    settings::{ControllerKind, ControllerSettings, SecretSource, Settings},
};

use crate::surroundings::variable;

/// Opens every controller of the configuration; nobody is asked anything yet.
///
/// One that is configured wrongly gets a door that says so: the others are there all the same.
pub(crate) fn open(settings: &Settings) -> Vec<SharedCi> {
    settings.controllers.iter().map(controller).collect()
}

fn controller(settings: &ControllerSettings) -> SharedCi {
    let opened = kind(settings)
        .map_err(|why| (FailureKind::Invalid, why))
        .and_then(|kind| {
            let token = settings.token.as_ref().map(secret).transpose();
            let token = token.map_err(|why| (FailureKind::Credentials, why))?;
            let mut endpoint = Endpoint::new(settings.name.clone(), url(settings));
            endpoint.user.clone_from(&settings.user);
            endpoint.token = token;
            endpoint.timeout = settings.timeout;
            Ok(ci::open(endpoint, kind))
        });
    opened.unwrap_or_else(|(kind, why)| {
        let name = settings.name.clone();
        Arc::new(Unopened::new(
            name,
            settings.kind.as_str(),
            Error::new(kind, why),
        ))
    })
}

fn kind(settings: &ControllerSettings) -> Result<Kind, String> {
    Ok(match settings.kind {
        ControllerKind::Jenkins => Kind::Jenkins(jenkins::Options::default()),
        ControllerKind::Buildbot => Kind::Buildbot(buildbot::Options::default()),
        ControllerKind::GitHub => Kind::GitHub(github::Options::new(github_scopes(settings)?)),
        ControllerKind::Buildkite => {
            let organization = settings.organization.clone();
            let organization = organization.ok_or("its `organization` is not configured")?;
            Kind::Buildkite(buildkite::Options::new(organization))
        }
        ControllerKind::Command => Kind::Command(command::Options {
            command: settings.command.clone(),
        }),
    })
}

/// Returns the address; the services that everybody uses need none.
fn url(settings: &ControllerSettings) -> String {
    let usual = match settings.kind {
        ControllerKind::GitHub => GitHub::URL,
        ControllerKind::Buildkite => Buildkite::URL,
        ControllerKind::Jenkins | ControllerKind::Buildbot | ControllerKind::Command => "",
    };
    settings.url.clone().unwrap_or_else(|| usual.to_owned())
}

/// Whose runners are meant: all that are named.
fn github_scopes(settings: &ControllerSettings) -> Result<Vec<github::Scope>, String> {
    let mut scopes = Vec::new();
    scopes.extend(
        settings
            .organization
            .clone()
            .map(github::Scope::Organization),
    );
    scopes.extend(settings.enterprise.clone().map(github::Scope::Enterprise));
    for repository in &settings.repositories {
        let (owner, name) = repository
            .split_once('/')
            .ok_or_else(|| format!("`{repository}` is no repository; write owner/name"))?;
        scopes.push(github::Scope::Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
        });
    }
    if scopes.is_empty() {
        return Err("no `organization`, `enterprise` or `repositories` are configured".to_owned());
    }
    Ok(scopes)
}

/// Fetches a secret from where the configuration says it is. What goes wrong is told without it.
fn secret(source: &SecretSource) -> Result<Secret, String> {
    let text = match source {
        SecretSource::Env(name) => {
            variable(name).ok_or_else(|| format!("the variable {name} is not set"))?
        }
        SecretSource::File(path) => std::fs::read_to_string(path)
            .map_err(|it| format!("{} cannot be read: {it}", path.display()))?,
        SecretSource::Command(line) => output_of(line)?,
    };
    let secret = Secret::new(&text);
    if secret.is_empty() {
        return Err("its token is empty".to_owned());
    }
    Ok(secret)
}

/// Runs a command without a shell; it may ask on the terminal for a passphrase.
fn output_of(line: &str) -> Result<String, String> {
    let words = shlex::split(line).unwrap_or_default();
    let Some((program, rest)) = words.split_first() else {
        return Err("its token's command is empty, or a quotation mark is not closed".to_owned());
    };
    let output = Command::new(program)
        .args(rest)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|it| format!("`{program}` cannot be run: {it}"))?;
    if !output.status.success() {
        return Err(format!("`{program}` failed: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{program}` printed no text"))
}
