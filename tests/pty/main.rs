//! The real program in a real terminal: it comes, it goes, and it leaves the terminal as it was.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod terminal;

use std::time::Duration;

use portable_pty::CommandBuilder;
use rustix::process::Signal;
use terminal::{Terminal, console, panicking};

/// The console with its first reading on the screen.
fn started() -> Terminal {
    let terminal = Terminal::start(console());
    // The regions answer one after the other.
    terminal.wait("every pool", |it| it.contents().contains("pools 7"));
    terminal
}

#[test]
fn it_starts_on_the_other_screen_with_raw_keys_and_without_the_mouse() {
    let terminal = started();
    terminal.wait("the alternate screen", vt100::Screen::alternate_screen);
    terminal.wait("bracketed paste", vt100::Screen::bracketed_paste);
    assert!(!terminal.is_cooked());
    for mouse in ["\x1b[?1000h", "\x1b[?1002h", "\x1b[?1003h"] {
        assert!(
            !terminal.wrote(mouse.as_bytes()),
            "the mouse is the terminal's own"
        );
    }
    for probe in ["\x1b[c", "\x1b[6n", "\x1b[>c", "\x1b]11;?"] {
        assert!(
            !terminal.wrote(probe.as_bytes()),
            "the terminal is never asked"
        );
    }
}

#[test]
fn every_frame_is_synchronized() {
    let terminal = started();
    terminal.wait_until_written(b"\x1b[?2026h");
    terminal.wait_until_written(b"\x1b[?2026l");
}

#[test]
fn keys_are_answered_and_q_leaves_the_terminal_as_it_was() {
    let mut terminal = started();
    terminal.press("?");
    terminal.wait_for("Go and look");
    terminal.press("\x1b");
    terminal.wait_for("LIFECYCLE");
    terminal.press("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    terminal.is_restored();
}

#[test]
fn a_new_size_is_a_new_screen() {
    let mut terminal = started();
    terminal.wait_for("calls/min");
    terminal.resize(40, 10);
    terminal.wait("the small screen", |it| {
        let text = it.contents();
        text.contains("windows") && !text.contains("LIFECYCLE") && text.contains("DESIRED")
    });
    terminal.resize(160, 45);
    terminal.wait_for("LIFECYCLE");
}

#[test]
fn a_flood_of_sizes_and_keys_is_survived() {
    let mut terminal = started();
    for step in 1..60_u16 {
        terminal.resize(step * 3, step % 40 + 1);
        terminal.press("jjkkG\t?gf");
    }
    terminal.resize(100, 30);
    terminal.wait("the whole screen", |it| {
        let text = it.contents();
        [
            "pools 7",
            "calls/min",
            "LIFECYCLE",
            "waiting, and why",
            "activities",
        ]
        .iter()
        .all(|it| text.contains(it))
    });
}

#[test]
fn signals_end_it_and_restore_the_terminal() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut terminal = started();
        terminal.signal(signal);
        assert_eq!(terminal.ends().exit_code(), code);
        terminal.is_restored();
    }
}

#[test]
fn a_hangup_signal_ends_it() {
    let mut terminal = started();
    terminal.signal(Signal::HUP);
    terminal.ends();
    terminal.is_restored();
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let mut terminal = started();
    terminal.hang_up();
    terminal.ends();
}

#[test]
fn a_terminal_that_vanishes_without_a_signal_ends_it_too() {
    let mut command = console();
    // Nobody's controlling terminal: the kernel tells nobody that it is gone.
    command.set_controlling_tty(false);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("workhorse");
    terminal.hang_up();
    terminal.ends();
}

#[test]
fn a_terminal_that_vanishes_in_the_middle_of_a_key_ends_it_too() {
    let mut command = console();
    command.set_controlling_tty(false);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("workhorse");
    // Half of an arrow key: the library that reads keys waits for the rest.
    terminal.press("\x1b[");
    terminal.wait_for("workhorse");
    terminal.hang_up();
    terminal.ends();
}

