//! The one HTTP client of this room: it sends a request once, follows no redirect, reads
//! no more than it must, and says in words what went wrong.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Certificate, Client, Method, Proxy, RequestBuilder, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde::Serialize;

use crate::fleet::{FailureKind, Timestamp};

use super::{Endpoint, Error, Reading, Secret, explain, reply::Reply, secret::Redactor, text};

/// No list of agents that a person could work with is larger.
const N_BYTES_MAX: usize = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("pooldeck/", env!("CARGO_PKG_VERSION"));

/// How a controller wants to be shown who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `user` and `token` as a name and a password.
    Basic,
    /// `Authorization: Bearer …`
    Bearer,
    /// `Authorization: Token …`, as Buildkite's agents have it.
    Token,
}

pub(super) struct Http {
    client: Client,
    base: Url,
    authorization: Option<HeaderValue>,
    headers: HeaderMap,
    redactor: Redactor,
    n_requests: AtomicU64,
    /// Until when the controller asked us to stay away. Held for a moment only, never
    /// over an await.
    hold_until: Mutex<Option<Timestamp>>,
}

/// What goes with a request besides its address.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) headers: HeaderMap,
    pub(super) json: Option<Vec<u8>>,
}

impl Extras {
    pub(super) fn json(body: &impl Serialize) -> Self {
        Self {
            json: Some(serde_json::to_vec(body).expect("our own requests are JSON")),
            ..Self::default()
        }
    }
}

impl Http {
    /// Opens a client; sends nothing.
    pub(super) fn open(endpoint: &Endpoint, scheme: Scheme) -> Result<Self, Error> {
        let wrong = |what: String| Error::new(FailureKind::Invalid, what);
        let name = &endpoint.name;
        let base = Url::parse(endpoint.url.trim())
            .ok()
            .filter(|it| it.has_host() && matches!(it.scheme(), "http" | "https"))
            .ok_or_else(|| {
                wrong(format!(
                    "the url of {name} is not one; write it like https://ci.example.org/"
                ))
            })?;
        if base.password().is_some() || !base.username().is_empty() {
            return Err(wrong(format!(
                "the url of {name} holds a user or a password; move them to `user` and `token`"
            )));
        }
        let mut base = base;
        // An operator may have pasted a link with a token in it.
        base.set_query(None);
        base.set_fragment(None);
        let mut redactor = Redactor::default();
        let authorization = authorization(endpoint, scheme, &mut redactor)?;
        let client = client(endpoint, &base, &mut redactor).map_err(wrong)?;
        Ok(Self {
            client,
            base,
            authorization,
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            redactor,
            n_requests: AtomicU64::new(0),
            hold_until: Mutex::new(None),
        })
    }

    /// Sends this header with every request.
    pub(super) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn n_requests(&self) -> u64 {
        self.n_requests.load(Ordering::Relaxed)
    }

