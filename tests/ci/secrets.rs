//! A planted token is looked for in everything that a person or a file could get to see.

use std::{
    fmt::Write as _,
    io::Write,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use pooldeck::fleet::Call;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    NOW, TOKEN,
    doors::DOORS,
    server::{Answer, Request, Server},
};

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Says back all that it was sent, in a header, a page and a name.
fn echo(status: u16) -> impl Fn(&Request) -> Answer + Send + Sync {
    move |request| {
        let sent = request.header("authorization").unwrap_or_default();
        let body = format!(
            r#"{{"message":"{sent} {TOKEN}","computer":[{{"displayName":"{TOKEN}","idle":"{sent}"}}]}}"#
        );
        Answer::text(status, body)
            .header("location", &format!("/login?token={TOKEN}"))
            .header("x-required-permission", TOKEN)
    }
}

#[test]
fn a_planted_token_is_in_no_error_no_debug_output_and_no_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut seen = String::new();
    tracing::subscriber::with_default(subscriber, || {
        for status in [200, 302, 400, 401, 403, 404, 422, 429, 500] {
            let server = Server::start(echo(status));
            for (_, open) in DOORS {
                let mut endpoint = server.endpoint();
                endpoint.proxy = None;
                write!(seen, "{endpoint:?}").unwrap();
                let door = open(endpoint).unwrap();
                let call = Call::Cordon {
                    controller: "main".into(),
                    executor: "agent".to_owned(),
                    note: "op-7".to_owned(),
                };
                let observed = runtime.block_on(door.observe(NOW));
                let applied = runtime.block_on(door.apply(&call));
                write!(seen, "{door:?} {door:#?} {:?}", door.describe()).unwrap();
                write!(seen, "{observed:?} {applied:?}").unwrap();
                for error in [observed.err(), applied.err()].into_iter().flatten() {
                    seen += &error.to_string();
                }
            }
            assert!(!server.requests().is_empty());
        }
        let mut endpoint = Server::saying(Answer::text(500, "")).endpoint();
        endpoint.proxy = Some(format!("http://me:{TOKEN}@127.0.0.1:1"));
        for (_, open) in DOORS {
            let door = open(endpoint.clone()).unwrap();
            let observed = runtime.block_on(door.observe(NOW));
            write!(seen, "{endpoint:?} {door:?} {observed:?}").unwrap();
        }
    });
    seen += &String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(seen.contains("/api/json"), "the log was written");
    let encoded = BASE64_STANDARD.encode(format!("pooldeck:{TOKEN}"));
    for planted in [TOKEN, encoded.as_str()] {
        let at = seen.find(planted);
        assert!(
            at.is_none(),
            "…{}",
            &seen[at.unwrap().saturating_sub(300)..][..320]
        );
    }
}
