//! `ops`: the long operations of this host, and what an operator says of them.

use std::collections::BTreeMap;

use super::{
    ActFormat, Error, Exit, OpsVerb, Session,
    json::{self, Operations},
    session, table,
};
use crate::{
    engine::{Event, OperationError, OperationView, Outcome, Verdict},
    fleet::{Align, sanitize},
    operation::{OperationId, Subject},
};

/// Remembers what was said of an operation, so that nothing is said twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    is_named: bool,
    waits: BTreeMap<Subject, String>,
}

impl Heard {
    /// Returns the lines that are new.
    pub(super) fn news(&mut self, view: &OperationView) -> Vec<String> {
        let mut lines = Vec::new();
        let id = &view.operation.id;
        if !std::mem::replace(&mut self.is_named, true) {
            lines.push(format!(
                "operation {id}: `pooldeck ops abort {id}` gives back what is not terminated"
            ));
        }
        for (subject, waiting_on) in &view.waits {
            // The count of a proof is not worth a line each time.
            let text = sanitize(&waiting_on.to_string()).into_owned();
            let kind = text
                .split(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                .next()
                .unwrap_or("")
                .to_owned();
            if self.waits.insert(subject.clone(), kind.clone()) != Some(kind) {
                lines.push(format!("{subject} waits for {text}"));
            }
        }
        lines.extend(
            view.halts
                .iter()
                .map(|it| sanitize(&it.to_string()).into_owned()),
        );
        lines
    }
}

pub(super) async fn run(
    session: &mut Session<'_>,
    verb: Option<OpsVerb>,
    output: ActFormat,
) -> Result<Exit, Error> {
    match verb {
        None => list(session, None, output).await,
        Some(OpsVerb::Show { id }) => list(session, Some(OperationId(id)), output).await,
        Some(OpsVerb::Pause { id }) => tell(session, &OperationId(id), Verdict::Pause),
        Some(OpsVerb::Resume { id }) => resume(session, OperationId(id), Verdict::Resume).await,
        Some(OpsVerb::Abort { id, why }) => {
            let why = why.unwrap_or_else(|| "an operator aborted it".to_owned());
            resume(session, OperationId(id), Verdict::Abort { why }).await
        }
    }
}

async fn list(
    session: &mut Session<'_>,
    only: Option<OperationId>,
    output: ActFormat,
) -> Result<Exit, Error> {
    // What an operation waits for shows only beside the fleet.
    session.handle.observe().await;
    let (mut views, errors) = session.handle.operations();
    for error in &errors {
        session.printer.warn(&error.to_string());
    }
    if let Some(id) = &only {
        views.retain(|it| it.operation.id == *id);
        if views.is_empty() {
            return Err(refused(&OperationError::Unknown { id: id.to_string() }));
        }
    }
    let at = session.handle.clock().now();
    let document = Operations::new(at, &views, &errors);
    match output {
        ActFormat::Json => session.printer.data(&json::to_text(&document))?,
        ActFormat::Ndjson => {
            for operation in &document.operations {
                session.printer.data(&json::to_line(operation))?;
            }
        }
        ActFormat::Table if document.operations.is_empty() => {
            session.printer.talk("No operations.");
        }
        ActFormat::Table => {
            let text = table(&document, only.is_some(), session.printer.width());
            session.printer.table(&text, true)?;
        }
    }
    Ok(if errors.is_empty() {
        Exit::Done
    } else {
        Exit::Partly
    })
}

/// Lays out the operations; with their targets, one line for each instance.
fn table(document: &Operations, with_targets: bool, width: Option<u16>) -> String {
    let clean = |text: &str| sanitize(text).into_owned();
    let or_dash = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), clean);
    let rows = document.operations.iter().map(|it| {
        vec![
            clean(&it.id),
            it.kind.to_owned(),
            clean(&it.pool),
            it.state.to_owned(),
            format!("{}/{}", it.progress.done, it.progress.total),
            clean(&it.owner),
            or_dash(&it.waiting_on),
        ]
    });
    let titles = [
        "OPERATION",
        "KIND",
        "POOL",
        "STATE",
        "DONE",
        "OWNER",
        "WAITING ON",
    ];
    let rows: Vec<Vec<String>> = rows.collect();
    let mut text = table::of_cells(Some(&titles), &rows, &[Align::Left; 7], width);
    if with_targets {
        let targets = document.operations.iter().flat_map(|it| &it.targets);
        let rows: Vec<Vec<String>> = targets
            .map(|it| vec![clean(&it.instance), it.step.to_owned(), or_dash(&it.why)])
            .collect();
        let titles = ["INSTANCE", "STEP", "WHY"];
        text.push('\n');
        text += &table::of_cells(Some(&titles), &rows, &[Align::Left; 3], width);
    }
    text
}

fn tell(session: &mut Session<'_>, id: &OperationId, verdict: Verdict) -> Result<Exit, Error> {
    session
        .handle
        .tell_operation(id, verdict)
        .map_err(|it| refused(&it))?;
    session.printer.talk(&format!("told operation {id}"));
    Ok(Exit::Done)
}

/// Tells an operation to go on (or to give back), and drives it if nobody else on this host does.
async fn resume(
    session: &mut Session<'_>,
    id: OperationId,
    verdict: Verdict,
) -> Result<Exit, Error> {
    session
        .handle
        .tell_operation(&id, verdict)
        .map_err(|it| refused(&it))?;
    let mut ended = match session.handle.drive_operation(&id) {
        Ok(ended) => ended,
        Err(OperationError::Driven { .. }) => {
            session
                .printer
                .talk(&format!("told the driver of operation {id}"));
            return Ok(Exit::Done);
        }
        Err(error) => return Err(refused(&error)),
    };
    let mut heard = Heard::default();
    loop {
        tokio::select! {
            biased;
            event = session.events.recv() => {
                if let Some(Event::Operation(view)) = &event {
                    for line in heard.news(view) {
                        session.printer.talk(&line);
                    }
                }
                session::hear(event)?;
            }
            outcome = &mut ended => {
                let outcome = outcome.map_err(|_| Error::new(Exit::Failed, "the driver broke down"))?;
                let exit = Exit::of_outcome(&outcome);
                return match outcome {
                    Outcome::Done => {
                        session.printer.talk(&format!("Done: operation {id}"));
                        Ok(exit)
                    }
                    Outcome::Partly(why) => Err(Error::new(exit, why.join("\n  "))),
                    Outcome::Failed(failure) | Outcome::Unavailable(failure) => Err(Error::new(exit, failure.what)),
                    Outcome::Refused(_) | Outcome::Changed(_) => Ok(exit),
                };
            }
        }
    }
}

fn refused(error: &OperationError) -> Error {
    let exit = match error {
        OperationError::Unknown { .. }
        | OperationError::Driven { .. }
        | OperationError::Over { .. } => Exit::Refused,
        OperationError::NoDirectory => Exit::Usage,
        OperationError::Damaged { .. }
        | OperationError::Unreplayable { .. }
        | OperationError::Io { .. } => Exit::Failed,
    };
    Error::new(exit, error.to_string())
}