    /// Returns whether the credentials travel in the clear to another machine.
    pub(super) fn is_exposed(&self) -> bool {
        let is_loopback = match self.base.host_str() {
            Some(host) => {
                host == "localhost"
                    || host
                        .trim_matches(['[', ']'])
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|it| it.is_loopback())
            }
            None => false,
        };
        self.base.scheme() == "http" && self.authorization.is_some() && !is_loopback
    }

    /// Adds path segments and a query to the base address; both are encoded.
    pub(super) fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    pub(super) async fn get(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Reply, Error> {
        self.send(Method::GET, self.url(segments, query), Extras::default())
            .await
    }

    /// Sends one request, once. Any answer is a reply, an error page too.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        extras: Extras,
    ) -> Result<Reply, Error> {
        let shown = format!("{method} {}", shown(&url));
        let request = self.request(method, url, extras);
        self.n_requests.fetch_add(1, Ordering::Relaxed);
        let failed = |error: &reqwest::Error| {
            let what = format!("{shown}: {}", explain::transport(error));
            Error::new(FailureKind::Unknown, self.redactor.redact(what))
        };
        let mut response = request.send().await.map_err(|it| failed(&it))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|it| failed(&it))? {
            if N_BYTES_MAX < body.len() + chunk.len() {
                let what = format!("{shown}: the answer is larger than 64 MiB");
                return Err(Error::new(FailureKind::Unknown, what));
            }
            body.extend_from_slice(&chunk);
        }
        tracing::debug!(
            request = shown,
            status = status.as_u16(),
            n_bytes = body.len(),
            "ci"
        );
        // A name with a broken character must not cost us the whole list.
        let body = match String::from_utf8(body) {
            Ok(body) => body,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        let body = self.redactor.redact(body).into_owned();
        let headers = self.redacted(headers);
        Ok(Reply::new(shown, status, headers, body, self.base.clone()))
    }

    fn redacted(&self, mut headers: HeaderMap) -> HeaderMap {
        for value in headers.values_mut() {
            let Ok(text) = value.to_str() else { continue };
            if let Cow::Owned(clean) = self.redactor.redact(text) {
                *value = HeaderValue::from_str(&clean).unwrap_or(HeaderValue::from_static(""));
            }
        }
        headers
    }

    fn request(&self, method: Method, url: Url, extras: Extras) -> RequestBuilder {
        let mut headers = self.headers.clone();
        if let Some(value) = &self.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        headers.extend(extras.headers);
        let request = self.client.request(method, url);
        match extras.json {
            None => request.headers(headers),
            Some(body) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                request.headers(headers).body(body)
            }
        }
    }

    /// Refuses to ask while the controller wants to be left alone.
    pub(super) fn check_hold(&self, now: Timestamp) -> Result<(), Error> {
        let until = *self.hold_until.lock().expect("no panic while held");
        match until {
            Some(until) if now < until => Err(Error {
                retry_in: Some(until.since(now)),
                ..Error::new(
                    FailureKind::Throttled,
                    format!("it asked us to stay away until {until}"),
                )
            }),
            _ => Ok(()),
        }
    }

    /// Stays away until the limit is lifted once few requests are left of it, so that the
    /// last ones are there for writes.
    pub(super) fn spare(&self, now: Timestamp, reply: &Reply, n_reserved: u32) {
        let n_left = ["x-ratelimit-remaining", "ratelimit-remaining"]
            .iter()
            .find_map(|it| reply.header(it)?.trim().parse::<u32>().ok());
        if n_left.is_some_and(|it| it < n_reserved)
            && let Some(wait) = reply.until_reset()
        {
            let mut until = self.hold_until.lock().expect("no panic while held");
            *until = (*until).max(Some(now + wait));
        }
    }

    /// Stays away for as long as the controller asked, if it did.
    pub(super) fn heed(&self, now: Timestamp, reading: &Result<Reading, Error>) {
        if let Err(Error {
            retry_in: Some(wait),
            ..
        }) = reading
        {
            let mut until = self.hold_until.lock().expect("no panic while held");
            *until = (*until).max(Some(now + *wait));
        }
    }
}

impl fmt::Debug for Http {
    /// Leaves out the client, which would show its proxy's password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("base", &self.base.as_str())
            .field("n_requests", &self.n_requests)
            .finish_non_exhaustive()
    }
}

fn authorization(
    endpoint: &Endpoint,
    scheme: Scheme,
    redactor: &mut Redactor,
) -> Result<Option<HeaderValue>, Error> {
    let Some(token) = endpoint.token.as_ref().filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    redactor.hide(token);
    let wrong = || {
        Error::new(
            FailureKind::Invalid,
            format!(
                "the token of {} holds a line break or another character that none has",
                endpoint.name
            ),
        )
    };
    if token.expose().chars().any(char::is_control) {
        return Err(wrong());
    }
    let text = match scheme {
        Scheme::Bearer => format!("Bearer {}", token.expose()),
        Scheme::Token => format!("Token {}", token.expose()),
        Scheme::Basic => {
            let user = endpoint.user.as_deref().unwrap_or_default();
            redactor.hide_pair(user, token);
            basic(user, token)
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn basic(user: &str, token: &Secret) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let pair = format!("{user}:{}", token.expose());
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

fn client(endpoint: &Endpoint, base: &Url, redactor: &mut Redactor) -> Result<Client, String> {
    // The first door of the process installs it; the others find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let name = &endpoint.name;
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .no_proxy()
        .gzip(true)
        .timeout(endpoint.timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(endpoint.timeout));
    if let Some(proxy) = &endpoint.proxy {
        if let Some(password) = Url::parse(proxy)
            .ok()
            .and_then(|it| it.password().map(str::to_owned))
        {
            redactor.hide(&Secret::new(&password));
        }
        let proxy = Proxy::all(proxy).map_err(|_| {
            format!(
                "the proxy of {name} is not an URL; write it like http://proxy.example.org:3128"
            )
        })?;
        builder = builder.proxy(proxy);
    }
    if let Some(pem) = &endpoint.ca_certificates {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .ok()
            .filter(|it| !it.is_empty())
            .ok_or_else(|| format!("the certificates of {name} are not in PEM"))?;
        builder = builder.tls_certs_merge(certificates);
    } else if base.scheme() == "http" {
        // The system's authorities are not needed, and some machines have none.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        format!(
            "cannot speak to {name}: {}",
            text::excerpt(&explain::transport(&error))
        )
    })
}

/// Returns an address without its query, for people: queries are long and hold notes.
fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or(String::new(), |it| format!(":{it}"));
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}
