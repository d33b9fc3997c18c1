//! What becomes of an action, step by step: written down, and said where somebody waits for it.

use super::Acting;
use crate::{
    cli::{
        ActFormat,
        json::{self, Applied, Launched, What},
    },
    engine::{OperationView, Progress},
};

impl Acting<'_, '_> {
    /// Writes down one step, and says it where somebody waits for it.
    pub(super) fn note(&mut self, progress: Progress, is_talkative: bool) {
        match progress {
            Progress::Observing => {
                self.session.printer.status("reading once more …");
                self.tell(|| What::Observing);
            }
            Progress::ChoseOthers(plan) => {
                let words = "other instances than a moment ago answer the same request best; it goes on with those";
                self.session.printer.warn(words);
                self.show_plan(&plan);
            }
            Progress::Calling(call) => {
                let text = format!("calling {call} …");
                self.session.printer.status(&text);
                self.tell(|| What::Calling {
                    call: json::PlannedCall::new(&call),
                });
            }
            Progress::Applied(call, receipt) => {
                let applied = Applied::answered(&call, &receipt);
                self.result.calls.push(applied.clone());
                if is_talkative {
                    self.session.printer.talk(&format!("applied {call}"));
                }
                self.tell(|| What::Applied { call: applied });
            }
            Progress::Failed(call, failure) => {
                self.failed_at = Some(call.source());
                let failed = Applied::failed(&call, &failure);
                self.result.calls.push(failed.clone());
                self.tell(|| What::Failed { call: failed });
            }
            Progress::Launching(launches) => {
                let instances: Vec<Launched> = launches.iter().map(Launched::new).collect();
                if is_talkative {
                    self.say_what_moved(&instances);
                }
                self.result.instances.clone_from(&instances);
                self.tell(|| What::Launching { instances });
            }
            Progress::Operating(id) => self.result.operation = Some(id.to_string()),
            // The caller has taken it.
            Progress::Ended(_) => {}
        }
    }

    /// Says what a long operation waits for, each time that this changes.
    pub(super) fn note_operation(&mut self, view: &OperationView) {
        if self.result.operation.as_deref() != Some(&view.operation.id.0) {
            return;
        }
        for line in self.heard.news(view) {
            self.session.printer.talk(&line);
        }
        let operation = json::Operation::new(view);
        self.tell(|| What::Operation { operation });
    }

    fn say_what_moved(&mut self, instances: &[Launched]) {
        let printer = &mut *self.session.printer;
        for it in instances {
            if !self.result.instances.contains(it)
                && let Some(id) = &it.id
            {
                let why = it
                    .why
                    .as_ref()
                    .map_or(String::new(), |it| format!(": {it}"));
                printer.talk(&format!("{id} {}{why}", it.state));
            }
        }
        let n_there = instances
            .iter()
            .filter(|it| it.state == "in_service")
            .count();
        printer.status(&format!("{n_there} of {} in service …", instances.len()));
    }

    /// Writes an event, where each is asked for.
    pub(super) fn tell(&mut self, what: impl FnOnce() -> What) {
        if self.flags.output == ActFormat::Ndjson {
            let at = self.session.handle.clock().now();
            self.write(&json::to_line(&json::Event { at, what: what() }));
        }
    }

    pub(super) fn write(&mut self, text: &str) {
        let written = self.session.printer.data(text);
        self.unwritten = self.unwritten.take().or(written.err());
    }
}
