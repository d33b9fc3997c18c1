//! Long operations: what is heard of them, and what an operator says to them.

use std::sync::Arc;

use super::{About, App, Command, Effect, List, Noun, RowId, Severity, Submitted, View, rows};
use crate::{
    engine::{OperationRow, OperationView, Verdict},
    fleet::nearest,
    operation::{Operation, OperationId, Spec, Standing},
};

impl App {
    /// Takes news from a driver in this process.
    ///
    /// Its driver does not add up what it costs: that is known from the last list.
    pub(super) fn hear_operation(&mut self, mut view: Arc<OperationView>) {
        let id = view.operation.id.clone();
        let before = self.operations.get(&id);
        let before = before.cloned();
        let had_halted = before.as_ref().is_some_and(|it| !it.halts.is_empty());
        // A driver that needs an operator has left.
        let is_driven = !view.operation.is_over() && view.halts.is_empty();
        if is_driven {
            self.driven_here.insert(id.clone());
        } else {
            self.driven_here.remove(&id);
        }
        let n_fights = before.as_ref().map_or(0, |it| it.operation.fights().len());
        let fights: Vec<String> = view
            .operation
            .fights()
            .iter()
            .skip(n_fights)
            .map(|(_, it)| format!("{id}: {it}; it is left so"))
            .collect();
        for fight in fights {
            self.say(Severity::Warning, fight);
        }
        if !had_halted && let Some(halt) = view.halts.first() {
            let text = format!("{id} waits for an operator: {halt}");
            self.say(Severity::Failure, text);
        }
        let had_failed = before.as_ref().is_some_and(|it| it.state() == "failed");
        if view.state() == "failed" && !had_failed {
            self.failed.operations.insert(id.clone());
        }
        if let Some(before) = before.filter(|_| view.cost.is_none()) {
            Arc::make_mut(&mut view).cost = before.cost;
        }
        self.operations.insert(id, view);
        self.refill_operations();
    }

    /// Takes the list of every operation of this host.
    pub(super) fn take_operations(&mut self, views: Vec<OperationView>) {
        let is_first = self.operations.is_empty();
        // What others have taken their marks off is over, or was taken over.
        self.operations.retain(|_, it| !it.is_foreign);
        for view in views {
            let id = view.operation.id.clone();
            if !view.is_driven {
                self.driven_here.remove(&id);
            }
            self.operations.insert(id, Arc::new(view));
        }
        self.refill_operations();
        let mut resting = self.operations.values().filter(|it| it.rests());
        if is_first && let Some(one) = resting.next() {
            let id = &one.operation.id;
            let more = match resting.count() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            let text = format!("operation {id}{more} rests: look at it, and resume or abort it");
            self.say(Severity::Warning, text);
        }
    }

    /// Gives every list of operations its rows: what is not over first, then the newest.
    pub(super) fn refill_operations(&mut self) {
        let mut all: Vec<OperationRow<'_>> = self
            .operations
            .values()
            .map(|it| OperationRow(it))
            .collect();
        all.sort_by_key(|it| {
            let it = &it.0.operation;
            (it.is_over(), std::cmp::Reverse(it.started_at))
        });
        let now = self.observation.at;
        let lists = self.screens.iter_mut().flat_map(|it| &mut it.panels);
        for list in lists.filter(|it| it.noun == Noun::Operations) {
            let found = rows::arrange(list, &all, now, |it| {
                RowId::Operation(it.0.operation.id.clone())
            });
            list.replace(found.rows, found.n_all);
        }
    }

