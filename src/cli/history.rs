//! `history POOL`: what was measured over time, a line for each step.

use clap::Args;
use std::time::Duration;

use super::{
    Error, Exit, Format, Session, WhenFlags,
    json::{self, History, SourceError},
    pattern,
    session::Sight,
    sheet::Sheet,
};
use crate::{
    engine::{Limits, PastQuery},
    fleet::{
        Failure, Marker, MarkerKind, Metric, Past, PoolKey, SourceId, Span, Timestamp, Usd, Value,
        parse_duration, sanitize,
    },
};

#[derive(Clone, Debug, Args)]
pub struct HistoryFlags {
    /// The pool, by name or by scope/name; left out, all pools together
    #[arg(value_name = "POOL")]
    pub pool: Option<String>,
    /// What to show, such as `desired,busy_executors`
    #[arg(
        short,
        long,
        long_help = metrics(),
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "desired,in_service,busy_executors,idle_executors,queued_jobs,usd_per_hour",
        value_parser = Metric::parse
    )]
    pub metric: Vec<Metric>,
    #[command(flatten)]
    pub when: WhenFlags,
    /// How long a step is, such as 5m; left out, what makes some sixty of them
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub step: Option<Duration>,
    /// Fill what was not seen from CloudWatch first; AWS bills a cent for a thousand metrics
    #[arg(long)]
    pub backfill: bool,
    /// How to write the steps
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

fn metrics() -> String {
    let names: Vec<&str> = Metric::ALL.iter().map(|it| it.as_str()).collect();
    let names = names.join(", ");
    format!("What to show, such as `desired,busy_executors`\n\nOne or more of {names}")
}

/// So many steps are read on a screen or in a chat.
const N_STEPS: u64 = 60;
/// The lengths of step that a reader can add up.
const NICE_STEPS: [u64; 14] = [
    1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 86_400,
];
/// More steps than this are a mistake, and not a table.
const N_STEPS_MAX: u64 = 20_000;

pub(super) async fn run(session: &mut Session<'_>, flags: &HistoryFlags) -> Result<Exit, Error> {
    let sight = session.read_all(flags.timeout).await?;
    let now = session.handle.clock().now();
    let span = span(&flags.when, now)?;
    let step = step(flags.step, span)?;
    let pool = match &flags.pool {
        Some(name) => Some(one_pool(session, name, &sight).await?),
        None => None,
    };
    let query = PastQuery {
        pool,
        metrics: flags.metric.clone(),
        span,
        n_points: n_points(span, step),
    };
    let mut errors = sight.errors();
    if flags.backfill {
        let failures = backfill(session, &query).await;
        errors.extend(failures.iter().map(SourceError::new));
    }
    let past = session.handle.past(query).await;
    errors.extend(SourceError::of_history(&past, now));
    let exit = Exit::of_kinds(errors.iter().map(|it| it.kind));
    let text = match flags.output {
        Format::Table => sheet(&past).table(session.printer.width()),
        Format::Csv => sheet(&past).csv(),
        Format::Json => json::to_text(&History::new(now, &past, errors)),
        Format::Ndjson => History::new(now, &past, errors).lines(),
    };
    let has_titles = flags.output == Format::Table;
    session.printer.table(&text, has_titles)?;
    sight.warn(session.printer);
    if flags.output == Format::Table {
        tell_markers(session, &past);
    }
    note(session, &past);
    Ok(exit)
}

/// Tells what operators, spot and the clock did; what groups do all day is only counted.
fn tell_markers(session: &mut Session<'_>, past: &Past) {
    let is_common =
        |it: &Marker| matches!(it.kind, MarkerKind::Activity | MarkerKind::LaunchFailure);
    for it in past.markers.iter().filter(|it| !is_common(it)) {
        let what = format!("{} {}: {}", it.at, it.kind.as_str(), it.what);
        session.printer.talk(&sanitize(&what));
    }
    let n_common = past.markers.iter().filter(|it| is_common(it)).count();
    if n_common != 0 {
        session.printer.talk(&format!(
            "{n_common} activities and launch failures; -o json has them"
        ));
    }
}

/// Says where the past comes from, and what is wrong with it.
pub(super) fn note(session: &mut Session<'_>, past: &Past) {
    let is_known = |it: &crate::fleet::Series| it.last().is_some();
    if !past.series.iter().any(is_known) {
        session.printer.talk(match past.notes[..] {
            [] => {
                "Nothing was seen in that time. The history is kept while pooldeck runs; --backfill asks CloudWatch."
            }
            // Why not is said below.
            [..] => "Nothing was seen in that time.",
        });
    }
    for it in &past.notes {
        session.printer.warn_once(&sanitize(it));
    }
}

