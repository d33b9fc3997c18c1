//! What grows old takes less room: hours become blocks, days become steps, and the oldest goes.
//!
//! Each call does one small piece, so that a sample never waits long.

use std::{collections::BTreeMap, time::Duration};

use rusqlite::{OptionalExtension as _, params};

use super::{
    HistoryError,
    block::Block,
    bucket::seconds,
    rows::Rows,
    steps::{Sorts, steps_of},
    store::Store,
    tail,
};
use crate::fleet::Timestamp;

pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

/// How finely a block is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// As it was seen; a block is an hour.
    Raw,
    /// Steps of a minute, of CloudWatch only; a block is a day.
    Minute,
    /// Steps of five minutes; a block is a day.
    Fine,
    /// Steps of an hour; a block is a day.
    Coarse,
}

impl Tier {
    /// Returns what the database calls it: its step in seconds.
    pub(super) fn step(self) -> i64 {
        match self {
            Self::Raw => 0,
            Self::Minute => 60,
            Self::Fine => 300,
            Self::Coarse => HOUR,
        }
    }
}

/// Where a block comes from.
pub(super) const OWN: i64 = 0;
pub(super) const CLOUDWATCH: i64 = 1;

/// Series that are folded in one transaction.
const N_SERIES_AT_ONCE: u32 = 8;
/// The log is folded into the database when it has this many pages.
const N_LOG_PAGES: i64 = 1000;

impl Store {
    /// Does one piece of what is due; `false` when nothing is.
    pub fn tidy(&mut self, now: Timestamp) -> Result<bool, HistoryError> {
        let answer = self.try_tidy(seconds(now));
        answer.map_err(|it| self.wrong(&it))
    }

    fn try_tidy(&mut self, now: i64) -> rusqlite::Result<bool> {
        if let Some((scope, hour)) = self.hour_to_seal()? {
            self.seal(scope, hour)?;
            return Ok(true);
        }
        let days = self.days_to_fold(now)?;
        if !days.is_empty() {
            self.fold(&days, now)?;
            return Ok(true);
        }
        Ok(self.prune(now)? || self.shrink()? || self.fold_log()?)
    }

    /// Returns an hour of the tail that is over; only the one who holds the scope writes it.
    fn hour_to_seal(&self) -> rusqlite::Result<Option<(u32, i64)>> {
        let sql = "select tail.scope, tail.at / 3600 from tail \
                   join lease on lease.scope = tail.scope \
                   where lease.holder = ?1 and tail.at / 3600 <> lease.last_at / 3600 limit 1";
        let mut select = self.db.prepare_cached(sql)?;
        select
            .query_row([&self.holder], |it| Ok((it.get(0)?, it.get(1)?)))
            .optional()
    }

    /// Turns an hour of the tail into a block for each pool.
    fn seal(&mut self, scope: u32, hour: i64) -> rusqlite::Result<()> {
        let (from, until) = (hour * HOUR, (hour + 1) * HOUR);
        self.within(|db| {
            let mut found: BTreeMap<u32, Rows> = BTreeMap::new();
            let sql = "select at, good_for, cells from tail \
                       where scope = ?1 and at >= ?2 and at < ?3";
            let mut select = db.prepare_cached(sql)?;
            let mut samples = select.query(params![scope, from, until])?;
            while let Some(sample) = samples.next()? {
                let (at, good_for) = (sample.get(0)?, sample.get(1)?);
                // A row that cannot be read is a gap.
                let rows = tail::decode(sample.get_ref(2)?.as_blob()?, |_| true);
                for row in rows.unwrap_or_default() {
                    let its = found.entry(row.series).or_default();
                    its.add(at, good_for, row.cells);
                }
            }
            let sql = "select cells from block \
                       where series = ?1 and tier = ?2 and source = ?3 and start = ?4";
            let mut known = db.prepare_cached(sql)?;
            let sql = "insert or replace into block (series, tier, source, start, told_at, cells) \
                       values (?1, ?2, ?3, ?4, ?5, ?6)";
            let mut insert = db.prepare_cached(sql)?;
            for (series, rows) in found {
                let place = params![series, Tier::Raw.step(), OWN, from];
                let before: Option<Vec<u8>> = known.query_row(place, |it| it.get(0)).optional()?;
                let before = before.and_then(|it| Block::decode(&it, |_| true));
                let rows = match before {
                    Some(before) => {
                        let mut all = Rows::default();
                        all.add_block(&before);
                        all.add_block(&rows.to_block());
                        all
                    }
                    None => rows,
                };
                let cells = rows.to_block().encode();
                insert.execute(params![series, Tier::Raw.step(), OWN, from, until, cells])?;
            }
            let sql = "delete from tail where scope = ?1 and at >= ?2 and at < ?3";
            db.prepare_cached(sql)?
                .execute(params![scope, from, until])?;
            Ok(())
        })
    }

