//! `cost`: what each pool costs now, what of it is waste, and what it has cost.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use clap::Args;

use super::{
    Error, Exit, Format, PoolPatterns, Session, history,
    json::{self, CostDocument, CostPast, PoolCost, SourceError},
    pattern, table,
};
use crate::{
    cost::{
        self,
        past::{SAVINGS_METRICS, SPENT_METRICS, Spent, savings, spent},
    },
    engine::{PastQuery, Wanted},
    fleet::{
        Align, Amount, FailureKind, Metric, Observation, Past, PoolKey, Span, Timestamp, Usd, Use,
        parse_duration, sanitize, short_duration,
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
    let now = session.handle.clock().now();
    history::check_kept(now - flags.since.unwrap_or_default(), now)?;
    session.read_all(flags.timeout).await?;
    // Spot prices that are younger than an hour will do.
    session.handle.read_prices(Wanted::Spot).await;
    let sight = session.sight(flags.timeout);
    let named = pattern::pools(&flags.pools.pools, &sight)?;
    let fleet = &sight.observation.fleet;
    let mut pools = Vec::new();
    let mut notes = BTreeSet::new();
    let mut errors = sight.errors();
    let mut unread = None;
    for pool in fleet.pools.values() {
        if named.as_ref().is_none_or(|it| it.contains(&pool.key())) {
            let past = past_of(session, pool.key(), sight.observation.at, flags.since).await;
            let split = cost::split(fleet, &pool.key(), sight.observation.at);
            pools.push(PoolCost::new(fleet, pool, split, past.told));
            notes.extend(past.notes);
            unread = unread.or(past.unread);
        }
    }
    errors.extend(unread);
    let exit = exit(&errors, &sight.observation);
    let document = CostDocument::new(&sight.observation, pools, errors);
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
                "- in TODAY and MONTH: nobody looked; a console, or `pools --watch`, keeps what it sees.",
            );
        }
        for note in &notes {
            session.printer.warn_once(&sanitize(note));
        }
    }
    Ok(exit)
}

/// Decides by what could not be read; kept prices that are damaged were read anew.
fn exit(errors: &[SourceError], observation: &Observation) -> Exit {
    let of_prices = observation.prices.failures.iter().map(|it| it.kind);
    let of_prices = of_prices.filter(|it| *it != FailureKind::Invalid);
    Exit::of_kinds(errors.iter().map(|it| it.kind).chain(of_prices))
}

/// What a pool has cost, and what is to be said of the samples.
struct PoolPast {
    told: CostPast,
    notes: Vec<String>,
    /// What kept the samples from being read.
    unread: Option<SourceError>,
}

