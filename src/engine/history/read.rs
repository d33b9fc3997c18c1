//! Reading: one metric over time, from whatever is kept finely enough.

use rusqlite::params;

use super::{
    HistoryError, PastQuery,
    block::Block,
    bucket::{Buckets, seconds},
    roll::{CLOUDWATCH, DAY, HOUR, OWN, Tier},
    rows::{GOOD_FOR, Rows, Stat, key, metric_id_of, steps},
    store::Store,
    tail,
    total::Filled,
};
use crate::fleet::{
    Boot, Marker, MarkerKind, Metric, Observation, Past, PoolKey, PoolName, ScopeId, Series,
    Timestamp,
};

/// Where a past is looked for: the scopes that the console looks at, and whose they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    /// The account of each scope, where it was proven.
    pub scopes: Vec<(ScopeId, Option<String>)>,
}

impl Whose {
    pub(super) fn of(observation: &Observation) -> Self {
        let scopes = observation.fleet.scopes.iter().map(|it| {
            let account = it.identity.as_ref().map(|it| it.account.clone());
            (it.id.clone(), account)
        });
        Self {
            scopes: scopes.collect(),
        }
    }

    /// Returns whether we look at a scope, and it is still the account that it was.
    fn is_of(&self, scope: &ScopeId, account: Option<&str>) -> bool {
        let mut its = self.scopes.iter().filter(|it| it.0 == *scope);
        its.any(|it| it.1.is_none() || it.1.as_deref() == account)
    }

    fn account(&self, scope: &ScopeId) -> Option<&str> {
        let found = self.scopes.iter().find(|it| it.0 == *scope)?;
        found.1.as_deref()
    }
}

/// More of one kind than any front end shows, and than spot takes back in a month.
const N_MARKERS_MAX: u32 = 5000;
const N_BOOTS_MAX: u32 = 1000;

impl Store {
    /// Answers a question about the past.
    pub fn past(&self, query: &PastQuery, whose: &Whose) -> Result<Past, HistoryError> {
        self.try_past(query, whose).map_err(|it| self.wrong(&it))
    }

    fn try_past(&self, query: &PastQuery, whose: &Whose) -> rusqlite::Result<Past> {
        let mut past = query.unseen();
        let own = self.series_asked(query, whose)?;
        let read = metrics_to_read(query);
        let mut is_filled = false;
        let mut found: Vec<Vec<Filled>> = Vec::new();
        for series in &own {
            let (buckets, has_filled) = self.buckets(*series, &read, query)?;
            is_filled |= has_filled;
            found.push(buckets);
        }
        let begins: Vec<Option<usize>> = found.iter().map(|it| super::total::begin(it)).collect();
        for (metric_idx, metric) in query.metrics.iter().enumerate() {
            let its: Vec<&Filled> = found.iter().map(|it| &it[metric_idx]).collect();
            if its.is_empty() {
                continue;
            }
            past.series[metric_idx] = Series {
                metric: *metric,
                step: query.step(),
                points: super::total::points(&its, &begins, *metric),
            };
        }
        if is_filled {
            past.notes
                .push("some of it comes from CloudWatch, in steps of minutes".to_owned());
        }
        past.markers = self.markers(query, &own, whose, &mut past.notes)?;
        past.boots = self.boots(query, whose)?;
        Ok(past)
    }

    /// Lists the pools of which anything is kept.
    pub fn pools(&self, whose: &Whose) -> Result<Vec<PoolKey>, HistoryError> {
        self.try_pools(whose).map_err(|it| self.wrong(&it))
    }

    fn try_pools(&self, whose: &Whose) -> rusqlite::Result<Vec<PoolKey>> {
        let sql = "select pool from series where scope = ?1 and pool <> '' \
                   and (?2 is null or account = ?2) order by pool";
        let mut select = self.db.prepare_cached(sql)?;
        let mut found = Vec::new();
        for (scope, account) in &whose.scopes {
            let mut rows = select.query(params![scope.as_str(), account])?;
            while let Some(row) = rows.next()? {
                found.push(PoolKey {
                    scope: scope.clone(),
                    name: PoolName::from(row.get::<_, String>(0)?),
                });
            }
        }
        Ok(found)
    }

    fn series_asked(&self, query: &PastQuery, whose: &Whose) -> rusqlite::Result<Vec<u32>> {
        if let Some(pool) = &query.pool {
            let account = whose.account(&pool.scope);
            return Ok(self.series_of(pool, account)?.into_iter().collect());
        }
        let mut found = Vec::new();
        for (scope, account) in &whose.scopes {
            found.extend(self.find_series(scope.as_str(), "", account.as_deref())?);
        }
        Ok(found)
    }

    /// Fills a set of steps for each metric; `true` when another source closed a gap.
    fn buckets(
        &self,
        series: u32,
        metrics: &[Metric],
        query: &PastQuery,
    ) -> rusqlite::Result<(Vec<Filled>, bool)> {
        let ids: Vec<u32> = metrics.iter().map(|it| self.metric_id(*it)).collect();
        let empty = Buckets::new(query.span, query.step());
        let mut own = vec![empty.clone(); ids.len()];
        self.fill_own(series, &ids, &mut own, query)?;
        join_wholes(metrics, &mut own);
        if !own.iter().any(Buckets::has_gaps) {
            return Ok((own.into_iter().map(Filled::from).collect(), false));
        }
        let mut others = vec![empty; ids.len()];
        for tier in [Tier::Minute, Tier::Fine, Tier::Coarse] {
            self.fill_steps(series, &ids, &mut others, (tier, CLOUDWATCH), |_| true)?;
        }
        let mut has_filled = false;
        let filled = own.into_iter().zip(&others).map(|(own, other)| {
            let mut filled = Filled::from(own);
            has_filled |= filled.whole.fill_gaps_from(other);
            filled
        });
        Ok((filled.collect(), has_filled))
    }

