//! Pausing a Buildkite agent for a told time, resuming it, and stopping it after its job.

use reqwest::Method;
use serde::Serialize;

use super::{
    Buildkite,
    shape::{Agent, Pause, Stop},
};
use crate::{
    ci::{Error, http::Extras, reply::Reply, text},
    fleet::{Call, FailureKind, Receipt},
};

impl Buildkite {
    pub(super) async fn write(&self, call: &Call) -> Result<Receipt, Error> {
        match call {
            Call::Cordon { executor, note, .. } => self.pause(executor, note).await,
            Call::Uncordon { executor, .. } => self.resume(executor).await,
            Call::RemoveExecutor { executor, .. } => self.stop(executor).await,
            _ => Err(Error::not_ours(call)),
        }
    }

    /// Pauses an agent. One that is paused cannot be paused again, not even for longer.
    async fn pause(&self, id: &str, note: &str) -> Result<Receipt, Error> {
        let note = text::bounded(note, text::NOTE);
        let pause = Pause {
            note: &note,
            timeout_in_minutes: self.options.pause_minutes,
        };
        let reply = self.put(id, "pause", Some(&pause)).await?;
        if reply.status.is_success() {
            let ends = self.options.pause_minutes;
            return Ok(receipt(format!(
                "paused; it ends by itself after {ends} minutes"
            )));
        }
        if reply.status != 422 {
            return Err(reply.error());
        }
        let agent = self.agent(id).await?;
        let theirs = agent.paused_note.as_deref().unwrap_or_default();
        match agent.paused {
            Some(true) if theirs == note => Ok(receipt(
                "it was paused so before; that pause is not made longer".to_owned(),
            )),
            Some(true) => Err(reply.fail(
                FailureKind::Conflict,
                &format!(
                    "it is paused already, with another note: {}",
                    text::excerpt(theirs)
                ),
            )),
            Some(false) | None => Err(reply.error()),
        }
    }

    async fn resume(&self, id: &str) -> Result<Receipt, Error> {
        let reply = self.put::<()>(id, "resume", None).await?;
        if reply.status.is_success() {
            return Ok(receipt("resumed".to_owned()));
        }
        // Refused, which is as good if it is not paused.
        if reply.status == 422 && self.agent(id).await?.paused == Some(false) {
            return Ok(receipt("it was not paused".to_owned()));
        }
        Err(reply.error())
    }

    /// Lets an agent finish its job and go.
    async fn stop(&self, id: &str) -> Result<Receipt, Error> {
        let reply = self.put(id, "stop", Some(&Stop { force: false })).await?;
        if reply.status.is_success() {
            return Ok(receipt(
                "it finishes its job, if it has one, and goes".to_owned(),
            ));
        }
        if reply.status == 400 {
            return Err(reply.fail(FailureKind::NotFound, "it is not connected"));
        }
        Err(reply.error())
    }

    pub(super) async fn agent(&self, id: &str) -> Result<Agent, Error> {
        let url = self.http.url(&self.segments(&[checked(id)?]), &[]);
        let reply = self.http.send(Method::GET, url, Extras::default()).await?;
        reply.json()
    }

    async fn put<T: Serialize>(
        &self,
        id: &str,
        verb: &str,
        body: Option<&T>,
    ) -> Result<Reply, Error> {
        let url = self.http.url(&self.segments(&[checked(id)?, verb]), &[]);
        let extras = body.map_or_else(Extras::default, Extras::json);
        self.http.send(Method::PUT, url, extras).await
    }
}

/// Lets only what can be an id into an address.
fn checked(id: &str) -> Result<&str, Error> {
    let is_id = !id.is_empty() && id.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
    is_id.then_some(id).ok_or_else(|| {
        Error::new(
            FailureKind::Invalid,
            format!("`{id}` is not the id of an agent, which is a UUID"),
        )
    })
}

fn receipt(message: String) -> Receipt {
    Receipt {
        request_id: None,
        message: Some(message),
        made: None,
    }
}
