//! `ops`: the long operations of this host, and what an operator says of them.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    ActFormat, Error, Exit, OpsVerb, Session,
    heard::Heard,
    json::{self, Operations},
    session::{self, Interrupts},
    table,
};
use crate::{
    engine::{Event, OperationError, OperationView, Outcome, Verdict},
    fleet::{Align, Pool, sanitize},
    operation::{Claim, OperationId, TAG, detached_words, stopped_words},
};

pub(super) async fn run(
    session: &mut Session<'_>,
    verb: Option<OpsVerb>,
    output: ActFormat,
) -> Result<Exit, Error> {
    match verb {
        None => list(session, None, output).await,
        Some(OpsVerb::Show { id }) => list(session, Some(OperationId(id)), output).await,
        Some(OpsVerb::Pause { id }) => {
            tell(session, &OperationId(id), Verdict::Pause, output).await
        }
        Some(OpsVerb::SpeedUp {
            id,
            max_unavailable,
        }) => {
            // The guardrail goes by the size of the pool.
            session.handle.observe().await;
            let verdict = Verdict::SpeedUp { max_unavailable };
            tell(session, &OperationId(id), verdict, output).await
        }
        Some(OpsVerb::Adopt {
            id,
            give_back,
            detach,
        }) => adopt(session, OperationId(id), give_back, detach, output).await,
        Some(OpsVerb::Resume { id, detach }) => {
            go_on(session, OperationId(id), Verdict::Resume, detach, output).await
        }
        Some(OpsVerb::Abort { id, why, detach }) => {
            let why = why.unwrap_or_else(|| "an operator aborted it".to_owned());
            let verdict = Verdict::Abort { why };
            go_on(session, OperationId(id), verdict, detach, output).await
        }
    }
}

/// Writes an operation as it stands now, for a script that told it something; the words of that
/// were talk.
async fn show(session: &mut Session<'_>, id: &OperationId, output: ActFormat) -> Result<(), Error> {
    if output == ActFormat::Table {
        return Ok(());
    }
    // How it ended is said already, and so is what could not be read.
    list(session, Some(id.clone()), output).await.map(drop)
}

async fn list(
    session: &mut Session<'_>,
    only: Option<OperationId>,
    output: ActFormat,
) -> Result<Exit, Error> {
    // What an operation waits for shows only beside the fleet.
    session.handle.observe().await;
    let sight = session.sight(None);
    let (mut views, errors) = session.handle.priced_operations().await;
    if let Some(id) = &only
        && let Some(error) = errors.iter().find(|it| it.is_of(id))
    {
        return Err(refused(error));
    }
    for error in &errors {
        session.printer.warn(&error.to_string());
    }
    // Those of other hosts show by their marks alone.
    sight.warn(session.printer);
    if let Some(id) = &only {
        views.retain(|it| it.operation.id == *id);
        if views.is_empty() && !sight.failures.is_empty() {
            let why = format!("whether there is an operation {id} is not known");
            return Err(Error::new(sight.exit(), why));
        }
        if views.is_empty() {
            return Err(refused(&OperationError::Unknown { id: id.to_string() }));
        }
    }
    let at = session.handle.clock().now();
    let mut document = Operations::new(at, &views, &errors);
    document.errors.extend(sight.warnings());
    match output {
        ActFormat::Json => session.printer.data(&json::to_text(&document))?,
        ActFormat::Ndjson => {
            for operation in &document.operations {
                session.printer.data(&json::to_line(operation))?;
            }
        }
        ActFormat::Table if document.operations.is_empty() => {
            if sight.failures.is_empty() {
                session.printer.talk("No operations.");
            }
        }
        ActFormat::Table => {
            let text = table(&document, only.is_some(), session.printer.width());
            session.printer.table(&text, true)?;
        }
    }
    Ok(if !sight.failures.is_empty() {
        sight.exit()
    } else if errors.is_empty() || only.is_some() {
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
            clean(&it.pools.join(" ")),
            state_of(it).to_owned(),
            format!("{}/{}", it.progress.done, it.progress.total),
            clean(&it.owner),
            it.cost
                .as_ref()
                .map_or("-".to_owned(), json::OperationCost::words),
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
        "COST",
        "WAITING ON",
    ];
    let rows: Vec<Vec<String>> = rows.collect();
    let mut aligns = [Align::Left; 8];
    aligns[6] = Align::Right;
    let mut text = table::of_cells(Some(&titles), &rows, &aligns, width);
    if with_targets {
        let targets = document.operations.iter().flat_map(|it| &it.targets);
        let rows: Vec<Vec<String>> = targets
            .map(|it| vec![clean(&it.instance), it.step.to_owned(), or_dash(&it.why)])
            .collect();
        let titles = ["INSTANCE", "STEP", "WHY"];
        text.push('\n');
        text += &table::of_cells(Some(&titles), &rows, &[Align::Left; 3], width);
        for it in &document.operations {
            text += &ahead(it);
        }
    }
    text
}

/// Returns the state of an operation, or that nobody does anything about it.
fn state_of(operation: &json::Operation) -> &'static str {
    let is_moving = matches!(operation.state, "running" | "waiting" | "paused");
    match operation {
        it if it.foreign => "foreign",
        it if is_moving && !it.driven => "resting",
        it => it.state,
    }
}

