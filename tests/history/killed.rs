//! A console that is killed in the middle of a write loses that sample, and nothing else.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use pooldeck::engine::{Limits, Store};
use tempfile::TempDir;

use crate::{ask, at, in_service, keep, span, tidy, values};

/// Tells the child that it is one.
const SIGN: &str = "write-here";

/// What the child runs; without the sign it is nobody's child, and writes a few samples at home.
#[test]
fn the_writer_that_is_killed() {
    let is_child = Path::new(SIGN).exists();
    let home = TempDir::new().unwrap();
    let directory = if is_child {
        Path::new(".")
    } else {
        home.path()
    };
    let holder = format!("bastion {} child", std::process::id());
    let mut store = Store::open(directory, Limits::default(), &holder, at(0))
        .unwrap()
        .store;
    let n_samples = if is_child { 1_000_000 } else { 500 };
    for secs in (0..n_samples * 15).step_by(15) {
        keep(&mut store, &in_service(secs, 4.0));
        if secs % 60 == 0 {
            // Sealing, folding and pruning are cut short as well.
            tidy(&mut store, at(secs));
        }
    }
    let all = ask(&store, span(0, n_samples * 15), 10);
    assert!(values(&all).iter().all(Option::is_some));
}

#[test]
fn nothing_is_damaged_by_a_kill() {
    for n_millis in [30, 90, 200, 450] {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join(SIGN), "").unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::the_writer_that_is_killed"])
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let file = directory.path().join("history.sqlite");
        while !file.exists() {
            assert_eq!(child.try_wait().unwrap(), None, "the child has ended");
            std::thread::yield_now();
        }
        // When the blow falls is the point; no state of the child is waited for.
        std::thread::sleep(Duration::from_millis(n_millis));
        child.kill().unwrap();
        child.wait().unwrap();
        let opened = Store::open(directory.path(), Limits::default(), "heir", at(0)).unwrap();
        assert_eq!(opened.said, None, "it is whole");
        let mut store = opened.store;
        let found = rusqlite::Connection::open(&file).unwrap();
        let check: String = found
            .query_row("pragma integrity_check", [], |it| it.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        let last: Option<i64> = found
            .query_row("select max(last_at) from lease", [], |it| it.get(0))
            .unwrap();
        let Some(last) = last.map(|it| it - crate::START) else {
            continue;
        };
        // Every sample up to the last is there, and the next can be written.
        let known = ask(
            &store,
            span(0, last + 15),
            usize::try_from(last / 15 + 1).unwrap(),
        );
        let gaps = values(&known).iter().filter(|it| it.is_none()).count();
        assert_eq!(gaps, 0, "after {n_millis} ms, of {}", values(&known).len());
        keep(&mut store, &in_service(last + 15, 5.0));
    }
}
