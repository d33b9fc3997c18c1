//! Many samples of one pool in one blob: a column for each metric, and in it only what changes.

use super::varint::{Bytes, fold, put, unfold};

/// A value is kept as a whole number of these: a ten-thousandth of a dollar or of an instance.
pub(super) const TICKS: f64 = 10_000.0;

/// Returns a value in ticks; what is too great to be true is not kept.
pub(super) fn ticks(value: f64) -> Option<i64> {
    let ticks = (value * TICKS).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it was rounded, and checked to fit"
    )]
    (ticks.abs() < 9e15).then_some(ticks as i64)
}

/// Returns the value of so many ticks.
#[expect(clippy::cast_precision_loss, reason = "ticks above 2^53 are not kept")]
pub(super) fn value(ticks: i64) -> f64 {
    ticks as f64 / TICKS
}

/// Samples by time; every column is as long as `times`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// Seconds since the epoch, rising.
    pub(super) times: Vec<i64>,
    pub(super) columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) key: u32,
    pub(super) cells: Vec<Option<i64>>,
}

impl Block {
    pub(super) fn column(&self, key: u32) -> Option<&Column> {
        self.columns.iter().find(|it| it.key == key)
    }

    /// Writes the block; a column without a value takes no room.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, self.times.len() as u64);
        let deltas = self.times.iter().scan(0, |last, at| {
            let delta = at - *last;
            *last = *at;
            Some(Some(delta))
        });
        put_runs(&mut bytes, deltas);
        let filled = |it: &&Column| it.cells.iter().any(Option::is_some);
        let columns: Vec<&Column> = self.columns.iter().filter(filled).collect();
        put(&mut bytes, columns.len() as u64);
        for column in columns {
            let cells = column.encode();
            put(&mut bytes, u64::from(column.key));
            put(&mut bytes, cells.len() as u64);
            bytes.extend(cells);
        }
        bytes
    }

    /// Reads the columns that are wanted; `None` when the bytes are no block.
    pub(super) fn decode(bytes: &[u8], wanted: impl Fn(u32) -> bool) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let n_rows = bytes.size()?;
        let deltas = runs(&mut bytes, n_rows)?;
        let mut at = 0_i64;
        let mut times = Vec::with_capacity(n_rows);
        for delta in deltas {
            at = at.checked_add(delta?)?;
            times.push(at);
        }
        let n_columns = bytes.size()?;
        let mut columns = Vec::new();
        for _ in 0..n_columns {
            let key = u32::try_from(bytes.unsigned()?).ok()?;
            let n_bytes = bytes.size()?;
            let cells = bytes.take(n_bytes)?;
            if wanted(key) {
                columns.push(Column::decode(key, cells, n_rows)?);
            }
        }
        Some(Self { times, columns })
    }
}

impl Column {
    /// Zeros at the end of every number are kept once: counts are ten thousand ticks each.
    fn encode(&self) -> Vec<u8> {
        let known = || self.cells.iter().flatten();
        let mut n_zeros = 0;
        let mut unit = 1_i64;
        while n_zeros < 4 && known().all(|it| it % (unit * 10) == 0) {
            unit *= 10;
            n_zeros += 1;
        }
        let mut last = 0;
        let deltas = self.cells.iter().map(|cell| {
            let it = (*cell)? / unit;
            let delta = it - last;
            last = it;
            Some(delta)
        });
        let mut bytes = vec![n_zeros];
        put_runs(&mut bytes, deltas);
        bytes
    }

    fn decode(key: u32, bytes: &[u8], n_rows: usize) -> Option<Self> {
        let (n_zeros, rest) = bytes.split_first()?;
        let unit = 10_i64.checked_pow(u32::from(*n_zeros))?;
        let mut last = 0_i64;
        let mut cells = Vec::with_capacity(n_rows);
        for delta in runs(&mut Bytes(rest), n_rows)? {
            cells.push(match delta {
                None => None,
                Some(delta) => {
                    last = last.checked_add(delta)?;
                    Some(last.checked_mul(unit)?)
                }
            });
        }
        Some(Self { key, cells })
    }
}

/// Writes numbers and gaps; what repeats is written once, with its count.
///
/// The lowest bit says whether a count follows; above it, zero is a gap.
fn put_runs(bytes: &mut Vec<u8>, cells: impl Iterator<Item = Option<i64>>) {
    let mut put_run = |cell: Option<i64>, n: u64| {
        let token = cell.map_or(0, |it| fold(it) + 1);
        put(bytes, token << 1 | u64::from(n != 1));
        if n != 1 {
            put(bytes, n);
        }
    };
    let mut run: Option<(Option<i64>, u64)> = None;
    for cell in cells {
        match &mut run {
            Some((it, n)) if *it == cell => *n += 1,
            _ => {
                if let Some((it, n)) = run.replace((cell, 1)) {
                    put_run(it, n);
                }
            }
        }
    }
    if let Some((it, n)) = run {
        put_run(it, n);
    }
}

fn runs(bytes: &mut Bytes<'_>, n_cells: usize) -> Option<Vec<Option<i64>>> {
    // A damaged count must not ask for all memory.
    if N_ROWS_MAX < n_cells {
        return None;
    }
    let mut cells = Vec::with_capacity(n_cells);
    while cells.len() < n_cells {
        let token = bytes.unsigned()?;
        let n = if token & 1 == 0 { 1 } else { bytes.size()? };
        if n_cells - cells.len() < n {
            return None;
        }
        let cell = match token >> 1 {
            0 => None,
            it => Some(unfold(it - 1)),
        };
        cells.resize(cells.len() + n, cell);
    }
    Some(cells)
}

/// More than a day of a sample each second.
const N_ROWS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(times: Vec<i64>, cells: Vec<Option<i64>>) -> Block {
        let columns = vec![Column { key: 9, cells }];
        Block { times, columns }
    }

    #[test]
    fn what_does_not_change_takes_no_room() {
        let times = (0..240).map(|it| 1_772_443_800 + it * 15).collect();
        let flat = block(times, vec![Some(22 * 10_000); 240]);
        let bytes = flat.encode();
        assert!(bytes.len() < 24, "{} bytes", bytes.len());
        assert_eq!(Block::decode(&bytes, |_| true), Some(flat));
    }

    #[test]
    fn only_what_is_wanted_is_read() {
        let bytes = block(vec![1, 2], vec![Some(1), None]).encode();
        let read = Block::decode(&bytes, |it| it != 9).unwrap();
        assert_eq!((read.times.len(), read.columns.len()), (2, 0));
    }

    proptest! {
        #[test]
        fn a_block_comes_back_as_it_was(
            rows in prop::collection::vec((1_i64..100, prop::option::of(-5_000_000_i64..5_000_000)), 1..300)
        ) {
            let mut at = 0;
            let times = rows.iter().map(|it| { at += it.0; at }).collect();
            let mut cells: Vec<_> = rows.iter().map(|it| it.1).collect();
            cells[0] = Some(0);
            let block = block(times, cells);
            prop_assert_eq!(Block::decode(&block.encode(), |_| true), Some(block));
        }

        #[test]
        fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Block::decode(&bytes, |_| true);
        }
    }
}
