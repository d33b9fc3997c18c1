//! What happened before the demo began: a plausible week that ends in the
//! world as it is. A function of the seed and the time, so that it can be told
//! as finely as anybody likes.

mod load;
mod pool;

use std::time::Duration;

use fastrand::Rng;

use self::pool::PastPool;
use super::world::World;
use crate::fleet::{
    Chronicle, Marker, MarkerKind, Metric, PoolName, Sample, ScopeId, Timestamp, Values,
};

/// How far back the past goes.
const LENGTH: Duration = Duration::from_hours(8 * 24);
/// Older than this it is told in long steps.
const FINE: Duration = Duration::from_hours(2);
const LONG_STEP: Duration = Duration::from_mins(10);
const SHORT_STEP: Duration = Duration::from_secs(15);

/// Tells the past of every pool of a world, up to before its first reading.
pub fn past(world: &World, seed: u64, until: Timestamp) -> Chronicle {
    let mut chronicle = Chronicle::default();
    let mut rng = Rng::with_seed(seed);
    for region in world.regions.values() {
        let scope = &region.scope;
        let pools = world.groups().filter(|it| it.row.scope == scope.id);
        let pools: Vec<PastPool> = pools
            .map(|it| PastPool::new(it, &scope.region, seed, until))
            .collect();
        for (at, good_for) in times(until) {
            if !was_away(at, until) {
                chronicle.samples.push(sample(
                    &scope.id,
                    &region.account,
                    &pools,
                    at,
                    good_for,
                    until,
                ));
            }
        }
        for pool in &pools {
            pool.tell_events(&mut chronicle, &mut rng, until);
        }
    }
    chronicle.samples.sort_by_key(|it| it.at);
    chronicle.markers.extend(operations(world, until));
    chronicle.markers.sort_by_key(|it| it.at);
    chronicle
}

fn times(until: Timestamp) -> impl Iterator<Item = (Timestamp, Duration)> {
    let every = |from: Timestamp, until: Timestamp, step: Duration| {
        let n = until.since(from).as_secs() / step.as_secs();
        (0..n).map(move |it| from + Duration::from_secs(step.as_secs() * it))
    };
    let fine_from = until - FINE;
    let long = every(until - LENGTH, fine_from, LONG_STEP).map(|it| (it, LONG_STEP));
    // As long as a live sample stands for.
    let short = every(fine_from, until, SHORT_STEP).map(|it| (it, SHORT_STEP * 3));
    long.chain(short)
}

/// The console was closed for a night: nobody looked, so nobody knows.
fn was_away(at: Timestamp, until: Timestamp) -> bool {
    let ago = until.since(at);
    (Duration::from_hours(54)..Duration::from_hours(59)).contains(&ago)
}

/// A controller did not answer for a while, yesterday.
fn was_silent(at: Timestamp, until: Timestamp) -> bool {
    let ago = until.since(at);
    (Duration::from_hours(22)..Duration::from_mins(22 * 60 + 50)).contains(&ago)
}

fn sample(
    scope: &ScopeId,
    account: &str,
    pools: &[PastPool],
    at: Timestamp,
    good_for: Duration,
    until: Timestamp,
) -> Sample {
    let values = pools.iter().map(|pool| {
        let mut values = pool.values(at);
        if was_silent(at, until) {
            for metric in Metric::ALL.iter().filter(|it| it.is_of_controller()) {
                values.set(*metric, None);
            }
        }
        (pool.name().clone(), values)
    });
    let sample = Sample {
        at,
        scope: scope.clone(),
        account: account.to_owned(),
        good_for,
        pools: values.collect(),
        total: Values::UNKNOWN,
    };
    sample.totalled(|name: &PoolName, metric| {
        let pool = pools.iter().find(|it| it.name() == name);
        pool.is_some_and(|it| it.has(metric))
    })
}

/// What operators did: one drain a working day, in the morning.
fn operations(world: &World, until: Timestamp) -> Vec<Marker> {
    let Some(group) = world.groups().next() else {
        return Vec::new();
    };
    let pool = group.row.key();
    let days = [1_u32, 3, 4, 5];
    let marks = days.into_iter().flat_map(|day| {
        let began = until - Duration::from_hours(24) * day + Duration::from_mins(35);
        let marker = |at, what: String| Marker {
            at,
            pool: Some(pool.clone()),
            kind: MarkerKind::Operation,
            what,
        };
        [
            marker(
                began,
                format!("ada@bastion began: drain 2 of {}", pool.name),
            ),
            marker(
                began + Duration::from_mins(23),
                format!("drain of {} ended", pool.name),
            ),
        ]
    });
    marks.collect()
}
