//! Questions about long operations: what one is told, and what becomes of them when the console ends.

use super::{App, Command, Effect, Overlay, Severity, Stage, keys::scrolled};
use crate::{
    engine::Verdict,
    operation::{OnQuit, OperationId},
};

/// A question on the screen; keys from before it was seen answer nothing.
#[derive(Clone, Debug)]
pub struct Question {
    pub about: About,
    pub stage: Stage,
    pub scroll: usize,
    /// Why the last key did not answer.
    pub hint: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Whether an operation is told this.
    Verdict(OperationId, Verdict),
    /// What becomes of the operations that are driven here.
    Leaving,
}

impl Question {
    pub(super) fn new(about: About) -> Self {
        Self {
            about,
            stage: Stage::New,
            scroll: 0,
            hint: None,
        }
    }
}

impl App {
    pub(super) fn ask(&mut self, about: About) {
        self.overlays.push(Overlay::Question(Question::new(about)));
    }

    pub(super) fn run_on_question(&mut self, command: &Command) -> Vec<Effect> {
        let Some(Overlay::Question(question)) = self.overlays.last_mut() else {
            return Vec::new();
        };
        if let Some(scroll) = scrolled(question.scroll, self.size, command) {
            question.scroll = scroll;
            question.hint = None;
            return Vec::new();
        }
        let effect = match (&question.about, command) {
            (_, Command::ConfirmNo) => {
                self.overlays.pop();
                self.say(Severity::Note, "nothing was done");
                return Vec::new();
            }
            (About::Verdict(id, verdict), Command::ConfirmYes) => {
                Effect::Tell(id.clone(), verdict.clone())
            }
            (About::Verdict(..), Command::ConfirmEnter) => {
                question.hint = Some("enter does not confirm this; press y");
                return Vec::new();
            }
            (About::Leaving, Command::LeaveDetach) => Effect::QuitDetached,
            (About::Leaving, Command::LeaveStop) => Effect::Quit,
            (About::Leaving, Command::ConfirmYes | Command::ConfirmEnter) => {
                question.hint = Some("say which of the two it shall be");
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        if question.stage != Stage::Armed {
            question.hint = Some("that key came before the question; press it again");
            return Vec::new();
        }
        self.overlays.pop();
        vec![effect]
    }

    /// Leaving cuts off actions that run, and operations go on or rest: as configured, or as is answered.
    pub(super) fn quit(&mut self) -> Vec<Effect> {
        let n_actions = self.running_actions().count();
        let has_operations = !self.driven_here.is_empty();
        let way = match self.on_quit {
            _ if self.cannot_detach.is_some() => OnQuit::Stop,
            way => way,
        };
        let leave = match way {
            OnQuit::Detach if has_operations => Effect::QuitDetached,
            OnQuit::Detach | OnQuit::Stop | OnQuit::Ask => Effect::Quit,
        };
        let is_asked = has_operations && way == OnQuit::Ask;
        let is_told = 0 < n_actions || (has_operations && way == OnQuit::Stop);
        if is_asked {
            self.ask(About::Leaving);
            return Vec::new();
        }
        if !is_told || self.is_leaving {
            return vec![leave];
        }
        self.is_leaving = true;
        // What has to be typed to go on comes first: a narrow line is cut at its end.
        let resting = self.driven_here.iter().map(|id| match way {
            OnQuit::Detach => format!("operation {id} goes on without the console"),
            OnQuit::Stop | OnQuit::Ask => format!(
                "`pooldeck ops resume {id}` goes on with the operation, which rests in its journal"
            ),
        });
        let parts: Vec<String> = resting.chain(self.cut_off()).collect();
        let text = format!("quit again: {}", parts.join("; "));
        self.say(Severity::Warning, text);
        Vec::new()
    }

    /// Says which actions would be cut off by leaving now.
    pub fn cut_off(&self) -> Option<String> {
        let n_actions = self.running_actions().count();
        let what = if n_actions == 1 {
            "action is"
        } else {
            "actions are"
        };
        (0 < n_actions)
            .then(|| format!("{n_actions} {what} still running and would be left where it is"))
    }
}