#[test]
fn ctrl_z_stops_it_and_fg_brings_it_back() {
    let mut shell = CommandBuilder::new("/bin/sh");
    shell.args(["-i"]);
    let mut terminal = Terminal::start(shell);
    terminal.press(&format!("{} --demo\r", env!("CARGO_BIN_EXE_pooldeck")));
    terminal.wait_for("LIFECYCLE");
    terminal.press("\x1a");
    terminal.wait("the shell's screen", |it| !it.alternate_screen());
    terminal.wait_for("Stopped");
    assert!(!terminal.wrote(b"no shell to return to"));
    terminal.press("fg\r");
    terminal.wait("the console", vt100::Screen::alternate_screen);
    terminal.wait_for("LIFECYCLE");
    terminal.press("?");
    terminal.wait_for("Go and look");
    terminal.press("q");
    terminal.wait("the shell's screen", |it| !it.alternate_screen());
}

#[test]
fn without_a_shell_ctrl_z_stops_nothing_and_says_so() {
    let mut terminal = started();
    terminal.press("\x1a");
    terminal.wait_for("no shell to return to");
    terminal.press("?");
    terminal.wait_for("Go and look");
}

#[test]
fn a_panic_of_the_screen_restores_the_terminal_and_is_told() {
    let mut terminal = Terminal::start(panicking("screen"));
    terminal.wait("the console", vt100::Screen::alternate_screen);
    assert_ne!(terminal.ends().exit_code(), 0);
    terminal.is_restored();
    terminal.wait_for("the screen broke");
}

#[test]
fn a_panic_of_another_task_is_a_message_and_the_console_goes_on() {
    let mut terminal = Terminal::start(panicking("task"));
    terminal.wait_for("the door broke");
    terminal.wait("the console", vt100::Screen::alternate_screen);
    terminal.press("?");
    terminal.wait_for("Go and look");
    terminal.press("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    terminal.is_restored();
    terminal.wait_for("the door broke");
}

#[test]
fn an_idle_screen_writes_nothing() {
    let mut command = console();
    // Nothing is read for a long time, and nothing on this screen counts.
    command.args(["--refresh", "1h"]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("workhorse");
    terminal.press("gi");
    terminal.wait_for("LIFECYCLE");
    std::thread::sleep(Duration::from_secs(1));
    let n_before = terminal.n_bytes();
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(terminal.n_bytes(), n_before);
}

#[test]
fn without_a_terminal_it_says_so() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pooldeck"))
        .arg("--demo")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("terminal"));
    assert!(output.stdout.is_empty());
}

#[test]
fn an_action_goes_from_a_key_to_the_audit_log() {
    let mut terminal = started();
    terminal.press(":pool arm-linux\r");
    terminal.wait_for("instances of demo/eu-west-1/arm-linux");
    terminal.press("al");
    terminal.wait_for("SetDesiredCapacity");
    // The question is answered once it was seen; a key before that is dropped.
    terminal.press("y");
    terminal.wait_for("that key came before the question");
    std::thread::sleep(Duration::from_millis(600));
    terminal.press("y");
    terminal.wait("the question to go", |it| {
        !it.contents().contains("does nothing")
    });
    terminal.press("gm");
    terminal.wait_for("#1 applied: autoscaling:SetDesiredCapacity");
    let log = find(terminal.state_dir(), "audit.jsonl").expect("there is an audit log");
    let text = std::fs::read_to_string(log).unwrap();
    assert!(
        text.contains("\"intended\"") && text.contains("\"applied\""),
        "{text}"
    );
}

fn find(directory: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    let paths: Vec<_> = entries.flatten().map(|it| it.path()).collect();
    let direct = paths
        .iter()
        .find(|it| it.file_name().is_some_and(|it| it == name))
        .cloned();
    direct.or_else(|| {
        paths
            .iter()
            .filter(|it| it.is_dir())
            .find_map(|it| find(it, name))
    })
}
