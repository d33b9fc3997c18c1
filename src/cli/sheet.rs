//! Rows whose columns are chosen at run time, as a table or as csv.

use super::{comma, table};
use crate::fleet::{Align, Value};

/// Values under their titles.
pub(super) struct Sheet<'a> {
    pub(super) titles: Vec<String>,
    pub(super) rows: Vec<Vec<Value<'a>>>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(titles: &[&str]) -> Self {
        Self {
            titles: titles.iter().map(|it| (*it).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: Vec<Value<'a>>) {
        self.rows.push(row);
    }

    /// Lays the rows out; numbers stand at the right.
    pub(super) fn table(&self, width: Option<u16>) -> String {
        let titles: Vec<String> = self.titles.iter().map(|it| it.to_uppercase()).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let aligns: Vec<Align> = (0..titles.len()).map(|it| self.align(it)).collect();
        let rows = self.rows.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|row| row.iter().map(table::shown).collect())
            .collect();
        table::of_cells(Some(&titles), &rows, &aligns, width)
    }

    pub(super) fn csv(&self) -> String {
        let titles = self.titles.iter().cloned();
        let rows = self.rows.iter();
        let rows = rows.map(|row| row.iter().map(comma::plain).collect());
        comma::of_lines(std::iter::once(titles.collect()).chain(rows))
    }

    fn align(&self, column_idx: usize) -> Align {
        let values = self.rows.iter().filter_map(|it| it.get(column_idx));
        let is_text = |it: &Value<'_>| matches!(it, Value::Text(_) | Value::Time(_));
        let mut known = values.filter(|it| **it != Value::Missing);
        if known.next().is_some_and(is_text) {
            Align::Left
        } else {
            Align::Right
        }
    }
}
