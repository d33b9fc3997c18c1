//! The Jenkins queue by label. Jenkins does not export the label that an item waits for:
//! it is found in the sentence that says why it waits, or in the configuration.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ci::{
        Endpoint, epoch,
        row::{self, Row},
        text,
    },
    fleet::{Executor, Queue, Timestamp},
};

use super::shape::{QueueItem, QueueSet};

/// Stands for the label that nobody told; parentheses are operators in a real one.
const UNTOLD: &str = "(unknown)";

pub(super) fn queues_of(set: &QueueSet, executors: &[Executor], endpoint: &Endpoint) -> Vec<Queue> {
    let known: BTreeSet<&str> = executors
        .iter()
        .flat_map(|it| it.labels.iter().chain([&it.name]))
        .map(String::as_str)
        .collect();
    let mut queues: BTreeMap<String, Queue> = BTreeMap::new();
    let rows = row::read(&set.items, &[]).chain(row::read(&set.discoverable_items, &[]));
    for row in rows {
        let item = match row {
            Row::Read(item) => item,
            // It waits, whatever it is.
            Row::Unreadable { .. } => QueueItem {
                task: None,
                why: None,
                in_queue_since: None,
            },
        };
        let label = label_of(&item, &known, endpoint);
        let queue = queues.entry(label).or_insert_with_key(|label| Queue {
            controller: endpoint.name.clone(),
            label: label.clone(),
            length: 0,
            oldest_since: None,
            why: None,
        });
        add(queue, &item);
    }
    queues.into_values().collect()
}

fn add(queue: &mut Queue, item: &QueueItem) {
    queue.length += 1;
    let since: Option<Timestamp> = item.in_queue_since.and_then(epoch::from_number);
    let is_oldest = match (since, queue.oldest_since) {
        (Some(since), Some(oldest)) => since < oldest,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if is_oldest {
        queue.oldest_since = since;
    }
    if is_oldest || queue.why.is_none() {
        queue.why = item
            .why
            .as_deref()
            .map(|it| text::bounded(it, text::NOTE))
            .or_else(|| queue.why.take());
    }
}

fn label_of(item: &QueueItem, known: &BTreeSet<&str>, endpoint: &Endpoint) -> String {
    let task = item.task.as_ref().and_then(|it| it.name.as_deref());
    let configured = task.and_then(|it| endpoint.label_of(it));
    let told = || {
        let why = item.why.as_deref()?;
        quoted(why)
            .filter(|it| known.contains(it) || is_expression(it))
            .or_else(|| named(why, known))
    };
    let label = configured.or_else(told).unwrap_or(UNTOLD);
    text::bounded(label, text::NAME)
}

/// Returns what stands between quotation marks, in any of the languages of Jenkins.
fn quoted(why: &str) -> Option<&str> {
    const OPENING: [char; 6] = ['‘', '“', '„', '«', '\'', '"'];
    const CLOSING: [char; 6] = ['’', '”', '“', '»', '\'', '"'];
    let (start, opening) = why.char_indices().find(|(_, it)| OPENING.contains(it))?;
    let rest = &why[start + opening.len_utf8()..];
    // French messages close with the mark that opens.
    let end = rest.rfind(|it| CLOSING.contains(&it) || it == opening)?;
    let inside = rest[..end].trim();
    (!inside.is_empty()).then_some(inside)
}

/// Returns whether the quoted text can be a label expression of several labels.
fn is_expression(text: &str) -> bool {
    text.contains("&&") || text.contains("||") || text.starts_with('!')
}

/// Returns the longest label or name that we know and that stands in the sentence as a word.
fn named<'a>(why: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let is_word = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.');
    why.split(|it| !is_word(it))
        .filter_map(|word| known.get(word.trim_matches('.')))
        .copied()
        .max_by_key(|it| it.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_found_in_the_sentence_of_any_language() {
        let known = BTreeSet::from(["linux", "linux-large"]);
        let endpoint = Endpoint::new("jenkins", "http://localhost/");
        for (why, label) in [
            (
                "Waiting for next available executor on ‘linux-large’",
                "linux-large",
            ),
            ("Waiting for next available executor on 'linux'", "linux"),
            ("Es gibt keine Knoten mit dem Label „linux“", "linux"),
            (
                "Warte auf den nächsten freien Build-Prozessor auf linux-large",
                "linux-large",
            ),
            (
                "En attente du prochain exécuteur disponible sur ‘linux‘",
                "linux",
            ),
            (
                "linuxで利用可能な次のエグゼキューターを待っています。",
                UNTOLD,
            ),
            ("等候 linux 中的執行程式", "linux"),
            (
                "There are no nodes with the label ‘linux && arm64’",
                "linux && arm64",
            ),
            ("There are no nodes with the label ‘gone’", UNTOLD),
            ("In the quiet period. Expires in 4.2 sec", UNTOLD),
            ("‘", UNTOLD),
            ("", UNTOLD),
        ] {
            let item = QueueItem {
                task: None,
                why: Some(why.to_owned()),
                in_queue_since: None,
            };
            assert_eq!(label_of(&item, &known, &endpoint), label, "{why}");
        }
    }
}
