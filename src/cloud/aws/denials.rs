//! What we may not read: said in every reading, and tried again only after a while.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    cloud::Error,
    fleet::{Failure, FailureKind, Timestamp},
};

/// A policy may have been mended after this.
const DENIED_INTERVAL: Duration = Duration::from_mins(5);

/// The parts of a reading that can fail by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Templates,
    Machines,
    Loose,
    Status,
    Hooks,
    Refreshes,
    WarmPools,
    Activities,
}

/// What we may not read, and until when we do not try.
#[derive(Debug, Default)]
pub(super) struct Denials(BTreeMap<Subject, (Error, Timestamp)>);

impl Denials {
    pub(super) fn is_denied(&self, subject: Subject, now: Timestamp) -> bool {
        self.0.get(&subject).is_some_and(|(_, until)| now < *until)
    }

    /// Takes an error: a denial is remembered, and any other sentence is said once.
    pub(super) fn take(
        &mut self,
        subject: Subject,
        error: Error,
        now: Timestamp,
        missing: &mut Vec<Failure>,
    ) {
        if error.kind == FailureKind::Denied {
            self.0.insert(subject, (error, now + DENIED_INTERVAL));
        } else if missing.iter().all(|it| it.what != error.what) {
            missing.push(error.into_failure(now, None));
        }
    }

    /// Returns what we know that we may not read; it is missing from every reading.
    pub(super) fn failures(&mut self, now: Timestamp) -> Vec<Failure> {
        self.0.retain(|_, (_, until)| now < *until);
        self.0
            .values()
            .map(|(error, until)| Failure {
                kind: error.kind,
                what: error.what.clone(),
                at: now,
                retry_at: Some(*until),
            })
            .collect()
    }
}
