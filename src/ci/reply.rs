//! An answer of a controller, and what it means when it is not the one we asked for.

use std::time::Duration;

use reqwest::{
    StatusCode, Url,
    header::{AGE, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER},
};
use serde::de::DeserializeOwned;

use crate::fleet::{FailureKind, Timestamp};

use super::{Error, text};

/// An answer that a cache kept for longer says nothing of now.
const AGE_MAX: Duration = Duration::from_secs(5);
/// How long to stay away when a controller asks for it and does not say how long.
const WAIT_DEFAULT: Duration = Duration::from_mins(1);
const WAIT_MAX: Duration = Duration::from_hours(2);

#[derive(Debug)]
pub(super) struct Reply {
    /// `GET https://host/path`, to name it in errors.
    request: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    base: Url,
}

impl Reply {
    pub(super) fn new(
        request: String,
        status: StatusCode,
        headers: HeaderMap,
        body: String,
        base: Url,
    ) -> Self {
        Self {
            request,
            status,
            headers,
            body,
            base,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Reads the answer as JSON. A login page with status 200 is not one, and neither is
    /// what a cache kept.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if !self.status.is_success() {
            return Err(self.error());
        }
        if self.is_page() {
            return Err(self.login_page());
        }
        if let Some(age) = self.age().filter(|it| AGE_MAX < *it) {
            return Err(self.fail(
                FailureKind::Unknown,
                &format!(
                    "a cache on the way answered with what it had read {} s ago",
                    age.as_secs()
                ),
            ));
        }
        serde_json::from_str(&self.body).map_err(|error| {
            let what = if error.is_eof() {
                "the answer ends in its middle".to_owned()
            } else {
                // The error itself may quote the text, so only its place is told.
                format!(
                    "the answer is not what this controller should say (line {}, column {}); \
                     is `kind` right?",
                    error.line(),
                    error.column()
                )
            };
            self.fail(FailureKind::Unknown, &what)
        })
    }

    /// Returns whether the answer is a web page, whatever it calls itself.
    pub(super) fn is_page(&self) -> bool {
        let is_html = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .is_some_and(|it| it.to_ascii_lowercase().contains("html"));
        is_html || self.body.trim_start().starts_with('<')
    }

    fn age(&self) -> Option<Duration> {
        let age = self.headers.get(AGE)?.to_str().ok()?;
        Some(Duration::from_secs(age.trim().parse().ok()?))
    }

    fn login_page(&self) -> Error {
        self.fail(
            FailureKind::Credentials,
            &format!(
                "it answered with a web page where data was asked for, as a login page does \
                 ({}); check `url`, `user` and `token`",
                text::excerpt(&self.body)
            ),
        )
    }

    /// Returns where a redirect points, if it is one.
    pub(super) fn location(&self) -> Option<Url> {
        if !self.status.is_redirection() {
            return None;
        }
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        self.base.join(location).ok()
    }

    /// Returns whether a redirect leads to a login page or to another host.
    pub(super) fn is_login_redirect(&self) -> bool {
        const MARKS: [&str; 6] = ["login", "signin", "sign_in", "oauth", "saml", "sso"];
        self.location().is_some_and(|it| {
            let path = it.path().to_ascii_lowercase();
            it.host_str() != self.base.host_str() || MARKS.iter().any(|mark| path.contains(mark))
        })
    }

