//! One write, sent once: an answer that was lost is the caller's to look into, not ours to repeat.

use aws_sdk_autoscaling::types::Tag as GroupTag;
use aws_sdk_ec2::types::Tag;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::{errors::explain, launch, open::Writers, refresh, upkeep};
use crate::{
    cloud::Error,
    fleet::{Call, FailureKind, HookResult, InstanceId, PoolKey, Process, Receipt},
};

/// Makes the call. Its `Error` says whether it was refused or may have happened.
pub(super) async fn apply(writers: &Writers, call: &Call) -> Result<Receipt, Error> {
    match call {
        Call::SetDesiredCapacity { pool, desired } => {
            set_desired(writers, call, pool, *desired).await
        }
        Call::UpdateBounds { pool, min, max } => {
            update_bounds(writers, call, pool, *min, *max).await
        }
        Call::SuspendProcesses { pool, processes } => suspend(writers, call, pool, processes).await,
        Call::ResumeProcesses { pool, processes } => resume(writers, call, pool, processes).await,
        Call::EnableMetrics { pool } => enable_metrics(writers, call, pool).await,
        Call::TagPool {
            pool,
            key,
            value,
            propagate,
        } => {
            let tag = group_tag(pool, key, value, *propagate);
            let request = writers.scaling.create_or_update_tags().tags(tag);
            receipt(call, request.send().await)
        }
        Call::UntagPool { pool, key } => {
            let tag = GroupTag::builder()
                .resource_id(pool.name.as_str())
                .resource_type("auto-scaling-group")
                .key(key);
            let request = writers.scaling.delete_tags().tags(tag.build());
            receipt(call, request.send().await)
        }
        Call::PutHook { pool, hook } => upkeep::put_hook(writers, call, pool, hook).await,
        Call::DeleteHook { pool, hook } => upkeep::delete_hook(writers, call, pool, hook).await,
        Call::ProtectNewInstances { pool, protected } => {
            upkeep::protect_new(writers, call, pool, *protected).await
        }
        Call::RetainAbandoned { pool, retain } => {
            upkeep::retain_abandoned(writers, call, pool, *retain).await
        }
        Call::StartRefresh { pool, terms } => refresh::start(writers, call, pool, terms).await,
        Call::CancelRefresh { pool } => refresh::cancel(writers, call, pool).await,
        Call::RollbackRefresh { pool } => refresh::roll_back(writers, call, pool).await,
        Call::SetInstanceProtection {
            pool,
            instances,
            protected,
        } => protect(writers, call, pool, instances, *protected).await,
        Call::EnterStandby {
            pool,
            instances,
            decrement,
        } => enter_standby(writers, call, pool, instances, *decrement).await,
        Call::ExitStandby { pool, instances } => exit_standby(writers, call, pool, instances).await,
        Call::TerminateInstance {
            instance,
            decrement,
            ..
        } => terminate(writers, call, instance, *decrement).await,
        Call::CompleteHook {
            pool,
            instance,
            hook,
            result,
        } => complete_hook(writers, call, (pool, hook, instance), *result).await,
        Call::Heartbeat {
            pool,
            instance,
            hook,
        } => heartbeat(writers, call, (pool, hook, instance)).await,
        Call::CreateTemplateVersion {
            from, image, token, ..
        } => launch::create_version(writers, call, from, image.as_ref(), token).await,
        Call::CopyConfiguration {
            from, name, image, ..
        } => launch::copy_configuration(writers, call, from, name, image.as_ref()).await,
        Call::LaunchFrom { pool, source } => launch::launch_from(writers, call, pool, source).await,
        Call::TagInstances {
            instances,
            key,
            value,
            ..
        } => {
            let tag = Tag::builder().key(key).value(value).build();
            let request = writers.ec2.create_tags().tags(tag);
            receipt(
                call,
                request.set_resources(Some(ids(instances))).send().await,
            )
        }
        Call::UntagInstances { instances, key, .. } => {
            // Without a value EC2 deletes the key whatever its value is.
            let tag = Tag::builder().key(key).build();
            let request = writers.ec2.delete_tags().tags(tag);
            receipt(
                call,
                request.set_resources(Some(ids(instances))).send().await,
            )
        }
        Call::Cordon { .. } | Call::Uncordon { .. } | Call::RemoveExecutor { .. } => {
            Err(invalid(call, "it is a controller's, not AWS'"))
        }
    }
}

async fn set_desired(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    desired: u32,
) -> Result<Receipt, Error> {
    let request = writers.scaling.set_desired_capacity();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.desired_capacity(size(call, desired)?);
    receipt(call, request.honor_cooldown(false).send().await)
}

async fn update_bounds(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    min: Option<u32>,
    max: Option<u32>,
) -> Result<Receipt, Error> {
    let sized = |it: Option<u32>| it.map(|it| size(call, it)).transpose();
    let request = writers.scaling.update_auto_scaling_group();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.set_min_size(sized(min)?).set_max_size(sized(max)?);
    receipt(call, request.send().await)
}

