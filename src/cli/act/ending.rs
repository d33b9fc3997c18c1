//! How an action ended: its result, its last words, and its exit code.

use super::Acting;
use crate::{
    action::Refusal,
    cli::{
        ActFormat, Error, Exit, exit,
        json::{self, ActionResult, What},
        plan,
        session::Sight,
        table,
    },
    engine::Outcome,
    fleet::{Align, sanitize},
    operation::{OperationId, detached_words, stopped_words},
};

impl Acting<'_, '_> {
    pub(super) fn refused(mut self, refusal: &Refusal, sight: &Sight) -> Result<Exit, Error> {
        let is_unknown = matches!(
            refusal,
            Refusal::NoSuchPool { .. } | Refusal::NoSuchInstance { .. }
        );
        if is_unknown && !sight.failures.is_empty() {
            // It may well exist, where we could not look.
            let mut why = vec![refusal.to_string()];
            why.extend(sight.warnings());
            return self.end("unavailable", sight.exit(), why, None);
        }
        let outcome = if matches!(refusal, Refusal::AlreadySo(_)) {
            "already_so"
        } else {
            "refused"
        };
        let why = vec![refusal.to_string()];
        self.end(outcome, Exit::of_refusal(refusal), why, None)
    }

    pub(super) fn ended(mut self, outcome: Outcome, sight: &Sight) -> Result<Exit, Error> {
        let exit = Exit::of_outcome(&outcome);
        match outcome {
            Outcome::Done => self.end("done", exit, Vec::new(), None),
            Outcome::Refused(refusal) => self.refused(&refusal, sight),
            Outcome::Changed(fresh) => {
                let text = plan::in_words(&fresh, &sight.observation.fleet);
                self.session.printer.talk_lines(&text);
                self.result.plan = Some(json::Plan::new(&fresh));
                let why = "the fleet changed since the plan was made; nothing was done";
                let hint = "above is what it would do now; run it again if that is right";
                self.end("changed", exit, vec![why.to_owned()], Some(hint))
            }
            Outcome::Unavailable(source, failure) => {
                let why = format!("{source}: {}; nothing was done", failure.what);
                let hint = exit::hint_of(&source, failure.kind);
                self.end("unavailable", exit, vec![why], hint)
            }
            Outcome::Failed(failure) => {
                let source = self.failed_at.as_ref();
                let hint = source.and_then(|it| exit::hint_of(it, failure.kind));
                self.end("failed", exit, vec![failure.what], hint)
            }
            Outcome::Partly(why) => self.end("partly", exit, why, None),
            Outcome::Aborted { why, left } => {
                let why = std::iter::once(format!("aborted: {why}")).chain(left);
                self.end("aborted", exit, why.collect(), None)
            }
            Outcome::Stopped(_) => self.stopped("interrupted"),
            Outcome::Detached { operation, process } => {
                let words = detached_words(&operation, process);
                self.end("detached", exit, vec![words], None)
            }
        }
    }

    /// Ends before the operation does: it rests in its journal.
    pub(super) fn stopped(mut self, why: &str) -> Result<Exit, Error> {
        let id = self.result.operation.clone().unwrap_or_default();
        let words = format!("{why}: {}", stopped_words(&OperationId(id)));
        self.end("stopped", Exit::Partly, vec![words], None)
    }

    /// Ends without knowing the end: what was called goes on by itself.
    pub(super) fn left(mut self, why: &str) -> Result<Exit, Error> {
        let planned = self.result.plan.as_ref().map_or(0, |it| it.calls.len());
        let n_made = self.result.calls.len();
        let exit = if n_made == 0 {
            Exit::Failed
        } else {
            Exit::Partly
        };
        let why = if n_made < planned {
            format!("{why}: {n_made} of {planned} calls were answered, and one may be under way")
        } else {
            format!("{why}: every call was made, and the group goes on by itself")
        };
        let hint = "the audit log in the state directory has every call";
        self.end("unfollowed", exit, vec![why], Some(hint))
    }

    fn operation_at_end(&self) -> Option<Box<json::Operation>> {
        let id = self.result.operation.as_ref()?;
        let (views, _) = self.session.handle.operations();
        let view = views.iter().find(|it| it.operation.id.0 == *id)?;
        Some(Box::new(json::Operation::new(view)))
    }

    /// Writes the result, and the last words.
    pub(super) fn end(
        &mut self,
        outcome: &'static str,
        exit: Exit,
        why: Vec<String>,
        hint: Option<&str>,
    ) -> Result<Exit, Error> {
        self.result.at = self.session.handle.clock().now();
        self.result.outcome = outcome;
        self.result.exit_code = exit.code();
        self.result.why = why;
        self.result.operation_at_end = self.operation_at_end();
        match self.flags.output {
            ActFormat::Table if outcome == "detached" => {
                let id = self.result.operation.clone().unwrap_or_default();
                self.write(&format!("{id}\n"));
            }
            ActFormat::Table => {
                let text = in_rows(&self.result, self.session.printer.width());
                let written = self.session.printer.table(&text, true);
                self.unwritten = self.unwritten.take().or(written.err());
            }
            ActFormat::Json => self.write(&json::to_text(&self.result)),
            ActFormat::Ndjson => {
                let result = self.result.clone();
                self.tell(|| What::Ended { result });
            }
        }
        let printer = &mut *self.session.printer;
        let why = self.result.why.join("\n  ");
        match exit {
            Exit::Done if outcome == "already_so" => printer.talk_lines(&capitalized(&why)),
            Exit::Done if outcome == "planned" => {}
            Exit::Done if matches!(outcome, "detached" | "aborted") => {
                printer.talk_lines(&capitalized(&why));
            }
            Exit::Done => printer.talk(&format!("Done: {}", self.result.command_line)),
            exit => {
                let mut error = Error::new(exit, why);
                error.hint = hint.map(str::to_owned);
                printer.error(&error);
            }
        }
        match self.unwritten.take() {
            // What was done outweighs what could not be told.
            Some(error) if exit == Exit::Done => Err(error),
            _ => Ok(exit),
        }
    }
}

/// Lays out what was launched, or else what was called.
fn in_rows(result: &ActionResult, width: Option<u16>) -> String {
    let clean = |text: &str| sanitize(text).into_owned();
    let or_dash = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), clean);
    if !result.instances.is_empty() {
        let rows = result.instances.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|it| vec![or_dash(&it.id), it.state.to_owned(), or_dash(&it.why)])
            .collect();
        return table::of_cells(
            Some(&["INSTANCE", "STATE", "WHY"]),
            &rows,
            &[Align::Left; 3],
            width,
        );
    }
    if result.calls.is_empty() {
        return String::new();
    }
    let rows = result.calls.iter();
    let rows: Vec<Vec<String>> = rows
        .map(|it| {
            let call = format!("{} {}", it.call.operation, it.call.parameters);
            vec![it.result.to_owned(), clean(&call), or_dash(&it.request_id)]
        })
        .collect();
    table::of_cells(
        Some(&["RESULT", "CALL", "REQUEST"]),
        &rows,
        &[Align::Left; 3],
        width,
    )
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|it| it.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}
