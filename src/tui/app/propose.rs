//! What a word of the `:` line could be: commands and verbs, then whatever the grammar wants there.

use super::{
    command::{Command, verbs},
    edit,
    rows::Noun,
};
use crate::{
    action::{Flag, Verb},
    fleet::{Fleet, PoolKey, Process},
    tui::glyph::Marks,
};

/// How many proposals are worth reading.
const N_PROPOSALS_MAX: usize = 50;

/// A word that could be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub word: String,
    pub about: String,
}

impl Proposal {
    fn new(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            word: word.into(),
            about: about.into(),
        }
    }
}

/// What there is to be named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vocabulary<'a> {
    pub(super) fleet: &'a Fleet,
    /// What the list on the screen is made of.
    pub(super) noun: Option<Noun>,
    /// The pool that the line is about when it names none.
    pub(super) pool: Option<&'a PoolKey>,
}

/// Returns what the word at the end of `typed` could be, the likeliest first.
pub(super) fn proposals(typed: &str, vocabulary: Vocabulary<'_>) -> Vec<Proposal> {
    let (head, word) = split(typed);
    let words: Vec<&str> = head.split_whitespace().collect();
    let all = match words.split_first() {
        None => names(),
        Some((name, before)) => match verbs().iter().find(|it| it.name == *name) {
            Some(verb) => vocabulary.words_of(verb, before, word),
            None => vocabulary.arguments(name),
        },
    };
    let mut found = edit::best_matches(word, all, |it| &it.word);
    // What is selected is what is meant, as far as the letters allow.
    let selected = vocabulary.pool.map(|it| it.name.as_str());
    let is_selected =
        |it: &Proposal| Some(it.word.as_str()) == selected && it.word.starts_with(word);
    if let Some(found_idx) = found.iter().position(is_selected) {
        found[..=found_idx].rotate_right(1);
    }
    found.truncate(N_PROPOSALS_MAX);
    found
}

/// Returns the line before its last word, and the word; a list of fields is words with commas.
pub(super) fn split(typed: &str) -> (&str, &str) {
    let is_columns = typed.trim_start().starts_with("columns ");
    let is_end = |it: char| it.is_whitespace() || (is_columns && it == ',');
    let mut ends = typed.rmatch_indices(is_end);
    let start = ends.next().map_or(0, |(at, end)| at + end.len());
    typed.split_at(start)
}

fn words<'a>(all: impl Iterator<Item = &'a str>) -> Vec<Proposal> {
    all.map(|it| Proposal::new(it, "")).collect()
}

/// Actions first: they are what the line is opened for.
fn names() -> Vec<Proposal> {
    let actions = verbs().iter().map(|it| Proposal::new(&it.name, &it.about));
    let is_worth_typing = |name: &str| !name.starts_with("input.") && !name.starts_with("confirm.");
    let commands = Command::ENTRIES
        .iter()
        .filter(|it| is_worth_typing(it.name));
    let commands = commands.map(|it| Proposal::new(it.name, it.about));
    actions.chain(commands).collect()
}

impl Vocabulary<'_> {
    /// What may follow the words of an action.
    fn words_of(&self, verb: &Verb, before: &[&str], word: &str) -> Vec<Proposal> {
        let flag_named = |name: &str| verb.flags.iter().find(|it| it.name == name);
        let wanted = before.last().and_then(|it| flag_named(it));
        if let Some(value) = wanted.and_then(|it| it.value.as_deref()) {
            return self.of_kind(value);
        }
        if word.starts_with('-') {
            let is_new = |it: &&Flag| !before.contains(&it.name.as_str());
            let flags = verb.flags.iter().filter(is_new);
            return flags.map(|it| Proposal::new(&it.name, &it.about)).collect();
        }
        let mut n_positional = 0;
        let mut words = before.iter();
        while let Some(it) = words.next() {
            match flag_named(it) {
                Some(flag) if flag.value.is_some() => {
                    words.next();
                }
                Some(_) => {}
                None => n_positional += 1,
            }
        }
        // The last word of a verb may be said again and again.
        let kind = verb.arguments.get(n_positional).or(verb.arguments.last());
        let Some(kind) = kind else {
            return Vec::new();
        };
        let is_said = |it: &Proposal| before.contains(&it.word.as_str());
        let mut found = self.of_kind(kind);
        found.retain(|it| !is_said(it));
        found
    }

    /// What may follow a command's name.
    fn arguments(&self, name: &str) -> Vec<Proposal> {
        let entry = Command::ENTRIES.iter().find(|it| it.name == name);
        match entry.and_then(|it| it.argument) {
            Some("NAME") => self.of_kind("POOL"),
            Some(kind) => self.of_kind(kind),
            None => Vec::new(),
        }
    }

    /// Everything of one kind, as the grammar calls it.
    fn of_kind(&self, kind: &str) -> Vec<Proposal> {
        let fleet = self.fleet;
        match kind {
            "POOL" => {
                let pools = fleet.pools.keys();
                pools
                    .map(|it| Proposal::new(it.name.as_str(), it.scope.as_str()))
                    .collect()
            }
            "WHAT" => {
                let mut all = self.of_kind("POOL");
                all.extend(self.of_kind("INSTANCE"));
                all
            }
            "INSTANCE" => {
                let mut instances: Vec<_> = fleet.instances.values().collect();
                // Those of the pool that is selected come first.
                instances.sort_by_key(|it| it.pool.as_ref() != self.pool);
                let about = |it: &crate::fleet::Instance| {
                    let lifecycle = it.lifecycle.as_ref().map_or("", |it| it.as_str());
                    format!("{} {lifecycle}", it.pool_name())
                };
                instances
                    .iter()
                    .map(|it| Proposal::new(it.id.as_str(), about(it)))
                    .collect()
            }
            "SCOPE" => {
                let scopes = fleet.scopes.iter();
                let about = |it: &crate::fleet::Scope| it.environment.clone().unwrap_or_default();
                scopes
                    .map(|it| Proposal::new(it.id.as_str(), about(it)))
                    .collect()
            }
            "PROCESS" => Process::KNOWN
                .iter()
                .map(|it| Proposal::new(it.as_str(), ""))
                .collect(),
            "SPAN" => words(super::ZOOMS.iter().map(|it| it.1)),
            "METRIC" => words(super::CURVES.iter().map(|it| it.0.as_str())),
            "MARKS" => words(Marks::ALL.iter().map(|it| it.as_str())),
            "BY" => words(super::Split::ALL.iter().map(|it| it.as_str())),
            "FIELD" | "FIELDS" => self.fields(""),
            "FILTER" => self.fields("="),
            "LINE" => names(),
            _ => Vec::new(),
        }
    }

    fn fields(&self, end: &str) -> Vec<Proposal> {
        let fields = self.noun.map_or(&[][..], Noun::fields);
        fields
            .iter()
            .map(|it| Proposal::new(format!("{}{end}", it.name), it.help))
            .collect()
    }
}
