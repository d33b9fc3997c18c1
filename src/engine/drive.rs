//! Drives one operation: read, see, decide, write down, call; again and again until it is over.

use std::{io, sync::Arc, time::Duration};

use tokio::sync::broadcast::{self, error::TryRecvError};

use super::{
    Event,
    apply::{Unapplied, apply},
    audit::{Audit, AuditEvent, Heading, Line},
    execute::account_of,
    handle::Inner,
    journal::{self, Journal, OperationError},
};
use crate::{
    cost::past::OperationCost,
    fleet::{Call, Failure, FailureKind, InstanceId, Observation, Receipt, SourceId, Timestamp},
    operation::{
        self, Decision, Halt, Happening, Operation, OperationId, Outlook, Sight, Standing, Subject,
        WaitingOn, decide, fights, notices, outlook, sightings,
    },
};

/// How often the sources are read while an operation runs, at the least.
const INTERVAL_MAX: Duration = Duration::from_secs(10);
/// A pause or an abort is noticed within this.
const TICK: Duration = Duration::from_secs(1);

/// An operation as the front ends show it.
#[derive(Clone, Debug)]
pub struct OperationView {
    pub operation: Operation,
    /// For each pool or instance that is not finished, what it waits for.
    pub waits: Vec<(Subject, WaitingOn)>,
    pub halts: Vec<Halt>,
    /// Whether a process on this host drives it.
    pub is_driven: bool,
    /// Whether its marks are all that is known of it: its journal is on another host, or lost.
    pub is_foreign: bool,
    /// When it will be over, and what is in the way of that.
    pub outlook: Outlook,
    /// What it has cost; `None` while nobody has added it up.
    pub cost: Option<OperationCost>,
}

impl OperationView {
    /// Makes the view of an operation that has no journal here.
    pub fn of_marks(operation: Operation) -> Self {
        Self {
            operation,
            waits: Vec::new(),
            halts: Vec::new(),
            is_driven: false,
            is_foreign: true,
            outlook: Outlook::default(),
            cost: None,
        }
    }

    /// Returns whether it is neither over nor driven by anybody.
    pub fn rests(&self) -> bool {
        let has_driver = self.is_foreign || (self.is_driven && self.halts.is_empty());
        !self.operation.is_over() && !has_driver
    }

    /// Returns when it may be over; nobody can tell of one that rests.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.outlook
            .ends_at
            .filter(|_| !self.operation.is_over() && !self.rests())
    }

    /// Returns the one word of its state, as the JSON contract names it.
    pub fn state(&self) -> &'static str {
        match self.operation.standing() {
            Standing::Ended {
                aborted: Some(_), ..
            } => "aborted",
            Standing::Ended { left, .. } if !left.is_empty() => "failed",
            Standing::Ended { .. } => "done",
            Standing::Paused => "paused",
            _ if !self.halts.is_empty() && self.waits.is_empty() => "needs-operator",
            _ if !self.waits.is_empty() => "waiting",
            Standing::Running | Standing::Aborting { .. } => "running",
        }
    }
}

/// How a drive ended.
#[derive(Debug)]
pub(super) enum End {
    Over(OperationView),
    /// Only an operator can help; the journal is kept, and `ops resume` goes on.
    NeedsOperator(OperationView),
    /// This process ends; the journal is kept, and another goes on from it.
    Stopped(OperationId),
    /// The journal cannot be written, so nothing more is done.
    Broken(OperationError),
}

pub(super) struct Drive {
    inner: Arc<Inner>,
    journal: Journal,
    operation: Operation,
}

impl Drive {
    pub(super) fn new(inner: Arc<Inner>, journal: Journal, operation: Operation) -> Self {
        Self {
            inner,
            journal,
            operation,
        }
    }

    pub(super) fn id(&self) -> &OperationId {
        &self.operation.id
    }

    pub(super) fn operation(&self) -> &Operation {
        &self.operation
    }

    pub(super) fn clock(&self) -> super::Clock {
        self.inner.clock.clone()
    }

    /// Goes on until the operation is over; every change is told as an event.
    pub(super) async fn run(mut self) -> End {
        let driving = self.inner.driving(&self.operation.id);
        let end = match self.drive().await {
            Ok(end) => end,
            Err(error) => {
                tracing::error!(id = %self.operation.id, %error, "an operation stopped");
                End::Broken(error)
            }
        };
        // Whoever waits for this to stop may take the journal at once.
        drop(self.journal);
        drop(driving);
        end
    }

