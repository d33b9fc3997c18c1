//! Which doors are opened: the simulated region's, or those of AWS and of the CI controllers.

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use pooldeck::{
    ci::{self, Endpoint, Secret, SharedCi},
    cli::{self, Exit},
    cloud::SharedCloud,
    engine::{Clock, Doors, Link},
    fleet::{CiLink, Timestamp},
    settings::{ControllerKind, ControllerSettings, SecretSource},
    sim,
};
#[cfg(feature = "aws")]
use pooldeck::{
    cloud::{
        self,
        aws::{self, Aws, Connection, Selection},
    },
    fleet::{Region, Scope},
    settings::ScopeSettings,
};

use crate::{Setup, surroundings::variable};

/// The demo begins at the same instant every time: the same seed, the same story.
const DEMO_START: Timestamp = Timestamp::from_secs(1_772_443_800);

pub(crate) fn open(setup: &Setup<'_>) -> Result<(Doors, Clock), cli::Error> {
    let global = &setup.args.global;
    if global.demo {
        let demo = sim::demo(global.seed.unwrap_or(1), DEMO_START);
        let doors = Doors {
            clouds: demo.clouds,
            cis: demo.cis,
        };
        let clock = Clock::scaled(DEMO_START, global.speed.unwrap_or(1.0));
        return Ok((doors, clock));
    }
    let doors = Doors {
        clouds: clouds(setup)?,
        cis: controllers(setup)?,
    };
    Ok((doors, Clock::system()))
}

/// Ties pools to controllers; the demo's pools are tied already.
pub(crate) fn links(setup: &Setup<'_>) -> Vec<Link> {
    if setup.args.global.demo {
        return Vec::new();
    }
    let pools = setup.settings.pools.iter();
    let tied = pools.filter_map(|it| {
        Some(Link {
            pool: it.pattern.clone(),
            ci: CiLink {
                controller: it.controller.clone()?,
                // Empty is the pool's own name.
                label: it.label.clone().unwrap_or_default(),
                executors_per_instance: it.executors_per_instance,
                instance_from: it.instance_from.clone(),
                boot_budget: it.boot_budget,
            },
        })
    });
    tied.collect()
}

/// One door per profile and region. Opening one asks nobody.
#[cfg(feature = "aws")]
fn clouds(setup: &Setup<'_>) -> Result<Vec<SharedCloud>, cli::Error> {
    let settings = &setup.settings;
    let of_default_chain = [ScopeSettings::default()];
    let scopes = if settings.scopes.is_empty() {
        &of_default_chain[..]
    } else {
        &settings.scopes
    };
    let mut clouds: Vec<SharedCloud> = Vec::new();
    for scope in scopes {
        let connection = Connection {
            endpoint: scope.endpoint_url.clone(),
            ..Connection::default()
        };
        let profile = scope.profile.as_deref();
        let regions = if scope.regions.is_empty() {
            vec![aws::default_region(profile, &connection).map_err(wrong_profile)?]
        } else {
            scope.regions.clone()
        };
        for region in regions {
            let described = described(scope, region, setup.args.global.write);
            if clouds.iter().any(|it| it.scope().id == described.id) {
                let what = format!("two scopes are called {}", described.id);
                return Err(cli::Error::usage(what).hint("give one of them another `alias`"));
            }
            let selection = Selection {
                tag: scope.selection.tag.clone(),
                names: scope.selection.names.clone(),
            };
            let opened = Aws::open(described, selection, connection.clone());
            clouds.push(Arc::new(opened.map_err(wrong_profile)?));
        }
    }
    Ok(clouds)
}

#[cfg(feature = "aws")]
fn wrong_profile(error: cloud::Error) -> cli::Error {
    cli::Error::usage(error.what)
}

/// Returns a scope as the configuration describes it; who we are there is proven later.
#[cfg(feature = "aws")]
fn described(scope: &ScopeSettings, region: Region, may_write: bool) -> Scope {
    let named = scope.alias.clone().or_else(|| scope.profile.clone());
    let alias = named.unwrap_or_else(|| "default".to_owned());
    Scope {
        id: format!("{alias}/{region}").into(),
        profile: scope.profile.clone(),
        region,
        alias,
        environment: scope.environment.clone(),
        read_only: scope.read_only && !may_write,
        identity: None,
    }
}

#[cfg(not(feature = "aws"))]
fn clouds(_setup: &Setup<'_>) -> Result<Vec<SharedCloud>, cli::Error> {
    let what = "this build has no door to AWS: it was made without the feature `aws`";
    Err(cli::Error::usage(what).hint("--demo shows a simulated region"))
}

fn controllers(setup: &Setup<'_>) -> Result<Vec<SharedCi>, cli::Error> {
    let controllers = setup.settings.controllers.iter();
    controllers.map(controller).collect()
}

fn controller(settings: &ControllerSettings) -> Result<SharedCi, cli::Error> {
    let name = &settings.name;
    let wrong = |why: String| cli::Error::usage(format!("controller `{name}`: {why}"));
    let token = settings.token.as_ref().map(secret).transpose();
    let token = token
        .map_err(|why| cli::Error::new(Exit::Credentials, format!("controller `{name}`: {why}")))?;
    let mut endpoint = Endpoint::new(name.clone(), settings.url.clone().unwrap_or_default());
    endpoint.user.clone_from(&settings.user);
    endpoint.token = token;
    endpoint.timeout = settings.timeout;
    let opened: Result<SharedCi, ci::Error> = match settings.kind {
        ControllerKind::Jenkins => {
            ci::jenkins::Jenkins::open(endpoint, ci::jenkins::Options::default())
                .map(|it| Arc::new(it) as SharedCi)
        }
        ControllerKind::Buildbot => {
            ci::buildbot::Buildbot::open(endpoint, ci::buildbot::Options::default())
                .map(|it| Arc::new(it) as SharedCi)
        }
        ControllerKind::GitHub | ControllerKind::Buildkite | ControllerKind::Command => {
            let kind = settings.kind.as_str();
            return Err(wrong(format!("this build has no door to {kind}")));
        }
    };
    opened.map_err(|it| wrong(it.what))
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
