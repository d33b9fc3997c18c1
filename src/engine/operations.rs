//! Every operation that this host knows: begun, listed, asked, taken over.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use tokio::sync::oneshot;

use super::{
    Event, adopt,
    drive::{Drive, End, OperationView, stalled_waits},
    execute::Outcome,
    handle::{Handle, Inner},
    journal::{self, Journal, OperationError},
    speed, watched,
};
use crate::{
    action::Plan,
    fleet::{Failure, FailureKind, Timestamp},
    operation::{
        self, Decision, Happening, Operation, OperationId, Owner, Spec, Standing, decide, outlook,
    },
};

/// What an operator says of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pause,
    Resume,
    Abort {
        why: String,
    },
    /// Goes on here with what another host began, or gives it back.
    Adopt {
        gives_back: bool,
    },
    /// Lets so many be out of service at a time; left out, twice as many as now.
    SpeedUp {
        max_unavailable: Option<u32>,
    },
}

impl Verdict {
    /// Returns the verb of `ops` that says the same.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort { .. } => "abort",
            Self::Adopt { .. } => "adopt",
            Self::SpeedUp { .. } => "speed-up",
        }
    }
}

/// Writes the plan of a new operation down, and returns its driver.
pub(super) fn begin(
    inner: &Arc<Inner>,
    plan: &Plan,
    reason: Option<&str>,
) -> Result<Drive, OperationError> {
    let Some(state_dir) = &inner.config.state_dir else {
        return Err(OperationError::NoDirectory);
    };
    let Some(spec) = plan.operation.clone() else {
        return Err(OperationError::Unknown {
            id: plan.verb.clone(),
        });
    };
    let now = inner.clock.now();
    let planned = operation::Event {
        at: now,
        what: Happening::Planned {
            version: operation::Event::VERSION,
            id: new_id(now),
            spec,
            owner: owner(inner),
            reason: reason.map(str::to_owned),
            command_line: plan.command_line.clone(),
        },
    };
    let journal = Journal::create(state_dir, &planned)?;
    let operation = Operation::replay(std::slice::from_ref(&planned)).map_err(|source| {
        let path = state_dir.clone();
        OperationError::Unreplayable {
            path,
            line: 1,
            source,
        }
    })?;
    Ok(Drive::new(inner.clone(), journal, operation))
}

impl OperationView {
    /// Says in the words of any action how it ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.operation.standing() {
            Standing::Ended {
                aborted: Some(why),
                left,
            } => Some(Outcome::Aborted {
                why: why.clone(),
                left: left.clone(),
            }),
            Standing::Ended { left, .. } if !left.is_empty() => Some(Outcome::Partly(left.clone())),
            Standing::Ended { .. } => Some(Outcome::Done),
            Standing::Running | Standing::Paused | Standing::Aborting { .. } => None,
        }
    }
}

/// Says in the words of any action how a drive ended.
pub(super) fn outcome(end: End, broken: impl FnOnce(&str) -> Failure) -> Outcome {
    match end {
        End::Over(view) => view.outcome().unwrap_or(Outcome::Done),
        End::NeedsOperator(view) => {
            let id = &view.operation.id;
            let halts = view.halts.iter().map(ToString::to_string);
            let hint = format!(
                "operation {id} waits for an operator: `ops resume {id}` or `ops abort {id}`"
            );
            Outcome::Partly(halts.chain([hint]).collect())
        }
        End::Stopped(id) => Outcome::Stopped(id),
        End::Broken(error) => Outcome::Failed(broken(&error.to_string())),
    }
}

/// The day and five random letters: short enough to type, and not used twice.
pub(super) fn new_id(now: Timestamp) -> OperationId {
    let day: String = now
        .to_string()
        .chars()
        .take(10)
        .filter(char::is_ascii_digit)
        .collect();
    let letters: String = std::iter::repeat_with(|| fastrand::char('a'..='z'))
        .take(5)
        .collect();
    OperationId(format!("op-{day}-{letters}"))
}

pub(super) fn owner(inner: &Inner) -> Owner {
    Owner {
        user: inner.config.actor.user.clone(),
        host: inner.config.actor.host.clone(),
    }
}

impl Handle {
    /// Lists every operation of this host; the list arrives as an event.
    pub fn fetch_operations(&self) {
        let handle = self.clone();
        // Ends with the list.
        let task = async move {
            let (views, errors) = handle.priced_operations().await;
            let errors = errors.iter().map(ToString::to_string).collect();
            let listed = Event::Operations { views, errors };
            handle.inner().tell(listed).await;
        };
        watched("operations", task, self.inner().events());
    }

    /// Lists every operation of this host, and those of others whose marks are in the fleet.
    pub fn operations(&self) -> (Vec<OperationView>, Vec<OperationError>) {
        list(self.inner())
    }

    /// Lists the same operations, with what each has cost.
    pub async fn priced_operations(&self) -> (Vec<OperationView>, Vec<OperationError>) {
        let inner = self.inner();
        let (mut views, errors) = list(inner);
        let (whose, now) = (self.whose(), inner.clock.now());
        // What others drive has its samples on their host, and its journal too.
        for view in views.iter_mut().filter(|it| !it.is_foreign) {
            let cost = inner.historian.cost(&view.operation, &whose, now).await;
            view.cost = Some(cost);
        }
        (views, errors)
    }

