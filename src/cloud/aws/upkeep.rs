//! Writes about what a group does by itself: its hooks, its protection, what it keeps.

use aws_sdk_autoscaling::types::{InstanceLifecyclePolicy, RetentionAction, RetentionTriggers};

use super::{
    apply::{invalid, receipt},
    open::Writers,
};
use crate::{
    cloud::Error,
    fleet::{Call, Hook, HookTransition, PoolKey, Receipt},
};

pub(super) async fn put_hook(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    hook: &Hook,
) -> Result<Receipt, Error> {
    let seconds = i32::try_from(hook.heartbeat_timeout.as_secs())
        .map_err(|_| invalid(call, "its heartbeat timeout is too long"))?;
    let transition = match hook.transition {
        HookTransition::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
        HookTransition::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
    };
    // What is left out stays as it is: who is told, and with which role.
    let request = writers.scaling.put_lifecycle_hook();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.lifecycle_hook_name(&hook.name);
    let request = request.lifecycle_transition(transition);
    let request = request.heartbeat_timeout(seconds);
    let request = request.default_result(hook.default_result.as_str());
    receipt(call, request.send().await)
}

pub(super) async fn delete_hook(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    hook: &str,
) -> Result<Receipt, Error> {
    let request = writers.scaling.delete_lifecycle_hook();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    receipt(call, request.lifecycle_hook_name(hook).send().await)
}

pub(super) async fn protect_new(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    protected: bool,
) -> Result<Receipt, Error> {
    let request = writers.scaling.update_auto_scaling_group();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.new_instances_protected_from_scale_in(protected);
    receipt(call, request.send().await)
}

pub(super) async fn retain_abandoned(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    retain: bool,
) -> Result<Receipt, Error> {
    let action = if retain {
        RetentionAction::Retain
    } else {
        RetentionAction::Terminate
    };
    let triggers = RetentionTriggers::builder().terminate_hook_abandon(action);
    let policy = InstanceLifecyclePolicy::builder().retention_triggers(triggers.build());
    let request = writers.scaling.update_auto_scaling_group();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.instance_lifecycle_policy(policy.build());
    receipt(call, request.send().await)
}
