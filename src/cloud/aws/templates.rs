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
    pages::{Page, walk},
    walks::Schedule,
    words::text,
};
use crate::{
    cloud::Error,
    fleet::{FailureKind, ImageId, Template, TemplateKind, Timestamp},
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
    /// Set when it can change and must be read again.
    until: Option<Timestamp>,
}

impl Templates {
    /// Returns what a blueprint means, as far as it was resolved.
    pub(super) fn describe(&self, blueprint: &Blueprint) -> Template {
        match blueprint {
            Blueprint::Configuration(name) => {
                let resolved = self.configurations.get(name).cloned().unwrap_or_default();
                Template {
                    kind: TemplateKind::LaunchConfiguration,
                    id: None,
                    name: name.clone(),
                    version: String::new(),
                    resolved_version: None,
                    image: resolved.image,
                    instance_type: resolved.instance_type,
                }
            }
            Blueprint::Template { id, name, version } => {
                let number = self.number(name, version);
                let key = number.clone().map(|it| (name.clone(), it));
                let resolved = key.and_then(|it| self.versions.get(&it).cloned());
                let resolved = resolved.unwrap_or_default();
                Template {
                    kind: TemplateKind::LaunchTemplate,
                    id: id.clone(),
                    name: name.clone(),
                    version: version.clone(),
                    resolved_version: number,
                    image: resolved.image,
                    instance_type: resolved.instance_type,
                }
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
        const WHAT: &str = "read the launch configurations";
        let walk = walk(WHAT, |token| async {
            let request = clients
                .scaling
                .describe_launch_configurations()
                .set_launch_configuration_names(Some(names.to_vec()))
                .set_next_token(token);
            let answer = request.send().await.map_err(|error| refuse(WHAT, &error))?;
            Ok(Page {
                rows: answer.launch_configurations.unwrap_or_default(),
                next: answer.next_token,
            })
        })
        .await;
        if walk.failure.is_none() {
            let gone = names.iter().map(|it| (it.clone(), Resolved::default()));
            self.configurations.extend(gone);
        }
        for configuration in walk.rows {
            let resolved = Resolved {
                image: text(configuration.image_id()).map(ImageId::from),
                instance_type: text(configuration.instance_type()),
                until: None,
            };
            if let Some(name) = configuration.launch_configuration_name {
                self.configurations.insert(name, resolved);
            }
        }
        walk.failure
    }
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
    let mut resolved = match ask_version(clients, id.as_deref(), &name, &version, false).await {
        Ok(it) => it,
        // Deleted behind its group's back: that is an answer, and soon enough asked again.
        Err(error) if error.kind == FailureKind::NotFound => Resolved {
            until: Some(now + PARAMETER_MAX_AGE),
            ..Resolved::default()
        },
        Err(error) => return Err(error),
    };
    let is_parameter = |it: &ImageId| it.as_str().starts_with("resolve:");
    if resolved.image.as_ref().is_some_and(is_parameter) {
        // Who may not read the parameter sees no image, rather than no template.
        let named = ask_version(clients, id.as_deref(), &name, &version, true).await;
        resolved.image = named
            .ok()
            .and_then(|it| it.image)
            .filter(|it| !is_parameter(it));
        resolved.until = Some(now + PARAMETER_MAX_AGE);
    }
    Ok(((name, version), resolved))
}

async fn ask_version(
    clients: &Clients,
    id: Option<&str>,
    name: &str,
    version: &str,
    resolves_parameter: bool,
) -> Result<Resolved, Error> {
    let request = clients.ec2.describe_launch_template_versions();
    let request = match id {
        Some(id) => request.launch_template_id(id),
        None => request.launch_template_name(name),
    };
    let request = request
        .versions(version)
        .set_resolve_alias(resolves_parameter.then_some(true));
    let what = format!("read version {version} of launch template {name}");
    let answer = request
        .send()
        .await
        .map_err(|error| explain(&what, &error))?;
    let found = answer.launch_template_versions().first();
    let data = found.and_then(|it| it.launch_template_data());
    Ok(Resolved {
        image: data.and_then(|it| text(it.image_id())).map(ImageId::from),
        instance_type: data
            .and_then(|it| it.instance_type())
            .map(|it| it.as_str().to_owned()),
        until: None,
    })
}
