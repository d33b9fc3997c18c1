//! The past: what was observed, kept in a database off the way of everything else.
//!
//! One thread has the database. Whoever writes never waits for it; whoever asks
//! waits for the answer, and the screen for nothing.

mod ask;
mod block;
mod boots;
mod bucket;
mod error;
mod keeper;
mod operations;
mod read;
mod roll;
mod rows;
mod sampler;
mod store;
mod tail;
mod total;
mod varint;
mod write;

use std::{
    sync::{Arc, mpsc},
    thread,
};

use tokio::sync::oneshot;

pub use ask::PastQuery;
pub use error::HistoryError;
pub use read::Whose;
pub use store::{Limits, Opened, Store};
pub use write::Kept;

use self::keeper::{Ask, Keeper};
use super::{Clock, Config, Event, Snapshot};
use crate::fleet::{Chronicle, Past};

/// Whether the past is kept, and where.
#[derive(Clone, Debug, Default)]
pub enum Keeping {
    /// Nothing is kept, and there is no past.
    #[default]
    Off,
    /// In memory, until the engine stops; it begins with a past that is told.
    Memory(Arc<Chronicle>),
    /// In the state directory.
    StateDirectory,
}

/// A way to ask the thread that has the database.
#[derive(Clone, Debug)]
pub(super) struct Historian {
    /// `None` when nothing is kept.
    asks: Option<mpsc::SyncSender<Ask>>,
}

/// Observations and questions that wait for the disk; an observation more is a gap.
const N_ASKS_MAX: usize = 64;

impl Historian {
    /// Starts the thread, which ends when the last of these and the fleet's watcher are gone.
    pub(super) fn start(
        config: &Config,
        clock: &Clock,
        snapshot: &Snapshot,
        events: &tokio::sync::mpsc::Sender<Event>,
    ) -> Self {
        if matches!(config.history, Keeping::Off) {
            return Self { asks: None };
        }
        let (asks, asks_rx) = mpsc::sync_channel(N_ASKS_MAX);
        let keeper = Keeper {
            keeping: config.history.clone(),
            limits: Limits::default(),
            state_dir: config.state_dir.clone(),
            holder: holder(&config.actor.host),
            interval: config.interval,
            clock: clock.clone(),
            events: events.clone(),
        };
        let thread = thread::Builder::new().name("history".to_owned());
        if let Err(error) = thread.spawn(move || keeper.run(&asks_rx)) {
            tracing::warn!(%error, "no history is kept: no thread can be started");
            return Self { asks: None };
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
        Self { asks: Some(asks) }
    }

    /// Answers a question about the past.
    pub(super) async fn past(&self, query: PastQuery, whose: Whose) -> Past {
        let mut unseen = query.unseen();
        let Some(asks) = self.asks.clone() else {
            unseen.notes.push("no history is kept".to_owned());
            return unseen;
        };
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Past {
            query,
            whose,
            reply,
        };
        // A full queue is waited for, but not by the thread that draws.
        let _ = tokio::task::spawn_blocking(move || asks.send(ask)).await;
        answer.await.unwrap_or_else(|_| {
            unseen
                .notes
                .push("the history broke down; the log says more".to_owned());
            unseen
        })
    }
}

/// Returns a name for this process that no other has.
fn holder(host: &str) -> String {
    let nonce = fastrand::u32(..);
    format!("{host} {} {nonce:08x}", std::process::id())
}
