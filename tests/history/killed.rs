//! A console that is killed in the middle of a write loses that sample, and nothing else.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
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
        let mut child = begin(directory.path(), "unlimited");
        let file = directory.path().join("history.sqlite");
        while !file.exists() {
            assert_eq!(child.try_wait().unwrap(), None, "the child has ended");
            std::thread::yield_now();
        }
        // When the blow falls is the point; no state of the child is waited for.
        std::thread::sleep(Duration::from_millis(n_millis));
        child.kill().unwrap();
        child.wait().unwrap();
        check_whole(directory.path(), &format!("after {n_millis} ms"));
    }
}

/// A kill by time hardly ever hits a write. A file that may not grow kills in the midst of one:
/// what fits is written, and nothing after it.
#[test]
fn nothing_is_damaged_by_a_kill_within_a_write() {
    let mut n_begun = 0;
    for n_blocks in (1..480).step_by(23) {
        let directory = TempDir::new().unwrap();
        let mut child = begin(directory.path(), &n_blocks.to_string());
        assert!(!child.wait().unwrap().success(), "no end of {n_blocks}");
        let what = format!("at {n_blocks} half kilobytes");
        n_begun += usize::from(check_whole(directory.path(), &what));
    }
    assert!(10 < n_begun, "nearly all died before the first sample");
}

/// Starts a writer in a directory, whose files may be so many half kilobytes long.
fn begin(directory: &Path, longest: &str) -> Child {
    std::fs::write(directory.join(SIGN), "").unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -c 0; ulimit -f {longest}; exec \"$0\" \"$@\""
        ))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "killed::the_writer_that_is_killed"])
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Checks that nothing is lost or damaged; `false` where no sample was written.
fn check_whole(directory: &Path, what: &str) -> bool {
    let opened = Store::open(directory, Limits::default(), "heir", at(0)).unwrap();
    assert_eq!(opened.said, None, "it is whole {what}");
    let mut store = opened.store;
    let found = rusqlite::Connection::open(directory.join("history.sqlite")).unwrap();
    let check: String = found
        .query_row("pragma integrity_check", [], |it| it.get(0))
        .unwrap();
    assert_eq!(check, "ok", "{what}");
    let last: Option<i64> = found
        .query_row("select max(last_at) from lease", [], |it| it.get(0))
        .unwrap();
    let Some(last) = last.map(|it| it - crate::START) else {
        return false;
    };
    // Every sample up to the last is there, and the next can be written.
    let n_samples = usize::try_from(last / 15 + 1).unwrap();
    let known = ask(&store, span(0, last + 15), n_samples);
    let gaps = values(&known).iter().filter(|it| it.is_none()).count();
    assert_eq!(gaps, 0, "{what}, of {}", values(&known).len());
    keep(&mut store, &in_service(last + 15, 5.0));
    true
}
