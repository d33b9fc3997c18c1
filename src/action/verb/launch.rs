//! `launch POOL`: N more instances, followed one by one.

use super::scale::warn_of_suspended_launch;
use crate::{
    action::{
        draft::Draft,
        grammar::PoolArg,
        plan::{Follow, Refusal},
    },
    fleet::Call,
};

/// Plans N more by an absolute desired capacity: however often the call is
/// sent, and whichever reply is lost, the group never launches more than asked.
///
/// The number is relative to what was read, so the engine reads again before it calls (another
/// writer in between makes another plan, which nobody confirmed), and looks for the number in
/// fresh readings when no answer came. `LaunchInstances` would take a client token instead, and
/// is not used: it wants one zone named where a group has several, launches at most 100, and
/// does not try again as the group does, or does so by raising desired itself.
pub(in crate::action) fn launch(
    draft: &mut Draft<'_>,
    arg: &PoolArg,
    count: u32,
) -> Result<(), Refusal> {
    let (pool, capacity) = draft.group(arg)?;
    if count == 0 {
        return Err(Refusal::AlreadySo("--count=0 launches nothing".to_owned()));
    }
    let key = pool.key();
    let desired = capacity.desired.saturating_add(count);
    if capacity.max < desired {
        return Err(Refusal::Unsound(format!(
            "{key} wants {} and has max {}: {count} more do not fit; `scale {} --max {desired}` makes room",
            capacity.desired, capacity.max, pool.name
        )));
    }
    warn_of_suspended_launch(draft, pool);
    draft.n_unnamed = count;
    draft.change(&key, "desired", capacity.desired, desired);
    let known = draft
        .fleet
        .roster(&key)
        .instances
        .iter()
        .map(|it| it.id.clone())
        .collect();
    draft.plan.follow = Some(Follow::Launch {
        pool: key.clone(),
        n_instances: count,
        known,
    });
    draft.call(Call::SetDesiredCapacity { pool: key, desired });
    Ok(())
}
