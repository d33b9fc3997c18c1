//! Which doors are opened: the simulated region's, or those of AWS and of the CI controllers.

#[cfg(feature = "aws")]
use std::sync::Arc;

#[cfg(feature = "aws")]
use pooldeck::{
    action::{Action, Pools},
    cli::Command,
    cloud::{
        self,
        aws::{self, Aws, Connection, NamePattern, Selection},
    },
    fleet::{Region, Scope},
    settings::ScopeSettings,
};
use pooldeck::{
    cli,
    cloud::SharedCloud,
    engine::{Clock, Doors, Link},
    fleet::{CiLink, Tale, Timestamp},
    sim,
};

use crate::{Setup, controllers};

/// The demo begins at the same instant every time: the same seed, the same story.
const DEMO_START: Timestamp = Timestamp::from_secs(1_772_443_800);

pub(crate) fn open(setup: &Setup<'_>) -> Result<(Doors, Clock, Tale), cli::Error> {
    let global = &setup.args.global;
    if global.demo {
        let demo = sim::demo(global.seed.unwrap_or(1), DEMO_START);
        let doors = Doors {
            clouds: demo.clouds,
            cis: demo.cis,
        };
        let clock = Clock::scaled(DEMO_START, global.speed.unwrap_or(1.0));
        return Ok((doors, clock, demo.past));
    }
    let doors = Doors {
        clouds: clouds(setup)?,
        cis: controllers::open(&setup.settings),
    };
    Ok((doors, Clock::system(), Tale::default()))
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
    let command = setup.args.command.as_ref();
    let mut clouds: Vec<SharedCloud> = Vec::new();
    for scope in scopes {
        let connection = Connection {
            endpoint: scope.endpoint_url.clone(),
            ..Connection::default()
        };
        let profile = scope.profile.as_ref().map(|it| it.name.as_str());
        let wrong_profile = |error: cloud::Error| {
            let place = scope.profile.as_ref().map(|it| format!("{}: ", it.place));
            cli::Error::usage(format!("{}{}", place.unwrap_or_default(), error.what))
        };
        let regions = if scope.regions.is_empty() {
            let region = aws::default_region(profile, &connection).map_err(wrong_profile)?;
            vec![(region, None)]
        } else {
            let named = scope.regions.iter();
            named
                .map(|it| (it.name.as_str().into(), Some(it.place.clone())))
                .collect()
        };
        for (region, region_place) in regions {
            let described = described(scope, region, setup.args.global.write);
            let connection = Connection {
                region_place,
                ..connection.clone()
            };
            if clouds.iter().any(|it| it.scope().id == described.id) {
                let what = format!("two scopes are called {}", described.id);
                return Err(cli::Error::usage(what).hint("give one of them another `alias`"));
            }
            let names = scope.selection.names.iter();
            let selection = Selection {
                tag: scope.selection.tag.clone(),
                names: names
                    .map(|it| NamePattern {
                        pattern: it.name.clone(),
                        place: it.place.clone(),
                    })
                    .collect(),
                skips_activities: lists_what_is(command),
                skips_machines: settings.controllers.is_empty() && lists_groups(command),
                details_of: details_of(command),
            };
            let opened = Aws::open(described, selection, connection);
            clouds.push(Arc::new(opened.map_err(wrong_profile)?));
        }
    }
    Ok(clouds)
}

/// Whether the command lists only what is there now, and not how it came to be.
#[cfg(feature = "aws")]
fn lists_what_is(command: Option<&Command>) -> bool {
    matches!(
        command,
        Some(
            Command::Instances { .. }
                | Command::Executors { .. }
                | Command::Jobs { .. }
                | Command::Queue { .. }
                | Command::Scopes { .. }
                | Command::Strays { .. }
        )
    )
}

/// The pools whose hooks and refresh decide what the command answers.
#[cfg(feature = "aws")]
fn details_of(command: Option<&Command>) -> Vec<String> {
    match command {
        Some(Command::Act(
            Action::Harden { pool, .. } | Action::Refresh { pool, .. } | Action::Scale { pool, .. },
        )) => pool.pool.iter().map(ToString::to_string).collect(),
        Some(Command::Act(Action::Drain { drained, .. })) => {
            drained.pool.iter().map(ToString::to_string).collect()
        }
        // Where it names an instance, no group is called so.
        Some(Command::Explain { explain }) => vec![explain.instance.clone()],
        Some(Command::Act(Action::Reami(it))) => names_of(it.pools.as_ref()),
        Some(Command::Act(Action::Rollback(it))) => names_of(it.pools.as_ref()),
        Some(Command::Doctor { pools, .. }) if pools.pools.is_empty() => vec!["*".to_owned()],
        Some(Command::Doctor { pools, .. }) => {
            let names = pools.pools.iter();
            // Named with its scope, the name comes last.
            names
                .map(|it| it.rsplit('/').next().unwrap_or(it).to_owned())
                .collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(feature = "aws")]
fn names_of(pools: Option<&Pools>) -> Vec<String> {
    let names = pools.iter().flat_map(|it| &it.0);
    names.map(ToString::to_string).collect()
}

/// Whether the command lists pools, and nothing of them that only EC2 knows.
///
/// Without a controller no agent is joined by the address of its machine either.
#[cfg(feature = "aws")]
fn lists_groups(command: Option<&Command>) -> bool {
    let Some(Command::Pools { read, .. }) = command else {
        return false;
    };
    let names = read.columns.iter().chain(&read.sort).chain(&read.filter);
    let asks_for_money = |it: &String| it.contains("usd") || it.contains("price");
    !names.into_iter().any(asks_for_money)
}

/// Returns a scope as the configuration describes it; who we are there is proven later.
#[cfg(feature = "aws")]
fn described(scope: &ScopeSettings, region: Region, may_write: bool) -> Scope {
    let profile = scope.profile.as_ref().map(|it| it.name.clone());
    let named = scope.alias.clone().or_else(|| profile.clone());
    let alias = named.unwrap_or_else(|| "default".to_owned());
    Scope {
        id: format!("{alias}/{region}").into(),
        profile,
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
