//! Pooldeck's own roll: which pools, on which terms, and who has to go.

use std::{sync::Arc, time::Duration};

use super::{Wanted, calls, change::change, words};
use crate::{
    action::{
        draft::Draft,
        grammar::PoolArg,
        owned,
        plan::Refusal,
        rolling::{Pools, RollTerms, StrategyArg},
    },
    fleet::{FreezeMark, Health, Instance, Phase, Pool, Process, RefreshStatus},
    operation::{Change, OnFailure, PoolRoll, Roll, Spec, Strategy},
};

/// AWS' own budget for a machine that nobody configured one for.
const BOOT_BUDGET: Duration = Duration::from_mins(10);

pub(super) fn roll(
    draft: &mut Draft<'_>,
    pools: &Pools,
    wanted: &[Wanted<'_>],
    terms: &RollTerms,
    is_rollback: bool,
) -> Result<(), Refusal> {
    let strategy = match terms.strategy {
        StrategyArg::Surge => Strategy::Surge,
        StrategyArg::TerminateFirst => Strategy::TerminateFirst,
    };
    let least = u32::from(strategy == Strategy::TerminateFirst);
    let max_unavailable = terms.max_unavailable.unwrap_or(least).max(least);
    let mut checkpoints = terms.checkpoints.clone();
    checkpoints.sort_unstable();
    let mut roll = Roll {
        pools: Vec::new(),
        strategy,
        canary: terms.canary(),
        max_unavailable,
        max_unavailable_total: terms.max_unavailable_total.map(|it| it.max(least)),
        bake: terms.bake(),
        checkpoints,
        checkpoint_delay: terms.checkpoint_delay(),
        deadline: terms.deadline,
        on_failure: if terms.goes_back() && !is_rollback {
            OnFailure::Rollback
        } else {
            OnFailure::Hold
        },
        proof: draft.proof,
        is_rollback,
    };
    for (name, wanted) in pools.0.iter().zip(wanted) {
        let arg = PoolArg {
            pool: Some(name.clone()),
            scope: terms.scope.clone(),
        };
        let plan = plan_pool(draft, &arg, *wanted, terms, &roll)?;
        let most = roll.max_unavailable.max(plan.batch).max(roll.canary);
        draft.n_unnamed = draft.n_unnamed.max(most);
        roll.pools.push(plan);
    }
    if let [_, _, ..] = roll.pools[..] {
        draft.warn(
            "the pools roll at once; new instances that do not come up in one stop all of them",
        );
    }
    draft.warn(match roll.on_failure {
        OnFailure::Rollback => {
            "when new instances do not come up within their boot budget it goes back by itself"
        }
        OnFailure::Hold => {
            "when new instances do not come up within their boot budget it waits for an operator"
        }
    });
    if let Some(why) = roll.proof.weakness() {
        draft.warn(why);
    }
    draft.changes_automation = true;
    draft.plan.is_destructive = true;
    draft.plan.operation = Some(Spec::Roll(roll));
    Ok(())
}

fn plan_pool(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    wanted: Wanted<'_>,
    terms: &RollTerms,
    roll: &Roll,
) -> Result<PoolRoll, Refusal> {
    let (pool, capacity) = draft.group(arg)?;
    let key = pool.key();
    let unsound = |why: String| Err(Refusal::Unsound(why));
    let Some(template) = &pool.template else {
        return unsound(format!(
            "{key} has no launch template and no launch configuration to change"
        ));
    };
    let Some(from) = template.source() else {
        return unsound(format!(
            "what {} means to {key} could not be read, so there is nothing to go back to",
            template.version
        ));
    };
    check_pool(pool, roll)?;
    draft.check_cordon(pool)?;
    let to = change(draft, pool, template, &from, wanted)?;
    let targets = targets(draft, pool, &to)?;
    if targets.is_empty() && matches!(&to, Change::Existing(it) if it.is_same(&from)) {
        return Err(Refusal::AlreadySo(format!(
            "{key} launches {from} already, and every member is of it"
        )));
    }
    let runs = !pool.is_suspended(&Process::AzRebalance) && 1 < pool.zones.len();
    let plan = PoolRoll {
        pool: key.clone(),
        from: from.clone(),
        word: Some(template.version.clone()).filter(|it| it.starts_with('$')),
        to,
        targets: targets.iter().map(|it| it.id.clone()).collect(),
        capacity,
        suspends: runs.then_some(Process::AzRebalance).into_iter().collect(),
        batch: terms.batch.of(capacity.desired),
        boot_budget: terms
            .boot_budget
            .or_else(|| pool.ci.as_ref().map(|it| it.boot_budget))
            .unwrap_or(BOOT_BUDGET),
    };
    calls::record(draft, pool, &plan, roll, &targets);
    words::warn(draft, pool, template, &plan, roll, &targets);
    Ok(plan)
}

/// Refuses what no roll can do without ending a job, or what somebody else is about.
fn check_pool(pool: &Pool, roll: &Roll) -> Result<(), Refusal> {
    let key = pool.key();
    let unsound = |why: String| Err(Refusal::Unsound(why));
    if pool.ci.is_none() {
        return unsound(format!(
            "no CI controller is configured for {key}, so nothing can prove an instance idle; add a [[pool]] \
             with its controller, or let AWS roll it with an instance refresh, which asks no job"
        ));
    }
    if let Some(unit) = pool.unit() {
        return unsound(format!(
            "desired of {key} counts {unit}, not instances, and a roll counts instances; let AWS roll it with \
             an instance refresh"
        ));
    }
    let refresh = pool.refresh.as_ref();
    if let Some(refresh) = refresh.filter(|it| !RefreshStatus::is_over(&it.status)) {
        return unsound(format!(
            "instance refresh {} of {key} is {}; cancel it first",
            refresh.id, refresh.status
        ));
    }
    if FreezeMark::of(pool).is_some() {
        return unsound(format!("{key} is frozen; `thaw {}` first", pool.name));
    }
    if let Some(process) = [Process::Launch, Process::Terminate]
        .iter()
        .find(|it| pool.is_suspended(it))
    {
        return unsound(format!(
            "the {process} process of {key} is suspended, and a roll needs it; `resume {} {process}` first",
            pool.name
        ));
    }
    let capacity = pool.capacity;
    if let Some(capacity) = capacity.filter(|_| roll.strategy == Strategy::TerminateFirst)
        && capacity.desired <= capacity.min
        && 0 < capacity.desired
    {
        return unsound(format!(
            "{key} wants {}, its min: terminate-first would leave it below until the replacement is up; use \
             --strategy surge, or lower min first",
            capacity.desired
        ));
    }
    Ok(())
}

/// Returns who has to go: unhealthy ones first, then the oldest. When it is an instance's
/// turn, idle ones of the fullest zone are preferred.
fn targets<'a>(
    draft: &mut Draft<'a>,
    pool: &Pool,
    to: &Change,
) -> Result<Vec<&'a Arc<Instance>>, Refusal> {
    let fleet = draft.fleet;
    let is_outdated = |it: &&Arc<Instance>| match to {
        Change::Existing(source) => !source.is_of(it),
        Change::Copy { .. } => true,
    };
    let members = &fleet.roster(&pool.key()).instances;
    let mut targets: Vec<_> = members
        .iter()
        .filter(|it| it.phase() == Phase::InService && is_outdated(it))
        .collect();
    for instance in &targets {
        owned::check_instance(instance)?;
    }
    targets.sort_by_key(|it| {
        (
            it.health != Some(Health::Unhealthy),
            it.launched_at,
            it.id.clone(),
        )
    });
    let aside = |phase: Phase| {
        members
            .iter()
            .filter(|it| it.phase() == phase && is_outdated(it))
            .count()
    };
    for (phase, what) in [
        (Phase::Standby, "in standby, left there"),
        (
            Phase::Warm,
            "in the warm pool, to be replaced once in service",
        ),
        (Phase::Pending, "coming up, to be replaced once in service"),
        (
            Phase::PendingWait,
            "coming up, to be replaced once in service",
        ),
    ] {
        let n = aside(phase);
        if 0 < n {
            draft.warn(format!("{}: {n} {what}", pool.key()));
        }
    }
    Ok(targets)
}
