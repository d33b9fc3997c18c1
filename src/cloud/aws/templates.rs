//! What a group makes instances from: which image and type its template means now.
//!
//! A version of a template and a launch configuration never change, so each is
//! read once; what `$Latest` and `$Default` mean is read again every minute.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use aws_sdk_ec2::types::Filter;
use futures_util::{StreamExt, stream};

use super::{
    errors::{explain, refuse},
    open::Clients,
    pages::{Page, Walk, walk},
    walks::Schedule,
    words::text,
};
use crate::{
    cloud::Error,
    fleet::{FailureKind, ImageId, LaunchSource, Template, TemplateKind, Timestamp},
};

/// An image that a parameter of Systems Manager names can change behind a fixed version.
const PARAMETER_MAX_AGE: Duration = Duration::from_mins(5);
const N_PARALLEL: usize = 8;
/// EC2 takes this many values in one filter, Auto Scaling this many names.
const N_TEMPLATES_PER_CALL: usize = 200;
const N_CONFIGURATIONS_PER_CALL: usize = 50;

/// What a group says it makes instances from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Blueprint {
    Template {
        id: Option<String>,
        name: String,
        /// A number, `$Latest` or `$Default`.
        version: String,
    },
    Configuration(String),
}

impl Blueprint {
    fn of(source: &LaunchSource) -> Self {
        match source {
            LaunchSource::Configuration(name) => Self::Configuration(name.clone()),
            LaunchSource::Template(it) => Self::Template {
                id: it.id.clone(),
                name: it.name.clone(),
                version: it.version.clone(),
            },
        }
    }

    fn describe(&self, number: Option<String>, resolved: Resolved) -> Template {
        let (kind, id, name, version) = match self {
            Self::Configuration(name) => (
                TemplateKind::LaunchConfiguration,
                &None,
                name,
                String::new(),
            ),
            Self::Template { id, name, version } => {
                (TemplateKind::LaunchTemplate, id, name, version.clone())
            }
        };
        Template {
            kind,
            id: id.clone(),
            name: name.clone(),
            version,
            resolved_version: number,
            image: resolved.image,
            instance_type: resolved.instance_type,
        }
    }
}

/// What was resolved so far.
#[derive(Debug, Default)]
pub(super) struct Templates {
    /// By template name.
    pointers: HashMap<String, Pointers>,
    /// By template name and version number.
    versions: HashMap<(String, String), Resolved>,
    /// By name.
    configurations: HashMap<String, Resolved>,
}

#[derive(Debug)]
struct Pointers {
    latest: Option<String>,
    default: Option<String>,
    read_at: Timestamp,
    /// Whether we changed what they mean since they were read.
    is_stale: bool,
}

#[derive(Clone, Debug, Default)]
struct Resolved {
    image: Option<ImageId>,
    instance_type: Option<String>,
    /// Whether a parameter of Systems Manager names the image.
    is_by_parameter: bool,
    /// Set when it can change and must be read again.
    until: Option<Timestamp>,
}

impl Templates {
    /// Returns what a blueprint means, as far as it was resolved.
    pub(super) fn describe(&self, blueprint: &Blueprint) -> Template {
        match blueprint {
            Blueprint::Configuration(name) => {
                let resolved = self.configurations.get(name).cloned();
                blueprint.describe(None, resolved.unwrap_or_default())
            }
            Blueprint::Template { name, version, .. } => {
                let number = self.number(name, version);
                let key = number.clone().map(|it| (name.clone(), it));
                let resolved = key.and_then(|it| self.versions.get(&it).cloned());
                blueprint.describe(number, resolved.unwrap_or_default())
            }
        }
    }

    /// Returns the number that a version means now.
    fn number(&self, name: &str, version: &str) -> Option<String> {
        match version {
            "$Latest" => self.pointers.get(name)?.latest.clone(),
            "$Default" => self.pointers.get(name)?.default.clone(),
            number => Some(number.to_owned()),
        }
    }

    /// Has what `$Latest` means read again at once: a version was added to the template.
    pub(super) fn doubt_pointers(&mut self, name: &str) {
        if let Some(pointers) = self.pointers.get_mut(name) {
            pointers.is_stale = true;
        }
    }

    /// Returns when the oldest pointer in use was read; `None` when none is in use and known.
    pub(super) fn pointers_schedule(&self, in_use: &[Blueprint]) -> Option<Schedule> {
        let names = names_of_pointers(in_use);
        let read_at = names
            .iter()
            .filter_map(|it| self.pointers.get(it))
            .map(|it| it.read_at)
            .min()?;
        let mut schedule = Schedule::default();
        schedule.done(names.len().div_ceil(N_TEMPLATES_PER_CALL), read_at);
        Some(schedule)
    }

