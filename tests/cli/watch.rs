//! `--watch`: written when something changed, drawn in place on a terminal, ended by Ctrl-C with 0.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use crate::sandbox::Sandbox;

/// Starts a watch at a speed at which the demo changes at every reading.
fn watch(sandbox: &Sandbox, line: &str) -> Child {
    let line = format!("{line} --demo --speed 60");
    let mut command = sandbox.command(&line);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

#[test]
fn each_change_is_one_document_on_one_line() {
    let sandbox = Sandbox::new();
    let mut child = watch(&sandbox, "pools -o ndjson --watch=1");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let documents: Vec<serde_json::Value> = (0..3)
        .map(|_| serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap())
        .collect();
    for pair in documents.windows(2) {
        assert_eq!(pair[0]["version"], 1);
        assert!(pair[0]["at"].as_str() < pair[1]["at"].as_str());
        assert_ne!(pair[0]["pools"], pair[1]["pools"]);
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_table_that_is_no_terminal_grows_by_blocks_with_their_time() {
    let sandbox = Sandbox::new();
    let mut child = watch(&sandbox, "pools --watch=1 --columns name,busy,idle,queued");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
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
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_watch_ends_when_its_reader_has_gone() {
    let sandbox = Sandbox::new();
    let mut child = watch(&sandbox, "instances -o ndjson --watch=1");
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
