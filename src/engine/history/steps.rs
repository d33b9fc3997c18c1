//! Steps of time that are kept: what becomes of samples when they grow old.

use std::time::Duration;

use super::{
    block::{Block, Column, ticks},
    bucket::{Buckets, Found},
    rows::{Rows, Stat, key},
    store::Store,
};
use crate::fleet::{Metric, MetricUnit, Span, Timestamp};

/// The numbers of the metrics whose steps are kept in a way of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorts {
    /// Of these the last value of a step counts, of all others the mean.
    settings: Vec<u32>,
    /// These are summed up over months.
    money: Vec<u32>,
}

impl Sorts {
    pub(super) fn of(store: &Store) -> Self {
        let numbers = |is_one: fn(Metric) -> bool| {
            let its = Metric::ALL.iter().filter(|it| is_one(**it));
            its.map(|it| store.metric_id(*it)).collect()
        };
        Self {
            settings: numbers(Metric::is_setting),
            money: numbers(|it| it.unit() == MetricUnit::UsdPerHour),
        }
    }

    /// Returns a mean as exactly as it is worth, for what is rounded takes less room.
    ///
    /// A count is read to a hundredth. The same price is paid all month, so that what is
    /// rounded away of it adds up: of money, one part in two thousand at the most.
    fn rounded(&self, metric_id: u32, ticks: i64) -> i64 {
        let unit = match (self.money.contains(&metric_id), ticks.abs()) {
            (true, 0..10_000) => 1,
            (true, 10_000..100_000) => 10,
            _ => 100,
        };
        (ticks + unit / 2).div_euclid(unit) * unit
    }
}

/// Adds up samples in steps: the mean by time, the range, the last, and how much was seen.
pub(super) fn steps_of(rows: &Rows, from: i64, until: i64, step: i64, sorts: &Sorts) -> Block {
    let span = Span {
        from: Timestamp::from_secs(from),
        until: Timestamp::from_secs(until),
    };
    let length = Duration::from_secs(step.unsigned_abs());
    let empty = Buckets::new(span, length);
    let times: Vec<i64> = (0..empty.sums.len()).map(|it| empty.at(it)).collect();
    let mut columns = Vec::new();
    for metric_id in rows.metric_ids() {
        let mut buckets = empty.clone();
        for piece in rows.pieces(metric_id) {
            buckets.add(piece);
        }
        columns.extend(columns_of(&buckets, metric_id, sorts));
    }
    Block { times, columns }
}

fn columns_of(buckets: &Buckets, metric_id: u32, sorts: &Sorts) -> [Column; 5] {
    let is_setting = sorts.settings.contains(&metric_id);
    let found: Vec<_> = (0..buckets.sums.len())
        .map(|it| buckets.found(it))
        .collect();
    let column = |stat, cell: &dyn Fn(&Found) -> Option<i64>| Column {
        key: key(metric_id, stat),
        cells: found.iter().map(|it| it.as_ref().and_then(cell)).collect(),
    };
    [
        column(Stat::Value, &|it| {
            ticks(it.mean).map(|it| sorts.rounded(metric_id, it))
        }),
        column(Stat::Least, &|it| ticks(it.least)),
        column(Stat::Most, &|it| ticks(it.most)),
        // A column without a value takes no room.
        column(Stat::Last, &|it| ticks(it.last).filter(|_| is_setting)),
        column(Stat::Seen, &|it| {
            #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
            Some(((it.seen * 100.0).ceil() as i64).clamp(1, 100))
        }),
    ]
}
