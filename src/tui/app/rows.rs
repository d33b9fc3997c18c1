//! Which rows a list has: taken from an observation, filtered and put in order.

use std::cmp::Ordering;

use super::{
    findings::Findings,
    list::{List, RowId, Sort},
};
use crate::engine::OperationRow;
use crate::fleet::{
    ActivityRow, ExecutorRow, Field, Filter, FilterError, FindingRow, Fleet, InstanceId,
    InstanceRow, Observation, PoolKey, PoolRow, QueueRow, Record, StrayRow, Timestamp, Value,
};

/// What the rows of a list are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    #[default]
    Pools,
    Instances,
    Executors,
    Queues,
    Strays,
    Findings,
    Operations,
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
            Self::Executors => "executors",
            Self::Queues => "queues",
            Self::Strays => "strays",
            Self::Findings => "findings",
            Self::Operations => "operations",
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
            Self::Executors => ExecutorRow::fields(),
            Self::Queues => QueueRow::fields(),
            Self::Strays => StrayRow::fields(),
            Self::Findings => FindingRow::fields(),
            Self::Activities => ActivityRow::fields(),
            Self::Operations => OperationRow::fields(),
            Self::Waiting | Self::Messages | Self::Sources => &[],
        }
    }
}

impl Noun {
    /// Returns whether rows can be marked: those that stand for instances.
    pub fn can_be_marked(self) -> bool {
        matches!(self, Self::Instances | Self::Executors)
    }

    /// Returns whether the rows come from readings, and from nowhere else.
    pub(super) fn is_observed(self) -> bool {
        !matches!(self, Self::Messages | Self::Operations)
    }

    /// Returns the columns that are shown when the operator chose none.
    pub(super) fn default_columns(self) -> Vec<&'static str> {
        // An agent's work is worth little without the age of its evidence.
        if self == Self::Executors {
            return vec![
                "name",
                "pool",
                "work",
                "for",
                "job",
                "ends_in",
                "cordoned",
                "slots",
                "controller",
                "seen",
                "instance",
            ];
        }
        let fields = self.fields().iter();
        let usual = fields.filter(|it| it.is_default).map(|it| it.name);
        // Money is worth a column where the terminal has room for it.
        let money = (self == Self::Pools).then_some("usd_per_hour");
        usual.chain(money).collect()
    }
}

pub(super) struct Rows {
    pub(super) rows: Vec<RowId>,
    pub(super) n_all: usize,
}

/// Returns whether a list without a filter has the very rows that it would get, in their order.
pub(super) fn is_same(list: &List, fleet: &Fleet, now: Timestamp) -> bool {
    if !list.filter.is_empty() || list.n_all() != list.rows().len() {
        return false;
    }
    let rows = list.rows();
    if let Some(sort) = list.sort {
        let is_of_all = list.noun == Noun::Instances && list.within.is_none();
        return is_of_all
            && rows.len() == fleet.instances.len()
            && is_in_order(rows, fleet, sort, now);
    }
    match (list.noun, &list.within) {
        (Noun::Pools, _) => {
            let is_it =
                |(row, key): (&RowId, &PoolKey)| matches!(row, RowId::Pool(it) if it == key);
            rows.len() == fleet.pools.len() && rows.iter().zip(fleet.pools.keys()).all(is_it)
        }
        (Noun::Instances, None) => {
            let is_it =
                |(row, id): (&RowId, &InstanceId)| matches!(row, RowId::Instance(it) if it == id);
            rows.len() == fleet.instances.len()
                && rows.iter().zip(fleet.instances.keys()).all(is_it)
        }
        _ => false,
    }
}

/// Returns whether these rows are instances that are all there, and stand as `sort` would put them.
///
/// One comparison for each row, where putting them in order takes a dozen.
fn is_in_order(rows: &[RowId], fleet: &Fleet, sort: Sort, now: Timestamp) -> bool {
    let found = rows.iter().map(|row| match row {
        RowId::Instance(id) => fleet.instances.get(id),
        _ => None,
    });
    let Some(found) = found.collect::<Option<Vec<_>>>() else {
        return false;
    };
    let all: Vec<_> = found
        .into_iter()
        .map(|it| InstanceRow::new(fleet, it))
        .collect();
    let values: Vec<_> = all.iter().map(|it| it.value(sort.field, now)).collect();
    let is_after = |it: &usize| {
        let by_field = order(&values[*it - 1], &values[*it], sort);
        let by_id = || all[*it - 1].instance.id.cmp(&all[*it].instance.id);
        by_field.then_with(by_id).is_lt()
    };
    (1..all.len()).all(|it| is_after(&it))
}

