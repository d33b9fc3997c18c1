//! Sees every attempt of every request: counts it, and refuses a web page that poses as an answer.

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

    /// The SDK does not look at the body of an answer that has no fields, so
    /// the login page of a proxy would pass for a write that was done.
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
            return Err(WebPage.into());
        }
        Ok(())
    }
}

/// An answer that is a web page: a login page or a proxy stands between us and AWS.
#[derive(Debug, thiserror::Error)]
#[error("a web page came instead of an answer of AWS")]
pub(super) struct WebPage;

fn is_web_page(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    [&b"<html"[..], b"<!doctype html"].into_iter().any(|start| {
        body.get(..start.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(start))
    })
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
