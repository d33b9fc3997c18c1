//! Where a controller is, and as whom we speak to it.

use std::{fmt, time::Duration};

use crate::fleet::{ControllerName, matches_wildcards};

use super::Secret;

/// What every adapter needs to know of its controller.
#[derive(Clone)]
pub struct Endpoint {
    pub name: ControllerName,
    pub url: String,
    pub user: Option<String>,
    pub token: Option<Secret>,
    /// Which label the jobs of a name wait for; the first match wins.
    pub labels: Vec<LabelRule>,
    /// How long one request may take, from its connection to its last byte.
    pub timeout: Duration,
    /// The proxy to go through. The environment's proxies are not used.
    pub proxy: Option<String>,
    /// Certificates of authorities to trust besides the system's, in PEM.
    pub ca_certificates: Option<String>,
}

impl Endpoint {
    pub fn new(name: impl Into<ControllerName>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            user: None,
            token: None,
            labels: Vec::new(),
            timeout: Duration::from_secs(15),
            proxy: None,
            ca_certificates: None,
        }
    }

    /// Returns the label that the configuration gives to a job or a builder.
    pub(super) fn label_of(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|it| matches_wildcards(name, &it.matches))
            .map(|it| it.label.as_str())
    }
}

impl fmt::Debug for Endpoint {
    /// Leaves out the URLs: an operator may have written a password into one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Gives a label to the jobs of a name, where the controller does not tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRule {
    /// A job's or a builder's name, with `*` for any text.
    pub matches: String,
    pub label: String,
}