    /// Reads what is not known yet of the blueprints in use, and the old pointers when asked to.
    pub(super) async fn resolve(
        &mut self,
        clients: &Clients,
        in_use: &[Blueprint],
        reads_pointers: bool,
        now: Timestamp,
    ) -> Vec<Error> {
        let mut errors = Vec::new();
        let names = names_of_pointers(in_use);
        let is_wanted =
            |name: &String| reads_pointers || self.pointers.get(name).is_none_or(|it| it.is_stale);
        let wanted: Vec<String> = names.into_iter().filter(is_wanted).collect();
        for names in wanted.chunks(N_TEMPLATES_PER_CALL) {
            errors.extend(self.read_pointers(clients, names, now).await);
        }
        let (versions, configurations) = self.unknown(in_use, now);
        let mut answers = stream::iter(versions)
            .map(|(id, name, version)| read_version(clients, id, name, version, now))
            .buffer_unordered(N_PARALLEL);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok((key, resolved)) => drop(self.versions.insert(key, resolved)),
                Err(error) => errors.push(error),
            }
        }
        drop(answers);
        for names in configurations.chunks(N_CONFIGURATIONS_PER_CALL) {
            errors.extend(self.read_configurations(clients, names).await);
        }
        errors
    }

    /// Returns the versions (with their template's id) and configurations that must be read.
    #[expect(
        clippy::type_complexity,
        reason = "two lists that are consumed at once"
    )]
    fn unknown(
        &self,
        in_use: &[Blueprint],
        now: Timestamp,
    ) -> (BTreeSet<(Option<String>, String, String)>, Vec<String>) {
        let (mut versions, mut configurations) = (BTreeSet::new(), BTreeSet::new());
        let is_known =
            |it: Option<&Resolved>| it.is_some_and(|it| it.until.is_none_or(|until| now < until));
        for blueprint in in_use {
            match blueprint {
                Blueprint::Configuration(name) => {
                    if !is_known(self.configurations.get(name)) {
                        configurations.insert(name.clone());
                    }
                }
                Blueprint::Template { id, name, version } => {
                    let Some(number) = self.number(name, version) else {
                        continue;
                    };
                    let key = (name.clone(), number);
                    if !is_known(self.versions.get(&key)) {
                        versions.insert((id.clone(), key.0, key.1));
                    }
                }
            }
        }
        (versions, configurations.into_iter().collect())
    }

    /// Reads by filter: a template that was deleted must not fail the others.
    async fn read_pointers(
        &mut self,
        clients: &Clients,
        names: &[String],
        now: Timestamp,
    ) -> Option<Error> {
        const WHAT: &str = "read the launch templates";
        let filter = Filter::builder()
            .name("launch-template-name")
            .set_values(Some(names.to_vec()))
            .build();
        let walk = walk(WHAT, |token| async {
            let request = clients.ec2.describe_launch_templates().max_results(200);
            let request = request.filters(filter.clone()).set_next_token(token);
            let answer = request.send().await.map_err(|error| refuse(WHAT, &error))?;
            Ok(Page {
                rows: answer.launch_templates.unwrap_or_default(),
                next: answer.next_token,
            })
        })
        .await;
        if walk.failure.is_none() {
            // A template that is gone points nowhere, and is not asked for at every reading.
            for name in names {
                let nowhere = Pointers {
                    latest: None,
                    default: None,
                    read_at: now,
                    is_stale: false,
                };
                self.pointers.insert(name.clone(), nowhere);
            }
        }
        for template in walk.rows {
            let pointers = Pointers {
                latest: template.latest_version_number().map(|it| it.to_string()),
                default: template.default_version_number().map(|it| it.to_string()),
                read_at: now,
                is_stale: false,
            };
            if let Some(name) = template.launch_template_name {
                self.pointers.insert(name, pointers);
            }
        }
        walk.failure
    }

    async fn read_configurations(&mut self, clients: &Clients, names: &[String]) -> Option<Error> {
        let walk = ask_configurations(clients, names).await;
        if walk.failure.is_none() {
            let gone = names.iter().map(|it| (it.clone(), Resolved::default()));
            self.configurations.extend(gone);
        }
        self.configurations.extend(walk.rows);
        walk.failure
    }
}

