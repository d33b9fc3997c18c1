//! Keymaps and themes are data: what ships is right, and what is wrong is named.

use pooldeck::tui::{
    ColourDepth, Command, Context, Faults, Glyphs, KEYMAPS, Keymap, Role, THEMES, Theme, UserFile,
};
use proptest::prelude::*;

fn keymap(text: &str) -> Result<Keymap, Faults> {
    let name = "mine.toml";
    Keymap::load("default", Some(UserFile { name, text }))
}

fn theme(text: &str) -> Result<Theme, Faults> {
    let user = UserFile {
        name: "mine.toml",
        text,
    };
    Theme::load("dark", Some(user), ColourDepth::True, Glyphs::Unicode)
}

#[test]
fn every_shipped_keymap_can_be_read() {
    for (name, _) in KEYMAPS {
        let keymap = Keymap::load(name, None).unwrap_or_else(|it| panic!("{it}"));
        for context in Context::ALL {
            assert!(
                !keymap.bindings(*context).is_empty(),
                "{name}: [{}] has no key",
                context.as_str()
            );
        }
    }
}

#[test]
fn every_command_can_be_reached_with_every_keymap() {
    // These are for the palette: a key would be one too many.
    let by_name_only = ["half-page.next", "half-page.previous", "copy.command"];
    for (name, _) in KEYMAPS {
        let keymap = Keymap::load(name, None).unwrap();
        let bound: Vec<&str> = Context::ALL
            .iter()
            .flat_map(|it| keymap.bindings(*it))
            .map(|it| it.command.name())
            .collect();
        for entry in Command::ENTRIES
            .iter()
            .filter(|it| !by_name_only.contains(&it.name))
        {
            assert!(
                bound.contains(&entry.name),
                "{name}: no key runs {}",
                entry.name
            );
        }
        for verb in pooldeck::tui::verbs() {
            let is_run = bound.contains(&verb.name.as_str());
            let palette = format!("palette {}", verb.name);
            let lines = keymap.bindings(Context::Screen);
            let is_begun = lines.iter().any(|it| it.line == palette);
            assert!(
                is_run || is_begun || verb.name == "terminate",
                "{name}: no key asks for {}",
                verb.name
            );
        }
    }
}

#[test]
fn every_shipped_theme_styles_every_role_and_tells_phases_apart() {
    for (name, _) in THEMES {
        for depth in ColourDepth::ALL {
            let theme =
                Theme::load(name, None, depth, Glyphs::Unicode).unwrap_or_else(|it| panic!("{it}"));
            for role in Role::ALL {
                let style = theme.style(*role);
                let is_seen = style.fg.is_none() || style.fg != style.bg;
                assert!(is_seen, "{name} {depth:?}: {} is invisible", role.as_str());
            }
        }
    }
}

#[test]
fn mono_has_no_colour_whatever_was_asked_for() {
    let theme = Theme::load("dark", None, ColourDepth::Mono, Glyphs::Ascii).unwrap();
    for role in Role::ALL {
        let style = theme.style(*role);
        assert_eq!((style.fg, style.bg), (None, None), "{}", role.as_str());
    }
}

