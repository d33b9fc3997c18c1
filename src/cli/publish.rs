//! `publish`: what the executors of each pool add up to, to CloudWatch, once or every minute.

use std::time::Duration;

use clap::Args;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Error, Exit, InfoFormat, Session,
    args::parse_refresh,
    exit::hint_for,
    json,
    session::{self, Interrupts, Sight},
    table,
};
use crate::{
    engine::Outcome,
    fleet::{Align, Datum, Metrics, Namespace, ScopeId, metrics, parse_duration, sanitize},
};

#[derive(Clone, Debug, Args)]
pub struct PublishFlags {
    /// Publish what is there now, and end
    #[arg(long, conflicts_with = "interval")]
    pub once: bool,
    /// How often to publish, until Ctrl-C
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "60",
        value_parser = parse_refresh
    )]
    pub interval: Duration,
    /// The namespace of the metrics, instead of the configured one
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Print what would be published, and publish nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How a dry run is written
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: InfoFormat,
    /// Do not wait longer than this for an answer, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
}

impl PublishFlags {
    /// Returns how often to read: twice as often as is published, so that nothing published is late.
    pub(super) fn pause(&self) -> Duration {
        (self.interval / 2).clamp(Duration::from_secs(1), Duration::from_secs(30))
    }
}

/// Checks what needs no reading.
pub(super) fn check(flags: &PublishFlags) -> Result<(), Error> {
    if let Some(name) = &flags.namespace {
        Namespace::parse(name).map_err(Error::usage)?;
    }
    Ok(())
}

fn namespace(session: &Session<'_>, flags: &PublishFlags) -> Namespace {
    let named = flags.namespace.as_deref();
    let named = named.and_then(|it| Namespace::parse(it).ok());
    named.unwrap_or_else(|| session.handle.config().namespace.clone())
}

/// Publishes until Ctrl-C, or once.
pub(super) async fn run(session: &mut Session<'_>, flags: &PublishFlags) -> Result<Exit, Error> {
    let mut sight = session.read_all(flags.timeout).await?;
    let mut interrupts = Interrupts::new();
    let mut warned = BTreeSet::new();
    let pause = session.handle.clock().sleep_for(flags.interval);
    let mut tick = tokio::time::interval(pause);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    loop {
        let round = publish(session, flags, &sight).await?;
        // What goes on is said once, and again when it comes back.
        for line in round.warnings.difference(&warned) {
            session.printer.warn(line);
        }
        warned = round.warnings;
        if flags.once || flags.dry_run || session.printer.is_closed() {
            return Ok(round.exit);
        }
        loop {
            tokio::select! {
                event = session.events.recv() => session::hear(event, session.printer)?,
                () = interrupts.next() => return Ok(Exit::Done),
                _ = tick.tick() => break,
            }
        }
        sight = session.sight(None);
    }
}

struct Round {
    exit: Exit,
    warnings: BTreeSet<String>,
}

async fn publish(
    session: &mut Session<'_>,
    flags: &PublishFlags,
    sight: &Sight,
) -> Result<Round, Error> {
    let found = metrics(&sight.observation);
    if found.pools.is_empty() && found.withheld.is_empty() && sight.failures.is_empty() {
        return Err(Error::usage("no pool is tied to a controller").hint(
            "a [[pool]] with a `controller` in the configuration ties them; see `pooldeck info --config-example`",
        ));
    }
    let mut warnings: BTreeSet<String> = sight.warnings().collect();
    for it in &found.withheld {
        let why = sanitize(&it.why);
        warnings.insert(format!("{} is not published: {why}", it.pool));
    }
    let mut exit = sight.exit();
    if !found.withheld.is_empty() {
        exit = exit.max(Exit::Unavailable);
    }
    if flags.dry_run {
        show(session, flags, sight, &found)?;
        return Ok(Round { exit, warnings });
    }
    let mut by_scope: BTreeMap<ScopeId, Vec<Datum>> = BTreeMap::new();
    for pool in found.pools {
        let scope = pool.pool.scope;
        by_scope.entry(scope).or_default().extend(pool.data);
    }
    let (mut n_done, mut failed) = (0, None);
    for (scope, data) in &by_scope {
        let namespace = namespace(session, flags);
        let outcome = session.handle.publish(scope, &namespace, data).await;
        match &outcome {
            Outcome::Done => {
                n_done += 1;
                let n_metrics = data.len();
                let line = format!("published {n_metrics} metrics to {namespace} in {scope}");
                session.printer.talk(&line);
            }
            Outcome::Refused(refusal) => {
                return Err(Error::new(Exit::of_refusal(refusal), refusal.to_string()));
            }
            Outcome::Failed(failure) | Outcome::Unavailable(_, failure) => {
                let hint = hint_for(failure.kind).map_or(String::new(), |it| format!(" ({it})"));
                warnings.insert(format!("{scope}: {}{hint}", sanitize(&failure.what)));
                failed = Some(Exit::of_outcome(&outcome));
            }
            Outcome::Changed(_)
            | Outcome::Partly(_)
            | Outcome::Aborted { .. }
            | Outcome::Stopped(_)
            | Outcome::Detached { .. } => unreachable!("publishing has no plan"),
        }
    }
    exit = match failed {
        Some(_) if 0 < n_done => Exit::Partly,
        Some(failed) => failed,
        None => exit,
    };
    Ok(Round { exit, warnings })
}

/// Prints what would be published.
fn show(
    session: &mut Session<'_>,
    flags: &PublishFlags,
    sight: &Sight,
    found: &Metrics,
) -> Result<(), Error> {
    if flags.output == InfoFormat::Json {
        let at = sight.observation.at;
        let namespace = namespace(session, flags);
        let document = json::Metrics::new(at, namespace.as_str(), found, &sight.failures);
        return session.printer.data(&json::to_text(&document));
    }
    let rows: Vec<Vec<String>> = found
        .pools
        .iter()
        .flat_map(|pool| pool.data.iter().map(move |it| (&pool.pool.scope, it)))
        .map(|(scope, it)| {
            let cells = [scope.as_str(), &it.pool, &it.label, it.name];
            let cells = cells.map(|it| sanitize(it).into_owned()).into_iter();
            cells.chain([it.value.to_string()]).collect()
        })
        .collect();
    let titles = ["SCOPE", "POOL", "LABEL", "METRIC", "VALUE"];
    let aligns = [
        Align::Left,
        Align::Left,
        Align::Left,
        Align::Left,
        Align::Right,
    ];
    let width = session.printer.width();
    let text = table::of_cells(Some(&titles), &rows, &aligns, width);
    session.printer.table(&text, true)
}
