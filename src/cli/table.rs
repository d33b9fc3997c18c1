//! Rows as a table of text: no borders, one line per row, fitted to the terminal.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, TableStyle,
};

use crate::fleet::{Align, Field, Record, Timestamp, Value, sanitize};

/// Stands for what is not known or does not apply.
const MISSING: &str = "-";
/// The space between two columns.
const GAP: u16 = 2;
/// Texts up to this width are never cut: ids, names, zones, states, times.
const CUT_WIDTH_MIN: u16 = 24;

/// A table, and the columns for which the terminal has no room.
pub(super) struct Fitted {
    pub(super) text: String,
    left_out: Vec<&'static str>,
}

impl Fitted {
    /// Returns a word about the columns that were left out.
    pub(super) fn note(&self) -> Option<String> {
        let names = self.left_out.join(", ");
        (!names.is_empty()).then(|| {
            format!("The terminal is too narrow for {names}; choose columns with --columns.")
        })
    }
}

/// Lays out rows under the titles of their columns.
///
/// With a width, long texts are cut so that a row stays on one line, and if
/// that is not enough and `may_drop`, the last columns are left out. Without a
/// width nothing is.
pub(super) fn of_records<R: Record>(
    rows: &[R],
    columns: &[&'static Field],
    has_titles: bool,
    now: Timestamp,
    width: Option<u16>,
    may_drop: bool,
) -> Fitted {
    let mut columns = columns.to_vec();
    let mut cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let values = columns.iter().map(|it| row.value(it.name, now));
            values.map(|it| shown(&it)).collect()
        })
        .collect();
    let mut left_out = Vec::new();
    loop {
        let titles = columns.iter().map(|it| it.title.to_owned());
        let titles = has_titles.then(|| titles.collect());
        let aligns: Vec<Align> = columns.iter().map(|it| it.align).collect();
        let table = build(titles, &cells, &aligns);
        let is_too_wide = width.is_some_and(|it| it < width_min(&table));
        if is_too_wide && may_drop && 2 < columns.len() {
            left_out.extend(columns.pop().map(|it| it.title));
            for row in &mut cells {
                row.pop();
            }
            continue;
        }
        left_out.reverse();
        return Fitted {
            text: text_of(table, width),
            left_out,
        };
    }
}

/// Lays out cells that are made safe already.
pub(super) fn of_cells(
    titles: Option<&[&str]>,
    rows: &[Vec<String>],
    aligns: &[Align],
    width: Option<u16>,
) -> String {
    let titles = titles.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
    text_of(build(titles, rows, aligns), width)
}

fn build(titles: Option<Vec<String>>, rows: &[Vec<String>], aligns: &[Align]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    // A text is cut where the column ends, and not at the last blank before.
    table.set_truncation_indicator("…").set_delimiter('\0');
    if let Some(titles) = titles {
        table.set_header(line(titles, aligns));
    }
    for row in rows {
        table.add_row(line(row.clone(), aligns));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table
}

fn line(cells: Vec<String>, aligns: &[Align]) -> Row {
    let cells = cells.into_iter().zip(aligns).map(|(text, align)| {
        Cell::new_owned(text).set_alignment(match align {
            Align::Left => CellAlignment::Left,
            Align::Right => CellAlignment::Right,
        })
    });
    let mut row = Row::from(cells.collect::<Vec<_>>());
    row.max_height(1);
    row
}

/// Returns how wide the table is when every long text is cut as far as it may be.
fn width_min(table: &Table) -> u16 {
    let widths = table.column_max_content_widths();
    let cut = widths.iter().enumerate().map(|(column_idx, width)| {
        let least = if column_idx == 0 {
            *width
        } else {
            (*width).min(CUT_WIDTH_MIN)
        };
        least.saturating_add(GAP)
    });
    cut.fold(0, u16::saturating_add).saturating_sub(GAP)
}

fn text_of(mut table: Table, width: Option<u16>) -> String {
    if let Some(width) = width {
        // The gap after the last column may hang over the edge: it is blank.
        table.set_width(width.saturating_add(GAP));
        table.set_content_arrangement(ContentArrangement::Dynamic);
        let widths = table.column_max_content_widths();
        for (column_idx, column) in table.column_iter_mut().enumerate() {
            if column_idx == 0 || widths[column_idx] <= CUT_WIDTH_MIN {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    let mut text = table.trim_fmt();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

pub(super) fn shown(value: &Value<'_>) -> String {
    match sanitize(&value.show(MISSING)) {
        it if it.is_empty() => MISSING.to_owned(),
        it => it.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Line([&'static str; 3]);

    impl Record for Line {
        const NOUN: &'static str = "a line";

        fn fields() -> &'static [Field] {
            const fn field(name: &'static str, title: &'static str, align: Align) -> Field {
                Field {
                    name,
                    title,
                    help: "",
                    align,
                    is_default: true,
                }
            }
            const FIELDS: &[Field] = &[
                field("a", "ID", Align::Left),
                field("b", "TEXT", Align::Left),
                field("c", "N", Align::Right),
            ];
            FIELDS
        }

        fn value(&self, field: &str, _now: Timestamp) -> Value<'_> {
            let at = ["a", "b", "c"].iter().position(|it| *it == field).unwrap();
            Value::text(self.0[at])
        }

        fn words<'a>(&'a self, _visit: &mut dyn FnMut(&'a str)) {}
    }

    const ID: &str = "i-0123456789abcdef0";
    const LONG: &str = "the quick brown fox jumps over the lazy dog";

    fn fitted(rows: &[Line], width: Option<u16>) -> Fitted {
        let columns: Vec<&Field> = Line::fields().iter().collect();
        of_records(rows, &columns, true, Timestamp::EPOCH, width, true)
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        let table = fitted(&[Line([ID, LONG, "7"])], None);
        assert_eq!(
            table.text,
            format!(
                "ID                   TEXT{}  N\n{ID}  {LONG}  7\n",
                " ".repeat(39)
            )
        );
    }

    #[test]
    fn long_text_is_cut_and_ids_are_not() {
        let table = fitted(&[Line([ID, LONG, "7"])], Some(60));
        assert_eq!(
            table.text,
            format!(
                "ID                   TEXT{}N\n{ID}  the quick brown fox jumps over the …  7\n",
                " ".repeat(34)
            )
        );
        assert!(table.text.lines().all(|it| it.chars().count() <= 60));
        assert_eq!(table.note(), None);
    }

    #[test]
    fn a_column_without_room_is_left_out_and_named() {
        let table = fitted(&[Line([ID, LONG, "7"])], Some(46));
        assert!(table.note().unwrap().contains("for N;"), "{}", table.text);
        assert!(table.text.lines().all(|it| it.chars().count() <= 46));
    }

    #[test]
    fn hostile_and_wide_text_keeps_its_column() {
        let rows = [
            Line(["日本", "\u{1b}[31mred\u{1b}[0m\nnext", "1"]),
            Line(["", "x", "22"]),
        ];
        let table = fitted(&rows, None);
        assert_eq!(
            table.text,
            "ID    TEXT       N\n日本  red next   1\n-     x         22\n"
        );
    }
}
