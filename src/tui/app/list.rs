//! A list on the screen: which rows, in which order, under which cursor, with which marks.
//!
//! The cursor and the marks are ids. A reading can take the row under the cursor
//! away; it can never put another one there.

use std::collections::BTreeSet;

use super::{
    findings::Findings,
    rows::{self, Noun},
};
use crate::fleet::{
    ControllerName, Filter, FilterError, FindingKind, InstanceId, Observation, PoolKey, SourceId,
    StrayKind,
};
use crate::operation::OperationId;

/// What a row is, by identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowId {
    Pool(PoolKey),
    Instance(InstanceId),
    /// An agent, by its controller and its id there.
    Executor(ControllerName, String),
    /// What waits for one label of one controller.
    Queue(ControllerName, String),
    Stray(StrayKind, String, Option<InstanceId>),
    /// What is wrong with a pool; one pool may have it several times.
    Finding(FindingKind, Option<PoolKey>, usize),
    Operation(OperationId),
    Activity(String),
    Waiting(PoolKey, Option<InstanceId>, usize),
    Message(u64),
    Source(SourceId),
}

/// The order of a list, by a field of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub field: &'static str,
    pub is_descending: bool,
}

#[derive(Clone, Debug, Default)]
pub struct List {
    pub noun: Noun,
    /// Only the rows of this pool.
    pub within: Option<PoolKey>,
    pub filter: Filter,
    pub sort: Option<Sort>,
    /// The rows that are shown, in their order.
    rows: Vec<RowId>,
    /// How many there would be without a filter.
    n_all: usize,
    cursor: Option<RowId>,
    /// Where the cursor is, or was when its row went away.
    cursor_idx: usize,
    /// The first row on the screen.
    offset: usize,
    marks: BTreeSet<RowId>,
    last_marked: Option<RowId>,
    /// Whether the operator has moved in it.
    is_touched: bool,
    /// Whether every source has been in it once.
    is_complete: bool,
}

impl List {
    pub fn new(noun: Noun, within: Option<PoolKey>) -> Self {
        Self {
            noun,
            within,
            ..Self::default()
        }
    }

    pub fn rows(&self) -> &[RowId] {
        &self.rows
    }

    pub fn n_all(&self) -> usize {
        self.n_all
    }

    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the row under the cursor; none when it went away, until the cursor is moved.
    pub fn cursor(&self) -> Option<&RowId> {
        self.cursor.as_ref()
    }

    pub fn cursor_idx(&self) -> Option<usize> {
        self.cursor.is_some().then_some(self.cursor_idx)
    }

    pub fn is_marked(&self, row: &RowId) -> bool {
        self.marks.contains(row)
    }

    pub fn n_marked(&self) -> usize {
        self.marks.len()
    }

    /// Counts the marks on rows that the filter hides: they are no targets.
    pub fn n_marked_hidden(&self) -> usize {
        if self.marks.is_empty() {
            return 0;
        }
        self.marks.len() - self.shown_marks().count()
    }

    /// Returns the marked rows that are shown, in the order of the list.
    pub fn shown_marks(&self) -> impl Iterator<Item = &RowId> {
        let rows = if self.marks.is_empty() {
            &[]
        } else {
            &self.rows[..]
        };
        rows.iter().filter(|it| self.marks.contains(*it))
    }

    /// Takes the rows of an observation, and keeps the cursor on its own row.
    pub fn observe(&mut self, observation: &Observation, findings: &Findings) {
        // Nearly always a reading has the same rows; some have none of it.
        if self.noun.is_observed() && !rows::is_same(self, &observation.fleet, observation.at) {
            let found = rows::rows(self, observation, findings);
            self.replace(found.rows, found.n_all);
        }
        // While the sources come in one by one, a cursor that nobody has moved stays on top.
        let is_complete = observation.sources.iter().all(|it| it.read_at.is_some());
        if !self.is_touched && !self.is_complete {
            self.cursor = self.rows.first().cloned();
            self.cursor_idx = 0;
        }
        self.is_complete = self.is_complete || is_complete;
        // What is gone for good cannot be a target any more.
        let fleet = &observation.fleet;
        self.marks.retain(|it| match it {
            RowId::Instance(id) => fleet.instances.contains_key(id),
            RowId::Executor(controller, id) => fleet
                .executors
                .iter()
                .any(|it| it.controller == *controller && it.id == *id),
            _ => true,
        });
    }