/// Returns the rows of a list; messages and operations come from elsewhere.
pub(super) fn rows(list: &List, observation: &Observation, findings: &Findings) -> Rows {
    let fleet = &observation.fleet;
    // Ages are those of the reading: between two readings no row changes.
    let now = observation.at;
    let is_plain = list.filter.is_empty() && list.sort.is_none();
    match list.noun {
        Noun::Pools if is_plain => plain(fleet.pools.keys().cloned().map(RowId::Pool).collect()),
        Noun::Pools => {
            let all = PoolRow::all(fleet);
            arrange(list, &all, now, |it| RowId::Pool(it.pool.key()))
        }
        Noun::Instances if is_plain && list.within.is_none() => plain(
            fleet
                .instances
                .keys()
                .cloned()
                .map(RowId::Instance)
                .collect(),
        ),
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
        Noun::Executors => {
            let all = ExecutorRow::all(fleet);
            arrange(list, &all, now, |it| {
                RowId::Executor(it.0.controller.clone(), it.0.id.clone())
            })
        }
        Noun::Queues => {
            let mut all = QueueRow::all(fleet);
            // What waits comes first, the longest wait before the others.
            all.sort_by_key(|it| {
                (
                    it.0.length == 0,
                    it.0.oldest_since.is_none(),
                    it.0.oldest_since,
                )
            });
            arrange(list, &all, now, |it| {
                RowId::Queue(it.0.controller.clone(), it.0.label.clone())
            })
        }
        Noun::Strays => {
            let all = StrayRow::all(findings.strays());
            arrange(list, &all, now, |it| {
                RowId::Stray(it.0.kind, it.0.name.clone(), it.0.instance.clone())
            })
        }
        Noun::Findings => {
            let all = FindingRow::all(findings.diagnosis());
            let id = |row: &FindingRow<'_>| {
                let same =
                    |it: &&FindingRow<'_>| it.0.kind == row.0.kind && it.0.pool == row.0.pool;
                let mut before = all.iter().filter(same);
                let nth = before.position(|it| std::ptr::eq(it.0, row.0));
                RowId::Finding(row.0.kind, row.0.pool.clone(), nth.unwrap_or(0))
            };
            arrange(list, &all, now, id)
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
            let is_within = |it: &&crate::fleet::Waiting| {
                list.within.as_ref().is_none_or(|pool| it.pool == *pool)
            };
            let mut rows: Vec<RowId> = Vec::new();
            for it in findings.waiting().iter().filter(is_within) {
                // A pool may wait for several things at once; an instance waits for one.
                let is_same =
                    |row: &&RowId| matches!(row, RowId::Waiting(pool, None, _) if *pool == it.pool);
                let nth = if it.instance.is_none() {
                    rows.iter().filter(is_same).count()
                } else {
                    0
                };
                rows.push(RowId::Waiting(it.pool.clone(), it.instance.clone(), nth));
            }
            plain(rows)
        }
        Noun::Sources => {
            let rows = observation.sources.iter();
            plain(rows.map(|it| RowId::Source(it.source.clone())).collect())
        }
        Noun::Messages | Noun::Operations => plain(list.rows().to_vec()),
    }
}

fn plain(rows: Vec<RowId>) -> Rows {
    Rows {
        n_all: rows.len(),
        rows,
    }
}

pub(super) fn arrange<R: Record>(
    list: &List,
    all: &[R],
    now: Timestamp,
    id: impl Fn(&R) -> RowId,
) -> Rows {
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
    shown.sort_by(|&a, &b| order(&values[a], &values[b], sort));
}

/// Orders two values; what is missing comes last in both directions.
fn order(a: &Value<'_>, b: &Value<'_>, sort: Sort) -> Ordering {
    let order = a.order(b);
    let is_known = *a != Value::Missing && *b != Value::Missing;
    if sort.is_descending && is_known {
        order.reverse()
    } else {
        order
    }
}

/// Reads a filter in the words of the list's rows.
pub(super) fn parse_filter(noun: Noun, text: &str) -> Result<Filter, FilterError> {
    match noun {
        Noun::Pools => Filter::parse::<PoolRow<'_>>(text),
        Noun::Instances => Filter::parse::<InstanceRow<'_>>(text),
        Noun::Executors => Filter::parse::<ExecutorRow<'_>>(text),
        Noun::Queues => Filter::parse::<QueueRow<'_>>(text),
        Noun::Strays => Filter::parse::<StrayRow<'_>>(text),
        Noun::Findings => Filter::parse::<FindingRow<'_>>(text),
        Noun::Activities => Filter::parse::<ActivityRow<'_>>(text),
        Noun::Operations => Filter::parse::<OperationRow<'_>>(text),
        Noun::Waiting | Noun::Messages | Noun::Sources => Err(FilterError {
            term: text.to_owned(),
            why: format!("{} cannot be filtered", noun.as_str()),
        }),
    }
}