/// Fills what was not seen, and returns what could not be.
async fn backfill(session: &mut Session<'_>, query: &PastQuery) -> Vec<(SourceId, Failure)> {
    let filled = session
        .handle
        .backfill(query.pool.as_ref(), query.span)
        .await;
    session.printer.talk(&format!(
        "asked CloudWatch for {} metrics of {} pools",
        filled.n_metrics, filled.n_pools
    ));
    for (source, failure) in &filled.failures {
        let what = format!("{source}: {}", failure.what);
        session.printer.warn(&sanitize(&what));
    }
    filled.failures
}

pub(super) fn span(when: &WhenFlags, now: Timestamp) -> Result<Span, Error> {
    // Samples are of whole seconds, and a first step shows no more than the others.
    let whole = |it: Timestamp| Timestamp::from_millis(it.as_millis().div_euclid(1000) * 1000);
    let span = Span {
        from: whole(when.since.at(now)),
        until: when.until.at(now).min(now),
    };
    if span.until <= span.from {
        let what = format!("--since {} is not before --until {}", span.from, span.until);
        return Err(Error::usage(what).hint("--since 24h is the last day until now"));
    }
    check_kept(span.from, now)?;
    Ok(span)
}

/// Refuses a time that begins before anything that is kept: it would be told as if it were known.
pub(super) fn check_kept(from: Timestamp, now: Timestamp) -> Result<(), Error> {
    let days = Limits::default().coarse.as_secs() / 86_400;
    if now - Duration::from_hours(24 * days) <= from {
        return Ok(());
    }
    let what = "--since reaches back before anything that the history keeps";
    Err(Error::usage(what).hint(format!("--since {days}d is as far as it goes")))
}

fn step(asked: Option<Duration>, span: Span) -> Result<Duration, Error> {
    let length = span.length().as_secs();
    let secs = if let Some(step) = asked {
        step.as_secs().max(1)
    } else {
        let least = length.div_ceil(N_STEPS);
        let nice = NICE_STEPS.into_iter().find(|it| least <= *it);
        nice.unwrap_or(least.div_ceil(86_400) * 86_400)
    };
    if N_STEPS_MAX < length / secs {
        let what = format!("steps of {secs} s are {} lines", length / secs);
        return Err(Error::usage(what).hint("choose a longer --step or a later --since"));
    }
    Ok(Duration::from_secs(secs))
}

/// Returns how many points make steps of exactly this length.
fn n_points(span: Span, step: Duration) -> usize {
    let n = span.length().as_secs() / step.as_secs().max(1);
    let n = usize::try_from(n).unwrap_or(usize::MAX).max(1);
    // A span that is no multiple of the step would else make longer ones.
    (1..=n)
        .rev()
        .find(|it| {
            let it = u64::try_from(*it).unwrap_or(u64::MAX);
            span.length().as_secs().div_ceil(it) >= step.as_secs()
        })
        .unwrap_or(1)
}

/// Finds the one pool of that name, among those that are there and those that once were.
async fn one_pool(session: &mut Session<'_>, name: &str, sight: &Sight) -> Result<PoolKey, Error> {
    let kept = session.handle.past_pools().await;
    let named = pattern::pools_or_kept(name, sight, &kept)?;
    let mut named = named.into_iter();
    match (named.next(), named.next()) {
        (Some(pool), None) => Ok(pool),
        (Some(first), Some(second)) => {
            let what = format!("`{name}` is more than one pool: {first}, {second}, …");
            Err(Error::new(Exit::Refused, what).hint("name one of them as scope/name"))
        }
        (None, _) => unreachable!("a name without a pool is an error"),
    }
}

fn sheet(past: &Past) -> Sheet<'static> {
    let mut titles = vec!["time"];
    titles.extend(past.series.iter().map(|it| it.metric.as_str()));
    let mut sheet = Sheet::new(&titles);
    let n_rows = past.series.first().map_or(0, |it| it.points.len());
    for row_idx in 0..n_rows {
        let points = past
            .series
            .iter()
            .map(|it| (it.metric, it.points.get(row_idx)));
        let mut at = None;
        let cells = points.map(|(metric, point)| {
            at = at.or(point.map(|it| it.at));
            point
                .and_then(|it| it.value)
                .map_or(Value::Missing, |it| match metric.unit() {
                    crate::fleet::MetricUnit::UsdPerHour => Value::maybe_usd(Usd::from_f64(it)),
                    _ => Value::Number((it * 100.0).round() / 100.0),
                })
        });
        let cells: Vec<Value<'static>> = cells.collect();
        let mut row = vec![at.map_or(Value::Missing, Value::Time)];
        row.extend(cells);
        sheet.push(row);
    }
    sheet
}
