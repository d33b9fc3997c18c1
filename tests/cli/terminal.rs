//! The binary on a real terminal: questions, colours, widths, a table that is drawn in place.

use std::{
    io::{Read as _, Write as _},
    num::NonZero,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use snapbox::cmd::cargo_bin;

use crate::sandbox::Sandbox;

/// Longer than anything takes, so that a test that waits in vain fails and does not hang.
const PATIENCE: Duration = Duration::from_secs(20);

fn screen(rows: u16, columns: u16) -> vt100::Parser {
    let size = |it| NonZero::new(it).unwrap();
    vt100::Parser::new(size(rows), size(columns), 0)
}

struct Pty {
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    bytes: Vec<u8>,
    _sandbox: Sandbox,
}

impl Pty {
    fn start(line: &str, columns: u16, rows: u16) -> Self {
        let sandbox = Sandbox::new();
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(cargo_bin!("pooldeck"));
        command.env_clear();
        command.env("HOME", sandbox.home());
        command.env("TERM", "xterm-256color");
        command.cwd(sandbox.home());
        command.args(shlex::split(line).unwrap());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let input = pair.master.take_writer().unwrap();
        let (sender, output) = mpsc::channel();
        // Ends with the terminal.
        thread::spawn(move || {
            let _master = pair.master;
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            input,
            output,
            screen: screen(rows, columns),
            bytes: Vec::new(),
            _sandbox: sandbox,
        }
    }

    /// Waits until the screen shows this.
    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        while !self.screen.screen().contents().contains(text) {
            let Ok(bytes) = self.output.recv_timeout(PATIENCE) else {
                panic!("no `{text}`:\n{}", self.screen.screen().contents());
            };
            self.screen.process(&bytes);
            self.bytes.extend(bytes);
        }
    }

    fn enter(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for the end, and returns the exit code and everything that was written.
    fn end(mut self) -> (u32, String) {
        let code = self.child.wait().unwrap().exit_code();
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.bytes.extend(bytes);
        }
        (code, String::from_utf8(self.bytes).unwrap())
    }
}

#[test]
fn an_operator_is_shown_the_plan_and_asked() {
    let mut pty = Pty::start("scale release 9 --demo --speed 0", 100, 30);
    pty.wait_for("Go ahead? [y/N]");
    pty.enter("y\r");
    let (code, said) = pty.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("change    desired 8 -> 9"), "{said}");
    assert!(said.contains("Done: scale release 9"), "{said}");
}

#[test]
fn a_change_of_production_wants_the_name_of_the_pool() {
    let mut pty = Pty::start("suspend release Launch --demo --speed 0", 100, 30);
    pty.wait_for("type the name of the pool (release):");
    pty.enter("y\r");
    let (code, said) = pty.end();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("not confirmed; nothing was done"), "{said}");
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let mut pty = Pty::start("scale release 9 --demo --speed 0", 100, 30);
    // The terminal keeps it until somebody reads.
    pty.enter("y\r");
    pty.wait_for("Go ahead? [y/N]");
    pty.enter("n\r");
    let (code, said) = pty.end();
    assert_eq!(code, 3, "{said}");
}

#[test]
fn a_row_never_takes_two_lines() {
    for columns in [60, 80, 132] {
        let mut pty = Pty::start("activities --demo --speed 0", columns, 50);
        pty.wait_for("gpu");
        let (code, said) = pty.end();
        assert_eq!(code, 0, "{said}");
        let mut screen = screen(200, columns);
        screen.process(said.as_bytes());
        let shown = screen.screen().contents();
        let is_row = |it: &&str| it.starts_with("2026-03-02T") || it.starts_with("STARTED");
        let others: Vec<&str> = shown
            .lines()
            .filter(|it| !is_row(it) && !it.starts_with("The terminal"))
            .collect();
        assert!(
            others.iter().all(|it| it.is_empty()),
            "{columns}: {others:?}"
        );
    }
}

#[test]
fn a_watched_table_is_drawn_in_place_and_ctrl_c_ends_it_with_0() {
    let mut pty = Pty::start("pools --watch=1 --demo --speed 60", 120, 8);
    pty.wait_for("more lines");
    let first = pty.screen.screen().contents();
    while pty.screen.screen().contents() == first {
        let bytes = pty.output.recv_timeout(PATIENCE).unwrap();
        pty.screen.process(&bytes);
        pty.bytes.extend(bytes);
    }
    let shown = pty.screen.screen().contents();
    assert!(shown.starts_with("2026-03-02T"), "{shown}");
    assert_eq!(shown.matches("POOL").count(), 1, "{shown}");
    pty.enter("\u{3}");
    let (code, said) = pty.end();
    assert_eq!(code, 0, "{said}");
}
