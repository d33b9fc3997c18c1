//! A token that cannot be printed by accident, and the taking of it out of foreign text.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// What stands where a secret stood; ASCII, so that a header can hold it.
const MASK: &str = "***";
/// Shorter ones would blank half of every text, and are no secrets.
const N_BYTES_MIN: usize = 4;

/// A password or a token. It has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret from what a file or a command printed, line end and all.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Returns the secret itself, for the one place that sends it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Takes our secrets out of what a server said: error pages echo what they were sent.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    needles: Vec<String>,
}

impl Redactor {
    pub(super) fn hide(&mut self, secret: &Secret) {
        self.hide_text(secret.expose());
    }

    /// Hides `user:secret` too, as basic authentication writes it.
    pub(super) fn hide_pair(&mut self, user: &str, secret: &Secret) {
        self.hide(secret);
        self.hide_text(&BASE64_STANDARD.encode(format!("{user}:{}", secret.expose())));
    }

    fn hide_text(&mut self, text: &str) {
        if text.len() < N_BYTES_MIN {
            return;
        }
        let encoded: String = form_encoded(text);
        if encoded != text {
            self.needles.push(encoded);
        }
        self.needles.push(text.to_owned());
    }

    pub(super) fn redact<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let mut text = text.into();
        for needle in &self.needles {
            if text.contains(needle.as_str()) {
                text = Cow::Owned(text.replace(needle.as_str(), MASK));
            }
        }
        text
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Writes `text` as an URL would carry it.
fn form_encoded(text: &str) -> String {
    text.bytes()
        .map(|it| match it {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(it).to_string()
            }
            _ => format!("%{it:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_rendering_of_itself() {
        let secret = Secret::new(" tops3cret!\n");
        assert_eq!(secret.expose(), "tops3cret!");
        let shown = format!("{secret:?} {secret:#?} {:?}", Some(&secret));
        assert!(!shown.contains("tops3"), "{shown}");
    }

    #[test]
    fn an_echoed_secret_is_taken_out_in_every_form() {
        let mut redactor = Redactor::default();
        redactor.hide_pair("me", &Secret::new("tops3cret!"));
        let basic = BASE64_STANDARD.encode("me:tops3cret!");
        let echo = format!("Authorization: Basic {basic}; ?token=tops3cret%21&t=tops3cret!");
        let clean = redactor.redact(echo);
        assert!(
            !clean.contains("tops3") && !clean.contains(&basic),
            "{clean}"
        );
        assert!(!format!("{redactor:?}").contains("tops3"));
    }
}
