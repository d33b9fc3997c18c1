//! Telling a long operation what to do, and driving it here when nobody else does.

use tokio::sync::oneshot;

use super::app::{Msg, Severity, aborted};
use crate::{
    engine::{Handle, OperationError, Outcome, Verdict},
    operation::OperationId,
};

/// Tells the operation's driver; unless it is to rest, drives it here if nobody does.
///
/// How it ends arrives by the returned channel.
pub(super) fn tell(
    handle: &Handle,
    id: &OperationId,
    verdict: Verdict,
) -> Result<Option<oneshot::Receiver<Outcome>>, OperationError> {
    let is_to_rest = matches!(verdict, Verdict::Pause | Verdict::SpeedUp { .. });
    handle.tell_operation(id, verdict)?;
    if is_to_rest {
        return Ok(None);
    }
    match handle.drive_operation(id) {
        Ok(ended) => Ok(Some(ended)),
        // Its driver hears of it.
        Err(OperationError::Driven { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes an operation over and drives it here to its end; returns how that went, by the id that it has now.
pub(super) async fn adopt(
    handle: &Handle,
    id: OperationId,
    gives_back: bool,
) -> (OperationId, Option<Outcome>) {
    let failed = |error: OperationError| Some(Outcome::Partly(vec![error.to_string()]));
    let new = match handle.adopt_operation(&id, gives_back).await {
        Ok(new) => new,
        Err(error) => return (id, failed(error)),
    };
    // One that rested here is told to go on, or to give back.
    let verdict = if gives_back {
        let why = "an operator gave it back in the console".to_owned();
        Verdict::Abort { why }
    } else {
        Verdict::Resume
    };
    let begun = handle
        .tell_operation(&new, verdict)
        .and_then(|()| handle.drive_operation(&new));
    handle.fetch_operations();
    match begun {
        Ok(ended) => (new, ended.await.ok()),
        Err(error) => (new, failed(error)),
    }
}

/// Says how an operation ended that was driven here.
pub(super) fn notice(id: &OperationId, outcome: Option<Outcome>) -> Msg {
    let (severity, text) = match outcome {
        Some(Outcome::Done) => (Severity::Done, "done".to_owned()),
        Some(Outcome::Partly(why)) => (Severity::Warning, why.join("; ")),
        Some(Outcome::Aborted { why, left }) => {
            let text = format!("aborted: {}", aborted(&why, &left));
            (Severity::Warning, text)
        }
        Some(Outcome::Stopped(_)) => (Severity::Warning, "it rests".to_owned()),
        Some(Outcome::Detached { .. }) => {
            (Severity::Done, "it goes on without a terminal".to_owned())
        }
        Some(Outcome::Failed(failure) | Outcome::Unavailable(_, failure)) => {
            (Severity::Failure, failure.what)
        }
        Some(Outcome::Refused(refusal)) => (Severity::Failure, refusal.to_string()),
        Some(Outcome::Changed(_)) => (Severity::Warning, "the fleet changed".to_owned()),
        None => (Severity::Failure, "its driver broke down".to_owned()),
    };
    Msg::Notice(severity, format!("operation {id}: {text}"))
}
