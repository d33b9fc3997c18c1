//! From a confirmed plan to its calls: observe afresh, plan again, write down, call.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::{
    Event,
    apply::{Unapplied, apply},
    audit::{Audit, AuditEvent, Heading, Line},
    detach::detach,
    drive::Drive,
    follow::{self, Launch},
    handle::Inner,
    operations, unanswered,
};
use crate::{
    action::{self, Action, Follow, Plan, Refusal},
    fleet::{Call, Failure, FailureKind, Fleet, Observation, Receipt, SourceId},
    operation::{self, OperationId},
};

/// An action that the operator confirmed.
#[derive(Clone, Debug)]
pub struct Submission {
    pub action: Action,
    pub reason: Option<String>,
    /// The plan that was shown; a fresh one that differs is not carried out.
    pub confirmed: Plan,
    pub consent: Consent,
}

/// How a plan was agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Somebody read it, with the names in it.
    Read,
    /// Before it was made, as by `--yes`: nobody read a name that pooldeck chose, so others
    /// that answer the same request are as good.
    InAdvance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SubmissionId(pub u64);

impl fmt::Display for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What becomes of a submission, in its order; `Ended` is the last.
#[derive(Clone, Debug)]
pub enum Progress {
    Observing,
    /// It goes on by this plan, which chose other instances for the same request.
    ChoseOthers(Box<Plan>),
    Calling(Call),
    Applied(Call, Receipt),
    /// The call was refused, or its answer is not known.
    Failed(Call, Failure),
    /// A long operation was written down, and is driven from now on; its events carry this id.
    Operating(OperationId),
    /// Instances that were launched, as far as they have come.
    Launching(Vec<Launch>),
    Ended(Outcome),
}

/// How a submission ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done,
    /// Nothing was done.
    Refused(Refusal),
    /// Nothing was done: the fleet changed, and this is what the action would do now.
    Changed(Box<Plan>),
    /// Nothing was done: this source could not be read afresh.
    Unavailable(SourceId, Failure),
    /// The first call failed, or nothing could be written down.
    Failed(Failure),
    /// Some calls or instances succeeded; a sentence for each that did not.
    Partly(Vec<String>),
    /// An operator aborted the operation; a sentence for each thing that was not done.
    Aborted {
        why: String,
        left: Vec<String>,
    },
    /// The operation stopped where that is safe, because this process ends.
    Stopped(OperationId),
    /// The operation goes on in a process of its own.
    Detached {
        operation: OperationId,
        process: u32,
    },
}

pub(super) struct Execution {
    pub(super) inner: Arc<Inner>,
    pub(super) id: SubmissionId,
    pub(super) submission: Submission,
    /// Whether a long operation goes on in a process of its own.
    pub(super) is_detached: bool,
}

impl Execution {
    pub(super) async fn run(self) {
        let outcome = self.execute().await;
        self.tell(Progress::Ended(outcome)).await;
        // What was done shows at once, not at the next interval.
        self.inner.observe(Some(&self.sources())).await;
    }

    async fn execute(&self) -> Outcome {
        self.tell(Progress::Observing).await;
        let failures = self.inner.observe(Some(&self.sources())).await;
        if let Some((source, failure)) = failures.into_iter().next() {
            return Outcome::Unavailable(source, failure);
        }
        let observation = self.inner.snapshot.borrow().clone();
        let action = &self.submission.action;
        let looked_up = self.inner.with_lookups(action, &observation.fleet).await;
        let fleet = looked_up.as_ref().unwrap_or(&observation.fleet);
        let plan = match self.plan_again(fleet) {
            Ok(plan) => plan,
            Err(outcome) => return outcome,
        };
        if !plan.does_the_same_as(&self.submission.confirmed) {
            self.tell(Progress::ChoseOthers(Box::new(plan.clone())))
                .await;
        }
        if plan.operation.is_some() {
            return self.operate(&plan).await;
        }
        let mut audit = match self.open_audit() {
            Ok(audit) => audit,
            Err(failure) => return Outcome::Failed(failure),
        };
        let (n_applied, failure) = self.make_calls(&plan, &observation, &mut audit).await;
        match (failure, &plan.follow) {
            (None, Some(follow)) => self.follow(follow).await,
            (None, None) => Outcome::Done,
            (Some(failure), _) if n_applied == 0 => Outcome::Failed(failure),
            (Some(failure), _) => {
                let n_left = plan.calls.len() - n_applied;
                let left = format!("{n_left} of {} calls were not made", plan.calls.len());
                Outcome::Partly(vec![failure.what, left])
            }
        }
    }

    /// Starts the long operation of a plan, and follows it to its end.
    async fn operate(&self, plan: &Plan) -> Outcome {
        let submission = &self.submission;
        let started = operations::begin(&self.inner, plan, submission.reason.as_deref());
        let drive = match started {
            Ok(drive) => drive,
            Err(error) => return Outcome::Failed(self.no_audit(&error.to_string())),
        };
        self.tell(Progress::Operating(drive.id().clone())).await;
        if self.is_detached {
            return self.hand_over(drive).await;
        }
        operations::outcome(drive.run().await, |it| self.no_audit(it))
    }

