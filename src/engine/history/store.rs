//! The database: how it is opened, what becomes of a damaged one, and the numbers of things.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::HistoryError;
use crate::fleet::{Metric, PoolKey, Timestamp};

/// Raised when an older pooldeck could no longer read what is written.
const VERSION: i64 = 1;
/// `PDCK`: tells our databases from those of others.
const APPLICATION_ID: i64 = 0x5044_434b;
const SCHEMA: &str = include_str!("schema.sql");
const INDEXES: &str = "
    create index if not exists marker_by_kind on marker (kind, at);
    create index if not exists marker_by_series on marker (series, kind, at);
";
const FILE_NAME: &str = "history.sqlite";
/// How long we wait for another process that writes.
const BUSY_MAX: Duration = Duration::from_secs(2);

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long samples are kept as they were seen.
    pub raw: Duration,
    /// How long steps of five minutes are kept.
    pub fine: Duration,
    /// How long steps of an hour are kept, and markers and boots.
    pub coarse: Duration,
    /// The greatest size of the file.
    pub n_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            raw: DAY * 2,
            fine: DAY * 35,
            coarse: DAY * 400,
            n_bytes: 200 * 1024 * 1024,
        }
    }
}

/// The past on disk, or in memory. One thread has it.
#[derive(Debug)]
pub struct Store {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    pub(super) limits: Limits,
    /// Who we are among the processes that share the file.
    pub(super) holder: String,
    /// What the database calls each metric, by its place in `Metric::ALL`.
    metric_ids: Vec<u32>,
    series_ids: HashMap<SeriesKey, u32>,
    /// Which file it is, so that one that was replaced is noticed.
    inode: Option<u64>,
}

/// A pool, or with an empty name all pools of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey {
    pub(super) scope: String,
    pub(super) account: String,
    pub(super) pool: String,
}

/// A store, and what had to be done to open it.
pub struct Opened {
    pub store: Store,
    /// What an operator should hear.
    pub said: Option<String>,
}

impl Store {
    /// Opens the database of a state directory, or begins one.
    ///
    /// A damaged one is moved aside. `holder` names this process and no other.
    pub fn open(
        state_dir: &Path,
        limits: Limits,
        holder: &str,
        now: Timestamp,
    ) -> Result<Opened, HistoryError> {
        let path = state_dir.join(FILE_NAME);
        fs::create_dir_all(state_dir).map_err(|it| HistoryError::of_io(state_dir, &it))?;
        match Self::open_file(&path, limits, holder) {
            Err(error) if error.is_damage() => {
                let aside = set_aside(&path, inode_of(&path), now)?;
                let store = Self::open_file(&path, limits, holder)?;
                let said = said_aside(&error, aside.as_deref());
                Ok(Opened { store, said })
            }
            other => other.map(|store| Opened { store, said: None }),
        }
    }

    pub fn in_memory() -> Result<Self, HistoryError> {
        let path = Path::new("history in memory");
        let db = Connection::open_in_memory().map_err(|it| HistoryError::of_sqlite(path, &it))?;
        Self::prepare(db, path, Limits::default(), "memory")
    }

    fn open_file(path: &Path, limits: Limits, holder: &str) -> Result<Self, HistoryError> {
        let db = Connection::open(path).map_err(|it| HistoryError::of_sqlite(path, &it))?;
        let mut store = Self::prepare(db, path, limits, holder)?;
        store.inode = inode_of(path);
        Ok(store)
    }

    fn prepare(
        mut db: Connection,
        path: &Path,
        limits: Limits,
        holder: &str,
    ) -> Result<Self, HistoryError> {
        let wrong = |it: rusqlite::Error| HistoryError::of_sqlite(path, &it);
        db.busy_timeout(BUSY_MAX).map_err(wrong)?;
        check_version(&db, path)?;
        // Room that is given back can be given back to the disk; only before the first table.
        db.pragma_update(None, "auto_vacuum", "incremental")
            .map_err(wrong)?;
        db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
            .map_err(wrong)?;
        // A crash of the machine may cost the last seconds, never the database.
        db.pragma_update(None, "synchronous", "normal")
            .map_err(wrong)?;
        // The log is folded in when nobody waits, not in the middle of a write.
        db.pragma_update(None, "wal_autocheckpoint", 0)
            .map_err(wrong)?;
        let page_size: i64 = db
            .pragma_query_value(None, "page_size", |it| it.get(0))
            .map_err(wrong)?;
        let n_bytes = i64::try_from(limits.n_bytes).unwrap_or(i64::MAX);
        let n_pages = (n_bytes / page_size.max(1)).max(20);
        db.pragma_update_and_check(None, "max_page_count", n_pages, |_| Ok(()))
            .map_err(wrong)?;
        db.set_prepared_statement_cache_capacity(32);
        begin(&mut db).map_err(wrong)?;
        check_version(&db, path)?;
        let metric_ids = number_metrics(&mut db).map_err(wrong)?;
        Ok(Self {
            db,
            path: path.to_owned(),
            limits,
            holder: holder.to_owned(),
            metric_ids,
            series_ids: HashMap::new(),
            inode: None,
        })
    }

    /// Moves the database aside, which has turned out to be damaged, and begins a new one.
    pub(super) fn begin_anew(
        &mut self,
        error: &HistoryError,
        now: Timestamp,
    ) -> Result<Option<String>, HistoryError> {
        let aside = set_aside(&self.path, self.inode, now)?;
        *self = Self::open_file(&self.path, self.limits, &self.holder)?;
        Ok(said_aside(error, aside.as_deref()))
    }

