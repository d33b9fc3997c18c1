//! The board: the last good part of every source, joined into one observation.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::{
    Clock, Config, Doors, Event, Link, Snapshot, history::Trends, pricing::Stamps, quotes::Quotes,
};
use crate::{
    cost::Ledger,
    fleet::{
        Failure, Fleet, Observation, OwnSpend, Part, SourceHealth, SourceId, Timestamp,
        matches_wildcards,
    },
};

/// What a poller tells the board after each reading.
pub(super) struct Reading {
    pub(super) source: SourceId,
    pub(super) at: Timestamp,
    pub(super) outcome: Result<(Part, Vec<Failure>), Failure>,
    /// Requests that the door has sent since it was opened.
    pub(super) n_requests: u64,
    /// What of them AWS bills.
    pub(super) own_spend: OwnSpend,
    /// How soon the source is read again.
    pub(super) interval: Duration,
    /// Those who asked for this reading, told once it is on the board.
    pub(super) waiters: Vec<Waiter>,
}

/// Tells whoever asked for a reading how it went.
pub(super) type Waiter = oneshot::Sender<Result<(), Failure>>;

/// Readings further apart than this have a gap between them, in which nothing is counted.
const GAP_MIN: Duration = Duration::from_mins(5);

pub(super) struct Board {
    sources: BTreeMap<SourceId, Source>,
    links: Vec<Link>,
    stamps: Stamps,
    ledger: Ledger,
    /// When the ledger was begun.
    since: Option<Timestamp>,
    quotes: Quotes,
    clock: Clock,
    /// What the last day says; told with whatever is read next.
    trends: Trends,
    published: watch::Sender<Arc<Observation>>,
    every: Every,
}

/// Tells every observation, not only the newest: one that came and went may contradict those
/// around it.
pub(super) type Every = broadcast::Sender<Arc<Observation>>;

/// So many readings wait for a driver that is busy with a call; one that missed more knows that.
const N_UNSEEN_MAX: usize = 64;

struct Source {
    health: SourceHealth,
    part: Part,
    missing: Vec<Failure>,
    own_spend: OwnSpend,
    /// When and at which count the requests were sampled, over the last minute.
    samples: VecDeque<(Timestamp, u64)>,
}

impl Board {
    pub(super) fn new(
        doors: &Doors,
        config: &Config,
        clock: Clock,
        quotes: Quotes,
        trends: Trends,
    ) -> (Self, Snapshot, Every) {
        let mut sources = BTreeMap::new();
        for cloud in &doors.clouds {
            let scope = cloud.scope();
            let id = SourceId::Scope(scope.id.clone());
            let part = Part {
                scopes: vec![scope],
                ..Part::default()
            };
            sources.insert(id.clone(), Source::new(id, config.interval, part));
        }
        for ci in &doors.cis {
            let id = SourceId::Controller(ci.name());
            sources.insert(
                id.clone(),
                Source::new(id, config.interval, Part::default()),
            );
        }
        let (published, snapshot) = watch::channel(Arc::default());
        let every = Every::new(N_UNSEEN_MAX);
        let mut board = Self {
            sources,
            links: config.links.clone(),
            stamps: Stamps::default(),
            ledger: Ledger::new(GAP_MIN),
            since: None,
            quotes,
            clock,
            trends,
            published,
            every: every.clone(),
        };
        board.publish();
        (board, snapshot, every)
    }

    pub(super) fn n_sources(&self) -> usize {
        self.sources.len()
    }

    /// Takes readings until every poller has ended.
    pub(super) async fn run(
        mut self,
        mut readings: mpsc::Receiver<Reading>,
        events: mpsc::Sender<Event>,
    ) {
        let mut held: Option<Reading> = None;
        loop {
            let mut next = held.take();
            if next.is_none() {
                next = tokio::select! {
                    reading = readings.recv() => match reading {
                        Some(it) => Some(it),
                        None => return,
                    },
                    // New prices change what is shown, too.
                    Ok(()) = self.quotes.changed() => None,
                };
            }
            // Sources that were read together are joined once. A second reading of one is shown
            // by itself: the first may have shown a job.
            let (mut told, mut taken) = (Vec::new(), BTreeSet::new());
            while let Some(reading) = next {
                if !taken.insert(reading.source.clone()) {
                    held = Some(reading);
                    break;
                }
                told.extend(self.take(reading));
                next = readings.try_recv().ok();
            }
            let observation = self.publish();
            for (waiter, outcome) in told {
                // Whoever asked may have given up.
                let _ = waiter.send(outcome);
            }
            if events.send(Event::Observed(observation)).await.is_err() {
                return;
            }
        }
    }

