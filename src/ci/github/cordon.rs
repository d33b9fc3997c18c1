//! GitHub has no pause. What comes closest is to take a runner's own labels away, so that
//! no job that asks for one of them reaches it; they are kept in what stands there instead.

use reqwest::{Method, Url};

use super::{
    GitHub,
    shape::{Label, NewLabels, Runner},
};
use crate::{
    ci::{Error, http::Extras, reply::Reply, text},
    fleet::{Call, FailureKind, Receipt},
};

/// Carries the note of a cordon.
const NOTE: &str = "cordoned-";
/// Carries a label that a cordon took away.
const KEPT: &str = "kept-";
const N_NOTE_CHARS_MAX: usize = 80;

pub(super) fn is_cordoned(labels: &[Label]) -> bool {
    labels.iter().any(|it| it.name.starts_with(NOTE))
}

pub(super) fn note_of(labels: &[Label]) -> Option<String> {
    let note = labels.iter().find_map(|it| it.name.strip_prefix(NOTE))?;
    (!note.is_empty()).then(|| text::bounded(note, text::NOTE))
}

/// Returns the labels that a runner has when it is not cordoned.
pub(super) fn own_labels(labels: &[Label]) -> Vec<String> {
    labels
        .iter()
        .filter(|it| !it.name.starts_with(NOTE))
        .map(|it| it.name.strip_prefix(KEPT).unwrap_or(&it.name))
        .map(|it| text::bounded(it, text::NAME))
        .collect()
}

impl GitHub {
    pub(super) async fn write(&self, call: &Call) -> Result<Receipt, Error> {
        match call {
            Call::Cordon { executor, note, .. } => self.cordon(executor, note).await,
            Call::Uncordon { executor, .. } => self.uncordon(executor).await,
            Call::RemoveExecutor { executor, .. } => self.remove(executor).await,
            _ => Err(Error::not_ours(call)),
        }
    }

    async fn cordon(&self, id: &str, note: &str) -> Result<Receipt, Error> {
        let runner = self.runner(id).await?;
        let custom = custom_of(&runner);
        if custom.is_empty() {
            return Err(Error::new(
                FailureKind::Conflict,
                format!(
                    "{} has no labels of its own, and GitHub has no pause: nothing would keep jobs \
                     away from it. Remove it instead; GitHub refuses that while it runs a job",
                    runner.name
                ),
            ));
        }
        let note: String = note
            .chars()
            .take(N_NOTE_CHARS_MAX)
            .map(|it| {
                if it.is_ascii_alphanumeric() || "-_.".contains(it) {
                    it
                } else {
                    '-'
                }
            })
            .collect();
        let kept = custom.iter().map(|it| format!("{KEPT}{it}"));
        let labels = std::iter::once(format!("{NOTE}{note}"))
            .chain(kept)
            .collect();
        self.set_labels(id, labels).await?;
        Ok(receipt(
            "its own labels are taken away; a job that asks for `self-hosted` alone still reaches it",
        ))
    }

    async fn uncordon(&self, id: &str) -> Result<Receipt, Error> {
        let runner = self.runner(id).await?;
        if !is_cordoned(&runner.labels) {
            return Ok(receipt("it was not cordoned"));
        }
        self.set_labels(id, custom_of(&runner)).await?;
        Ok(receipt("its own labels are back"))
    }

    /// Takes the runner off GitHub, if GitHub finds no job on it in that moment.
    async fn remove(&self, id: &str) -> Result<Receipt, Error> {
        let reply = self
            .send_to_runner(Method::DELETE, id, &[], Extras::default())
            .await?;
        match reply.status.as_u16() {
            200..=299 => Ok(receipt("removed; GitHub found no job on it")),
            422 => Err(reply.fail(
                FailureKind::Conflict,
                "it runs a job, so GitHub did not remove it",
            )),
            _ => Err(reply.error()),
        }
    }

    async fn runner(&self, id: &str) -> Result<Runner, Error> {
        self.send_to_runner(Method::GET, id, &[], Extras::default())
            .await?
            .json()
    }

    async fn set_labels(&self, id: &str, labels: Vec<String>) -> Result<(), Error> {
        let extras = Extras::json(&NewLabels { labels });
        let reply = self
            .send_to_runner(Method::PUT, id, &["labels"], extras)
            .await?;
        if reply.status.is_success() {
            Ok(())
        } else {
            Err(reply.error())
        }
    }

    async fn send_to_runner(
        &self,
        method: Method,
        id: &str,
        rest: &[&str],
        extras: Extras,
    ) -> Result<Reply, Error> {
        let url = self.runner_url(id, rest)?;
        self.http.send(method, url, extras).await
    }

    /// Returns the address of a runner: `orgs/acme/23` of a scope that is ours.
    pub(super) fn runner_url(&self, id: &str, rest: &[&str]) -> Result<Url, Error> {
        let in_scope = self.options.scopes.iter().find_map(|scope| {
            let number = id.strip_prefix(&scope.id_of(""))?;
            let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
            is_number.then_some((scope, number))
        });
        let (scope, number) = in_scope.ok_or_else(|| {
            Error::new(
                FailureKind::Invalid,
                format!("`{id}` is not the id of a runner, which is like orgs/example/23"),
            )
        })?;
        let mut segments = scope.segments();
        segments.extend(["actions", "runners", number]);
        segments.extend(rest);
        Ok(self.http.url(&segments, &[]))
    }
}

/// Returns the labels that people gave to a runner, the kept ones among them.
fn custom_of(runner: &Runner) -> Vec<String> {
    let is_custom =
        |it: &&Label| it.kind.as_deref() == Some("custom") && !it.name.starts_with(NOTE);
    runner
        .labels
        .iter()
        .filter(is_custom)
        .map(|it| it.name.strip_prefix(KEPT).unwrap_or(&it.name).to_owned())
        .collect()
}

fn receipt(message: &str) -> Receipt {
    Receipt {
        request_id: None,
        message: Some(message.to_owned()),
        made: None,
    }
}
