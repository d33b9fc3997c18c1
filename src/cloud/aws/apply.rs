//! One write, sent once: an answer that was lost is the caller's to look into, not ours to repeat.

use aws_sdk_autoscaling::types::Tag as GroupTag;
use aws_sdk_ec2::types::Tag;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::{errors::explain, open::Writers};
use crate::{
    cloud::Error,
    fleet::{Call, FailureKind, InstanceId, PoolKey, Process, Receipt},
};

/// Makes the call. Its `Error` says whether it was refused or may have happened.
pub(super) async fn apply(writers: &Writers, call: &Call) -> Result<Receipt, Error> {
    let scaling = &writers.scaling;
    match call {
        Call::SetDesiredCapacity { pool, desired } => {
            let request = scaling.set_desired_capacity().honor_cooldown(false);
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.desired_capacity(size(call, *desired)?);
            receipt(call, request.send().await)
        }
        Call::UpdateBounds { pool, min, max } => {
            let sized = |it: &Option<u32>| it.map(|it| size(call, it)).transpose();
            let request = scaling.update_auto_scaling_group();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.set_min_size(sized(min)?).set_max_size(sized(max)?);
            receipt(call, request.send().await)
        }
        Call::SetInstanceProtection {
            pool,
            instances,
            protected,
        } => {
            let request = scaling.set_instance_protection();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.set_instance_ids(Some(ids(instances)));
            receipt(
                call,
                request.protected_from_scale_in(*protected).send().await,
            )
        }
        Call::SuspendProcesses { pool, processes } => {
            let request = scaling.suspend_processes();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.set_scaling_processes(some_processes(call, processes)?);
            receipt(call, request.send().await)
        }
        Call::ResumeProcesses { pool, processes } => {
            let request = scaling.resume_processes();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.set_scaling_processes(some_processes(call, processes)?);
            receipt(call, request.send().await)
        }
        Call::EnterStandby {
            pool,
            instances,
            decrement,
        } => {
            let request = scaling.enter_standby();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.set_instance_ids(Some(ids(instances)));
            let request = request.should_decrement_desired_capacity(*decrement);
            receipt(call, request.send().await)
        }
        Call::ExitStandby { pool, instances } => {
            let request = scaling.exit_standby();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.set_instance_ids(Some(ids(instances)));
            receipt(call, request.send().await)
        }
        Call::EnableMetrics { pool } => {
            // No names are all metrics; the only granularity is a minute.
            let request = scaling.enable_metrics_collection().granularity("1Minute");
            let request = request.auto_scaling_group_name(pool.name.as_str());
            receipt(call, request.send().await)
        }
        Call::TagPool {
            pool,
            key,
            value,
            propagate,
        } => {
            let tag = group_tag(pool, key, value, *propagate);
            let request = scaling.create_or_update_tags().tags(tag);
            receipt(call, request.send().await)
        }
        Call::TagInstances {
            instances,
            key,
            value,
            ..
        } => {
            let tag = Tag::builder().key(key).value(value).build();
            let request = writers.ec2.create_tags().tags(tag);
            let request = request.set_resources(Some(ids(instances)));
            receipt(call, request.send().await)
        }
        Call::UntagInstances { instances, key, .. } => {
            // Without a value EC2 deletes the key whatever its value is.
            let tag = Tag::builder().key(key).build();
            let request = writers.ec2.delete_tags().tags(tag);
            let request = request.set_resources(Some(ids(instances)));
            receipt(call, request.send().await)
        }
        Call::TerminateInstance {
            instance,
            decrement,
            ..
        } => {
            let request = scaling.terminate_instance_in_auto_scaling_group();
            let request = request.instance_id(instance.as_str());
            let request = request.should_decrement_desired_capacity(*decrement);
            receipt(call, request.send().await)
        }
        Call::CompleteHook {
            pool,
            instance,
            hook,
            result,
        } => {
            // The instance id stands for the token, so nothing has to be remembered.
            let request = scaling.complete_lifecycle_action();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.lifecycle_hook_name(hook);
            let request = request.instance_id(instance.as_str());
            let request = request.lifecycle_action_result(result.as_str());
            receipt(call, request.send().await)
        }
        Call::Heartbeat {
            pool,
            instance,
            hook,
        } => {
            let request = scaling.record_lifecycle_action_heartbeat();
            let request = request.auto_scaling_group_name(pool.name.as_str());
            let request = request.lifecycle_hook_name(hook);
            let request = request.instance_id(instance.as_str());
            receipt(call, request.send().await)
        }
        Call::Cordon { .. } | Call::Uncordon { .. } | Call::RemoveExecutor { .. } => {
            Err(invalid(call, "it is a controller's, not AWS'"))
        }
    }
}

fn receipt<Output, E>(
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

fn invalid(call: &Call, why: &str) -> Error {
    let what = format!("cannot make the call {}: {why}", call.operation());
    Error::new(FailureKind::Invalid, what)
}
