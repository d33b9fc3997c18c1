//! A server process that cannot outlive its test, and the ways to know that it is ready.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::python_program;

const TIED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/tied.py");

/// A running server. Dropping it ends the server and its children.
#[derive(Debug)]
pub(crate) struct Tied {
    child: Child,
    log: PathBuf,
}

impl Tied {
    /// Starts a server; what it says on standard error goes to `log`.
    pub(crate) fn start(server: &Command, log: &Path) -> Self {
        let mut command = python_program("python");
        command
            .arg(TIED)
            .arg(server.get_program())
            .args(server.get_args());
        for (name, value) in server.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = server.get_current_dir() {
            command.current_dir(directory);
        }
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log).expect("a log in the test's directory"))
            .spawn()
            .expect("the environment has a python");
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// Reads the first line of the server's standard output: ours announce their address there.
    pub(crate) fn first_line(&mut self) -> String {
        let stdout = self.child.stdout.take().expect("read once");
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        reader.read_line(&mut line).expect("a line of text");
        assert!(!line.is_empty(), "the server ended: {}", self.log_text());
        // A closed pipe would end a server that prints again.
        thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        line.trim_end().to_owned()
    }

    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Returns a port of loopback that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("a bound address").port()
}

/// Waits until `path` answers with a status below 500; for servers that cannot announce themselves.
pub(crate) fn wait_for_http(server: &mut Tied, port: u16, path: &str) {
    const TRIES: u32 = 600;
    const PAUSE: Duration = Duration::from_millis(50);
    for _ in 0..TRIES {
        if http_status(port, path).is_some_and(|it| it < 500) {
            return;
        }
        if let Ok(Some(status)) = server.child.try_wait() {
            panic!("the server ended with {status}: {}", server.log_text());
        }
        thread::sleep(PAUSE);
    }
    panic!("no answer from port {port}: {}", server.log_text());
}

fn http_status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    // `HTTP/1.1 200`
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}
