//! The rooms of `src/` and what each may import. A new arrow between rooms is
//! a design change, and this is the place to make it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

struct Room {
    name: &'static str,
    /// Rooms of this crate that it may name.
    imports: &'static [&'static str],
    /// Outside crates that only these rooms may name; the first owner is enough.
    crates: &'static [&'static str],
}

const fn room(
    name: &'static str,
    imports: &'static [&'static str],
    crates: &'static [&'static str],
) -> Room {
    Room {
        name,
        imports,
        crates,
    }
}

const ROOMS: &[Room] = &[
    // `fleet` owns the filter language, which both front ends speak, and so the fuzzy matcher.
    room("fleet", &[], &["nucleo_matcher", "strsim", "jiff"]),
    room("cost", &["fleet"], &[]),
    room("operation", &["fleet"], &[]),
    room(
        "action",
        &["fleet", "cost", "operation"],
        &["clap", "shlex"],
    ),
    room(
        "cloud",
        &["fleet"],
        &[
            "aws_config",
            "aws_credential_types",
            "aws_runtime",
            "aws_sdk",
            "aws_smithy",
            "aws_types",
        ],
    ),
    room("ci", &["fleet"], &["reqwest", "rustls", "hyper"]),
    room("sim", &["fleet", "cloud", "ci"], &["fastrand"]),
    // The engine's back-off is jittered, so it shares the random numbers with `sim`.
    room(
        "engine",
        &["fleet", "cost", "operation", "action", "cloud", "ci"],
        // It keeps the past, on disk like the journals.
        &["fastrand", "rusqlite"],
    ),
    room(
        "cli",
        &["fleet", "cost", "operation", "action", "engine"],
        &["clap", "clap_complete", "clap_mangen", "comfy_table", "csv"],
    ),
    room(
        "tui",
        &["fleet", "cost", "operation", "action", "engine"],
        // Keymaps and themes are TOML, and the palette finds words as fuzzily as the filter.
        &[
            "ratatui",
            "crossterm",
            "crokey",
            "tui_input",
            "unicode_width",
            "anstyle",
            "anstyle_lossy",
            "toml",
            "nucleo_matcher",
        ],
    ),
    // Guardrails, the proof of idleness, what becomes of operations, and prices are configured.
    room(
        "settings",
        &["fleet", "action", "operation", "cost"],
        &["toml", "directories"],
    ),
];

/// Files that wire the rooms together and may name all of them.
const WIRING: &[&str] = &["main", "lib"];

#[test]
fn rooms_import_only_downward() {
    let mut wrong = Vec::new();
    for path in sources(Path::new("src")) {
        let text = fs::read_to_string(&path).unwrap();
        wrong.extend(faults_of(&path, &text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_arrow_is_named() {
    let path = Path::new("src/fleet/pool.rs");
    let found = faults_of(path, "use crate::tui::App;\n");
    assert_eq!(found, ["src/fleet/pool.rs: `fleet` may not import `tui`"]);
    let found = faults_of(path, "use ratatui::Frame;\n");
    assert_eq!(found, ["src/fleet/pool.rs: only `tui` may name `ratatui`"]);
    let found = faults_of(path, "let now = Instant::now();\n");
    assert_eq!(found.len(), 1, "a clock outside engine/clock.rs");
    let nested = "use crate::{\n    action::Plan,\n    fleet::Pool,\n};\n";
    let found = faults_of(Path::new("src/sim/world.rs"), nested);
    assert_eq!(found, ["src/sim/world.rs: `sim` may not import `action`"]);
}

#[test]
fn every_room_is_in_the_table() {
    for entry in fs::read_dir("src").unwrap() {
        let path = entry.unwrap().path();
        let name = room_of(path.strip_prefix("src").unwrap());
        let is_known = ROOMS.iter().any(|it| it.name == name) || WIRING.contains(&name.as_str());
        assert!(is_known, "src/{name} is no room of design's table");
    }
}

fn faults_of(path: &Path, text: &str) -> Vec<String> {
    let name = room_of(path.strip_prefix("src").unwrap());
    let mut wrong = Vec::new();
    // Comments and documentation may name anything.
    let is_code = |it: &&str| !it.trim_start().starts_with("//");
    let code = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    if let Some(room) = ROOMS.iter().find(|it| it.name == name) {
        for other in ROOMS.iter().map(|it| it.name).filter(|it| *it != name) {
            if !room.imports.contains(&other) && names_room(&code, other) {
                wrong.push(format!(
                    "{}: `{name}` may not import `{other}`",
                    path.display()
                ));
            }
        }
        for krate in ROOMS.iter().flat_map(|it| it.crates) {
            let owners: Vec<&str> = ROOMS
                .iter()
                .filter(|it| it.crates.contains(krate))
                .map(|it| it.name)
                .collect();
            if !owners.contains(&name.as_str()) && names_crate(&code, krate) {
                let owners = owners.join("`, `");
                wrong.push(format!(
                    "{}: only `{owners}` may name `{krate}`",
                    path.display()
                ));
            }
        }
    }
    let reads_clock = ["SystemTime::now", "Instant::now", "jiff::Timestamp::now"];
    if !path.ends_with("engine/clock.rs") && reads_clock.iter().any(|it| code.contains(it)) {
        wrong.push(format!("{}: time is an argument", path.display()));
    }
    wrong
}

fn names_room(code: &str, other: &str) -> bool {
    if code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{other};")) {
        return true;
    }
    // Inside `use crate::{ … }`, at the first level.
    code.split("use crate::{").skip(1).any(|rest| {
        let mut depth = 0;
        let mut word = String::new();
        for c in rest.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                _ if depth != 0 => {}
                ',' | '\n' | ' ' => word.clear(),
                ':' if word == other => return true,
                ':' => word.push(':'),
                c => word.push(c),
            }
        }
        false
    })
}

fn names_crate(code: &str, krate: &str) -> bool {
    code.match_indices(krate).any(|(start, _)| {
        let before = code[..start].chars().next_back();
        let is_start = before.is_none_or(|it| !it.is_alphanumeric() && it != '_' && it != '"');
        // `aws_sdk` stands for every crate whose name begins with it.
        let rest = code[start..].trim_start_matches(|it: char| it.is_alphanumeric() || it == '_');
        let is_path = rest.starts_with("::");
        let is_whole = code[start + krate.len()..].starts_with("::") || krate.starts_with("aws");
        is_start && is_path && is_whole
    })
}

fn room_of(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}
