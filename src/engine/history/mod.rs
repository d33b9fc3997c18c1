//! The past: what was observed, kept in a database off the way of everything else.
//!
//! One thread has the database. Whoever writes never waits for it; whoever asks
//! waits for the answer, and the screen for nothing.

mod ask;
mod block;
mod boots;
mod bucket;
mod error;
mod events;
mod fill;
mod keeper;
mod operations;
mod price;
mod read;
mod roll;
mod rows;
mod sampler;
mod steps;
mod store;
mod tail;
mod tails;
mod total;
mod varint;
mod watch;
mod write;

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

pub use ask::PastQuery;
pub use error::HistoryError;
pub use fill::Filled;
pub use read::Whose;
pub use store::{Limits, Opened, Store};
pub use write::Kept;

use self::{
    fill::Asked,
    keeper::{Ask, Keeper},
    price::Settled,
};
pub(super) use self::{fill::fill, watch::Trends};
use super::{Clock, Config, Event, Snapshot};
use crate::fleet::{Past, PoolKey, Tale, Timestamp, Trend};

/// Whether the past is kept, and where.
#[derive(Clone, Debug, Default)]
pub enum Keeping {
    /// Nothing is kept, and there is no past.
    #[default]
    Off,
    /// In memory, until the engine stops; it begins with a past that is told.
    Memory(Tale),
    /// In the state directory, as much of it as this.
    StateDirectory(Limits),
}

/// A way to ask the thread that has the database.
#[derive(Clone, Debug)]
pub(super) struct Historian {
    /// `None` when nothing is kept.
    asks: Option<mpsc::SyncSender<Ask>>,
    asked: Arc<Asked>,
    settled: Arc<Settled>,
}

/// CloudWatch is behind by this much, and so is a sample.
const RECENT: Duration = Duration::from_mins(10);
/// Observations and questions that wait for the disk; an observation more is a gap.
const N_ASKS_MAX: usize = 64;

impl Historian {
    /// Starts the thread, which ends when the last of these and the fleet's watcher are gone.
    pub(super) fn start(
        config: &Config,
        clock: &Clock,
        snapshot: &Snapshot,
        events: &tokio::sync::mpsc::Sender<Event>,
        trends: tokio::sync::watch::Sender<Arc<Vec<Trend>>>,
    ) -> Self {
        if matches!(config.history, Keeping::Off) {
            return Self::none();
        }
        let (asks, asks_rx) = mpsc::sync_channel(N_ASKS_MAX);
        let keeper = Keeper {
            keeping: config.history.clone(),
            state_dir: config.state_dir.clone(),
            holder: holder(&config.actor.host),
            interval: config.interval,
            clock: clock.clone(),
            events: events.clone(),
            trends,
        };
        let thread = thread::Builder::new().name("history".to_owned());
        if let Err(error) = thread.spawn(move || keeper.run(&asks_rx)) {
            tracing::warn!(%error, "no history is kept: no thread can be started");
            return Self::none();
        }
        let (mut snapshot, observed) = (snapshot.clone(), asks.clone());
        // Ends with the board.
        let task = async move {
            while snapshot.changed().await.is_ok() {
                let observation = snapshot.borrow_and_update().clone();
                // A disk that is behind by so much leaves a gap.
                let _ = observed.try_send(Ask::Observed(observation));
            }
        };
        super::watched("history", task, events);
        Self {
            asks: Some(asks),
            asked: Arc::default(),
            settled: Arc::default(),
        }
    }

    fn none() -> Self {
        Self {
            asks: None,
            asked: Arc::default(),
            settled: Arc::default(),
        }
    }

    /// Tells the thread something; a full queue is waited for, but not by the thread that draws.
    async fn tell(&self, ask: Ask) {
        if let Some(asks) = self.asks.clone() {
            // A thread that is gone has said so in the log.
            let _ = tokio::task::spawn_blocking(move || asks.send(ask)).await;
        }
    }

    /// Lists the pools of which anything is kept.
    pub(super) async fn pools(&self, whose: Whose) -> Vec<PoolKey> {
        let (reply, answer) = oneshot::channel();
        self.tell(Ask::Pools(whose, reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Returns whether CloudWatch should be asked for what is missing, and notes that it is.
    ///
    /// `pools` are those that the past is of. What CloudWatch never knows, such as money,
    /// is no reason to ask it.
    pub(super) fn should_fill(&self, past: &Past, pools: &[PoolKey], now: Timestamp) -> bool {
        let mut askable = past.series.iter().filter(|it| fill::is_known(it.metric));
        let has_gap = askable.any(|it| {
            let is_old = |at: Timestamp| RECENT < now.since(at);
            it.points
                .iter()
                .any(|it| it.value.is_none() && is_old(it.at))
        });
        // Each is noted, whatever the others are.
        let begin = |is_new, pool| self.asked.begin(pool, past.span, now) | is_new;
        self.asks.is_some() && has_gap && pools.iter().fold(false, begin)
    }

    /// Answers a question about the past.
    pub(super) async fn past(&self, query: PastQuery, whose: Whose) -> Past {
        let mut unseen = query.unseen();
        if self.asks.is_none() {
            unseen.notes.push("no history is kept".to_owned());
            return unseen;
        }
        let (reply, answer) = oneshot::channel();
        self.tell(Ask::Past {
            query,
            whose,
            reply,
        })
        .await;
        answer.await.unwrap_or_else(|_| {
            let what = "the history broke down; the log says more";
            unseen.notes.push(what.to_owned());
            unseen.failure = Some(what.to_owned());
            unseen
        })
    }
}

/// Returns a name for this process that no other has.
fn holder(host: &str) -> String {
    let nonce = fastrand::u32(..);
    format!("{host} {} {nonce:08x}", std::process::id())
}
