//! Fills the past from CloudWatch: what the console was not there for. It never
//! overwrites what was seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::params;

use super::{
    HistoryError,
    block::{Block, Column, ticks},
    bucket::seconds,
    keeper::Ask,
    roll::{CLOUDWATCH, DAY, Tier},
    rows::{Stat, key},
    store::{SeriesKey, Store},
};
use crate::{
    cloud::{AskedMetric, Measured, SharedCloud, Statistic},
    engine::handle::Inner,
    fleet::{Failure, Metric, Namespace, Pool, PoolKey, PoolKind, SourceId, Span, Timestamp},
};

/// CloudWatch keeps steps of a minute for 15 days, of five minutes for 63.
const FINE_MAX: Duration = Duration::from_hours(62 * 24);
const MINUTES_MAX: Duration = Duration::from_hours(26);
/// What was asked so lately is not asked again.
const PAUSE: Duration = Duration::from_mins(15);

/// The metrics of a group and what CloudWatch calls them.
const OF_GROUP: [(Metric, &str); 7] = [
    (Metric::Desired, "GroupDesiredCapacity"),
    (Metric::Min, "GroupMinSize"),
    (Metric::Max, "GroupMaxSize"),
    (Metric::InService, "GroupInServiceInstances"),
    (Metric::Pending, "GroupPendingInstances"),
    (Metric::Standby, "GroupStandbyInstances"),
    (Metric::Terminating, "GroupTerminatingInstances"),
];
const PUBLISHED: [&str; 7] = [
    "TotalExecutors",
    "BusyExecutors",
    "IdleExecutors",
    "OfflineExecutors",
    "DrainingExecutors",
    "QueuedJobs",
    "OldestQueuedSeconds",
];

/// What came of asking CloudWatch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    pub n_pools: usize,
    /// What was asked for, and AWS bills.
    pub n_metrics: usize,
    /// How many values came.
    pub n_values: usize,
    /// The regions that did not answer.
    pub failures: Vec<(SourceId, Failure)>,
}

/// Which days of which pools were asked for, and when.
#[derive(Debug, Default)]
pub(in crate::engine) struct Asked(Mutex<BTreeMap<PoolKey, BTreeMap<i64, Timestamp>>>);

impl Asked {
    /// Returns whether any day of the span is worth asking for, and notes that it is asked.
    pub(super) fn begin(&self, pool: &PoolKey, span: Span, now: Timestamp) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let days = asked.entry(pool.clone()).or_default();
        let (first, last) = (seconds(span.from) / DAY, seconds(span.until) / DAY);
        let mut is_new = false;
        for day in first..=last {
            let is_known = days.get(&day).is_some_and(|at| {
                // A day that was over when it was asked for has no more to tell.
                (day + 1) * DAY < seconds(*at) || now.since(*at) < PAUSE
            });
            if !is_known {
                days.insert(day, now);
                is_new = true;
            }
        }
        is_new
    }
}

/// Asks CloudWatch for a pool, or for every pool, and keeps what it says.
pub(in crate::engine) async fn fill(inner: &Inner, pool: Option<&PoolKey>, span: Span) -> Filled {
    let mut filled = Filled::default();
    let now = inner.clock.now();
    let fleet = &inner.snapshot.borrow().clone().fleet;
    for cloud in &inner.doors.clouds {
        let scope = cloud.scope();
        let Some(account) = scope.identity.as_ref().map(|it| it.account.clone()) else {
            continue;
        };
        let is_meant = |it: &PoolKey| it.scope == scope.id && pool.is_none_or(|pool| pool == it);
        let pools: Vec<&Pool> = fleet
            .pools
            .iter()
            .filter(|it| is_meant(it.0))
            .map(|it| &**it.1)
            .collect();
        if pools.is_empty() {
            continue;
        }
        let tier = tier_of(span, now);
        let questions = questions_of(&pools, &inner.config.namespace);
        filled.n_pools += pools.len();
        filled.n_metrics += questions.len();
        match ask(cloud, questions, span, tier).await {
            Ok(mut found) => {
                filled.n_values += found.values().flatten().map(|it| it.1.len()).sum::<usize>();
                if pool.is_none() {
                    // All pools of a scope together have no name.
                    let all = PoolKey::new(scope.id.clone(), "");
                    found.insert(all, totals(&pools, &found));
                }
                for (key, measured) in found {
                    let fill = Fill {
                        key: SeriesKey {
                            scope: key.scope.to_string(),
                            account: account.clone(),
                            pool: key.name.to_string(),
                        },
                        tier,
                        measured,
                        told_at: now,
                    };
                    inner.historian.tell(Ask::Fill(fill)).await;
                }
            }
            Err(error) => {
                let failure = error.into_failure(now, None);
                filled.failures.push((SourceId::Scope(scope.id), failure));
            }
        }
    }
    filled
}

