//! Setting a Jenkins agent offline with a note, and bringing it back: never by a toggle
//! whose state was not read.

use reqwest::{
    Method, Url,
    header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE},
};

use super::{Jenkins, shape, shape::Crumb};
use crate::{
    ci::{Error, http::Extras, reply::Reply, text},
    fleet::{Call, FailureKind, Receipt},
};

/// A crumb holds in its session only, so the cookie goes with it.
pub(super) type CrumbHeaders = HeaderMap;

impl Jenkins {
    pub(super) async fn write(&self, call: &Call) -> Result<Receipt, Error> {
        match call {
            Call::Cordon { executor, note, .. } => self.cordon(executor, note).await,
            Call::Uncordon { executor, .. } => self.uncordon(executor).await,
            Call::RemoveExecutor { .. } => Err(Error::new(
                FailureKind::Invalid,
                "Jenkins cannot remove an agent on the condition that it is idle",
            )),
            _ => Err(Error::not_ours(call)),
        }
    }

    /// Sets an agent offline, or changes its note if it is. Twice is as good as once.
    async fn cordon(&self, name: &str, note: &str) -> Result<Receipt, Error> {
        let note = text::bounded(note, text::NOTE);
        let url = self.computer_url(name, &["changeOfflineCause"], &[("offlineMessage", &note)])?;
        self.post(url).await?;
        Ok(receipt("set offline"))
    }

    /// Brings an agent back. Jenkins has only a toggle for it, which would set offline one
    /// that is not; so the state is read before it, and again after.
    async fn uncordon(&self, name: &str) -> Result<Receipt, Error> {
        if !self.is_set_offline(name).await? {
            return Ok(receipt("it was not set offline"));
        }
        let message = "brought back by pooldeck; if it went offline instead, two did it at once";
        let url = self.computer_url(name, &["toggleOffline"], &[("offlineMessage", message)])?;
        self.post(url).await?;
        if self.is_set_offline(name).await? {
            return Err(Error::new(
                FailureKind::Conflict,
                format!("{name} is set offline again: somebody else changed it in the same moment"),
            ));
        }
        Ok(receipt("brought back"))
    }

    async fn is_set_offline(&self, name: &str) -> Result<bool, Error> {
        let url = self.computer_url(name, &["api", "json"], &[("tree", "temporarilyOffline")])?;
        let reply = self.http.send(Method::GET, url, Extras::default()).await?;
        let cordon: shape::Cordon = reply.json()?;
        cordon.temporarily_offline.ok_or_else(|| {
            reply.fail(
                FailureKind::Unknown,
                "Jenkins did not say whether it is set offline, so nothing was changed",
            )
        })
    }

    fn computer_url(
        &self,
        name: &str,
        rest: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, Error> {
        // These two would name another place, even encoded.
        if matches!(name, "" | "." | "..") {
            return Err(Error::new(
                FailureKind::Invalid,
                format!("`{name}` is not the name of an agent"),
            ));
        }
        let segments: Vec<&str> = ["computer", name].iter().chain(rest).copied().collect();
        Ok(self.http.url(&segments, query))
    }

    /// Posts once; a second time with a crumb if Jenkins says that it did nothing without one.
    async fn post(&self, url: Url) -> Result<(), Error> {
        let headers = self.crumb.lock().expect("no panic while held").clone();
        let reply = self
            .post_with(url.clone(), headers.unwrap_or_default())
            .await?;
        let wants_crumb = reply.status == 403 && reply.body.contains("No valid crumb");
        if !wants_crumb {
            return accepted(&reply);
        }
        let headers = self.fetch_crumb().await?;
        let reply = self.post_with(url, headers.clone()).await?;
        *self.crumb.lock().expect("no panic while held") = Some(headers);
        accepted(&reply)
    }

    async fn post_with(&self, url: Url, headers: CrumbHeaders) -> Result<Reply, Error> {
        let extras = Extras {
            headers,
            ..Extras::default()
        };
        self.http.send(Method::POST, url, extras).await
    }

    async fn fetch_crumb(&self) -> Result<CrumbHeaders, Error> {
        let reply = self.http.get(&["crumbIssuer", "api", "json"], &[]).await?;
        let crumb: Crumb = reply.json()?;
        let bad = || reply.fail(FailureKind::Unknown, "the crumb is not a header");
        let name = HeaderName::try_from(&crumb.crumb_request_field).map_err(|_| bad())?;
        let mut value = HeaderValue::try_from(&crumb.crumb).map_err(|_| bad())?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(name, value)]);
        let cookies: Vec<&str> = reply
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|it| it.to_str().ok()?.split(';').next())
            .collect();
        if !cookies.is_empty() {
            let mut value = HeaderValue::try_from(cookies.join("; ")).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        Ok(headers)
    }
}

/// Jenkins answers a change with a redirect back to the agent's page.
fn accepted(reply: &Reply) -> Result<(), Error> {
    let is_back = reply.status.is_redirection() && !reply.is_login_redirect();
    if reply.status.is_success() || is_back {
        Ok(())
    } else {
        Err(reply.error())
    }
}

fn receipt(message: &str) -> Receipt {
    Receipt {
        request_id: None,
        message: Some(message.to_owned()),
        made: None,
    }
}