async fn past_of(
    session: &Session<'_>,
    key: PoolKey,
    now: Timestamp,
    since: Option<Duration>,
) -> PoolPast {
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
    PoolPast {
        told,
        notes: month.notes.clone(),
        unread: SourceError::of_history(&month, now),
    }
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

/// A column of money.
struct Column {
    name: &'static str,
    title: &'static str,
    /// What the table shows; what was not seen of a time makes it the least, too.
    shown: Amount,
    /// What others read under this name: all of it, as far as it was seen.
    whole: Option<Usd>,
    /// Whether others read the known part of it as well, as `priced_` and this name.
    has_part: bool,
}

const N_COLUMNS: usize = 18;

/// The money of a pool, column by column.
fn amounts(it: &PoolCost) -> [Column; N_COLUMNS] {
    let column = |name, title, shown: Amount| Column {
        name,
        title,
        shown,
        whole: shown.exact(),
        has_part: false,
    };
    let now = |name, title, shown| Column {
        has_part: true,
        ..column(name, title, shown)
    };
    let spent = |name, title, spent: &Spent| Column {
        whole: spent.total,
        ..now(name, title, spent.amount())
    };
    let wasted = |name, title, spent: &Spent| Column {
        whole: spent.waste,
        ..column(name, title, spent.amount_of_waste())
    };
    let used = |title, used: Use| now(used.as_str(), title, it.split.amount_of(used));
    let (today, month) = (&it.past.today, &it.past.month);
    let since = &it.past.since.clone().unwrap_or_default();
    let (name, saved) = ("month_net_savings_usd", it.month_savings.net.into());
    [
        now("usd_per_hour", "$/H", it.split.amount()),
        now("waste_usd_per_hour", "WASTE/H", it.split.amount_of_waste()),
        spent("today_usd", "TODAY", today),
        wasted("today_waste_usd", "WASTED", today),
        spent("month_usd", "MONTH", month),
        column(
            "projected_month_usd",
            "PROJECTED",
            it.projected_month_usd.into(),
        ),
        spent("since_usd", "SINCE", since),
        wasted("since_waste_usd", "WASTED", since),
        column(
            "savings_usd_per_hour",
            "SAVED/H",
            it.savings_usd_per_hour.into(),
        ),
        column(name, "SAVED", saved),
        used("BUSY", Use::Busy),
        used("IDLE", Use::Idle),
        used("BOOT", Use::Booting),
        used("DRAIN", Use::Draining),
        used("STBY", Use::Standby),
        used("RETAIN", Use::Retained),
        used("STRAY", Use::Stray),
        used("UNKNOWN", Use::Unknown),
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
        let name = rows.first().map_or("", |it| it[column_idx].name);
        let is_asked = flags.since.is_some() || !name.starts_with("since");
        let says = |it: &[Column; N_COLUMNS]| {
            let least = it[column_idx].shown.least();
            least.is_some_and(|it| it != Usd::ZERO)
        };
        is_asked && (always.contains(&name) || rows.iter().any(says))
    };
    let shown: Vec<usize> = (0..N_COLUMNS).filter(|it| is_shown(*it)).collect();
    let mut titles = vec!["POOL", "SCOPE"];
    titles.extend(shown.iter().filter_map(|it| Some(rows.first()?[*it].title)));
    titles.extend(["PRICE FROM", "AGE"]);
    let mut aligns = vec![Align::Left, Align::Left];
    aligns.extend(shown.iter().map(|_| Align::Right));
    aligns.extend([Align::Left, Align::Right]);
    let lines = document.pools.iter().zip(&rows).map(|(it, row)| {
        let mut cells = vec![
            sanitize(&it.pool).into_owned(),
            sanitize(&it.scope).into_owned(),
        ];
        cells.extend(shown.iter().map(|it| words(row[*it].shown)));
        let price = it.price.as_ref();
        cells.push(price.map_or("-".to_owned(), |it| it.source.clone()));
        cells.push(price.map_or("-".to_owned(), |it| age(document.at, it.at)));
        cells
    });
    let mut lines: Vec<Vec<String>> = lines.collect();
    if 1 < lines.len() {
        let mut total = vec!["total".to_owned(), String::new()];
        let sum = |column_idx: usize| rows.iter().map(|it| it[column_idx].shown).sum();
        total.extend(shown.iter().map(|it| words(sum(*it))));
        total.extend([String::new(), String::new()]);
        lines.push(total);
    }
    let titles = (!flags.no_headers).then_some(&titles[..]);
    table::of_cells(titles, &lines, &aligns, width)
}

/// An amount; marked when it is the least that it can be.
fn words(amount: Amount) -> String {
    match amount {
        Amount::Exact(it) => it.to_string(),
        Amount::AtLeast(it) => format!(">{it}"),
        Amount::Unknown => "-".to_owned(),
    }
}

/// The age of a price: of a list in days, of a spot price in minutes.
fn age(now: Timestamp, at: Timestamp) -> String {
    short_duration(now.since(at))
}

fn comma(document: &CostDocument, flags: &CostFlags, has_titles: bool) -> String {
    let is_asked = |name: &str| flags.since.is_some() || !name.starts_with("since");
    let mut lines = Vec::new();
    let cell = |it: Option<Usd>| it.map_or(String::new(), |it| it.as_f64().to_string());
    if has_titles {
        let columns = amounts(&PoolCost::default());
        let asked = || columns.iter().filter(|it| is_asked(it.name));
        let mut head = vec!["pool".to_owned(), "scope".to_owned()];
        head.extend(asked().map(|it| it.name.to_owned()));
        head.extend(["price_source", "price_at"].map(str::to_owned));
        let with_part = asked().filter(|it| it.has_part);
        head.extend(with_part.map(|it| format!("priced_{}", it.name)));
        lines.push(head);
    }
    for it in &document.pools {
        let safe = |it: &str| super::comma::harmless(&sanitize(it));
        let mut line = vec![safe(&it.pool), safe(&it.scope)];
        let columns = amounts(it);
        let asked = || columns.iter().filter(|it| is_asked(it.name));
        line.extend(asked().map(|it| cell(it.whole)));
        let price = it.price.as_ref();
        line.push(price.map_or(String::new(), |it| it.source.clone()));
        line.push(price.map_or(String::new(), |it| it.at.to_string()));
        let with_part = asked().filter(|it| it.has_part);
        line.extend(with_part.map(|it| cell(it.shown.least())));
        lines.push(line);
    }
    super::comma::of_lines(lines)
}

fn an_hour(strays: &json::Strays) -> String {
    match (strays.usd_per_hour, strays.priced_usd_per_hour) {
        (Some(whole), _) => format!("{whole} an hour"),
        (None, Some(part)) => format!("at least {part} an hour"),
        (None, None) => "what they cost is not known".to_owned(),
    }
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
            "{n} stray {}: {}{}. `pooldeck strays` names them.",
            if n == 1 { "machine" } else { "machines" },
            an_hour(&document.strays),
            match document.strays.at_work {
                0 => String::new(),
                n => format!(", {n} at work"),
            }
        ));
    }
    let is_of_part = |it: &Spent| it.total.is_some() && it.is_partial();
    let is_least = |it: &PoolCost| is_of_part(&it.past.today) || is_of_part(&it.past.month);
    if document.pools.iter().any(is_least) {
        let what = "> at least: not all of the time was seen; -o json says how much.";
        session.printer.talk(what);
    }
    let n_unpriced = document.pools.iter().filter(|it| it.unpriced != 0).count();
    if 0 < n_unpriced && document.priced_usd_per_hour.is_some() {
        let pools = if n_unpriced == 1 { "pool" } else { "pools" };
        session.printer.talk(&format!(
            "> at least: machines of {n_unpriced} {pools} have no known price."
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
