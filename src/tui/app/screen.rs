//! The screens, and the stack of them: what `enter` opens and `esc` leaves.

use super::{
    findings::Findings,
    list::{List, Sort},
    rows::Noun,
};
use crate::{
    fleet::{ControllerName, InstanceId, Observation, PoolKey},
    operation::OperationId,
    tui::keymap::Context,
};

/// What a screen shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    Fleet,
    Pool(PoolKey),
    Instances,
    Instance(InstanceId),
    Executors,
    /// An agent, by its controller and its id there.
    Executor(ControllerName, String),
    Strays,
    Doctor,
    Operations,
    Operation(OperationId),
    Activities,
    Messages,
    Sources,
    Help,
    /// The past of a pool.
    Graph(PoolKey),
    /// What every pool costs.
    Cost,
    /// What the money of a pool, or of all, went to.
    CostGraph(Option<PoolKey>),
    /// Which hours of the week a pool works in.
    Utilisation(PoolKey),
    /// How long the instances of a pool took to their first job.
    Boots(PoolKey),
}

impl View {
    pub fn context(&self) -> Context {
        match self {
            Self::Fleet => Context::Fleet,
            Self::Pool(_) => Context::Pool,
            Self::Instances => Context::Instances,
            Self::Instance(_) => Context::Instance,
            Self::Executors => Context::Executors,
            Self::Executor(..) => Context::Executor,
            Self::Strays => Context::Strays,
            Self::Doctor => Context::Doctor,
            Self::Operations => Context::Operations,
            Self::Operation(_) => Context::Operation,
            Self::Activities => Context::Activities,
            Self::Messages => Context::Messages,
            Self::Sources => Context::Sources,
            Self::Help => Context::Help,
            Self::Graph(_) | Self::CostGraph(_) => Context::Graph,
            Self::Cost => Context::Cost,
            Self::Utilisation(_) => Context::Utilisation,
            Self::Boots(_) => Context::Boots,
        }
    }
}

/// A screen: what it shows, and where the operator is on it.
#[derive(Clone, Debug)]
pub struct Screen {
    pub view: View,
    /// The lists of the screen; a screen of text has none.
    pub panels: Vec<List>,
    pub focus: usize,
    /// The first line of a screen of text.
    pub scroll: usize,
    /// Which observation its rows are of.
    pub(super) generation: u64,
}

impl Screen {
    pub fn new(view: View) -> Self {
        let list = |noun| List::new(noun, None);
        let panels = match &view {
            View::Fleet => [Noun::Pools, Noun::Waiting, Noun::Activities]
                .map(list)
                .into(),
            View::Pool(key) => [Noun::Instances, Noun::Waiting, Noun::Activities]
                .map(|it| List::new(it, Some(key.clone())))
                .into(),
            View::Instances => vec![list(Noun::Instances)],
            View::Executors => [Noun::Executors, Noun::Queues].map(list).into(),
            View::Strays => vec![list(Noun::Strays)],
            View::Doctor => vec![list(Noun::Findings)],
            View::Cost => {
                // The dearest first: that is what the screen is opened for.
                let mut pools = list(Noun::Pools);
                pools.sort = Some(Sort {
                    field: "usd_per_hour",
                    is_descending: true,
                });
                vec![pools]
            }
            View::Operations => vec![list(Noun::Operations)],
            View::Activities => vec![list(Noun::Activities)],
            View::Messages => vec![list(Noun::Messages)],
            View::Sources => vec![list(Noun::Sources)],
            View::Instance(_)
            | View::Executor(..)
            | View::Operation(_)
            | View::Help
            | View::Graph(_)
            | View::CostGraph(_)
            | View::Utilisation(_)
            | View::Boots(_) => Vec::new(),
        };
        Self {
            view,
            panels,
            focus: 0,
            scroll: 0,
            generation: 0,
        }
    }

    pub fn list(&self) -> Option<&List> {
        self.panels.get(self.focus)
    }

    pub fn list_mut(&mut self) -> Option<&mut List> {
        self.panels.get_mut(self.focus)
    }

    pub(super) fn observe(&mut self, observation: &Observation, findings: &Findings) {
        for (panel_idx, list) in self.panels.iter_mut().enumerate() {
            // What happens comes in at the top: who has not gone down looks at the newest.
            let follows = panel_idx != self.focus
                && list.noun == Noun::Activities
                && list.cursor_idx() == Some(0);
            if list.noun.is_observed() {
                list.observe(observation, findings);
            }
            if follows {
                list.follow_top();
            }
        }
    }

    pub(super) fn turn_focus(&mut self, by: isize) {
        let n_panels = self.panels.len().max(1);
        self.focus = self.focus.checked_add_signed(by).unwrap_or(n_panels - 1) % n_panels;
    }
}
