//! `report WHAT`: what the past of the pools comes to.

use clap::{Args, ValueEnum};
use std::{sync::Arc, time::Duration};

use super::{
    Error, Exit, Format, PoolPatterns, Session, WhenFlags, history,
    json::{self, Report, SourceError},
    pattern,
    sheet::Sheet,
};
use crate::{
    cost::past::{
        Readiness, SAVINGS_METRICS, SPENT_METRICS, Savings, Spent, TREND_BOOTS_SPAN, TREND_METRICS,
        Took, Utilisation, readiness, savings, spent, trends, utilisation,
    },
    engine::PastQuery,
    fleet::{Metric, Past, PoolKey, Span, Trend, Usd, Use, Value, parse_duration, sanitize},
};

#[derive(Clone, Debug, Args)]
pub struct ReportFlags {
    /// What to report
    #[arg(value_name = "WHAT")]
    pub what: ReportKind,
    #[command(flatten)]
    pub pools: PoolPatterns,
    #[command(flatten)]
    pub when: WhenFlags,
    /// How to write the rows
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportKind {
    /// How much of the executors' time was work
    Utilisation,
    /// What was paid for idle, standby, retained and stray machines
    Waste,
    /// What spot saved, less the work that interruptions cost
    Savings,
    /// How long machines took to their first job, by image and type
    TimeToReady,
    /// What the last day says against a pool, and of boots the last week, with the evidence
    Trends,
}

/// Steps of an hour up to two months; fewer hours are cut into as many.
const N_STEPS: usize = 1500;

/// What was worked out, one row for each pool or image.
pub(super) enum Rows {
    Utilisation(Vec<Utilisation>),
    Waste(Vec<Spent>),
    Savings(Vec<Savings>),
    TimeToReady(Vec<Readiness>),
    Trends(Vec<Trend>),
}

pub(super) async fn run(session: &mut Session<'_>, flags: &ReportFlags) -> Result<Exit, Error> {
    let sight = session.read_all(flags.timeout).await?;
    let now = session.handle.clock().now();
    let span = history::span(&flags.when, now)?;
    let kept = session.handle.past_pools().await;
    let mut pools: Vec<PoolKey> = Vec::new();
    for name in &flags.pools.pools {
        pools.extend(pattern::pools_or_kept(name, &sight, &kept)?);
    }
    if flags.pools.pools.is_empty() {
        let known = sight.observation.fleet.pools.keys();
        pools.extend(known.chain(&kept).cloned());
    }
    pools.sort();
    pools.dedup();
    let mut pasts = Vec::new();
    for pool in pools {
        let query = PastQuery {
            pool: Some(pool),
            metrics: metrics(flags.what),
            span,
            n_points: n_points(flags.what, span),
        };
        let mut past = session.handle.past(query).await;
        if flags.what == ReportKind::Trends {
            past = with_boots(session, past).await;
        }
        pasts.push(past);
    }
    let mut errors = sight.errors();
    // It is one database, whichever pool was asked for.
    errors.extend(pasts.iter().find_map(|it| SourceError::of_history(it, now)));
    let exit = Exit::of_kinds(errors.iter().map(|it| it.kind));
    let rows = Rows::of(flags.what, &pasts);
    let text = match flags.output {
        Format::Table => rows.sheet().table(session.printer.width()),
        Format::Csv => rows.sheet().csv(),
        Format::Json => json::to_text(&Report::new(now, span, &rows, errors)),
        Format::Ndjson => Report::new(now, span, &rows, errors).lines(),
    };
    let is_empty = rows.sheet().rows.is_empty();
    session
        .printer
        .table(&text, flags.output == Format::Table)?;
    sight.warn(session.printer);
    if is_empty {
        session.printer.talk("Nothing to report of that time.");
    }
    let mut notes: Vec<&String> = pasts.iter().flat_map(|it| &it.notes).collect();
    notes.dedup();
    for it in notes {
        session.printer.warn_once(&sanitize(it));
    }
    Ok(exit)
}

/// Adds the boots that `doctor` and `summary` compare: images change less often than sizes.
async fn with_boots(session: &Session<'_>, past: Arc<Past>) -> Arc<Past> {
    let longer = Span::before(past.span.until, TREND_BOOTS_SPAN);
    if past.span.from <= longer.from {
        return past;
    }
    let query = PastQuery {
        pool: past.pool.clone(),
        metrics: Vec::new(),
        span: longer,
        n_points: 1,
    };
    let boots = session.handle.past(query).await.boots.clone();
    Arc::new(Past {
        boots,
        ..Past::clone(&past)
    })
}

fn n_points(what: ReportKind, span: Span) -> usize {
    let secs = span.length().as_secs();
    // How often desired turned around shows in short steps only.
    let step = if what == ReportKind::Trends { 60 } else { 3600 };
    usize::try_from(secs / step)
        .unwrap_or(N_STEPS)
        .clamp(24, N_STEPS)
}

fn metrics(what: ReportKind) -> Vec<Metric> {
    match what {
        ReportKind::Utilisation => vec![
            Metric::TotalExecutors,
            Metric::BusyExecutors,
            Metric::IdleExecutors,
            Metric::QueuedJobs,
            Metric::OldestQueuedSeconds,
        ],
        ReportKind::Waste => {
            let parts = Use::ALL.map(Metric::of_use);
            let sums = std::iter::once(Metric::InService).chain(SPENT_METRICS);
            sums.chain(parts).collect()
        }
        ReportKind::Savings => SAVINGS_METRICS.to_vec(),
        ReportKind::TimeToReady => vec![Metric::InService],
        ReportKind::Trends => TREND_METRICS.to_vec(),
    }
}

impl Rows {
    fn of(what: ReportKind, pasts: &[std::sync::Arc<Past>]) -> Self {
        let pasts = pasts.iter().map(|it| &**it);
        match what {
            ReportKind::Utilisation => Self::Utilisation(pasts.map(utilisation).collect()),
            ReportKind::Waste => Self::Waste(pasts.map(spent).collect()),
            ReportKind::Savings => Self::Savings(pasts.map(savings).collect()),
            ReportKind::TimeToReady => {
                Self::TimeToReady(pasts.flat_map(|it| readiness(&it.boots)).collect())
            }
            ReportKind::Trends => Self::Trends(pasts.flat_map(trends).collect()),
        }
    }