/// Says when it will be over, what is in the way of that, and what others changed.
fn ahead(operation: &json::Operation) -> String {
    let mut lines = Vec::new();
    if state_of(operation) == "resting" {
        let (id, state) = (&operation.id, operation.state);
        lines.push(format!(
            "nobody drives it, and it was {state}: `pooldeck ops resume {id}` goes on, `pooldeck ops abort {id}` gives back"
        ));
    }
    lines.extend(operation.phase.clone());
    lines.extend(operation.ends_at.map(|it| format!("ends about {it}")));
    let cost = operation.cost.as_ref();
    lines.extend(cost.map(|it| format!("cost: {}", it.why)));
    let collisions = operation.collisions.iter();
    lines.extend(collisions.map(|it| format!("collision: {it}")));
    for it in &operation.fights {
        let cause = it.cause.as_ref();
        let cause = cause.map_or(String::new(), |it| format!(" ({it})"));
        lines.push(format!(
            "changed by somebody else at {}: {} of {}: {} -> {}{cause}; it is left so",
            it.at,
            it.what.as_str(),
            it.subject,
            it.left,
            it.found
        ));
    }
    lines
        .iter()
        .fold(String::new(), |text, it| text + &sanitize(it) + "\n")
}

async fn tell(
    session: &mut Session<'_>,
    id: &OperationId,
    verdict: Verdict,
    output: ActFormat,
) -> Result<Exit, Error> {
    /// A driver takes what it is told within a second or two.
    const N_TICKS: u32 = 15;
    let before = own(session, id).ok().map(|it| it.operation);
    say(session, id, verdict).await?;
    session.printer.talk(&format!("told operation {id}"));
    if output == ActFormat::Table {
        return Ok(Exit::Done);
    }
    for _ in 0..N_TICKS {
        let view = own(session, id)?;
        let is_taken = before.as_ref().is_none_or(|it| {
            it.standing() != view.operation.standing()
                || it.max_unavailable() != view.operation.max_unavailable()
        });
        if !view.is_driven || is_taken {
            break;
        }
        tick(session, Duration::from_millis(200)).await;
    }
    show(session, id, output).await?;
    Ok(Exit::Done)
}

/// Tells an operation; one that has no journal here may have left marks, and then it is another's.
async fn say(session: &mut Session<'_>, id: &OperationId, verdict: Verdict) -> Result<(), Error> {
    let told = match session.handle.tell_operation(id, verdict.clone()) {
        Err(OperationError::Unknown { .. }) => {
            session.handle.observe().await;
            session.handle.tell_operation(id, verdict)
        }
        told => told,
    };
    told.map_err(|it| refused(&it))
}

