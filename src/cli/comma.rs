//! Rows as comma-separated values: plain numbers, ages in seconds, times in UTC.

use crate::fleet::{Field, Record, Timestamp, Value, sanitize};

/// Writes rows under the names of their fields.
pub(super) fn of_records<R: Record>(
    rows: &[R],
    columns: &[&'static Field],
    has_titles: bool,
    now: Timestamp,
) -> String {
    let mut lines = Vec::with_capacity(rows.len() + 1);
    if has_titles {
        lines.push(columns.iter().map(|it| it.name.to_owned()).collect());
    }
    for row in rows {
        let values = columns.iter().map(|it| plain(&row.value(it.name, now)));
        lines.push(values.collect::<Vec<_>>());
    }
    of_lines(lines)
}

/// Writes lines of values that are made safe already.
pub(super) fn of_lines(lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer
            .write_record(line)
            .expect("a vector takes every line, and all have the same length");
    }
    let bytes = writer.into_inner().expect("a vector can always be flushed");
    String::from_utf8(bytes).expect("only text was written")
}

pub(super) fn plain(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => harmless(&sanitize(text)),
        Value::Age(age) => age.as_secs().to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Number(_) | Value::Time(_) => value.show("").into_owned(),
        Value::Usd(it) => it.as_f64().to_string(),
        Value::Missing => String::new(),
    }
}

/// Keeps a spreadsheet from running text as a formula: whoever may tag an
/// instance may not thereby run code where the list is opened.
pub(super) fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_a_formula_and_a_number_stays_one() {
        for (value, wanted) in [
            (Value::text("=HYPERLINK(1)"), "'=HYPERLINK(1)"),
            (Value::text("+1"), "'+1"),
            (Value::text("-1"), "'-1"),
            (Value::text("@SUM(A1)"), "'@SUM(A1)"),
            (Value::text("\u{1b}[31m=1"), "'=1"),
            (Value::text("plain"), "plain"),
            (Value::Number(-1.5), "-1.5"),
            (Value::Flag(true), "true"),
            (Value::Missing, ""),
        ] {
            assert_eq!(plain(&value), wanted);
        }
    }
}
