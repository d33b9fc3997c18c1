//! TLS as it fails: each failure names what is wrong and what to do.
//!
//! The certificates in tls/ hold until 2120, but for the one that expired in 2021. Their
//! key guards nothing.

use std::sync::Arc;

use pooldeck::{
    ci::{Endpoint, Error},
    fleet::FailureKind,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{
    NOW,
    doors::DOORS,
    server::{Answer, Server},
};

const AUTHORITY: &str = include_str!("tls/authority.pem");
const KEY: &str = include_str!("tls/key.pem");
const LOOPBACK: &str = include_str!("tls/loopback.pem");

pub(crate) fn config(certificate: &str) -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

fn trusting(server: &Server) -> Endpoint {
    Endpoint {
        ca_certificates: Some(AUTHORITY.to_owned()),
        ..server.endpoint()
    }
}

async fn each(endpoint: &Endpoint, check: impl Fn(&str, &Error)) {
    for (kind, open) in DOORS {
        let door = open(endpoint.clone()).unwrap();
        check(kind, &door.observe(NOW).await.unwrap_err());
    }
}

#[tokio::test]
async fn an_own_authority_is_trusted_when_it_is_named() {
    let server = Server::start_tls(config(LOOPBACK), Answer::text(418, "over TLS"));
    each(&trusting(&server), |kind, error| {
        assert!(error.what.contains("over TLS"), "{kind}: {error}");
    })
    .await;
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_asks_for_its_certificate() {
    let server = Server::start_tls(config(LOOPBACK), Answer::text(200, "{}"));
    let stranger = Endpoint {
        // Another authority, so that the system's are not needed here.
        ca_certificates: Some(LOOPBACK.to_owned()),
        ..server.endpoint()
    };
    each(&stranger, |kind, error| {
        assert_eq!(error.kind, FailureKind::Unknown, "{kind}");
        assert!(
            error.what.contains("name that authority's certificate"),
            "{kind}: {error}"
        );
    })
    .await;
    assert!(server.requests().is_empty(), "no token was sent");
}

#[tokio::test]
async fn an_expired_certificate_says_so() {
    let expired = config(include_str!("tls/expired.pem"));
    let server = Server::start_tls(expired, Answer::text(200, "{}"));
    each(&trusting(&server), |kind, error| {
        assert!(
            error.what.contains("certificate has expired"),
            "{kind}: {error}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_certificate_for_another_name_asks_for_the_url() {
    let elsewhere = config(include_str!("tls/elsewhere.pem"));
    let server = Server::start_tls(elsewhere, Answer::text(200, "{}"));
    each(&trusting(&server), |kind, error| {
        assert!(
            error.what.contains("certificate is for another name"),
            "{kind}: {error}"
        );
    })
    .await;
}
