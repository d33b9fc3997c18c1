//! What a failed connection means, and what an operator can do about it.

use std::{error::Error, io};

/// Returns one sentence for a request that got no answer.
pub(super) fn transport(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut last = error.to_string();
    let mut is_dns = false;
    while let Some(inner) = source {
        if let Some(it) = tls_error(inner) {
            return tls(it);
        }
        if let Some(it) = inner.downcast_ref::<io::Error>()
            && let Some(sentence) = io_kind(it.kind())
        {
            return sentence.to_owned();
        }
        last = inner.to_string();
        is_dns |= last.starts_with("dns error");
        source = inner.source();
    }
    if is_dns {
        return format!("the host's name cannot be resolved ({last}); is `url` right?");
    }
    format!("the connection failed: {last}")
}

/// Finds the TLS error. IO errors carry one inside, and do not name it as their source.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>().or_else(|| {
        let inside = error.downcast_ref::<io::Error>()?.get_ref()?;
        tls_error(inside)
    })
}

fn tls(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error as Tls};
    match error {
        Tls::InvalidMessage(_) => {
            "the port does not speak TLS; should `url` start with http://?".to_owned()
        }
        Tls::InvalidCertificate(Bad::UnknownIssuer) => "its certificate is signed by an authority \
             that this machine does not trust; name that authority's certificate with `ca_file`"
            .to_owned(),
        Tls::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "its certificate has expired; or the clock of this machine is wrong".to_owned()
        }
        Tls::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "its certificate is not valid yet; or the clock of this machine is wrong".to_owned()
        }
        Tls::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "its certificate is for another name; is `url` right?".to_owned()
        }
        other => format!("TLS failed: {other}"),
    }
}

fn io_kind(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => {
            Some("the connection was refused: nothing listens there; is the port in `url` right?")
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => {
            Some("the connection broke before the answer was complete")
        }
        io::ErrorKind::TimedOut => Some("no answer in time"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("there is no way to its network from here")
        }
        _ => None,
    }
}