    async fn drive(&mut self) -> Result<End, OperationError> {
        let mut told = None;
        let mut watch = self.inner.clock.watch();
        let mut every = self.inner.every.subscribe();
        loop {
            if let Some(by_millis) = watch.set_by(&self.inner.clock) {
                self.record(Happening::ClockSet { by_millis }, false)?;
            }
            self.take_asked()?;
            if self.inner.is_stopping() {
                return Ok(End::Stopped(self.operation.id.clone()));
            }
            let sources = self.sources();
            // A reading changes nothing: whoever leaves does not wait for it.
            let failures = tokio::select! {
                biased;
                () = self.inner.stopped() => continue,
                failures = self.inner.observe(Some(&sources)) => failures,
            };
            let observation = self.see(&mut every)?;
            let now = self.inner.clock.now();
            self.note_failures(&failures)?;
            if failures.is_empty() {
                for what in notices(&self.operation, &observation.fleet, now) {
                    self.record(what, false)?;
                }
                for what in fights(&self.operation, &observation.fleet, now) {
                    self.record(what, false)?;
                }
            }
            let decision = decide(&self.operation, &observation.fleet, now);
            match decision {
                // Nothing is done, and nothing is over, by what was read before a source failed.
                _ if !failures.is_empty() => {
                    let waits = stalled_waits(&self.operation, now);
                    let news = Some((
                        waits.clone(),
                        self.operation.standing().clone(),
                        self.operation.fights().len(),
                    ));
                    if told != news {
                        told = news;
                        self.tell(waits, Vec::new()).await;
                    }
                }
                Decision::Apply(call) => {
                    self.make(&call, &observation).await?;
                    self.tell(Vec::new(), Vec::new()).await;
                    continue;
                }
                Decision::Wait(waits) => {
                    let news = Some((
                        waits.clone(),
                        self.operation.standing().clone(),
                        self.operation.fights().len(),
                    ));
                    if told != news {
                        told = news;
                        self.tell(waits, Vec::new()).await;
                    }
                }
                Decision::Halt(halts) => {
                    let view = self.view(Vec::new(), halts);
                    self.inner
                        .tell(Event::Operation(Arc::new(view.clone())))
                        .await;
                    return Ok(End::NeedsOperator(view));
                }
                Decision::Done => {
                    let left = operation::left(&self.operation, &observation.fleet);
                    self.record(Happening::Ended { left }, true)?;
                    let view = self.view(Vec::new(), Vec::new());
                    self.inner
                        .tell(Event::Operation(Arc::new(view.clone())))
                        .await;
                    return Ok(End::Over(view));
                }
            }
            self.pause().await;
        }
    }

    /// Takes in every reading since the last time, the newest last, and returns that.
    ///
    /// The poller reads on its own, too: a job that only one of its readings showed ran all the same.
    fn see(
        &mut self,
        every: &mut broadcast::Receiver<Arc<Observation>>,
    ) -> Result<Arc<Observation>, OperationError> {
        let mut newest = None;
        loop {
            let seen = match every.try_recv() {
                Ok(observation) => {
                    let now = self.inner.clock.now();
                    let seen = sightings(&self.operation, &observation.fleet, now);
                    newest = Some(observation);
                    seen
                }
                // Whatever they showed, nothing proves now that it was idleness.
                Err(TryRecvError::Lagged(n)) => self.missed(n),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            };
            for what in seen {
                self.record(what, false)?;
            }
        }
        Ok(newest.unwrap_or_else(|| self.inner.snapshot.borrow().clone()))
    }

    fn missed(&self, n: u64) -> Vec<Happening> {
        let at = self.inner.clock.now();
        let saw = |id: &InstanceId| Happening::Saw {
            instance: id.clone(),
            sight: Sight::Unknown {
                at,
                why: format!("{n} readings came too fast to be looked at"),
            },
            met: Vec::new(),
        };
        let begun = self.operation.targets().filter(|it| it.1.is_begun());
        begun.map(|it| saw(it.0)).collect()
    }

    /// Waits for the next reading, or until somebody asks something of the operation.
    async fn pause(&self) {
        let mut waited = Duration::ZERO;
        while waited < self.interval() && !self.is_asked() && !self.inner.is_stopping() {
            tokio::select! {
                () = tokio::time::sleep(self.inner.clock.sleep_for(TICK)) => waited += TICK,
                () = self.inner.stopped() => {}
            }
        }
    }

    /// An operator who reads more often than we do decides more often too.
    ///
    /// A little sooner than the poller reads by itself, whose turn then begins anew: otherwise
    /// each source would be read twice.
    fn interval(&self) -> Duration {
        self.inner.config.interval.min(INTERVAL_MAX).mul_f32(0.9)
    }

    /// The intent is on disk before the call is sent, and the answer after it;
    /// both stand in the audit log too.
    pub(super) async fn make(
        &mut self,
        call: &Call,
        observation: &Observation,
    ) -> Result<(), OperationError> {
        let mut audit = self.open_audit()?;
        let mut line = Line {
            at: self.inner.clock.now(),
            account: account_of(observation, call),
            call,
            event: AuditEvent::Intended,
            request_id: None,
            error: None,
        };
        audit.write(&line).map_err(|it| self.no_audit(it))?;
        self.record(Happening::Intended { call: call.clone() }, true)?;
        let answer = apply(&self.inner, call).await;
        line.at = self.inner.clock.now();
        match &answer {
            Ok(receipt) => {
                line.event = AuditEvent::Applied;
                line.request_id = receipt.request_id.as_deref();
            }
            Err(it) => {
                line.event = AuditEvent::of_failure(it.failure.kind);
                line.request_id = it.request_id.as_deref();
                line.error = Some((&it.failure).into());
            }
        }
        let written = audit.write(&line).map_err(|it| self.no_audit(it));
        self.record(Self::happened(call, answer), true)?;
        written
    }