async fn suspend(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    processes: &[Process],
) -> Result<Receipt, Error> {
    let request = writers.scaling.suspend_processes();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.set_scaling_processes(some_processes(call, processes)?);
    receipt(call, request.send().await)
}

async fn resume(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    processes: &[Process],
) -> Result<Receipt, Error> {
    let request = writers.scaling.resume_processes();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.set_scaling_processes(some_processes(call, processes)?);
    receipt(call, request.send().await)
}

async fn enable_metrics(writers: &Writers, call: &Call, pool: &PoolKey) -> Result<Receipt, Error> {
    // No names are all metrics; the only granularity is a minute.
    let request = writers.scaling.enable_metrics_collection();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    receipt(call, request.granularity("1Minute").send().await)
}

async fn protect(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    instances: &[InstanceId],
    protected: bool,
) -> Result<Receipt, Error> {
    let request = writers.scaling.set_instance_protection();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.set_instance_ids(Some(ids(instances)));
    receipt(
        call,
        request.protected_from_scale_in(protected).send().await,
    )
}

async fn enter_standby(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    instances: &[InstanceId],
    decrement: bool,
) -> Result<Receipt, Error> {
    let request = writers.scaling.enter_standby();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.set_instance_ids(Some(ids(instances)));
    let request = request.should_decrement_desired_capacity(decrement);
    receipt(call, request.send().await)
}

async fn exit_standby(
    writers: &Writers,
    call: &Call,
    pool: &PoolKey,
    instances: &[InstanceId],
) -> Result<Receipt, Error> {
    let request = writers.scaling.exit_standby();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    receipt(
        call,
        request.set_instance_ids(Some(ids(instances))).send().await,
    )
}

async fn terminate(
    writers: &Writers,
    call: &Call,
    instance: &InstanceId,
    decrement: bool,
) -> Result<Receipt, Error> {
    let request = writers.scaling.terminate_instance_in_auto_scaling_group();
    let request = request.instance_id(instance.as_str());
    let request = request.should_decrement_desired_capacity(decrement);
    receipt(call, request.send().await)
}

/// A hook at work: its group, its name, and the instance that it holds.
///
/// The instance id stands for the token, so nothing has to be remembered.
type Waiting<'a> = (&'a PoolKey, &'a str, &'a InstanceId);

async fn complete_hook(
    writers: &Writers,
    call: &Call,
    (pool, hook, instance): Waiting<'_>,
    result: HookResult,
) -> Result<Receipt, Error> {
    let request = writers.scaling.complete_lifecycle_action();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.lifecycle_hook_name(hook);
    let request = request.instance_id(instance.as_str());
    let request = request.lifecycle_action_result(result.as_str());
    receipt(call, request.send().await)
}

async fn heartbeat(
    writers: &Writers,
    call: &Call,
    (pool, hook, instance): Waiting<'_>,
) -> Result<Receipt, Error> {
    let request = writers.scaling.record_lifecycle_action_heartbeat();
    let request = request.auto_scaling_group_name(pool.name.as_str());
    let request = request.lifecycle_hook_name(hook);
    receipt(call, request.instance_id(instance.as_str()).send().await)
}

pub(super) fn receipt<Output, E>(
    call: &Call,
    answer: Result<Output, SdkError<E, HttpResponse>>,
) -> Result<Receipt, Error>
where
    Output: RequestId,
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(answer) => Ok(Receipt {
            request_id: answer.request_id().map(str::to_owned),
            message: None,
            made: None,
        }),
        Err(error) => Err(explain(
            &format!("make the call {}", call.operation()),
            &error,
        )),
    }
}

fn group_tag(pool: &PoolKey, key: &str, value: &str, propagate: bool) -> GroupTag {
    GroupTag::builder()
        .resource_id(pool.name.as_str())
        .resource_type("auto-scaling-group")
        .key(key)
        .value(value)
        .propagate_at_launch(propagate)
        .build()
}

fn ids(instances: &[InstanceId]) -> Vec<String> {
    instances.iter().map(ToString::to_string).collect()
}

/// Returns the names of the processes. To AWS an empty list means every process; to us nothing.
fn some_processes(call: &Call, processes: &[Process]) -> Result<Option<Vec<String>>, Error> {
    if processes.is_empty() {
        return Err(invalid(call, "it names no process"));
    }
    Ok(Some(processes.iter().map(ToString::to_string).collect()))
}

fn size(call: &Call, n: u32) -> Result<i32, Error> {
    i32::try_from(n).map_err(|_| invalid(call, &format!("{n} is too large a number")))
}

pub(super) fn invalid(call: &Call, why: &str) -> Error {
    let what = format!("cannot make the call {}: {why}", call.operation());
    Error::new(FailureKind::Invalid, what)
}