    /// Tells the driver of an operation what to do, wherever on this host it runs.
    ///
    /// An operation that nobody drives is not moved by this alone: `drive` it after.
    pub fn tell_operation(&self, id: &OperationId, verdict: Verdict) -> Result<(), OperationError> {
        let inner = self.inner();
        let Some(state_dir) = &inner.config.state_dir else {
            return Err(OperationError::NoDirectory);
        };
        let kept = self.kept(state_dir, id)?;
        inner.check_movable(&kept.operation.spec)?;
        let verb = verdict.verb();
        if kept.operation.is_over() {
            return Err(OperationError::Over {
                id: id.clone(),
                verb,
            });
        }
        let is_aborting = matches!(kept.operation.standing(), Standing::Aborting { .. });
        if is_aborting && matches!(verdict, Verdict::Pause) {
            return Err(OperationError::Aborting { id: id.clone() });
        }
        let what = match verdict {
            Verdict::SpeedUp { max_unavailable } => {
                speed::faster(inner, &kept.operation, max_unavailable)?
            }
            Verdict::Pause => Happening::Paused,
            Verdict::Resume | Verdict::Adopt { .. } => Happening::Resumed,
            Verdict::Abort { why } => Happening::Aborted { why },
        };
        let at = inner.clock.now();
        journal::ask(state_dir, id, &operation::Event { at, what })
    }

    /// Finds the journal of an operation; one that only left marks is known to be another's.
    fn kept(&self, state_dir: &Path, id: &OperationId) -> Result<journal::Kept, OperationError> {
        journal::find(state_dir, id).map_err(|error| {
            let marks = adopt::views(self.inner(), |it| it != id);
            match (marks.first(), error) {
                (Some(view), OperationError::Unknown { .. }) => OperationError::Foreign {
                    id: id.clone(),
                    owner: view.operation.owner.to_string(),
                },
                (_, error) => error,
            }
        })
    }

    /// Takes over an operation that nobody on this host drives, and goes on with it.
    ///
    /// Its progress arrives as events; how it ended, by the returned channel.
    pub fn drive_operation(
        &self,
        id: &OperationId,
    ) -> Result<oneshot::Receiver<Outcome>, OperationError> {
        let inner = self.inner().clone();
        let Some(state_dir) = &inner.config.state_dir else {
            return Err(OperationError::NoDirectory);
        };
        let (mut journal, mut operation) = Journal::open(state_dir, id)?;
        inner.check_movable(&operation.spec)?;
        if operation.is_over() {
            return Err(OperationError::Over {
                id: id.clone(),
                verb: "resume",
            });
        }
        let owner = owner(&inner);
        if operation.owner != owner {
            let at = inner.clock.now();
            let event = operation::Event {
                at,
                what: Happening::Adopted { owner },
            };
            journal.append(&event, true)?;
            operation.evolve(&event);
        }
        let in_flight = self.in_flight();
        let drive = Drive::new(inner, journal, operation);
        let name = format!("operation {}", drive.id());
        // Ends when the operation is over or waits for an operator; the last event says which.
        let (ended, answer) = oneshot::channel();
        let task = async move {
            let clock = drive.clock();
            let broken = |why: &str| Failure {
                kind: FailureKind::Invalid,
                what: why.to_owned(),
                at: clock.now(),
                retry_at: None,
            };
            // Whoever asked may not wait for the end.
            let _ = ended.send(outcome(drive.run().await, broken));
            drop(in_flight);
        };
        watched(name, task, self.inner().events());
        Ok(answer)
    }
}

impl Inner {
    /// Refuses to move an operation whose scope may not be written to: to rest, too, is for its driver to hear.
    pub(super) fn check_movable(&self, spec: &Spec) -> Result<(), OperationError> {
        for pool in spec.pools() {
            if let Some(cloud) = self.cloud(&pool.scope) {
                let checked = self.check_writable(&cloud.scope());
                checked.map_err(OperationError::ReadOnly)?;
            }
        }
        Ok(())
    }
}

fn list(inner: &Inner) -> (Vec<OperationView>, Vec<OperationError>) {
    let Some(state_dir) = &inner.config.state_dir else {
        return (Vec::new(), Vec::new());
    };
    let (kept, errors) = journal::list(state_dir);
    let observation = inner.snapshot.borrow().clone();
    let now = inner.clock.now();
    let views = kept.into_iter().map(|it| {
        // What it would wait for, as far as the fleet is known here.
        let (waits, halts) = match decide(&it.operation, &observation.fleet, now) {
            // What its driver cannot read weighs more than what we can.
            _ if it.is_driven && it.operation.stalled().is_some() => {
                (stalled_waits(&it.operation, now), Vec::new())
            }
            Decision::Wait(waits) => (waits, Vec::new()),
            Decision::Halt(halts) => (Vec::new(), halts),
            Decision::Apply(_) | Decision::Done => (Vec::new(), Vec::new()),
        };
        OperationView {
            outlook: outlook(&it.operation, &observation.fleet, now),
            operation: it.operation,
            waits,
            halts,
            is_driven: it.is_driven,
            is_foreign: false,
            cost: None,
        }
    });
    let mut views: Vec<OperationView> = views.collect();
    let known: BTreeSet<OperationId> = views.iter().map(|it| it.operation.id.clone()).collect();
    let has_journal = |id: &OperationId| known.contains(id) || journal::exists(state_dir, id);
    views.extend(adopt::views(inner, has_journal));
    (views, errors)
}
