//! Editing one line of text, and finding the words that it could mean.

use nucleo_matcher::{
    Config, Matcher,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};
use tui_input::{Input, InputRequest};

use super::command::Command;

/// The longest line that anyone types; a paste beyond it is cut.
const N_CHARS_MAX: usize = 1000;

/// Applies an editing command; false when it is none.
pub(super) fn edit(input: &mut Input, command: &Command) -> bool {
    let request = match command {
        Command::InputLeft => InputRequest::GoToPrevChar,
        Command::InputRight => InputRequest::GoToNextChar,
        Command::InputWordLeft => InputRequest::GoToPrevWord,
        Command::InputWordRight => InputRequest::GoToNextWord,
        Command::InputStart => InputRequest::GoToStart,
        Command::InputEnd => InputRequest::GoToEnd,
        Command::InputDeleteLeft => InputRequest::DeletePrevChar,
        Command::InputDeleteRight => InputRequest::DeleteNextChar,
        Command::InputDeleteWord => InputRequest::DeletePrevWord,
        Command::InputDeleteToStart => InputRequest::DeleteFromStart,
        Command::InputDeleteToEnd => InputRequest::DeleteTillEnd,
        Command::InputYank => InputRequest::Yank,
        _ => return false,
    };
    input.handle(request);
    true
}

pub(super) fn insert(input: &mut Input, c: char) {
    if !c.is_control() && input.value().chars().count() < N_CHARS_MAX {
        input.handle(InputRequest::InsertChar(c));
    }
}

/// Inserts pasted text as one line; a line break never accepts anything.
pub(super) fn paste(input: &mut Input, text: &str) {
    for c in crate::fleet::sanitize(text).chars() {
        insert(input, c);
    }
}

/// Returns the candidates that `word` may mean, the best first; all of them for an empty word.
pub(super) fn best_matches<T>(word: &str, all: Vec<T>, text: impl Fn(&T) -> &str) -> Vec<T> {
    if word.is_empty() {
        return all;
    }
    let pattern = Pattern::new(
        word,
        CaseMatching::Ignore,
        Normalization::Smart,
        AtomKind::Fuzzy,
    );
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut chars = Vec::new();
    let mut found: Vec<(u32, T)> = all
        .into_iter()
        .filter_map(|it| {
            let haystack = nucleo_matcher::Utf32Str::new(text(&it), &mut chars);
            let score = pattern.score(haystack, &mut matcher)?;
            let is_prefix = text(&it).starts_with(word);
            Some((score + if is_prefix { 1000 } else { 0 }, it))
        })
        .collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.0));
    found.into_iter().map(|it| it.1).collect()
}
