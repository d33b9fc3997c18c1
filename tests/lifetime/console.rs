//! Leaving the console while it drives an operation: by a key, by a signal, by losing the terminal.

use std::time::Duration;

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use crate::{
    host::{Host, program},
    terminal::Terminal,
};

/// The console on a host, driving a drain of one instance.
fn draining() -> (Host, Terminal, String) {
    let host = Host::new();
    let mut command = CommandBuilder::new(program());
    command.args(host.arguments(""));
    let mut terminal = Terminal::start(command);
    terminal.wait_for("linux");
    // The plan needs what the controller knows.
    terminal.wait("both sources", |it| {
        let text = it.contents();
        let row = text.lines().find(|it| it.contains(" linux "));
        row.is_some_and(|it| it.contains(" 3    3 ")) && !text.contains("not read yet")
    });
    terminal.press(":drain --pool linux --count 1\r");
    terminal.wait_for("TerminateInstanceInAutoScalingGroup");
    // The question is answered once it was seen.
    std::thread::sleep(Duration::from_millis(600));
    terminal.press("y");
    let id = host.wait_for_journal();
    host.wait_until_written(&id, "cordon");
    terminal.wait_for("drain linux 0/1");
    (host, terminal, id)
}

#[test]
fn whoever_leaves_is_asked_and_the_operation_goes_on_if_told_so() {
    let (host, mut terminal, id) = draining();
    terminal.press("q");
    terminal.wait_for("go on without the console");
    std::thread::sleep(Duration::from_millis(600));
    terminal.press("d");
    assert_eq!(terminal.ends().exit_code(), 0);
    terminal.is_restored();
    terminal.wait_for(&format!("operation {id} goes on without a terminal"));
    host.wait_for(&id, "its end", |it| it["state"] == "done");
}

#[test]
fn whoever_leaves_may_let_it_stop_and_rest() {
    let (host, mut terminal, id) = draining();
    terminal.press("q");
    terminal.wait_for("stop safely");
    std::thread::sleep(Duration::from_millis(600));
    terminal.press("s");
    assert_eq!(terminal.ends().exit_code(), 0);
    terminal.is_restored();
    terminal.wait_for("has stopped safely and rests");
    assert_eq!(host.show(&id)["driven"], false);
    assert!(
        !host
            .journal(&id)
            .lines()
            .last()
            .unwrap()
            .contains("intended")
    );
}

#[test]
fn a_terminal_that_hangs_up_leaves_it_going_on() {
    let (host, mut terminal, id) = draining();
    terminal.hang_up();
    terminal.ends();
    host.wait_for(&id, "its end", |it| it["state"] == "done");
}

#[test]
fn a_signal_leaves_it_going_on() {
    let (host, mut terminal, id) = draining();
    terminal.signal(Signal::HUP);
    terminal.ends();
    terminal.is_restored();
    assert_eq!(host.show(&id)["driven"], true);
    host.wait_for(&id, "its end", |it| it["state"] == "done");
}
