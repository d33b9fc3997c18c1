//! The journal: what it round-trips, and what it refuses.

use pooldeck::{
    fleet::{PoolKey, Timestamp},
    operation::{
        Drain, Event, Happening, JournalError, Operation, OperationId, Owner, Proof, Spec,
    },
};

fn planned(version: u32) -> Event {
    Event {
        at: Timestamp::EPOCH,
        what: Happening::Planned {
            version,
            id: OperationId("op-1".into()),
            spec: Spec::Drain(Drain {
                pool: PoolKey::new("a/b", "linux"),
                targets: vec!["i-00000000000000001".into()],
                decrement: true,
                max_unavailable: 1,
                proof: Proof::default(),
                deadline: None,
                force: false,
            }),
            owner: Owner::default(),
            reason: None,
            command_line: "drain".into(),
        },
    }
}

#[test]
fn an_event_is_one_line_of_json_and_back() {
    let event = planned(1);
    let line = serde_json::to_string(&event).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
}

#[test]
fn a_journal_that_cannot_be_ours_is_refused() {
    assert_eq!(Operation::replay(&[]), Err(JournalError::Empty));
    let paused = Event {
        at: Timestamp::EPOCH,
        what: Happening::Paused,
    };
    assert_eq!(
        Operation::replay(std::slice::from_ref(&paused)),
        Err(JournalError::NoPlan)
    );
    assert_eq!(
        Operation::replay(&[planned(1), planned(1)]),
        Err(JournalError::SecondPlan { index: 1 })
    );
    assert_eq!(
        Operation::replay(&[planned(9)]),
        Err(JournalError::Version { version: 9 })
    );
}

/// Journals that were written before an answer could name what its call made.
#[test]
fn an_answer_that_names_nothing_is_read_as_before() {
    let line = r#"{"at":"2025-11-21T10:00:00Z","event":"applied","call":{"call":"heartbeat","pool":{"scope":"a/b","name":"linux"},"instance":"i-00000000000000001","hook":"drain"}}"#;
    let event: Event = serde_json::from_str(line).unwrap();
    assert!(matches!(event.what, Happening::Applied { made: None, .. }));
    assert_eq!(serde_json::to_string(&event).unwrap(), line);
}
