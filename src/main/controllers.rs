//! The doors to CI controllers, from the configuration; their secrets are fetched here.

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use pooldeck::{
    ci::{
        self, Endpoint, Secret, SharedCi,
        buildbot::{self, Buildbot},
        buildkite::{self, Buildkite},
        github::{self, GitHub},
        jenkins::{self, Jenkins},
    },
    cli::{self, Exit},
    settings::{ControllerKind, ControllerSettings, SecretSource, Settings},
};

use crate::surroundings::variable;

/// Opens every controller of the configuration; nobody is asked anything yet.
pub(crate) fn open(settings: &Settings) -> Result<Vec<SharedCi>, cli::Error> {
    settings.controllers.iter().map(controller).collect()
}

fn controller(settings: &ControllerSettings) -> Result<SharedCi, cli::Error> {
    let name = &settings.name;
    let wrong = |why: String| cli::Error::usage(format!("controller `{name}`: {why}"));
    let token = settings.token.as_ref().map(secret).transpose();
    let token = token
        .map_err(|why| cli::Error::new(Exit::Credentials, format!("controller `{name}`: {why}")))?;
    let mut endpoint = Endpoint::new(name.clone(), url(settings));
    endpoint.user.clone_from(&settings.user);
    endpoint.token = token;
    endpoint.timeout = settings.timeout;
    let opened: Result<SharedCi, ci::Error> = match settings.kind {
        ControllerKind::Jenkins => {
            let opened = Jenkins::open(endpoint, jenkins::Options::default());
            opened.map(|it| Arc::new(it) as _)
        }
        ControllerKind::Buildbot => {
            let opened = Buildbot::open(endpoint, buildbot::Options::default());
            opened.map(|it| Arc::new(it) as _)
        }
        ControllerKind::GitHub => {
            let mut options = github::Options::new(github_scope(settings).map_err(wrong)?);
            options.repositories.clone_from(&settings.repositories);
            GitHub::open(endpoint, options).map(|it| Arc::new(it) as _)
        }
        ControllerKind::Buildkite => {
            let organization = settings.organization.clone();
            let organization =
                organization.ok_or_else(|| wrong("`organization` is missing".to_owned()))?;
            let opened = Buildkite::open(endpoint, buildkite::Options::new(organization));
            opened.map(|it| Arc::new(it) as _)
        }
        ControllerKind::Command => {
            return Err(wrong("this build has no door to commands".to_owned()));
        }
    };
    opened.map_err(|it| wrong(it.what))
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

/// Whose runners are meant: the organization's, the enterprise's, or those of one repository.
fn github_scope(settings: &ControllerSettings) -> Result<github::Scope, String> {
    if let Some(organization) = &settings.organization {
        return Ok(github::Scope::Organization(organization.clone()));
    }
    if let Some(enterprise) = &settings.enterprise {
        return Ok(github::Scope::Enterprise(enterprise.clone()));
    }
    let [repository] = &settings.repositories[..] else {
        return Err(
            "name its `organization` or `enterprise`, or one repository; several repositories \
             without an organization are one controller each"
                .to_owned(),
        );
    };
    let (owner, name) = repository
        .split_once('/')
        .ok_or_else(|| format!("`{repository}` is no repository; write owner/name"))?;
    Ok(github::Scope::Repository {
        owner: owner.to_owned(),
        name: name.to_owned(),
    })
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
