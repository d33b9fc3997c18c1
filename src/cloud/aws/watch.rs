//! Sees every attempt of every request: counts it, and refuses what only looks like an answer.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
            },
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use crate::fleet::Timestamp;

/// Counts attempts, retries included, over the life of a door.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    n_requests: Arc<AtomicU64>,
}

impl Watch {
    pub(super) fn n_requests(&self) -> u64 {
        self.n_requests.load(Ordering::Relaxed)
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "pooldeck"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.n_requests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The SDK reads what it can find and asks for no more: an answer without
    /// fields may be the login page of a proxy, and a listing that broke off
    /// in the middle is to it a short listing.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let content_type = response.headers().get("content-type").unwrap_or("");
        let body = response.body().bytes().unwrap_or_default();
        if content_type.starts_with("text/html") || is_web_page(body) {
            return Err(NotAnAnswer::WebPage.into());
        }
        if !is_whole(body) {
            return Err(NotAnAnswer::BrokenOff.into());
        }
        Ok(())
    }
}

/// Something that came with a good status and is no answer of AWS.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnAnswer {
    #[error("a web page came instead of an answer; is there a login page or a proxy in between?")]
    WebPage,
    #[error("the answer broke off in the middle")]
    BrokenOff,
}

fn is_web_page(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    [&b"<html"[..], b"<!doctype html"].into_iter().any(|start| {
        body.get(..start.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(start))
    })
}

/// Returns whether an XML document ends with its root; true for anything else.
fn is_whole(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        // Cut inside a character, or not XML.
        return !body.trim_ascii_start().starts_with(b"<");
    };
    let text = text.trim();
    let mut rest = text;
    // The declaration, and comments before the root.
    while rest.starts_with("<?") || rest.starts_with("<!") {
        let end = if rest.starts_with("<!--") { "-->" } else { ">" };
        let Some((_, after)) = rest.split_once(end) else {
            return false;
        };
        rest = after.trim_start();
    }
    let Some(root) = rest.strip_prefix('<') else {
        return rest.len() == text.len();
    };
    let name_end = root.find(|it: char| it.is_whitespace() || it == '>' || it == '/');
    let Some(name) = name_end.map(|end| &root[..end]) else {
        return false;
    };
    let is_closed = text
        .strip_suffix('>')
        .and_then(|it| it.trim_end().strip_suffix(name))
        .is_some_and(|it| it.ends_with("</"));
    let is_empty = root.ends_with("/>") && root.matches('<').count() == 0;
    is_closed || is_empty
}

/// A provider of credentials that remembers when the last ones end.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) inner: SharedCredentialsProvider,
    pub(super) expiry: Expiry,
}

/// When the credentials end that were provided last.
#[derive(Clone, Debug)]
pub(super) struct Expiry(Arc<AtomicI64>);

impl Expiry {
    const NEVER: i64 = i64::MAX;

    pub(super) fn get(&self) -> Option<Timestamp> {
        let millis = self.0.load(Ordering::Relaxed);
        (millis != Self::NEVER).then(|| Timestamp::from_millis(millis))
    }
}

impl Default for Expiry {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(Self::NEVER)))
    }
}

impl Watched {
    async fn provide(&self) -> provider::Result {
        let credentials = self.inner.provide_credentials().await?;
        let millis = credentials.expiry().map_or(Expiry::NEVER, |it| {
            let since_epoch = it.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since_epoch.as_millis()).unwrap_or(Expiry::NEVER)
        });
        self.expiry.0.store(millis, Ordering::Relaxed);
        Ok(credentials)
    }
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_xml_answer_is_whole_when_its_root_is_closed() {
        let answer = "<?xml version=\"1.0\"?>\n<!-- > -->\n<R xmlns=\"u\"><a>ü</a></R>\n";
        assert!(is_whole(answer.as_bytes()));
        let start = answer.find("<R").unwrap();
        for end in start + 1..answer.trim_end().len() {
            assert!(!is_whole(&answer.as_bytes()[..end]), "{}", &answer[..start]);
        }
        for whole in ["", "{}", "plain", "<R/>", "<R a=\"b\"/>", "<R></R >"] {
            assert!(is_whole(whole.as_bytes()), "{whole}");
        }
        assert!(!is_whole(b"<Roots></Root>") && !is_whole(b"<R><b/>"));
    }

    #[test]
    fn a_web_page_is_known_by_its_first_bytes() {
        for page in ["<html>", "\n <!DOCTYPE HTML PUBLIC", "<HTML lang=en>"] {
            assert!(is_web_page(page.as_bytes()), "{page}");
        }
        for answer in [
            "",
            "<?xml version=\"1.0\"?>",
            "<ErrorResponse>",
            "{}",
            "<ht",
        ] {
            assert!(!is_web_page(answer.as_bytes()), "{answer}");
        }
    }
}