    /// Runs a command on the operation that is named, or on the one that is shown.
    pub(super) fn operate(&mut self, command: &Command, name: Option<&str>) -> Vec<Effect> {
        let view = match self.named_operation(name) {
            Ok(view) => view,
            Err(why) => {
                self.say(Severity::Note, why);
                return Vec::new();
            }
        };
        let id = view.operation.id.clone();
        match (view.operation.standing(), command) {
            (Standing::Ended { .. }, _) => {
                self.say(Severity::Note, format!("operation {id} is over"));
                Vec::new()
            }
            (_, Command::OperationAdopt(_)) if view.is_foreign || view.rests() => {
                self.ask(About::Verdict(id, Verdict::Adopt { gives_back: false }));
                Vec::new()
            }
            (_, Command::OperationAdopt(_)) => {
                self.say(Severity::Note, format!("operation {id} has a driver here"));
                Vec::new()
            }
            (_, Command::OperationAbort(_)) if view.is_foreign => {
                self.ask(About::Verdict(id, Verdict::Adopt { gives_back: true }));
                Vec::new()
            }
            (_, _) if view.is_foreign => {
                let why = format!(
                    "operation {id} is driven by {}: take it over first",
                    view.operation.owner
                );
                self.say(Severity::Note, why);
                Vec::new()
            }
            (Standing::Aborting { .. }, Command::OperationPause(_)) => {
                let why = format!("operation {id} is being aborted; resume it to see that through");
                self.say(Severity::Note, why);
                Vec::new()
            }
            (_, Command::OperationSpeedUp(_)) => {
                if let Some(why) = why_no_faster(&view.operation) {
                    self.say(Severity::Note, format!("operation {id}: {why}"));
                    return Vec::new();
                }
                let max_unavailable = view.operation.max_unavailable().map(|it| it * 2);
                self.ask(About::Verdict(id, Verdict::SpeedUp { max_unavailable }));
                Vec::new()
            }
            (_, Command::OperationPause(_)) => vec![Effect::Tell(id, Verdict::Pause)],
            (_, Command::OperationResume(_)) => vec![Effect::Tell(id, Verdict::Resume)],
            _ => {
                let why = "an operator aborted it in the console".to_owned();
                self.ask(About::Verdict(id, Verdict::Abort { why }));
                Vec::new()
            }
        }
    }

    /// Returns the operation of that name, or the one that is shown; or says why there is none.
    pub(in crate::tui) fn named_operation(
        &self,
        name: Option<&str>,
    ) -> Result<&Arc<OperationView>, String> {
        let screen = self.screen();
        let id = match (name, &screen.view, screen.list().and_then(List::cursor)) {
            (Some(name), ..) => Some(&OperationId(name.to_owned())),
            (None, View::Operation(id), _) | (None, _, Some(RowId::Operation(id))) => Some(id),
            (None, ..) => None,
        };
        let found = id.and_then(|it| self.operations.get(it));
        found.ok_or_else(|| match name {
            None => "no operation is under the cursor".to_owned(),
            Some(name) => {
                let near = nearest(name, self.operations.keys().map(|it| it.0.as_str()));
                let near = near.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
                format!("no operation is called `{name}`{near}")
            }
        })
    }

    /// Returns the actions that run and are no operation driven here.
    ///
    /// The submission of an operation runs as long as its driver does.
    pub fn running_actions(&self) -> impl DoubleEndedIterator<Item = &Submitted> {
        let is_driven = |it: &Submitted| {
            let id = it.operation.as_ref();
            id.is_some_and(|it| self.driven_here.contains(it))
        };
        let running = self.submitted.iter().filter(|it| !it.is_over);
        running.filter(move |it| !is_driven(it))
    }
}

/// Says why more instances at a time would not speed an operation up; none when they would.
fn why_no_faster(it: &Operation) -> Option<String> {
    match (&it.spec, it.max_unavailable()) {
        (Spec::Refresh(_), _) => Some(
            "EC2 Auto Scaling goes at its own pace, by the terms that the refresh began with"
                .to_owned(),
        ),
        (Spec::Freeze(_), _) => Some("a freeze takes nothing out of service".to_owned()),
        (Spec::Roll(roll), Some(0)) => {
            let batch = roll.pools.iter().map(|it| it.batch).max().unwrap_or(1);
            Some(format!(
                "new instances come first, {batch} at a time, and none may be missing: its batch decides how fast it \
                 goes, and a larger one wants a new `reami --batch`"
            ))
        }
        (Spec::Drain(_), None) => {
            Some("all its instances are emptied at once: there is nothing to speed up".to_owned())
        }
        (Spec::Drain(_) | Spec::Roll(_), _) => None,
    }
}
