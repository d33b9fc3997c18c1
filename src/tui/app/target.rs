//! What an action is about: frozen when its key was pressed.

use super::{
    list::{List, RowId},
    rows::Noun,
    screen::{Screen, View},
};
use crate::{
    action::Selection,
    fleet::{ControllerName, Fleet},
};

/// A selection, and what the operator should know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub selection: Selection,
    /// Marks on rows that the filter hides; they are not in the selection.
    pub n_marked_hidden: usize,
    /// Selected agents whose machine is not known; they are not in the selection.
    pub n_without_instance: usize,
}

impl Target {
    /// Returns what is selected on a screen: the marked rows that are shown, or the row under the cursor.
    pub fn of(screen: &Screen, fleet: &Fleet) -> Self {
        let mut target = Self::default();
        match &screen.view {
            View::Pool(key)
            | View::Graph(key)
            | View::CostGraph(Some(key))
            | View::Utilisation(key)
            | View::Boots(key) => target.selection.pool = Some(key.clone()),
            View::Instance(id) => {
                target.selection.instances = vec![id.clone()];
                target.take_common_pool(fleet);
                return target;
            }
            View::Executor(controller, id) => {
                target.take_agents(&[(controller, id)], fleet);
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
            Some(RowId::Pool(key) | RowId::Finding(_, Some(key), _)) => {
                self.selection.pool = Some(key.clone());
            }
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
            Some(RowId::Stray(_, _, Some(id))) if fleet.instances.contains_key(id) => {
                self.selection.instances = vec![id.clone()];
                self.take_common_pool(fleet);
            }
            Some(RowId::Queue(controller, label)) => {
                let serves =
                    |it: &crate::fleet::CiLink| it.controller == *controller && it.label == *label;
                let mut pools = fleet.pools.values();
                let found = pools.find(|it| it.ci.as_ref().is_some_and(serves));
                self.selection.pool = found.map(|it| it.key());
            }
            Some(
                RowId::Instance(_)
                | RowId::Executor(..)
                | RowId::Stray(..)
                | RowId::Finding(_, None, _)
                | RowId::Operation(_)
                | RowId::Message(_)
                | RowId::Source(_),
            )
            | None => {}
        }
        match list.noun {
            Noun::Instances => self.take_instances(list, fleet),
            Noun::Executors => {
                self.n_marked_hidden = list.n_marked_hidden();
                let mut agents = Vec::new();
                for row in selected(list) {
                    if let RowId::Executor(controller, id) = row {
                        agents.push((controller, id.as_str()));
                    }
                }
                self.take_agents(&agents, fleet);
            }
            _ => {}
        }
    }

    /// Takes the machines of agents, each once.
    fn take_agents(&mut self, agents: &[(&ControllerName, &str)], fleet: &Fleet) {
        for (controller, id) in agents {
            let agent = fleet.executor(controller, id);
            match agent.and_then(|it| it.instance.as_ref()) {
                Some(it) if self.selection.instances.contains(it) => {}
                Some(it) => self.selection.instances.push(it.clone()),
                None => self.n_without_instance += 1,
            }
        }
        self.take_common_pool(fleet);
    }

    fn take_instances(&mut self, list: &List, fleet: &Fleet) {
        self.n_marked_hidden = list.n_marked_hidden();
        let ids = |it: &RowId| match it {
            RowId::Instance(id) => Some(id.clone()),
            _ => None,
        };
        self.selection.instances = selected(list).into_iter().filter_map(ids).collect();
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

    /// Says what was selected and is no target.
    pub fn left_out(&self) -> Option<String> {
        let parts = [
            (
                self.n_marked_hidden,
                "marked instances are hidden by the filter and not included",
            ),
            (
                self.n_without_instance,
                "agents have no known instance and are not included",
            ),
        ];
        let said = parts.iter().filter(|it| it.0 != 0);
        let said: Vec<String> = said.map(|(n, what)| format!("{n} {what}")).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// Says what is selected, in a few words.
    pub fn words(&self) -> String {
        let hidden = match self.n_marked_hidden {
            0 => String::new(),
            n => format!(" ({n} marked hidden, not included)"),
        };
        let unknown = match self.n_without_instance {
            0 => String::new(),
            n => format!(" ({n} without a known instance, not included)"),
        };
        let what = match (&self.selection.instances[..], &self.selection.pool) {
            ([], None) => "nothing selected".to_owned(),
            ([], Some(pool)) => pool.to_string(),
            ([id], _) => id.to_string(),
            (ids, _) => format!("{} instances", ids.len()),
        };
        what + &hidden + &unknown
    }
}

/// With marks the row under the cursor is no target, even when all marks are hidden.
fn selected(list: &List) -> Vec<&RowId> {
    if list.n_marked() == 0 {
        list.cursor().into_iter().collect()
    } else {
        list.shown_marks().collect()
    }
}
