//! The doors to CI controllers, from the configuration; their secrets are fetched here.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use pooldeck::{
    ci::{
        self, Endpoint, Error, Kind, LabelRule, Secret, SharedCi, Unopened, buildbot,
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
            endpoint.proxy.clone_from(&settings.proxy);
            let labels = settings.labels.iter().cloned();
            endpoint.labels = labels
                .map(|(matches, label)| LabelRule { matches, label })
                .collect();
            let read = settings.ca_file.as_deref().map(text_of).transpose();
            endpoint.ca_certificates = read.map_err(|why| (FailureKind::Invalid, why))?;
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
        ControllerKind::Jenkins => {
            let mut options = jenkins::Options::default();
            options.load_labels.clone_from(&settings.load_labels);
            options.blackout = settings.blackout.unwrap_or(options.blackout);
            Kind::Jenkins(options)
        }
        ControllerKind::Buildbot => Kind::Buildbot(buildbot::Options {
            latent: settings.latent.clone(),
            ..buildbot::Options::default()
        }),
        ControllerKind::GitHub => {
            let mut options = github::Options::new(github_scopes(settings)?);
            let most = settings.job_requests_max;
            options.job_requests_max = most.unwrap_or(options.job_requests_max);
            Kind::GitHub(options)
        }
        ControllerKind::Buildkite => Kind::Buildkite(buildkite_options(settings)?),
        ControllerKind::Command => Kind::Command(command::Options {
            command: settings.command.clone(),
        }),
    })
}

fn buildkite_options(settings: &ControllerSettings) -> Result<buildkite::Options, String> {
    let organization = settings.organization.clone();
    let organization = organization.ok_or("its `organization` is not configured")?;
    let mut options = buildkite::Options::new(organization);
    options.agent_token = settings.agent_token.as_ref().map(secret).transpose()?;
    if let Some(pause) = settings.pause {
        options.pause_minutes = u32::try_from(pause.as_secs().div_ceil(60)).unwrap_or(u32::MAX);
    }
    Ok(options)
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
        SecretSource::File(path) => text_of(path)?,
        SecretSource::Command(line) => output_of(line)?,
    };
    let secret = Secret::new(&text);
    if secret.is_empty() {
        return Err("its token is empty".to_owned());
    }
    Ok(secret)
}

fn text_of(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|it| format!("{} cannot be read: {it}", path.display()))
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