    fn sheet(&self) -> Sheet<'_> {
        match self {
            Self::Utilisation(rows) => of_utilisation(rows),
            Self::Waste(rows) => of_waste(rows),
            Self::Savings(rows) => of_savings(rows),
            Self::TimeToReady(rows) => of_readiness(rows),
            Self::Trends(rows) => of_trends(rows),
        }
    }
}

fn of_utilisation(rows: &[Utilisation]) -> Sheet<'_> {
    let mut sheet = Sheet::new(&[
        "pool",
        "busy %",
        "busy",
        "most",
        "idle",
        "executors",
        "most queued",
        "longest wait",
        "seen h",
    ]);
    for it in rows {
        sheet.push(vec![
            pool(it.pool.as_ref()),
            number(it.busy_share.map(|it| it * 100.0), 0),
            number(it.mean_busy, 1),
            number(it.most_busy, 0),
            number(it.mean_idle, 1),
            number(it.mean_executors, 1),
            number(it.most_queued, 0),
            it.longest_wait_seconds.map_or(Value::Missing, |it| {
                Value::Age(Duration::from_secs_f64(it.max(0.0)))
            }),
            number(Some(it.seen_hours), 1),
        ]);
    }
    sheet
}

fn of_waste(rows: &[Spent]) -> Sheet<'_> {
    let mut titles = vec!["pool", "usd", "waste"];
    titles.extend(Use::ALL.map(Use::as_str));
    titles.push("seen h");
    let mut sheet = Sheet::new(&titles);
    for it in rows {
        let mut row = vec![
            pool(it.pool.as_ref()),
            Value::maybe_usd(it.total),
            Value::maybe_usd(it.waste),
        ];
        row.extend(it.by_use.iter().map(|it| Value::maybe_usd(it.1)));
        row.push(number(Some(it.seen_hours()), 1));
        sheet.push(row);
    }
    sheet
}

fn of_savings(rows: &[Savings]) -> Sheet<'_> {
    let mut sheet = Sheet::new(&[
        "pool",
        "spot",
        "on-demand",
        "saved",
        "interruptions",
        "lost min",
        "lost",
        "net",
    ]);
    for it in rows {
        let count = |n: usize| Value::count(u32::try_from(n).unwrap_or(u32::MAX));
        sheet.push(vec![
            pool(it.pool.as_ref()),
            Value::maybe_usd(it.spot),
            Value::maybe_usd(it.on_demand),
            Value::maybe_usd(it.saved),
            count(it.n_interruptions),
            Value::count(u32::try_from(it.lost_minutes).unwrap_or(u32::MAX)),
            Value::maybe_usd(it.lost),
            match it.net {
                // What nobody saw was lost, too.
                Some(net) if 0 < it.n_unknown => Value::Text(format!("<{net:.3}").into()),
                net => Value::maybe_usd(net),
            },
        ]);
    }
    sheet
}

fn of_readiness(rows: &[Readiness]) -> Sheet<'_> {
    let mut sheet = Sheet::new(&[
        "pool",
        "image",
        "type",
        "boots",
        "running",
        "registered",
        "p90",
        "first job",
        "p90",
    ]);
    let median = |it: Option<Took>| it.map_or(Value::Missing, |it| Value::Age(it.median));
    let p90 = |it: Option<Took>| it.map_or(Value::Missing, |it| Value::Age(it.p90));
    for it in rows {
        sheet.push(vec![
            pool(Some(&it.pool)),
            Value::maybe_text(it.image.as_ref().map(crate::fleet::ImageId::as_str)),
            Value::text(it.instance_type.as_str()),
            Value::count(u32::try_from(it.n_boots).unwrap_or(u32::MAX)),
            median(it.running),
            median(it.registered),
            p90(it.registered),
            median(it.first_job),
            p90(it.first_job),
        ]);
    }
    sheet
}

fn of_trends(rows: &[Trend]) -> Sheet<'_> {
    let mut sheet = Sheet::new(&["pool", "trend", "usd", "why"]);
    for it in rows {
        sheet.push(vec![
            pool(Some(&it.pool)),
            Value::text(it.kind.as_str()),
            Value::maybe_usd(it.usd),
            Value::text(it.why.as_str()),
        ]);
    }
    sheet
}

fn pool(key: Option<&PoolKey>) -> Value<'_> {
    Value::maybe_text(key.map(|it| it.name.as_str()))
}

fn number(value: Option<f64>, n_digits: i32) -> Value<'static> {
    let unit = 10_f64.powi(n_digits);
    value.map_or(Value::Missing, |it| {
        Value::Number((it * unit).round() / unit)
    })
}

/// Returns an amount as JSON has it.
pub(super) fn dollars(amount: Option<Usd>) -> Option<f64> {
    amount.map(Usd::as_f64)
}
