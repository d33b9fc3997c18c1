//! The question before anything is done: what, where, to which, at what risk.
//!
//! Keys that were pressed before the operator could see it answer nothing.

use std::time::Duration;

use tui_input::Input;

use crate::{
    action::{Action, Confirmation, Plan, Refusal},
    fleet::Fleet,
};

/// Whether the question may be answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not on the screen yet.
    New,
    /// On the screen, for less than a moment.
    Painted,
    /// On the screen long enough to have been seen.
    Armed,
}

#[derive(Clone, Debug)]
pub struct Confirm {
    pub action: Action,
    pub reason: Option<String>,
    /// What will be done, or why it may not be any more.
    pub plan: Result<Plan, Refusal>,
    /// The word to type, where one is wanted.
    pub wanted: Option<String>,
    pub input: Input,
    pub stage: Stage,
    pub scroll: usize,
    /// What the operator has to know besides: hidden marks, a plan that changed.
    pub note: Option<String>,
    /// Why the last key did not answer.
    pub hint: Option<&'static str>,
    /// Whether it came by itself, into the middle of something else.
    pub is_uncalled: bool,
}

/// Longer than a key that was already on its way.
pub(super) const SEEN_AFTER: Duration = Duration::from_millis(250);
/// A question that nobody waited for wants to be read first.
const SEEN_AFTER_UNCALLED: Duration = Duration::from_millis(1500);

const TOO_EARLY: &str = "that key came before the question; press it again";

/// What the operator answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// Nothing that counts.
    NotYet(&'static str),
}

impl Confirm {
    pub fn new(action: Action, reason: Option<String>, plan: Plan, fleet: &Fleet) -> Self {
        Self {
            wanted: wanted_word(&plan, fleet),
            action,
            reason,
            plan: Ok(plan),
            input: Input::default(),
            stage: Stage::New,
            scroll: 0,
            note: None,
            hint: None,
            is_uncalled: false,
        }
    }

    /// Returns how long it has to be on the screen before a key answers it.
    pub fn seen_after(&self) -> Duration {
        if self.is_uncalled {
            SEEN_AFTER_UNCALLED
        } else {
            SEEN_AFTER
        }
    }

    pub fn wants_typing(&self) -> bool {
        self.wanted.is_some() && self.plan.is_ok()
    }

    /// Returns whether the wanted word was typed.
    pub fn is_typed(&self) -> bool {
        self.wanted
            .as_ref()
            .is_none_or(|it| it == self.input.value())
    }

    /// Changes the name that is typed; not before the operator could see what it is typed for.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut Input)) {
        if self.stage == Stage::Armed {
            self.hint = None;
            change(&mut self.input);
        } else {
            self.hint = Some(TOO_EARLY);
        }
    }

    /// Decides what `y` means now.
    pub fn answer_yes(&self) -> Answer {
        let Ok(plan) = &self.plan else {
            return Answer::NotYet("this cannot be done any more");
        };
        match (self.stage, plan.confirmation) {
            (_, Confirmation::Deny) => Answer::NotYet("a guardrail forbids it"),
            (Stage::New | Stage::Painted, _) => Answer::NotYet(TOO_EARLY),
            (Stage::Armed, Confirmation::YesNo) => Answer::Yes,
            (Stage::Armed, Confirmation::TypePoolName | Confirmation::TypeAccountAlias) => {
                if self.is_typed() {
                    Answer::Yes
                } else {
                    Answer::NotYet("type the name exactly as it is written")
                }
            }
        }
    }

    /// Decides what `enter` means now: never yes to what can end work, unless a name was typed.
    pub fn answer_enter(&self) -> Answer {
        match &self.plan {
            Ok(plan) if plan.is_destructive && self.wanted.is_none() => {
                Answer::NotYet("enter does not confirm this; press y")
            }
            _ => self.answer_yes(),
        }
    }

    /// Takes a fresh plan of the same action; one that does something else is asked anew.
    pub fn plan_again(&mut self, fresh: Result<Plan, Refusal>, fleet: &Fleet) {
        let is_same = match (&self.plan, &fresh) {
            (Ok(old), Ok(new)) => new.does_the_same_as(old) && old.does_the_same_as(new),
            (Err(old), Err(new)) => old == new,
            _ => false,
        };
        if !is_same {
            self.stage = Stage::New;
            // Whoever has read down to the calls has to see that they are others now.
            self.scroll = 0;
            self.hint = None;
            let is_begun = !self.input.value().is_empty();
            self.input = Input::default();
            let again = if is_begun { "; type it again" } else { "" };
            self.note = Some(format!(
                "the fleet changed: this is what would be done now{again}"
            ));
        }
        if let Ok(plan) = &fresh {
            self.wanted = wanted_word(plan, fleet);
        }
        self.plan = fresh;
    }
}

/// Returns what the operator has to type, by the strength of the confirmation: every name that the
/// plan is about, in its order.
fn wanted_word(plan: &Plan, fleet: &Fleet) -> Option<String> {
    let names: Vec<String> = match plan.confirmation {
        Confirmation::YesNo | Confirmation::Deny => return None,
        Confirmation::TypePoolName => {
            let pools = plan.targets.iter().map(|it| it.pool.name.to_string());
            pools.filter(|it| !it.is_empty()).collect()
        }
        Confirmation::TypeAccountAlias => {
            let alias = |scope| fleet.scope(scope).map(|it| it.alias.clone());
            let scopes = plan.targets.iter().map(|it| &it.pool.scope);
            scopes
                .map(|it| alias(it).unwrap_or_else(|| it.to_string()))
                .collect()
        }
    };
    let mut wanted: Vec<String> = Vec::new();
    for name in names {
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    // An instance outside every pool has no name to type.
    if wanted.is_empty() {
        return plan.targets.first().map(|_| plan.verb.clone());
    }
    Some(wanted.join(" "))
}
