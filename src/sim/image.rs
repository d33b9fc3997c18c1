//! Images, and what is wrong with some of them.

use super::world::World;
use crate::fleet::{Image, ImageId, InstanceId};

/// What machines of an image do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageTrait {
    #[default]
    Good,
    /// They boot, and their agent never registers.
    NeverRegisters,
    /// They register, and every job fails.
    FailsJobs,
    /// It was deregistered: nothing launches from it.
    Gone,
}

impl World {
    /// Changes what machines of an image do from their next launch or job on.
    pub fn set_image(&mut self, image: ImageId, is: ImageTrait) {
        self.images.insert(image, is);
    }

    /// Returns what is the matter with the image of a machine.
    pub(super) fn image_of(&self, id: &InstanceId) -> ImageTrait {
        let image = self.machines.get(id).and_then(|it| it.row.image.as_ref());
        image
            .and_then(|it| self.images.get(it))
            .copied()
            .unwrap_or_default()
    }

    /// Looks an image up as EC2 would: there are those that are gone, and all others exist.
    pub(super) fn look_up(&self, id: &ImageId) -> Option<Image> {
        let is = self.images.get(id).copied().unwrap_or_default();
        (is != ImageTrait::Gone).then(|| Image {
            id: id.clone(),
            name: None,
            state: "available".to_owned(),
            architecture: Some("x86_64".to_owned()),
        })
    }
}
