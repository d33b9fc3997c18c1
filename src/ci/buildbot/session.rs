//! Signing in to Buildbot: a cookie for a user and a password, when it is asked for.

use std::sync::Mutex;

use reqwest::{
    Method, Url,
    header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
};

use crate::{
    ci::{
        Error,
        http::{Extras, Http},
        reply::Reply,
    },
    fleet::FailureKind,
};

/// The cookie of a session. It is a signed token that outlives a restart of the master.
#[derive(Default)]
pub(super) struct Session {
    cookie: Mutex<Option<HeaderValue>>,
}

impl Session {
    /// Sends a request; if it is refused, signs in and sends it once more.
    ///
    /// What was refused did nothing, so that a second time is safe for writes too.
    pub(super) async fn send(
        &self,
        http: &Http,
        method: Method,
        url: Url,
        json: Option<Vec<u8>>,
        has_password: bool,
    ) -> Result<Reply, Error> {
        let reply = self
            .send_once(http, method.clone(), url.clone(), json.clone())
            .await?;
        let is_refused = matches!(reply.status.as_u16(), 401 | 403) && reply.wait().is_none();
        if !is_refused || !has_password {
            return Ok(reply);
        }
        self.sign_in(http).await?;
        self.send_once(http, method, url, json).await
    }

    async fn send_once(
        &self,
        http: &Http,
        method: Method,
        url: Url,
        json: Option<Vec<u8>>,
    ) -> Result<Reply, Error> {
        let cookie = self.cookie.lock().expect("no panic while held").clone();
        let extras = Extras {
            headers: HeaderMap::from_iter(cookie.map(|it| (COOKIE, it))),
            json,
        };
        http.send(method, url, extras).await
    }

    async fn sign_in(&self, http: &Http) -> Result<(), Error> {
        let reply = http.get(&["auth", "login"], &[]).await?;
        let is_oauth = reply
            .location()
            .is_some_and(|it| it.query_pairs().any(|(key, _)| key == "client_id"));
        if is_oauth {
            return Err(reply.fail(
                FailureKind::Credentials,
                "this Buildbot signs people in through another site (OAuth), which no program \
                 can do; give it a UserPasswordAuth beside it, or leave `user` out to only look",
            ));
        }
        let is_signed_in = reply.status.is_success() || reply.status.is_redirection();
        // The first cookie is the stranger's that we were, the last one is ours.
        let cookie = reply
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|it| it.to_str().ok()?.split(';').next())
            .rfind(|it| it.starts_with("TWISTED_"));
        match cookie.filter(|_| is_signed_in) {
            Some(cookie) => {
                let mut value = HeaderValue::from_str(cookie)
                    .map_err(|_| reply.fail(FailureKind::Unknown, "its cookie is not one"))?;
                value.set_sensitive(true);
                *self.cookie.lock().expect("no panic while held") = Some(value);
                Ok(())
            }
            // Without authentication there is nothing to sign in to, and the refusal stands.
            None if reply.status == 501 => Ok(()),
            None if is_signed_in => Err(reply.fail(
                FailureKind::Credentials,
                "it signed us in and gave no session",
            )),
            None => Err(reply.error()),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}
