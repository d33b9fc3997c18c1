//! The reads: pools, instances, executors, queues and so on, in every format.

use std::collections::BTreeSet;

use super::{
    Command, Error, Exit, Format, ReadFlags, Session, comma,
    json::{self, Document, Rows},
    query::{Query, Usual},
    session::{self, Sight},
    table,
};
use crate::{
    engine::Event,
    fleet::{
        Activity, ActivityRow, ExecutorRow, InstanceRow, JobRow, Observation, PoolKey, PoolKind,
        PoolRow, QueueRow, Record, ScopeRow, StrayRow, matches_wildcards, nearest, strays,
    },
};

/// What a listing shows; everything in it was checked before anything is read.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    noun: Noun,
    /// Empty is every pool.
    patterns: Vec<String>,
    query: Query,
    pub(super) flags: ReadFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noun {
    Pools,
    Instances,
    Activities,
    Executors,
    Jobs,
    Queue,
    Strays,
    Scopes,
}

impl Noun {
    /// Returns what several of them are called.
    fn plural(self) -> &'static str {
        match self {
            Self::Pools => "pools",
            Self::Instances => "instances",
            Self::Activities => "activities",
            Self::Executors => "executors",
            Self::Jobs => "running jobs",
            Self::Queue => "queues",
            Self::Strays => "strays",
            Self::Scopes => "scopes",
        }
    }
}

/// The rows of a listing in JSON; scopes are in every document anyway.
enum Shown {
    Rows(Rows),
    Scopes(Vec<json::Scope>),
}

/// A listing as it is written.
pub(super) struct Text {
    pub(super) body: String,
    /// Stays the same while nothing but times has changed.
    pub(super) fingerprint: String,
    /// A word about what is not in the body.
    pub(super) note: Option<String>,
    pub(super) has_titles: bool,
}

impl Listing {
    /// Reads the flags; `None` when the command is no listing.
    pub(super) fn parse(command: &Command) -> Result<Option<Self>, Error> {
        let none = Vec::new();
        let (noun, patterns, flags, order): (_, _, _, &[&str]) = match command {
            Command::Pools { pools, read } => (Noun::Pools, &pools.pools, read, &["scope", "name"]),
            Command::Instances { pools, read } => (
                Noun::Instances,
                &pools.pools,
                read,
                &["scope", "pool", "launched_at", "id"],
            ),
            // They come newest first.
            Command::Activities { pools, read } => (Noun::Activities, &pools.pools, read, &[]),
            Command::Executors { pools, read } => (
                Noun::Executors,
                &pools.pools,
                read,
                &["pool", "name", "controller"],
            ),
            Command::Jobs { pools, read } => {
                (Noun::Jobs, &pools.pools, read, &["pool", "-age", "name"])
            }
            Command::Queue { read } => (Noun::Queue, &none, read, &["controller", "label"]),
            // They come with the alarming first.
            Command::Strays { read } => (Noun::Strays, &none, read, &[]),
            Command::Scopes { read } => (Noun::Scopes, &none, read, &[]),
            Command::Info { .. }
            | Command::Ops { .. }
            | Command::Publish { .. }
            | Command::Act(_)
            | Command::Completions { .. }
            | Command::Man { .. } => return Ok(None),
        };
        let query = match noun {
            Noun::Pools => Query::parse::<PoolRow<'_>>(flags, order)?,
            Noun::Instances => Query::parse::<InstanceRow<'_>>(flags, order)?,
            Noun::Activities => Query::parse::<ActivityRow<'_>>(flags, order)?,
            Noun::Executors => Query::parse::<ExecutorRow<'_>>(flags, order)?,
            Noun::Jobs => Query::parse::<JobRow<'_>>(flags, order)?,
            Noun::Queue => Query::parse::<QueueRow<'_>>(flags, order)?,
            Noun::Strays => Query::parse::<StrayRow<'_>>(flags, order)?,
            Noun::Scopes => Query::parse::<ScopeRow<'_>>(flags, order)?,
        };
        let has_cells = matches!(flags.output, Format::Table | Format::Csv);
        if !has_cells && query.has_chosen_columns() {
            return Err(Error::usage("--columns is for -o table and -o csv")
                .hint("json always has every field; pick some with a tool such as jq"));
        }
        if flags.output == Format::Csv && flags.watch.is_some() {
            return Err(
                Error::usage("csv cannot be watched: it has no end of a reading")
                    .hint("-o ndjson --watch writes one line per change"),
            );
        }
        Ok(Some(Self {
            noun,
            patterns: patterns.clone(),
            query,
            flags: flags.clone(),
        }))
    }

