//! Copying through the terminal itself (OSC 52), which works over SSH where nothing else does.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What terminals take at most, as base64; a longer text would be dropped without a word.
const N_BYTES_MAX: usize = 74_994;
/// `screen` passes strings on in pieces of at most this size.
const SCREEN_PIECE: usize = 768;

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Multiplexer {
    #[default]
    None,
    Tmux,
    Screen,
}

impl Multiplexer {
    /// Decides from `TMUX`, `STY` and `TERM`; the terminal is never asked.
    pub fn of(tmux: Option<&str>, sty: Option<&str>, term: Option<&str>) -> Self {
        let is_set = |it: Option<&str>| it.is_some_and(|it| !it.is_empty());
        if is_set(tmux) {
            Self::Tmux
        } else if is_set(sty) || term.is_some_and(|it| it.starts_with("screen")) {
            Self::Screen
        } else {
            Self::None
        }
    }
}

/// Returns the bytes that ask the terminal to keep `text`; an error says why it cannot.
pub(super) fn sequence(text: &str, multiplexer: Multiplexer) -> Result<Vec<u8>, String> {
    let encoded = STANDARD.encode(text);
    if N_BYTES_MAX < encoded.len() {
        return Err(format!(
            "not copied: {} characters are more than terminals take",
            text.chars().count()
        ));
    }
    let plain = format!("\x1b]52;c;{encoded}\x07");
    let wrapped = match multiplexer {
        Multiplexer::None => plain,
        // Escapes are doubled inside; tmux passes it on with `allow-passthrough`,
        // and takes the plain form itself with `set-clipboard on`: send both.
        Multiplexer::Tmux => format!(
            "{plain}\x1bPtmux;{}\x1b\\",
            plain.replace('\x1b', "\x1b\x1b")
        ),
        Multiplexer::Screen => {
            let pieces = plain.as_bytes().chunks(SCREEN_PIECE);
            let pieces: Vec<String> = pieces
                .map(|it| String::from_utf8_lossy(it).into_owned())
                .collect();
            format!("\x1bP{}\x1b\\", pieces.join("\x1b\\\x1bP"))
        }
    };
    Ok(wrapped.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, multiplexer: Multiplexer) -> String {
        String::from_utf8(sequence(text, multiplexer).unwrap()).unwrap()
    }

    #[test]
    fn the_text_is_wrapped_for_what_stands_in_between() {
        assert_eq!(text("hi", Multiplexer::None), "\x1b]52;c;aGk=\x07");
        assert_eq!(
            text("hi", Multiplexer::Tmux),
            "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"
        );
        assert_eq!(
            text("hi", Multiplexer::Screen),
            "\x1bP\x1b]52;c;aGk=\x07\x1b\\"
        );
    }

    #[test]
    fn screen_gets_pieces_that_it_can_take() {
        let long = text(&"x".repeat(3000), Multiplexer::Screen);
        let pieces: Vec<&str> = long.split("\x1b\\").collect();
        assert!(pieces.iter().all(|it| it.len() <= SCREEN_PIECE + 2));
        let joined: String = pieces
            .iter()
            .map(|it| it.trim_start_matches("\x1bP"))
            .collect();
        assert_eq!(joined, text(&"x".repeat(3000), Multiplexer::None));
    }

    #[test]
    fn what_is_too_long_is_refused_and_not_cut() {
        assert!(sequence(&"x".repeat(56_244), Multiplexer::None).is_ok());
        let why = sequence(&"x".repeat(56_245), Multiplexer::None).unwrap_err();
        assert!(why.contains("not copied"), "{why}");
    }

    #[test]
    fn the_environment_names_the_multiplexer() {
        let of = Multiplexer::of;
        assert_eq!(
            of(
                Some("/tmp/tmux-0/default,1,0"),
                None,
                Some("screen-256color")
            ),
            Multiplexer::Tmux
        );
        assert_eq!(of(None, Some("1.pts"), Some("xterm")), Multiplexer::Screen);
        assert_eq!(
            of(None, None, Some("screen.xterm-256color")),
            Multiplexer::Screen
        );
        assert_eq!(
            of(Some(""), None, Some("xterm-256color")),
            Multiplexer::None
        );
    }
}
