//! The journal of one operation: a file of JSON lines, appended to by one driver at a time.
//!
//! Each line ends with a checksum of itself and all before it, so that a line that was changed or
//! taken out is noticed; a last line that a crash cut short is ordinary.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    action::Refusal,
    operation::{Event, Happening, JournalError, Operation, OperationId},
};

/// Why a journal cannot be used. `Display` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    #[error("no operation is called `{id}`; `ops` lists those that are known")]
    Unknown { id: String },
    #[error(
        "operation {id} is driven by another process on this host; pause or abort it there, or with `ops`"
    )]
    Driven { id: OperationId },
    #[error(
        "{path}: line {line} cannot be read ({why}); the file was edited, or is not a journal: put back what it was, or \
         move the file away and `ops adopt` what its marks show"
    )]
    Damaged {
        path: PathBuf,
        line: usize,
        why: String,
    },
    #[error(
        "{path}: line 1 is of journal version {version}, and this pooldeck reads {}; go on with it by a newer \
         pooldeck, nothing in it was changed",
        Event::VERSION
    )]
    Newer { path: PathBuf, version: u64 },
    #[error("{path}: line {line}: {source}")]
    Unreplayable {
        path: PathBuf,
        line: usize,
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
    #[error(
        "operation {id} is being aborted: it only gives back what it borrowed, and that is not paused"
    )]
    Aborting { id: OperationId },
    #[error("no state directory is known; give one with --state-dir")]
    NoDirectory,
    #[error("it cannot go on without this process: {why}")]
    Undetachable { why: &'static str },
    #[error(
        "operation {id} of {owner} has no journal here: `ops adopt {id}` takes it over, and `ops adopt {id} --give-back` \
         gives back what it has marked"
    )]
    Foreign { id: OperationId, owner: String },
    #[error("operation {id} is not sped up: {why}")]
    NotSpedUp { id: OperationId, why: String },
    #[error("operation {id} was not taken over: {why}")]
    NotTakenOver { id: OperationId, why: String },
    #[error(transparent)]
    ReadOnly(Refusal),
}

impl OperationError {
    /// Returns whether it is the journal of this operation that cannot be read.
    pub fn is_of(&self, id: &OperationId) -> bool {
        let (Self::Damaged { path, .. }
        | Self::Newer { path, .. }
        | Self::Unreplayable { path, .. }
        | Self::Io { path, .. }) = self
        else {
            return false;
        };
        path.file_stem().is_some_and(|it| it == &*id.0)
    }
}

/// A journal that this process may append to; the lock ends with it.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Of everything written so far.
    sum: u32,
}

const DIRECTORY: &str = "operations";
const ENDING: &str = "jsonl";

