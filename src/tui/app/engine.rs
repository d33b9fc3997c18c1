//! What the engine tells, taken into the app.

use std::sync::Arc;

use super::{App, Effect, Fetched, Overlay, Review, Severity, Submitted, View};
use crate::{
    action,
    engine::{Event, Outcome, Progress, Submission, SubmissionId},
    fleet::{Failure, Observation},
};

impl App {
    pub(super) fn event(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Observed(observation) => {
                let mut effects = vec![self.observe(observation)];
                // What others drive, on this host or by their marks, shows as it is by now.
                if matches!(self.screen().view, View::Operations | View::Operation(_)) {
                    effects.push(Effect::FetchOperations);
                }
                return effects;
            }
            Event::Submission { id, progress } => self.progress(id, &progress),
            Event::Console { instance, result } => {
                let at = self.now;
                let answer = Some(result);
                self.consoles.insert(
                    instance,
                    Fetched {
                        is_asked: false,
                        answer,
                        at,
                    },
                );
            }
            Event::Activities { pool, result } => {
                if let Err(failure) = &result {
                    self.say(
                        Severity::Warning,
                        format!("activities of {pool}: {}", failure.what),
                    );
                }
                let at = self.now;
                let answer = Some(result);
                self.activities.insert(
                    pool,
                    Fetched {
                        is_asked: false,
                        answer,
                        at,
                    },
                );
            }
            Event::Operation(view) => {
                let is_over = view.operation.is_over();
                self.hear_operation(view);
                if is_over {
                    // What it came to is added up for the list.
                    return vec![Effect::FetchOperations];
                }
            }
            Event::Operations { views, errors } => {
                for error in errors {
                    self.say(Severity::Warning, error);
                }
                self.take_operations(views);
            }
            // No screen has asked for it.
            Event::Past(past) => self.pasts.take(&past, self.now),
            Event::Warning(what) => self.say(Severity::Warning, what),
            Event::TaskLost { task, why } => {
                self.say(
                    Severity::Failure,
                    format!("a part of the console failed ({task}): {why}; the rest goes on"),
                );
            }
        }
        Vec::new()
    }

    fn observe(&mut self, observation: Arc<Observation>) -> Effect {
        self.tell_new_failures(&observation);
        self.timeline
            .compare(&self.observation.fleet, &observation.fleet, observation.at);
        let old = self.take_observation(observation);
        self.plan_again();
        Effect::Forget(old)
    }

    /// A source that begins to fail, wholly or in part, or recovers, is worth a line in the history.
    pub(super) fn tell_new_failures(&mut self, fresh: &Observation) {
        let mut said = Vec::new();
        for health in &fresh.sources {
            let mut sources = self.observation.sources.iter();
            let before = sources.find(|it| it.source == health.source);
            let failed = before.and_then(|it| it.failure.as_ref());
            let source = &health.source;
            match (failed, &health.failure) {
                (None, Some(failure)) => {
                    said.push((Severity::Warning, format!("{source}: {}", failure.what)));
                }
                (Some(old), Some(new)) if old.kind != new.kind => {
                    said.push((Severity::Warning, format!("{source}: {}", new.what)));
                }
                (Some(_), None) => {
                    said.push((Severity::Done, format!("{source} answers again")));
                }
                (None, None) | (Some(_), Some(_)) => {}
            }
            let lacked: Vec<&str> = before
                .into_iter()
                .flat_map(|it| it.missing(&self.observation.errors))
                .map(subject)
                .collect();
            let mut is_whole = health.failure.is_none();
            for missing in health.missing(&fresh.errors) {
                is_whole = false;
                if !lacked.contains(&subject(missing)) {
                    said.push((Severity::Warning, format!("{source}: {}", missing.what)));
                }
            }
            if is_whole && !lacked.is_empty() {
                said.push((Severity::Done, format!("{source} is read whole again")));
            }
        }
        for (severity, text) in said {
            self.say(severity, text);
        }
    }

    /// The open question shows what would be done now.
    fn plan_again(&mut self) {
        let fleet = &self.observation.fleet;
        if let Some(Overlay::Confirm(confirm)) = self.overlays.last_mut() {
            let fresh = action::plan(
                &confirm.action,
                confirm.reason.as_deref(),
                fleet,
                &self.policy,
            );
            confirm.plan_again(fresh, fleet);
        }
    }

    pub(super) fn take_submission(&mut self, id: SubmissionId, submission: Submission) {
        let command_line = submission.confirmed.command_line.clone();
        self.messages.say(
            self.now,
            Severity::Note,
            format!("{id} started: {command_line}"),
            Some(id),
        );
        self.refill_messages();
        self.submitted.push(Submitted {
            id,
            at: self.now,
            action: submission.action,
            reason: submission.reason,
            command_line,
            step: "started".to_owned(),
            n_calls: submission.confirmed.calls.len(),
            n_applied: 0,
            is_over: false,
            operation: None,
        });
    }

    fn progress(&mut self, id: SubmissionId, progress: &Progress) {
        let Some(submitted) = self.submitted.iter_mut().find(|it| it.id == id) else {
            return;
        };
        let said = submitted.advance(progress);
        if let Progress::Ended(Outcome::Changed(plan)) = progress {
            self.reviews.push_back(Review {
                action: submitted.action.clone(),
                reason: submitted.reason.clone(),
                plan: (**plan).clone(),
            });
        }
        if let Some(said) = said {
            // Of an operation its own state tells, whatever becomes of what began it.
            let is_end = matches!(progress, Progress::Ended(_));
            if is_end && said.severity == Severity::Failure && submitted.operation.is_none() {
                self.failed.actions.insert(id);
            }
            self.messages
                .say(self.now, said.severity, said.text, Some(id));
            self.refill_messages();
        }
    }
}

/// What could not be read, without the reason, which may be worded anew each time.
fn subject(failure: &Failure) -> &str {
    let what = failure.what.as_str();
    what.split_once(": ").map_or(what, |(subject, _)| subject)
}
