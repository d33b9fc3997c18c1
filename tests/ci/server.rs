//! A loopback HTTP server of one closure, which can also misbehave.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use pooldeck::ci::{Endpoint, Secret};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::TOKEN;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Still encoded.
    pub(crate) path: String,
    /// Still encoded; empty without one.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|it| it.0 == name);
        found.map(|it| it.1.as_str())
    }

    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// An answer, good or bad.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Announces the whole body and sends half of it.
    HangsUpInTheMiddle,
    /// Sends nothing, and keeps the connection until the other side gives up.
    NeverAnswers,
    /// Sends the body alone, without a word of HTTP.
    IsNotHttp,
}

impl Answer {
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::text(200, body.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            fault: Fault::None,
        }
    }

    pub(crate) fn page(status: u16, title: &str) -> Self {
        let body = format!("<!DOCTYPE html><html><head><title>{title}</title></head></html>");
        Self::text(status, body).header("content-type", "text/html;charset=utf-8")
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::text(302, "").header("location", to)
    }

    pub(crate) fn never() -> Self {
        Self {
            fault: Fault::NeverAnswers,
            ..Self::text(200, "")
        }
    }

    pub(crate) fn not_http(body: impl Into<Vec<u8>>) -> Self {
        Self {
            fault: Fault::IsNotHttp,
            ..Self::text(200, body)
        }
    }

    pub(crate) fn hanging_up(self) -> Self {
        Self {
            fault: Fault::HangsUpInTheMiddle,
            ..self
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Answering = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server on a free port of loopback, ended when it is dropped.
pub(crate) struct Server {
    scheme: &'static str,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(answering: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, answering)
    }

    /// Answers everything with the same, over TLS.
    pub(crate) fn start_tls(config: Arc<ServerConfig>, answer: Answer) -> Self {
        Self::listen(Some(config), move |_| answer.clone())
    }

    fn listen(
        tls: Option<Arc<ServerConfig>>,
        answering: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let requests = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let answering: Arc<Answering> = Arc::new(answering);
        let (log, over) = (requests.clone(), is_over.clone());
        // Ends with the server: dropping it sets the flag and knocks.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (answering, log, tls) = (answering.clone(), log.clone(), tls.clone());
                // Ends with its connection.
                thread::spawn(move || match tls {
                    None => serve(stream, &*answering, &log),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        let stream = StreamOwned::new(connection, stream);
                        serve(stream, &*answering, &log);
                    }
                });
            }
        });
        Self {
            scheme,
            address,
            requests,
            is_over,
        }
    }

    /// Answers everything with the same.
    pub(crate) fn saying(answer: Answer) -> Self {
        Self::start(move |_| answer.clone())
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// Returns how to reach it, with the planted token.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            user: Some("pooldeck".to_owned()),
            token: Some(Secret::new(TOKEN)),
            ..Endpoint::new("main", self.url())
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the requests since the last call of this, as `GET /path`.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        let taken = std::mem::take(&mut *self.requests.lock().unwrap());
        taken.iter().map(Request::line).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: impl Read + Write, answering: &Answering, log: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    let Some(request) = read_request(&mut reader) else {
        // Whoever speaks TLS to us gets what a plain server says.
        let refusal = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
        let _ = reader.get_mut().write_all(refusal);
        return;
    };
    let answer = answering(&request);
    log.lock().unwrap().push(request);
    let stream = reader.get_mut();
    let _ = write_answer(stream, &answer);
    if answer.fault == Fault::NeverAnswers {
        // The other side gives up and closes.
        let _ = stream.read(&mut [0]);
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let line = read_line(reader)?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    version.starts_with("HTTP/1.").then_some(())?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::new(),
    };
    let n_bytes: u64 = request
        .header("content-length")
        .unwrap_or("0")
        .parse()
        .ok()?;
    reader
        .take(n_bytes)
        .read_to_string(&mut request.body)
        .ok()?;
    Some(request)
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    reader.take(16 << 10).read_until(b'\n', &mut bytes).ok()?;
    let line = String::from_utf8(bytes).ok()?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn write_answer(stream: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    if answer.fault == Fault::NeverAnswers {
        return Ok(());
    }
    if answer.fault == Fault::IsNotHttp {
        return stream.write_all(&answer.body);
    }
    let mut head = format!(
        "HTTP/1.1 {} Said\r\nconnection: close\r\ncontent-length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        write!(head, "{name}: {value}\r\n").expect("a string takes everything");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes())?;
    let n_bytes = match answer.fault {
        Fault::HangsUpInTheMiddle => answer.body.len() / 2,
        _ => answer.body.len(),
    };
    stream.write_all(&answer.body[..n_bytes])?;
    stream.flush()
}
