//! The beginning of a world: everything is in service, registered and aged.

use std::{collections::BTreeMap, time::Duration};

use super::{
    agent::Controller,
    dice::{self, Dice},
    group::Group,
    happening::Happening,
    history::History,
    scenario::{ControllerSpec, PoolSpec, RegionSpec, Scenario},
    world::{Region, World},
};
use crate::fleet::{
    Lifecycle, MachineState, Market, Pool, PoolKey, ScopeId, Suspension, Template, TemplateKind,
    Timestamp, Upkeep,
};

impl World {
    /// Begins a world: the same seed, scenario and start tell the same story.
    pub fn new(seed: u64, scenario: Scenario, start: Timestamp) -> Self {
        let mut world = Self {
            now: start,
            faults: scenario.faults,
            dice: Dice::new(seed),
            queue: BTreeMap::new(),
            n_scheduled: 0,
            regions: BTreeMap::new(),
            groups: BTreeMap::new(),
            machines: BTreeMap::new(),
            controllers: BTreeMap::new(),
            silent: BTreeMap::new(),
            images: scenario.images,
            has_weather: false,
            last_rows: BTreeMap::new(),
            whole_at: BTreeMap::new(),
            history: History::default(),
            published: Vec::new(),
        };
        for spec in scenario.controllers {
            world.begin_controller(spec);
        }
        for spec in scenario.regions {
            world.begin_region(spec);
        }
        let names: Vec<_> = world.controllers.keys().cloned().collect();
        for name in names {
            for load_idx in 0..world.controllers[&name].loads.len() {
                for _ in 0..world.controllers[&name].loads[load_idx].backlog {
                    world.enqueue(&name, load_idx);
                }
                let label = world.controllers[&name].loads[load_idx].label.clone();
                world.dispatch(&name, &label);
                world.schedule_arrivals(&name, load_idx);
            }
        }
        for (after, deed) in scenario.script {
            world.schedule(after, Happening::Deed(deed));
        }
        world.schedule_weather();
        world
    }

    fn begin_controller(&mut self, spec: ControllerSpec) {
        let controller = Controller {
            name: spec.name.clone(),
            url: spec.url,
            grade: spec.grade,
            started_at: self.now - Duration::from_hours(216),
            agents: BTreeMap::new(),
            loads: spec.loads,
            queues: BTreeMap::new(),
            free: BTreeMap::new(),
            build_numbers: BTreeMap::new(),
            n_runs: 0,
            restarted_at: None,
            quieting_down: None,
        };
        self.controllers.insert(spec.name, controller);
    }

    fn begin_region(&mut self, spec: RegionSpec) {
        let scope = spec.scope.id.clone();
        let region = Region {
            scope: spec.scope,
            account: spec.account,
            n_addresses: 0,
            n_machines_max: spec.n_machines_max,
        };
        self.regions.insert(scope.clone(), region);
        for pool in spec.pools {
            self.begin_pool(&scope, pool);
        }
    }

    fn begin_pool(&mut self, scope: &ScopeId, spec: PoolSpec) {
        let row = self.pool_row_of(scope, &spec);
        let key = row.key();
        let (n_members, n_loose, n_outdated) = (spec.n_members, spec.n_loose, spec.n_outdated);
        let n_warm = spec.n_warm;
        let has_policy = spec.policy.is_some();
        self.groups.insert(key.clone(), Group::new(row, spec));
        for member_idx in 0..n_members {
            self.begin_machine(&key, member_idx < n_outdated, true);
        }
        for _ in 0..n_loose {
            self.begin_machine(&key, false, false);
        }
        for _ in 0..n_warm {
            if let Some(id) = self.make_warm(&key) {
                self.rest_warm(&id);
            }
        }
        self.wake(&key, Duration::from_secs(1));
        if has_policy {
            let after = dice::secs(&mut self.dice.cloud, 1, 60);
            self.schedule(after, Happening::Policy(key));
        }
    }

