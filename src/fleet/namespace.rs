//! Where the numbers of executors stand in CloudWatch.

use std::fmt;

/// A namespace that we may write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(String);

impl Namespace {
    /// Reads a name; the error says what is wrong with it.
    pub fn parse(name: &str) -> Result<Self, String> {
        const N_BYTES_MAX: usize = 255;
        let is_allowed = |it: char| it.is_ascii_alphanumeric() || ".-_/#:".contains(it);
        if name.is_empty() || N_BYTES_MAX < name.len() || !name.chars().all(is_allowed) {
            return Err(format!(
                "`{name}` is no namespace of CloudWatch: 1 to 255 letters, digits, and . - _ / # :"
            ));
        }
        if name.starts_with("AWS/") || name.starts_with(':') {
            return Err(format!(
                "`{name}`: a namespace that begins with AWS/ or a colon is not ours to write to"
            ));
        }
        Ok(Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("pooldeck".to_owned())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
