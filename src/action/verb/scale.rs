//! `scale POOL N`: desired and its bounds.

use crate::{
    action::{
        draft::Draft,
        grammar::{PoolArg, Size},
        owned,
        plan::Refusal,
    },
    fleet::{Call, Capacity, FreezeMark, Phase, Pool, Process},
};

use super::drain::{Choice, Terms, drain};

pub(in crate::action) fn scale(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    size: Option<Size>,
    min: Option<u32>,
    max: Option<u32>,
) -> Result<(), Refusal> {
    let (pool, capacity) = draft.group(arg)?;
    if size.is_none() && min.is_none() && max.is_none() {
        return Err(draft.incomplete("a size such as 12, +2 or -1, or --min or --max"));
    }
    let wanted = wanted(pool, capacity, size, min, max)?;
    let key = pool.key();
    if wanted == capacity {
        return Err(Refusal::AlreadySo(format!(
            "{key} already wants {}, between {} and {}",
            capacity.desired, capacity.min, capacity.max
        )));
    }
    for (what, from, to) in [
        ("min", capacity.min, wanted.min),
        ("max", capacity.max, wanted.max),
        ("desired", capacity.desired, wanted.desired),
    ] {
        if from != to {
            draft.change(&key, what, from, to);
        }
    }
    if (wanted.min, wanted.max) != (capacity.min, capacity.max) {
        // Bounds first: the new desired may lie outside the old ones.
        draft.call(Call::UpdateBounds {
            pool: key.clone(),
            min: (wanted.min != capacity.min).then_some(wanted.min),
            max: (wanted.max != capacity.max).then_some(wanted.max),
        });
        draft.changes_automation = true;
        warn_of_leavers(draft, pool, capacity, wanted);
    }
    if wanted.desired < capacity.desired {
        return shrink(draft, arg, capacity, wanted);
    }
    if wanted.desired != capacity.desired {
        draft.call(Call::SetDesiredCapacity {
            pool: key,
            desired: wanted.desired,
        });
        draft.n_unnamed = wanted.desired - capacity.desired;
        warn_of_suspended_launch(draft, pool);
    }
    Ok(())
}

/// A max that is smaller than the group becomes what it wants, and nobody says that those on
/// their way out are not of it. (API reference: `UpdateAutoScalingGroup`)
fn warn_of_leavers(draft: &mut Draft<'_>, pool: &Pool, capacity: Capacity, wanted: Capacity) {
    let counts = &draft.fleet.roster(&pool.key()).counts;
    let n_leaving = counts.get(Phase::Terminating) + counts.get(Phase::TerminatingWait);
    let size = counts.n_there() + n_leaving;
    if wanted.max < capacity.max && wanted.max < size && 0 < n_leaving {
        draft.warn(format!(
            "{n_leaving} of the {size} instances of {} are on their way out: as long as it has more than \
             {max}, AWS may take the new max for what it wants, too, and launch up to {max}",
            pool.key(),
            max = wanted.max
        ));
    }
}

/// Fewer: AWS would choose which instances die, with their jobs, so we choose, and drain them.
fn shrink(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    capacity: Capacity,
    wanted: Capacity,
) -> Result<(), Refusal> {
    if (wanted.min, wanted.max) != (capacity.min, capacity.max) {
        return Err(Refusal::Unsound(
            "bounds and a smaller size in one action: change the bounds first, then scale down"
                .to_owned(),
        ));
    }
    let (pool, _) = draft.group(arg)?;
    if let Some(unit) = pool.unit() {
        let key = pool.key();
        return Err(Refusal::Unsound(format!(
            "desired of {key} counts {unit}, so how many instances go for it is not known; `drain {} --count N` \
             says how many",
            pool.name
        )));
    }
    owned::check_size(draft, pool)?;
    // The drain records what changes, instance by instance.
    draft.plan.changes.clear();
    let choice = Choice {
        named: &[],
        pool: arg,
        count: Some(capacity.desired - wanted.desired),
    };
    warn_of_missing(draft, arg, capacity)?;
    drain(draft, &choice, Terms::default())
}

/// Desired sinks with those that go, and what the group could not launch is still wanted.
fn warn_of_missing(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    capacity: Capacity,
) -> Result<(), Refusal> {
    let (pool, _) = draft.group(arg)?;
    let key = pool.key();
    let n_there = draft.fleet.roster(&key).counts.n_there();
    if n_there < capacity.desired {
        draft.warn(format!(
            "{key} has {n_there} of the {} that it wants: those that go work, and it goes on launching the \
             {} that are missing (`suspend {} Launch` stops that)",
            capacity.desired,
            capacity.desired - n_there,
            pool.name
        ));
    }
    Ok(())
}

/// Returns the capacity that the operator asks for, or why it cannot be.
fn wanted(
    pool: &Pool,
    capacity: Capacity,
    size: Option<Size>,
    min: Option<u32>,
    max: Option<u32>,
) -> Result<Capacity, Refusal> {
    let (key, now) = (pool.key(), capacity.desired);
    let min = min.unwrap_or(capacity.min);
    let max = max.unwrap_or(capacity.max);
    let unsound = |why: String| Err(Refusal::Unsound(why));
    if max < min {
        return unsound(format!(
            "{key} would have min {min} above max {max}; give both --min and --max"
        ));
    }
    let desired = match size {
        None => now,
        Some(Size::To(n)) => n,
        Some(Size::By(by)) => match u32::try_from(i64::from(now) + by) {
            Ok(n) => n,
            Err(_) => {
                return unsound(format!(
                    "{key} wants {now}; {by:+} would leave less than nothing"
                ));
            }
        },
    };
    if max < desired {
        return unsound(format!(
            "{key} has max {max}, below {desired}; add --max {desired} to raise it"
        ));
    }
    if desired < min {
        // Raising min above desired makes AWS raise desired too, so say the number.
        return unsound(format!(
            "{key} wants {desired}, below min {min}; ask for {min} or more"
        ));
    }
    Ok(Capacity { desired, min, max })
}

/// More instances were asked for, and the group would not launch them.
pub(super) fn warn_of_suspended_launch(draft: &mut Draft<'_>, pool: &Pool) {
    if FreezeMark::of(pool).is_some() {
        draft.warn(format!(
            "{} is frozen: nothing is launched until `thaw {}`",
            pool.key(),
            pool.name
        ));
    } else if pool.is_suspended(&Process::Launch) {
        draft.warn(format!(
            "the Launch process of {} is suspended: nothing is launched until `resume {} Launch`",
            pool.key(),
            pool.name
        ));
    }
}
