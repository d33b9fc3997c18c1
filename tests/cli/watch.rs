//! `--watch`: written when something changed, drawn in place on a terminal, ended by Ctrl-C with 0.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::Sandbox;

/// Longer than anything takes, so that a test that waits in vain fails and does not hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// A watch that is killed when the test takes too long; its streams then end.
struct Watch {
    child: Child,
    _done: mpsc::Sender<()>,
}

impl Watch {
    /// Starts a watch at a speed at which the demo changes at every reading.
    fn start(sandbox: &Sandbox, line: &str) -> Self {
        Self::at_speed(sandbox, line, 60)
    }

    fn at_speed(sandbox: &Sandbox, line: &str, speed: u32) -> Self {
        let line = format!("{line} --demo --speed {speed}");
        let mut command = sandbox.command(&line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let pid = Pid::from_child(&child);
        let (done, waits) = mpsc::channel();
        // Ends with the test, or after a long time.
        thread::spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                kill_process(pid, Signal::KILL).unwrap();
            }
        });
        Self { child, _done: done }
    }

    fn interrupt(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Returns the exit code; `None` when it had to be killed.
    fn end(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

#[test]
fn each_change_is_one_document_on_one_line() {
    let sandbox = Sandbox::new();
    let mut watch = Watch::start(&sandbox, "pools -o ndjson --watch=1");
    let mut lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    let documents: Vec<serde_json::Value> = (0..3)
        .map(|_| serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap())
        .collect();
    for pair in documents.windows(2) {
        assert_eq!(pair[0]["version"], 1);
        assert!(pair[0]["at"].as_str() < pair[1]["at"].as_str());
        assert_ne!(pair[0]["pools"], pair[1]["pools"]);
    }
    watch.interrupt();
    assert_eq!(watch.end(), Some(0));
}

#[test]
fn publishing_goes_on_for_hours_and_ends_at_ctrl_c() {
    let sandbox = Sandbox::new();
    let mut watch = Watch::at_speed(&sandbox, "publish --interval 60", 1200);
    let lines = BufReader::new(watch.child.stderr.take().unwrap()).lines();
    let published = lines
        .map(Result::unwrap)
        .filter(|it| it.contains("published ") && it.contains("us-east-1"));
    assert_eq!(published.take(130).count(), 130, "more than two hours");
    watch.interrupt();
    assert_eq!(watch.end(), Some(0));
}

#[test]
fn a_table_that_is_no_terminal_grows_by_blocks_with_their_time() {
    let sandbox = Sandbox::new();
    let mut watch = Watch::start(&sandbox, "pools --watch=1 --columns name,busy,idle,queued");
    let lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    let mut blocks = 0;
    let mut last = String::new();
    for line in lines.map(Result::unwrap) {
        assert!(!line.contains('\u{1b}'), "{line:?}");
        if line.starts_with("POOL") {
            assert!(last.starts_with("2026-03-02T"), "{last:?}");
            blocks += 1;
        }
        if blocks == 2 {
            break;
        }
        last = line;
    }
    assert_eq!(blocks, 2);
    watch.interrupt();
    assert_eq!(watch.end(), Some(0));
}

#[test]
fn a_watch_ends_when_its_reader_has_gone() {
    let sandbox = Sandbox::new();
    let mut watch = Watch::start(&sandbox, "instances -o ndjson --watch=1");
    let mut first = String::new();
    BufReader::new(watch.child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(watch.end(), Some(0));
}

#[test]
fn executors_are_written_again_when_their_work_changed_and_not_their_age() {
    let sandbox = Sandbox::new();
    let mut watch = Watch::start(&sandbox, "executors -o ndjson --watch=1");
    let mut lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    let without_ages = |line: String| {
        let mut document: serde_json::Value = serde_json::from_str(&line).unwrap();
        for row in document["executors"].as_array_mut().unwrap() {
            row.as_object_mut().unwrap().remove("evidence");
        }
        document["executors"].take()
    };
    let seen: Vec<_> = (0..3)
        .map(|_| without_ages(lines.next().unwrap().unwrap()))
        .collect();
    assert!(seen.windows(2).all(|it| it[0] != it[1]));
    // A document is larger than a pipe: an end that nobody reads would block the child.
    drop(lines);
    assert_eq!(watch.end(), Some(0));
}
