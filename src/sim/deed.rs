//! What somebody else does to the world: another tool, another operator, the host.

use std::time::Duration;

use super::{history::Doom, refresh::RefreshSpec, refusal::Refused, world::World};
use crate::{
    cloud,
    fleet::{Call, ControllerName, Hook, HookResult, ImageId, InstanceId, PoolKey},
};

/// One deed of somebody who is not us. It suffers none of our faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Anything that a call can say.
    Call(Call),
    /// `TerminateInstanceInAutoScalingGroup`.
    TerminateInGroup {
        instance: InstanceId,
        decrement: bool,
    },
    /// `TerminateInstances`, behind the group's back.
    TerminateInEc2 {
        instance: InstanceId,
    },
    CompleteHook {
        instance: InstanceId,
        hook: String,
        result: HookResult,
    },
    Heartbeat {
        instance: InstanceId,
        hook: String,
    },
    Detach {
        pool: PoolKey,
        instances: Vec<InstanceId>,
        decrement: bool,
    },
    Attach {
        pool: PoolKey,
        instances: Vec<InstanceId>,
    },
    /// The machine shuts itself down, as a failing host or a careless script does.
    StopItself {
        instance: InstanceId,
    },
    /// EC2 announces that it will stop the machine, and does.
    Retire {
        instance: InstanceId,
        after: Duration,
    },
    PutHook {
        pool: PoolKey,
        hook: Hook,
    },
    DeleteHook {
        pool: PoolKey,
        hook: String,
    },
    /// By force it takes its members with it, and no hook is asked.
    DeleteGroup {
        pool: PoolKey,
        force: bool,
    },
    /// `StartInstanceRefresh`.
    StartRefresh {
        pool: PoolKey,
        spec: RefreshSpec,
    },
    CancelRefresh {
        pool: PoolKey,
    },
    RollbackRefresh {
        pool: PoolKey,
    },
    /// The controller hands out no jobs, for this reason; or does so again.
    QuietDown {
        controller: ControllerName,
        why: Option<String>,
    },
    SetHealth {
        instance: InstanceId,
        is_healthy: bool,
    },
    /// Another version of the pool's launch template, with this image.
    PublishVersion {
        pool: PoolKey,
        image: ImageId,
    },
    /// `SetDesiredCapacity`, to so many more or fewer than it is then.
    ChangeDesired {
        pool: PoolKey,
        by: i32,
    },
    /// Terminates some member that runs a job, as a careless operator does.
    TerminateSomeBusy {
        pool: PoolKey,
    },
    /// Puts some member into standby.
    StandBySome {
        pool: PoolKey,
    },
    /// Some spot member gets its notice.
    InterruptSome {
        pool: PoolKey,
    },
    /// The next machine of the pool boots and never registers.
    NextNeverRegisters {
        pool: PoolKey,
    },
}

impl World {
    /// Does what somebody else does, and tells how AWS answered them.
    pub fn meddle(&mut self, deed: &Deed) -> Result<(), cloud::Error> {
        self.attempt(deed)
            .map_err(|it| cloud::Error::new(it.kind, format!("{}: {}", it.code, it.message)))
    }

    /// Does a scripted deed; a refusal is somebody else's to mind.
    pub(super) fn perform(&mut self, deed: &Deed) {
        let _ = self.attempt(deed);
    }

    fn attempt(&mut self, deed: &Deed) -> Result<(), Refused> {
        match deed {
            Deed::Call(call) => self.carry_out(call, Doom::TerminatedByOther),
            Deed::TerminateInGroup {
                instance,
                decrement,
            } => self.terminate_in_group(instance, *decrement, Doom::TerminatedByOther),
            Deed::TerminateInEc2 { instance } => {
                self.terminate_in_ec2(instance, Doom::TerminatedByOther)
            }
            Deed::CompleteHook {
                instance,
                hook,
                result,
            } => self.complete_hook(instance, hook, *result),
            Deed::Heartbeat { instance, hook } => self.record_heartbeat(instance, hook),
            Deed::Detach {
                pool,
                instances,
                decrement,
            } => self.detach(pool, instances, *decrement),
            Deed::Attach { pool, instances } => self.attach(pool, instances),
            Deed::StopItself { instance } => self.stop_itself(instance),
            Deed::Retire { instance, after } => self.retire(instance, *after),
            Deed::PutHook { pool, hook } => self.put_hook(pool, hook),
            Deed::DeleteHook { pool, hook } => self.delete_hook(pool, hook),
            Deed::DeleteGroup { pool, force } => self.delete_group(pool, *force),
            Deed::StartRefresh { pool, spec } => self.start_refresh(pool, spec),
            Deed::CancelRefresh { pool } => self.cancel_refresh(pool),
            Deed::RollbackRefresh { pool } => self.roll_back(pool),
            Deed::QuietDown { controller, why } => self.quiet_down(controller, why.clone()),
            Deed::SetHealth {
                instance,
                is_healthy,
            } => self.set_health(instance, *is_healthy),
            Deed::PublishVersion { pool, image } => self.publish_version(pool, image),
            Deed::ChangeDesired { pool, by } => {
                let capacity = self.groups.get(pool).and_then(|it| it.row.capacity);
                let desired = capacity.map_or(0, |it| it.desired.saturating_add_signed(*by));
                self.set_desired(pool, desired)
            }
            Deed::TerminateSomeBusy { pool } => match self.busiest_member(pool) {
                Some(id) => self.terminate_in_group(&id, false, Doom::TerminatedByOther),
                None => Ok(()),
            },
            Deed::StandBySome { pool } => {
                let some = self.some_member(pool, |_| true);
                some.map_or(Ok(()), |it| self.enter_standby(pool, &[it], true))
            }
            Deed::InterruptSome { pool } => {
                if let Some(id) = self.some_member(pool, |it| it.row.is_spot()) {
                    self.interrupt(&id);
                }
                Ok(())
            }
            Deed::NextNeverRegisters { pool } => {
                if let Some(group) = self.groups.get_mut(pool) {
                    group.n_duds += 1;
                }
                Ok(())
            }
        }
    }

    /// Returns the member whose jobs take longest from now.
    fn busiest_member(&self, pool: &PoolKey) -> Option<InstanceId> {
        let counted = self.members(pool).filter(|it| it.is_counted());
        let ends = counted.filter_map(|it| {
            let ends = self.jobs_on(it.id()).iter().map(|it| it.ends_at).max()?;
            Some((ends, it.id().clone()))
        });
        ends.max().map(|it| it.1)
    }

    fn some_member(
        &mut self,
        pool: &PoolKey,
        wanted: impl Fn(&super::Machine) -> bool,
    ) -> Option<InstanceId> {
        let in_service = crate::fleet::Lifecycle::InService;
        let ids = self.member_ids(pool, |it| it.is_in(&in_service) && wanted(it));
        let member_idx = self.dice.weather.usize(..ids.len().max(1));
        ids.into_iter().nth(member_idx)
    }
}
