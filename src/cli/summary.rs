//! `summary`: the whole fleet in one chat message.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use clap::Args;

use super::{
    ActFormat, Error, Exit, PoolPatterns, Session,
    json::{self, PoolSummary, SourceError, Summary},
    pattern,
};
use crate::{
    engine::Wanted,
    fleet::{
        Amount, Observation, PoolRow, Split, TrendKind, Usd, parse_duration, sanitize, strays,
        waiting,
    },
};

#[derive(Clone, Debug, Args)]
pub struct SummaryFlags {
    #[command(flatten)]
    pub pools: PoolPatterns,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: ActFormat,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

/// What the chats that people use take in one message.
const N_CHARS_MAX: usize = 3800;
/// More warnings of one pool than this are only counted.
const N_WARNINGS_MAX: usize = 3;

pub(super) async fn run(session: &mut Session<'_>, flags: &SummaryFlags) -> Result<Exit, Error> {
    session.read_all(flags.timeout).await?;
    session.handle.read_prices(Wanted::Spot).await;
    let mut sight = session.sight(flags.timeout);
    sight.observation = session.handle.look_back(&sight.observation).await;
    let named = pattern::pools(&flags.pools.pools, &sight)?;
    let observation = &sight.observation;
    let mut rows = PoolRow::all(&observation.fleet);
    rows.retain(|it| {
        named
            .as_ref()
            .is_none_or(|named| named.contains(&it.pool.key()))
    });
    let mut summary = summarise(observation, &rows);
    summary.errors = sight.failures.iter().map(SourceError::new).collect();
    let text = match flags.output {
        ActFormat::Json => json::to_text(&summary),
        ActFormat::Ndjson => json::to_line(&summary),
        ActFormat::Table => in_words(&summary),
    };
    session.printer.table(&text, false)?;
    sight.warn(session.printer);
    Ok(sight.exit())
}

fn summarise(observation: &Observation, rows: &[PoolRow<'_>]) -> Summary {
    let (fleet, now) = (&observation.fleet, observation.at);
    let strays = strays(fleet, now);
    let waiting = waiting(fleet, now);
    let mut pools: Vec<PoolSummary> = rows
        .iter()
        .map(|row| {
            let key = row.pool.key();
            let waits = waiting.iter().filter(|it| it.is_alarming && it.pool == key);
            let mut warnings: Vec<String> = waits.map(|it| it.why.clone()).collect();
            let strays = strays.iter().filter(|it| it.kind.is_alarming());
            let strays = strays.filter(|it| it.pool.as_ref() == Some(&key));
            warnings.extend(strays.map(|it| format!("stray: {}", it.why)));
            // Launches that fail are waited for, and stand there already.
            let trends = fleet.trends.iter().filter(|it| it.pool == key);
            let trends = trends.filter(|it| it.kind != TrendKind::LaunchFailures);
            let words = |kind: TrendKind| kind.as_str().replace('_', " ");
            warnings.extend(trends.map(|it| format!("{}: {}", words(it.kind), it.why)));
            if 0 < row.n_outdated {
                warnings.push(format!("{} instances are outdated", row.n_outdated));
            }
            PoolSummary::new(row, now, warnings)
        })
        .collect();
    // The dearest first; what is not known may be dearer than all.
    pools.sort_by_key(|it| std::cmp::Reverse(it.usd_per_hour.unwrap_or(Usd::from_nanos(i64::MAX))));
    let n_strays = strays.iter().filter(|it| it.kind.is_alarming()).count();
    let n_instances = pools.iter().flat_map(|it| it.states.values()).sum();
    let sum = |of: fn(&Split) -> Amount| pools.iter().map(|it| of(&it.split)).sum::<Amount>();
    let (usd, waste) = (sum(Split::amount), sum(Split::amount_of_waste));
    Summary {
        version: json::VERSION,
        at: now,
        usd_per_hour: usd.exact(),
        waste_usd_per_hour: waste.exact(),
        priced_usd_per_hour: usd.least(),
        priced_waste_usd_per_hour: waste.least(),
        instances: n_instances,
        pools,
        strays: u32::try_from(n_strays).unwrap_or(u32::MAX),
        errors: Vec::new(),
    }
}

fn in_words(summary: &Summary) -> String {
    let priced = |whole: Option<Usd>, part: Option<Usd>| {
        per_hour(Amount::new(whole, part.unwrap_or_default()))
    };
    let mut text = format!(
        "{} pools, {} instances, {}, waste {}, {} strays, {}\n",
        summary.pools.len(),
        summary.instances,
        priced(summary.usd_per_hour, summary.priced_usd_per_hour),
        priced(
            summary.waste_usd_per_hour,
            summary.priced_waste_usd_per_hour
        ),
        summary.strays,
        summary.at,
    );
    for (pool_idx, pool) in summary.pools.iter().enumerate() {
        let lines = pool_in_words(pool);
        if N_CHARS_MAX < text.chars().count() + lines.chars().count() {
            let n_left = summary.pools.len() - pool_idx;
            let _ = writeln!(text, "and {n_left} more pools: name some, or use -o json");
            break;
        }
        text += &lines;
    }
    text
}

fn per_hour(amount: Amount) -> String {
    match amount {
        Amount::Exact(it) => format!("{it}/h"),
        Amount::AtLeast(it) => format!("at least {it}/h"),
        Amount::Unknown => "unknown".to_owned(),
    }
}

fn pool_in_words(pool: &PoolSummary) -> String {
    let n: u32 = pool.states.values().sum();
    let of = pool.desired.map_or(String::new(), |it| format!(" of {it}"));
    let states = counted(
        pool.states
            .iter()
            .map(|(name, n)| (name.replace('_', " "), *n)),
    );
    let count = |it: Option<u32>| it.map_or("?".to_owned(), |it| it.to_string());
    let mut parts = vec![format!("{n}{of} instances ({states})")];
    if n != 0 {
        parts.push(names(&pool.types));
        parts.push(names(&pool.markets));
        parts.push(names(&pool.images));
    }
    parts.push(format!(
        "{} busy, {} idle, {} queued",
        count(pool.busy),
        count(pool.idle),
        count(pool.queued)
    ));
    parts.push(format!(
        "{}, waste {}",
        per_hour(pool.split.amount()),
        per_hour(pool.split.amount_of_waste())
    ));
    if n == 0 {
        parts[0] = format!("0{of} instances");
    }
    let mut text = format!(
        "{}: {}\n",
        sanitize(&pool.pool),
        sanitize(&parts.join("; "))
    );
    for warning in pool.warnings.iter().take(N_WARNINGS_MAX) {
        let _ = writeln!(text, "  ! {}", shortened(&sanitize(warning)));
    }
    let n_more = pool.warnings.len().saturating_sub(N_WARNINGS_MAX);
    if 0 < n_more {
        let _ = writeln!(text, "  ! and {n_more} more");
    }
    text
}

/// AWS' own sentences are long, and their beginning says it.
fn shortened(text: &str) -> String {
    const N_MAX: usize = 140;
    if text.chars().count() <= N_MAX {
        return text.to_owned();
    }
    let cut: String = text.chars().take(N_MAX).collect();
    format!("{}…", cut.trim_end())
}

fn counted(counts: impl Iterator<Item = (String, u32)>) -> String {
    let counts: Vec<String> = counts.map(|(name, n)| format!("{n} {name}")).collect();
    counts.join(", ")
}

/// One kind needs no count: it is all of them.
fn names(counts: &BTreeMap<String, u32>) -> String {
    let mut of_many: Vec<(&String, &u32)> = counts.iter().collect();
    of_many.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    match of_many[..] {
        [(name, _)] => name.clone(),
        _ => counted(of_many.into_iter().map(|(name, n)| (name.clone(), *n))),
    }
}
