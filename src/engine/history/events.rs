//! What happened in a time: markers on the axis, and machines that came up.

use rusqlite::params;

use super::{PastQuery, bucket::seconds, read::Whose, store::Store};
use crate::fleet::{Boot, Marker, MarkerKind, PoolKey, PoolName, ScopeId, Timestamp};

/// More of one kind than any front end shows, and than spot takes back in a month.
const N_MARKERS_MAX: u32 = 5000;
const N_BOOTS_MAX: u32 = 1000;

impl Store {
    /// Tells what happened, each kind by itself: what groups do all day pushes out nothing rare.
    pub(super) fn markers(
        &self,
        query: &PastQuery,
        own: &[u32],
        whose: &Whose,
        notes: &mut Vec<String>,
    ) -> rusqlite::Result<Vec<Marker>> {
        let mut found = Vec::new();
        for kind in MarkerKind::ALL {
            // What concerns the whole host concerns every pool.
            let is_of_one = query.pool.is_some() && kind != MarkerKind::Clock;
            let series = match (is_of_one, own) {
                (false, _) => None,
                (true, [series, ..]) => Some(*series),
                (true, []) => continue,
            };
            let (its, n_rows) = self.markers_of(kind, series, query, whose)?;
            if n_rows == N_MARKERS_MAX {
                let words = kind.as_str().replace('_', " ");
                notes.push(format!(
                    "only the newest {n_rows} of one kind are told: {words}"
                ));
            }
            found.extend(its);
        }
        found.sort_by_key(|it| it.at);
        Ok(found)
    }

    /// Returns the newest markers of a kind, and how many there were to look at.
    fn markers_of(
        &self,
        kind: MarkerKind,
        series: Option<u32>,
        query: &PastQuery,
        whose: &Whose,
    ) -> rusqlite::Result<(Vec<Marker>, u32)> {
        let which = if series.is_some() {
            "marker.series = ?1"
        } else {
            "?1 is null"
        };
        let sql = format!(
            "select marker.at, marker.what, series.scope, series.pool, series.account \
             from marker left join series on series.id = marker.series \
             where {which} and marker.kind = ?2 and marker.at >= ?3 and marker.at < ?4 \
             order by marker.at desc limit ?5"
        );
        let mut select = self.db.prepare_cached(&sql)?;
        let (from, until) = (seconds(query.span.from), seconds(query.span.until));
        let mut rows = select.query(params![series, kind.as_str(), from, until, N_MARKERS_MAX])?;
        let (mut found, mut n_rows) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            n_rows += 1;
            let (scope, pool): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            let account: Option<String> = row.get(4)?;
            let pool = pool
                .filter(|it| !it.is_empty())
                .and_then(|pool| Some(PoolKey::new(scope?, pool)));
            let is_ours = |pool: &PoolKey| whose.is_of(&pool.scope, account.as_deref());
            if pool.as_ref().is_none_or(is_ours) {
                found.push(Marker {
                    at: Timestamp::from_secs(row.get(0)?),
                    pool,
                    kind,
                    what: row.get(1)?,
                });
            }
        }
        Ok((found, n_rows))
    }

    pub(super) fn boots(&self, query: &PastQuery, whose: &Whose) -> rusqlite::Result<Vec<Boot>> {
        let sql = "select boot.*, series.scope, series.pool, series.account from boot \
                   join series on series.id = boot.series \
                   where seen_at >= ?1 and seen_at < ?2 \
                   and (?3 is null or series.scope = ?3) and (?4 is null or series.pool = ?4) \
                   order by seen_at desc limit ?5";
        let mut select = self.db.prepare_cached(sql)?;
        let (from, until) = (seconds(query.span.from), seconds(query.span.until));
        let pool = query.pool.as_ref();
        let mut rows = select.query(params![
            from,
            until,
            pool.map(|it| it.scope.as_str()),
            pool.map(|it| it.name.as_str()),
            N_BOOTS_MAX
        ])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let scope = ScopeId::from(row.get::<_, String>(10)?);
            let account: String = row.get(12)?;
            if whose.account(&scope).is_some_and(|it| it != account) {
                continue;
            }
            let at = |idx: usize| -> rusqlite::Result<Option<Timestamp>> {
                Ok(row.get::<_, Option<i64>>(idx)?.map(Timestamp::from_millis))
            };
            found.push(Boot {
                instance: row.get::<_, String>(0)?.into(),
                pool: PoolKey {
                    scope,
                    name: PoolName::from(row.get::<_, String>(11)?),
                },
                image: row.get::<_, Option<String>>(3)?.map(Into::into),
                instance_type: row.get(4)?,
                zone: row.get(5)?,
                requested_at: at(6)?,
                running_at: at(7)?,
                registered_at: at(8)?,
                first_job_at: at(9)?,
            });
        }
        found.reverse();
        Ok(found)
    }
}
