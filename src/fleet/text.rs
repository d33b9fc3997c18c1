//! Text from outside (tags, job names, AWS' and controllers' messages) made safe for a terminal.
//!
//! The only place that decides what may reach a screen, a log line or a table cell.

use std::{borrow::Cow, str::Chars};

use unicode_segmentation::UnicodeSegmentation as _;

/// A longer text is cut: no cell and no message has room for more.
const N_CHARS_MAX: usize = 4096;
/// A letter with more marks than this is no letter, but a column of ink over its neighbours.
const N_CHARS_IN_GRAPHEME_MAX: usize = 6;
/// Stands for a character that cannot be seen, so that two names that differ also look different.
const HIDDEN: char = '\u{fffd}';
const ESCAPE: char = '\u{1b}';

/// Returns one line of `text` that a terminal shows as it is, and nothing more.
///
/// Escape sequences vanish, line breaks and tabs become spaces, and whatever
/// is invisible or turns the direction of the text becomes `�`.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len().min(N_CHARS_MAX));
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match class_of(c) {
            Class::Shown => clean.push(c),
            // The end of a line that ends the Windows way says nothing twice.
            Class::Break if c == '\r' && rest.as_str().starts_with('\n') => {}
            Class::Break => clean.push(' '),
            Class::Escape => skip_sequence(c, &mut rest),
            Class::Hidden => clean.push(HIDDEN),
        }
    }
    Cow::Owned(cut(&thin_graphemes(&clean)))
}

/// Returns each line of `text`, made safe.
pub fn sanitize_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(sanitize)
}

/// Text that needs no work, which is nearly all of it.
fn is_clean(text: &str) -> bool {
    if text.len() <= N_CHARS_MAX && text.bytes().all(|it| (0x20..0x7f).contains(&it)) {
        return true;
    }
    text.chars().all(|it| class_of(it) == Class::Shown)
        && text.chars().nth(N_CHARS_MAX).is_none()
        && text.graphemes(true).all(is_thin)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Shown,
    Break,
    Escape,
    Hidden,
}

fn class_of(c: char) -> Class {
    match c {
        ' '..='~' => Class::Shown,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::Break,
        // ESC, and the C1 controls that begin a sequence: DCS, SOS, CSI, OSC, PM, APC.
        ESCAPE | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}' => Class::Escape,
        c if c.is_control() || is_invisible(c) => Class::Hidden,
        _ => Class::Shown,
    }
}

