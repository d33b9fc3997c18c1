//! A machine image, looked up before anything is launched from it.

use super::{errors::explain, open::Clients, words::text};
use crate::{
    cloud::Error,
    fleet::{FailureKind, Image, ImageId},
};

pub(super) async fn read(clients: &Clients, image: &ImageId) -> Result<Option<Image>, Error> {
    let request = clients.ec2.describe_images().image_ids(image.as_str());
    let what = format!("look image {image} up");
    // EC2 leaves images out that are disabled or deprecated; whoever names one wants to know.
    let request = request.include_disabled(true).include_deprecated(true);
    match request.send().await {
        Ok(answer) => Ok(answer.images().first().map(|it| Image {
            id: image.clone(),
            name: text(it.name()),
            state: it.state().map_or("unknown", |it| it.as_str()).to_owned(),
            architecture: it.architecture().map(|it| it.as_str().to_owned()),
        })),
        Err(error) => match explain(&what, &error) {
            it if it.kind == FailureKind::NotFound => Ok(None),
            // An id that cannot be one.
            it if it.what.contains("InvalidAMIID") => Ok(None),
            it => Err(it),
        },
    }
}
