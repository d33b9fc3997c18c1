//! From a `Call` to the verb that carries it out. Every call is named: a new one
//! that the world does not know does not compile.

use super::{history::Doom, refresh::RefreshSpec, refusal::Verdict, world::World};
use crate::fleet::Call;

impl World {
    /// Carries a call out; `why` is what a termination counts as, ours or another's.
    pub(super) fn carry_out(&mut self, call: &Call, why: Doom) -> Verdict {
        match call {
            Call::SetDesiredCapacity { pool, desired } => self.set_desired(pool, *desired),
            Call::UpdateBounds { pool, min, max } => self.update_bounds(pool, *min, *max),
            Call::SetInstanceProtection {
                pool,
                instances,
                protected,
            } => self.set_protection(pool, instances, *protected),
            Call::SuspendProcesses { pool, processes } => self.suspend(pool, processes),
            Call::ResumeProcesses { pool, processes } => self.resume(pool, processes),
            Call::EnterStandby {
                pool,
                instances,
                decrement,
            } => self.enter_standby(pool, instances, *decrement),
            Call::ExitStandby { pool, instances } => self.exit_standby(pool, instances),
            Call::EnableMetrics { pool } => self.enable_metrics(pool),
            Call::TagPool {
                pool,
                key,
                value,
                propagate,
            } => self.tag_pool(pool, key, value, *propagate),
            Call::UntagPool { pool, key } => self.untag_pool(pool, key),
            Call::PutHook { pool, hook } => self.put_hook(pool, hook),
            Call::DeleteHook { pool, hook } => self.delete_hook(pool, hook),
            Call::ProtectNewInstances { pool, protected } => self.protect_new(pool, *protected),
            Call::RetainAbandoned { pool, retain } => self.retain_abandoned(pool, *retain),
            Call::StartRefresh { pool, terms } => {
                let spec = RefreshSpec::of(terms)?;
                self.start_refresh(pool, &spec)
            }
            Call::CancelRefresh { pool } => self.cancel_refresh(pool),
            Call::RollbackRefresh { pool } => self.roll_back(pool),
            Call::CreateTemplateVersion {
                pool,
                from,
                image,
                token,
            } => self.create_version(pool, from, image.as_ref(), token),
            Call::CopyConfiguration { pool, from, .. } => self.copy_configuration(pool, from),
            Call::LaunchFrom { pool, source } => self.launch_from(pool, source),
            Call::TagInstances {
                scope,
                instances,
                key,
                value,
            } => self.tag_instances(scope, instances, key, value),
            Call::UntagInstances {
                scope,
                instances,
                key,
            } => self.untag_instances(scope, instances, key),
            Call::TerminateInstance {
                instance,
                decrement,
                ..
            } => self.terminate_in_group(instance, *decrement, why),
            Call::CompleteHook {
                instance,
                hook,
                result,
                ..
            } => self.complete_hook(instance, hook, *result),
            Call::Heartbeat { instance, hook, .. } => self.record_heartbeat(instance, hook),
            Call::Cordon {
                controller,
                executor,
                note,
            } => self.cordon(controller, executor, Some(note.clone())),
            Call::RemoveExecutor {
                controller,
                executor,
            } => self.remove_idle_agent(controller, executor),
            Call::Uncordon {
                controller,
                executor,
            } => self.cordon(controller, executor, None),
        }
    }
}