    /// Returns series with a day that is over and was not made into steps yet.
    fn days_to_fold(&self, now: i64) -> rusqlite::Result<Vec<(u32, i64)>> {
        // A day is over when no hour of it is left in the tail of anyone.
        let sql = "select distinct series, start / 86400 from block as raw \
                   where tier = 0 and start < ?1 and not exists ( \
                     select 1 from block where series = raw.series and tier = 300 \
                     and source = 0 and start = raw.start / 86400 * 86400) \
                   limit ?2";
        let mut select = self.db.prepare_cached(sql)?;
        let today = (now - HOUR / 6).div_euclid(DAY) * DAY;
        let found = select.query_map(params![today, N_SERIES_AT_ONCE], |it| {
            Ok((it.get(0)?, it.get(1)?))
        })?;
        found.collect()
    }

    fn fold(&mut self, days: &[(u32, i64)], now: i64) -> rusqlite::Result<()> {
        let sorts = Sorts::of(self);
        self.within(|db| {
            let sql = "select cells from block \
                       where series = ?1 and tier = 0 and source = 0 and start >= ?2 and start < ?3";
            let mut select = db.prepare_cached(sql)?;
            let sql = "insert or replace into block (series, tier, source, start, told_at, cells) \
                       values (?1, ?2, ?3, ?4, ?5, ?6)";
            let mut insert = db.prepare_cached(sql)?;
            for (series, day) in days {
                let (from, until) = (day * DAY, (day + 1) * DAY);
                let mut rows = Rows::default();
                // The last sample of the hour before may reach into the day.
                let mut blocks = select.query(params![series, from - HOUR, until])?;
                while let Some(block) = blocks.next()? {
                    let block = Block::decode(block.get_ref(0)?.as_blob()?, |_| true);
                    rows.add_block(&block.unwrap_or_default());
                }
                for tier in [Tier::Fine, Tier::Coarse] {
                    let cells = steps_of(&rows, from, until, tier.step(), &sorts).encode();
                    insert.execute(params![series, tier.step(), OWN, from, now, cells])?;
                }
            }
            Ok(())
        })
    }

    /// Deletes what is older than it is kept.
    fn prune(&mut self, now: i64) -> rusqlite::Result<bool> {
        let before = |age: Duration| {
            let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            now.saturating_sub(age).div_euclid(DAY) * DAY
        };
        let limits = self.limits;
        let ages = [
            (Tier::Raw, before(limits.raw)),
            (Tier::Minute, before(limits.raw)),
            (Tier::Fine, before(limits.fine)),
            (Tier::Coarse, before(limits.coarse)),
        ];
        let mut n_gone = 0;
        for (tier, before) in ages {
            // In slices: a first start after a long pause must not hold everybody up.
            let sql = "delete from block where id in \
                       (select id from block where tier = ?1 and start < ?2 limit 500)";
            let mut delete = self.db.prepare_cached(sql)?;
            n_gone += delete.execute(params![tier.step(), before])?;
        }
        let oldest = before(limits.coarse);
        for sql in [
            "delete from marker where at < ?1",
            "delete from boot where seen_at < ?1",
        ] {
            n_gone += self.db.prepare_cached(sql)?.execute([oldest])?;
        }
        Ok(0 < n_gone)
    }

    /// Deletes the oldest when the file is nearly as large as it may be.
    fn shrink(&mut self) -> rusqlite::Result<bool> {
        let pragma = |name: &str| -> rusqlite::Result<i64> {
            self.db.pragma_query_value(None, name, |it| it.get(0))
        };
        let (n_pages, n_free) = (pragma("page_count")?, pragma("freelist_count")?);
        let most = pragma("max_page_count")?;
        if most * 95 / 100 < n_pages - n_free {
            return self.delete_oldest();
        }
        // A few free pages will be used again; many are given back to the disk.
        if n_pages / 4 + 64 < n_free {
            self.db.execute_batch("pragma incremental_vacuum(256)")?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Deletes the oldest of what is kept most finely; `false` when nothing is left to delete.
    pub(super) fn delete_oldest(&mut self) -> rusqlite::Result<bool> {
        let sql = "delete from block where id in \
                   (select id from block where tier = ?1 and start < \
                     (select max(start) from block where tier = ?1) \
                   order by start limit 200)";
        for tier in [Tier::Raw, Tier::Minute, Tier::Fine, Tier::Coarse] {
            let mut delete = self.db.prepare_cached(sql)?;
            if 0 < delete.execute([tier.step()])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Folds the log into the database when it has grown.
    fn fold_log(&mut self) -> rusqlite::Result<bool> {
        let sql = "pragma wal_checkpoint(noop)";
        let n_pages: i64 = self.db.query_row(sql, [], |it| it.get(1)).unwrap_or(0);
        if n_pages < N_LOG_PAGES {
            return Ok(false);
        }
        let sql = "pragma wal_checkpoint(truncate)";
        // Whoever reads just now keeps the log a little longer.
        let is_busy: i64 = self.db.query_row(sql, [], |it| it.get(0))?;
        Ok(is_busy == 0)
    }

    /// Deletes what is oldest until there is room again, when a write found none.
    pub fn make_room(&mut self) -> Result<bool, HistoryError> {
        let answer = self.delete_oldest();
        answer.map_err(|it| self.wrong(&it))
    }
}
