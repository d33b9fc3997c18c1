//! The states of a machine, as AWS names them.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares an enum whose variants are AWS' own words; a word that we do not
/// know survives as `Other`, because AWS adds words and a console must not lie.
macro_rules! aws_words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($variant,)*
            Other(String),
        }

        impl $name {
            /// Every word that AWS documents, in the order of a life.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];

            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = Cow::<str>::deserialize(deserializer)?;
                Ok(Self::from(word.as_ref()))
            }
        }
    )*};
}

aws_words! {
    /// The lifecycle state that EC2 Auto Scaling gives to a member of a group.
    ///
    /// Source: `LifecycleState` of the EC2 Auto Scaling API reference.
    Lifecycle {
        Pending = "Pending",
        PendingWait = "Pending:Wait",
        PendingProceed = "Pending:Proceed",
        Quarantined = "Quarantined",
        InService = "InService",
        Terminating = "Terminating",
        TerminatingWait = "Terminating:Wait",
        TerminatingProceed = "Terminating:Proceed",
        TerminatingRetained = "Terminating:Retained",
        Terminated = "Terminated",
        Detaching = "Detaching",
        Detached = "Detached",
        EnteringStandby = "EnteringStandby",
        Standby = "Standby",
        ReplacingRootVolume = "ReplacingRootVolume",
        ReplacingRootVolumeWait = "ReplacingRootVolume:Wait",
        ReplacingRootVolumeProceed = "ReplacingRootVolume:Proceed",
        RootVolumeReplaced = "RootVolumeReplaced",
        WarmedPending = "Warmed:Pending",
        WarmedPendingWait = "Warmed:Pending:Wait",
        WarmedPendingProceed = "Warmed:Pending:Proceed",
        WarmedPendingRetained = "Warmed:Pending:Retained",
        WarmedTerminating = "Warmed:Terminating",
        WarmedTerminatingWait = "Warmed:Terminating:Wait",
        WarmedTerminatingProceed = "Warmed:Terminating:Proceed",
        WarmedTerminatingRetained = "Warmed:Terminating:Retained",
        WarmedTerminated = "Warmed:Terminated",
        WarmedStopped = "Warmed:Stopped",
        WarmedRunning = "Warmed:Running",
        WarmedHibernated = "Warmed:Hibernated",
    }

    /// The state of the EC2 machine itself.
    ///
    /// Source: `InstanceStateName` of the EC2 API reference.
    MachineState {
        Pending = "pending",
        Running = "running",
        ShuttingDown = "shutting-down",
        Terminated = "terminated",
        Stopping = "stopping",
        Stopped = "stopped",
    }

    /// How the machine is bought; EC2 leaves the field out for on-demand.
    Market {
        OnDemand = "on-demand",
        Spot = "spot",
        Scheduled = "scheduled",
        CapacityBlock = "capacity-block",
        InterruptibleReservation = "interruptible-capacity-reservation",
    }

    /// The health that the group believes.
    Health {
        Healthy = "Healthy",
        Unhealthy = "Unhealthy",
    }

    /// The processes of a group that can be suspended.
    ///
    /// Source: "Suspend and resume Amazon EC2 Auto Scaling processes".
    Process {
        Launch = "Launch",
        Terminate = "Terminate",
        AddToLoadBalancer = "AddToLoadBalancer",
        AlarmNotification = "AlarmNotification",
        AzRebalance = "AZRebalance",
        HealthCheck = "HealthCheck",
        InstanceRefresh = "InstanceRefresh",
        ReplaceUnhealthy = "ReplaceUnhealthy",
        ScheduledActions = "ScheduledActions",
    }

    /// The status of a scaling activity.
    ActivityStatus {
        PendingSpotBidPlacement = "PendingSpotBidPlacement",
        WaitingForSpotInstanceRequestId = "WaitingForSpotInstanceRequestId",
        WaitingForSpotInstanceId = "WaitingForSpotInstanceId",
        WaitingForInstanceId = "WaitingForInstanceId",
        PreInService = "PreInService",
        InProgress = "InProgress",
        WaitingForElbConnectionDraining = "WaitingForELBConnectionDraining",
        MidLifecycleAction = "MidLifecycleAction",
        WaitingForInstanceWarmup = "WaitingForInstanceWarmup",
        WaitingForConnectionDraining = "WaitingForConnectionDraining",
        WaitingForInPlaceUpdateToStart = "WaitingForInPlaceUpdateToStart",
        InPlaceUpdateInProgress = "InPlaceUpdateInProgress",
        WaitingForInPlaceUpdateToFinalize = "WaitingForInPlaceUpdateToFinalize",
        Successful = "Successful",
        Failed = "Failed",
        Cancelled = "Cancelled",
    }

    /// The status of an instance refresh.
    RefreshStatus {
        Pending = "Pending",
        InProgress = "InProgress",
        Successful = "Successful",
        Failed = "Failed",
        Cancelling = "Cancelling",
        Cancelled = "Cancelled",
        RollbackInProgress = "RollbackInProgress",
        RollbackSuccessful = "RollbackSuccessful",
        RollbackFailed = "RollbackFailed",
        Baking = "Baking",
    }
}