    /// Lets a process of its own drive what was just written down.
    async fn hand_over(&self, drive: Drive) -> Outcome {
        let operation = drive.id().clone();
        // Its journal is let go of, so that the other can take it.
        drop(drive);
        match detach(&self.inner, &operation).await {
            Ok(process) => Outcome::Detached { operation, process },
            Err(error) => Outcome::Partly(vec![
                error.to_string(),
                operation::stopped_words(&operation),
            ]),
        }
    }

    /// Plans once more on what was just read; a plan that differs is given back to be asked about.
    fn plan_again(&self, fleet: &Fleet) -> Result<Plan, Outcome> {
        let Submission {
            action,
            reason,
            confirmed,
            consent,
        } = &self.submission;
        let policy = &self.inner.config.policy;
        let fresh =
            action::plan(action, reason.as_deref(), fleet, policy).map_err(Outcome::Refused)?;
        let may_choose = *consent == Consent::InAdvance && action.leaves_choice();
        if fresh.does_the_same_as(confirmed)
            || (may_choose && fresh.chose_otherwise_than(confirmed))
        {
            Ok(fresh)
        } else {
            Err(Outcome::Changed(Box::new(fresh)))
        }
    }

    /// Makes the calls in their order; returns how many were applied, and what ended them early.
    async fn make_calls(
        &self,
        plan: &Plan,
        observation: &Observation,
        audit: &mut Audit,
    ) -> (usize, Option<Failure>) {
        for (call_idx, call) in plan.calls.iter().enumerate() {
            let mut line = Line {
                at: self.inner.clock.now(),
                account: account_of(observation, call),
                call,
                event: AuditEvent::Intended,
                request_id: None,
                error: None,
            };
            if let Err(error) = audit.write(&line) {
                return (call_idx, Some(self.no_audit(&error.to_string())));
            }
            self.tell(Progress::Calling(call.clone())).await;
            let answer = apply(&self.inner, call).await;
            line.at = self.inner.clock.now();
            let answer = match answer {
                Err(lost) if lost.failure.kind == FailureKind::Unknown => {
                    unanswered::look(&self.inner, observation, call, lost).await
                }
                answer => answer,
            };
            let (event, failure) = match &answer {
                Ok(receipt) => {
                    line.request_id = receipt.request_id.as_deref();
                    (AuditEvent::Applied, None)
                }
                Err(Unapplied {
                    failure,
                    request_id,
                }) => {
                    line.request_id = request_id.as_deref();
                    line.error = Some(failure.into());
                    (AuditEvent::of_failure(failure.kind), Some(failure.clone()))
                }
            };
            line.event = event;
            let written = audit.write(&line);
            if let Some(failure) = failure {
                let progress = Progress::Failed(call.clone(), failure.clone());
                self.tell(progress).await;
                return (call_idx, Some(failure));
            }
            if let Ok(receipt) = answer {
                self.tell(Progress::Applied(call.clone(), receipt)).await;
            }
            if let Err(error) = written {
                // Done, and not on record: nothing more is done.
                return (call_idx + 1, Some(self.no_audit(&error.to_string())));
            }
        }
        (plan.calls.len(), None)
    }

    fn open_audit(&self) -> Result<Audit, Failure> {
        let heading = Heading {
            actor: self.inner.config.actor.clone(),
            submission: self.id.0,
            operation: None,
            command_line: self.submission.confirmed.command_line.clone(),
            reason: self.submission.reason.clone(),
        };
        let Some(directory) = &self.inner.config.state_dir else {
            return Err(self.no_audit("no state directory is known; give one with --state-dir"));
        };
        Audit::open(directory, heading)
            .map_err(|it| self.no_audit(&format!("{}: {it}", directory.display())))
    }

    /// What cannot be written down is not done.
    fn no_audit(&self, why: &str) -> Failure {
        Failure {
            kind: FailureKind::Invalid,
            what: format!("the audit log cannot be written, so nothing more is done: {why}"),
            at: self.inner.clock.now(),
            retry_at: None,
        }
    }

    async fn follow(&self, follow: &Follow) -> Outcome {
        let Follow::Launch {
            pool,
            n_instances,
            known,
        } = follow;
        let mut follower = follow::Follower::new(&self.inner, pool, *n_instances, known);
        while let Some(launches) = follower.next().await {
            self.tell(Progress::Launching(launches)).await;
        }
        follower.outcome()
    }

    /// Returns the sources whose freshness the action depends on.
    fn sources(&self) -> Vec<SourceId> {
        let plan = &self.submission.confirmed;
        let targets = plan.targets.iter();
        let scopes = targets.map(|it| SourceId::Scope(it.pool.scope.clone()));
        let called = plan.calls.iter().map(Call::source);
        let mut sources: Vec<SourceId> = scopes.chain(called).collect();
        sources.sort();
        sources.dedup();
        sources
    }

    async fn tell(&self, progress: Progress) {
        let id = self.id;
        self.inner.tell(Event::Submission { id, progress }).await;
    }
}

pub(super) fn account_of<'a>(observation: &'a Observation, call: &Call) -> Option<&'a str> {
    let SourceId::Scope(id) = call.source() else {
        return None;
    };
    let identity = observation.fleet.scope(&id)?.identity.as_ref()?;
    Some(&identity.account)
}
