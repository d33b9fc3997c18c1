//! Names that are not interchangeable: an instance id is never a bare string.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares a newtype over a shared string, cheap to clone and to compare.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(text.into()))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    )*};
}

id! {
    /// The name of an Auto Scaling group, or the value of the pool tag.
    PoolName,
    /// An EC2 instance id, `i-…`.
    InstanceId,
    /// An AMI id, `ami-…`.
    ImageId,
    /// One AWS account and region as one profile sees it, written `alias/region`.
    ScopeId,
    /// The name that the configuration gives to a CI controller.
    ControllerName,
    /// An AWS region, `us-east-1`.
    Region,
}

impl InstanceId {
    /// Returns whether `text` looks like an EC2 instance id: `i-` and 8 to 17 hex digits.
    pub fn is_well_formed(text: &str) -> bool {
        text.strip_prefix("i-").is_some_and(|hex| {
            (8..=17).contains(&hex.len())
                && hex
                    .bytes()
                    .all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
        })
    }
}

/// A pool is known by its scope and its name: two regions may use the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PoolKey {
    pub scope: ScopeId,
    pub name: PoolName,
}

impl PoolKey {
    pub fn new(scope: impl Into<ScopeId>, name: impl Into<PoolName>) -> Self {
        Self {
            scope: scope.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.name)
    }
}
