//! A machine as it truly is, and what its hooks wait for.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{group::remember, history::Doom};
use crate::fleet::{
    ControllerName, Hook, Instance, InstanceId, Lifecycle, MachineState, PoolKey, Timestamp,
};

#[derive(Clone, Debug)]
pub struct Machine {
    /// What AWS would say now, if it said the truth.
    pub row: Arc<Instance>,
    /// The lifecycle actions that hold it, all of one transition.
    pub waits: Vec<HookWait>,
    /// Why it goes, from the moment that this was decided.
    pub doom: Option<Doom>,
    /// The agents that run on it, once they registered.
    pub agents: Vec<(ControllerName, String)>,
    /// Set once it executes nothing any more.
    pub died_at: Option<Timestamp>,
    /// Set while a spot interruption notice runs.
    pub reclaimed_at: Option<Timestamp>,
    /// Counts lifecycle changes; an event of an older count is void.
    pub(super) epoch: u32,
    /// Its agent never registers.
    pub(super) is_dud: bool,
    /// The id of the activity that is under way.
    pub(super) activity: Option<String>,
    /// EC2 does not show it before.
    pub(super) hidden_until: Timestamp,
    /// Its group does not list it before.
    pub(super) unlisted_until: Timestamp,
    /// When AWS stops to list it, once it is gone.
    pub(super) listed_until: Option<Timestamp>,
    /// The lifecycle state that a reader saw last, and when it saw it first.
    pub(super) seen: Option<(Lifecycle, Timestamp)>,
    pub(super) past: VecDeque<(Timestamp, Arc<Instance>)>,
}

/// One lifecycle action under way.
#[derive(Clone, Debug, PartialEq)]
pub struct HookWait {
    pub hook: Hook,
    pub token: String,
    pub deadline: Timestamp,
    /// No heartbeat reaches beyond.
    pub global_deadline: Timestamp,
}

impl Machine {
    pub(super) fn new(row: Instance, now: Timestamp) -> Self {
        Self {
            row: Arc::new(row),
            waits: Vec::new(),
            doom: None,
            agents: Vec::new(),
            died_at: None,
            reclaimed_at: None,
            epoch: 0,
            is_dud: false,
            activity: None,
            hidden_until: now,
            unlisted_until: now,
            listed_until: None,
            seen: None,
            past: VecDeque::new(),
        }
    }

    pub fn id(&self) -> &InstanceId {
        &self.row.id
    }

    pub fn pool(&self) -> Option<&PoolKey> {
        self.row.pool.as_ref()
    }

    pub fn lifecycle(&self) -> Option<&Lifecycle> {
        self.row.lifecycle.as_ref()
    }

    pub fn is_alive(&self) -> bool {
        self.died_at.is_none()
    }

    pub(super) fn is_in(&self, lifecycle: &Lifecycle) -> bool {
        self.row.lifecycle.as_ref() == Some(lifecycle)
    }

    /// Returns whether its group counts it against desired.
    pub fn is_counted(&self) -> bool {
        matches!(
            self.row.lifecycle,
            Some(
                Lifecycle::Pending
                    | Lifecycle::PendingWait
                    | Lifecycle::PendingProceed
                    | Lifecycle::InService
            )
        )
    }

    /// Returns whether it is on its way out of its group, or was kept on that way.
    pub fn is_leaving(&self) -> bool {
        matches!(
            self.row.lifecycle,
            Some(
                Lifecycle::Terminating
                    | Lifecycle::TerminatingWait
                    | Lifecycle::TerminatingProceed
                    | Lifecycle::TerminatingRetained
                    | Lifecycle::Terminated
                    | Lifecycle::Detaching
                    | Lifecycle::WarmedTerminating
                    | Lifecycle::WarmedTerminatingWait
                    | Lifecycle::WarmedTerminatingProceed
                    | Lifecycle::WarmedTerminated
            )
        )
    }

    /// Returns whether neither a group nor EC2 has it any more; its row is what they said last.
    pub fn is_gone(&self) -> bool {
        self.listed_until.is_some()
    }

    pub fn is_terminated(&self) -> bool {
        self.row.state == Some(MachineState::Terminated)
    }

    /// Changes what AWS says of the machine, and keeps what it said before for a stale reader.
    pub(super) fn edit(
        &mut self,
        now: Timestamp,
        stale_for: Duration,
        edit: impl FnOnce(&mut Instance),
    ) {
        remember(&mut self.past, now, stale_for, &self.row);
        edit(Arc::make_mut(&mut self.row));
    }
}
