//! A write to AWS or to a controller, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ControllerName, HookResult, InstanceId, PoolKey, Process, ScopeId, SourceId};

/// One write: it can be shown before it is made, recorded before it is sent,
/// refused by a simulator, and printed as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// The number is absolute, so sending it twice launches nothing twice.
    SetDesiredCapacity {
        pool: PoolKey,
        desired: u32,
    },
    UpdateBounds {
        pool: PoolKey,
        min: Option<u32>,
        max: Option<u32>,
    },
    SetInstanceProtection {
        pool: PoolKey,
        instances: Vec<InstanceId>,
        protected: bool,
    },
    SuspendProcesses {
        pool: PoolKey,
        processes: Vec<Process>,
    },
    ResumeProcesses {
        pool: PoolKey,
        processes: Vec<Process>,
    },
    EnterStandby {
        pool: PoolKey,
        instances: Vec<InstanceId>,
        /// Whether desired goes down with it; otherwise the group launches a replacement.
        decrement: bool,
    },
    ExitStandby {
        pool: PoolKey,
        instances: Vec<InstanceId>,
    },
    EnableMetrics {
        pool: PoolKey,
    },
    TagPool {
        pool: PoolKey,
        key: String,
        value: String,
        propagate: bool,
    },
    TagInstances {
        scope: ScopeId,
        instances: Vec<InstanceId>,
        key: String,
        value: String,
    },
    UntagInstances {
        scope: ScopeId,
        instances: Vec<InstanceId>,
        key: String,
    },
    /// Through the group, never behind its back: its hooks run, and the victim is named.
    TerminateInstance {
        pool: PoolKey,
        instance: InstanceId,
        /// Whether desired goes down with it; otherwise the group launches a replacement.
        decrement: bool,
    },
    /// Answers the lifecycle hook that holds an instance.
    CompleteHook {
        pool: PoolKey,
        instance: InstanceId,
        hook: String,
        result: HookResult,
    },
    /// Gives the hook that holds an instance its whole timeout anew.
    Heartbeat {
        pool: PoolKey,
        instance: InstanceId,
        hook: String,
    },
    Cordon {
        controller: ControllerName,
        executor: String,
        note: String,
    },
    Uncordon {
        controller: ControllerName,
        executor: String,
    },
    /// Takes the agent off the controller for good, without harm to a job: a controller
    /// that can tell in that moment refuses a busy one (`Conflict`, and nothing happened);
    /// another lets it finish its job first.
    RemoveExecutor {
        controller: ControllerName,
        executor: String,
    },
}

impl Call {
    /// Returns the door that this call goes through.
    pub fn source(&self) -> SourceId {
        match self {
            Self::SetDesiredCapacity { pool, .. }
            | Self::UpdateBounds { pool, .. }
            | Self::SetInstanceProtection { pool, .. }
            | Self::SuspendProcesses { pool, .. }
            | Self::ResumeProcesses { pool, .. }
            | Self::EnterStandby { pool, .. }
            | Self::ExitStandby { pool, .. }
            | Self::EnableMetrics { pool }
            | Self::TagPool { pool, .. }
            | Self::TerminateInstance { pool, .. }
            | Self::CompleteHook { pool, .. }
            | Self::Heartbeat { pool, .. } => SourceId::Scope(pool.scope.clone()),
            Self::TagInstances { scope, .. } | Self::UntagInstances { scope, .. } => {
                SourceId::Scope(scope.clone())
            }
            Self::Cordon { controller, .. }
            | Self::Uncordon { controller, .. }
            | Self::RemoveExecutor { controller, .. } => SourceId::Controller(controller.clone()),
        }
    }

