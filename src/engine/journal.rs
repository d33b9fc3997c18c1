//! The journal of one operation: a file of JSON lines, appended to by one driver at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::operation::{Event, Happening, JournalError, Operation, OperationId};

/// Why a journal cannot be used. `Display` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    #[error("no operation is called `{id}`; `ops` lists those that are known")]
    Unknown { id: String },
    #[error(
        "operation {id} is driven by another process on this host; pause or abort it there, or with `ops`"
    )]
    Driven { id: OperationId },
    #[error("{path}: line {line} cannot be read ({why}); the file was edited, or is not a journal")]
    Damaged {
        path: PathBuf,
        line: usize,
        why: String,
    },
    #[error("{path}: {source}")]
    Unreplayable {
        path: PathBuf,
        #[source]
        source: JournalError,
    },
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("operation {id} is over; there is nothing to {verb}")]
    Over { id: OperationId, verb: &'static str },
    #[error("no state directory is known; give one with --state-dir")]
    NoDirectory,
}

/// A journal that this process may append to; the lock ends with it.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

const DIRECTORY: &str = "operations";
const ENDING: &str = "jsonl";

impl Journal {
    /// Begins the journal of a new operation.
    pub(super) fn create(state_dir: &Path, planned: &Event) -> Result<Self, OperationError> {
        let Happening::Planned { id, .. } = &planned.what else {
            let path = state_dir.to_owned();
            let source = JournalError::NoPlan;
            return Err(OperationError::Unreplayable { path, source });
        };
        let path = path_of(state_dir, id);
        let in_path = |source| OperationError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(state_dir.join(DIRECTORY)).map_err(in_path)?;
        let mut options = OpenOptions::new();
        let file = options
            .create_new(true)
            .append(true)
            .read(true)
            .open(&path)
            .map_err(in_path)?;
        lock(&file, id, &path)?;
        let mut journal = Self {
            path: path.clone(),
            file,
        };
        journal.append(planned, true)?;
        Ok(journal)
    }

    /// Takes over the journal of an operation, and replays it.
    ///
    /// A last line that a crash cut short never happened, and is cut off.
    pub(super) fn open(
        state_dir: &Path,
        id: &OperationId,
    ) -> Result<(Self, Operation), OperationError> {
        let path = path_of(state_dir, id);
        let in_path = |source| OperationError::Io {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new().append(true).read(true).open(&path);
        let mut file = match file {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OperationError::Unknown { id: id.to_string() });
            }
            other => other.map_err(in_path)?,
        };
        lock(&file, id, &path)?;
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).map_err(in_path)?;
        file.read_to_string(&mut text).map_err(in_path)?;
        let (events, n_whole) = parse(&path, &text)?;
        file.set_len(n_whole as u64).map_err(in_path)?;
        let operation = replay(&path, &events)?;
        Ok((Self { path, file }, operation))
    }

    /// Appends one event; `must_last` waits until the disk has it.
    pub(super) fn append(&mut self, event: &Event, must_last: bool) -> Result<(), OperationError> {
        let mut write = || -> io::Result<()> {
            let mut line = serde_json::to_vec(event)?;
            line.push(b'\n');
            self.file.write_all(&line)?;
            if must_last {
                self.file.sync_data()?;
            }
            Ok(())
        };
        write().map_err(|source| OperationError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

/// An operation as its journal tells, whoever drives it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) operation: Operation,
    /// Whether a process on this host holds the journal.
    pub(super) is_driven: bool,
}

/// Reads every journal of a state directory; one that cannot be read is told beside the others.
pub(super) fn list(state_dir: &Path) -> (Vec<Kept>, Vec<OperationError>) {
    let (mut kept, mut errors) = (Vec::new(), Vec::new());
    let Ok(entries) = fs::read_dir(state_dir.join(DIRECTORY)) else {
        return (kept, errors);
    };
    let paths = entries.filter_map(|it| it.ok().map(|it| it.path()));
    let is_journal = |it: &PathBuf| it.extension().is_some_and(|it| it == ENDING);
    let mut paths: Vec<PathBuf> = paths.filter(is_journal).collect();
    paths.sort();
    for path in paths {
        match peek(&path) {
            Ok(it) => kept.push(it),
            Err(error) => errors.push(error),
        }
    }
    (kept, errors)
}

/// Lists the journals of a state directory, and when each was last written to.
pub(super) fn changes(state_dir: &Path) -> Vec<(PathBuf, SystemTime)> {
    let Ok(entries) = fs::read_dir(state_dir.join(DIRECTORY)) else {
        return Vec::new();
    };
    let changed = |it: fs::DirEntry| Some((it.path(), it.metadata().ok()?.modified().ok()?));
    let is_journal = |it: &(PathBuf, SystemTime)| it.0.extension().is_some_and(|it| it == ENDING);
    let found = entries.filter_map(|it| it.ok().and_then(changed));
    found.filter(is_journal).collect()
}

/// Reads what a journal tells, without taking hold of it; one that cannot be read tells nothing.
pub(super) fn events(path: &Path) -> Vec<Event> {
    let text = fs::read_to_string(path).unwrap_or_default();
    parse(path, &text).map_or(Vec::new(), |it| it.0)
}

fn peek(path: &Path) -> Result<Kept, OperationError> {
    let in_path = |source| OperationError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(in_path)?;
    let is_driven = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let text = fs::read_to_string(path).map_err(in_path)?;
    let (events, _) = parse(path, &text)?;
    Ok(Kept {
        operation: replay(path, &events)?,
        is_driven,
    })
}

/// Asks whoever drives an operation; the driver takes what was asked at its next step.
pub(super) fn ask(state_dir: &Path, id: &OperationId, event: &Event) -> Result<(), OperationError> {
    let path = path_of(state_dir, id).with_extension("asked");
    let write = || -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(&line)?;
        file.sync_data()
    };
    write().map_err(|source| OperationError::Io {
        path: path.clone(),
        source,
    })
}

