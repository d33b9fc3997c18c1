//! A plan in the making: finding its targets, and the checks that every verb passes.

use std::{collections::BTreeMap, fmt::Display, sync::Arc};

use super::{
    grammar::{Action, ActionLine, PoolArg},
    guardrail::{Confirmation, Guardrail, Policy},
    money, owned,
    plan::{Change, ConditionalCall, Plan, Refusal, Seal, Target},
    risk::JobAtRisk,
};
use crate::{
    fleet::{
        Call, Capacity, Fleet, Grade, Instance, InstanceId, Pool, PoolKey, PoolKind, Scope,
        ScopeId, SourceId, nearest,
    },
    operation::{Proof, Spec},
};

pub(super) struct Draft<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) plan: Plan,
    /// What it takes to believe that an instance is idle.
    pub(super) proof: Proof,
    verb: &'static str,
    is_read_only: bool,
    /// How many instances the action adds or takes away without naming them.
    pub(super) n_unnamed: u32,
    /// Whom AWS puts others in the place of, without a call that names them.
    pub(super) replaced: BTreeMap<PoolKey, Vec<InstanceId>>,
    /// Whether the action changes what the group does by itself.
    pub(super) changes_automation: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        action: &Action,
        reason: Option<&str>,
        fleet: &'a Fleet,
        policy: &Policy,
    ) -> Self {
        let line = ActionLine {
            action: action.clone(),
            reason: reason.map(str::to_owned),
        };
        Self {
            fleet,
            proof: policy.proof,
            plan: Plan {
                command_line: line.to_string(),
                verb: action.verb().to_owned(),
                calls: Vec::new(),
                conditional_calls: Vec::new(),
                targets: Vec::new(),
                changes: Vec::new(),
                cost: None,
                jobs_at_risk: Vec::new(),
                warnings: Vec::new(),
                is_destructive: false,
                confirmation: Confirmation::YesNo,
                guardrail: None,
                follow: None,
                operation: None,
                seal: Seal,
            },
            verb: action.verb(),
            is_read_only: policy.read_only,
            n_unnamed: 0,
            replaced: BTreeMap::new(),
            changes_automation: false,
        }
    }

    /// Finds the pool that the operator named.
    pub(super) fn pool(&mut self, arg: &PoolArg) -> Result<&'a Arc<Pool>, Refusal> {
        let Some(name) = &arg.pool else {
            return Err(self.incomplete("a pool; name it, or select one"));
        };
        let named = self.fleet.pools_named(name.as_str());
        let found: Vec<&Arc<Pool>> = named
            .into_iter()
            .filter(|it| arg.scope.as_ref().is_none_or(|scope| it.scope == *scope))
            .collect();
        match found[..] {
            [pool] => {
                self.target(&pool.key(), None)?;
                Ok(pool)
            }
            [] => Err(Refusal::NoSuchPool {
                name: arg
                    .scope
                    .as_ref()
                    .map_or_else(|| name.to_string(), |it| format!("{it}/{name}")),
                nearest: nearest(
                    name.as_str(),
                    self.fleet.pools.keys().map(|it| it.name.as_str()),
                )
                .map(str::to_owned),
            }),
            _ => Err(Refusal::AmbiguousPool {
                name: name.to_string(),
                scopes: found.iter().map(|it| it.scope.to_string()).collect(),
            }),
        }
    }

    /// Finds the pool that the operator named, and its group's capacity.
    pub(super) fn group(&mut self, arg: &PoolArg) -> Result<(&'a Arc<Pool>, Capacity), Refusal> {
        let pool = self.pool(arg)?;
        match pool.capacity {
            Some(capacity) if pool.kind == PoolKind::Group => Ok((pool, capacity)),
            _ => Err(Refusal::NotAGroup {
                pool: pool.key(),
                kind: pool.kind.as_str(),
                verb: self.verb.to_owned(),
            }),
        }
    }

    /// Finds the named instances, grouped by their pool; each must be a member of a group.
    pub(super) fn members(
        &mut self,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<PoolKey, Vec<&'a Arc<Instance>>>, Refusal> {
        let mut members: BTreeMap<PoolKey, Vec<&Arc<Instance>>> = BTreeMap::new();
        for instance in self.instances(ids)? {
            match &instance.pool {
                Some(key) if instance.lifecycle.is_some() => {
                    members.entry(key.clone()).or_default().push(instance);
                }
                _ => {
                    return Err(Refusal::NotAMember {
                        id: instance.id.clone(),
                        verb: self.verb.to_owned(),
                    });
                }
            }
        }
        Ok(members)
    }

    /// Finds the named instances, and records them as targets; a repeated id counts once.
    pub(super) fn instances(
        &mut self,
        ids: &[InstanceId],
    ) -> Result<Vec<&'a Arc<Instance>>, Refusal> {
        if ids.is_empty() {
            return Err(self.incomplete("at least one instance; name it by id, or select it"));
        }
        let mut found: Vec<&Arc<Instance>> = Vec::new();
        for id in ids {
            let Some(instance) = self.fleet.instances.get(id) else {
                return Err(Refusal::NoSuchInstance { id: id.clone() });
            };
            if found.iter().any(|it| it.id == *id) {
                continue;
            }
            let key = instance
                .pool
                .clone()
                .unwrap_or_else(|| PoolKey::new(instance.scope.clone(), ""));
            self.target(&key, Some(instance))?;
            found.push(instance);
        }
        Ok(found)
    }

    /// Records what the action touches; where nothing may be written, nothing else is worth saying.
    ///
    /// What is asked of a controller is refused here too: its agents run on the target's instances.
    fn target(&mut self, key: &PoolKey, instance: Option<&Instance>) -> Result<(), Refusal> {
        let scope = self.fleet.scope(&key.scope);
        check_writable(&key.scope, scope, self.is_read_only)?;
        let targets = &mut self.plan.targets;
        let target_idx = targets
            .iter()
            .position(|it| it.pool == *key)
            .unwrap_or_else(|| {
                targets.push(Target {
                    pool: key.clone(),
                    instances: Vec::new(),
                });
                targets.len() - 1
            });
        targets[target_idx]
            .instances
            .extend(instance.map(|it| it.id.clone()));
        Ok(())
    }

    pub(super) fn incomplete(&self, what: &'static str) -> Refusal {
        Refusal::Incomplete {
            verb: self.verb.to_owned(),
            what,
        }
    }

    pub(super) fn call(&mut self, call: Call) {
        self.plan.calls.push(call);
    }

    /// Lists a call that is made only where it is needed.
    pub(super) fn call_if(&mut self, when: &'static str, call: Call) {
        let conditional = ConditionalCall { call, when };
        self.plan.conditional_calls.push(conditional);
    }

    pub(super) fn change(
        &mut self,
        pool: &PoolKey,
        what: &str,
        from: impl Display,
        to: impl Display,
    ) {
        self.plan.changes.push(Change {
            pool: pool.clone(),
            what: what.to_owned(),
            from: from.to_string(),
            to: to.to_string(),
        });
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.plan.warnings.push(warning.into());
    }

    /// Names the jobs that run on an instance, as what the action puts at risk.
    pub(super) fn note_jobs(&mut self, instance: &Instance) {
        let read_at = self.fleet.read_at(&instance.scope).unwrap_or_default();
        for executor in self.fleet.executors_on(&instance.id) {
            let jobs = executor.jobs().iter();
            let at_risk = jobs.map(|it| JobAtRisk::new(it, &instance.id, read_at));
            self.plan.jobs_at_risk.extend(at_risk);
        }
    }

    /// Says how safely the pool's controller lets a worker be emptied, and refuses where it does not.
    pub(super) fn check_cordon(&mut self, pool: &Pool) -> Result<(), Refusal> {
        let link = pool.ci.as_ref();
        let controllers = &self.fleet.controllers;
        let controller =
            link.and_then(|link| controllers.iter().find(|it| it.name == link.controller));
        let Some(controller) = controller else {
            return Ok(());
        };
        let (name, grade) = (&controller.name, controller.grade);
        if grade == Grade::ReadOnly {
            return Err(Refusal::Unsound(format!(
                "{name} is {}: {} `terminate` by name with --force and a --reason does not ask it",
                grade.as_str(),
                grade.sentence()
            )));
        }
        self.warn(format!(
            "{name} is {}: {}",
            grade.as_str(),
            grade.sentence()
        ));
        for caveat in &controller.caveats {
            self.warn(format!("{name}: {caveat}"));
        }
        Ok(())
    }

    /// Asks the policy, and settles how the operator confirms.
    pub(super) fn finish(mut self, reason: Option<&str>, policy: &Policy) -> Result<Plan, Refusal> {
        if self.plan.calls.is_empty() && self.plan.operation.is_none() {
            return Err(Refusal::AlreadySo(format!(
                "{} changes nothing",
                self.plan.command_line
            )));
        }
        for call in &self.plan.calls {
            if let SourceId::Scope(id) = call.source() {
                check_writable(&id, self.fleet.scope(&id), self.is_read_only)?;
            }
        }
        for target_idx in 0..self.plan.targets.len() {
            let target = self.plan.targets[target_idx].clone();
            owned::check(&mut self, &target)?;
            let Some(scope) = self.fleet.scope(&target.pool.scope) else {
                continue;
            };
            self.check_target(&target, scope, reason, policy)?;
        }
        let late = self.look_ahead();
        let is_roll = matches!(self.plan.operation, Some(Spec::Roll(_)));
        let is_late = |it: &&Call| matches!(it, Call::TerminateInstance { instance, .. } if late.contains(instance));
        let calls = self.plan.calls.iter().filter(|it| !is_late(it));
        self.plan.cost = money::change(self.fleet, calls, &self.replaced, is_roll);
        Ok(self.plan)
    }

    fn check_target(
        &mut self,
        target: &Target,
        scope: &Scope,
        reason: Option<&str>,
        policy: &Policy,
    ) -> Result<(), Refusal> {
        let n_members =
            u32::try_from(self.fleet.roster(&target.pool).instances.len()).unwrap_or(u32::MAX);
        let n_named = u32::try_from(target.instances.len()).unwrap_or(u32::MAX);
        let n_touched = n_named.max(self.n_unnamed);
        let natural = self.natural_confirmation(scope, n_touched, n_members);
        let mut confirmation = natural;
        let pool = target.pool.name.as_str();
        if let Some(rule) = policy.guardrail_for(self.verb, pool, scope) {
            self.check_size(rule, pool, n_touched, n_members)?;
            let has_reason = reason.is_some_and(|it| !it.trim().is_empty());
            if rule.require_reason && !has_reason {
                return Err(Refusal::ReasonMissing {
                    verb: self.verb.to_owned(),
                    pool: pool.to_owned(),
                    why: rule.reason.clone(),
                });
            }
            if rule.confirm == Some(Confirmation::Deny) {
                return Err(Refusal::Denied {
                    verb: self.verb.to_owned(),
                    pool: pool.to_owned(),
                    reason: rule.reason.clone(),
                });
            }
            // A rule may ask for less than we would: the operators wrote it.
            confirmation = rule.confirm.unwrap_or(natural);
            self.plan.guardrail = self.plan.guardrail.take().or_else(|| rule.reason.clone());
        }
        self.plan.confirmation = self.plan.confirmation.max(confirmation);
        Ok(())
    }

    fn check_size(&self, rule: &Guardrail, pool: &str, n: u32, of: u32) -> Result<(), Refusal> {
        let too_many = |allowed: String| Refusal::TooMany {
            verb: self.verb.to_owned(),
            pool: pool.to_owned(),
            n,
            of,
            allowed,
            reason: rule.reason.clone(),
        };
        if let Some(most) = rule.max_instances
            && most < n
        {
            return Err(too_many(format!("{most}")));
        }
        if let Some(percent) = rule.max_percent
            && u64::from(of) * u64::from(percent) < u64::from(n) * 100
        {
            return Err(too_many(format!("{percent} %")));
        }
        Ok(())
    }

    /// Decides the strength by the blast radius: where, how much, and what kind of change.
    fn natural_confirmation(&self, scope: &Scope, n_touched: u32, n_members: u32) -> Confirmation {
        let is_large = 10 < n_touched || (4 <= n_members && n_members < n_touched * 2);
        if scope.is_production()
            && (is_large || self.changes_automation || self.plan.is_destructive)
        {
            Confirmation::TypePoolName
        } else {
            Confirmation::YesNo
        }
    }
}

/// Refuses every write where the session or the configuration allows none.
pub fn check_writable(
    id: &ScopeId,
    scope: Option<&Scope>,
    is_session_read_only: bool,
) -> Result<(), Refusal> {
    let is_configured_so = scope.is_some_and(|it| it.read_only);
    let why = match (is_session_read_only, is_configured_so) {
        (true, _) => "this session was started read-only",
        (false, true) => "the configuration says so",
        (false, false) => return Ok(()),
    };
    Err(Refusal::ReadOnly {
        scope: id.clone(),
        why: why.to_owned(),
    })
}