    /// Reads once and writes what was seen.
    pub(super) async fn run(&self, session: &mut Session<'_>) -> Result<Exit, Error> {
        let mut sight = session.read_all(self.flags.timeout).await?;
        let activities = self.fetch(session, &mut sight).await?;
        let text = self.text(&sight, &activities, session.printer.width())?;
        session.printer.table(&text.body, text.has_titles)?;
        sight.warn(session.printer);
        if let Some(note) = &text.note {
            session.printer.talk(note);
        }
        Ok(sight.exit())
    }

    /// Reads the activities of the pools that were named: a reading of the
    /// whole scope holds only the latest of each.
    pub(super) async fn fetch(
        &self,
        session: &mut Session<'_>,
        sight: &mut Sight,
    ) -> Result<Vec<std::sync::Arc<Activity>>, Error> {
        if self.noun != Noun::Activities {
            return Ok(Vec::new());
        }
        let Some(named) = self.named(&sight.observation, sight)? else {
            return Ok(sight.observation.fleet.activities.clone());
        };
        let is_group = |it: &PoolKey| {
            let pool = sight.observation.fleet.pool(it);
            pool.is_some_and(|it| it.kind == PoolKind::Group)
        };
        let mut awaited: BTreeSet<PoolKey> = named.into_iter().filter(is_group).collect();
        for key in &awaited {
            session.handle.fetch_activities(key.clone());
        }
        let mut found = Vec::new();
        while !awaited.is_empty() {
            match session.events.recv().await {
                Some(Event::Activities { pool, result }) => {
                    awaited.remove(&pool);
                    match result {
                        Ok(activities) => found.extend(activities.into_iter().map(Into::into)),
                        Err(failure) => sight
                            .failures
                            .push((crate::fleet::SourceId::Scope(pool.scope), failure)),
                    }
                }
                other => session::hear(other)?,
            }
        }
        found.sort_by_key(|it: &std::sync::Arc<Activity>| std::cmp::Reverse(it.started_at));
        Ok(found)
    }

    /// Writes down what was seen, in the format that was asked for.
    pub(super) fn text(
        &self,
        sight: &Sight,
        activities: &[std::sync::Arc<Activity>],
        width: Option<u16>,
    ) -> Result<Text, Error> {
        let observation = &*sight.observation;
        let fleet = &observation.fleet;
        let now = observation.at;
        let named = self.named(observation, sight)?;
        let is_named = |key: Option<&PoolKey>| match (&named, key) {
            (None, _) => true,
            (Some(named), Some(key)) => named.contains(key),
            (Some(_), None) => false,
        };
        Ok(match self.noun {
            Noun::Pools => {
                let mut rows = PoolRow::all(fleet);
                rows.retain(|it| is_named(Some(&it.pool.key())));
                let rows = self.query.select(rows, now);
                let json = Rows::Pools(json::Pool::all(&rows, fleet));
                self.write(&rows, Shown::Rows(json), sight, width)
            }
            Noun::Instances => {
                let mut rows = InstanceRow::all(fleet);
                rows.retain(|it| is_named(it.instance.pool.as_ref()));
                let rows = self.query.select(rows, now);
                let json = Rows::Instances(rows.iter().map(json::Instance::new).collect());
                self.write(&rows, Shown::Rows(json), sight, width)
            }
            Noun::Activities => {
                let rows = activities.iter().map(ActivityRow).collect();
                let rows = self.query.select(rows, now);
                let json = Rows::Activities(rows.iter().map(json::Activity::new).collect());
                self.write(&rows, Shown::Rows(json), sight, width)
            }
            Noun::Executors => {
                let mut rows = ExecutorRow::all(fleet);
                rows.retain(|it| is_named(it.0.pool.as_ref()));
                let rows = self.query.select(rows, now);
                let json = Rows::Executors(rows.iter().map(json::Executor::new).collect());
                self.write(&rows, Shown::Rows(json), sight, width)
            }
            Noun::Jobs => {
                let mut rows = JobRow::all(fleet);
                rows.retain(|it| is_named(it.executor.pool.as_ref()));
                let rows = self.query.select(rows, now);
                let json = Rows::Jobs(rows.iter().map(json::RunningJob::new).collect());
                self.write(&rows, Shown::Rows(json), sight, width)
            }
            Noun::Queue => {
                let rows = self.query.select(QueueRow::all(fleet), now);
                let json = rows.iter().map(|it| json::Queue::new(it, now)).collect();
                self.write(&rows, Shown::Rows(Rows::Queue(json)), sight, width)
            }
            Noun::Strays => {
                let strays = strays(fleet, now);
                let rows = self.query.select(StrayRow::all(&strays), now);
                let json = Rows::Strays(rows.iter().map(json::Stray::new).collect());
                self.write(&rows, Shown::Rows(json), sight, width)
            }
            Noun::Scopes => {
                let rows = self.query.select(ScopeRow::all(observation), now);
                let json = rows.iter().map(|it| json::Scope::new(it, now)).collect();
                self.write(&rows, Shown::Scopes(json), sight, width)
            }
        })
    }

