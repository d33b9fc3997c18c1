//! The calls of pooldeck's own roll.

use std::sync::Arc;

use crate::{
    action::{
        draft::Draft,
        verb::drain::{self, Terms},
    },
    fleet::{Call, Instance, LaunchSource, Pool, Process, TemplateVersion},
    operation::{self, Change, OnFailure, PoolRoll, Roll, Strategy},
};

/// Lists the calls in the order of the first of each kind; each is made when its time has come.
pub(super) fn record(
    draft: &mut Draft<'_>,
    pool: &Pool,
    plan: &PoolRoll,
    roll: &Roll,
    targets: &[&Arc<Instance>],
) {
    let key = || plan.pool.clone();
    draft.call(Call::TagPool {
        pool: key(),
        key: operation::TAG.to_owned(),
        value: "the operation's id".to_owned(),
        propagate: false,
    });
    record_launch(draft, plan);
    let processes = || plan.suspends.clone();
    if !plan.suspends.is_empty() && !targets.is_empty() {
        draft.call(Call::SuspendProcesses {
            pool: key(),
            processes: processes(),
        });
    }
    let bounds = |max| Call::UpdateBounds {
        pool: key(),
        min: None,
        max: Some(max),
    };
    let mut max = plan.capacity.max;
    for n in ahead(plan, roll, targets.len()) {
        let desired = plan.capacity.desired.saturating_add(n);
        if max < desired {
            max = desired;
            draft.call(bounds(max));
        }
        draft.call(Call::SetDesiredCapacity {
            pool: key(),
            desired,
        });
    }
    let borrows_max = plan.capacity.max < max;
    let terms = Terms {
        decrement: roll.strategy == Strategy::Surge,
        ..Terms::default()
    };
    let kind = if roll.is_rollback {
        "rollback"
    } else {
        "reami"
    };
    for instance in targets {
        draft.note_jobs(instance);
        let n_before = draft.plan.calls.len();
        drain::record(draft, pool, instance, terms, kind);
        let fleet = draft.fleet;
        if pool.ci.is_some() && fleet.executors_on(&instance.id).next().is_none() {
            // Nothing proves it idle as long as nobody works on it.
            for call in draft.plan.calls.split_off(n_before) {
                draft.call_if("once its agent is seen", call);
            }
            let aside = Call::EnterStandby {
                pool: key(),
                instances: vec![instance.id.clone()],
                decrement: terms.decrement,
            };
            draft.call_if("if its agent is not seen within the boot budget", aside);
        }
    }
    record_if_needed(draft, pool, plan, roll, targets.len());
    if borrows_max {
        draft.call(bounds(plan.capacity.max));
    }
    if !plan.suspends.is_empty() && !targets.is_empty() {
        draft.call(Call::ResumeProcesses {
            pool: key(),
            processes: processes(),
        });
    }
    draft.call(Call::UntagPool {
        pool: key(),
        key: operation::TAG.to_owned(),
    });
}

/// Lists what depends on how the roll goes.
fn record_if_needed(
    draft: &mut Draft<'_>,
    pool: &Pool,
    plan: &PoolRoll,
    roll: &Roll,
    n_targets: usize,
) {
    let key = || plan.pool.clone();
    let base = plan.capacity.desired;
    let size = |desired| Call::SetDesiredCapacity {
        pool: key(),
        desired,
    };
    let is_surge = roll.strategy == Strategy::Surge;
    let n_targets = u32::try_from(n_targets).unwrap_or(u32::MAX);
    if is_surge && roll.canary.saturating_add(plan.batch) < n_targets {
        let desired = base.saturating_add(plan.batch);
        draft.call_if("again, as old ones of a batch are gone", size(desired));
    }
    let evens = plan.suspends.contains(&Process::AzRebalance) && 1 < pool.zones.len();
    if evens && 0 < n_targets {
        let desired = base.saturating_add(1);
        draft.call_if("if its zones differ by two at the end", size(desired));
    }
    if roll.on_failure == OnFailure::Rollback {
        let source = plan.from.clone();
        let back = Call::LaunchFrom {
            pool: key(),
            source,
        };
        draft.call_if("if it turns back: then the new ones go as these", back);
    }
    if is_surge && roll.deadline.is_some() {
        const WHEN: &str = "at the deadline, if what was asked for never came up";
        let processes = || vec![Process::Terminate];
        let (hold, release) = (
            Call::SuspendProcesses {
                pool: key(),
                processes: processes(),
            },
            Call::ResumeProcesses {
                pool: key(),
                processes: processes(),
            },
        );
        draft.call_if(WHEN, hold);
        draft.call_if(WHEN, size(base));
        draft.call_if(WHEN, release);
    }
}

/// Returns how many come before old ones go: for the canaries, and then for each batch.
fn ahead(plan: &PoolRoll, roll: &Roll, n_targets: usize) -> Vec<u32> {
    if roll.strategy == Strategy::TerminateFirst {
        return Vec::new();
    }
    let n_targets = u32::try_from(n_targets).unwrap_or(u32::MAX);
    let canaries = roll.canary.min(n_targets);
    let batch = plan.batch.min(n_targets - canaries);
    let mut ahead = vec![canaries, batch];
    ahead.dedup();
    ahead.retain(|it| 0 < *it);
    ahead
}

/// Lists the calls after which the group launches from the new template.
fn record_launch(draft: &mut Draft<'_>, plan: &PoolRoll) {
    let key = || plan.pool.clone();
    let token = "the operation's id".to_owned();
    match (&plan.to, &plan.from) {
        (Change::Copy { image }, LaunchSource::Template(from)) => {
            draft.call(Call::CreateTemplateVersion {
                pool: key(),
                from: from.clone(),
                image: image.clone(),
                token,
            });
            if plan.word.as_deref() != Some("$Latest") {
                let version = "the new version".to_owned();
                let source = LaunchSource::Template(TemplateVersion {
                    version,
                    ..from.clone()
                });
                draft.call(Call::LaunchFrom {
                    pool: key(),
                    source,
                });
            }
        }
        (Change::Copy { image }, LaunchSource::Configuration(from)) => {
            draft.call(Call::CopyConfiguration {
                pool: key(),
                from: from.clone(),
                name: token.clone(),
                image: image.clone(),
            });
            let source = LaunchSource::Configuration(token);
            draft.call(Call::LaunchFrom {
                pool: key(),
                source,
            });
        }
        (Change::Existing(source), from) if !source.is_same(from) => {
            let source = source.clone();
            draft.call(Call::LaunchFrom {
                pool: key(),
                source,
            });
        }
        (Change::Existing(_), _) => {}
    }
}
