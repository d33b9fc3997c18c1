//! The listings: one reading, or one after the other, written in every format.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Command, Error, Exit, Format, ReadFlags, Session, activities, comma,
    json::{self, Document},
    noun::{Noun, Shown, Writer},
    pattern,
    query::{Query, Usual},
    session::Sight,
    table,
};
use crate::fleet::{Activity, PoolKey, Record};

/// What a listing shows; everything in it was checked before anything is read.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    noun: Noun,
    /// Empty is every pool.
    patterns: Vec<String>,
    query: Query,
    pub(super) flags: ReadFlags,
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
        let (Some(noun), Some((patterns, flags))) = (Noun::of(command), command.reading()) else {
            return Ok(None);
        };
        let query = noun.query(flags)?;
        let has_cells = matches!(flags.output, Format::Table | Format::Csv);
        if !has_cells && query.has_chosen_columns() {
            return Err(Error::usage("--columns is for -o table and -o csv")
                .hint("json always has every field; pick some with a tool such as jq"));
        }
        if flags.output == Format::Csv && flags.watch.is_some() {
            let what = "csv cannot be watched: it has no end of a reading";
            let hint = "-o ndjson --watch writes one line per change";
            return Err(Error::usage(what).hint(hint));
        }
        Ok(Some(Self {
            noun,
            patterns: patterns.to_vec(),
            query,
            flags: flags.clone(),
        }))
    }

    /// Reads once and writes what was seen.
    pub(super) async fn run(&self, session: &mut Session<'_>) -> Result<Exit, Error> {
        let mut sight = session.read_all(self.flags.timeout).await?;
        let text = self.text(session, &mut sight).await?;
        session.printer.table(&text.body, text.has_titles)?;
        sight.warn(session.printer);
        if let Some(note) = &text.note {
            session.printer.talk(note);
        }
        Ok(sight.exit())
    }

    /// Writes down what was seen, in the format that was asked for.
    pub(super) async fn text(
        &self,
        session: &mut Session<'_>,
        sight: &mut Sight,
    ) -> Result<Text, Error> {
        let named = pattern::pools(&self.patterns, sight)?;
        if self.noun == Noun::Findings {
            sight.observation = session.handle.look_back(&sight.observation).await;
        }
        let activities = self.activities(session, sight, named.as_ref()).await?;
        let writing = Writing {
            listing: self,
            sight,
            width: session.printer.width(),
        };
        let observation = &sight.observation;
        Ok(self.noun.select(
            observation,
            &activities,
            named.as_ref(),
            &self.query,
            writing,
        ))
    }

    async fn activities(
        &self,
        session: &mut Session<'_>,
        sight: &mut Sight,
        named: Option<&BTreeSet<PoolKey>>,
    ) -> Result<Vec<Arc<Activity>>, Error> {
        match named {
            Some(named) if self.noun == Noun::Activities => {
                activities::fetch(session, sight, named.clone()).await
            }
            _ => Ok(sight.observation.fleet.activities.clone()),
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
}

/// A listing of what was seen, for a terminal of this width.
struct Writing<'a> {
    listing: &'a Listing,
    sight: &'a Sight,
    width: Option<u16>,
}

impl Writer for Writing<'_> {
    type Text = Text;

    fn write<R: Record>(self, rows: &[R], shown: Shown) -> Text {
        let Self {
            listing,
            sight,
            width,
        } = self;
        let now = sight.observation.at;
        let has_titles = !listing.flags.no_headers;
        let (scopes, json) = match shown {
            Shown::Rows(rows) => (json::Scope::all(&sight.observation), Some(rows)),
            Shown::Scopes(scopes) => (scopes, None),
        };
        let document = Document::new(now, scopes, json, &sight.failures);
        let mut note = None;
        let body = match listing.flags.output {
            Format::Table if rows.is_empty() => {
                note = Some(listing.nothing(sight));
                String::new()
            }
            Format::Table => {
                let columns = listing.query.columns::<R>(Usual::Default);
                let may_drop = !listing.query.has_chosen_columns();
                let fitted = table::of_records(rows, &columns, has_titles, now, width, may_drop);
                note = fitted.note();
                fitted.text
            }
            Format::Csv => {
                let columns = listing.query.columns::<R>(Usual::All);
                comma::of_records(rows, &columns, has_titles, now)
            }
            Format::Json => json::to_text(&document),
            Format::Ndjson if listing.flags.watch.is_some() => json::to_line(&document),
            Format::Ndjson => document.lines(),
        };
        Text {
            body,
            fingerprint: document.fingerprint(),
            note,
            has_titles,
        }
    }
}
