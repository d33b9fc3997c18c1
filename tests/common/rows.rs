//! A machine and a pool of which nothing is special: what a test is about is changed in them.

#![allow(
    dead_code,
    reason = "every test binary compiles this and uses its part"
)]

use std::collections::BTreeMap;

use pooldeck::fleet::{Instance, MachineState, Market, Pool, PoolKind, Timestamp, Upkeep};

/// A machine of no pool that EC2 has just begun to show.
pub(crate) fn instance(scope: &str, id: &str) -> Instance {
    Instance {
        id: id.into(),
        scope: scope.into(),
        pool: None,
        lifecycle: None,
        lifecycle_since: Timestamp::EPOCH,
        state: Some(MachineState::Running),
        state_reason: None,
        health: None,
        protected: false,
        instance_type: "m5.large".into(),
        zone: "us-east-1a".into(),
        market: Market::OnDemand,
        platform: Some("Linux/UNIX".into()),
        price: None,
        image: None,
        template_name: None,
        template_version: None,
        launched_at: None,
        private_address: None,
        public_address: None,
        private_dns: None,
        status_checks: None,
        scheduled_event: None,
        tags: BTreeMap::new(),
    }
}

/// A group without a size, that nobody sees the work of.
pub(crate) fn pool(scope: &str, name: &str) -> Pool {
    Pool {
        scope: scope.into(),
        name: name.into(),
        kind: PoolKind::Group,
        capacity: None,
        template: None,
        mixed: None,
        zones: Vec::new(),
        suspended: Vec::new(),
        protects_new_instances: false,
        hooks: Vec::new(),
        hooks_read_at: None,
        warm_pool_size: None,
        refresh: None,
        health_check: None,
        termination_policies: Vec::new(),
        enabled_metrics: Vec::new(),
        created_at: None,
        status: None,
        tags: BTreeMap::new(),
        ci: None,
        next_price: None,
        upkeep: Upkeep::default(),
    }
}
