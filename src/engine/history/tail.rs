//! The newest samples: one row for all pools of a scope, so that a write is one row.

use super::varint::{Bytes, fold, put, unfold};

/// The values of one pool by metric id, in ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) series: u32,
    /// By rising metric id.
    pub(super) cells: Vec<(u32, i64)>,
}

/// Whole numbers are most of what is kept: they go without their four zeros.
const WHOLE: i64 = 10_000;

pub(super) fn encode(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * 24);
    put(&mut bytes, rows.len() as u64);
    for row in rows {
        put(&mut bytes, u64::from(row.series));
        put(&mut bytes, row.cells.len() as u64);
        let mut last = 0;
        for (metric, ticks) in &row.cells {
            put(&mut bytes, u64::from(metric - last));
            last = *metric;
            if ticks % WHOLE == 0 {
                put(&mut bytes, fold(ticks / WHOLE) << 1);
            } else {
                put(&mut bytes, fold(*ticks) << 1 | 1);
            }
        }
    }
    bytes
}

/// Reads the rows of the series that are wanted; `None` when the bytes are no such row.
pub(super) fn decode(bytes: &[u8], wanted: impl Fn(u32) -> bool) -> Option<Vec<Row>> {
    let mut bytes = Bytes(bytes);
    let n_rows = bytes.size()?;
    let mut rows = Vec::new();
    for _ in 0..n_rows {
        let (series, n_cells) = head(&mut bytes)?;
        if wanted(series) {
            let cells = cells(&mut bytes, n_cells)?;
            rows.push(Row { series, cells });
        } else {
            bytes.skip(n_cells.checked_mul(2)?)?;
        }
    }
    Some(rows)
}

/// Reads the row of one series; a graph wants one of hundreds, so the others are only passed over.
pub(super) fn decode_one(bytes: &[u8], wanted: u32) -> Option<Row> {
    let mut bytes = Bytes(bytes);
    let n_rows = bytes.size()?;
    for _ in 0..n_rows {
        let (series, n_cells) = head(&mut bytes)?;
        if series == wanted {
            let cells = cells(&mut bytes, n_cells)?;
            return Some(Row { series, cells });
        }
        bytes.skip(n_cells.checked_mul(2)?)?;
    }
    None
}

fn head(bytes: &mut Bytes<'_>) -> Option<(u32, usize)> {
    let series = u32::try_from(bytes.unsigned()?).ok()?;
    Some((series, bytes.size()?))
}

fn cells(bytes: &mut Bytes<'_>, n_cells: usize) -> Option<Vec<(u32, i64)>> {
    let mut cells = Vec::new();
    let mut metric = 0_u32;
    for _ in 0..n_cells {
        metric = metric.checked_add(u32::try_from(bytes.unsigned()?).ok()?)?;
        let token = bytes.unsigned()?;
        let unit = if token & 1 == 0 { WHOLE } else { 1 };
        cells.push((metric, unfold(token >> 1).checked_mul(unit)?));
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pool_takes_a_few_bytes() {
        let cells = (1..=20).map(|it| (it, i64::from(it) * WHOLE)).collect();
        let row = Row { series: 7, cells };
        let bytes = encode(std::slice::from_ref(&row));
        assert!(bytes.len() <= 45, "{} bytes", bytes.len());
        assert_eq!(decode(&bytes, |_| true), Some(vec![row]));
        assert_eq!(decode(&bytes, |it| it != 7), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn a_row_comes_back_as_it_was(
            values in prop::collection::vec(-9_000_000_000_000_000_i64..9_000_000_000_000_000, 0..40)
        ) {
            let cells = (1..).zip(values).collect();
            let rows = vec![Row { series: 1, cells: Vec::new() }, Row { series: 900, cells }];
            let bytes = encode(&rows);
            prop_assert_eq!(decode_one(&bytes, 900), rows.last().cloned());
            prop_assert_eq!(decode(&bytes, |it| it == 900), Some(rows[1..].to_vec()));
            prop_assert_eq!(decode(&bytes, |_| true), Some(rows));
        }

        #[test]
        fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, |_| true);
            let _ = decode(&bytes, |_| false);
            let _ = decode_one(&bytes, 7);
        }
    }
}