    /// Takes each day from the tier that is just fine enough, or from the next that has it.
    fn fill_own(
        &self,
        series: u32,
        ids: &[u32],
        buckets: &mut [Buckets],
        query: &PastQuery,
    ) -> rusqlite::Result<()> {
        let step = i64::try_from(query.step().as_secs()).unwrap_or(i64::MAX);
        let tiers = match step {
            HOUR.. => [Tier::Coarse, Tier::Fine, Tier::Raw],
            300.. => [Tier::Fine, Tier::Raw, Tier::Coarse],
            _ => [Tier::Raw, Tier::Fine, Tier::Coarse],
        };
        let mut done: Vec<i64> = Vec::new();
        for tier in tiers {
            let days = if tier == Tier::Raw {
                self.fill_raw(series, ids, buckets, &done)?
            } else {
                let is_open = |day: i64| !done.contains(&day);
                self.fill_steps(series, ids, buckets, (tier, OWN), is_open)?
            };
            done.extend(days);
        }
        Ok(())
    }

    /// Adds the days that are `open`, and returns which there were.
    fn fill_steps(
        &self,
        series: u32,
        ids: &[u32],
        buckets: &mut [Buckets],
        (tier, source): (Tier, i64),
        is_open: impl Fn(i64) -> bool,
    ) -> rusqlite::Result<Vec<i64>> {
        let Some((from, until)) = bounds(buckets) else {
            return Ok(Vec::new());
        };
        let sql = "select start, cells from block where series = ?1 and tier = ?2 \
                   and source = ?3 and start > ?4 and start < ?5";
        let mut select = self.db.prepare_cached(sql)?;
        let mut blocks = select.query(params![series, tier.step(), source, from - DAY, until])?;
        let mut days = Vec::new();
        while let Some(block) = blocks.next()? {
            let start: i64 = block.get(0)?;
            if !is_open(start / DAY) {
                continue;
            }
            days.push(start / DAY);
            let wanted = |key: u32| ids.contains(&metric_id_of(key));
            let block = Block::decode(block.get_ref(1)?.as_blob()?, wanted).unwrap_or_default();
            for (id, buckets) in ids.iter().zip(&mut *buckets) {
                for piece in steps(&block, *id, tier.step()) {
                    buckets.add(piece);
                }
            }
        }
        Ok(days)
    }

    /// Adds samples as they were seen, of days that are not done; returns the days there were.
    fn fill_raw(
        &self,
        series: u32,
        ids: &[u32],
        buckets: &mut [Buckets],
        done: &[i64],
    ) -> rusqlite::Result<Vec<i64>> {
        let Some((from, until)) = bounds(buckets) else {
            return Ok(Vec::new());
        };
        let mut rows = Rows::default();
        let mut days = Vec::new();
        let sql = "select start, cells from block where series = ?1 and tier = 0 \
                   and source = 0 and start > ?2 and start < ?3";
        let mut select = self.db.prepare_cached(sql)?;
        // An hour earlier: a sample stands for a while.
        let mut blocks = select.query(params![series, from - 2 * HOUR, until])?;
        while let Some(block) = blocks.next()? {
            let start: i64 = block.get(0)?;
            if done.contains(&(start / DAY)) {
                continue;
            }
            days.push(start / DAY);
            let wanted =
                |it: u32| it == GOOD_FOR || ids.iter().any(|id| it == key(*id, Stat::Value));
            let block = Block::decode(block.get_ref(1)?.as_blob()?, wanted);
            rows.add_block(&block.unwrap_or_default());
        }
        let tail_from = from - HOUR;
        for (at, good_for, cells) in self.tail_of(series, ids, tail_from, until)? {
            if !done.contains(&(at / DAY)) {
                days.push(at / DAY);
                rows.add(at, good_for, cells);
            }
        }
        for (id, buckets) in ids.iter().zip(buckets) {
            for piece in rows.pieces(*id) {
                buckets.add(piece);
            }
        }
        days.sort_unstable();
        days.dedup();
        Ok(days)
    }

    fn tail_of(
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

    /// Tells what happened, each kind by itself: what groups do all day pushes out nothing rare.
    fn markers(
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

    fn boots(&self, query: &PastQuery, whose: &Whose) -> rusqlite::Result<Vec<Boot>> {
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

/// Returns what is asked for, and what it takes to answer.
///
/// What is priced has its whole beside it; a sum has what tells since when a place was watched.
fn metrics_to_read(query: &PastQuery) -> Vec<Metric> {
    let mut metrics = query.metrics.clone();
    let wholes = query.metrics.iter().filter_map(|it| it.whole());
    let watched = query.pool.is_none().then_some(Metric::InService);
    for metric in wholes.chain(watched) {
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
}

/// Where all prices are known, the part that is known is the whole.
fn join_wholes(metrics: &[Metric], buckets: &mut [Buckets]) {
    for (idx, metric) in metrics.iter().enumerate() {
        let whole = metric.whole();
        let whole = whole.and_then(|it| metrics.iter().position(|other| *other == it));
        if let Some(whole) = whole.map(|it| buckets[it].clone()) {
            buckets[idx].join(&whole);
        }
    }
}

fn bounds(buckets: &[Buckets]) -> Option<(i64, i64)> {
    let first = buckets.first()?;
    Some((first.from, first.at(first.sums.len())))
}

/// The second, for how long it stands, and metric numbers with ticks.
type TailRow = (i64, i64, Vec<(u32, i64)>);