    fn happened(call: &Call, answer: Result<Receipt, Unapplied>) -> Happening {
        match answer {
            Ok(receipt) => Happening::Applied {
                call: call.clone(),
                made: receipt.made,
            },
            Err(it) if it.failure.kind == FailureKind::Unknown => Happening::Unanswered {
                call: call.clone(),
                why: it.failure.what,
            },
            Err(it) => Happening::Refused {
                call: call.clone(),
                kind: it.failure.kind,
                why: it.failure.what,
            },
        }
    }

    fn open_audit(&self) -> Result<Audit, OperationError> {
        let Some(state_dir) = &self.inner.config.state_dir else {
            return Err(OperationError::NoDirectory);
        };
        let heading = Heading {
            actor: self.inner.config.actor.clone(),
            submission: 0,
            operation: Some(self.operation.id.to_string()),
            command_line: self.operation.command_line.clone(),
            reason: self.operation.reason.clone(),
        };
        Audit::open(state_dir, heading).map_err(|it| self.no_audit(it))
    }

    fn no_audit(&self, source: io::Error) -> OperationError {
        let path = self.inner.config.state_dir.clone().unwrap_or_default();
        OperationError::Io { path, source }
    }

    pub(super) fn record(
        &mut self,
        what: Happening,
        must_last: bool,
    ) -> Result<(), OperationError> {
        let event = operation::Event {
            at: self.inner.clock.now(),
            what,
        };
        self.journal.append(&event, must_last)?;
        self.operation.evolve(&event);
        Ok(())
    }

    fn take_asked(&mut self) -> Result<(), OperationError> {
        let Some(state_dir) = self.inner.config.state_dir.clone() else {
            return Err(OperationError::NoDirectory);
        };
        for event in journal::take_asked(&state_dir, &self.operation.id) {
            self.record(event.what, true)?;
        }
        Ok(())
    }

    fn is_asked(&self) -> bool {
        let state_dir = self.inner.config.state_dir.as_deref();
        state_dir.is_some_and(|it| journal::is_asked(it, &self.operation.id))
    }

    /// Whoever looks from elsewhere learns why nothing is done: expired credentials, a silent controller.
    fn note_failures(&mut self, failures: &[(SourceId, Failure)]) -> Result<(), OperationError> {
        match (failures.first(), self.operation.stalled()) {
            (Some((_, failure)), None) => {
                let why = failure.what.clone();
                self.record(Happening::Stalled { why }, false)
            }
            (None, Some(_)) => self.record(Happening::Unstalled, false),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }
    }

    fn sources(&self) -> Vec<SourceId> {
        let observation: Arc<Observation> = self.inner.snapshot.borrow().clone();
        let mut sources: Vec<SourceId> = Vec::new();
        for pool in self.operation.spec.pools() {
            let link = observation.fleet.pool(pool).and_then(|it| it.ci.as_ref());
            let link = link.filter(|_| self.operation.spec.asks_controllers());
            let controller = link.map(|it| SourceId::Controller(it.controller.clone()));
            for source in std::iter::once(SourceId::Scope(pool.scope.clone())).chain(controller) {
                if !sources.contains(&source) {
                    sources.push(source);
                }
            }
        }
        sources
    }

    async fn tell(&self, waits: Vec<(Subject, WaitingOn)>, halts: Vec<Halt>) {
        let view = self.view(waits, halts);
        self.inner.tell(Event::Operation(Arc::new(view))).await;
    }

    fn view(&self, waits: Vec<(Subject, WaitingOn)>, halts: Vec<Halt>) -> OperationView {
        OperationView {
            operation: self.operation.clone(),
            waits,
            halts,
            is_driven: true,
            is_foreign: false,
            outlook: {
                let fleet = &self.inner.snapshot.borrow().fleet;
                outlook(&self.operation, fleet, self.inner.clock.now())
            },
            cost: None,
        }
    }
}

/// While a source cannot be read, every target waits for it.
pub(super) fn stalled_waits(operation: &Operation, now: Timestamp) -> Vec<(Subject, WaitingOn)> {
    let Some((since, why)) = operation.stalled() else {
        return Vec::new();
    };
    let settle = operation.spec.proof().settle;
    let unfinished = operation
        .targets()
        .filter(|(_, it)| !it.is_finished(now, settle));
    let wait = |subject: Subject| {
        let wait = WaitingOn::Retry {
            why: why.to_owned(),
            at: since,
        };
        (subject, wait)
    };
    let mut waits: Vec<_> = unfinished.map(|(id, _)| wait(id.clone().into())).collect();
    if waits.is_empty() {
        // What has no instances waits as a whole.
        waits.push(wait(operation.spec.pool().clone().into()));
    }
    waits
}
