//! What `info` tells of this process.

use std::path::Path;

use pooldeck::{
    cli::{self, ControllerFacts, Facts, ScopeFacts},
    settings::{self, SecretSource},
    tui::{Context, Keymap},
};

use crate::{LOG_FILE, Setup, console, surroundings::variable};

/// The variables that change what pooldeck does; those that hold secrets are not among them.
const VARIABLES: [&str; 9] = [
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "NO_COLOR",
    "TERM",
    "COLORTERM",
    "POOLDECK_LOG",
];

pub(crate) fn of(setup: &Setup<'_>) -> Result<Facts, cli::Error> {
    let (settings, global) = (&setup.settings, &setup.args.global);
    let scopes = settings.scopes.iter().map(|it| ScopeFacts {
        profile: it.profile.as_ref().map(|it| it.name.clone()),
        regions: it.regions.iter().map(|it| it.name.clone()).collect(),
        alias: it.alias.clone(),
        environment: it.environment.clone(),
        read_only: it.read_only && !global.write,
        endpoint_url: it.endpoint_url.clone(),
    });
    let controllers = settings.controllers.iter().map(|it| ControllerFacts {
        name: it.name.to_string(),
        kind: it.kind.as_str().to_owned(),
        url: it.url.clone(),
        token_from: it.token.as_ref().map(|it| match it {
            SecretSource::Env(name) => format!("the variable {name}"),
            // The command line itself may hold what it should fetch.
            SecretSource::Command(_) => "a command".to_owned(),
            SecretSource::File(path) => format!("the file {}", path.display()),
        }),
    });
    let state_dir = setup.state_dir.as_deref();
    let set = |name: &str| variable(name).map(|it| (name.to_owned(), it));
    Ok(Facts {
        version: env!("CARGO_PKG_VERSION"),
        features: if cfg!(feature = "aws") {
            vec!["aws"]
        } else {
            Vec::new()
        },
        demo: global.demo,
        config_file: settings.file.clone(),
        config_directory: setup.directories.config.clone(),
        state_directory: state_dir.map(Path::to_owned),
        audit_log: state_dir.map(|it| it.join("audit.jsonl")),
        log_file: state_dir.map(|it| it.join(LOG_FILE)),
        theme: settings.theme.name.clone(),
        keymap: settings.keymap.name.clone(),
        refresh_seconds: settings.refresh.as_secs(),
        read_only: global.read_only,
        scopes: scopes.collect(),
        controllers: controllers.collect(),
        guardrails: settings.guardrails.len(),
        environment: VARIABLES.iter().filter_map(|it| set(it)).collect(),
        config_example: settings::example(),
        command_format: pooldeck::ci::command::FORMAT,
        keys: keys(&console::keymap(setup)?),
    })
}

/// Lists the bindings of each context, as a keymap file writes them.
fn keys(keymap: &Keymap) -> Vec<(String, Vec<(String, String)>)> {
    let contexts = Context::ALL.iter().map(|context| {
        let bindings = keymap.bindings(*context).into_iter();
        let bindings = bindings.map(|it| (it.keys.to_string(), it.line.clone()));
        (context.as_str().to_owned(), bindings.collect())
    });
    contexts.collect()
}