async fn ask_configurations(clients: &Clients, names: &[String]) -> Walk<(String, Resolved)> {
    const WHAT: &str = "read the launch configurations";
    walk(WHAT, |token| async {
        let request = clients
            .scaling
            .describe_launch_configurations()
            .set_launch_configuration_names(Some(names.to_vec()))
            .set_next_token(token);
        let answer = request.send().await.map_err(|error| refuse(WHAT, &error))?;
        let rows = answer.launch_configurations.unwrap_or_default();
        let rows = rows.into_iter().filter_map(|it| {
            let resolved = Resolved {
                image: text(it.image_id()).map(ImageId::from),
                instance_type: text(it.instance_type()),
                ..Resolved::default()
            };
            Some((it.launch_configuration_name?, resolved))
        });
        Ok(Page {
            rows: rows.collect(),
            next: answer.next_token,
        })
    })
    .await
}

fn names_of_pointers(in_use: &[Blueprint]) -> BTreeSet<String> {
    in_use
        .iter()
        .filter_map(|it| match it {
            Blueprint::Template { name, version, .. } if version.starts_with('$') => {
                Some(name.clone())
            }
            _ => None,
        })
        .collect()
}

async fn read_version(
    clients: &Clients,
    id: Option<String>,
    name: String,
    version: String,
    now: Timestamp,
) -> Result<((String, String), Resolved), Error> {
    let found = find_version(clients, id.as_deref(), &name, &version).await?;
    // Deleted behind its group's back: that is an answer, and soon enough asked again.
    let is_gone = found.is_none();
    let mut resolved = found.unwrap_or_default();
    if is_gone || resolved.is_by_parameter {
        resolved.until = Some(now + PARAMETER_MAX_AGE);
    }
    Ok(((name, version), resolved))
}

/// Looks up what a version or a configuration launches, whether a group uses it or not; `None`
/// for one that does not exist.
pub(super) async fn look_up(
    clients: &Clients,
    source: &LaunchSource,
) -> Result<Option<Template>, Error> {
    let found = match source {
        LaunchSource::Template(it) => {
            find_version(clients, it.id.as_deref(), &it.name, &it.version).await?
        }
        LaunchSource::Configuration(name) => {
            let walk = ask_configurations(clients, std::slice::from_ref(name)).await;
            match walk.failure {
                Some(failure) => return Err(failure),
                None => walk.rows.into_iter().next().map(|it| it.1),
            }
        }
    };
    let number = match source {
        LaunchSource::Template(it) => Some(it.version.clone()),
        LaunchSource::Configuration(_) => None,
    };
    Ok(found.map(|it| Blueprint::of(source).describe(number, it)))
}

/// Reads what a version launches, by the image that a parameter names where one does.
async fn find_version(
    clients: &Clients,
    id: Option<&str>,
    name: &str,
    version: &str,
) -> Result<Option<Resolved>, Error> {
    let Some(mut resolved) = ask_version(clients, id, name, version, false).await? else {
        return Ok(None);
    };
    let is_parameter = |it: &ImageId| it.as_str().starts_with("resolve:");
    if resolved.image.as_ref().is_some_and(is_parameter) {
        // Who may not read the parameter sees no image, rather than no template.
        let named = ask_version(clients, id, name, version, true).await;
        let image = named.ok().flatten().and_then(|it| it.image);
        resolved.image = image.filter(|it| !is_parameter(it));
        resolved.is_by_parameter = true;
    }
    Ok(Some(resolved))
}

async fn ask_version(
    clients: &Clients,
    id: Option<&str>,
    name: &str,
    version: &str,
    resolves_parameter: bool,
) -> Result<Option<Resolved>, Error> {
    let request = clients.ec2.describe_launch_template_versions();
    let request = match id {
        Some(id) => request.launch_template_id(id),
        None => request.launch_template_name(name),
    };
    let request = request
        .versions(version)
        .set_resolve_alias(resolves_parameter.then_some(true));
    let what = format!("read version {version} of launch template {name}");
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => match explain(&what, &error) {
            it if it.kind == FailureKind::NotFound => return Ok(None),
            it => return Err(it),
        },
    };
    let found = answer.launch_template_versions().first();
    Ok(found.map(|it| {
        let launches = it.launch_template_data();
        Resolved {
            image: launches
                .and_then(|it| text(it.image_id()))
                .map(ImageId::from),
            instance_type: launches
                .and_then(|it| it.instance_type())
                .map(|it| it.as_str().to_owned()),
            ..Resolved::default()
        }
    }))
}