/// Takes what others asked of this operation since the last time.
pub(super) fn take_asked(state_dir: &Path, id: &OperationId) -> Vec<Event> {
    let path = path_of(state_dir, id).with_extension("asked");
    let taken = path.with_extension("taken");
    // Renamed first, so that what is asked meanwhile goes to a new file.
    if fs::rename(&path, &taken).is_err() {
        return Vec::new();
    }
    let text = fs::read_to_string(&taken).unwrap_or_default();
    // What cannot be removed is read again and asked twice, which does no harm.
    let _ = fs::remove_file(&taken);
    text.lines()
        .filter_map(|it| serde_json::from_str(it).ok())
        .collect()
}

pub(super) fn is_asked(state_dir: &Path, id: &OperationId) -> bool {
    path_of(state_dir, id).with_extension("asked").exists()
}

fn path_of(state_dir: &Path, id: &OperationId) -> PathBuf {
    // An id comes from a command line; it never leads out of the directory.
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let name: String = id.0.chars().filter(|it| is_plain(*it)).collect();
    state_dir.join(DIRECTORY).join(name).with_extension(ENDING)
}

fn lock(file: &File, id: &OperationId, path: &Path) -> Result<(), OperationError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OperationError::Driven { id: id.clone() }),
        Err(TryLockError::Error(source)) => Err(OperationError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Reads whole lines; returns them and how many bytes they take.
fn parse(path: &Path, text: &str) -> Result<(Vec<Event>, usize), OperationError> {
    let n_whole = text.rfind('\n').map_or(0, |it| it + 1);
    let lines = text[..n_whole].lines().enumerate();
    let events = lines.map(|(line_idx, line)| {
        serde_json::from_str(line).map_err(|error| OperationError::Damaged {
            path: path.to_owned(),
            line: line_idx + 1,
            why: error.to_string(),
        })
    });
    Ok((events.collect::<Result<_, _>>()?, n_whole))
}

fn replay(path: &Path, events: &[Event]) -> Result<Operation, OperationError> {
    Operation::replay(events).map_err(|source| OperationError::Unreplayable {
        path: path.to_owned(),
        source,
    })
}
