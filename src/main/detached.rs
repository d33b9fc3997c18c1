//! A process without a terminal: how it is started, and how it lets go of ours.

use std::{env, ffi::OsString, path::Path};

use pooldeck::engine::{Detach, Program};

use crate::Setup;

/// Leaves the session of whoever started us: no terminal can hang us up any more.
pub(crate) fn take_session() {
    // It fails for the leader of a group of processes, which has no terminal to lose
    // if it was started as we start it.
    let _ = rustix::process::setsid();
}

/// Returns how this program is started again, with the same configuration.
pub(crate) fn program(setup: &Setup<'_>) -> Detach {
    let global = &setup.args.global;
    if global.demo {
        return Detach::Simulated;
    }
    match env::current_exe() {
        Ok(path) => Detach::With(Program {
            path,
            arguments: arguments(setup),
        }),
        Err(_) => Detach::Not("this program does not find itself on the disk"),
    }
}

/// What decides which doors are opened; everything else is inherited, or of no matter without a terminal.
fn arguments(setup: &Setup<'_>) -> Vec<OsString> {
    let global = &setup.args.global;
    let mut arguments: Vec<OsString> = Vec::new();
    let mut path = |flag: &str, path: &Path| {
        arguments.extend([flag.into(), path.into()]);
    };
    if let Some(file) = &global.config {
        path("--config", file);
    }
    if let Some(directory) = &setup.state_dir {
        path("--state-dir", directory);
    }
    let mut text = |flag: &str, text: &str| arguments.push(format!("{flag}={text}").into());
    for profile in &global.profiles {
        text("--profile", profile);
    }
    for region in &global.regions {
        text("--region", region);
    }
    if let Some(refresh) = global.refresh {
        text("--refresh", &format!("{}s", refresh.as_secs().max(1)));
    }
    for (flag, is_set) in [("--read-only", global.read_only), ("--write", global.write)] {
        if is_set {
            arguments.push(flag.into());
        }
    }
    arguments.push("--no-color".into());
    arguments
}
