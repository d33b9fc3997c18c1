//! Which rows a list has: taken from an observation, filtered and put in order.

use super::list::{List, RowId, Sort};
use crate::fleet::{
    ActivityRow, Field, Filter, FilterError, InstanceRow, Observation, PoolRow, Record, Timestamp,
    waiting,
};

/// What the rows of a list are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    #[default]
    Pools,
    Instances,
    Activities,
    Waiting,
    Messages,
    Sources,
}

impl Noun {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pools => "pools",
            Self::Instances => "instances",
            Self::Activities => "activities",
            Self::Waiting => "waiting",
            Self::Messages => "messages",
            Self::Sources => "sources",
        }
    }

    /// Returns the fields that can be shown, filtered and sorted by; none for a plain list.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Pools => PoolRow::fields(),
            Self::Instances => InstanceRow::fields(),
            Self::Activities => ActivityRow::fields(),
            Self::Waiting | Self::Messages | Self::Sources => &[],
        }
    }
}

pub(super) struct Rows {
    pub(super) rows: Vec<RowId>,
    pub(super) n_all: usize,
}

/// Returns the rows of a list; messages come from elsewhere.
pub(super) fn rows(list: &List, observation: &Observation, now: Timestamp) -> Rows {
    let fleet = &observation.fleet;
    match list.noun {
        Noun::Pools => {
            let all = PoolRow::all(fleet);
            arrange(list, &all, now, |it| RowId::Pool(it.pool.key()))
        }
        Noun::Instances => {
            let all: Vec<InstanceRow<'_>> = match &list.within {
                Some(pool) => {
                    let members = fleet.roster(pool).instances.iter();
                    members.map(|it| InstanceRow::new(fleet, it)).collect()
                }
                None => InstanceRow::all(fleet),
            };
            arrange(list, &all, now, |it| {
                RowId::Instance(it.instance.id.clone())
            })
        }
        Noun::Activities => {
            let is_within =
                |it: &ActivityRow<'_>| list.within.as_ref().is_none_or(|pool| it.0.pool == *pool);
            let all: Vec<_> = fleet
                .activities
                .iter()
                .map(ActivityRow)
                .filter(is_within)
                .collect();
            arrange(list, &all, now, |it| RowId::Activity(it.0.id.clone()))
        }
        Noun::Waiting => {
            let is_within = |it: &crate::fleet::Waiting| {
                list.within.as_ref().is_none_or(|pool| it.pool == *pool)
            };
            let all = waiting(fleet).into_iter().filter(is_within);
            let mut rows: Vec<RowId> = Vec::new();
            for it in all {
                // A pool may wait for several things at once; an instance waits for one.
                let is_same = |row: &&RowId| matches!(row, RowId::Waiting(pool, instance, _) if *pool == it.pool && *instance == it.instance);
                let nth = rows.iter().filter(is_same).count();
                rows.push(RowId::Waiting(it.pool, it.instance, nth));
            }
            plain(rows)
        }
        Noun::Sources => {
            let rows = observation.sources.iter();
            plain(rows.map(|it| RowId::Source(it.source.clone())).collect())
        }
        Noun::Messages => plain(list.rows().to_vec()),
    }
}

fn plain(rows: Vec<RowId>) -> Rows {
    Rows {
        n_all: rows.len(),
        rows,
    }
}

fn arrange<R: Record>(list: &List, all: &[R], now: Timestamp, id: impl Fn(&R) -> RowId) -> Rows {
    let mut shown: Vec<usize> = if list.filter.is_empty() {
        (0..all.len()).collect()
    } else {
        list.filter.select(all, now)
    };
    if let Some(sort) = list.sort {
        sort_by_field(&mut shown, all, sort, now);
    }
    Rows {
        rows: shown.into_iter().map(|row_idx| id(&all[row_idx])).collect(),
        n_all: all.len(),
    }
}

/// Sorts stably, so that rows that are equal stay in the order of their ids.
fn sort_by_field<R: Record>(shown: &mut [usize], all: &[R], sort: Sort, now: Timestamp) {
    let values: Vec<_> = all.iter().map(|it| it.value(sort.field, now)).collect();
    shown.sort_by(|&a, &b| {
        let is_missing = |it: usize| values[it] == crate::fleet::Value::Missing;
        let order = values[a].order(&values[b]);
        // What is missing comes last in both directions.
        if sort.is_descending && !is_missing(a) && !is_missing(b) {
            order.reverse()
        } else {
            order
        }
    });
}

/// Reads a filter in the words of the list's rows.
pub(super) fn parse_filter(noun: Noun, text: &str) -> Result<Filter, FilterError> {
    match noun {
        Noun::Pools => Filter::parse::<PoolRow<'_>>(text),
        Noun::Instances => Filter::parse::<InstanceRow<'_>>(text),
        Noun::Activities => Filter::parse::<ActivityRow<'_>>(text),
        Noun::Waiting | Noun::Messages | Noun::Sources => Err(FilterError {
            term: text.to_owned(),
            why: format!("{} cannot be filtered", noun.as_str()),
        }),
    }
}
