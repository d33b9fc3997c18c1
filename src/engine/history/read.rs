//! Reading: one metric over time, from whatever is kept finely enough.

use rusqlite::params;

use super::{
    HistoryError, PastQuery,
    block::Block,
    bucket::Buckets,
    roll::{CLOUDWATCH, DAY, HOUR, OWN, Tier},
    rows::{GOOD_FOR, Rows, Stat, key, metric_id_of, steps},
    store::Store,
    tails::Tails,
    total::Filled,
};
use crate::fleet::{Metric, Observation, Past, PoolKey, PoolName, ScopeId, Series, Timestamp};

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
    pub(super) fn is_of(&self, scope: &ScopeId, account: Option<&str>) -> bool {
        let mut its = self.scopes.iter().filter(|it| it.0 == *scope);
        its.any(|it| it.1.is_none() || it.1.as_deref() == account)
    }

    pub(super) fn account(&self, scope: &ScopeId) -> Option<&str> {
        let found = self.scopes.iter().find(|it| it.0 == *scope)?;
        found.1.as_deref()
    }
}

impl Store {
    /// Answers a question about the past.
    pub fn past(&self, query: &PastQuery, whose: &Whose) -> Result<Past, HistoryError> {
        self.past_beside(query, whose, None)
    }

    /// Answers as `past` does, of what had come by `now`.
    ///
    /// The newest sample stands for a while that nobody has seen yet, and costs nothing yet.
    pub fn past_as_of(
        &self,
        query: &PastQuery,
        whose: &Whose,
        now: Timestamp,
    ) -> Result<Past, HistoryError> {
        let answer = self.try_past(query, whose, None, Some(now));
        answer.map_err(|it| self.wrong(&it))
    }

    /// Answers as `past` does; the newest samples may have been read for many questions.
    pub(super) fn past_beside(
        &self,
        query: &PastQuery,
        whose: &Whose,
        tails: Option<&Tails>,
    ) -> Result<Past, HistoryError> {
        let answer = self.try_past(query, whose, tails, None);
        answer.map_err(|it| self.wrong(&it))
    }

    fn try_past(
        &self,
        query: &PastQuery,
        whose: &Whose,
        tails: Option<&Tails>,
        now: Option<Timestamp>,
    ) -> rusqlite::Result<Past> {
        let mut past = query.unseen();
        let steps = Buckets::new(query.span, query.step());
        let steps = now.map_or(steps.clone(), |now| steps.until(now));
        let own = self.series_asked(query, whose)?;
        let read = metrics_to_read(query);
        let mut is_filled = false;
        let mut found: Vec<Vec<Filled>> = Vec::new();
        for series in &own {
            let (buckets, has_filled) = self.buckets((*series, &read), &steps, query, tails)?;
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

    /// Fills the steps for each metric; `true` when another source closed a gap.
    fn buckets(
        &self,
        (series, metrics): (u32, &[Metric]),
        steps: &Buckets,
        query: &PastQuery,
        tails: Option<&Tails>,
    ) -> rusqlite::Result<(Vec<Filled>, bool)> {
        let ids: Vec<u32> = metrics.iter().map(|it| self.metric_id(*it)).collect();
        let mut own = vec![steps.clone(); ids.len()];
        self.fill_own((series, &ids), &mut own, query, tails)?;
        join_wholes(metrics, &mut own);
        if !own.iter().any(Buckets::has_gaps) {
            return Ok((own.into_iter().map(Filled::from).collect(), false));
        }
        let mut others = vec![steps.clone(); ids.len()];
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
        (series, ids): (u32, &[u32]),
        buckets: &mut [Buckets],
        query: &PastQuery,
        tails: Option<&Tails>,
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
                self.fill_raw((series, ids), buckets, &done, tails)?
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
        (series, ids): (u32, &[u32]),
        buckets: &mut [Buckets],
        done: &[i64],
        tails: Option<&Tails>,
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
        let tail = match tails {
            Some(tails) => tails.of(series, tail_from, until),
            None => self.tail_of(series, ids, tail_from, until)?,
        };
        for (at, good_for, cells) in tail {
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
