//! A screen as a picture of a terminal, to compare and to look at.

use std::fmt::Write as _;

use anstyle_svg::Term;
use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

/// Draws a screen on the background that its theme is made for.
pub(crate) fn svg(buffer: &Buffer, is_light: bool) -> String {
    let rgb = |r, g, b| anstyle_svg_color(r, g, b);
    let (fg, bg) = if is_light {
        (rgb(0x24, 0x29, 0x2f), rgb(0xff, 0xff, 0xff))
    } else {
        (rgb(0xc8, 0xcc, 0xd4), rgb(0x14, 0x17, 0x1d))
    };
    let drawn = Term::new()
        .fg_color(fg)
        .bg_color(bg)
        .render_svg(&ansi(buffer));
    if drawn.contains(is_braille) {
        pinned(&drawn)
    } else {
        drawn
    }
}

/// How wide a letter is in the picture.
const ADVANCE: f64 = 8.43;
/// Where a line begins in the picture.
const LEFT: f64 = 10.0;

/// Few fonts for code have braille, and what a viewer shows instead is of another
/// width: every piece of text gets its place, and every letter of braille.
fn pinned(svg: &str) -> String {
    let mut text = String::new();
    for line in svg.lines() {
        let mut column = 0;
        let mut pieces = line.split("<tspan");
        text.push_str(pieces.next().unwrap_or(""));
        for piece in pieces {
            let (attributes, inside) = piece.split_once('>').unwrap();
            let Some((escaped, rest)) = inside.split_once("</tspan>") else {
                // The line itself, which has its place.
                let _ = write!(text, "<tspan{attributes}>{inside}");
                continue;
            };
            let letters = letters(escaped);
            let mut put = |text: &mut String, escaped: &str, n_letters: u32| {
                let x = LEFT + f64::from(column) * ADVANCE;
                let _ = write!(text, "<tspan{attributes} x=\"{x:.1}\">{escaped}</tspan>");
                column += n_letters;
            };
            if letters.contains(is_braille) {
                for letter in letters.chars() {
                    put(&mut text, letter.encode_utf8(&mut [0; 4]), 1);
                }
            } else {
                let n_letters = u32::try_from(letters.chars().count()).unwrap();
                put(&mut text, escaped, n_letters);
            }
            text.push_str(rest);
        }
        text.push('\n');
    }
    text
}

fn is_braille(letter: char) -> bool {
    ('\u{2800}'..='\u{28ff}').contains(&letter)
}

fn letters(escaped: &str) -> String {
    let plain = escaped.replace("&lt;", "<").replace("&gt;", ">");
    plain.replace("&quot;", "\"").replace("&amp;", "&")
}

fn anstyle_svg_color(r: u8, g: u8, b: u8) -> anstyle::Color {
    anstyle::Color::Rgb(anstyle::RgbColor(r, g, b))
}

fn ansi(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut style = String::new();
        let mut skip = 0;
        // Blanks at the end of a line are no part of the picture.
        let is_blank = |x: &u16| buffer[(*x, y)] == Cell::default();
        let end = (0..buffer.area.width)
            .rev()
            .find(|it| !is_blank(it))
            .map_or(0, |it| it + 1);
        for x in 0..end {
            if 0 < skip {
                skip -= 1;
                continue;
            }
            let cell = &buffer[(x, y)];
            let next = sgr(cell);
            if next != style {
                text.push_str(&next);
                style = next;
            }
            text.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        text.push_str("\x1b[0m\n");
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn sgr(cell: &Cell) -> String {
    // A sequence for each part: the picture's reader takes one from a sequence.
    let mut codes = "\x1b[0m".to_owned();
    for (modifier, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ] {
        if cell.modifier.contains(modifier) {
            let _ = write!(codes, "\x1b[{code}m");
        }
    }
    codes + &color(cell.fg, 30) + &color(cell.bg, 40)
}

fn color(color: Color, base: u8) -> String {
    let named = |n: u8| format!("\x1b[{}m", base + n);
    let bright = |n: u8| format!("\x1b[{}m", base + 60 + n);
    match color {
        Color::Reset => String::new(),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(n) => format!("\x1b[{};5;{n}m", base + 8),
        Color::Rgb(r, g, b) => format!("\x1b[{};2;{r};{g};{b}m", base + 8),
    }
}
