//! `cost`: what each pool costs now, what of it is waste, and what it has cost.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use clap::Args;

use super::{
    Error, Exit, Format, PoolPatterns, Session,
    json::{self, CostDocument, CostPast, PoolCost},
    pattern, table,
};
use crate::{
    cost::{
        self,
        past::{SAVINGS_METRICS, SPENT_METRICS, Spent, savings, spent},
    },
    engine::{PastQuery, Wanted},
    fleet::{
        Align, Metric, Past, PoolKey, Span, Timestamp, Usd, Use, parse_duration, sanitize,
        short_duration,
    },
};

#[derive(Clone, Debug, Args)]
pub struct CostFlags {
    #[command(flatten)]
    pub pools: PoolPatterns,
    /// Add what it has cost in that time, such as 7d, as far as it was seen
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub since: Option<Duration>,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Leave out the titles
    #[arg(long)]
    pub no_headers: bool,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

/// Sums need no more of the past than so many points.
const N_POINTS: usize = 100;

pub(super) async fn run(session: &mut Session<'_>, flags: &CostFlags) -> Result<Exit, Error> {
    if flags.since.is_some_and(|it| it.is_zero()) {
        let what = "--since 0s is no time at all";
        return Err(Error::usage(what).hint("--since 24h is the last day until now"));
    }
    session.read_all(flags.timeout).await?;
    // Spot prices that are younger than an hour will do.
    session.handle.read_prices(Wanted::Spot).await;
    let sight = session.sight(flags.timeout);
    let named = pattern::pools(&flags.pools.pools, &sight)?;
    let fleet = &sight.observation.fleet;
    let mut pools = Vec::new();
    let mut notes = BTreeSet::new();
    for pool in fleet.pools.values() {
        if named.as_ref().is_none_or(|it| it.contains(&pool.key())) {
            let past = past_of(session, pool.key(), sight.observation.at, flags.since).await;
            let split = cost::split(fleet, &pool.key(), sight.observation.at);
            pools.push(PoolCost::new(fleet, pool, &split, &past.0));
            notes.extend(past.1);
        }
    }
    let document = CostDocument::new(&sight.observation, pools, &sight.failures);
    let has_titles = !flags.no_headers;
    let text = match flags.output {
        Format::Json => json::to_text(&document),
        Format::Ndjson => document.pools.iter().map(json::to_line).collect(),
        Format::Csv => comma(&document, flags, has_titles),
        Format::Table => in_words(&document, flags, session.printer.width()),
    };
    let is_table = flags.output == Format::Table;
    session.printer.table(&text, has_titles && is_table)?;
    sight.warn(session.printer);
    if is_table {
        talk(session, &document);
        if notes.is_empty() && document.pools.iter().any(is_unseen) {
            session.printer.talk(
                "- in TODAY and MONTH: nobody looked; a console, or --watch, keeps what it sees.",
            );
        }
        for note in &notes {
            session.printer.warn(&sanitize(note));
        }
    }
    Ok(sight.exit())
}

/// Returns what a pool has cost, and what is to be said of the samples.
async fn past_of(
    session: &Session<'_>,
    key: PoolKey,
    now: Timestamp,
    since: Option<Duration>,
) -> (CostPast, Vec<String>) {
    let (month_from, month_until) = now.month();
    let today = past(session, &key, &SPENT_METRICS, now.start_of_day(), now).await;
    let mut metrics = SAVINGS_METRICS.to_vec();
    metrics.push(Metric::WasteUsd);
    let month = past(session, &key, &metrics, month_from, now).await;
    let told = CostPast {
        today: spent(&today),
        month: spent(&month),
        savings: savings(&month),
        month_length: month_until.since(month_from),
        since: match since {
            Some(length) => {
                let since = past(session, &key, &SPENT_METRICS, now - length, now).await;
                Some(spent(&since))
            }
            None => None,
        },
    };
    (told, month.notes.clone())
}

async fn past(
    session: &Session<'_>,
    pool: &PoolKey,
    metrics: &[Metric],
    from: Timestamp,
    until: Timestamp,
) -> Arc<Past> {
    let query = PastQuery {
        pool: Some(pool.clone()),
        metrics: metrics.to_vec(),
        span: Span { from, until },
        n_points: N_POINTS,
    };
    session.handle.past(query).await
}

/// The name of a column, its title, and what stands there.
type Amount = (&'static str, &'static str, Option<Usd>);

/// The money of a pool, by the name of its column.
fn amounts(it: &PoolCost) -> [Amount; 18] {
    let by = |used: Use| it.by.get(used.as_str()).copied().flatten();
    [
        ("usd_per_hour", "$/H", it.usd_per_hour),
        ("waste_usd_per_hour", "WASTE/H", it.waste_usd_per_hour),
        ("today_usd", "TODAY", it.today_usd),
        ("today_waste_usd", "WASTED", it.today_waste_usd),
        ("month_usd", "MONTH", it.month_usd),
        ("projected_month_usd", "PROJECTED", it.projected_month_usd),
        ("since_usd", "SINCE", it.since_usd),
        ("since_waste_usd", "WASTED", it.since_waste_usd),
        ("savings_usd_per_hour", "SAVED/H", it.savings_usd_per_hour),
        ("month_net_savings_usd", "SAVED", it.month_savings.net),
        ("busy", "BUSY", by(Use::Busy)),
        ("idle", "IDLE", by(Use::Idle)),
        ("booting", "BOOT", by(Use::Booting)),
        ("draining", "DRAIN", by(Use::Draining)),
        ("standby", "STBY", by(Use::Standby)),
        ("retained", "RETAIN", by(Use::Retained)),
        ("stray", "STRAY", by(Use::Stray)),
        ("unknown", "UNKNOWN", by(Use::Unknown)),
    ]
}

/// A column that says nothing of any pool is left out.
fn in_words(document: &CostDocument, flags: &CostFlags, width: Option<u16>) -> String {
    let rows: Vec<_> = document.pools.iter().map(amounts).collect();
    let always = [
        "usd_per_hour",
        "waste_usd_per_hour",
        "today_usd",
        "month_usd",
        "since_usd",
    ];
    let is_shown = |column_idx: usize| {
        let (name, ..) = rows.first().map_or(("", "", None), |it| it[column_idx]);
        let is_asked = flags.since.is_some() || !name.starts_with("since");
        let says = |it: &[Amount; 18]| it[column_idx].2.is_some_and(|it| it != Usd::ZERO);
        is_asked && (always.contains(&name) || rows.iter().any(says))
    };
    let shown: Vec<usize> = (0..18).filter(|it| is_shown(*it)).collect();
    let mut titles = vec!["POOL", "SCOPE"];
    titles.extend(shown.iter().filter_map(|it| Some(rows.first()?[*it].1)));
    titles.extend(["PRICE FROM", "AGE"]);
    let mut aligns = vec![Align::Left, Align::Left];
    aligns.extend(shown.iter().map(|_| Align::Right));
    aligns.extend([Align::Left, Align::Right]);
    let lines = document.pools.iter().zip(&rows).map(|(it, row)| {
        let mut cells = vec![
            sanitize(&it.pool).into_owned(),
            sanitize(&it.scope).into_owned(),
        ];
        let is_least = |name| is_partial(document.at, it, name, flags.since);
        cells.extend(shown.iter().map(|it| {
            let (name, _, amount) = row[*it];
            least(amount, is_least(name))
        }));
        let price = it.price.as_ref();
        cells.push(price.map_or("-".to_owned(), |it| it.source.clone()));
        cells.push(price.map_or("-".to_owned(), |it| age(document.at, it.at)));
        cells
    });
    let mut lines: Vec<Vec<String>> = lines.collect();
    if 1 < lines.len() {
        let mut total = vec!["total".to_owned(), String::new()];
        total.extend(shown.iter().map(|column_idx| {
            let name = rows[0][*column_idx].0;
            let is_least = |it| is_partial(document.at, it, name, flags.since);
            let amounts = || rows.iter().map(|it| it[*column_idx].2);
            // What one pool hides is no reason to hide the others.
            let known: Usd = amounts().flatten().sum();
            let is_whole = amounts().all(|it| it.is_some());
            let sum = Some(known).filter(|it| is_whole || Usd::ZERO < *it);
            least(sum, !is_whole || document.pools.iter().any(is_least))
        }));
        total.extend([String::new(), String::new()]);
        lines.push(total);
    }
    let titles = (!flags.no_headers).then_some(&titles[..]);
    table::of_cells(titles, &lines, &aligns, width)
}

/// Returns whether an amount is of a time that was not seen whole.
fn is_partial(at: Timestamp, it: &PoolCost, name: &str, since: Option<Duration>) -> bool {
    let (seen, asked) = match name {
        "today_usd" | "today_waste_usd" => (it.today_seen_hours, at.since(at.start_of_day())),
        "month_usd" => (it.month_seen_hours, at.since(at.month().0)),
        "since_usd" | "since_waste_usd" => (
            it.since_seen_hours.unwrap_or(0.0),
            since.unwrap_or_default(),
        ),
        _ => return false,
    };
    let spent = Spent {
        seen: Duration::try_from_secs_f64(seen * 3600.0).unwrap_or_default(),
        asked,
        ..Spent::default()
    };
    spent.is_partial()
}

/// An amount; marked when it is the least that it can be.
fn least(amount: Option<Usd>, is_least: bool) -> String {
    let mark = if is_least { ">" } else { "" };
    amount.map_or("-".to_owned(), |it| format!("{mark}{it}"))
}

/// The age of a price: of a list in days, of a spot price in minutes.
fn age(now: Timestamp, at: Timestamp) -> String {
    short_duration(now.since(at))
}

fn comma(document: &CostDocument, flags: &CostFlags, has_titles: bool) -> String {
    let is_asked = |name: &str| flags.since.is_some() || !name.starts_with("since");
    let mut lines = Vec::new();
    if has_titles {
        let names = amounts(&PoolCost::default()).map(|it| it.0);
        let names = names.into_iter().filter(|it| is_asked(it));
        let mut head = vec!["pool".to_owned(), "scope".to_owned()];
        head.extend(names.map(str::to_owned));
        head.extend(["price_source", "price_at"].map(str::to_owned));
        lines.push(head);
    }
    for it in &document.pools {
        let safe = |it: &str| super::comma::harmless(&sanitize(it));
        let mut line = vec![safe(&it.pool), safe(&it.scope)];
        let asked = amounts(it).into_iter().filter(|it| is_asked(it.0));
        line.extend(asked.map(|it| it.2.map_or(String::new(), |it| it.as_f64().to_string())));
        let price = it.price.as_ref();
        line.push(price.map_or(String::new(), |it| it.source.clone()));
        line.push(price.map_or(String::new(), |it| it.at.to_string()));
        lines.push(line);
    }
    super::comma::of_lines(lines)
}

/// Returns whether nothing was kept of a pool whose machines have prices.
fn is_unseen(it: &PoolCost) -> bool {
    it.month_usd.is_none() && it.unpriced == 0
}

/// Says what the figures do not: what is in no sum, and how old the prices are.
fn talk(session: &mut Session<'_>, document: &CostDocument) {
    for error in document
        .errors
        .iter()
        .filter(|it| it.source_kind == "prices")
    {
        session.printer.warn(&error.what);
    }
    if 0 < document.strays.instances {
        let n = document.strays.instances;
        session.printer.talk(&format!(
            "{n} stray {}: {} an hour. `pooldeck strays` names them.",
            if n == 1 { "machine" } else { "machines" },
            document
                .strays
                .usd_per_hour
                .map_or("not known".to_owned(), |it| it.to_string())
        ));
    }
    let is_least = |it: &PoolCost| {
        let is_least = |name| is_partial(document.at, it, name, None);
        (it.today_usd.is_some() && is_least("today_usd"))
            || (it.month_usd.is_some() && is_least("month_usd"))
    };
    if document.pools.iter().any(is_least) {
        let what = "> at least: not all of the time was seen; -o json says how much.";
        session.printer.talk(what);
    }
    let n_unpriced = document.pools.iter().filter(|it| it.unpriced != 0).count();
    if (1..document.pools.len()).contains(&n_unpriced) {
        let pools = if n_unpriced == 1 { "pool" } else { "pools" };
        session.printer.talk(&format!(
            "> at least, in the total: machines of {n_unpriced} {pools} have no known price."
        ));
    }
    for bill in &document.bills {
        session.printer.talk(&sanitize(&bill.to_string()));
    }
    if document.own.usd != Usd::ZERO {
        session
            .printer
            .talk(&format!("Our own questions cost {:.4}.", document.own.usd));
    }
}
