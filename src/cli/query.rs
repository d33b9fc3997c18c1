//! Which rows and columns a listing shows, and in which order.
//!
//! Everything is checked against the row's fields before anything is read.

use std::cmp::Ordering;

use super::{Error, ReadFlags};
use crate::fleet::{Field, Filter, Record, Timestamp, Value, field_named};

/// A checked choice of rows and columns.
#[derive(Clone, Debug)]
pub(super) struct Query {
    filter: Filter,
    /// `None` is the usual ones.
    columns: Option<Vec<&'static Field>>,
    order: Vec<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    field: &'static Field,
    is_reversed: bool,
}

impl Query {
    /// Reads the flags of a listing; `order` is the order when none is asked for.
    pub(super) fn parse<R: Record>(flags: &ReadFlags, order: &[&str]) -> Result<Self, Error> {
        let filter = flags.filter.as_deref().unwrap_or_default();
        let filter = Filter::parse::<R>(filter)
            .map_err(|it| Error::usage(it.to_string()).hint(fields_of::<R>()))?;
        let asked: Vec<&str> = if flags.sort.is_empty() {
            order.to_vec()
        } else {
            flags.sort.iter().map(String::as_str).collect()
        };
        let order: Result<_, Error> = asked.into_iter().map(key_of::<R>).collect();
        Ok(Self {
            filter,
            columns: columns_of::<R>(&flags.columns)?,
            order: order?,
        })
    }

    /// Returns the rows that pass, in their order.
    pub(super) fn select<R: Record>(&self, rows: Vec<R>, now: Timestamp) -> Vec<R> {
        let passing = self.filter.select(&rows, now);
        let mut slots: Vec<Option<R>> = rows.into_iter().map(Some).collect();
        let mut rows: Vec<R> = passing
            .into_iter()
            .filter_map(|row_idx| slots[row_idx].take())
            .collect();
        rows.sort_by(|a, b| self.compare(a, b, now));
        rows
    }

    /// Returns the chosen columns, or those of `usual` fields.
    pub(super) fn columns<R: Record>(&self, usual: Usual) -> Vec<&'static Field> {
        self.columns.clone().unwrap_or_else(|| usual.of::<R>())
    }

    /// Returns whether the operator chose the columns, so that none may be left out.
    pub(super) fn has_chosen_columns(&self) -> bool {
        self.columns.is_some()
    }

    pub(super) fn has_filter(&self) -> bool {
        !self.filter.is_empty()
    }

    fn compare<R: Record>(&self, a: &R, b: &R, now: Timestamp) -> Ordering {
        let orders = self.order.iter().map(|key| {
            let (a, b) = (a.value(key.field.name, now), b.value(key.field.name, now));
            let order = a.order(&b);
            // What is missing stays last, whichever way round.
            if key.is_reversed && a != Value::Missing && b != Value::Missing {
                order.reverse()
            } else {
                order
            }
        });
        orders
            .into_iter()
            .find(|it| it.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// The columns that are shown when none are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usual {
    /// Those that fit a screen.
    Default,
    /// Everything that is known: what a program can sort out for itself.
    All,
}

impl Usual {
    fn of<R: Record>(self) -> Vec<&'static Field> {
        let is_usual = |it: &&Field| self == Self::All || it.is_default;
        R::fields().iter().filter(is_usual).collect()
    }
}

/// Reads `a,b`, or `+a,+b` on top of the usual ones.
fn columns_of<R: Record>(asked: &[String]) -> Result<Option<Vec<&'static Field>>, Error> {
    if asked.is_empty() {
        return Ok(None);
    }
    let n_added = asked.iter().filter(|it| it.starts_with('+')).count();
    if n_added != 0 && n_added != asked.len() {
        return Err(Error::usage(format!(
            "--columns {}: either name every column, or put + before each that is added",
            asked.join(",")
        )));
    }
    let mut columns = if n_added == 0 {
        Vec::new()
    } else {
        Usual::Default.of::<R>()
    };
    for name in asked {
        let field = field_of::<R>("--columns", name.trim_start_matches('+'))?;
        if !columns.contains(&field) {
            columns.push(field);
        }
    }
    Ok(Some(columns))
}

fn key_of<R: Record>(text: &str) -> Result<Key, Error> {
    let (is_reversed, name) = text
        .strip_prefix('-')
        .map_or((false, text), |it| (true, it));
    Ok(Key {
        field: field_of::<R>("--sort", name)?,
        is_reversed,
    })
}

fn field_of<R: Record>(flag: &str, name: &str) -> Result<&'static Field, Error> {
    field_named::<R>(name.trim())
        .map_err(|why| Error::usage(format!("{flag}: {why}")).hint(fields_of::<R>()))
}

fn fields_of<R: Record>() -> String {
    let names: Vec<&str> = R::fields().iter().map(|it| it.name).collect();
    format!("the fields of {} are {}", R::NOUN, names.join(", "))
}
