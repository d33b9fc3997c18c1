//! One EC2 machine, always known by its id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Health, ImageId, InstanceId, Lifecycle, MachineState, Market, Phase, PoolKey, Price, ScopeId,
    Timestamp,
};

/// One EC2 instance: what its group says of it, and what EC2 says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub id: InstanceId,
    pub scope: ScopeId,
    /// `None` when it carries a pool's tag of a pool that does not exist.
    pub pool: Option<PoolKey>,
    /// `None` for an instance that belongs to no group.
    pub lifecycle: Option<Lifecycle>,
    /// When we first saw it in this lifecycle state, or when the activity that
    /// led to it began, where that is known and tighter. AWS does not tell when
    /// a state began; a countdown that starts here is late by a reading at the
    /// most, or early by the seconds that a machine took to get there.
    pub lifecycle_since: Timestamp,
    /// `None` when EC2 has not shown the machine to us yet.
    pub state: Option<MachineState>,
    /// EC2's own reason for the state, such as `Server.SpotInstanceTermination`.
    pub state_reason: Option<String>,
    pub health: Option<Health>,
    /// Scale-in protection.
    pub protected: bool,
    pub instance_type: String,
    pub zone: String,
    pub market: Market,
    /// What EC2 bills it as, `Linux/UNIX` or `Windows`; it decides the price.
    pub platform: Option<String>,
    /// What it costs while it runs; `None` is not known, never nothing. The doors
    /// leave it out: the engine knows the prices.
    pub price: Option<Price>,
    pub image: Option<ImageId>,
    pub template_name: Option<String>,
    pub template_version: Option<String>,
    pub launched_at: Option<Timestamp>,
    pub private_address: Option<String>,
    pub public_address: Option<String>,
    pub private_dns: Option<String>,
    /// The summary of the EC2 status checks: `ok`, `impaired`, `initializing`, ….
    pub status_checks: Option<String>,
    /// A scheduled event of the host, such as `instance-retirement`.
    pub scheduled_event: Option<String>,
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    pub fn phase(&self) -> Phase {
        self.lifecycle
            .as_ref()
            .map_or(Phase::Unattached, Lifecycle::phase)
    }

    /// Returns whether desired goes down with it; who stands by is beside that number.
    ///
    /// A termination with a decrement lowers desired whoever it names, and the group then ends
    /// somebody else.
    pub fn counts_towards_desired(&self) -> bool {
        self.phase() != Phase::Standby
    }

    pub fn is_spot(&self) -> bool {
        self.market == Market::Spot
    }

    pub fn name(&self) -> Option<&str> {
        self.tags.get("Name").map(String::as_str)
    }

    pub fn pool_name(&self) -> &str {
        self.pool.as_ref().map_or("", |it| it.name.as_str())
    }
}

/// The console output of an instance, as EC2 kept it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsoleOutput {
    pub instance: InstanceId,
    /// When EC2 took it; the output lags behind the machine by minutes.
    pub at: Option<Timestamp>,
    pub text: String,
}
