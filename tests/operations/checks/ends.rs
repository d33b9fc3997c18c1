//! What an operation that went on to its own end has to leave, as it was asked for.

use pooldeck::{
    fleet::{FreezeMark, ImageId, Lifecycle, PoolKey, Process, RefreshStatus},
    operation::{Change, Operation, Spec},
    sim::World,
};

use super::{Verdict, ensure};

/// Judges the pool at the end; `left` is what the operation says that it did not do.
pub(super) fn it_is_as_asked_for(world: &World, operation: &Operation, left: &[String]) -> Verdict {
    match &operation.spec {
        // What became of each target is judged call by call.
        Spec::Drain(_) => Ok(()),
        Spec::Roll(roll) => {
            let mut pools = roll.pools.iter();
            pools.try_for_each(|plan| {
                let to = match (&plan.to, operation.turned_back()) {
                    (Change::Copy { image: Some(image) }, None) => Some(image),
                    _ => None,
                };
                every_member_is_replaced(world, &plan.pool, to, left)
            })
        }
        Spec::Freeze(freeze) => it_is_thawed(world, &freeze.pool),
        Spec::Refresh(refresh) => it_is_over(world, &refresh.pool, left),
    }
}

/// 31: all members are of one image, or the remainder is named; `None` is the template's own.
fn every_member_is_replaced(
    world: &World,
    pool: &PoolKey,
    to: Option<&ImageId>,
    left: &[String],
) -> Verdict {
    let template = world.group(pool).and_then(|it| it.row.template.clone());
    let launches = template.and_then(|it| it.image);
    ensure(to.is_none() || to == launches.as_ref(), 31, || {
        format!("{pool} launches {launches:?}, and {to:?} was asked for")
    })?;
    let in_service = world
        .members(pool)
        .filter(|it| it.lifecycle() == Some(&Lifecycle::InService) && it.is_alive());
    for member in in_service {
        let is_named = left.iter().any(|it| it.contains(member.id().as_str()));
        ensure(member.row.image == launches || is_named, 31, || {
            format!(
                "{} is of {:?}, and nobody says so: {left:?}",
                member.id(),
                member.row.image
            )
        })?;
    }
    Ok(())
}

/// 9: nothing is left of a freeze whose time is over, unless somebody else took it on.
fn it_is_thawed(world: &World, pool: &PoolKey) -> Verdict {
    let mark = world.group(pool).and_then(|it| FreezeMark::of(&it.row));
    ensure(mark.is_none(), 9, || {
        format!("{pool} keeps the mark {mark:?}")
    })
}

/// 17 and 9: a refresh that is followed to its end is over, not held, and its end is told.
fn it_is_over(world: &World, pool: &PoolKey, left: &[String]) -> Verdict {
    let Some(row) = world.group(pool).map(|it| &it.row) else {
        return Ok(());
    };
    let status = row.refresh.as_ref().map(|it| it.status.clone());
    let is_over = status.as_ref().is_none_or(RefreshStatus::is_over);
    ensure(is_over, 17, || {
        format!("the refresh of {pool} goes on: {status:?}")
    })?;
    let is_held = row.is_suspended(&Process::InstanceRefresh);
    ensure(!is_held, 9, || format!("refreshes of {pool} stay held"))?;
    let is_told = status == Some(RefreshStatus::Successful) || !left.is_empty();
    ensure(is_told, 31, || {
        format!("the refresh of {pool} ended as {status:?}, and nobody says so")
    })
}
