//! What an action is about: frozen when its key was pressed.

use super::{
    list::{List, RowId},
    rows::Noun,
    screen::{Screen, View},
};
use crate::{action::Selection, fleet::Fleet};

/// A selection, and what the operator should know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub selection: Selection,
    /// Marks on rows that the filter hides; they are not in the selection.
    pub n_marked_hidden: usize,
}

impl Target {
    /// Returns what is selected on a screen: the marked rows that are shown, or the row under the cursor.
    pub fn of(screen: &Screen, fleet: &Fleet) -> Self {
        let mut target = Self::default();
        match &screen.view {
            View::Pool(key) => target.selection.pool = Some(key.clone()),
            View::Instance(id) => {
                target.selection.instances = vec![id.clone()];
                target.take_common_pool(fleet);
                return target;
            }
            _ => {}
        }
        if let Some(list) = screen.list() {
            target.take(list, fleet);
        }
        target
    }

    fn take(&mut self, list: &List, fleet: &Fleet) {
        match list.cursor() {
            Some(RowId::Pool(key)) => self.selection.pool = Some(key.clone()),
            Some(RowId::Waiting(pool, instance, _)) => {
                self.selection.pool = Some(pool.clone());
                self.selection.instances.extend(instance.clone());
            }
            Some(RowId::Activity(id)) => {
                let activity = fleet.activities.iter().find(|it| it.id == *id);
                if let Some(activity) = activity {
                    self.selection.pool = Some(activity.pool.clone());
                    self.selection.instances.extend(activity.instance.clone());
                }
            }
            Some(RowId::Instance(_) | RowId::Message(_) | RowId::Source(_)) | None => {}
        }
        if list.noun != Noun::Instances {
            return;
        }
        self.n_marked_hidden = list.n_marked_hidden();
        let ids = |it: &RowId| match it {
            RowId::Instance(id) => Some(id.clone()),
            _ => None,
        };
        // With marks the row under the cursor is no target, even when all marks are hidden.
        self.selection.instances = if list.n_marked() == 0 {
            list.cursor().and_then(ids).into_iter().collect()
        } else {
            list.shown_marks().filter_map(ids).collect()
        };
        if self.selection.pool.is_none() {
            self.take_common_pool(fleet);
        }
    }

    /// An action on a pool is about one pool: none, when the instances are of several.
    fn take_common_pool(&mut self, fleet: &Fleet) {
        let instances = self.selection.instances.iter();
        let mut pools = instances.map(|it| fleet.instances.get(it).and_then(|it| it.pool.as_ref()));
        let first = pools.next().flatten();
        self.selection.pool = first
            .filter(|it| pools.all(|other| other == Some(it)))
            .cloned();
    }

    /// Says what is selected, in a few words.
    pub fn words(&self) -> String {
        let hidden = match self.n_marked_hidden {
            0 => String::new(),
            n => format!(" ({n} marked hidden, not included)"),
        };
        let what = match (&self.selection.instances[..], &self.selection.pool) {
            ([], None) => "nothing selected".to_owned(),
            ([], Some(pool)) => pool.to_string(),
            ([id], _) => id.to_string(),
            (ids, _) => format!("{} instances", ids.len()),
        };
        what + &hidden
    }
}
