//! `reami --engine instance-refresh`: the template is ours to make, and the rolling is AWS' own.

use super::{
    Wanted,
    change::{change, is_everywhere},
};
use crate::{
    action::{
        draft::Draft,
        grammar::{PoolArg, RefreshFlags},
        plan::Refusal,
        rolling::{Batch, Pools, Reami, RollTerms, StrategyArg},
        verb::refresh::{start, start_copy},
    },
    fleet::{Capacity, LaunchSource},
    operation::{Change, VersionCopy},
};

pub(super) fn refresh(
    draft: &mut Draft<'_>,
    asked: &Reami,
    pools: &Pools,
    wanted: Wanted<'_>,
    reason: Option<&str>,
) -> Result<(), Refusal> {
    let unsound = |why: String| Err(Refusal::Unsound(why));
    let [name] = &pools.0[..] else {
        return unsound(
            "AWS rolls each pool on its own, with no budget over several: name one, or leave --engine out"
                .to_owned(),
        );
    };
    check_terms(&asked.terms)?;
    let arg = PoolArg {
        pool: Some(name.clone()),
        scope: asked.terms.scope.clone(),
    };
    let (pool, capacity) = draft.group(&arg)?;
    let key = pool.key();
    let from = pool
        .template
        .as_ref()
        .and_then(|it| Some((it, it.source()?)));
    let Some((template, from)) = from else {
        return unsound(format!(
            "what {key} launches from could not be read, so no version can be made of it"
        ));
    };
    let LaunchSource::Template(version) = &from else {
        return unsound(format!(
            "{key} launches from a launch configuration, and a refresh rolls to a version of a launch template: \
             leave --engine out, or move it to a launch template"
        ));
    };
    if asked.terms.goes_back() && template.version.starts_with('$') {
        return unsound(format!(
            "{key} says {}, and AWS goes back by itself only to a number: add --no-rollback, and it says one from \
             then on, or leave --engine out",
            template.version
        ));
    }
    let to = change(draft, pool, template, &from, wanted)?;
    let mut flags = flags(asked, capacity);
    draft.changes_automation = true;
    if template.version.starts_with('$') {
        draft.warn(format!(
            "{key} says {}, which is {from}; it will say the number from now on",
            template.version
        ));
    }
    draft.warn("AWS rolls by health and percentages, and outlives this console: `refresh pause`, `cancel` and `rollback` reach it");
    match to {
        Change::Copy { image } => {
            let Some(image) = image else {
                return unsound(format!("the image that {from} means is not known"));
            };
            let from = version.clone();
            start_copy(draft, pool, &flags, VersionCopy { from, image }, reason)
        }
        Change::Existing(source) => {
            if source.is_same(&from) && is_everywhere(draft, pool, &source) {
                return Err(Refusal::AlreadySo(format!(
                    "{key} launches {from} already, and every member is of it"
                )));
            }
            flags.template_version = Some(source.version().to_owned());
            start(draft, pool, &flags, reason)
        }
    }
}

/// Refuses the terms of pooldeck's own roll: a word that is dropped is a promise broken.
fn check_terms(terms: &RollTerms) -> Result<(), Refusal> {
    let ours = [
        (
            terms.canary.is_some(),
            "--canary",
            "--checkpoints stops after a share",
        ),
        (
            terms.max_unavailable.is_some(),
            "--max-unavailable",
            "--min-healthy says it in percent",
        ),
        (
            terms.max_unavailable_total.is_some(),
            "--max-unavailable-total",
            "--min-healthy says it in percent, of each pool",
        ),
        (
            terms.boot_budget.is_some(),
            "--boot-budget",
            "--warmup is how long AWS watches an instance",
        ),
        (
            terms.deadline.is_some(),
            "--deadline",
            "AWS ends a roll by itself only when it fails",
        ),
    ];
    match ours.iter().find(|it| it.0) {
        None => Ok(()),
        Some((_, name, instead)) => Err(Refusal::Unsound(format!(
            "{name} is for pooldeck's own roll; of an instance refresh, {instead}"
        ))),
    }
}

/// Says in AWS' words what the terms of a roll say in ours; checkpoints that do not reach the
/// end would leave the rest as it was, which nobody asked a `reami` for.
fn flags(asked: &Reami, capacity: Capacity) -> RefreshFlags {
    let (terms, engine) = (&asked.terms, &asked.engine);
    let share = share(terms.batch, capacity.desired);
    let (min, max) = match (engine.min_healthy, engine.max_healthy) {
        (None, None) => match terms.strategy {
            StrategyArg::Surge => (Some(100), Some(100 + share)),
            StrategyArg::TerminateFirst => (Some(100 - share), Some(100)),
        },
        said => said,
    };
    let mut checkpoints = terms.checkpoints.clone();
    checkpoints.sort_unstable();
    checkpoints.dedup();
    if checkpoints.last().is_some_and(|it| *it < 100) {
        checkpoints.push(100);
    }
    RefreshFlags {
        template_version: None,
        min_healthy: min,
        max_healthy: max,
        warmup: engine.warmup,
        checkpoint_delay: terms.checkpoint_delay,
        checkpoints,
        bake: terms.bake,
        alarms: engine.alarms.clone(),
        auto_rollback: terms.goes_back(),
        all: false,
        protected: engine.protected,
        standby: engine.standby,
        force: engine.force,
    }
}

/// Returns the percentage of a pool that a batch is.
fn share(batch: Batch, desired: u32) -> u32 {
    let percent = match batch {
        Batch::Percent(percent) => percent,
        Batch::Count(n) => n.saturating_mul(100).div_ceil(desired.max(1)),
    };
    percent.clamp(1, 100)
}