    /// Says what an answer means that is not a success.
    pub(super) fn error(&self) -> Error {
        let status = self.status;
        let said = match text::excerpt(&self.body) {
            said if said.is_empty() => String::new(),
            said => format!(" ({said})"),
        };
        if let Some(wait) = self.wait() {
            let mut error = self.fail(
                FailureKind::Throttled,
                &format!(
                    "it answered {} and wants to be left alone{said}",
                    status.as_u16()
                ),
            );
            error.retry_in = Some(wait);
            return error;
        }
        let (kind, what) = match status.as_u16() {
            300..=399 => return self.redirect(),
            401 | 407 => (
                FailureKind::Credentials,
                format!("it does not accept the credentials{said}; check `user` and `token`"),
            ),
            403 if self.wants_login() => (
                FailureKind::Credentials,
                format!("it wants a login first{said}; check `user` and `token`"),
            ),
            403 => {
                let which = self
                    .header("x-required-permission")
                    .map_or("a permission", |it| it);
                (
                    FailureKind::Denied,
                    format!("it knows us and forbids this{said}; the token lacks {which}"),
                )
            }
            404 | 410 => (
                FailureKind::NotFound,
                "there is nothing at this address; is the path in `url` right?".to_owned(),
            ),
            409 | 422 | 423 => (FailureKind::Conflict, format!("it refused{said}")),
            400 if self.body.contains("HTTPS port") => (
                FailureKind::Invalid,
                "the port speaks TLS; `url` should start with https://".to_owned(),
            ),
            400..=499 => (
                FailureKind::Invalid,
                format!("it answered {}{said}", status.as_u16()),
            ),
            _ => (
                FailureKind::Unknown,
                format!("it answered {}{said}", status.as_u16()),
            ),
        };
        self.fail(kind, &what)
    }

    /// Jenkins answers a stranger with 403 and a page that leads to its login.
    fn wants_login(&self) -> bool {
        self.header("x-you-are-authenticated-as") == Some("anonymous")
            || self.body.contains("/login?from=")
            || self.body.contains("authenticated as: anonymous")
    }

    fn redirect(&self) -> Error {
        // The query of a login page can hold a state or a token.
        let place = self.location().map_or("nowhere".to_owned(), |mut it| {
            it.set_query(None);
            it.set_fragment(None);
            it.to_string()
        });
        if self.is_login_redirect() {
            return self.fail(
                FailureKind::Credentials,
                &format!(
                    "it redirects to {place}, as for a login; the token is not accepted there, \
                     or a single sign-on stands before it"
                ),
            );
        }
        self.fail(
            FailureKind::Invalid,
            &format!("it redirects to {place}; if that is the controller, put it into `url`"),
        )
    }

    /// Returns how long we are asked to stay away, if we are.
    pub(super) fn wait(&self) -> Option<Duration> {
        let retry_after = self
            .headers
            .get(RETRY_AFTER)
            .and_then(|it| it.to_str().ok())
            .and_then(|it| self.retry_after(it));
        let is_exhausted = [
            "x-ratelimit-remaining",
            "ratelimit-remaining",
            "ratelimit-user-remaining",
        ]
        .iter()
        .any(|it| self.header(it) == Some("0"));
        let status = self.status.as_u16();
        let asked = match status {
            429 => true,
            // GitHub's limits come as 403; its secondary ones with `retry-after` alone.
            403 => is_exhausted || retry_after.is_some(),
            503 => retry_after.is_some(),
            _ => false,
        };
        asked.then(|| {
            retry_after
                .or_else(|| self.until_reset())
                .unwrap_or(WAIT_DEFAULT)
                .min(WAIT_MAX)
        })
    }

    /// Returns how long it is until the limits that the answer tells are lifted.
    pub(super) fn until_reset(&self) -> Option<Duration> {
        let number = |name: &str| self.header(name)?.trim().parse::<u64>().ok();
        if let Some(secs) = number("ratelimit-reset").or_else(|| number("ratelimit-user-reset")) {
            return Some(Duration::from_secs(secs));
        }
        // GitHub names a point in time, by its own clock.
        let reset = i64::try_from(number("x-ratelimit-reset")?).ok()?;
        Some(Timestamp::from_secs(reset).since(self.date()?))
    }

    fn retry_after(&self, value: &str) -> Option<Duration> {
        if let Ok(secs) = value.trim().parse() {
            return Some(Duration::from_secs(secs));
        }
        Some(Timestamp::from_http_date(value)?.since(self.date()?))
    }

    /// Returns the time by the server's clock.
    fn date(&self) -> Option<Timestamp> {
        Timestamp::from_http_date(self.headers.get(DATE)?.to_str().ok()?)
    }

    pub(super) fn fail(&self, kind: FailureKind, what: &str) -> Error {
        Error::new(kind, format!("{}: {what}", self.request))
    }
}
