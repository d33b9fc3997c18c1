//! The `:` line: a command or an action, with proposals and a history.

use tui_input::Input;

use super::{
    command::{Command, verbs},
    edit,
    target::Target,
};
use crate::fleet::Fleet;

/// How many proposals are worth reading.
const N_PROPOSALS_MAX: usize = 50;

#[derive(Clone, Debug)]
pub struct Prompt {
    pub input: Input,
    /// What was selected when the line was opened; an action on it cannot drift.
    pub target: Target,
    pub proposals: Vec<Proposal>,
    pub proposal_idx: Option<usize>,
    pub error: Option<String>,
    pub history_idx: Option<usize>,
}

/// A word that could be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub word: String,
    pub about: String,
}

impl Prompt {
    pub fn new(line: &str, cursor: usize, target: Target, fleet: &Fleet) -> Self {
        let mut prompt = Self {
            input: Input::new(line.to_owned()).with_cursor(cursor),
            target,
            proposals: Vec::new(),
            proposal_idx: None,
            error: None,
            history_idx: None,
        };
        prompt.propose(fleet);
        prompt
    }

    /// Looks for proposals anew, after the line changed.
    pub fn propose(&mut self, fleet: &Fleet) {
        self.proposal_idx = None;
        self.error = None;
        self.proposals = proposals(&self.typed(), fleet);
    }

    /// Returns the line up to the cursor.
    fn typed(&self) -> String {
        self.input
            .value()
            .chars()
            .take(self.input.cursor())
            .collect()
    }

    /// Returns what would be added to the line by taking the first proposal.
    pub fn ghost(&self) -> Option<&str> {
        if self.input.cursor() < self.input.value().chars().count() {
            return None;
        }
        let proposal = self.proposals.get(self.proposal_idx.unwrap_or(0))?;
        let typed = last_word(self.input.value());
        let rest = proposal.word.strip_prefix(typed)?;
        (!rest.is_empty()).then_some(rest)
    }

    /// Puts the next proposal into the line, or the one before.
    pub fn complete(&mut self, is_backward: bool) {
        let n_proposals = self.proposals.len();
        if n_proposals == 0 {
            return;
        }
        let next = match (self.proposal_idx, is_backward) {
            (None, false) => 0,
            (None, true) => n_proposals - 1,
            (Some(it), false) => (it + 1) % n_proposals,
            (Some(it), true) => (it + n_proposals - 1) % n_proposals,
        };
        self.proposal_idx = Some(next);
        let typed = self.typed();
        let head = &typed[..typed.len() - last_word(&typed).len()];
        let tail: String = self
            .input
            .value()
            .chars()
            .skip(self.input.cursor())
            .collect();
        let line = format!("{head}{}", self.proposals[next].word);
        let cursor = line.chars().count();
        self.input = Input::new(format!("{line}{tail}")).with_cursor(cursor);
        if n_proposals == 1 {
            edit::insert(&mut self.input, ' ');
        }
    }

    /// Returns how the command that is typed is written, once its name is there.
    pub fn usage(&self) -> String {
        let name = self.input.value().split_whitespace().next().unwrap_or("");
        if let Some(verb) = verbs().iter().find(|it| it.name == name) {
            return format!("{}  {}", verb.usage, verb.about);
        }
        let entry = Command::ENTRIES.iter().find(|it| it.name == name);
        entry.map_or_else(String::new, |it| {
            let argument = it.argument.map_or(String::new(), |it| format!(" [{it}]"));
            format!("{}{argument}  {}", it.name, it.about)
        })
    }

    pub fn parse(&self) -> Result<Command, String> {
        self.input.value().parse()
    }
}

fn last_word(line: &str) -> &str {
    line.rsplit(char::is_whitespace).next().unwrap_or("")
}

fn proposals(typed: &str, fleet: &Fleet) -> Vec<Proposal> {
    let word = last_word(typed);
    let head = typed[..typed.len() - word.len()].trim();
    let all: Vec<Proposal> = if head.is_empty() {
        names()
    } else {
        arguments(head.split_whitespace().next().unwrap_or(""), fleet)
    };
    let mut found = edit::best_matches(word, all, |it| &it.word);
    found.truncate(N_PROPOSALS_MAX);
    found
}

/// Actions first: they are what the line is opened for.
fn names() -> Vec<Proposal> {
    let actions = verbs().iter().map(|it| Proposal {
        word: it.name.clone(),
        about: it.about.clone(),
    });
    let is_worth_typing = |name: &str| !name.starts_with("input.") && !name.starts_with("confirm.");
    let commands = Command::ENTRIES
        .iter()
        .filter(|it| is_worth_typing(it.name));
    let commands = commands.map(|it| Proposal {
        word: it.name.to_owned(),
        about: it.about.to_owned(),
    });
    actions.chain(commands).collect()
}

/// What may follow a command's name: pools, for the actions on pools.
fn arguments(name: &str, fleet: &Fleet) -> Vec<Proposal> {
    let wants_pool = name == "pool"
        || verbs()
            .iter()
            .any(|it| it.name == name && it.usage.contains("POOL"));
    if !wants_pool {
        return Vec::new();
    }
    fleet
        .pools
        .keys()
        .map(|it| Proposal {
            word: it.name.to_string(),
            about: it.scope.to_string(),
        })
        .collect()
}
