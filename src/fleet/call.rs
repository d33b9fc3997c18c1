//! A write to AWS or to a controller, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    ControllerName, Hook, HookResult, HookTransition, ImageId, InstanceId, LaunchSource, PoolKey,
    Process, RefreshTerms, ScopeId, SourceId, TemplateVersion,
};

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
    UntagPool {
        pool: PoolKey,
        key: String,
    },
    /// Adds a lifecycle hook, or changes the one of that name; who is told of it stays as it is.
    PutHook {
        pool: PoolKey,
        hook: Hook,
    },
    /// AWS answers its actions under way: ABANDON for those who launch, CONTINUE for those who terminate.
    DeleteHook {
        pool: PoolKey,
        hook: String,
    },
    /// Whether instances are protected from scale-in from their launch on.
    ProtectNewInstances {
        pool: PoolKey,
        protected: bool,
    },
    /// Whether an abandoned termination keeps the machine for somebody to look at.
    RetainAbandoned {
        pool: PoolKey,
        retain: bool,
    },
    /// Boxed: its terms are many.
    StartRefresh {
        pool: PoolKey,
        terms: Box<RefreshTerms>,
    },
    /// Ends a refresh where it is: what was replaced stays replaced.
    CancelRefresh {
        pool: PoolKey,
    },
    /// Turns a refresh round: what was replaced is replaced again, by the old.
    RollbackRefresh {
        pool: PoolKey,
    },
    /// A copy of a template's version with another image, or with the same one, so that
    /// instances boot afresh. A token makes it once, however often it is sent.
    CreateTemplateVersion {
        pool: PoolKey,
        from: TemplateVersion,
        image: Option<ImageId>,
        token: String,
    },
    /// A copy of a launch configuration, by a name that is ours.
    CopyConfiguration {
        pool: PoolKey,
        from: String,
        name: String,
        image: Option<ImageId>,
    },
    /// Points the group at what it launches from now on; a mixed policy keeps its rest.
    LaunchFrom {
        pool: PoolKey,
        source: LaunchSource,
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
            | Self::UntagPool { pool, .. }
            | Self::PutHook { pool, .. }
            | Self::DeleteHook { pool, .. }
            | Self::ProtectNewInstances { pool, .. }
            | Self::RetainAbandoned { pool, .. }
            | Self::StartRefresh { pool, .. }
            | Self::CancelRefresh { pool }
            | Self::RollbackRefresh { pool }
            | Self::CreateTemplateVersion { pool, .. }
            | Self::CopyConfiguration { pool, .. }
            | Self::LaunchFrom { pool, .. }
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
            Self::UpdateBounds { .. }
            | Self::ProtectNewInstances { .. }
            | Self::RetainAbandoned { .. }
            | Self::LaunchFrom { .. } => "autoscaling:UpdateAutoScalingGroup",
            Self::CreateTemplateVersion { .. } => "ec2:CreateLaunchTemplateVersion",
            Self::CopyConfiguration { .. } => "autoscaling:CreateLaunchConfiguration",
            Self::SetInstanceProtection { .. } => "autoscaling:SetInstanceProtection",
            Self::SuspendProcesses { .. } => "autoscaling:SuspendProcesses",
            Self::ResumeProcesses { .. } => "autoscaling:ResumeProcesses",
            Self::EnterStandby { .. } => "autoscaling:EnterStandby",
            Self::ExitStandby { .. } => "autoscaling:ExitStandby",
            Self::EnableMetrics { .. } => "autoscaling:EnableMetricsCollection",
            Self::TagPool { .. } => "autoscaling:CreateOrUpdateTags",
            Self::UntagPool { .. } => "autoscaling:DeleteTags",
            Self::PutHook { .. } => "autoscaling:PutLifecycleHook",
            Self::DeleteHook { .. } => "autoscaling:DeleteLifecycleHook",
            Self::StartRefresh { .. } => "autoscaling:StartInstanceRefresh",
            Self::CancelRefresh { .. } => "autoscaling:CancelInstanceRefresh",
            Self::RollbackRefresh { .. } => "autoscaling:RollbackInstanceRefresh",
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
            | Self::UntagPool { .. }
            | Self::PutHook { .. }
            | Self::DeleteHook { .. }
            | Self::ProtectNewInstances { .. }
            | Self::RetainAbandoned { .. }
            | Self::StartRefresh { .. }
            | Self::CancelRefresh { .. }
            | Self::RollbackRefresh { .. }
            | Self::CreateTemplateVersion { .. }
            | Self::CopyConfiguration { .. }
            | Self::LaunchFrom { .. }
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
            Self::UntagPool { pool, key } => format!("group={} {key}", pool.name),
            Self::PutHook { pool, hook } => format!("group={} {}", pool.name, words_of(hook)),
            Self::DeleteHook { pool, hook } => format!("group={} hook={hook}", pool.name),
            Self::ProtectNewInstances { pool, protected } => {
                format!("group={} protect-new-instances={protected}", pool.name)
            }
            Self::RetainAbandoned { pool, retain } => {
                let action = if *retain { "retain" } else { "terminate" };
                format!("group={} terminate-hook-abandon={action}", pool.name)
            }
            Self::StartRefresh { pool, terms } => format!("group={} {terms}", pool.name),
            Self::CancelRefresh { pool } => {
                format!("group={} wait-for-transitioning=true", pool.name)
            }
            Self::RollbackRefresh { pool } => format!("group={}", pool.name),
            Self::CreateTemplateVersion {
                from, image, token, ..
            } => {
                let image = image
                    .as_ref()
                    .map_or(String::new(), |it| format!(" image={it}"));
                format!("from={from}{image} token={token}")
            }
            Self::CopyConfiguration {
                from, name, image, ..
            } => {
                let image = image
                    .as_ref()
                    .map_or(String::new(), |it| format!(" image={it}"));
                format!("name={name} from={from}{image}")
            }
            Self::LaunchFrom { pool, source } => {
                format!("group={} from={source}", pool.name)
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

fn words_of(hook: &Hook) -> String {
    let transition = match hook.transition {
        HookTransition::Launching => "launching",
        HookTransition::Terminating => "terminating",
    };
    format!(
        "hook={} transition={transition} heartbeat={}s default={}",
        hook.name,
        hook.heartbeat_timeout.as_secs(),
        hook.default_result.as_str()
    )
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
    /// What the call made, by the name that the service gave it: a template version, a refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
}
