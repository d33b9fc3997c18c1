//! What reaches the streams: data on stdout, talk on stderr, and nothing that
//! a terminal would obey.

use std::{io::Read as _, process::Stdio};

use pooldeck::{
    cli::Exit,
    sim::{LoadSpec, Project, Scenario},
};

use crate::{
    sandbox::Sandbox,
    stage::{Stage, group},
};

/// Turns the screen red, sets the title, hides, and turns the direction of text.
const HOSTILE: &str = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{202e}gnp\u{200b}.exe\nnext";

fn hostile() -> Stage {
    let mut pool = group("linux", "us-east-1");
    pool.name = format!("linux{HOSTILE}").as_str().into();
    pool.tags.insert("note".to_owned(), HOSTILE.to_owned());
    let load = LoadSpec {
        label: "linux".to_owned(),
        projects: vec![Project::new(HOSTILE, 60, 600)],
        jobs_per_hour: 100,
        night_percent: 100,
        ..LoadSpec::default()
    };
    Stage::of(Scenario::of(vec![pool], vec![load]))
}

#[test]
fn external_text_never_steers_a_terminal() {
    for line in [
        "pools",
        "pools -o json",
        "pools -o ndjson",
        "pools -o csv",
        "instances --columns id,pool,job",
        "instances -o json",
        "activities",
        "executors --columns +note,evidence",
        "executors -o json",
        "jobs",
        "jobs -o csv",
        "queue",
        "explain i-0",
        "strays",
        "instances nosuchpool",
        "suspend POOL --dry-run",
        "suspend POOL --yes",
        "suspend POOL --yes -o json",
        "suspend POOL --yes -o ndjson",
        "launch POOL --count 99 --yes",
    ] {
        let pool = format!("linux{HOSTILE}");
        let line = line.replace("POOL", &shlex::try_quote(&pool).unwrap());
        let said = hostile().run(&line);
        for text in [&said.stdout, &said.stderr] {
            let is_harmless = |it: char| {
                it == '\n' || !(it.is_control() || matches!(it, '\u{200b}' | '\u{202e}'))
            };
            assert!(text.chars().all(is_harmless), "{line}: {said:?}");
        }
    }
}

#[test]
fn json_keeps_external_text_as_it_is() {
    let said = hostile().run("pools -o json");
    assert_eq!(said.json()["pools"][0]["tags"]["note"], HOSTILE);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut stage = Stage::new();
    stage.stdout_ends_after = Some(0);
    for line in ["pools", "pools -o json"] {
        let said = stage.run(line);
        assert_eq!(
            (said.exit, said.stderr.as_str()),
            (Exit::Done, ""),
            "{line}"
        );
    }
}

#[test]
fn an_action_goes_on_when_its_reader_has_gone() {
    let mut stage = Stage::new();
    stage.stdout_ends_after = Some(1);
    let said = stage.run("scale linux 8 --yes -o ndjson");
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    assert_eq!(said.stderr, "Done: scale linux 8\n");
}

#[test]
fn the_binary_ends_quietly_when_the_pipe_closes() {
    let sandbox = Sandbox::new();
    let mut child = sandbox
        .command("instances --demo --speed 0 -o json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The pipe is closed before anything can be written.
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_said_and_is_1() {
    let sandbox = Sandbox::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = sandbox
        .command("pools --demo --speed 0")
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error: stdout cannot be written"), "{said}");
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let sandbox = Sandbox::new();
    let stdout = |line: &str| {
        let output = sandbox.command(line).env("TERM", "xterm").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = stdout("pools --demo --speed 0");
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let coloured = stdout("pools --demo --speed 0 --color always");
    assert!(coloured.starts_with("\u{1b}[1mPOOL"), "{coloured:?}");
    let titles_and_rows = coloured.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    assert_eq!(titles_and_rows, plain, "colour adds nothing but itself");
}

#[test]
fn a_terminal_gets_what_fits_and_hears_what_does_not() {
    let mut stage = Stage::new();
    stage.terminal.stdout_is_terminal = true;
    for width in [40, 60, 80, 120] {
        stage.terminal.size = Some((width, 24));
        let said = stage.run("pools");
        let n_columns = said.stdout.lines().map(|it| it.chars().count()).max();
        assert!(n_columns <= Some(usize::from(width)), "{width}: {said:?}");
        let is_cut = width < 100;
        assert_eq!(
            said.stderr.contains("too narrow"),
            is_cut,
            "{width}: {said:?}"
        );
    }
}