impl Journal {
    /// Begins the journal of a new operation.
    pub(super) fn create(state_dir: &Path, planned: &Event) -> Result<Self, OperationError> {
        let Happening::Planned { id, .. } = &planned.what else {
            let path = state_dir.to_owned();
            let source = JournalError::NoPlan;
            return Err(OperationError::Unreplayable {
                path,
                line: 1,
                source,
            });
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
            sum: 0,
        };
        if let Err(error) = journal.append(planned, true) {
            // Nothing was begun, and a file without a plan is no journal.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(journal)
    }

    /// Takes over the journal of an operation, and replays it.
    ///
    /// A last line that a crash cut short never happened: it is moved to a file beside the journal.
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
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).map_err(in_path)?;
        file.read_to_end(&mut bytes).map_err(in_path)?;
        let parsed = parse(&path, &bytes)?;
        let operation = replay(&path, &parsed.events)?;
        let mut mend = || -> io::Result<()> {
            if parsed.lacks_newline {
                file.write_all(b"\n")?;
            }
            let torn = &bytes[parsed.n_whole..];
            if !torn.is_empty() {
                let mut options = OpenOptions::new();
                let kept = path.with_extension("torn");
                let mut kept = options.create(true).append(true).open(kept)?;
                kept.write_all(torn)?;
                kept.write_all(b"\n")?;
                file.set_len(parsed.n_whole as u64)?;
            }
            Ok(())
        };
        mend().map_err(in_path)?;
        let sum = parsed.sum;
        Ok((Self { path, file, sum }, operation))
    }

    /// Appends one event; `must_last` waits until the disk has it.
    pub(super) fn append(&mut self, event: &Event, must_last: bool) -> Result<(), OperationError> {
        let mut write = || -> io::Result<()> {
            let (line, sum) = summed(serde_json::to_string(event)?, self.sum);
            self.file.write_all(line.as_bytes())?;
            self.sum = sum;
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

/// How a line ends, before the eight digits of its checksum.
const SUM: &str = ",\"sum\":\"";

/// Returns an event as a line that carries the checksum of itself and of all before it.
fn summed(mut json: String, before: u32) -> (String, u32) {
    let sum = sum_of(&json, before);
    json.truncate(json.len() - 1);
    (format!("{json}{SUM}{sum:08x}\"}}\n"), sum)
}

fn sum_of(json: &str, before: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(json.as_bytes());
    hasher.finalize()
}

/// Takes the checksum off a line; `None` for one that has none.
fn split_sum(line: &[u8]) -> Option<(String, u32)> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let (json, sum) = line.rsplit_once(SUM)?;
    let sum = u32::from_str_radix(sum.strip_suffix("\"}")?, 16).ok()?;
    Some((format!("{json}}}"), sum))
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

/// Removes what nobody drives: the operations of a region that ended with its process.
///
/// What cannot be removed stays, and is listed as resting.
pub fn forget_resting(state_dir: &Path) {
    for (path, _) in changes(state_dir) {
        if File::open(&path).is_ok_and(|it| !is_locked(&it)) {
            for ending in [ENDING, "log", "asked", "taken"] {
                let _ = fs::remove_file(path.with_extension(ending));
            }
        }
    }
}

/// Reads what a journal tells, without taking hold of it; one that cannot be read tells nothing.
pub(super) fn events(path: &Path) -> Vec<Event> {
    let bytes = fs::read(path).unwrap_or_default();
    parse(path, &bytes).map_or(Vec::new(), |it| it.events)
}

/// Reads the journal of one operation, whoever drives it.
pub(super) fn find(state_dir: &Path, id: &OperationId) -> Result<Kept, OperationError> {
    let path = path_of(state_dir, id);
    match peek(&path) {
        Err(OperationError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(OperationError::Unknown { id: id.to_string() })
        }
        other => other,
    }
}

fn peek(path: &Path) -> Result<Kept, OperationError> {
    let in_path = |source| OperationError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(in_path)?;
    let is_driven = is_locked(&file);
    // Read at once, so that nobody who takes it over meets our look at the lock.
    drop(file);
    let bytes = fs::read(path).map_err(in_path)?;
    let parsed = parse(path, &bytes)?;
    Ok(Kept {
        operation: replay(path, &parsed.events)?,
        is_driven,
    })
}

/// Returns whether there is a journal, even one that cannot be read.
pub(super) fn exists(state_dir: &Path, id: &OperationId) -> bool {
    path_of(state_dir, id).exists()
}

/// Returns whether a process on this host drives the operation.
pub(super) fn is_driven(state_dir: &Path, id: &OperationId) -> bool {
    File::open(path_of(state_dir, id)).is_ok_and(|it| is_locked(&it))
}

fn is_locked(file: &File) -> bool {
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Returns whether the operation's journal says that it is over.
pub(super) fn is_over(state_dir: Option<&Path>, id: &OperationId) -> bool {
    let kept = state_dir.and_then(|it| peek(&path_of(it, id)).ok());
    kept.is_some_and(|it| it.operation.is_over())
}

/// Returns where a process without a terminal writes what it says of an operation.
pub(super) fn log_of(state_dir: &Path, id: &OperationId) -> PathBuf {
    path_of(state_dir, id).with_extension("log")
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

/// Whoever only looks whether a journal is driven holds its lock for an instant.
const N_LOCKS_TRIED: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

fn lock(file: &File, id: &OperationId, path: &Path) -> Result<(), OperationError> {
    for _ in 0..N_LOCKS_TRIED {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => {
                return Err(OperationError::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        }
    }
    Err(OperationError::Driven { id: id.clone() })
}

/// A journal as it was read.
struct Parsed {
    events: Vec<Event>,
    /// How many bytes its whole lines take.
    n_whole: usize,
    /// Whether the last whole line has no end, as some editors leave it.
    lacks_newline: bool,
    sum: u32,
}

/// Reads whole lines; what comes after them was cut short by a crash.
fn parse(path: &Path, bytes: &[u8]) -> Result<Parsed, OperationError> {
    let mut parsed = Parsed {
        events: Vec::new(),
        n_whole: 0,
        lacks_newline: false,
        sum: 0,
    };
    // Those of an older pooldeck have no checksums.
    let first = bytes.split(|it| *it == b'\n').next().unwrap_or_default();
    let has_sums = split_sum(first).is_some();
    for (line_idx, line) in bytes.split_inclusive(|it| *it == b'\n').enumerate() {
        let is_ended = line.ends_with(b"\n");
        let sum = if has_sums {
            check_sum(line, parsed.sum)
        } else {
            Ok(0)
        };
        let event = serde_json::from_slice(line).map_err(|it| it.to_string());
        match event.and_then(|event| Ok((event, sum?))) {
            Ok((event, sum)) => {
                parsed.events.push(event);
                parsed.sum = sum;
            }
            // The driver died while it wrote this: it never happened.
            Err(_) if !is_ended => break,
            Err(why) => {
                let (path, line) = (path.to_owned(), line_idx + 1);
                return Err(match newer_version(bytes) {
                    Some(version) => OperationError::Newer { path, version },
                    None => OperationError::Damaged { path, line, why },
                });
            }
        }
        parsed.lacks_newline = !is_ended;
        parsed.n_whole += line.len();
    }
    Ok(parsed)
}

/// Returns the checksum of all up to this line, if it is the one that the line has.
fn check_sum(line: &[u8], before: u32) -> Result<u32, String> {
    let Some((json, told)) = split_sum(line) else {
        return Err("it has no checksum".to_owned());
    };
    let sum = sum_of(&json, before);
    if sum == told {
        return Ok(sum);
    }
    Err("its checksum fits neither it nor what stands before it".to_owned())
}

/// Returns the version of a journal that a newer pooldeck wrote: its words may be new to us.
fn newer_version(bytes: &[u8]) -> Option<u64> {
    let first = bytes.split(|it| *it == b'\n').next()?;
    let plan: serde_json::Value = serde_json::from_slice(first).ok()?;
    let version = plan.get("version")?.as_u64()?;
    (u64::from(Event::VERSION) < version).then_some(version)
}

fn replay(path: &Path, events: &[Event]) -> Result<Operation, OperationError> {
    Operation::replay(events).map_err(|source| {
        let path = path.to_owned();
        match source {
            JournalError::Version { version } => OperationError::Newer {
                path,
                version: version.into(),
            },
            JournalError::SecondPlan { index } => OperationError::Unreplayable {
                path,
                line: index + 1,
                source,
            },
            JournalError::Empty | JournalError::NoPlan | JournalError::NoPool => {
                OperationError::Unreplayable {
                    path,
                    line: 1,
                    source,
                }
            }
        }
    })
}
