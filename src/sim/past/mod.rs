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
    Chronicle, Marker, MarkerKind, Metric, PoolKey, PoolName, Sample, ScopeId, Timestamp, Values,
};

/// How far back the past goes.
const LENGTH: Duration = Duration::from_hours(8 * 24);
/// Older than this it is told in long steps.
const FINE: Duration = Duration::from_hours(2);
const LONG_STEP: Duration = Duration::from_mins(10);
const SHORT_STEP: Duration = Duration::from_secs(15);

/// What the past is told from; it knows the world as it was when the demo began.
pub struct Teller {
    seed: u64,
    until: Timestamp,
    regions: Vec<PastRegion>,
    /// The pool that operators worked on.
    operated: Option<PoolKey>,
}

struct PastRegion {
    scope: ScopeId,
    account: String,
    pools: Vec<PastPool>,
}

impl Teller {
    pub fn new(world: &World, seed: u64, until: Timestamp) -> Self {
        let regions = world.regions.values().map(|region| {
            let scope = &region.scope;
            let pools = world.groups().filter(|it| it.row.scope == scope.id);
            PastRegion {
                scope: scope.id.clone(),
                account: region.account.clone(),
                pools: pools
                    .map(|it| PastPool::new(it, &scope.region, seed, until))
                    .collect(),
            }
        });
        Self {
            seed,
            until,
            regions: regions.collect(),
            operated: world.groups().next().map(|it| it.row.key()),
        }
    }

    /// Tells the past of every pool, up to before the first reading.
    pub fn tell(&self) -> Chronicle {
        let mut chronicle = Chronicle::default();
        let mut rng = Rng::with_seed(self.seed);
        for region in &self.regions {
            for (at, good_for) in times(self.until) {
                if !was_away(at, self.until) {
                    let sample = region.sample(at, good_for, self.until);
                    chronicle.samples.push(sample);
                }
            }
            for pool in &region.pools {
                pool.tell_events(&mut chronicle, &mut rng, self.until);
            }
        }
        chronicle.samples.sort_by_key(|it| it.at);
        let operations = self
            .operated
            .iter()
            .flat_map(|it| operations(it, self.until));
        chronicle.markers.extend(operations);
        chronicle.markers.sort_by_key(|it| it.at);
        chronicle
    }
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

impl PastRegion {
    fn sample(&self, at: Timestamp, good_for: Duration, until: Timestamp) -> Sample {
        let values = self.pools.iter().map(|pool| {
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
            scope: self.scope.clone(),
            account: self.account.clone(),
            good_for,
            pools: values.collect(),
            total: Values::UNKNOWN,
        };
        sample.totalled(|name: &PoolName, metric| {
            let pool = self.pools.iter().find(|it| it.name() == name);
            pool.is_some_and(|it| it.has(metric))
        })
    }
}

/// What operators did: one drain a working day, in the morning.
fn operations(pool: &PoolKey, until: Timestamp) -> impl Iterator<Item = Marker> {
    let days = [1_u32, 3, 4, 5];
    days.into_iter().flat_map(move |day| {
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
    })
}