/// Returns the steps that CloudWatch still has, and a screen can show.
fn tier_of(span: Span, now: Timestamp) -> Tier {
    if now.since(span.from) <= MINUTES_MAX {
        Tier::Minute
    } else if now.since(span.from) <= FINE_MAX {
        Tier::Fine
    } else {
        Tier::Coarse
    }
}

type Found = BTreeMap<PoolKey, Vec<(Metric, Measured)>>;
/// What is meant, and what CloudWatch calls it.
type Question = ((PoolKey, Metric), AskedMetric);

fn questions_of(pools: &[&Pool], namespace: &Namespace) -> Vec<Question> {
    let of_pool = |pool: &Pool| {
        let key = pool.key();
        let its = questions(pool, namespace).into_iter();
        its.map(move |(metric, question)| ((key.clone(), metric), question))
    };
    pools.iter().flat_map(|it| of_pool(it)).collect()
}

async fn ask(
    cloud: &SharedCloud,
    questions: Vec<Question>,
    span: Span,
    tier: Tier,
) -> Result<Found, crate::cloud::Error> {
    if questions.is_empty() {
        return Ok(Found::new());
    }
    let (wanted, asked): (Vec<_>, Vec<_>) = questions.into_iter().unzip();
    let step = Duration::from_secs(tier.step().unsigned_abs());
    // Whole days: the next question about them is answered from what is kept.
    let whole = Span {
        from: Timestamp::from_secs(seconds(span.from).div_euclid(DAY) * DAY),
        until: span.until,
    };
    let answers = cloud.past_metrics(&asked, whole, step).await?;
    let mut found = Found::new();
    for ((pool, metric), measured) in wanted.into_iter().zip(answers) {
        found.entry(pool).or_default().push((metric, measured));
    }
    Ok(found)
}

/// Returns whether CloudWatch can know a metric at all.
pub(super) fn is_known(metric: Metric) -> bool {
    let published = PUBLISHED.iter().filter_map(|it| Metric::of_published(it));
    let of_groups = OF_GROUP.iter().map(|it| it.0);
    of_groups.chain(published).any(|it| it == metric)
}

/// Adds up the pools of a scope; where one of them is not known, neither is the sum.
fn totals(pools: &[&Pool], found: &Found) -> Vec<(Metric, Measured)> {
    let metrics = Metric::ALL.iter().filter(|it| is_known(**it));
    let sums = metrics.filter_map(|metric| {
        let counted: Vec<&&Pool> = pools.iter().filter(|it| has(it, *metric)).collect();
        let values = counted.iter().map(|pool| {
            let its = found.get(&pool.key());
            let its = its.and_then(|it| it.iter().find(|it| it.0 == *metric));
            its.map_or(BTreeMap::new(), |it| it.1.iter().copied().collect())
        });
        let values: Vec<BTreeMap<Timestamp, f64>> = values.collect();
        let times: BTreeSet<Timestamp> = values.iter().flat_map(BTreeMap::keys).copied().collect();
        let sum = |at: Timestamp| -> Option<f64> {
            let there = counted.iter().zip(&values);
            // Before it was made, a pool had nothing.
            let there = there.filter(|it| it.0.created_at.is_none_or(|made| made <= at));
            let values = there.map(|it| it.1.get(&at).copied());
            if *metric == Metric::OldestQueuedSeconds {
                values
                    .into_iter()
                    .try_fold(0.0, |most: f64, it| Some(most.max(it?)))
            } else {
                values.sum()
            }
        };
        let sums = times.into_iter().filter_map(|at| Some((at, sum(at)?)));
        let sums: Measured = sums.collect();
        (!sums.is_empty()).then_some((*metric, sums))
    });
    sums.collect()
}