    pub(super) fn wrong(&self, error: &rusqlite::Error) -> HistoryError {
        HistoryError::of_sqlite(&self.path, error)
    }

    pub(super) fn metric_id(&self, metric: Metric) -> u32 {
        self.metric_ids[metric as usize]
    }

    /// Returns the number of a series, giving it one if need be.
    pub(super) fn series_id(&mut self, key: &SeriesKey) -> rusqlite::Result<u32> {
        if let Some(id) = self.series_ids.get(key) {
            return Ok(*id);
        }
        let id = if let Some(id) = self.known_series(key)? {
            id
        } else {
            let sql = "insert into series (scope, account, pool) values (?1, ?2, ?3)";
            let mut insert = self.db.prepare_cached(sql)?;
            let id = insert.insert(params![key.scope, key.account, key.pool])?;
            u32::try_from(id).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, id))?
        };
        self.series_ids.insert(key.clone(), id);
        Ok(id)
    }

    /// Forgets the numbers of series that a failed write may have taken back.
    pub(super) fn forget_series(&mut self) {
        self.series_ids.clear();
    }

    fn known_series(&self, key: &SeriesKey) -> rusqlite::Result<Option<u32>> {
        let sql = "select id from series where scope = ?1 and account = ?2 and pool = ?3";
        let mut select = self.db.prepare_cached(sql)?;
        select
            .query_row(params![key.scope, key.account, key.pool], |it| it.get(0))
            .optional()
    }

    /// Returns the series of a pool: of this account where it is known, else of the newest.
    pub(super) fn series_of(
        &self,
        pool: &PoolKey,
        account: Option<&str>,
    ) -> rusqlite::Result<Option<u32>> {
        self.find_series(pool.scope.as_str(), pool.name.as_str(), account)
    }

    pub(super) fn find_series(
        &self,
        scope: &str,
        pool: &str,
        account: Option<&str>,
    ) -> rusqlite::Result<Option<u32>> {
        let sql = "select id from series where scope = ?1 and pool = ?2 \
                   and (?3 is null or account = ?3) order by id desc limit 1";
        let mut select = self.db.prepare_cached(sql)?;
        select
            .query_row(params![scope, pool, account], |it| it.get(0))
            .optional()
    }
}

fn check_version(db: &Connection, path: &Path) -> Result<(), HistoryError> {
    let wrong = |it: rusqlite::Error| HistoryError::of_sqlite(path, &it);
    let pragma = |name: &str| -> Result<i64, HistoryError> {
        db.pragma_query_value(None, name, |it| it.get(0))
            .map_err(wrong)
    };
    let (version, application) = (pragma("user_version")?, pragma("application_id")?);
    if application == APPLICATION_ID && VERSION < version {
        return Err(HistoryError::Newer {
            path: path.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    let n_tables: i64 = db
        .query_row("select count(*) from sqlite_master", [], |it| it.get(0))
        .map_err(wrong)?;
    if application != APPLICATION_ID && 0 < n_tables {
        return Err(HistoryError::Foreign {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Makes the tables, unless another process just did.
fn begin(db: &mut Connection) -> rusqlite::Result<()> {
    let version = |db: &Connection| -> rusqlite::Result<i64> {
        db.pragma_query_value(None, "user_version", |it| it.get(0))
    };
    if version(db)? != 0 {
        // One that was made before they were thought of; without them it is only slower.
        let _ = db.execute_batch(INDEXES);
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&transaction)? == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.execute_batch(INDEXES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// Gives every metric its number; one that is new gets the next.
fn number_metrics(db: &mut Connection) -> rusqlite::Result<Vec<u32>> {
    let find = |db: &Connection| -> rusqlite::Result<Vec<u32>> {
        let mut select = db.prepare("select id from metric where name = ?1")?;
        let ids = Metric::ALL
            .iter()
            .map(|it| select.query_row([it.as_str()], |row| row.get(0)).optional());
        let ids: rusqlite::Result<Vec<Option<u32>>> = ids.collect();
        Ok(ids?.into_iter().flatten().collect())
    };
    let found = find(db)?;
    if found.len() == Metric::ALL.len() {
        return Ok(found);
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for metric in Metric::ALL {
        let sql = "insert or ignore into metric (name) values (?1)";
        transaction.execute(sql, [metric.as_str()])?;
    }
    transaction.commit()?;
    find(db)
}

fn said_aside(error: &HistoryError, aside: Option<&Path>) -> Option<String> {
    let aside = aside?.display();
    Some(format!(
        "{error}; it was moved to {aside}, and a new history begins"
    ))
}

fn inode_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|it| it.ino())
}

/// Moves a damaged database aside, with its log; `None` when another process already has.
///
/// Two consoles may find the damage at once: the second must not move away what the first began.
fn set_aside(
    path: &Path,
    damaged: Option<u64>,
    now: Timestamp,
) -> Result<Option<PathBuf>, HistoryError> {
    let in_path = |it: io::Error| HistoryError::of_io(path, &it);
    let lock = File::create(path.with_extension("lock")).map_err(in_path)?;
    lock.lock().map_err(in_path)?;
    if damaged.is_none() || inode_of(path) != damaged {
        return Ok(None);
    }
    let date = now.to_string().replace(':', "-");
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = named(&format!(".damaged-{date}"));
    fs::rename(path, &aside).map_err(in_path)?;
    for ending in ["-wal", "-shm"] {
        let mut to = aside.clone().into_os_string();
        to.push(ending);
        match fs::rename(named(ending), to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(in_path(error)),
            _ => {}
        }
    }
    Ok(Some(aside))
}
