//! The named facts of a row: columns, filters and sorting all speak of these.

use std::{borrow::Cow, cmp::Ordering, time::Duration};

use super::{Timestamp, Usd, short_duration};

/// One named fact that a kind of row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// As `--columns` and filters write it.
    pub name: &'static str,
    /// As a table's head shows it.
    pub title: &'static str,
    /// One line for help.
    pub help: &'static str,
    pub align: Align,
    /// Shown when the operator chose no columns.
    pub is_default: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// What a row says of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Usd(Usd),
    /// How long something has lasted.
    Age(Duration),
    Time(Timestamp),
    Flag(bool),
    /// Not known, or does not apply; never shown as a zero.
    Missing,
}

/// A row of a table.
pub trait Record {
    /// What one row is, `pool`, for messages.
    const NOUN: &'static str;

    fn fields() -> &'static [Field];

    /// Returns the value of a field of `fields()`; `Missing` for any other name.
    fn value(&self, field: &str, now: Timestamp) -> Value<'_>;

    /// Calls `visit` with each text that a bare word of a filter is looked for in.
    fn words<'a>(&'a self, visit: &mut dyn FnMut(&'a str));
}

/// Returns the field of that name, or the error that names the nearest one.
pub fn field_named<R: Record>(name: &str) -> Result<&'static Field, String> {
    let fields = R::fields();
    if let Some(field) = fields.iter().find(|it| it.name.eq_ignore_ascii_case(name)) {
        return Ok(field);
    }
    let names = fields.iter().map(|it| it.name);
    let hint = nearest(name, names.clone()).map_or_else(
        || format!("one of {}", names.collect::<Vec<_>>().join(", ")),
        |it| format!("did you mean `{it}`?"),
    );
    Err(format!("{} has no field `{name}`; {hint}", R::NOUN))
}

/// Returns the candidate that `word` was most likely meant to be, if one is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|it| {
            (
                strsim::jaro_winkler(&word.to_lowercase(), &it.to_lowercase()),
                it,
            )
        })
        .filter(|(likeness, _)| 0.8 <= *likeness)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, it)| it)
}

impl<'a> Value<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub fn maybe_text(text: Option<impl Into<Cow<'a, str>>>) -> Self {
        text.map_or(Self::Missing, Self::text)
    }

    pub fn maybe_usd(amount: Option<Usd>) -> Self {
        amount.map_or(Self::Missing, Self::Usd)
    }

    pub fn count(n: u32) -> Self {
        Self::Number(f64::from(n))
    }

    pub fn maybe_count(n: Option<u32>) -> Self {
        n.map_or(Self::Missing, Self::count)
    }

    /// Returns the text that a cell shows; `missing` stands for what is not known.
    pub fn show(&self, missing: &'a str) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(n) => Cow::Owned(n.to_string()),
            Self::Usd(it) => Cow::Owned(format!("{it:.3}")),
            Self::Age(age) => Cow::Owned(short_duration(*age)),
            Self::Time(at) => Cow::Owned(at.to_string()),
            Self::Flag(true) => Cow::Borrowed("yes"),
            Self::Flag(false) => Cow::Borrowed("no"),
            Self::Missing => Cow::Borrowed(missing),
        }
    }

    /// Orders two values of one field; what is missing comes last.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Missing, Self::Missing) => Ordering::Equal,
            (Self::Missing, _) => Ordering::Greater,
            (_, Self::Missing) => Ordering::Less,
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Usd(a), Self::Usd(b)) => a.cmp(b),
            (Self::Age(a), Self::Age(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => natural_order(a, b),
            // Values of one field have one kind; texts keep a total order all the same.
            (a, b) => a.show("").cmp(&b.show("")),
        }
    }
}

/// Orders text with its numbers as numbers: `worker-9` before `worker-10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let n_common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Nearly always two names part where neither has a digit, and nothing else matters then.
    if let (Some(x), Some(y)) = (a.as_bytes().get(n_common), b.as_bytes().get(n_common))
        && !x.is_ascii_digit()
        && !y.is_ascii_digit()
    {
        return x.cmp(y);
    }
    // What they begin with decides nothing, but for a number that they part in.
    let is_inside = |it: &usize| !a.is_char_boundary(*it) || ends_in_digit(&a[..*it]);
    let start = (1..=n_common).rev().find(|it| !is_inside(it)).unwrap_or(0);
    by_letters_and_numbers(&a[start..], &b[start..])
        // `01` and `1` are equal as numbers; the text decides.
        .then_with(|| a.cmp(b))
}

fn by_letters_and_numbers(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (x, y);
            (x, a) = split_number(a);
            (y, b) = split_number(b);
            // Without its leading zeros, the longer number is the larger.
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            x.cmp(&y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn ends_in_digit(text: &str) -> bool {
    text.bytes()
        .next_back()
        .is_some_and(|it| it.is_ascii_digit())
}

/// Splits off the leading number, without its leading zeros.
fn split_number(text: &str) -> (&str, &str) {
    let end = text
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (number.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let mut names = ["worker-10", "worker-9", "worker-1a", "worker", "worker-09"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(
            names,
            ["worker", "worker-1a", "worker-09", "worker-9", "worker-10"]
        );
    }

    proptest::proptest! {
        #[test]
        fn the_shortcuts_of_the_order_change_nothing(a in "[a-bé0-2-]{0,6}", b in "[a-bé0-2-]{0,6}") {
            let plain = by_letters_and_numbers(&a, &b).then_with(|| a.cmp(&b));
            proptest::prop_assert_eq!(natural_order(&a, &b), plain);
        }
    }

    #[test]
    fn what_is_missing_sorts_last() {
        assert_eq!(Value::Missing.order(&Value::Number(1.0)), Ordering::Greater);
        assert_eq!(
            Value::Number(2.0).order(&Value::Number(10.0)),
            Ordering::Less
        );
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(
            nearest("lifecyle", ["lifecycle", "launched"]),
            Some("lifecycle")
        );
        assert_eq!(nearest("zzz", ["lifecycle", "launched"]), None);
    }
}