    fn write<R: Record>(
        &self,
        rows: &[R],
        shown: Shown,
        sight: &Sight,
        width: Option<u16>,
    ) -> Text {
        let now = sight.observation.at;
        let has_titles = !self.flags.no_headers;
        let (scopes, json) = match shown {
            Shown::Rows(rows) => (json::Scope::all(&sight.observation), Some(rows)),
            Shown::Scopes(scopes) => (scopes, None),
        };
        let document = Document::new(now, scopes, json, &sight.failures);
        let mut note = None;
        let body = match self.flags.output {
            Format::Table if rows.is_empty() => {
                note = Some(self.nothing(sight));
                String::new()
            }
            Format::Table => {
                let columns = self.query.columns::<R>(Usual::Default);
                let may_drop = !self.query.has_chosen_columns();
                let fitted = table::of_records(rows, &columns, has_titles, now, width, may_drop);
                note = fitted.note();
                fitted.text
            }
            Format::Csv => {
                let columns = self.query.columns::<R>(Usual::All);
                comma::of_records(rows, &columns, has_titles, now)
            }
            Format::Json => json::to_text(&document),
            Format::Ndjson if self.flags.watch.is_some() => json::to_line(&document),
            Format::Ndjson => document.lines(),
        };
        Text {
            body,
            fingerprint: document.fingerprint(),
            note,
            has_titles,
        }
    }

    fn nothing(&self, sight: &Sight) -> String {
        let noun = self.noun.plural();
        if self.query.has_filter() {
            format!("No {noun} pass the filter.")
        } else if sight.failures.is_empty() {
            format!("No {noun}.")
        } else {
            format!("No {noun} could be read.")
        }
    }

    /// Returns the pools that the patterns name; `None` is every pool.
    ///
    /// A pattern that names none is an error: an empty list would look like an empty pool.
    fn named(
        &self,
        observation: &Observation,
        sight: &Sight,
    ) -> Result<Option<BTreeSet<PoolKey>>, Error> {
        if self.patterns.is_empty() {
            return Ok(None);
        }
        let keys = || observation.fleet.pools.keys();
        let mut named = BTreeSet::new();
        for pattern in &self.patterns {
            let is_meant = |it: &&PoolKey| {
                matches_wildcards(it.name.as_str(), pattern)
                    || matches_wildcards(&it.to_string(), pattern)
            };
            let found: Vec<PoolKey> = keys().filter(is_meant).cloned().collect();
            if found.is_empty() {
                return Err(no_such_pool(pattern, keys(), sight));
            }
            named.extend(found);
        }
        Ok(Some(named))
    }
}

fn no_such_pool<'a>(
    pattern: &str,
    keys: impl Iterator<Item = &'a PoolKey>,
    sight: &Sight,
) -> Error {
    let what = format!("no pool is called `{pattern}`");
    if !sight.failures.is_empty() {
        let unread: Vec<String> = sight.warnings().collect();
        return Error::new(
            sight.exit(),
            format!(
                "{what}, and not everything could be read: {}",
                unread.join("; ")
            ),
        );
    }
    let names: BTreeSet<&str> = keys.map(|it| it.name.as_str()).collect();
    let error = Error::new(Exit::Refused, what);
    match nearest(pattern, names.iter().copied()) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None if names.is_empty() => {
            error.hint("there are no pools; `pooldeck scopes` shows where was looked")
        }
        None => {
            let names: Vec<&str> = names.into_iter().take(10).collect();
            error.hint(format!("there are {}", names.join(", ")))
        }
    }
}
