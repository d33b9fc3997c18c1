//! Runs a controller's own program: no shell, a deadline, and bounds on all that it says.

use std::{io, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use crate::{
    ci::{Error, Secret, secret::Redactor, text},
    fleet::FailureKind,
};

const N_OUTPUT_BYTES_MAX: u64 = 64 << 20;
const N_ERROR_BYTES_MAX: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Program {
    /// The program and its own arguments; never empty.
    pub(super) command: Vec<String>,
    pub(super) token: Option<Secret>,
    pub(super) timeout: Duration,
    pub(super) redactor: Redactor,
}

impl Program {
    /// Asks it once. The answer is what it printed if it ended well, or an answer with an
    /// error in it.
    pub(super) async fn ask(&self, verb: &str, question: Vec<u8>) -> Result<String, Error> {
        let mut child = self.spawn(verb).map_err(|it| self.not_started(&it))?;
        let ran = tokio::time::timeout(self.timeout, converse(&mut child, question)).await;
        match ran {
            Ok(Ok(said)) => self.judge(verb, &said),
            Ok(Err(error)) => Err(self.fail(verb, &format!("it could not be heard: {error}"))),
            Err(_) => {
                end(&mut child);
                let secs = self.timeout.as_secs_f32();
                Err(self.fail(verb, &format!("no answer within {secs} s; it was ended")))
            }
        }
    }

    fn spawn(&self, verb: &str) -> io::Result<Child> {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .arg(verb)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that its children end with it.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(token) = &self.token {
            command.env("POOLDECK_TOKEN", token.expose());
        }
        command.spawn()
    }

    fn judge(&self, verb: &str, said: &Said) -> Result<String, Error> {
        if N_OUTPUT_BYTES_MAX <= u64::try_from(said.output.len()).unwrap_or(u64::MAX) {
            return Err(self.fail(verb, "it printed more than 64 MiB"));
        }
        let output = String::from_utf8_lossy(&said.output);
        let output = self.redactor.redact(output).into_owned();
        // A failure that it explains in its answer is better than its exit code.
        if said.status.success() || output.trim_start().starts_with('{') {
            return Ok(output);
        }
        let complaint = String::from_utf8_lossy(&said.complaint);
        let complaint = complaint.lines().find(|it| !it.trim().is_empty());
        let complaint = complaint.map_or(String::new(), |it| format!(": {}", text::excerpt(it)));
        Err(self.fail(verb, &format!("it ended with {}{complaint}", said.status)))
    }

    fn not_started(&self, error: &io::Error) -> Error {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such program; is `command` right?".to_owned(),
            io::ErrorKind::PermissionDenied => "it may not be run".to_owned(),
            _ => error.to_string(),
        };
        let what = format!("{} cannot be started: {why}", self.shown());
        Error::new(FailureKind::Invalid, self.redactor.redact(what))
    }

    pub(super) fn fail(&self, verb: &str, what: &str) -> Error {
        let what = format!("{} {verb}: {what}", self.shown());
        Error::new(FailureKind::Unknown, self.redactor.redact(what))
    }

    /// Returns the program without its arguments: an operator may have put a secret there.
    fn shown(&self) -> String {
        text::bounded(&self.command[0], text::NAME)
    }
}

struct Said {
    status: std::process::ExitStatus,
    output: Vec<u8>,
    complaint: Vec<u8>,
}

/// Tells it the question, and hears both its streams to their ends.
async fn converse(child: &mut Child, question: Vec<u8>) -> io::Result<Said> {
    let stdin = child.stdin.take();
    let tell = async {
        if let Some(mut stdin) = stdin {
            // One that does not read its question may be done without it.
            let _ = stdin.write_all(&question).await;
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ((), output, complaint) = tokio::join!(
        tell,
        hear(stdout, N_OUTPUT_BYTES_MAX),
        hear(stderr, N_ERROR_BYTES_MAX)
    );
    Ok(Said {
        status: child.wait().await?,
        output: output?,
        complaint: complaint?,
    })
}

/// Keeps the start of a stream, and reads the rest away, so that nobody waits for us.
async fn hear(stream: Option<impl AsyncRead + Unpin>, n_bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream)
            .take(n_bytes_max)
            .read_to_end(&mut heard)
            .await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(heard)
}

/// Ends a program and the children that it started.
fn end(child: &mut Child) {
    let group = child
        .id()
        .and_then(|it| i32::try_from(it).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.start_kill();
}
