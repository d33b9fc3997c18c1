//! Writing: a sample is one row; markers and boots are written once.

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use super::{
    HistoryError,
    block::ticks,
    bucket::seconds,
    store::{SeriesKey, Store},
    tail::{self, Row},
};
use crate::fleet::{Boot, Marker, MarkerKind, Sample, Timestamp, Values};

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Written,
    /// Another process writes this scope; it sees the same.
    NotOurs,
    /// There is one of this second already.
    Again,
    /// The clock went back; nothing is written until it has come as far as it was.
    ClockWentBack,
}

/// A lease that ends later than this is left from a clock that was wrong.
const LEASE_SECS_MAX: i64 = 3600;
/// A clock that goes back by more than this was wrong before, not now.
const STEP_BACK_SECS_MAX: i64 = 3600;

impl Store {
    /// Writes a sample, unless another process writes this scope.
    pub fn append(&mut self, sample: &Sample) -> Result<Kept, HistoryError> {
        let answer = self.try_append(sample);
        answer.map_err(|it| {
            self.forget_series();
            self.wrong(&it)
        })
    }

    fn try_append(&mut self, sample: &Sample) -> rusqlite::Result<Kept> {
        let at = seconds(sample.at);
        let good_for = i64::try_from(sample.good_for.as_secs()).unwrap_or(i64::MAX);
        self.db.execute_batch("begin immediate")?;
        let kept = self.append_within(sample, at, good_for);
        let is_done = matches!(kept, Ok(Kept::Written | Kept::ClockWentBack));
        self.db
            .execute_batch(if is_done { "commit" } else { "rollback" })
            .or_else(|error| {
                // SQLite has rolled back by itself where it could not go on.
                let _ = self.db.execute_batch("rollback");
                if kept.is_ok() { Err(error) } else { Ok(()) }
            })?;
        kept
    }

    fn append_within(&mut self, sample: &Sample, at: i64, good_for: i64) -> rusqlite::Result<Kept> {
        let key = |pool: &str| SeriesKey {
            scope: sample.scope.to_string(),
            account: sample.account.clone(),
            pool: pool.to_owned(),
        };
        let scope = self.series_id(&key(""))?;
        let lease = self.lease(scope)?;
        let is_others = lease.as_ref().is_some_and(|it| {
            it.holder != self.holder
                && at < it.until
                && it.until - at < LEASE_SECS_MAX
                && is_alive(&it.holder)
        });
        if is_others {
            return Ok(Kept::NotOurs);
        }
        let last_at = lease.map(|it| it.last_at);
        if last_at == Some(at) {
            return Ok(Kept::Again);
        }
        let until = at + good_for.max(30);
        if let Some(last_at) = last_at.filter(|it| at < *it && *it - at <= STEP_BACK_SECS_MAX) {
            self.mark_step_back(scope, at, last_at)?;
            self.hold(scope, until, last_at)?;
            return Ok(Kept::ClockWentBack);
        }
        let mut rows = vec![self.row(scope, &sample.total)];
        for (pool, values) in &sample.pools {
            let series = self.series_id(&key(pool.as_str()))?;
            rows.push(self.row(series, values));
        }
        let sql = "insert or ignore into tail (scope, at, good_for, cells) values (?1, ?2, ?3, ?4)";
        let mut insert = self.db.prepare_cached(sql)?;
        insert.execute(params![scope, at, good_for, tail::encode(&rows)])?;
        drop(insert);
        self.hold(scope, until, at)?;
        Ok(Kept::Written)
    }

    fn row(&self, series: u32, values: &Values) -> Row {
        let cells = values.iter().filter_map(|(metric, value)| {
            let ticks = ticks(value?)?;
            Some((self.metric_id(metric), ticks))
        });
        let mut cells: Vec<(u32, i64)> = cells.collect();
        cells.sort_unstable();
        Row { series, cells }
    }

    /// Says once that the clock went back; the same hour is not told twice.
    fn mark_step_back(&mut self, scope: u32, at: i64, last_at: i64) -> rusqlite::Result<()> {
        let by = u64::try_from(last_at - at).unwrap_or(0);
        let by = crate::fleet::short_duration(std::time::Duration::from_secs(by));
        let what = format!("the clock of this host went back by {by}; that time is not told twice");
        let name = format!("clock {scope} {last_at}");
        self.insert_marker(last_at, scope, MarkerKind::Clock, &what, &name)
    }

