//! The audit log: one JSON line for everything that was done or tried, kept for good.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::Actor;
use crate::fleet::{Call, Failure, FailureKind, ScopeId, SourceId, Timestamp};

/// One line of the log: who, what, where, why, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub version: u32,
    pub at: Timestamp,
    pub user: String,
    pub host: String,
    /// The process, so that two consoles on one host can be told apart.
    pub pid: u32,
    /// Counts the submissions of one process; the lines of one action share it.
    /// Zero for the steps of an operation, which may outlive its process.
    pub submission: u64,
    /// The long operation whose step it is.
    pub operation: Option<String>,
    pub command_line: String,
    pub reason: Option<String>,
    pub scope: Option<ScopeId>,
    pub account: Option<String>,
    pub call: Call,
    pub event: AuditEvent,
    pub request_id: Option<String>,
    pub error: Option<AuditError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// Written and synced before the call is sent.
    Intended,
    Applied,
    /// The service answered no.
    Refused,
    /// No answer: it may have happened.
    Unknown,
}

impl AuditEvent {
    /// Without an answer it may have happened.
    pub(super) fn of_failure(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Unknown => Self::Unknown,
            FailureKind::Throttled
            | FailureKind::Credentials
            | FailureKind::Denied
            | FailureKind::NotFound
            | FailureKind::Conflict
            | FailureKind::Invalid => Self::Refused,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditError {
    pub kind: FailureKind,
    pub what: String,
}

impl From<&Failure> for AuditError {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind,
            what: failure.what.clone(),
        }
    }
}

/// What all lines of one submission share.
#[derive(Clone, Debug)]
pub(super) struct Heading {
    pub(super) actor: Actor,
    pub(super) submission: u64,
    pub(super) operation: Option<String>,
    pub(super) command_line: String,
    pub(super) reason: Option<String>,
}

/// What one line adds to its heading.
pub(super) struct Line<'a> {
    pub(super) at: Timestamp,
    pub(super) account: Option<&'a str>,
    pub(super) call: &'a Call,
    pub(super) event: AuditEvent,
    pub(super) request_id: Option<&'a str>,
    pub(super) error: Option<AuditError>,
}

const FILE_NAME: &str = "audit.jsonl";
const VERSION: u32 = 1;

pub(super) struct Audit {
    file: File,
    heading: Heading,
}

impl Audit {
    /// Opens the log of a state directory, making both if need be.
    pub(super) fn open(directory: &Path, heading: Heading) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let path = directory.join(FILE_NAME);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, heading })
    }

    /// Writes one line and waits until the disk has it.
    ///
    /// The line goes out in one write to a file opened for appending, so that
    /// the lines of several consoles never mix.
    pub(super) fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        let scope = match line.call.source() {
            SourceId::Scope(id) => Some(id),
            SourceId::Controller(_) => None,
        };
        let record = AuditRecord {
            version: VERSION,
            at: line.at,
            user: self.heading.actor.user.clone(),
            host: self.heading.actor.host.clone(),
            pid: std::process::id(),
            submission: self.heading.submission,
            operation: self.heading.operation.clone(),
            command_line: self.heading.command_line.clone(),
            reason: self.heading.reason.clone(),
            scope,
            account: line.account.map(str::to_owned),
            call: line.call.clone(),
            event: line.event,
            request_id: line.request_id.map(str::to_owned),
            error: line.error.clone(),
        };
        let mut text = serde_json::to_vec(&record)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()
    }
}
