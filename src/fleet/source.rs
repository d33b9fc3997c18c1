//! What a group launches its instances from.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Instance, Template, TemplateKind, TemplateVersion};

/// One version of a launch template, or a launch configuration; neither ever changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchSource {
    Template(TemplateVersion),
    Configuration(String),
}

impl LaunchSource {
    /// Returns whether an instance was made from it.
    pub fn is_of(&self, instance: &Instance) -> bool {
        let name = instance.template_name.as_deref();
        match self {
            Self::Template(it) => {
                let is_named =
                    name == Some(&*it.name) || name.is_some() && name == it.id.as_deref();
                is_named && instance.template_version.as_deref() == Some(&*it.version)
            }
            Self::Configuration(it) => name == Some(it) && instance.template_version.is_none(),
        }
    }

    /// Returns whether a group with this template launches from it now.
    pub fn is_in_use(&self, template: &Template) -> bool {
        template
            .source()
            .as_ref()
            .is_some_and(|it| it.is_same(self))
    }

    /// Returns whether both name the same, however they name the template.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Template(a), Self::Template(b)) => {
                let has_same_id = a.id.is_some() && a.id == b.id;
                (has_same_id || a.name == b.name) && a.version == b.version
            }
            (Self::Configuration(a), Self::Configuration(b)) => a == b,
            _ => false,
        }
    }

    /// Returns another version of the same template, or the launch configuration of that name.
    #[must_use]
    pub fn at(&self, version: &str) -> Self {
        match self {
            Self::Template(it) => Self::Template(TemplateVersion {
                version: version.to_owned(),
                ..it.clone()
            }),
            Self::Configuration(_) => Self::Configuration(version.to_owned()),
        }
    }

    /// Returns what tells it from its neighbours: the version, or the name of a configuration.
    pub fn version(&self) -> &str {
        match self {
            Self::Template(it) => &it.version,
            Self::Configuration(it) => it,
        }
    }
}

impl fmt::Display for LaunchSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(it) => write!(f, "{it}"),
            Self::Configuration(it) => write!(f, "{it}"),
        }
    }
}

impl Template {
    /// Returns what new instances are made from now; `None` when `$Latest` was not resolved.
    pub fn source(&self) -> Option<LaunchSource> {
        match self.kind {
            TemplateKind::LaunchConfiguration => {
                Some(LaunchSource::Configuration(self.name.clone()))
            }
            TemplateKind::LaunchTemplate => {
                let is_word = self.version.starts_with('$');
                let fixed = Some(&self.version).filter(|_| !is_word);
                let version = self.resolved_version.as_ref().or(fixed)?;
                Some(LaunchSource::Template(TemplateVersion {
                    id: self.id.clone(),
                    name: self.name.clone(),
                    version: version.clone(),
                }))
            }
        }
    }
}
