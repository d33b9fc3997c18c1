//! The filter language: `state=InService az=*a age>2h !spot`, and fuzzy words.

use std::{fmt, time::Duration};

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

use super::{Record, Timestamp, Value, field_named, parse_duration};

/// A parsed filter over one kind of row: every term must hold.
///
/// The terms, separated by spaces: `field=value` and `field!=value` (with `*`
/// for any text, and `,` between alternatives), `field~text` (contains),
/// `field>value` and `>=`, `<`, `<=` (numbers and ages such as `2h`), `flag`
/// and `!flag`, and any other word, which is looked for fuzzily (`!word` means
/// that it must not occur).
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug)]
enum Term {
    Compare {
        field: &'static str,
        operator: Operator,
        operand: String,
        /// `operand` as a number or an age, for the orderings.
        magnitude: Option<Magnitude>,
    },
    Flag {
        field: &'static str,
        wanted: bool,
    },
    Fuzzy(Pattern),
    Without(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Magnitude {
    Number(f64),
    Age(Duration),
    Time(Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a filter cannot be read; names the term and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    pub term: String,
    pub why: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter `{}`: {}", self.term, self.why)
    }
}

impl std::error::Error for FilterError {}

/// Longest first, so that `>=` is not read as `>` and a value that starts with `=`.
const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=", Operator::Equal),
    ("~", Operator::Contains),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

impl Filter {
    /// Reads a filter for rows of kind `R`.
    pub fn parse<R: Record>(text: &str) -> Result<Self, FilterError> {
        let terms = text
            .split_whitespace()
            .map(parse_term::<R>)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.trim().to_owned(),
            terms,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Returns the indices of the rows that pass, in their order.
    pub fn select<R: Record>(&self, rows: &[R], now: Timestamp) -> Vec<usize> {
        let mut sieve = Sieve::new(self);
        (0..rows.len())
            .filter(|&row_idx| sieve.passes(&rows[row_idx], now))
            .collect()
    }

    pub fn matches<R: Record>(&self, row: &R, now: Timestamp) -> bool {
        Sieve::new(self).passes(row, now)
    }
}

/// A filter with the scratch memory that the fuzzy matcher wants.
struct Sieve<'a> {
    filter: &'a Filter,
    matcher: Matcher,
    chars: Vec<char>,
}

impl<'a> Sieve<'a> {
    fn new(filter: &'a Filter) -> Self {
        Self {
            filter,
            matcher: Matcher::new(Config::DEFAULT),
            chars: Vec::new(),
        }
    }

    fn passes<R: Record>(&mut self, row: &R, now: Timestamp) -> bool {
        let filter = self.filter;
        filter.terms.iter().all(|term| match term {
            Term::Compare {
                field,
                operator,
                operand,
                magnitude,
            } => compare(&row.value(field, now), *operator, operand, *magnitude),
            Term::Flag { field, wanted } => row.value(field, now) == Value::Flag(*wanted),
            Term::Fuzzy(pattern) => {
                let mut found = false;
                row.words(&mut |word| {
                    found = found || {
                        let haystack = Utf32Str::new(word, &mut self.chars);
                        pattern.score(haystack, &mut self.matcher).is_some()
                    };
                });
                found
            }
            Term::Without(unwanted) => {
                let mut found = false;
                row.words(&mut |word| found = found || contains_ignoring_case(word, unwanted));
                !found
            }
        })
    }
}

fn parse_term<R: Record>(term: &str) -> Result<Term, FilterError> {
    let error = |why: String| FilterError {
        term: term.to_owned(),
        why,
    };
    let split = OPERATORS
        .iter()
        .filter_map(|(sign, operator)| term.find(sign).map(|at| (at, *sign, *operator)))
        // The first sign in the text, and the longest of those that start there.
        .min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
    if let Some((at, sign, operator)) = split
        && at != 0
    {
        let (name, operand) = (&term[..at], &term[at + sign.len()..]);
        let field = field_named::<R>(name).map_err(error)?.name;
        if operand.is_empty() {
            return Err(error(format!("a value is missing after `{sign}`")));
        }
        let magnitude = magnitude_of(operand);
        let wants_order = !matches!(
            operator,
            Operator::Equal | Operator::NotEqual | Operator::Contains
        );
        if wants_order && magnitude.is_none() {
            return Err(error(format!(
                "`{operand}` cannot be ordered; give a number, an age such as 2h, or a time such as 2026-01-31T12:00:00Z"
            )));
        }
        return Ok(Term::Compare {
            field,
            operator,
            operand: operand.to_owned(),
            magnitude,
        });
    }
    let (wanted, word) = term
        .strip_prefix('!')
        .map_or((true, term), |it| (false, it));
    if word.is_empty() {
        return Err(error("a word is missing after `!`".to_owned()));
    }
    // Only fields that are flags may stand alone: `spot`, `!protected`.
    let flag = R::fields()
        .iter()
        .find(|it| it.name == word && is_flag(it.name));
    Ok(match flag {
        Some(field) => Term::Flag {
            field: field.name,
            wanted,
        },
        None if wanted => Term::Fuzzy(Pattern::new(
            word,
            CaseMatching::Ignore,
            Normalization::Smart,
            AtomKind::Fuzzy,
        )),
        None => Term::Without(word.to_owned()),
    })
}

/// The fields whose value is yes or no, on any kind of row.
fn is_flag(name: &str) -> bool {
    matches!(
        name,
        "spot" | "protected" | "outdated" | "production" | "read_only" | "waiting" | "cordoned"
    )
}

fn magnitude_of(operand: &str) -> Option<Magnitude> {
    if let Ok(n) = operand.parse::<f64>() {
        return n.is_finite().then_some(Magnitude::Number(n));
    }
    if let Ok(age) = parse_duration(operand) {
        return Some(Magnitude::Age(age));
    }
    operand.parse().ok().map(Magnitude::Time)
}

fn compare(
    value: &Value<'_>,
    operator: Operator,
    operand: &str,
    magnitude: Option<Magnitude>,
) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (value, magnitude) {
        (Value::Number(a), Some(Magnitude::Number(b))) => a.partial_cmp(&b),
        (Value::Usd(a), Some(Magnitude::Number(b))) => a.as_f64().partial_cmp(&b),
        (Value::Age(a), Some(Magnitude::Age(b))) => Some(a.cmp(&b)),
        (Value::Time(a), Some(Magnitude::Time(b))) => Some(a.cmp(&b)),
        _ => None,
    };
    let is_equal = || order == Some(Equal) || matches_text(value, operand);
    match operator {
        Operator::Equal => is_equal(),
        // A value that is not known is not known to differ; `!=` still shows
        // it, so that a filter never hides a row whose facts are missing.
        Operator::NotEqual => !is_equal(),
        Operator::Contains => contains_ignoring_case(&value.show(""), operand),
        Operator::Less => order == Some(Less),
        Operator::LessOrEqual => matches!(order, Some(Less | Equal)),
        Operator::Greater => order == Some(Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
    }
}

/// Compares with alternatives and wildcards: `a,b`, `us-*-1a`, and `…` as people type it.
fn matches_text(value: &Value<'_>, operand: &str) -> bool {
    let shown = value.show("none").to_lowercase();
    let patterns = operand.to_lowercase().replace('…', "*");
    // A value may hold a comma itself.
    let whole = std::iter::once(patterns.as_str()).filter(|it| it.contains(','));
    patterns
        .split(',')
        .chain(whole)
        .any(|it| matches_wildcards(&shown, it))
}

/// Returns whether `text` fits `pattern`, in which `*` stands for any text.
pub fn matches_wildcards(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(previous) = last.replace(part) {
            match rest.find(previous) {
                Some(at) => rest = &rest[at + previous.len()..],
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |it| rest.ends_with(it))
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_like_a_shell() {
        for (text, pattern, wanted) in [
            ("us-east-1a", "*a", true),
            ("us-east-1a", "us-*-1a", true),
            ("us-east-1a", "us-east-1a", true),
            ("us-east-1a", "us-east-1", false),
            ("us-east-1a", "*", true),
            ("aa", "a*a", true),
            ("a", "a*a", false),
            ("abcabc", "*abc", true),
        ] {
            assert_eq!(matches_wildcards(text, pattern), wanted, "{text} {pattern}");
        }
    }
}