/// The few phases that a bar, a count or a colour can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Pending,
    PendingWait,
    InService,
    Standby,
    Terminating,
    TerminatingWait,
    /// Kept for inspection after its hook was abandoned: billed, not counted in desired.
    Retained,
    Warm,
    Detached,
    /// An instance that carries the pool's tag and belongs to no group.
    Unattached,
    Other,
}

impl Phase {
    pub const ALL: [Self; 11] = [
        Self::InService,
        Self::Pending,
        Self::PendingWait,
        Self::Standby,
        Self::Terminating,
        Self::TerminatingWait,
        Self::Retained,
        Self::Warm,
        Self::Detached,
        Self::Unattached,
        Self::Other,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PendingWait => "pending_wait",
            Self::InService => "in_service",
            Self::Standby => "standby",
            Self::Terminating => "terminating",
            Self::TerminatingWait => "terminating_wait",
            Self::Retained => "retained",
            Self::Warm => "warm",
            Self::Detached => "detached",
            Self::Unattached => "unattached",
            Self::Other => "other",
        }
    }
}

impl Lifecycle {
    pub fn phase(&self) -> Phase {
        match self {
            Self::Pending | Self::PendingProceed => Phase::Pending,
            Self::PendingWait => Phase::PendingWait,
            Self::InService
            | Self::ReplacingRootVolume
            | Self::ReplacingRootVolumeWait
            | Self::ReplacingRootVolumeProceed
            | Self::RootVolumeReplaced => Phase::InService,
            Self::EnteringStandby | Self::Standby => Phase::Standby,
            Self::Terminating | Self::TerminatingProceed | Self::Terminated => Phase::Terminating,
            Self::TerminatingWait => Phase::TerminatingWait,
            Self::TerminatingRetained => Phase::Retained,
            Self::Detaching | Self::Detached => Phase::Detached,
            Self::WarmedPending
            | Self::WarmedPendingWait
            | Self::WarmedPendingProceed
            | Self::WarmedPendingRetained
            | Self::WarmedTerminating
            | Self::WarmedTerminatingWait
            | Self::WarmedTerminatingProceed
            | Self::WarmedTerminatingRetained
            | Self::WarmedTerminated
            | Self::WarmedStopped
            | Self::WarmedRunning
            | Self::WarmedHibernated => Phase::Warm,
            Self::Quarantined | Self::Other(_) => Phase::Other,
        }
    }

    /// Returns whether a lifecycle hook holds the machine, waiting for an answer.
    pub fn is_waiting_on_hook(&self) -> bool {
        matches!(
            self,
            Self::PendingWait
                | Self::TerminatingWait
                | Self::ReplacingRootVolumeWait
                | Self::WarmedPendingWait
                | Self::WarmedTerminatingWait
        )
    }
}

impl ActivityStatus {
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Successful | Self::Failed | Self::Cancelled)
    }
}

impl RefreshStatus {
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Successful
                | Self::Failed
                | Self::Cancelled
                | Self::RollbackSuccessful
                | Self::RollbackFailed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_state_round_trips() {
        for state in Lifecycle::KNOWN {
            assert_eq!(&Lifecycle::from(state.as_str()), state);
            // AWS lists `Quarantined` and documents it as unused.
            let is_placed = state.phase() != Phase::Other;
            assert_eq!(is_placed, *state != Lifecycle::Quarantined, "{state}");
        }
    }

    #[test]
    fn an_unknown_word_survives() {
        let state = Lifecycle::from("Pending:Teleport");
        assert_eq!(state.to_string(), "Pending:Teleport");
        assert_eq!(state.phase(), Phase::Other);
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<Lifecycle>(&json).unwrap(), state);
    }
}