    fn take(&mut self, reading: Reading) -> Vec<(Waiter, Result<(), Failure>)> {
        let Some(source) = self.sources.get_mut(&reading.source) else {
            return Vec::new();
        };
        source.health.interval = reading.interval;
        source.own_spend = reading.own_spend;
        source.count_requests(reading.at, reading.n_requests);
        let told = match reading.outcome {
            Ok((part, missing)) => {
                source.part = part;
                source.missing = missing;
                source.health.read_at = Some(reading.at);
                source.health.failure = None;
                Ok(())
            }
            // The last good part stays: rows are never wiped. What an agent
            // does is the exception, because old news of a job proves nothing.
            Err(failure) => {
                source.part = source.part.turned_unknown(&failure.what);
                source.health.failure = Some(failure.clone());
                Err(failure)
            }
        };
        let tell = |it| (it, told.clone());
        reading.waiters.into_iter().map(tell).collect()
    }

    fn publish(&mut self) -> Arc<Observation> {
        let mut linked: Vec<Part> = self
            .sources
            .values()
            .map(|it| self.link(&it.part))
            .collect();
        let quoted = self.quotes.borrow_and_update().clone();
        self.stamps.renew(&quoted.book);
        self.stamps.stamp(&mut linked);
        let mut fleet = Fleet::join(&linked);
        self.stamps.look_ahead(&mut fleet);
        // An agent that was joined once is not copied again at the next joining.
        let mut joined = fleet.executors.iter();
        for source in self.sources.values_mut() {
            for executor in &mut source.part.executors {
                if let Some(it) = joined.next() {
                    executor.clone_from(it);
                }
            }
        }
        let errors = self.sources.iter().flat_map(|(id, source)| {
            let failures = source.health.failure.iter().chain(&source.missing);
            failures.map(|it| (id.clone(), it.clone()))
        });
        fleet.trends = self.trends.borrow().clone();
        let at = self.clock.now();
        let spending = self.has_read().then(|| {
            self.ledger.read(&fleet, at);
            self.ledger.spending(*self.since.get_or_insert(at))
        });
        let observation = Arc::new(Observation {
            at,
            spending,
            fleet,
            sources: self.sources.values().map(|it| it.health.clone()).collect(),
            errors: errors.collect(),
            prices: quoted.state.clone(),
            own_spend: self.sources.values().map(|it| it.own_spend).sum(),
        });
        self.published.send_replace(observation.clone());
        // Nobody may be driving anything.
        let _ = self.every.send(observation.clone());
        observation
    }

    /// Returns whether any machines can have been seen by now.
    fn has_read(&self) -> bool {
        let mut sources = self.sources.values();
        sources.any(|it| it.health.read_at.is_some())
    }

    /// Ties the pools of a part to their controllers.
    fn link(&self, part: &Part) -> Part {
        let mut part = part.clone();
        for pool in &mut part.pools {
            let rule = self
                .links
                .iter()
                .find(|it| matches_wildcards(pool.name.as_str(), &it.pool));
            let Some(mut ci) = rule.map(|it| it.ci.clone()) else {
                continue;
            };
            if ci.label.is_empty() {
                ci.label = pool.name.to_string();
            }
            if pool.ci.as_ref() != Some(&ci) {
                Arc::make_mut(pool).ci = Some(ci);
            }
        }
        part
    }
}

impl Source {
    fn new(id: SourceId, interval: Duration, part: Part) -> Self {
        Self {
            health: SourceHealth::new(id, interval),
            part,
            missing: Vec::new(),
            own_spend: OwnSpend::default(),
            samples: VecDeque::new(),
        }
    }

    fn count_requests(&mut self, now: Timestamp, n_requests: u64) {
        const MINUTE: Duration = Duration::from_mins(1);
        self.samples.push_back((now, n_requests));
        // One sample from before the minute is kept, as the count to start from.
        while self.samples.len() > 1 && now.since(self.samples[1].0) > MINUTE {
            self.samples.pop_front();
        }
        let (since, first) = self.samples[0];
        // Before the first minute is over, everything since the start counts.
        let n_before = if now.since(since) >= MINUTE { first } else { 0 };
        self.health.n_calls_per_minute =
            u32::try_from(n_requests.saturating_sub(n_before)).unwrap_or(u32::MAX);
    }
}
