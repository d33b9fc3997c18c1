//! Lists whose items are read one by one: an item that makes no sense costs itself alone.

use std::collections::HashMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::text;
use crate::fleet::{Executor, Failure, FailureKind, Timestamp, Work};

/// The items of a list, unread.
pub(super) type Rows = Vec<Box<RawValue>>;

/// An item, or what could still be read of one that makes no sense.
#[derive(Debug)]
pub(super) enum Row<T> {
    Read(T),
    Unreadable { id: Option<String>, why: String },
}

/// Reads each item by itself; of a broken one, the first of `id_keys` that it has.
pub(super) fn read<T: DeserializeOwned>(
    rows: &[Box<RawValue>],
    id_keys: &'static [&'static str],
) -> impl Iterator<Item = Row<T>> {
    rows.iter().map(|raw| match object(raw.get()) {
        Ok(row) => Row::Read(row),
        Err(error) => Row::Unreadable {
            id: id_of(raw, id_keys),
            why: text::bounded(
                &format!("what the controller said of it cannot be read: {error}"),
                text::NOTE,
            ),
        },
    })
}

/// Reads an object. An array is none: serde would take its items for the fields in their order.
fn object<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    if !text.trim_start().starts_with('{') {
        return Err(serde::de::Error::custom("it is no object"));
    }
    serde_json::from_str(text)
}

/// Reads a list of objects, which may be missing as a whole, but not a part of it.
pub(super) fn objects<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: DeserializeOwned,
{
    let Some(rows) = Option::<Rows>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let rows = rows.iter().map(|it| object(it.get()));
    let rows: Result<Vec<T>, _> = rows.collect();
    rows.map(Some).map_err(serde::de::Error::custom)
}

/// Makes one executor of those that share an id: which of them is meant cannot be told,
/// so it is busy if one is, and unknown otherwise. Also says how many were lost.
pub(super) fn distinct(
    executors: impl IntoIterator<Item = Executor>,
    n_listed: usize,
    now: Timestamp,
) -> (Vec<Executor>, Option<Failure>) {
    let mut distinct: Vec<Executor> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for executor in executors {
        let Some(&executor_idx) = places.get(&executor.id) else {
            places.insert(executor.id.clone(), distinct.len());
            distinct.push(executor);
            continue;
        };
        let first = &mut distinct[executor_idx];
        if !matches!(first.work, Work::Busy(_)) {
            let is_busy = matches!(executor.work, Work::Busy(_));
            let why = "the controller listed two agents under this name".to_owned();
            first.work = if is_busy {
                executor.work
            } else {
                Work::Unknown(why)
            };
        }
    }
    let n_lost = n_listed.saturating_sub(distinct.len());
    let failure = (0 < n_lost).then(|| Failure {
        kind: FailureKind::Unknown,
        what: format!(
            "{n_lost} of the {n_listed} agents that it listed have no name, or the name of another"
        ),
        at: now,
        retry_at: None,
    });
    (distinct, failure)
}

fn id_of(raw: &RawValue, id_keys: &[&str]) -> Option<String> {
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(raw.get()).ok()?;
    id_keys.iter().find_map(|key| match fields.get(*key)? {
        serde_json::Value::String(it) => Some(it.clone()),
        serde_json::Value::Number(it) => Some(it.to_string()),
        _ => None,
    })
}

/// Returns one number of an item that may make no sense otherwise.
pub(super) fn number_of(raw: &RawValue, key: &str) -> Option<u64> {
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(raw.get()).ok()?;
    fields.get(key)?.as_u64()
}

/// Reads a field that only decorates: one of another type is as good as none.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// A field whose absence is not the same as `null`.
#[derive(Debug, Default)]
pub(super) enum Told<T> {
    #[default]
    Untold,
    Nothing,
    Something(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Told<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::deserialize(deserializer)? {
            Some(it) => Self::Something(it),
            None => Self::Nothing,
        })
    }
}