    /// Returns the API operation, as IAM names it: `autoscaling:SetDesiredCapacity`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::SetDesiredCapacity { .. } => "autoscaling:SetDesiredCapacity",
            Self::UpdateBounds { .. } => "autoscaling:UpdateAutoScalingGroup",
            Self::SetInstanceProtection { .. } => "autoscaling:SetInstanceProtection",
            Self::SuspendProcesses { .. } => "autoscaling:SuspendProcesses",
            Self::ResumeProcesses { .. } => "autoscaling:ResumeProcesses",
            Self::EnterStandby { .. } => "autoscaling:EnterStandby",
            Self::ExitStandby { .. } => "autoscaling:ExitStandby",
            Self::EnableMetrics { .. } => "autoscaling:EnableMetricsCollection",
            Self::TagPool { .. } => "autoscaling:CreateOrUpdateTags",
            Self::TagInstances { .. } => "ec2:CreateTags",
            Self::UntagInstances { .. } => "ec2:DeleteTags",
            Self::TerminateInstance { .. } => "autoscaling:TerminateInstanceInAutoScalingGroup",
            Self::CompleteHook { .. } => "autoscaling:CompleteLifecycleAction",
            Self::Heartbeat { .. } => "autoscaling:RecordLifecycleActionHeartbeat",
            Self::Cordon { .. } => "ci:Cordon",
            Self::Uncordon { .. } => "ci:Uncordon",
            Self::RemoveExecutor { .. } => "ci:RemoveExecutor",
        }
    }

    /// Returns the instances that this call names.
    pub fn instances(&self) -> &[InstanceId] {
        match self {
            Self::SetInstanceProtection { instances, .. }
            | Self::EnterStandby { instances, .. }
            | Self::ExitStandby { instances, .. }
            | Self::TagInstances { instances, .. }
            | Self::UntagInstances { instances, .. } => instances,
            Self::TerminateInstance { instance, .. }
            | Self::CompleteHook { instance, .. }
            | Self::Heartbeat { instance, .. } => std::slice::from_ref(instance),
            Self::SetDesiredCapacity { .. }
            | Self::UpdateBounds { .. }
            | Self::SuspendProcesses { .. }
            | Self::ResumeProcesses { .. }
            | Self::EnableMetrics { .. }
            | Self::TagPool { .. }
            | Self::Cordon { .. }
            | Self::Uncordon { .. }
            | Self::RemoveExecutor { .. } => &[],
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each call, and nothing else"
    )]
    /// Returns the parameters as `name=value` words, in the order of the API reference.
    pub fn parameters(&self) -> String {
        let join = |ids: &[InstanceId]| {
            ids.iter()
                .map(InstanceId::as_str)
                .collect::<Vec<_>>()
                .join(",")
        };
        let processes =
            |it: &[Process]| it.iter().map(Process::as_str).collect::<Vec<_>>().join(",");
        match self {
            Self::SetDesiredCapacity { pool, desired } => {
                format!("group={} desired={desired}", pool.name)
            }
            Self::UpdateBounds { pool, min, max } => {
                let bound = |name: &str, it: &Option<u32>| {
                    it.map_or(String::new(), |n| format!(" {name}={n}"))
                };
                format!(
                    "group={}{}{}",
                    pool.name,
                    bound("min", min),
                    bound("max", max)
                )
            }
            Self::SetInstanceProtection {
                pool,
                instances,
                protected,
            } => {
                format!(
                    "group={} instances={} protected={protected}",
                    pool.name,
                    join(instances)
                )
            }
            Self::SuspendProcesses {
                pool,
                processes: it,
            }
            | Self::ResumeProcesses {
                pool,
                processes: it,
            } => {
                format!("group={} processes={}", pool.name, processes(it))
            }
            Self::EnterStandby {
                pool,
                instances,
                decrement,
            } => {
                format!(
                    "group={} instances={} decrement={decrement}",
                    pool.name,
                    join(instances)
                )
            }
            Self::ExitStandby { pool, instances } => {
                format!("group={} instances={}", pool.name, join(instances))
            }
            Self::EnableMetrics { pool } => format!("group={} granularity=1Minute", pool.name),
            Self::TagPool {
                pool,
                key,
                value,
                propagate,
            } => {
                format!("group={} {key}={value} propagate={propagate}", pool.name)
            }
            Self::TagInstances {
                instances,
                key,
                value,
                ..
            } => format!("instances={} {key}={value}", join(instances)),
            Self::UntagInstances { instances, key, .. } => {
                format!("instances={} {key}", join(instances))
            }
            Self::TerminateInstance {
                pool,
                instance,
                decrement,
            } => format!(
                "group={} instance={instance} decrement={decrement}",
                pool.name
            ),
            Self::CompleteHook {
                pool,
                instance,
                hook,
                result,
            } => format!(
                "group={} instance={instance} hook={hook} result={}",
                pool.name,
                result.as_str()
            ),
            Self::Heartbeat {
                pool,
                instance,
                hook,
            } => format!("group={} instance={instance} hook={hook}", pool.name),
            Self::Cordon { executor, note, .. } => format!("executor={executor} note={note:?}"),
            Self::Uncordon { executor, .. } | Self::RemoveExecutor { executor, .. } => {
                format!("executor={executor}")
            }
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation(), self.parameters())
    }
}

/// What a write answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The service's request id, for a support case.
    pub request_id: Option<String>,
    /// Anything that the answer told, in words.
    pub message: Option<String>,
}
