//! Other versions of a launch template, and which of them a group launches from.

use crate::{
    fleet::{Call, ImageId, LaunchSource, PoolKey, ScopeId, Template, TemplateVersion},
    sim::{
        refusal::{Refused, Verdict},
        world::World,
    },
};

impl World {
    /// Makes another version of the group's launch template; `$Latest` means it from now on.
    pub(in crate::sim) fn publish_version(&mut self, pool: &PoolKey, image: &ImageId) -> Verdict {
        self.capacity_of(pool)?;
        let Some(group) = self.groups.get_mut(pool) else {
            return Ok(());
        };
        group.spec.images.push(image.clone());
        let n_versions = group.spec.images.len();
        self.edit_group(pool, |it| {
            // A group that names its version stays with it.
            if let Some(template) = it.template.as_mut().filter(|it| it.version == "$Latest") {
                template.resolved_version = Some(n_versions.to_string());
                template.image = Some(image.clone());
            }
        });
        Ok(())
    }

    /// `CreateLaunchTemplateVersion`; a token that was seen before makes nothing new.
    pub(in crate::sim) fn create_version(
        &mut self,
        pool: &PoolKey,
        from: &TemplateVersion,
        image: Option<&ImageId>,
        token: &str,
    ) -> Verdict {
        self.capacity_of(pool)?;
        self.check_template(pool, from)?;
        let group = &self.groups[pool];
        if group.versions_by_token.contains_key(token) {
            return Ok(());
        }
        let source = group.image_of_version(&from.version);
        let Some(image) = image.cloned().or(source) else {
            return Err(no_such_version(from));
        };
        self.publish_version(pool, &image)?;
        if let Some(group) = self.groups.get_mut(pool) {
            let version = group.spec.images.len().to_string();
            group.versions_by_token.insert(token.to_owned(), version);
        }
        Ok(())
    }

    /// The groups of this world have launch templates, so there is nothing to copy.
    pub(in crate::sim) fn copy_configuration(&mut self, pool: &PoolKey, from: &str) -> Verdict {
        self.capacity_of(pool)?;
        Err(Refused::validation(format!(
            "Launch configuration name not found - Launch configuration {from} not found"
        )))
    }

    /// `UpdateAutoScalingGroup` with another launch template: launches from now on use it.
    pub(in crate::sim) fn launch_from(&mut self, pool: &PoolKey, source: &LaunchSource) -> Verdict {
        self.capacity_of(pool)?;
        let LaunchSource::Template(wanted) = source else {
            return Err(Refused::validation(format!(
                "Launch configuration name not found - Launch configuration {source} not found"
            )));
        };
        self.check_template(pool, wanted)?;
        let group = &self.groups[pool];
        let resolved = match wanted.version.as_str() {
            "$Latest" => group.spec.images.len().to_string(),
            number => number.to_owned(),
        };
        let Some(image) = group.image_of_version(&resolved) else {
            return Err(no_such_version(wanted));
        };
        let version = wanted.version.clone();
        self.edit_group(pool, |it| {
            if let Some(template) = &mut it.template {
                template.version = version;
                template.resolved_version = Some(resolved);
                template.image = Some(image);
            }
        });
        Ok(())
    }

    /// Looks up what a version launches, as EC2 would.
    pub(in crate::sim) fn find_version(
        &self,
        scope: &ScopeId,
        source: &LaunchSource,
    ) -> Option<Template> {
        let LaunchSource::Template(wanted) = source else {
            return None;
        };
        let mut groups = self.groups.values().filter(|it| it.row.scope == *scope);
        groups.find_map(|group| {
            let template = group.row.template.as_ref();
            let template = template.filter(|it| it.name == wanted.name)?;
            Some(Template {
                version: wanted.version.clone(),
                resolved_version: Some(wanted.version.clone()),
                image: Some(group.image_of_version(&wanted.version)?),
                ..template.clone()
            })
        })
    }

    fn check_template(&self, pool: &PoolKey, wanted: &TemplateVersion) -> Verdict {
        let template = self.groups[pool].row.template.as_ref();
        if template.is_some_and(|it| it.name == wanted.name) {
            return Ok(());
        }
        Err(Refused::validation(format!(
            "You must use a valid fully-formed launch template. The specified launch template, with template name {}, \
             does not exist.",
            wanted.name
        )))
    }

    /// Returns what a call that was carried out has made, as its answer tells.
    pub(in crate::sim) fn made_by(&self, call: &Call) -> Option<String> {
        match call {
            Call::CreateTemplateVersion { pool, token, .. } => {
                self.groups.get(pool)?.versions_by_token.get(token).cloned()
            }
            Call::StartRefresh { pool, .. } => {
                let refresh = self.groups.get(pool)?.row.refresh.as_ref();
                refresh.map(|it| it.id.clone())
            }
            _ => None,
        }
    }
}

fn no_such_version(wanted: &TemplateVersion) -> Refused {
    Refused::validation(format!(
        "Could not find launch template version {} for launch template {}.",
        wanted.version, wanted.name
    ))
}
