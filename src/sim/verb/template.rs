//! Another version of a launch template.

use crate::{
    fleet::{ImageId, PoolKey},
    sim::{refusal::Verdict, world::World},
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
}
