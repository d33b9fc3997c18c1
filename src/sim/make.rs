//! The making of a machine: its id, its addresses, its first row.

use std::collections::BTreeMap;

use super::{machine::Machine, world::World};
use crate::fleet::{
    Health, Instance, InstanceId, Lifecycle, MachineState, Market, PoolKey, Timestamp,
};

impl World {
    /// Makes a machine of the pool's template as it is now.
    pub(super) fn make_machine(
        &mut self,
        key: &PoolKey,
        zone: &str,
        instance_type: &str,
        market: Market,
        launched_at: Timestamp,
    ) -> InstanceId {
        let id = self.new_instance_id();
        let (address, dns) = self.new_address(key);
        let group = &self.groups[key];
        let template = group.row.template.as_ref();
        let (version, image) = group.launching_version();
        let is_member = group.row.capacity.is_some();
        let mut tags: BTreeMap<String, String> = group.row.tags.clone();
        tags.retain(|key, _| !group.local_tags.contains(key));
        tags.insert("Name".to_owned(), key.name.to_string());
        if is_member {
            tags.insert("aws:autoscaling:groupName".to_owned(), key.name.to_string());
        }
        let platform = if group.spec.host.is_windows {
            "Windows"
        } else {
            "Linux/UNIX"
        };
        let row = Instance {
            id: id.clone(),
            scope: key.scope.clone(),
            pool: Some(key.clone()),
            lifecycle: is_member.then_some(Lifecycle::Pending),
            lifecycle_since: launched_at,
            state: Some(MachineState::Pending),
            state_reason: None,
            health: is_member.then_some(Health::Healthy),
            protected: false,
            instance_type: instance_type.to_owned(),
            zone: zone.to_owned(),
            market,
            platform: Some(platform.to_owned()),
            price: None,
            image,
            template_name: template.map(|it| it.name.clone()),
            template_version: version,
            launched_at: Some(launched_at),
            private_address: Some(address),
            public_address: None,
            private_dns: Some(dns),
            status_checks: Some("initializing".to_owned()),
            scheduled_event: None,
            tags,
        };
        self.machines
            .insert(id.clone(), Machine::new(row, launched_at));
        id
    }

    fn new_instance_id(&mut self) -> InstanceId {
        loop {
            let id = InstanceId::from(format!("i-0{:016x}", self.dice.cloud.u64(..)));
            if !self.machines.contains_key(&id) {
                return id;
            }
        }
    }

    /// Returns the next private address of the region, and its name.
    fn new_address(&mut self, key: &PoolKey) -> (String, String) {
        let region = self
            .regions
            .get_mut(&key.scope)
            .expect("a pool's region is there");
        region.n_addresses += 1;
        let n = region.n_addresses + 16;
        let (b, c, d) = ((n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff);
        let domain = match region.scope.region.as_str() {
            "us-east-1" => "ec2.internal".to_owned(),
            other => format!("{other}.compute.internal"),
        };
        (
            format!("10.{b}.{c}.{d}"),
            format!("ip-10-{b}-{c}-{d}.{domain}"),
        )
    }
}