/// Checks that a text is refused with these words.
#[track_caller]
fn refused(result: Result<impl Sized, Faults>, words: &[&str]) {
    let Err(faults) = result else {
        panic!("it was taken");
    };
    let text = faults.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn a_keymap_of_ones_own_goes_over_the_shipped_one() {
    let keymap = keymap("[screen]\n\"q\" = \"\"\n\"x\" = \"quit\"\n\"f5\" = false\n").unwrap();
    let keys: Vec<String> = keymap
        .bindings(Context::Screen)
        .iter()
        .filter(|it| it.command == Command::Quit)
        .map(|it| it.keys.to_string())
        .collect();
    assert_eq!(keys, ["ctrl-c", "x"]);
}

#[test]
fn a_key_on_one_screen_goes_before_the_same_key_everywhere() {
    let keymap = keymap("[fleet]\n\"r\" = \"launch\"\n").unwrap();
    let on = |context| {
        let found = keymap
            .bindings(context)
            .into_iter()
            .find(|it| it.keys.to_string() == "r");
        found.unwrap().command.name()
    };
    assert_eq!(on(Context::Fleet), "launch");
    assert_eq!(on(Context::Pool), "reload");
}

#[test]
fn wrong_keymaps_are_refused_with_file_line_key_and_what_was_expected() {
    refused(
        keymap("[screen]\n\"x\" = \"scael\"\n"),
        &["mine.toml:2", "`x`", "`scael`", "did you mean `scale`?"],
    );
    refused(
        keymap("[screen]\n\"ctlr-x\" = \"quit\"\n"),
        &["mine.toml:2", "`ctlr-x`", "is no key"],
    );
    refused(
        keymap("[scren]\n\"x\" = \"quit\"\n"),
        &["mine.toml:1", "`scren`", "did you mean `screen`?"],
    );
    refused(
        keymap("[screen]\n\"x\" = 3\n"),
        &["mine.toml:2", "`x`", "quotation marks"],
    );
    refused(
        keymap("[screen]\n\"g\" = \"quit\"\n"),
        &["mine.toml:2", "`g`", "`g f`", "could never be typed"],
    );
    refused(
        keymap("[screen]\n\"q x\" = \"help\"\n"),
        &["`q`", "`q x`", "could never be typed"],
    );
    refused(
        keymap("[screen]\n\"shift-g\" = \"quit\"\n\"G\" = \"help\"\n"),
        &["mine.toml:3", "`G`", "same key"],
    );
    refused(
        keymap("[screen]\n\"ctrl-a\" = \"launch\"\n"),
        &["mine.toml:2", "ctrl-a", "tmux"],
    );
    refused(
        keymap("[screen]\n\"x\" = \"tag\"\n"),
        &["mine.toml:2", "`x`"],
    );
    refused(
        keymap("[input]\n\"x\" = \"input.accept\"\n"),
        &["mine.toml:2", "text"],
    );
    refused(
        keymap("[input]\n\"ctrl-x\" = \"launch\"\n"),
        &["only input.*"],
    );
    refused(
        keymap("[screen]\n\"x\" = \"confirm.yes\"\n"),
        &["answers a question"],
    );
    refused(keymap("[screen\n"), &["mine.toml:1"]);
    refused(Keymap::load("vi", None), &["vim-like"]);
    let inherits = UserFile {
        name: "mine.toml",
        text: "inherits = \"vim\"\n",
    };
    refused(
        Keymap::load("mine", Some(inherits)),
        &["mine.toml:1", "did you mean `vim-like`?"],
    );
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let faults = keymap("[screen]\n\"x\" = \"scael\"\n\"ctlr-y\" = \"quit\"\n").unwrap_err();
    assert_eq!(faults.0.len(), 2, "{faults}");
}

#[test]
fn a_keymap_says_what_it_is_based_on() {
    let text = "inherits = \"vim-like\"\n[screen]\n\"x\" = \"quit\"\n";
    let keymap = Keymap::load(
        "mine",
        Some(UserFile {
            name: "mine.toml",
            text,
        }),
    )
    .unwrap();
    let lines: Vec<String> = keymap
        .bindings(Context::Screen)
        .iter()
        .map(|it| it.keys.to_string())
        .collect();
    assert!(lines.contains(&"Z Z".to_owned()) && lines.contains(&"x".to_owned()));
}

#[test]
fn wrong_themes_are_refused_with_file_line_key_and_what_was_expected() {
    refused(
        theme("[dangr]\nfg = \"red\"\n"),
        &["mine.toml:1", "`dangr`", "did you mean `danger`?"],
    );
    refused(
        theme("[danger]\nfg = \"redd\"\n"),
        &["mine.toml:2", "danger.fg", "did you mean `red`?"],
    );
    refused(theme("[danger]\nfg = 300\n"), &["mine.toml:2", "0 to 255"]);
    refused(
        theme("[danger]\nbld = true\n"),
        &["mine.toml:2", "danger.bld", "did you mean `bold`?"],
    );
    refused(
        theme("[danger]\nbold = 1\n"),
        &["mine.toml:2", "true or false"],
    );
    refused(theme("danger = 1\n"), &["mine.toml:1", "a table such as"]);
    refused(theme("[danger\n"), &["mine.toml:1"]);
    refused(
        Theme::load("drak", None, ColourDepth::True, Glyphs::Unicode),
        &["did you mean `dark`?"],
    );
}

#[test]
fn a_theme_of_ones_own_goes_over_the_shipped_one() {
    let theme = theme("[palette]\nmine = \"#010203\"\n[ok]\nfg = \"mine\"\n").unwrap();
    assert_eq!(
        theme.style(Role::Ok).fg,
        Some(ratatui::style::Color::Rgb(1, 2, 3))
    );
}

proptest! {
    #[test]
    fn no_text_makes_a_keymap_or_a_theme_panic(text in "\\PC{0,80}") {
        let _ = keymap(&text);
        let _ = theme(&text);
    }

    #[test]
    fn no_line_makes_a_table_panic(key in "[a-zA-Z0-9 -]{0,12}", line in "[a-z. -]{0,16}") {
        let _ = keymap(&format!("[screen]\n\"{key}\" = \"{line}\"\n"));
        let _ = theme(&format!("[{}]\n{} = \"{line}\"\n", key.replace(' ', "-"), "fg"));
    }

    #[test]
    fn keys_are_written_as_they_are_read(text in "(ctrl-|alt-|)[a-z?/<]|[A-Z]|f[1-9]|esc|space|shift-tab|pagedown") {
        let keys: pooldeck::tui::Keys = text.parse().unwrap();
        prop_assert_eq!(keys.to_string().parse::<pooldeck::tui::Keys>().unwrap(), keys.clone());
        prop_assert_eq!(keys.to_string(), text);
    }
}
