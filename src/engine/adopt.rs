//! Taking over an operation of which only the marks are known: a new journal here begins from them.

use std::sync::Arc;

use super::{
    drive::{Drive, OperationView},
    handle::{Handle, Inner},
    journal::{self, Journal, OperationError},
    operations::{new_id, owner},
};
use crate::{
    fleet::{Call, Observation},
    operation::{self, Claim, Foreign, Happening, Operation, OperationId, TAG, foreign},
};

impl Handle {
    /// Takes an operation over, and returns the id under which it can be driven here.
    ///
    /// One that has a journal here keeps it. Of any other the marks are read afresh, a journal
    /// under a new id is begun, and the marks are changed to it: the former driver sees that and stops.
    pub async fn adopt_operation(
        &self,
        id: &OperationId,
        gives_back: bool,
    ) -> Result<OperationId, OperationError> {
        let inner = self.inner();
        let Some(state_dir) = &inner.config.state_dir else {
            return Err(OperationError::NoDirectory);
        };
        match journal::find(state_dir, id) {
            Ok(kept) if kept.operation.is_over() => {
                return Err(OperationError::Over {
                    id: id.clone(),
                    verb: "adopt",
                });
            }
            Ok(kept) if kept.is_driven => {
                return Err(OperationError::Driven { id: id.clone() });
            }
            Ok(_) => return Ok(id.clone()),
            Err(OperationError::Unknown { .. }) => {}
            Err(error) => return Err(error),
        }
        let not_taken = |why: String| OperationError::NotTakenOver {
            id: id.clone(),
            why,
        };
        if let Some((_, failure)) = inner.observe(None).await.into_iter().next() {
            let why = format!("its marks cannot be read: {}", failure.what);
            return Err(not_taken(why));
        }
        let observation = self.observation();
        let Some(found) = seen(&observation, |it| it == id).into_iter().next() else {
            return Err(OperationError::Unknown { id: id.to_string() });
        };
        if let Some(why) = found.why_not_continued().filter(|_| !gives_back) {
            return Err(not_taken(format!(
                "{why}; `ops adopt {id} --give-back` gives back what it has marked"
            )));
        }
        inner.check_movable(&found.spec(inner.config.policy.proof))?;
        let mut drive = begin(inner, &found, &observation)?;
        let new = drive.id().clone();
        drive.take_marks(&found, &observation).await?;
        if gives_back {
            let why = format!("taken over from {} to be given back", found.claim.words());
            drive.record(Happening::Aborted { why }, true)?;
        }
        Ok(new)
    }
}

/// Returns the operations in the fleet's marks that are wanted.
fn seen(observation: &Observation, is_wanted: impl Fn(&OperationId) -> bool) -> Vec<Foreign> {
    foreign(&observation.fleet, |it| !is_wanted(it))
}

/// Returns what the marks in the fleet tell of operations that have no journal here.
pub(super) fn views(inner: &Inner, is_known: impl Fn(&OperationId) -> bool) -> Vec<OperationView> {
    let observation = inner.snapshot.borrow().clone();
    let now = inner.clock.now();
    foreign(&observation.fleet, is_known)
        .iter()
        .map(|it| OperationView::of_marks(it.operation(&observation.fleet, now)))
        .collect()
}

/// Writes down what the marks tell, as the beginning of an operation of ours.
fn begin(
    inner: &Arc<Inner>,
    found: &Foreign,
    observation: &Observation,
) -> Result<Drive, OperationError> {
    let Some(state_dir) = &inner.config.state_dir else {
        return Err(OperationError::NoDirectory);
    };
    let from = &found.claim.id;
    let planned = operation::Event {
        at: inner.clock.now(),
        what: Happening::Planned {
            version: operation::Event::VERSION,
            id: new_id(inner.clock.now()),
            spec: found.spec(inner.config.policy.proof),
            owner: owner(inner),
            reason: None,
            command_line: format!("ops adopt {from}"),
        },
    };
    let journal = Journal::create(state_dir, &planned)?;
    let operation = Operation::replay(std::slice::from_ref(&planned)).map_err(|source| {
        OperationError::Unreplayable {
            path: state_dir.clone(),
            line: 1,
            source,
        }
    })?;
    let mut drive = Drive::new(inner.clone(), journal, operation);
    let took_over = Happening::TookOver {
        from: from.clone(),
        owner: found.claim.owner.clone(),
    };
    drive.record(took_over, true)?;
    for what in found.found(&observation.fleet) {
        drive.record(what, true)?;
    }
    Ok(drive)
}

impl Drive {
    /// Writes our claim over the former one. Whoever drove it until now sees that, and stops.
    async fn take_marks(
        &mut self,
        found: &Foreign,
        observation: &Observation,
    ) -> Result<(), OperationError> {
        let claim = Claim {
            id: self.id().clone(),
            owner: Some(self.operation().owner.clone()),
            ..found.claim.clone()
        };
        if !found.targets.is_empty() {
            self.make(&found.claim_call(&claim), observation).await?;
        }
        if found.has_group {
            let pool = found.pool.clone();
            let key = TAG.to_owned();
            let call = Call::UntagPool { pool, key };
            self.make(&call, observation).await?;
        }
        Ok(())
    }
}
