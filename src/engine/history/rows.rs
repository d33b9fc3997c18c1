//! Samples of one series in order of time, from blocks and from the tail.

use std::collections::BTreeMap;

use super::{
    block::{Block, Column, value},
    bucket::Piece,
};

/// The column that tells how long a sample stands for, in seconds.
pub(super) const GOOD_FOR: u32 = 0;
/// A metric's number and what is told of it share a column's key.
const N_STATS: u32 = 8;

/// What a column tells of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stat {
    /// The value as it was seen, or the mean of a step.
    Value,
    Least,
    Most,
    Last,
    /// How much of a step was seen, in percent.
    Seen,
}

pub(super) fn key(metric_id: u32, stat: Stat) -> u32 {
    let offset = match stat {
        Stat::Value => 0,
        Stat::Least => 1,
        Stat::Most => 2,
        Stat::Last => 3,
        Stat::Seen => 4,
    };
    metric_id * N_STATS + offset
}

pub(super) fn metric_id_of(key: u32) -> u32 {
    key / N_STATS
}

/// Samples as they were seen, by their second.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows(BTreeMap<i64, Cells>);

#[derive(Clone, Debug, Default)]
struct Cells {
    good_for: i64,
    /// Metric numbers and ticks.
    values: Vec<(u32, i64)>,
}

impl Rows {
    /// Adds a sample; the one that was there first stays.
    pub(super) fn add(&mut self, at: i64, good_for: i64, values: Vec<(u32, i64)>) {
        self.0.entry(at).or_insert(Cells { good_for, values });
    }

    pub(super) fn add_block(&mut self, block: &Block) {
        let good_for = block.column(GOOD_FOR);
        for (row_idx, at) in block.times.iter().enumerate() {
            let cell = |it: &Column| it.cells.get(row_idx).copied().flatten();
            let values = block.columns.iter().filter(|it| it.key != GOOD_FOR);
            let values = values.filter_map(|it| Some((metric_id_of(it.key), cell(it)?)));
            self.add(*at, good_for.and_then(cell).unwrap_or(0), values.collect());
        }
    }

    pub(super) fn to_block(&self) -> Block {
        let n_rows = self.0.len();
        let mut columns: BTreeMap<u32, Vec<Option<i64>>> = BTreeMap::new();
        for (row_idx, cells) in self.0.values().enumerate() {
            let mut put = |key: u32, value: i64| {
                columns.entry(key).or_insert_with(|| vec![None; n_rows])[row_idx] = Some(value);
            };
            put(GOOD_FOR, cells.good_for);
            for (metric_id, ticks) in &cells.values {
                put(key(*metric_id, Stat::Value), *ticks);
            }
        }
        let columns = columns.into_iter();
        Block {
            times: self.0.keys().copied().collect(),
            columns: columns.map(|(key, cells)| Column { key, cells }).collect(),
        }
    }

    /// Returns the pieces of time over which a metric held, gaps left out.
    pub(super) fn pieces(&self, metric_id: u32) -> impl Iterator<Item = Piece> {
        let nexts = self.0.keys().skip(1).copied().map(Some);
        let nexts = nexts.chain(std::iter::once(None));
        self.0
            .iter()
            .zip(nexts)
            .filter_map(move |((at, it), next)| {
                let good_until = at + it.good_for;
                let until = next.map_or(good_until, |next| next.min(good_until));
                let found = it.values.iter().find(|(id, _)| *id == metric_id)?;
                Some(Piece::flat(*at, until, value(found.1)))
            })
    }

    /// Returns the numbers of the metrics that have a value anywhere.
    pub(super) fn metric_ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = Vec::new();
        for it in self.0.values().flat_map(|it| &it.values) {
            if !ids.contains(&it.0) {
                ids.push(it.0);
            }
        }
        ids.sort_unstable();
        ids
    }
}

/// Returns the pieces of a block of steps.
pub(super) fn steps(block: &Block, metric_id: u32, step: i64) -> Vec<Piece> {
    let column = |stat| block.column(key(metric_id, stat));
    let Some(means) = column(Stat::Value) else {
        return Vec::new();
    };
    let (least, most) = (column(Stat::Least), column(Stat::Most));
    let (newest, seen) = (column(Stat::Last), column(Stat::Seen));
    let cell = |it: Option<&Column>, row_idx: usize| it?.cells.get(row_idx).copied().flatten();
    let rows = block.times.iter().enumerate();
    rows.filter_map(|(row_idx, at)| {
        let mean = cell(Some(means), row_idx)?;
        let other = |it| value(cell(it, row_idx).unwrap_or(mean));
        let percent = cell(seen, row_idx).and_then(|it| u8::try_from(it).ok());
        Some(Piece {
            mean: value(mean),
            least: other(least),
            most: other(most),
            last: other(newest),
            seen: f64::from(percent.unwrap_or(100)) / 100.0,
            ..Piece::flat(*at, at + step, 0.0)
        })
    })
    .collect()
}
