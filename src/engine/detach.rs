//! Going on without a terminal: this program again, in a session of its own, resumes an operation.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    Event,
    handle::{Handle, Inner},
    journal::{self, OperationError},
};
use crate::operation::{OperationId, detached_words, stopped_words};

/// Whether operations of this process can go on without it.
#[derive(Clone, Debug)]
pub enum Detach {
    With(Program),
    /// They cannot, and this is why.
    Not(&'static str),
    /// They end with this process, and so does the region that it simulates.
    Simulated,
}

const SIMULATED: &str = "a simulated region ends with the process that shows it";

/// How this program is started again, with the same configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub path: PathBuf,
    /// What stands before the command: the configuration, the scopes, the state directory.
    pub arguments: Vec<OsString>,
}

/// Tells a process that nobody sits before it: it takes a session of its own.
pub const DETACHED: &str = "--detached";

/// How long drivers get to stop; a call that was sent is waited for.
const STOP_MAX: Duration = Duration::from_secs(30);
/// How long a new process gets to take an operation over.
const TAKE_OVER_MAX: Duration = Duration::from_secs(30);
/// How often we look whether it has.
const LOOK: Duration = Duration::from_millis(20);

impl Handle {
    /// Stops every driver of this process where that is safe, and returns whose they were.
    ///
    /// What the engine tells meanwhile is dropped: whoever calls this is leaving.
    pub async fn stop_operations(&self, events: &mut mpsc::Receiver<Event>) -> Vec<OperationId> {
        let inner = self.inner();
        let driven: Vec<OperationId> = inner.driven.borrow().iter().cloned().collect();
        inner.stopping.send_replace(true);
        let mut watched = inner.driven.subscribe();
        let ended = watched.wait_for(std::collections::BTreeSet::is_empty);
        let ended = tokio::time::timeout(STOP_MAX, ended);
        tokio::pin!(ended);
        loop {
            tokio::select! {
                // In time or not: what was sent stands in the journal as sent.
                _ = &mut ended => return driven,
                event = events.recv() => if event.is_none() {
                    return driven;
                },
            }
        }
    }

    /// Ends what this process drives: it goes on without it, or rests. Returns a sentence for each.
    pub async fn leave_operations(
        &self,
        events: &mut mpsc::Receiver<Event>,
        goes_on: bool,
    ) -> Vec<String> {
        let mut said = Vec::new();
        for id in self.stop_operations(events).await {
            if journal::is_over(self.inner().config.state_dir.as_deref(), &id) {
                continue;
            }
            if matches!(self.inner().config.detach, Detach::Simulated) {
                said.push(format!(
                    "operation {id} ends here, and its simulated region with it"
                ));
                continue;
            }
            if !goes_on {
                said.push(stopped_words(&id));
                continue;
            }
            said.push(match self.detach_operation(&id).await {
                Ok(process) => detached_words(&id, process),
                Err(error) => format!("{}; {error}", stopped_words(&id)),
            });
        }
        said
    }

    /// Returns why operations cannot go on without this process; none when they can.
    pub fn why_not_detach(&self) -> Option<&'static str> {
        match self.inner().config.detach {
            Detach::With(_) => None,
            Detach::Not(why) => Some(why),
            Detach::Simulated => Some(SIMULATED),
        }
    }

    /// Lets an operation that nobody drives go on in a process of its own, and returns its id.
    pub async fn detach_operation(&self, id: &OperationId) -> Result<u32, OperationError> {
        detach(self.inner(), id).await
    }
}

/// Starts the process, and waits until it drives the operation.
pub(super) async fn detach(inner: &Arc<Inner>, id: &OperationId) -> Result<u32, OperationError> {
    let program = match &inner.config.detach {
        Detach::With(program) => program,
        Detach::Not(why) => return Err(OperationError::Undetachable { why }),
        Detach::Simulated => return Err(OperationError::Undetachable { why: SIMULATED }),
    };
    let Some(state_dir) = &inner.config.state_dir else {
        return Err(OperationError::NoDirectory);
    };
    if journal::is_driven(state_dir, id) {
        return Err(OperationError::Driven { id: id.clone() });
    }
    let log = journal::log_of(state_dir, id);
    let in_log = |source| OperationError::Io {
        path: log.clone(),
        source,
    };
    let mut child = spawn(program, id, &log).map_err(in_log)?;
    let process = child.id();
    let mut waited = Duration::ZERO;
    while waited < TAKE_OVER_MAX {
        if journal::is_driven(state_dir, id) {
            return Ok(process);
        }
        if let Some(status) = child.try_wait().map_err(in_log)? {
            // A short operation may be over before we look.
            if journal::is_over(Some(state_dir), id) {
                return Ok(process);
            }
            return Err(OperationError::NotTakenOver {
                id: id.clone(),
                why: last_words(&log, status),
            });
        }
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    }
    Err(OperationError::NotTakenOver {
        id: id.clone(),
        why: format!(
            "process {process} did not take it over within {} s; {} says more",
            TAKE_OVER_MAX.as_secs(),
            log.display()
        ),
    })
}

/// It inherits neither the terminal nor any stream; what it says goes to the log.
fn spawn(program: &Program, id: &OperationId, log: &Path) -> io::Result<Child> {
    let open = || -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).open(log)
    };
    Command::new(&program.path)
        .args(&program.arguments)
        .arg(DETACHED)
        .args(["ops", "resume", &id.0])
        .stdin(Stdio::null())
        .stdout(open()?)
        .stderr(open()?)
        .spawn()
}

fn last_words(log: &Path, status: ExitStatus) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    match text.lines().rev().find(|it| !it.trim().is_empty()) {
        Some(line) => line.to_owned(),
        None => format!("its process ended with {status}"),
    }
}
