//! The calls of pooldeck's own roll.

use std::sync::Arc;

use crate::{
    action::{
        draft::Draft,
        verb::drain::{self, Terms},
    },
    fleet::{Call, Instance, LaunchSource, Pool, TemplateVersion},
    operation::{self, Change, PoolRoll, Roll, Strategy},
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
    let ahead = ahead(plan, roll, targets.len());
    let n_ahead = ahead.iter().max().copied().unwrap_or(0);
    let most = plan.capacity.desired.saturating_add(n_ahead);
    let borrows_max = plan.capacity.max < most;
    let bounds = |max| Call::UpdateBounds {
        pool: key(),
        min: None,
        max: Some(max),
    };
    if borrows_max {
        draft.call(bounds(most));
    }
    for n in ahead {
        draft.call(Call::SetDesiredCapacity {
            pool: key(),
            desired: plan.capacity.desired.saturating_add(n),
        });
    }
    let terms = Terms {
        decrement: roll.strategy == Strategy::Surge,
        ..Terms::default()
    };
    for instance in targets {
        draft.note_jobs(instance);
        drain::record(
            draft,
            pool,
            instance,
            terms,
            if roll.is_rollback {
                "rollback"
            } else {
                "reami"
            },
        );
    }
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
