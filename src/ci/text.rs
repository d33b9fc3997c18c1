//! Text that comes from outside, bounded. It stays data: making it fit for a terminal is
//! for who shows it.

/// A name of a job or an agent.
pub(super) const NAME: usize = 256;
/// A note, a reason, an explanation.
pub(super) const NOTE: usize = 512;
/// How much of a page goes into an error.
const EXCERPT: usize = 160;

/// Returns at most `n_chars_max` characters of a text, and shows that it went on.
pub(super) fn bounded(text: &str, n_chars_max: usize) -> String {
    match text.char_indices().nth(n_chars_max) {
        None => text.to_owned(),
        Some(_) => text
            .chars()
            .take(n_chars_max.saturating_sub(1))
            .chain(['…'])
            .collect(),
    }
}

/// Returns the start of a page in one line without markup, for an error that quotes it.
pub(super) fn excerpt(page: &str) -> String {
    // A page is megabytes at worst, and only its start can matter.
    let page: String = page.chars().take(8 * EXCERPT).collect();
    let mut text = String::new();
    let mut is_in_tag = false;
    for it in page.chars() {
        match it {
            '<' => is_in_tag = true,
            '>' if is_in_tag => {
                is_in_tag = false;
                text.push(' ');
            }
            _ if is_in_tag => {}
            it if it.is_control() => text.push(' '),
            it => text.push(it),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    bounded(&words.join(" "), EXCERPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(bounded("short", 5), "short");
        assert_eq!(bounded("äöüäöü", 5), "äöüä…");
    }

    #[test]
    fn an_excerpt_is_one_line_without_markup() {
        let page = "<html>\n<head><title>Sign in</title></head>\x1b[31m\r\nplease";
        assert_eq!(excerpt(page), "Sign in [31m please");
        assert_eq!(excerpt("<never closed"), "");
    }
}