/// Returns whether a pool has a metric, whether CloudWatch is told of it or not.
fn has(pool: &Pool, metric: Metric) -> bool {
    if metric.is_of_controller() {
        pool.ci.is_some()
    } else {
        pool.kind == PoolKind::Group
    }
}

/// Returns what CloudWatch may know of a pool.
fn questions(pool: &Pool, namespace: &Namespace) -> Vec<(Metric, AskedMetric)> {
    let mut questions = Vec::new();
    let enabled: BTreeSet<&str> = pool.enabled_metrics.iter().map(String::as_str).collect();
    for (metric, name) in OF_GROUP {
        if pool.kind == PoolKind::Group && enabled.contains(name) {
            let question = AskedMetric {
                namespace: "AWS/AutoScaling".to_owned(),
                name: name.to_owned(),
                dimensions: vec![("AutoScalingGroupName".to_owned(), pool.name.to_string())],
                statistic: statistic(metric),
            };
            questions.push((metric, question));
        }
    }
    let Some(link) = &pool.ci else {
        return questions;
    };
    for name in PUBLISHED {
        let Some(metric) = Metric::of_published(name) else {
            continue;
        };
        let question = AskedMetric {
            namespace: namespace.to_string(),
            name: name.to_owned(),
            dimensions: vec![
                ("Pool".to_owned(), pool.name.to_string()),
                ("Label".to_owned(), link.label.clone()),
            ],
            statistic: statistic(metric),
        };
        questions.push((metric, question));
    }
    questions
}

/// A setting has no mean.
fn statistic(metric: Metric) -> Statistic {
    if metric.is_setting() || metric == Metric::OldestQueuedSeconds {
        Statistic::Maximum
    } else {
        Statistic::Average
    }
}

/// What CloudWatch said of one pool.
#[derive(Debug)]
pub(super) struct Fill {
    key: SeriesKey,
    tier: Tier,
    measured: Vec<(Metric, Measured)>,
    told_at: Timestamp,
}

impl Store {
    /// Keeps what CloudWatch said, beside what was seen.
    pub(super) fn fill(&mut self, fill: &Fill) -> Result<(), HistoryError> {
        let answer = self.try_fill(fill);
        answer.map_err(|it| {
            self.forget_series();
            self.wrong(&it)
        })
    }

    fn try_fill(&mut self, fill: &Fill) -> rusqlite::Result<()> {
        let series = self.series_id(&fill.key)?;
        let measured: Vec<(u32, &Measured)> = fill
            .measured
            .iter()
            .map(|(metric, measured)| (self.metric_id(*metric), measured))
            .collect();
        let told_at = seconds(fill.told_at);
        self.within(|db| {
            let sql = "insert or replace into block (series, tier, source, start, told_at, cells) \
                       values (?1, ?2, ?3, ?4, ?5, ?6)";
            let mut insert = db.prepare_cached(sql)?;
            for (day, block) in by_day(&measured) {
                let cells = block.encode();
                let start = day * DAY;
                insert.execute(params![
                    series,
                    fill.tier.step(),
                    CLOUDWATCH,
                    start,
                    told_at,
                    cells
                ])?;
            }
            Ok(())
        })
    }
}

fn by_day(measured: &[(u32, &Measured)]) -> BTreeMap<i64, Block> {
    let mut days: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for (at, _) in measured.iter().flat_map(|it| it.1) {
        let at = seconds(*at);
        days.entry(at.div_euclid(DAY)).or_default().insert(at);
    }
    let blocks = days.into_iter().map(|(day, times)| {
        let columns = measured.iter().map(|(metric_id, values)| {
            let values: BTreeMap<i64, f64> =
                values.iter().map(|(at, it)| (seconds(*at), *it)).collect();
            let cells = times
                .iter()
                .map(|at| values.get(at).and_then(|it| ticks(*it)));
            Column {
                key: key(*metric_id, Stat::Value),
                cells: cells.collect(),
            }
        });
        let block = Block {
            columns: columns.collect(),
            times: times.iter().copied().collect(),
        };
        (day, block)
    });
    blocks.collect()
}
