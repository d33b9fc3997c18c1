//! From an action to its question, and from the answer to the engine.

use super::{
    Answer, App, Command, Confirm, Effect, Overlay, Prompt, Severity, Target, propose::Vocabulary,
    verbs,
};
use crate::{
    action::{self, ActionLine, Refusal},
    engine::{Consent, Submission},
};

impl App {
    /// Plans an action on what is selected, and asks.
    pub(super) fn act(&mut self, line: ActionLine, target: Target) {
        let operations = self.operations.values().map(|it| &it.operation);
        let action = line
            .action
            .fill(&target.selection)
            .find_way_back(operations);
        let reason = line.reason;
        let fleet = &self.observation.fleet;
        match action::plan(&action, reason.as_deref(), fleet, &self.policy) {
            Ok(plan) => {
                let mut confirm = Confirm::new(action, reason, plan, fleet);
                confirm.note = target.left_out();
                self.overlays.push(Overlay::Confirm(Box::new(confirm)));
            }
            Err(Refusal::Incomplete { .. })
                if target.n_marked_hidden != 0 && target.selection.instances.is_empty() =>
            {
                let why = "every marked instance is hidden by the filter: nothing is selected";
                self.say(Severity::Warning, why);
            }
            Err(Refusal::Incomplete { .. })
                if target.n_without_instance != 0 && target.selection.instances.is_empty() =>
            {
                let why = "no instance is known for what is selected: nothing can be done to it";
                self.say(Severity::Warning, why);
            }
            // What is missing is asked for by its name, with everything else filled in.
            Err(refusal @ Refusal::Incomplete { .. })
                if !wants_instances(action.verb()) && target.selection.pool.is_some() =>
            {
                let line = action.to_string();
                let verb_and_pool = line.split(" --").next().unwrap_or(&line).len();
                let (head, tail) = line.split_at(verb_and_pool);
                self.open_prompt(&format!("{head} {tail}"), verb_and_pool + 1, target);
                self.set_prompt_error(refusal.to_string());
            }
            Err(Refusal::ReasonMissing { verb, pool, why }) => {
                let line = format!("{action} --reason \"\"");
                let cursor = line.chars().count() - 1;
                self.open_prompt(&line, cursor, target);
                let why = why.map_or(String::new(), |it| format!(": {it}"));
                self.set_prompt_error(format!("{verb} on {pool} needs a reason{why}"));
            }
            Err(refusal) => self.say(Severity::Warning, refusal.to_string()),
        }
    }

    pub(super) fn open_prompt(&mut self, line: &str, cursor: usize, target: Target) {
        let vocabulary = Vocabulary {
            fleet: &self.observation.fleet,
            noun: self.noun(),
            pool: None,
        };
        let prompt = Prompt::new(line, cursor, target, vocabulary);
        self.overlays.push(Overlay::Prompt(Box::new(prompt)));
    }

    fn set_prompt_error(&mut self, error: String) {
        if let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut() {
            prompt.error = Some(error);
        }
    }

    /// Answers the open question.
    pub(super) fn answer(&mut self, command: &Command) -> Vec<Effect> {
        let Some(Overlay::Confirm(confirm)) = self.overlays.last() else {
            return Vec::new();
        };
        let answer = match command {
            Command::ConfirmYes => confirm.answer_yes(),
            Command::ConfirmEnter | Command::InputAccept => confirm.answer_enter(),
            Command::ConfirmEdit => {
                let line = confirm.action.to_string();
                self.overlays.pop();
                self.open_prompt(&line, line.chars().count(), Target::default());
                return Vec::new();
            }
            _ => Answer::No,
        };
        match answer {
            Answer::Yes => {
                if let Some(Overlay::Confirm(confirm)) = self.overlays.pop()
                    && let Ok(confirmed) = confirm.plan
                {
                    return vec![Effect::Submit(Box::new(Submission {
                        action: confirm.action,
                        reason: confirm.reason,
                        confirmed,
                        consent: Consent::Read,
                    }))];
                }
            }
            Answer::No => {
                self.overlays.pop();
                self.say(Severity::Note, "nothing was done");
            }
            Answer::NotYet(why) => {
                if let Some(Overlay::Confirm(confirm)) = self.overlays.last_mut() {
                    confirm.hint = Some(why);
                }
            }
        }
        Vec::new()
    }

    /// Opens a question that has to be asked again, once nothing else is asked.
    pub(super) fn open_review(&mut self) {
        if !self.overlays.is_empty() || !self.pressed.0.is_empty() {
            return;
        }
        if let Some(review) = self.reviews.pop_front() {
            let fleet = &self.observation.fleet;
            let mut confirm = Confirm::new(review.action, review.reason, review.plan, fleet);
            confirm.is_uncalled = true;
            confirm.note =
                Some("the fleet changed before anything was done: confirm again".to_owned());
            self.overlays.push(Overlay::Confirm(Box::new(confirm)));
        }
    }
}

/// Returns whether a verb is about instances, by the grammar.
fn wants_instances(verb: &str) -> bool {
    verbs()
        .iter()
        .any(|it| it.name == verb && it.usage.contains("INSTANCE"))
}
