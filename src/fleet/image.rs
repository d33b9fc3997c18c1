//! A machine image, as it was looked up.

use serde::{Deserialize, Serialize};

use super::ImageId;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub id: ImageId,
    pub name: Option<String>,
    /// EC2's word: only what is `available` can be launched from.
    pub state: String,
    /// `x86_64` or `arm64`, mostly.
    pub architecture: Option<String>,
}

impl Image {
    pub fn is_available(&self) -> bool {
        self.state == "available"
    }
}

/// What came of looking something up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    Found(T),
    /// AWS does not know it here, or does not show it to us.
    Missing,
    /// It could not be asked, and this is why.
    Failed(String),
}