    fn lease(&self, scope: u32) -> rusqlite::Result<Option<Lease>> {
        let sql = "select holder, until, last_at from lease where scope = ?1";
        let mut select = self.db.prepare_cached(sql)?;
        let lease = select.query_row([scope], |row| {
            Ok(Lease {
                holder: row.get(0)?,
                until: row.get(1)?,
                last_at: row.get(2)?,
            })
        });
        lease.optional()
    }

    fn hold(&self, scope: u32, until: i64, last_at: i64) -> rusqlite::Result<()> {
        let sql = "insert into lease (scope, holder, until, last_at) values (?1, ?2, ?3, ?4) \
                   on conflict (scope) do update set holder = ?2, until = ?3, last_at = ?4";
        let mut upsert = self.db.prepare_cached(sql)?;
        upsert.execute(params![scope, self.holder, until, last_at])?;
        Ok(())
    }

    /// Lets another process write at once, not only when the lease has run out.
    pub fn release(&mut self) -> Result<(), HistoryError> {
        let sql = "update lease set until = 0 where holder = ?1";
        let answer = self.db.execute(sql, [&self.holder]).map(drop);
        answer.map_err(|it| self.wrong(&it))
    }

    /// Writes what happened; what is known by its name already is not written again.
    pub fn mark(&mut self, markers: &[(String, String, Marker)]) -> Result<(), HistoryError> {
        let answer = self.try_mark(markers);
        answer.map_err(|it| {
            self.forget_series();
            self.wrong(&it)
        })
    }

    fn try_mark(&mut self, markers: &[(String, String, Marker)]) -> rusqlite::Result<()> {
        for (account, name, marker) in markers {
            let series = match &marker.pool {
                Some(pool) => self.series_id(&SeriesKey {
                    scope: pool.scope.to_string(),
                    account: account.clone(),
                    pool: pool.name.to_string(),
                })?,
                None => 0,
            };
            let at = seconds(marker.at);
            self.insert_marker(at, series, marker.kind, &marker.what, name)?;
        }
        Ok(())
    }

    fn insert_marker(
        &self,
        at: i64,
        series: u32,
        kind: MarkerKind,
        what: &str,
        name: &str,
    ) -> rusqlite::Result<()> {
        let sql = "insert or ignore into marker (at, series, kind, what, name) \
                   values (?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.db.prepare_cached(sql)?;
        insert.execute(params![at, series, kind.as_str(), what, name])?;
        Ok(())
    }

    /// Writes how far instances have come; what was known before stays where nothing new is known.
    pub fn note_boots(
        &mut self,
        account: &str,
        boots: &[Boot],
        now: Timestamp,
    ) -> Result<(), HistoryError> {
        let answer = self.try_note_boots(account, boots, now);
        answer.map_err(|it| {
            self.forget_series();
            self.wrong(&it)
        })
    }

    fn try_note_boots(
        &mut self,
        account: &str,
        boots: &[Boot],
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        for boot in boots {
            let series = self.series_id(&SeriesKey {
                scope: boot.pool.scope.to_string(),
                account: account.to_owned(),
                pool: boot.pool.name.to_string(),
            })?;
            let sql = "insert into boot values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
                       on conflict (instance, series) do update set \
                       image = coalesce(image, ?4), \
                       requested_at = coalesce(requested_at, ?7), \
                       running_at = coalesce(running_at, ?8), \
                       registered_at = coalesce(registered_at, ?9), \
                       first_job_at = coalesce(first_job_at, ?10)";
            let mut upsert = self.db.prepare_cached(sql)?;
            upsert.execute(params![
                boot.instance.as_str(),
                series,
                seconds(boot.requested_at.unwrap_or(now)),
                boot.image.as_ref().map(crate::fleet::ImageId::as_str),
                boot.instance_type,
                boot.zone,
                boot.requested_at.map(Timestamp::as_millis),
                boot.running_at.map(Timestamp::as_millis),
                boot.registered_at.map(Timestamp::as_millis),
                boot.first_job_at.map(Timestamp::as_millis),
            ])?;
        }
        Ok(())
    }

    /// Runs a piece of work in one transaction that no other writer divides.
    pub(super) fn within<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

struct Lease {
    holder: String,
    until: i64,
    last_at: i64,
}

/// Returns whether the process that a holder names may still run on this host.
fn is_alive(holder: &str) -> bool {
    let pid = holder.split(' ').nth(1).and_then(|it| it.parse().ok());
    let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) else {
        return true;
    };
    let asked = rustix::process::test_kill_process(pid);
    asked != Err(rustix::io::Errno::SRCH)
}