/// Takes an operation over, and goes on with it here.
async fn adopt(
    session: &mut Session<'_>,
    id: OperationId,
    gives_back: bool,
    detach: bool,
    output: ActFormat,
) -> Result<Exit, Error> {
    let adopted = session.handle.adopt_operation(&id, gives_back).await;
    let new = adopted.map_err(|it| refused(&it))?;
    if new != id && gives_back {
        warn_of_rolls(session, [&id, &new]);
    }
    if new != id {
        let text = format!("operation {id} is taken over, and goes on as {new}");
        session.printer.talk(&text);
    }
    let verdict = if gives_back {
        let why = "taken over to be given back".to_owned();
        Verdict::Abort { why }
    } else {
        Verdict::Adopt { gives_back }
    };
    go_on(session, new, verdict, detach, output).await
}

/// Marks do not tell what a roll borrowed of its group.
///
/// What was read last may be of before the marks were made ours.
fn warn_of_rolls(session: &mut Session<'_>, ids: [&OperationId; 2]) {
    let observation = session.handle.observation();
    let fleet = &observation.fleet;
    let is_rolled = |it: &&Arc<Pool>| {
        let tag = it.tags.get(TAG);
        tag.is_some_and(|it| ids.contains(&&Claim::parse(it).id))
    };
    for pool in fleet.pools.values().filter(is_rolled) {
        let size = pool.capacity.map_or(String::new(), |it| {
            format!(": it wants {} of at most {} now", it.desired, it.max)
        });
        session.printer.warn(&format!(
            "a roll of {} was under way, and what it had borrowed is not known here{size}; look at its desired, its \
             max, its suspended processes and its template",
            pool.key()
        ));
    }
}

/// Tells an operation to go on (or to give back), and drives it if nobody else on this host does.
async fn go_on(
    session: &mut Session<'_>,
    id: OperationId,
    verdict: Verdict,
    detach: bool,
    output: ActFormat,
) -> Result<Exit, Error> {
    let is_abort = matches!(verdict, Verdict::Abort { .. });
    say(session, &id, verdict).await?;
    if detach {
        return match session.handle.detach_operation(&id).await {
            Ok(process) => {
                session.printer.talk(&detached_words(&id, process));
                if output == ActFormat::Table {
                    session.printer.data(&format!("{id}\n"))?;
                }
                show(session, &id, output).await?;
                Ok(Exit::Done)
            }
            Err(OperationError::Driven { .. }) => {
                session.printer.talk(&told_driver(&id));
                show(session, &id, output).await?;
                Ok(Exit::Done)
            }
            Err(error) => Err(refused(&error)),
        };
    }
    let mut heard = Heard::default();
    let outcome = match session.handle.drive_operation(&id) {
        Ok(ended) => follow(session, &id, &mut heard, ended).await?,
        Err(OperationError::Driven { .. }) => {
            session.printer.talk(&told_driver(&id));
            watch(session, &id, &mut heard).await?
        }
        Err(error) => return Err(refused(&error)),
    };
    let told = told(session, &id, outcome, is_abort);
    show(session, &id, output).await?;
    told
}

fn told_driver(id: &OperationId) -> String {
    format!("told the driver of operation {id}")
}

/// Says what an operation waits for that another process drives, by its journal, and returns how
/// it ended; or that its driver left it. Whoever stopped that wanted it to rest.
async fn watch(
    session: &mut Session<'_>,
    id: &OperationId,
    heard: &mut Heard,
) -> Result<Outcome, Error> {
    const TICK: Duration = Duration::from_secs(1);
    /// A console that ends hands its operations over within this.
    const N_TICKS_ALONE: u32 = 5;
    let mut interrupts = Interrupts::all();
    let mut n_ticks_alone = 0;
    loop {
        let mut view = own(session, id)?;
        if let Some(outcome) = view.outcome() {
            return Ok(outcome);
        }
        n_ticks_alone = if view.is_driven { 0 } else { n_ticks_alone + 1 };
        if N_TICKS_ALONE < n_ticks_alone {
            let halts = view.halts.iter().map(ToString::to_string);
            let rests = format!("its driver has left it: {}", stopped_words(id));
            return Ok(Outcome::Partly(halts.chain([rests]).collect()));
        }
        // What is stuck its driver decides, and not what this process sees of the fleet.
        view.halts.clear();
        if session.has_read() {
            for line in heard.news(&view) {
                session.printer.talk(&line);
            }
        }
        tokio::select! {
            biased;
            () = interrupts.next() => {
                let hint = format!("`pooldeck ops show {id}` says how far it is");
                return Ok(Outcome::Partly(vec![format!("interrupted; its driver goes on: {hint}")]));
            }
            () = tick(session, TICK) => {}
        }
    }
}

