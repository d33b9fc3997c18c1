//! The `:` line: a command or an action, with proposals and a history.

use tui_input::Input;

use super::{
    command::{Command, verbs},
    edit,
    propose::{self, Proposal, Vocabulary},
    target::Target,
};

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

impl Prompt {
    pub(super) fn new(
        line: &str,
        cursor: usize,
        target: Target,
        vocabulary: Vocabulary<'_>,
    ) -> Self {
        let mut prompt = Self {
            input: Input::new(line.to_owned()).with_cursor(cursor),
            target,
            proposals: Vec::new(),
            proposal_idx: None,
            error: None,
            history_idx: None,
        };
        prompt.propose(vocabulary);
        prompt
    }

    /// Looks for proposals anew, after the line changed.
    pub(super) fn propose(&mut self, vocabulary: Vocabulary<'_>) {
        self.proposal_idx = None;
        self.error = None;
        let pool = self.target.selection.pool.as_ref();
        let vocabulary = Vocabulary { pool, ..vocabulary };
        self.proposals = propose::proposals(&self.typed(), vocabulary);
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
        let (_, typed) = propose::split(self.input.value());
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
        let (head, _) = propose::split(&typed);
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
