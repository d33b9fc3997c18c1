//! The events that a world's queue holds, and who sees to each.

use super::{deed::Deed, world::World};
use crate::fleet::{ControllerName, InstanceId, PoolKey};

/// Something that will happen. Those about a machine's lifecycle carry its
/// epoch, so that a machine that went another way meanwhile ignores them.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    Reconcile(PoolKey),
    /// A machine takes the next step that it takes by itself.
    Step {
        instance: InstanceId,
        epoch: u32,
    },
    HookDeadline {
        instance: InstanceId,
        epoch: u32,
    },
    /// Software on the host looks after the hook that holds it.
    HostBeat {
        instance: InstanceId,
        epoch: u32,
    },
    ChecksPass(InstanceId),
    Terminated(InstanceId),
    Stopped(InstanceId),
    /// AWS stops to list a machine that is gone.
    Forget(InstanceId),
    /// The group notices that a machine is not what it should be.
    HealthCheck(InstanceId),
    /// A member is older than its group allows.
    Outlived(InstanceId),
    /// The two minutes of a spot notice are over.
    Reclaim(InstanceId),
    Register(InstanceId),
    JobsArrive(ControllerName, usize),
    JobEnds {
        controller: ControllerName,
        agent: String,
        run: u64,
    },
    /// The controller notices that an agent's machine does not answer.
    AgentLost {
        controller: ControllerName,
        agent: String,
    },
    AgentReturns {
        controller: ControllerName,
        agent: String,
    },
    AgentRemoved {
        controller: ControllerName,
        agent: String,
    },
    CordonLands {
        controller: ControllerName,
        agent: String,
        note: Option<String>,
    },
    /// A timed cordon is over, unless it was renewed.
    CordonEnds {
        controller: ControllerName,
        agent: String,
        n_cordons: u32,
    },
    Policy(PoolKey),
    /// An instance refresh looks at its group.
    Refresh(PoolKey),
    Weather,
    Deed(Deed),
}

impl World {
    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Reconcile(key) => self.reconcile_if_due(&key),
            Happening::Step { instance, epoch } => {
                if self.is_current(&instance, epoch) {
                    self.step(&instance);
                }
            }
            Happening::HookDeadline { instance, epoch } => {
                if self.is_current(&instance, epoch) {
                    self.check_deadlines(&instance);
                }
            }
            Happening::HostBeat { instance, epoch } => {
                if self.is_current(&instance, epoch) {
                    self.host_beat(&instance);
                }
            }
            Happening::ChecksPass(id) => self.pass_checks(&id),
            Happening::Terminated(id) => self.terminated(&id),
            Happening::Stopped(id) => self.stopped(&id),
            Happening::Forget(id) => {
                self.machines.remove(&id);
            }
            Happening::HealthCheck(id) => self.check_health(&id),
            Happening::Outlived(id) => self.outlived(&id),
            Happening::Reclaim(id) => self.reclaim(&id),
            Happening::Register(id) => self.register(&id),
            Happening::JobsArrive(controller, load_idx) => self.jobs_arrive(&controller, load_idx),
            Happening::JobEnds {
                controller,
                agent,
                run,
            } => self.job_ends(&controller, &agent, run),
            Happening::AgentLost { controller, agent } => self.agent_lost(&controller, &agent),
            Happening::AgentReturns { controller, agent } => {
                self.agent_returns(&controller, &agent);
            }
            Happening::AgentRemoved { controller, agent } => self.remove_agent(&controller, &agent),
            Happening::CordonLands {
                controller,
                agent,
                note,
            } => {
                self.set_cordon(&controller, &agent, note);
            }
            Happening::CordonEnds {
                controller,
                agent,
                n_cordons,
            } => {
                self.cordon_ends(&controller, &agent, n_cordons);
            }
            Happening::Policy(key) => self.follow_policy(&key),
            Happening::Refresh(key) => self.tick_refresh(&key),
            Happening::Weather => self.weather(),
            Happening::Deed(deed) => self.perform(&deed),
        }
    }

    fn is_current(&self, id: &InstanceId, epoch: u32) -> bool {
        self.machines.get(id).is_some_and(|it| it.epoch == epoch)
    }
}
