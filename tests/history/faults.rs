//! A database that is damaged, newer, somebody else's, full, or shared.

use std::{fs, path::Path};

use pooldeck::engine::{HistoryError, Kept, Limits, Store};
use tempfile::TempDir;

use crate::{ask, at, in_service, keep, sample, span, values};

fn open(directory: &Path, holder: &str) -> Store {
    let opened = Store::open(directory, Limits::default(), holder, at(0)).unwrap();
    assert_eq!(opened.said, None);
    opened.store
}

/// A name of a process that is alive: this one.
fn alive(name: &str) -> String {
    format!("bastion {} {name}", std::process::id())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn of_two_consoles_one_writes_and_both_read() {
    let directory = TempDir::new().unwrap();
    let mut first = open(directory.path(), &alive("a"));
    let mut second = open(directory.path(), &alive("b"));
    keep(&mut first, &in_service(0, 4.0));
    let kept = second.append(&in_service(1, 99.0)).unwrap();
    assert_eq!(kept, Kept::NotOurs);
    keep(&mut first, &in_service(15, 5.0));
    let expected = [Some(4.0), Some(5.0)];
    assert_eq!(values(&ask(&first, span(0, 30), 2)), expected);
    assert_eq!(values(&ask(&second, span(0, 30), 2)), expected);
    // The first one leaves; the second goes on at once.
    first.release().unwrap();
    keep(&mut second, &in_service(30, 6.0));
    assert_eq!(first.append(&in_service(45, 7.0)).unwrap(), Kept::NotOurs);
}

#[test]
fn a_lease_ends_with_its_time_or_with_its_process() {
    let directory = TempDir::new().unwrap();
    let mut hung = open(directory.path(), &alive("hung"));
    keep(&mut hung, &in_service(0, 4.0));
    let mut other = open(directory.path(), &alive("other"));
    assert_eq!(other.append(&in_service(30, 5.0)).unwrap(), Kept::NotOurs);
    keep(&mut other, &in_service(60, 5.0));

    let directory = TempDir::new().unwrap();
    // No process has this number: Linux ends far below it.
    let mut dead = open(directory.path(), "bastion 2000000000 dead");
    keep(&mut dead, &in_service(0, 4.0));
    let mut heir = open(directory.path(), &alive("heir"));
    keep(&mut heir, &in_service(15, 5.0));
}

#[test]
fn each_scope_has_a_writer_of_its_own() {
    let directory = TempDir::new().unwrap();
    let mut first = open(directory.path(), &alive("a"));
    let mut second = open(directory.path(), &alive("b"));
    keep(&mut first, &in_service(0, 4.0));
    let mut elsewhere = in_service(0, 7.0);
    elsewhere.scope = "prod/eu-west-1".into();
    keep(&mut second, &elsewhere);
}

#[test]
fn a_damaged_database_is_moved_aside_with_its_date() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("history.sqlite");
    fs::write(&file, "this is no database, and was one perhaps").unwrap();
    let opened = Store::open(directory.path(), Limits::default(), "me", at(0)).unwrap();
    let said = opened.said.unwrap();
    assert!(said.contains("damaged"), "{said}");
    assert!(
        said.contains("history.sqlite.damaged-2026-03-02T00-00-00Z"),
        "{said}"
    );
    assert!(said.contains("a new history begins"), "{said}");
    let mut store = opened.store;
    keep(&mut store, &in_service(0, 4.0));
    let aside = directory
        .path()
        .join("history.sqlite.damaged-2026-03-02T00-00-00Z");
    let kept = fs::read_to_string(aside).unwrap();
    assert!(kept.starts_with("this is no database"), "nothing is lost");
}

#[test]
fn a_database_of_a_newer_version_is_not_touched() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path(), "me"));
    let file = directory.path().join("history.sqlite");
    // Bytes 60 to 63 of the header are the version, big end first.
    let mut bytes = fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&7_u32.to_be_bytes());
    fs::write(&file, &bytes).unwrap();
    let before = names(directory.path());
    let Err(error) = Store::open(directory.path(), Limits::default(), "me", at(0)) else {
        panic!("it was opened");
    };
    assert!(
        matches!(error, HistoryError::Newer { found: 7, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("newer pooldeck"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), bytes);
    assert_eq!(names(directory.path()), before);
}

/// A sample of sixty pools.
fn wide(secs: i64) -> pooldeck::fleet::Sample {
    let mut wide = sample(secs, &[]);
    let pool = in_service(secs, 4.5).pools[0].1;
    wide.pools = (0..60)
        .map(|it| (format!("pool-{it}").into(), pool))
        .collect();
    wide
}

#[test]
fn what_is_oldest_makes_room_for_what_is_seen_now() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        n_bytes: 400 * 1024,
        ..Limits::default()
    };
    let opened = Store::open(directory.path(), limits, "me", at(0)).unwrap();
    let mut store = opened.store;
    for secs in (0..3 * 3600).step_by(15) {
        store.append(&wide(secs)).unwrap();
    }
    crate::tidy(&mut store, at(3 * 3600));
    // Nobody tidies up from here on.
    let full_at = (3 * 3600..)
        .step_by(15)
        .find(|it| store.append(&wide(*it)).is_err());
    let full_at = full_at.unwrap();
    assert!(store.make_room().unwrap(), "whole hours can go");
    crate::keep(&mut store, &wide(full_at));
}

#[test]
fn a_full_disk_is_said_where_nothing_can_go() {
    let directory = TempDir::new().unwrap();
    let limits = Limits {
        n_bytes: 1,
        ..Limits::default()
    };
    let opened = Store::open(directory.path(), limits, "me", at(0)).unwrap();
    let mut store = opened.store;
    let error = (0..10_000).find_map(|it| store.append(&wide(it * 15)).err());
    let error = error.expect("twenty pages do not hold ten thousand samples");
    assert!(matches!(error, HistoryError::Full { .. }), "{error}");
    assert!(error.to_string().contains("not kept"), "{error}");
    assert!(!store.make_room().unwrap(), "what is newest stays");
    // What was written before is still there, and can be asked for.
    let mut asked = crate::query(&[pooldeck::fleet::Metric::InService], span(0, 15), 1);
    asked.pool = Some(pooldeck::fleet::PoolKey::new(crate::SCOPE, "pool-7"));
    let past = store.past(&asked, &crate::whose()).unwrap();
    assert_eq!(values(&past), [Some(4.5)]);
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = TempDir::new().unwrap();
    let in_the_way = directory.path().join("state");
    fs::write(&in_the_way, "a file").unwrap();
    let Err(error) = Store::open(&in_the_way, Limits::default(), "me", at(0)) else {
        panic!("it was opened");
    };
    assert!(matches!(error, HistoryError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("state"), "{error}");
}

#[test]
fn a_row_that_is_damaged_is_a_gap_and_not_the_end() {
    let directory = TempDir::new().unwrap();
    let mut store = open(directory.path(), &alive("a"));
    keep(&mut store, &in_service(0, 4.0));
    keep(&mut store, &in_service(15, 5.0));
    drop(store);
    let db = rusqlite::Connection::open(directory.path().join("history.sqlite")).unwrap();
    let n = db.execute("update tail set cells = x'ff01ff' where at % 2 = 0", []);
    assert_eq!(n.unwrap(), 1);
    drop(db);
    let store = open(directory.path(), &alive("a"));
    assert_eq!(values(&ask(&store, span(0, 30), 2)), [None, Some(5.0)]);
}