    fn pool_row_of(&mut self, scope: &ScopeId, spec: &PoolSpec) -> Pool {
        let now = self.now;
        let template = spec.images.last().map(|image| Template {
            kind: TemplateKind::LaunchTemplate,
            id: Some(format!("lt-0{:016x}", self.dice.cloud.u64(..))),
            name: spec.name.to_string(),
            version: "$Latest".to_owned(),
            resolved_version: Some(spec.images.len().to_string()),
            image: Some(image.clone()),
            instance_type: spec.instance_types.first().cloned(),
        });
        let suspend = |it: &crate::fleet::Process| Suspension {
            process: it.clone(),
            reason: format!("User suspended at {}", now - Duration::from_hours(26)),
        };
        let is_group = spec.capacity.is_some();
        Pool {
            scope: scope.clone(),
            name: spec.name.clone(),
            kind: spec.kind,
            capacity: spec.capacity,
            template: template.filter(|_| is_group),
            mixed: spec.mixed.clone(),
            zones: spec.zones.clone(),
            suspended: spec.suspended.iter().map(suspend).collect(),
            protects_new_instances: spec.protects_new_instances,
            hooks: spec.hooks.clone(),
            hooks_read_at: is_group.then_some(now),
            warm_pool_size: (0 < spec.n_warm).then_some(spec.n_warm),
            refresh: spec.last_refresh.clone(),
            upkeep: Upkeep {
                retains_abandoned: spec.retains_abandoned,
                max_lifetime: spec.max_lifetime,
                rebalances_capacity: false,
            },
            health_check: is_group.then(|| "EC2".to_owned()),
            termination_policies: if is_group {
                vec!["Default".to_owned()]
            } else {
                Vec::new()
            },
            enabled_metrics: Vec::new(),
            created_at: is_group.then(|| now - Duration::from_hours(4800)),
            status: None,
            tags: spec.tags.clone(),
            ci: spec.ci.clone(),
            next_price: None,
        }
    }

    /// Makes a machine that has been there for a while when the world begins.
    fn begin_machine(&mut self, key: &PoolKey, is_outdated: bool, is_member: bool) {
        let age = dice::secs(
            &mut self.dice.cloud,
            600,
            if is_outdated { 400_000 } else { 40_000 },
        );
        let launched_at = self.now - age;
        let (zone, instance_type, is_spot) = self.first_kind(key);
        // What somebody started by hand is not a spot request.
        let market = if is_spot && is_member {
            Market::Spot
        } else {
            Market::OnDemand
        };
        let group = &self.groups[key];
        let spec = &group.spec;
        let protects = spec.protects_new_instances;
        let old = spec
            .images
            .iter()
            .enumerate()
            .rev()
            .nth(1)
            .filter(|_| is_outdated);
        let old = old.map(|(version_idx, image)| ((version_idx + 1).to_string(), image.clone()));
        let is_group = group.row.capacity.is_some();
        let id = self.make_machine(key, &zone, &instance_type, market, launched_at);
        self.edit_machine(&id, |it| {
            it.state = Some(MachineState::Running);
            it.status_checks = Some("ok".to_owned());
            it.lifecycle = (is_group && is_member).then_some(Lifecycle::InService);
            it.health = it.health.take().filter(|_| is_member);
            it.protected = protects && is_member;
            it.lifecycle_since = launched_at + Duration::from_secs(90);
            if let Some((version, image)) = old {
                it.template_version = Some(version);
                it.image = Some(image);
            }
            if !is_member {
                it.tags.remove("aws:autoscaling:groupName");
                it.tags
                    .insert("Name".to_owned(), format!("{}-debug", key.name));
                it.template_version = None;
            }
        });
        if is_group
            && is_member
            && let Some(group) = self.groups.get_mut(key)
        {
            group.members.insert(id.clone());
        }
        if is_group && is_member {
            self.schedule_lifetime(&id);
        }
        self.register(&id);
    }

    /// Returns the zone and the type of a pool's next machine, and whether it is a spot one.
    fn first_kind(&mut self, key: &PoolKey) -> (String, String, bool) {
        let group = &self.groups[key];
        let spec = &group.spec;
        let n_before = usize::try_from(self.regions[&key.scope].n_addresses).unwrap_or(0);
        let zone_idx = n_before % spec.zones.len().max(1);
        let type_idx = self.dice.cloud.usize(..spec.instance_types.len().max(1));
        let (type_idx, is_spot) = match &spec.mixed {
            Some(mixed) => (
                type_idx,
                mixed.on_demand_base as usize <= group.members.len(),
            ),
            None => (0, spec.is_spot),
        };
        let zone = spec.zones.get(zone_idx).cloned().unwrap_or_default();
        let instance_type = spec
            .instance_types
            .get(type_idx)
            .cloned()
            .unwrap_or_default();
        (zone, instance_type, is_spot)
    }
}
