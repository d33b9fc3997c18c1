//! JSON that no controller should send, for the property tests of every adapter.

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::Config};
use serde_json::{Value, json};

/// This many cases; one that fails becomes a named test, not a file of seeds.
pub(crate) fn cases(n_cases: u32) -> Config {
    Config {
        cases: n_cases,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Any JSON at all, a few levels deep, with the keys that adapters look for among others.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((key(), inner), 0..6).prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "computer",
            "items",
            "executors",
            "idle",
            "name",
            "displayName",
            "workers",
            "builds",
            "meta",
            "total",
            "runners",
            "total_count",
            "busy",
            "status",
            "id",
            "version",
            "state",
            "job",
            "connection_state",
            "queues",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ]
}

/// The same JSON with up to four of its values replaced, removed or repeated.
pub(crate) fn mutated(original: Value) -> impl Strategy<Value = Value> {
    let replacement = prop_oneof![
        Just(None),
        prop_oneof![
            Just(Value::Null),
            Just(json!(true)),
            Just(json!(false)),
            Just(json!("true")),
            Just(json!(-1)),
            Just(json!(1e300)),
            Just(json!([])),
            Just(json!({})),
            Just(json!([{}])),
            any_json(),
        ]
        .prop_map(Some),
    ];
    vec((any::<Index>(), replacement), 1..5).prop_map(move |mutations| {
        let mut value = original.clone();
        for (index, replacement) in mutations {
            let places = places_in(&value);
            if !places.is_empty() {
                mutate(&mut value, &places[index.index(places.len())], replacement);
            }
        }
        value
    })
}

/// Returns the JSON pointers of everything inside.
fn places_in(value: &Value) -> Vec<String> {
    let mut places = Vec::new();
    let children: Vec<(String, &Value)> = match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(item_idx, it)| (item_idx.to_string(), it))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, it)| (key.replace('~', "~0").replace('/', "~1"), it))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        places.push(format!("/{key}"));
        places.extend(places_in(child).into_iter().map(|it| format!("/{key}{it}")));
    }
    places
}

fn mutate(value: &mut Value, place: &str, replacement: Option<Value>) {
    if let Some(new) = replacement {
        if let Some(old) = value.pointer_mut(place) {
            *old = new;
        }
        return;
    }
    let (parent, key) = place.rsplit_once('/').expect("a pointer");
    let key = key.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.remove(&key);
        }
        Some(Value::Array(items)) => {
            items.remove(key.parse().expect("an index"));
        }
        _ => {}
    }
}