/// Characters without a picture, or that move the pictures of others.
///
/// Source: Unicode's `Default_Ignorable_Code_Point` and `Bidi_Control`, and
/// the noncharacters.
fn is_invisible(c: char) -> bool {
    matches!(c,
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul fillers, Khmer inherent vowels.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        // Zero-width space and joiners, direction marks, overrides and isolates, invisible operators.
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        // Musical and shorthand format controls, tags, the second variation selectors.
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
        || ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

/// Skips the rest of an escape sequence that began with `first`.
///
/// A sequence that never ends takes at most one line with it.
fn skip_sequence(first: char, rest: &mut Chars<'_>) {
    let kind = if first == ESCAPE {
        match rest.as_str().chars().next() {
            Some(c @ ('P' | 'X' | '[' | ']' | '^' | '_')) => {
                rest.next();
                c
            }
            // `ESC ( B` and its like: intermediates, then one final character.
            Some(' '..='/') => {
                skip_while(rest, |it| (' '..='/').contains(&it));
                skip_one(rest, |it| ('0'..='~').contains(&it));
                return;
            }
            _ => {
                skip_one(rest, |it| ('0'..='~').contains(&it));
                return;
            }
        }
    } else {
        first
    };
    if matches!(kind, '[' | '\u{9b}') {
        // CSI: parameters and intermediates, then one final character.
        skip_while(rest, |it| (' '..='?').contains(&it));
        skip_one(rest, |it| ('@'..='~').contains(&it));
    } else {
        // A string: until BEL, ST, or the end of the line.
        skip_while(rest, |it| {
            !matches!(it, '\u{7}' | '\u{9c}' | ESCAPE | '\n' | '\r')
        });
        if rest.as_str().starts_with("\u{1b}\\") {
            rest.next();
        }
        skip_one(rest, |it| matches!(it, '\u{7}' | '\u{9c}' | '\\'));
    }
}

fn skip_while(rest: &mut Chars<'_>, is_part: impl Fn(char) -> bool) {
    while rest.as_str().chars().next().is_some_and(&is_part) {
        rest.next();
    }
}

fn skip_one(rest: &mut Chars<'_>, is_last: impl Fn(char) -> bool) {
    if rest.as_str().chars().next().is_some_and(is_last) {
        rest.next();
    }
}

fn is_thin(grapheme: &str) -> bool {
    grapheme.chars().nth(N_CHARS_IN_GRAPHEME_MAX).is_none()
}

/// Takes the marks that are too many off every letter.
fn thin_graphemes(text: &str) -> Cow<'_, str> {
    if text.graphemes(true).all(is_thin) {
        return Cow::Borrowed(text);
    }
    let thinned = |it: &str| it.chars().take(N_CHARS_IN_GRAPHEME_MAX).collect::<String>();
    Cow::Owned(text.graphemes(true).map(thinned).collect())
}

fn cut(text: &str) -> String {
    if text.chars().nth(N_CHARS_MAX).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(N_CHARS_MAX - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_text_becomes_harmless() {
        for (text, wanted) in [
            ("plain ~ text", "plain ~ text"),
            ("grün 日本 é", "grün 日本 é"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]52;c;aGk=\u{1b}\\b", "ab"),
            ("a\u{1b}P+q\u{1b}\\b", "ab"),
            ("a\u{9b}2Jb\u{9d}0;t\u{9c}c", "abc"),
            ("a\u{1b}(Bb\u{1b}cc", "abc"),
            ("cut\u{1b}", "cut"),
            ("cut\u{1b}[1;", "cut"),
            ("open\u{1b}]0;never\nnext", "open next"),
            ("two\r\nlines\ttab", "two lines tab"),
            ("bell\u{7}", "bell\u{fffd}"),
            ("evil\u{202e}txt.exe", "evil\u{fffd}txt.exe"),
            ("work\u{200b}horse", "work\u{fffd}horse"),
            ("tag\u{e0041}", "tag\u{fffd}"),
        ] {
            assert_eq!(sanitize(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn names_that_differ_invisibly_do_not_look_the_same() {
        assert_ne!(sanitize("workhorse"), sanitize("work\u{ad}horse"));
    }

    #[test]
    fn a_tower_of_marks_is_cut_down() {
        let tower = format!("a{}b", "\u{301}".repeat(40));
        assert_eq!(sanitize(&tower), format!("a{}b", "\u{301}".repeat(5)));
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let long = "x".repeat(N_CHARS_MAX + 1);
        let short = sanitize(&long);
        assert_eq!(short.chars().count(), N_CHARS_MAX);
        assert!(short.ends_with('…'));
        let fits = "é".repeat(N_CHARS_MAX);
        assert_eq!(sanitize(&fits), fits);
    }

    /// Text made of what hurts: controls, sequences, directions, and letters.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            (0..0xa0_u32).prop_map(|it| char::from_u32(it).unwrap().to_string()),
            Just("\u{1b}[".to_owned()),
            Just("\u{1b}]52;c;".to_owned()),
            Just("\u{1b}\\".to_owned()),
            Just("\u{202e}".to_owned()),
            Just("\u{301}".to_owned()),
            "[a-z;0-9 ]{0,6}",
        ];
        prop::collection::vec(piece, 0..40).prop_map(|it| it.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_is_left(text in hostile()) {
            let clean = sanitize(&text);
            prop_assert!(clean.chars().all(|it| class_of(it) == Class::Shown), "{clean:?}");
            prop_assert!(!clean.contains(ESCAPE));
            prop_assert!(clean.graphemes(true).all(is_thin), "{clean:?}");
            prop_assert!(clean.chars().count() <= N_CHARS_MAX);
        }

        #[test]
        fn clean_text_stays_as_it_is(text in hostile()) {
            let clean = sanitize(&text).into_owned();
            prop_assert_eq!(sanitize(&clean), clean.as_str());
        }

        #[test]
        fn lines_are_those_of_the_text(text in hostile()) {
            prop_assert_eq!(sanitize_lines(&text).count(), text.lines().count());
        }
    }
}
