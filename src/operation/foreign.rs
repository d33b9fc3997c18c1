//! Operations of which only the marks are known here: their journals are on another host, or lost.

use std::collections::BTreeMap;

use super::{Claim, Drain, Event, Happening, Operation, OperationId, Owner, Proof, Spec, TAG};
use crate::fleet::{Call, Executor, Fleet, Instance, InstanceId, PoolKey, Timestamp};

/// What the marks tell of one operation in one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    pub claim: Claim,
    pub pool: PoolKey,
    pub targets: Vec<InstanceId>,
    /// Whether the group itself is marked.
    pub has_group: bool,
}

/// Finds the operations that left marks in the fleet, save those that are known.
pub fn foreign(fleet: &Fleet, is_known: impl Fn(&OperationId) -> bool) -> Vec<Foreign> {
    let on_instances = fleet.instances.values().filter_map(|it| {
        let claim = claim_on(fleet, it)?;
        Some((claim, it.pool.clone()?, Some(it.id.clone())))
    });
    let on_groups = fleet.pools.values().filter_map(|it| {
        let claim = Claim::parse(it.tags.get(TAG)?);
        Some((claim, it.key(), None))
    });
    let mut found: BTreeMap<(OperationId, PoolKey), Foreign> = BTreeMap::new();
    for (claim, pool, instance) in on_instances.chain(on_groups) {
        if claim.id.0.is_empty() || is_known(&claim.id) {
            continue;
        }
        let key = (claim.id.clone(), pool.clone());
        let foreign = found.entry(key).or_insert_with(|| Foreign {
            claim: claim.clone(),
            pool,
            targets: Vec::new(),
            has_group: false,
        });
        // A note knows less than a tag.
        if foreign.claim.owner.is_none() {
            foreign.claim = claim;
        }
        match instance {
            Some(id) => foreign.targets.push(id),
            None => foreign.has_group = true,
        }
    }
    found.into_values().collect()
}

/// Returns who owns an instance: its tag says, or else the note of a cordon.
pub fn claim_on(fleet: &Fleet, instance: &Instance) -> Option<Claim> {
    if let Some(text) = instance.tags.get(TAG) {
        return Some(Claim::parse(text));
    }
    let mut cordoned = fleet.executors_on(&instance.id).filter(|it| it.cordoned);
    cordoned.find_map(|it| Claim::of_note(it.note.as_deref()?))
}

impl Foreign {
    /// Returns why the operation can only be given back, and not gone on with; none when it can.
    pub fn why_not_continued(&self) -> Option<String> {
        let kind = self.claim.kind.as_deref().unwrap_or("operation");
        if kind != "drain" {
            return Some(format!(
                "its marks do not tell what a {kind} has borrowed and is to do next; that is in its journal alone"
            ));
        }
        if self.claim.decrement.is_none() {
            return Some("its marks do not tell whether desired goes down with each".to_owned());
        }
        None
    }

    /// Returns it as a drain of its instances, with a proof from the beginning.
    pub fn spec(&self, proof: Proof) -> Spec {
        Spec::Drain(Drain {
            pool: self.pool.clone(),
            targets: self.targets.clone(),
            decrement: self.claim.decrement.unwrap_or(false),
            max_unavailable: 1,
            proof,
            deadline: None,
            force: false,
        })
    }

    /// Returns what its marks say that it has done already.
    pub fn found(&self, fleet: &Fleet) -> Vec<Happening> {
        let instances = self.targets.iter().filter_map(|it| fleet.instances.get(it));
        instances
            .flat_map(|it| self.found_on(fleet, it))
            .map(|call| Happening::Found { call })
            .collect()
    }

    fn found_on(&self, fleet: &Fleet, instance: &Instance) -> Vec<Call> {
        let mut calls = Vec::new();
        let tag = instance.tags.get(TAG).map(|it| Claim::parse(it));
        if instance.protected && tag.is_some_and(|it| it.protects) {
            calls.push(Call::SetInstanceProtection {
                pool: self.pool.clone(),
                instances: vec![instance.id.clone()],
                protected: true,
            });
        }
        let is_its = |it: &&std::sync::Arc<Executor>| {
            let note = it.note.as_deref().filter(|_| it.cordoned);
            note.and_then(Claim::of_note)
                .is_some_and(|it| it.id == self.claim.id)
        };
        let agents = fleet.executors_on(&instance.id).filter(is_its);
        calls.extend(agents.map(|it| Call::Cordon {
            controller: it.controller.clone(),
            executor: it.id.clone(),
            note: format!("pooldeck {}: cordon of {}", self.claim.id, instance.id),
        }));
        calls
    }

    /// Returns the operation as far as its marks tell, for whoever looks at it.
    pub fn operation(&self, fleet: &Fleet, now: Timestamp) -> Operation {
        let planned = Happening::Planned {
            version: Event::VERSION,
            id: self.claim.id.clone(),
            spec: self.spec(Proof::default()),
            owner: self.claim.owner.clone().unwrap_or_else(|| Owner {
                user: "unknown".to_owned(),
                host: "unknown".to_owned(),
            }),
            reason: None,
            command_line: format!("ops adopt {}", self.claim.id),
        };
        let tagged = Happening::Found {
            call: self.claim_call(&self.claim),
        };
        let begun = begun_at(&self.claim.id).unwrap_or(now);
        let first = Event {
            at: begun,
            what: planned,
        };
        let rest = std::iter::once(tagged).chain(self.found(fleet));
        let events: Vec<Event> = std::iter::once(first)
            .chain(rest.map(|what| Event { at: now, what }))
            .collect();
        Operation::replay(&events).expect("it begins with its plan, and has one")
    }

    /// Returns the call that writes a claim on its instances.
    pub fn claim_call(&self, claim: &Claim) -> Call {
        Call::TagInstances {
            scope: self.pool.scope.clone(),
            instances: self.targets.clone(),
            key: TAG.to_owned(),
            value: claim.to_string(),
        }
    }
}

/// Returns the day that an id names; nothing else tells when a foreign operation began.
fn begun_at(id: &OperationId) -> Option<Timestamp> {
    let day = id.0.split('-').nth(1)?;
    let (year, rest) = day.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    format!("{year}-{month}-{day}T00:00:00Z").parse().ok()
}
