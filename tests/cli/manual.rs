//! Help, manual pages, completions and `info`: what a newcomer reads first.

use std::process::Command;

use pooldeck::cli::{CommandLine, EXIT_CODES};
use snapbox::{Data, file};

use crate::sandbox::Sandbox;

#[track_caller]
fn check(line: &str, expected: Data) {
    snapbox::assert_data_eq!(Sandbox::new().run(line), expected.raw());
}

#[test]
fn the_short_help_fits_a_screen() {
    let said = Sandbox::new().run("-h");
    assert!(said.lines().count() <= 50, "{said}");
    assert!(said.lines().all(|it| it.chars().count() <= 100), "{said}");
}

#[test]
fn every_command_stands_in_a_group_of_the_help() {
    for line in ["-h", "--help"] {
        let said = Sandbox::new().run(line);
        assert!(
            !said.contains("More"),
            "`cli::overview` has no group for these: {said}"
        );
        let words: Vec<&str> = said.split_whitespace().collect();
        for command in CommandLine::definition().get_subcommands() {
            let name = command.get_name();
            assert!(words.contains(&name), "{line}: {name}");
        }
    }
}

#[test]
fn a_listing_and_an_action_explain_themselves() {
    check("instances -h", file!["help/instances.txt"]);
    check("scale -h", file!["help/scale.txt"]);
}

#[test]
fn every_command_says_what_it_does_in_one_line() {
    let definition = CommandLine::definition();
    for command in definition.get_subcommands() {
        let about = command.get_about().unwrap().to_string();
        let is_sentence = about.chars().next().unwrap().is_uppercase() && !about.ends_with('.');
        assert!(is_sentence, "{}: {about}", command.get_name());
        for argument in command.get_arguments().filter(|it| !it.is_global_set()) {
            let has_help = argument.get_help().is_some();
            assert!(has_help, "{} {}", command.get_name(), argument.get_id());
        }
    }
    definition.debug_assert();
}

#[test]
fn every_command_has_a_manual_page_and_the_first_has_the_exit_codes() {
    let sandbox = Sandbox::new();
    let page = sandbox.run("man");
    for line in EXIT_CODES.lines().skip(1) {
        let words = line
            .split_once("  ")
            .unwrap()
            .1
            .trim_start_matches(|it: char| it.is_ascii_digit() || it == ' ');
        assert!(page.replace("\\-", "-").contains(words), "{words}");
    }
    for command in CommandLine::definition().get_subcommands() {
        let name = command.get_name();
        let page = sandbox.run(&format!("man {name}"));
        assert!(page.contains(".SH NAME"), "{page}");
        assert!(
            page.contains(&format!("pooldeck\\-{}", name.replace('-', "\\-"))),
            "{page}"
        );
    }
}

#[test]
fn completions_are_scripts_that_know_the_verbs() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = sandbox
            .command(&format!("completions {shell}"))
            .output()
            .unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["instances", "scale", "dry-run"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        if shell == "bash" {
            let path = sandbox.home().join("script");
            std::fs::write(&path, script).unwrap();
            let parsed = Command::new("bash").arg("-n").arg(path).status().unwrap();
            assert!(parsed.success());
        }
    }
}

#[test]
fn info_tells_where_everything_is() {
    let sandbox = Sandbox::new();
    sandbox
        .configure("theme = \"light\"\n[[scope]]\nprofile = \"ci\"\nregions = [\"eu-west-1\"]\n");
    let said = sandbox.run("info");
    let home = sandbox.home().display().to_string();
    let said = said.replace(&home, "~");
    // What it was built with is the builder's choice.
    let said = said.replace("features       aws\n", "features       -\n");
    snapbox::assert_data_eq!(said, file!["help/info.txt"].raw());
}

#[test]
fn info_in_json_is_versioned() {
    let output = Sandbox::new()
        .command("info -o json --demo")
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["pooldeck"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(document["pooldeck"]["config_file"].is_null());
}

#[test]
fn the_example_is_a_configuration_that_can_be_used() {
    let sandbox = Sandbox::new();
    let example = sandbox.command("info --config-example").output().unwrap();
    sandbox.configure(&String::from_utf8(example.stdout).unwrap());
    let said = sandbox.run("info");
    assert!(said.contains("profile ci-prod"), "{said}");
    assert!(!said.contains("error"), "{said}");
}

#[test]
fn what_a_controllers_own_program_has_to_speak_is_printed() {
    let said = Sandbox::new().run("info --command-format");
    assert!(
        said.contains("\n# What a controller's own program says"),
        "{said}"
    );
    assert!(
        said.contains("## observe") && said.contains("## errors"),
        "{said}"
    );
}

#[test]
fn the_keys_of_the_keymap_in_use_are_printed() {
    let said = Sandbox::new().run("info --print-keys");
    assert!(said.contains("\nscreen\n"), "{said}");
    assert!(
        said.lines()
            .any(|it| it.split_whitespace().eq(["?", "help"])),
        "{said}"
    );
}
