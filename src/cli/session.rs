//! A headless session: the engine, and the streams that are written to.

use std::{collections::BTreeSet, sync::Arc, task::Poll, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use super::{Error, Exit, Printer, exit::hint_of, json::SourceError};
use crate::{
    engine::{Event, Handle},
    fleet::{Failure, FailureKind, Observation, SourceId, sanitize, short_duration},
};

/// What a command that reads or writes works with.
pub struct Session<'a> {
    pub handle: Handle,
    pub events: mpsc::Receiver<Event>,
    pub printer: &'a mut Printer,
}

/// A wait shorter than this needs no word.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was seen, and what was not.
pub(super) struct Sight {
    pub(super) observation: Arc<Observation>,
    pub(super) failures: Vec<(SourceId, Failure)>,
}

impl Sight {
    /// Says on stderr what could not be read, and what to do about it.
    pub(super) fn warn(&self, printer: &mut Printer) {
        let sources = &self.observation.sources;
        let is_blind = sources.iter().all(|it| it.read_at.is_none());
        for line in self.warnings() {
            if is_blind {
                printer.error(&Error::new(self.exit(), line));
            } else {
                printer.warn(&line);
            }
        }
        let hints = self.failures.iter();
        let hints = hints.filter_map(|(source, failure)| hint_of(source, failure.kind));
        for hint in hints.collect::<BTreeSet<&str>>() {
            printer.hint(hint);
        }
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let lines = self.failures.iter();
        lines.map(|(source, failure)| {
            let age = self.observation.sources.iter().find_map(|it| {
                let read_at = it.read_at.filter(|_| it.source == *source)?;
                Some(self.observation.at.since(read_at))
            });
            // A part that is missing from a good reading has no age worth telling.
            let age = age.filter(|it| PATIENCE < *it).map_or(String::new(), |it| {
                format!(" (last read {} ago)", short_duration(it))
            });
            format!("{source}: {}{age}", sanitize(&failure.what))
        })
    }

    /// Returns what could not be read, as JSON has it.
    pub(super) fn errors(&self) -> Vec<SourceError> {
        self.failures.iter().map(SourceError::new).collect()
    }

    pub(super) fn exit(&self) -> Exit {
        Exit::of_reading(self.failures.iter().map(|it| &it.1))
    }
}

/// Ctrl-C, from the moment this is made: none that comes between two waits is lost.
pub(super) struct Interrupts(Vec<Signal>);

impl Interrupts {
    pub(super) fn new() -> Self {
        Self::of(&[SignalKind::interrupt()])
    }

    /// Takes whatever else ends a process, too: what drives an operation does not die in the middle of it.
    pub(super) fn all() -> Self {
        Self::of(&[
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ])
    }

    fn of(kinds: &[SignalKind]) -> Self {
        // Without a handler, a signal ends the process at once, which will do.
        Self(kinds.iter().filter_map(|it| signal(*it).ok()).collect())
    }

    pub(super) async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let mut signals = self.0.iter_mut();
            if signals.any(|it| it.poll_recv(context).is_ready()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Session<'_> {
    /// Stops what is driven here where that is safe; a second signal does not wait for it.
    pub(super) async fn stop(&mut self, interrupts: &mut Interrupts) {
        self.printer.status("stopping where it is safe …");
        tokio::select! {
            _ = self.handle.stop_operations(&mut self.events) => {}
            () = interrupts.next() => {}
        }
        self.printer.clear_status();
    }

    /// Returns whether every source was read once or has failed.
    pub(super) fn has_read(&self) -> bool {
        silent(&self.handle.observation()).is_empty()
    }

    /// Waits until every source was read once or has failed, but not longer than `timeout`.
    pub(super) async fn read_all(&mut self, timeout: Option<Duration>) -> Result<Sight, Error> {
        let deadline = tokio::time::sleep(timeout.unwrap_or(Duration::MAX));
        tokio::pin!(deadline);
        let mut tick = tokio::time::interval(PATIENCE);
        let mut n_ticks = 0;
        loop {
            let observation = self.handle.observation();
            let silent: Vec<&SourceId> = silent(&observation);
            if silent.is_empty() {
                self.printer.clear_status();
                return Ok(self.sight(timeout));
            }
            tokio::select! {
                event = self.events.recv() => hear(event, self.printer)?,
                () = &mut deadline => {
                    self.printer.clear_status();
                    return Ok(self.sight(timeout));
                }
                _ = tick.tick() => {
                    if n_ticks != 0 {
                        let names: Vec<String> = silent.iter().map(ToString::to_string).collect();
                        self.printer.status(&format!("reading {} … {n_ticks}s", names.join(", ")));
                    }
                    n_ticks += 1;
                }
            }
        }
    }

    /// Says what went wrong beside the answer, such as a history that had to begin anew.
    pub(super) fn warn(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            if let Event::Warning(what) = event {
                self.printer.warn_once(&sanitize(&what));
            }
        }
    }

    /// Returns what is known now; a source that never answered counts as failed.
    pub(super) fn sight(&self, waited: Option<Duration>) -> Sight {
        let observation = self.handle.observation();
        let mut failures = observation.errors.clone();
        failures.extend(silent(&observation).into_iter().map(|it| {
            let waited = waited.map_or(String::new(), |it| {
                format!(" within {}", short_duration(it))
            });
            let failure = Failure {
                kind: FailureKind::Unknown,
                what: format!("no answer{waited}"),
                at: observation.at,
                retry_at: None,
            };
            (it.clone(), failure)
        }));
        Sight {
            observation,
            failures,
        }
    }
}

/// Takes an event that only matters when something is wrong.
pub(super) fn hear(event: Option<Event>, printer: &mut Printer) -> Result<(), Error> {
    match event {
        Some(Event::Warning(what)) => {
            printer.warn(&sanitize(&what));
            Ok(())
        }
        Some(Event::TaskLost { task, why }) => Err(Error::new(
            Exit::Failed,
            format!("a task of pooldeck broke down ({task}): {}", sanitize(&why)),
        )
        .hint("this is a fault of pooldeck; the log file says more")),
        Some(
            Event::Observed(_)
            | Event::Submission { .. }
            | Event::Console { .. }
            | Event::Activities { .. }
            | Event::Operation(_)
            | Event::Operations { .. }
            | Event::Past(_),
        ) => Ok(()),
        None => Err(Error::new(Exit::Failed, "the engine has stopped")),
    }
}

/// Returns the sources that have neither answered nor failed yet.
fn silent(observation: &Observation) -> Vec<&SourceId> {
    let is_silent = |it: &&crate::fleet::SourceHealth| it.read_at.is_none() && it.failure.is_none();
    let sources = observation.sources.iter().filter(is_silent);
    sources.map(|it| &it.source).collect()
}
