//! What an observation means, worked out once for each and not once for each frame.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use crate::{
    cost,
    fleet::{
        Finding, FindingKind, Fleet, Observation, PoolKey, PoolRow, Split, Stray, Timestamp,
        Waiting, doctor, strays, waiting,
    },
};

/// What a reading shows beyond its rows, found when a screen first wants it.
#[derive(Debug, Default)]
pub struct Findings {
    observation: Arc<Observation>,
    waiting: OnceLock<Vec<Waiting>>,
    strays: OnceLock<Vec<Stray>>,
    diagnosis: OnceLock<Vec<Finding>>,
    spending: OnceLock<Spending>,
}

/// What the machines cost per hour now, by what they do.
#[derive(Clone, Debug, Default)]
pub struct Spending {
    /// Those of no pool included.
    pub all: Split,
    pub pools: BTreeMap<PoolKey, Split>,
}

impl Findings {
    pub(super) fn of(observation: Arc<Observation>) -> Self {
        Self {
            observation,
            ..Self::default()
        }
    }

    /// Returns what the pools wait for.
    pub fn waiting(&self) -> &[Waiting] {
        self.waiting
            .get_or_init(|| waiting(&self.observation.fleet, self.observation.at))
    }

    /// Returns where EC2 and the controllers disagree.
    pub fn strays(&self) -> &[Stray] {
        let it = &self.observation;
        self.strays.get_or_init(|| strays(&it.fleet, it.at))
    }

    /// Returns what is wrong with the pools.
    pub fn diagnosis(&self) -> &[Finding] {
        self.diagnosis.get_or_init(|| doctor(&self.observation))
    }

    /// Returns the finding that a row stands for.
    pub fn finding(
        &self,
        kind: FindingKind,
        pool: Option<&PoolKey>,
        nth: usize,
    ) -> Option<&Finding> {
        let is_same = |it: &&Finding| it.kind == kind && it.pool.as_ref() == pool;
        self.diagnosis().iter().filter(is_same).nth(nth)
    }

    /// Returns what everything costs.
    pub fn spending(&self) -> &Spending {
        let (fleet, at) = (&self.observation.fleet, self.observation.at);
        let split = |key: &PoolKey| (key.clone(), cost::split(fleet, key, at));
        self.spending.get_or_init(|| Spending {
            all: cost::split_all(fleet, at),
            pools: fleet.pools.keys().map(split).collect(),
        })
    }
}

/// What the members and agents of the pools add up to, for the pools that were on the screen.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pools: BTreeMap<PoolKey, PoolFigures>,
}

#[derive(Clone, Copy, Debug)]
struct PoolFigures {
    n_executors: u32,
    n_busy: u32,
    n_idle: u32,
    n_queued: Option<u32>,
    n_outdated: u32,
    is_work_known: bool,
    split: Split,
}

impl Figures {
    /// Forgets everything: there is a new observation.
    pub(super) fn clear(&mut self) {
        self.pools.clear();
    }

    /// Adds a pool up, if that was not done yet.
    pub(super) fn add(&mut self, fleet: &Fleet, key: &PoolKey, now: Timestamp) {
        if self.pools.contains_key(key) {
            return;
        }
        if let Some(pool) = fleet.pool(key) {
            let row = PoolRow::new(fleet, pool);
            let figures = PoolFigures {
                n_executors: row.n_executors,
                n_busy: row.n_busy,
                n_idle: row.n_idle,
                n_queued: row.n_queued,
                n_outdated: row.n_outdated,
                is_work_known: row.is_work_known,
                split: row.split(now),
            };
            self.pools.insert(key.clone(), figures);
        }
    }

    /// Returns the row of a pool, without adding it up again.
    pub fn row<'a>(&self, fleet: &'a Fleet, key: &PoolKey) -> Option<PoolRow<'a>> {
        let pool = fleet.pool(key)?;
        let Some(figures) = self.pools.get(key) else {
            return Some(PoolRow::new(fleet, pool));
        };
        Some(PoolRow {
            pool,
            roster: fleet.roster(key),
            fleet,
            scope: fleet.scope(&key.scope),
            n_executors: figures.n_executors,
            n_busy: figures.n_busy,
            n_idle: figures.n_idle,
            n_queued: figures.n_queued,
            n_outdated: figures.n_outdated,
            is_work_known: figures.is_work_known,
            known_split: Some(figures.split),
        })
    }
}
