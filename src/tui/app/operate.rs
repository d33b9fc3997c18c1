//! Long operations: what is heard of them, and what an operator says to them.

use std::sync::Arc;

use super::{App, Command, Effect, List, Noun, Overlay, RowId, Severity, Stage, Submitted, View};
use crate::{
    engine::{OperationView, Verdict},
    fleet::nearest,
    operation::{Operation, OperationId, Standing},
};

/// The question before an operation is aborted; keys from before it was seen answer nothing.
#[derive(Clone, Debug)]
pub struct Abort {
    pub id: OperationId,
    pub stage: Stage,
    /// Why the last key did not answer.
    pub hint: Option<&'static str>,
}

impl App {
    /// Takes news from a driver in this process.
    pub(super) fn hear_operation(&mut self, view: Arc<OperationView>) {
        let id = view.operation.id.clone();
        let before = self.operations.get(&id);
        let had_halted = before.is_some_and(|it| !it.halts.is_empty());
        // A driver that needs an operator has left.
        let is_driven = !view.operation.is_over() && view.halts.is_empty();
        if is_driven {
            self.driven_here.insert(id.clone());
        } else {
            self.driven_here.remove(&id);
        }
        if !had_halted && let Some(halt) = view.halts.first() {
            let text = format!("{id} waits for an operator: {halt}");
            self.say(Severity::Failure, text);
        }
        self.operations.insert(id, view);
        self.refill_operations();
    }

    /// Takes the list of every operation of this host.
    pub(super) fn take_operations(&mut self, views: Vec<OperationView>) {
        let is_first = self.operations.is_empty();
        for view in views {
            let id = view.operation.id.clone();
            if !view.is_driven {
                self.driven_here.remove(&id);
            }
            self.operations.insert(id, Arc::new(view));
        }
        self.refill_operations();
        let mut resting = self.operations.values().filter(|it| rests(it));
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
        let mut all: Vec<&Operation> = self.operations.values().map(|it| &it.operation).collect();
        all.sort_by_key(|it| (it.is_over(), std::cmp::Reverse(it.started_at)));
        let rows: Vec<RowId> = all
            .iter()
            .map(|it| RowId::Operation(it.id.clone()))
            .collect();
        let lists = self.screens.iter_mut().flat_map(|it| &mut it.panels);
        for list in lists.filter(|it| it.noun == Noun::Operations) {
            let n_all = rows.len();
            list.replace(rows.clone(), n_all);
        }
    }

    /// Runs a command on the operation that is named, or on the one that is shown.
    pub(super) fn operate(&mut self, command: &Command, name: Option<&str>) -> Vec<Effect> {
        let Some(view) = self.named_operation(name) else {
            let ids = self.operations.keys().map(|it| it.0.as_str());
            let why = name.map_or_else(
                || "no operation is under the cursor".to_owned(),
                |name| {
                    let near = nearest(name, ids);
                    let near = near.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
                    format!("no operation is called `{name}`{near}")
                },
            );
            self.say(Severity::Note, why);
            return Vec::new();
        };
        let id = view.operation.id.clone();
        match (view.operation.standing(), command) {
            (Standing::Ended { .. }, _) => {
                self.say(Severity::Note, format!("operation {id} is over"));
                Vec::new()
            }
            (Standing::Aborting { .. }, Command::OperationPause(_)) => {
                let why = format!("operation {id} is being aborted; resume it to see that through");
                self.say(Severity::Note, why);
                Vec::new()
            }
            (_, Command::OperationPause(_)) => vec![Effect::Tell(id, Verdict::Pause)],
            (_, Command::OperationResume(_)) => vec![Effect::Tell(id, Verdict::Resume)],
            _ => {
                self.overlays.push(Overlay::Abort(Abort {
                    id,
                    stage: Stage::New,
                    hint: None,
                }));
                Vec::new()
            }
        }
    }

    fn named_operation(&self, name: Option<&str>) -> Option<&Arc<OperationView>> {
        let screen = self.screen();
        let id = match (name, &screen.view, screen.list().and_then(List::cursor)) {
            (Some(name), ..) => &OperationId(name.to_owned()),
            (None, View::Operation(id), _) | (None, _, Some(RowId::Operation(id))) => id,
            (None, ..) => return None,
        };
        self.operations.get(id)
    }

    pub(super) fn run_on_abort(&mut self, command: &Command) -> Vec<Effect> {
        let Some(Overlay::Abort(abort)) = self.overlays.last_mut() else {
            return Vec::new();
        };
        match command {
            Command::ConfirmYes if abort.stage == Stage::Armed => {
                let id = abort.id.clone();
                self.overlays.pop();
                let why = "an operator aborted it in the console".to_owned();
                return vec![Effect::Tell(id, Verdict::Abort { why })];
            }
            Command::ConfirmYes => {
                abort.hint = Some("that key came before the question; press it again");
            }
            Command::ConfirmEnter => abort.hint = Some("enter does not confirm this; press y"),
            Command::ConfirmNo => {
                self.overlays.pop();
                self.say(Severity::Note, "nothing was done");
            }
            _ => {}
        }
        Vec::new()
    }

    /// Returns the actions that run and are no operation driven here.
    ///
    /// The submission of an operation runs as long as its driver does.
    pub fn running_actions(&self) -> impl DoubleEndedIterator<Item = &Submitted> {
        let driven: Vec<&str> = self
            .driven_here
            .iter()
            .filter_map(|it| self.operations.get(it))
            .map(|it| it.operation.command_line.as_str())
            .collect();
        let running = self.submitted.iter().filter(|it| !it.is_over);
        running.filter(move |it| !driven.contains(&it.command_line.as_str()))
    }

    /// Leaving cuts off actions that run, and lets operations rest: the first time it only says so.
    pub(super) fn quit(&mut self) -> Vec<Effect> {
        let n_actions = self.running_actions().count();
        if (n_actions == 0 && self.driven_here.is_empty()) || self.is_leaving {
            return vec![Effect::Quit];
        }
        self.is_leaving = true;
        // What has to be typed to go on comes first: a narrow line is cut at its end.
        let resting = self.driven_here.iter().map(|id| {
            format!(
                "`pooldeck ops resume {id}` goes on with the operation, which rests in its journal"
            )
        });
        let what = if n_actions == 1 {
            "action is"
        } else {
            "actions are"
        };
        let cut_off = (0 < n_actions)
            .then(|| format!("{n_actions} {what} still running and would be left where it is"));
        let parts: Vec<String> = resting.chain(cut_off).collect();
        let text = format!("quit again: {}", parts.join("; "));
        self.say(Severity::Warning, text);
        Vec::new()
    }
}

/// Whether an operation is neither over nor driven by anybody.
pub fn rests(view: &OperationView) -> bool {
    !view.operation.is_over() && (!view.is_driven || !view.halts.is_empty())
}
