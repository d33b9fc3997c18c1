//! The activities of named pools: a reading of a whole scope holds only the latest of each.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Error, Session,
    session::{self, Sight},
};
use crate::{
    engine::Event,
    fleet::{Activity, PoolKey, PoolKind, SourceId},
};

/// Reads the activities of these pools, newest first; what cannot be read is noted in `sight`.
pub(super) async fn fetch(
    session: &mut Session<'_>,
    sight: &mut Sight,
    pools: BTreeSet<PoolKey>,
) -> Result<Vec<Arc<Activity>>, Error> {
    let is_group = |it: &PoolKey| {
        let pool = sight.observation.fleet.pool(it);
        pool.is_some_and(|it| it.kind == PoolKind::Group)
    };
    let mut awaited: BTreeSet<PoolKey> = pools.into_iter().filter(is_group).collect();
    for key in &awaited {
        session.handle.fetch_activities(key.clone());
    }
    let mut found: Vec<Arc<Activity>> = Vec::new();
    while !awaited.is_empty() {
        match session.events.recv().await {
            Some(Event::Activities { pool, result }) => {
                awaited.remove(&pool);
                match result {
                    Ok(activities) => found.extend(activities.into_iter().map(Arc::new)),
                    Err(failure) => {
                        let source = SourceId::Scope(pool.scope);
                        sight.failures.push((source, failure));
                    }
                }
            }
            other => session::hear(other, session.printer)?,
        }
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.started_at));
    Ok(found)
}