/// Lets a while pass, and takes the events of it.
async fn tick(session: &mut Session<'_>, lasts: Duration) {
    let ends = tokio::time::sleep(lasts);
    tokio::pin!(ends);
    loop {
        tokio::select! {
            () = &mut ends => return,
            event = session.events.recv() => {
                if session::hear(event, session.printer).is_err() {
                    // The engine is gone; the journal tells how it goes on all the same.
                    ends.as_mut().await;
                    return;
                }
            }
        }
    }
}

/// Returns an operation that has a journal here.
fn own(session: &Session<'_>, id: &OperationId) -> Result<OperationView, Error> {
    let (views, errors) = session.handle.operations();
    if let Some(error) = errors.iter().find(|it| it.is_of(id)) {
        return Err(refused(error));
    }
    let view = views.into_iter().find(|it| it.operation.id == *id);
    view.ok_or_else(|| refused(&OperationError::Unknown { id: id.to_string() }))
}

/// Says what an operation waits for until it has ended, or until we are told to leave.
async fn follow(
    session: &mut Session<'_>,
    id: &OperationId,
    heard: &mut Heard,
    mut ended: oneshot::Receiver<Outcome>,
) -> Result<Outcome, Error> {
    let mut interrupts = Interrupts::all();
    loop {
        tokio::select! {
            biased;
            () = interrupts.next() => {
                session.stop(&mut interrupts).await;
                return Ok(Outcome::Stopped(id.clone()));
            }
            event = session.events.recv() => {
                if let Some(Event::Operation(view)) = &event
                    && view.operation.id == *id
                {
                    for line in heard.news(view) {
                        session.printer.talk(&line);
                    }
                }
                session::hear(event, session.printer)?;
            }
            outcome = &mut ended => {
                return outcome.map_err(|_| Error::new(Exit::Failed, "the driver broke down"));
            }
        }
    }
}

/// Says how an operation ended. Whoever aborted it has what they asked for.
fn told(
    session: &mut Session<'_>,
    id: &OperationId,
    outcome: Outcome,
    is_abort: bool,
) -> Result<Exit, Error> {
    let exit = Exit::of_outcome(&outcome);
    match outcome {
        Outcome::Done => {
            session.printer.talk(&format!("Done: operation {id}"));
            Ok(exit)
        }
        Outcome::Aborted { why, left } => {
            let lines = std::iter::once(format!("operation {id} was aborted: {why}")).chain(left);
            let text = lines.collect::<Vec<_>>().join("\n  ");
            if is_abort {
                session.printer.talk_lines(&text);
                Ok(Exit::Done)
            } else {
                Err(Error::new(exit, text))
            }
        }
        Outcome::Stopped(id) => Err(Error::new(exit, stopped_words(&id))),
        Outcome::Partly(why) => Err(Error::new(exit, why.join("\n  "))),
        Outcome::Failed(failure) | Outcome::Unavailable(_, failure) => {
            Err(Error::new(exit, failure.what))
        }
        Outcome::Refused(_) | Outcome::Changed(_) | Outcome::Detached { .. } => Ok(exit),
    }
}

fn refused(error: &OperationError) -> Error {
    let exit = match error {
        OperationError::Unknown { .. }
        | OperationError::Driven { .. }
        | OperationError::Foreign { .. }
        | OperationError::NotSpedUp { .. }
        | OperationError::NotTakenOver { .. }
        | OperationError::ReadOnly(_)
        | OperationError::Over { .. }
        | OperationError::Aborting { .. } => Exit::Refused,
        OperationError::NoDirectory | OperationError::Undetachable { .. } => Exit::Usage,
        OperationError::Damaged { .. }
        | OperationError::Newer { .. }
        | OperationError::Unreplayable { .. }
        | OperationError::Io { .. } => Exit::Failed,
    };
    Error::new(exit, error.to_string())
}
