//! The newest samples: of one pool, or of all of them for many questions.

use std::collections::HashMap;

use rusqlite::params;

use super::{HistoryError, bucket::seconds, roll::HOUR, store::Store, tail};
use crate::fleet::{Metric, Span};

/// The second, for how long it stands, and metric numbers with ticks.
type TailRow = (i64, i64, Vec<(u32, i64)>);

/// The newest samples by series.
#[derive(Clone, Debug, Default)]
pub(super) struct Tails(HashMap<u32, Vec<TailRow>>);

impl Tails {
    pub(super) fn of(&self, series: u32, from: i64, until: i64) -> Vec<TailRow> {
        let its = self.0.get(&series).into_iter().flatten();
        let its = its.filter(|it| (from..until).contains(&it.0));
        its.cloned().collect()
    }
}

impl Store {
    /// Reads the newest samples of all pools at once: a row of them is of a whole region.
    pub(super) fn tails(&self, metrics: &[Metric], span: Span) -> Result<Tails, HistoryError> {
        let ids: Vec<u32> = metrics.iter().map(|it| self.metric_id(*it)).collect();
        let answer = self.try_tails(&ids, seconds(span.from) - HOUR, seconds(span.until));
        answer.map_err(|it| self.wrong(&it))
    }

    fn try_tails(&self, ids: &[u32], from: i64, until: i64) -> rusqlite::Result<Tails> {
        let sql = "select at, good_for, cells from tail where at >= ?1 and at < ?2 order by at";
        let mut select = self.db.prepare_cached(sql)?;
        let mut samples = select.query(params![from, until])?;
        let mut tails = Tails::default();
        while let Some(sample) = samples.next()? {
            let (at, good_for) = (sample.get(0)?, sample.get(1)?);
            let rows = tail::decode(sample.get_ref(2)?.as_blob()?, |_| true);
            for mut row in rows.unwrap_or_default() {
                row.cells.retain(|it| ids.contains(&it.0));
                let its = tails.0.entry(row.series).or_default();
                its.push((at, good_for, row.cells));
            }
        }
        Ok(tails)
    }

    pub(super) fn tail_of(
        &self,
        series: u32,
        ids: &[u32],
        from: i64,
        until: i64,
    ) -> rusqlite::Result<Vec<TailRow>> {
        let sql = "select at, good_for, cells from tail where at >= ?2 and at < ?3 and scope = \
                   (select scope.id from series as pool join series as scope \
                    on scope.scope = pool.scope and scope.account = pool.account \
                    and scope.pool = '' where pool.id = ?1)";
        let mut select = self.db.prepare_cached(sql)?;
        let mut samples = select.query(params![series, from, until])?;
        let mut found = Vec::new();
        while let Some(sample) = samples.next()? {
            let Some(row) = tail::decode_one(sample.get_ref(2)?.as_blob()?, series) else {
                continue;
            };
            let mut cells = row.cells;
            cells.retain(|it| ids.contains(&it.0));
            found.push((sample.get(0)?, sample.get(1)?, cells));
        }
        Ok(found)
    }
}
