//! A write without an answer: looked for in fresh readings, and never sent again.

use std::{sync::Arc, time::Duration};

use super::{apply::Unapplied, handle::Inner};
use crate::fleet::{Call, Observation, PoolKey, Receipt, SourceId};

/// Reads lag behind writes; what does not show by the last of these looks is not known.
const N_LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(5);

/// Finds out whether a size that was set without an answer is there.
///
/// It is what an operator would send again by hand, relative to what is wanted then: twice as
/// many. Where it shows, the call was applied; where it does not, the words say what does.
/// Sending it again is left to whoever reads them: the number is an absolute one, and somebody
/// else may have wanted more meanwhile.
pub(super) async fn look(
    inner: &Arc<Inner>,
    before: &Observation,
    call: &Call,
    mut lost: Unapplied,
) -> Result<Receipt, Unapplied> {
    let Call::SetDesiredCapacity { pool, desired } = call else {
        return Err(lost);
    };
    let was = desired_of(before, pool);
    let sources = [SourceId::Scope(pool.scope.clone())];
    let mut seen = None;
    for n_looks in 1..=N_LOOKS {
        if inner.observe(Some(&sources)).await.is_empty() {
            seen = desired_of(&inner.snapshot.borrow().clone(), pool);
        }
        if seen == Some(*desired) {
            return Ok(Receipt {
                request_id: lost.request_id,
                message: Some(format!(
                    "its answer was lost, and the group wants {desired}"
                )),
                made: None,
            });
        }
        if seen.is_some() && seen != was {
            // Neither what was nor what was asked for: more looks tell no more.
            break;
        }
        if n_looks < N_LOOKS {
            tokio::time::sleep(inner.clock.sleep_for(PAUSE)).await;
        }
    }
    let name = &pool.name;
    let found = match seen {
        None => format!("what {name} wants now could not be read"),
        Some(seen) if Some(seen) == was => {
            format!("{name} still wants {seen}, so it seems not to have happened")
        }
        Some(seen) => format!("{name} wants {seen} now, which somebody else may have set"),
    };
    lost.failure.what = format!("{}; {found}", lost.failure.what);
    Err(lost)
}

fn desired_of(observation: &Observation, pool: &PoolKey) -> Option<u32> {
    let capacity = observation.fleet.pool(pool)?.capacity?;
    Some(capacity.desired)
}