    /// Takes rows that come from elsewhere than an observation.
    pub fn replace(&mut self, rows: Vec<RowId>, n_all: usize) {
        let is_first = self.rows.is_empty() && self.cursor.is_none();
        self.rows = rows;
        self.n_all = n_all;
        if is_first {
            self.cursor = self.rows.first().cloned();
            self.cursor_idx = 0;
        } else if let Some(row) = &self.cursor {
            match self.find(row) {
                Some(row_idx) => self.cursor_idx = row_idx,
                None => self.cursor = None,
            }
        }
        self.cursor_idx = self.cursor_idx.min(self.rows.len().saturating_sub(1));
    }

    fn find(&self, row: &RowId) -> Option<usize> {
        // Nearly always it is where it was.
        if self.rows.get(self.cursor_idx) == Some(row) {
            return Some(self.cursor_idx);
        }
        self.rows.iter().position(|it| it == row)
    }

    /// Puts the cursor on a row, if it is shown.
    pub fn go_to(&mut self, row: &RowId) -> bool {
        let found = self.find(row);
        if let Some(row_idx) = found {
            self.go_to_idx(row_idx);
        }
        found.is_some()
    }

    /// Moves the cursor; from a row that went away, to the one that took its place.
    pub fn step(&mut self, by: isize) {
        let from = self.cursor_idx;
        let is_lost = self.cursor.is_none();
        let to = match (is_lost, by) {
            (true, 1..) => from,
            _ => from.saturating_add_signed(by),
        };
        self.go_to_idx(to);
    }

    /// Puts the cursor on the first row, as if nobody had moved in it.
    pub(super) fn follow_top(&mut self) {
        self.cursor_idx = 0;
        self.cursor = self.rows.first().cloned();
    }

    pub fn go_to_idx(&mut self, row_idx: usize) {
        self.is_touched = true;
        self.cursor_idx = row_idx.min(self.rows.len().saturating_sub(1));
        self.cursor = self.rows.get(self.cursor_idx).cloned();
    }

    /// Scrolls as little as it takes to have the cursor among `height` rows.
    pub fn scroll_into(&mut self, height: usize) {
        let height = height.max(1);
        let last_offset = self.rows.len().saturating_sub(height);
        let lowest = (self.cursor_idx + 1).saturating_sub(height);
        self.offset = self
            .offset
            .clamp(lowest, self.cursor_idx)
            .min(last_offset.max(lowest));
    }

    /// The operator changed the filter: the cursor may go to another row now.
    pub fn set_filter(&mut self, text: &str) -> Result<(), FilterError> {
        self.filter = rows::parse_filter(self.noun, text)?;
        Ok(())
    }

    /// Puts a cursor whose row the operator's own change hid on the first row.
    pub fn recover_cursor(&mut self) {
        if self.cursor.is_none() {
            self.go_to_idx(0);
        }
    }

    pub fn toggle_mark(&mut self) {
        self.is_touched = true;
        if let Some(row) = self.cursor.clone() {
            if !self.marks.remove(&row) {
                self.marks.insert(row.clone());
            }
            self.last_marked = Some(row);
        }
    }

    /// Marks every row between the last one that was marked and the cursor.
    pub fn mark_range(&mut self) {
        let anchor = self.last_marked.as_ref().and_then(|it| self.find(it));
        let anchor_idx = anchor.unwrap_or(self.cursor_idx);
        let range = anchor_idx.min(self.cursor_idx)..=anchor_idx.max(self.cursor_idx);
        if self.cursor.is_some() {
            self.marks.extend(self.rows[range].iter().cloned());
            self.last_marked.clone_from(&self.cursor);
        }
    }

    pub fn mark_all(&mut self) {
        self.marks.extend(self.rows.iter().cloned());
    }

    pub fn invert_marks(&mut self) {
        for row in &self.rows {
            if !self.marks.remove(row) {
                self.marks.insert(row.clone());
            }
        }
    }

    pub fn unmark_all(&mut self) {
        self.marks.clear();
        self.last_marked = None;
    }
}
