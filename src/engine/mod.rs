//! The doer: every task, channel, retry, sleep and file write of pooldeck.
//!
//! It polls the doors, joins what they saw, makes the calls of a plan, and
//! tells the front end by events. It never decides what an action does.

mod adopt;
mod apply;
mod audit;
mod bills;
mod board;
mod clock;
mod detach;
mod drive;
mod execute;
mod explained;
mod follow;
mod handle;
mod history;
mod journal;
mod kept_prices;
mod operations;
mod poll;
mod pricing;
mod quotes;
mod row;
mod speed;
mod unanswered;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

pub use audit::{AuditEvent, AuditRecord};
pub use bills::BillFile;
pub use clock::Clock;
pub use detach::{DETACHED, Detach, Program};
pub use drive::OperationView;
pub use execute::{Consent, Outcome, Progress, Submission, SubmissionId};
pub use explained::Explained;
pub use follow::{Launch, LaunchState};
pub use handle::Handle;
pub use history::{Filled, HistoryError, Keeping, Kept, Limits, Opened, PastQuery, Store, Whose};
pub use journal::{OperationError, forget_resting};
pub use operations::Verdict;
pub use quotes::{Asking, Pricing, Wanted};
pub use row::{OperationRow, operations_in_the_way};

use crate::{
    action::Policy,
    ci::SharedCi,
    cloud::SharedCloud,
    fleet::{
        Activity, CiLink, ConsoleOutput, Failure, InstanceId, Namespace, Observation, Past, PoolKey,
    },
};

/// Everything that can be read from and written to.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    pub clouds: Vec<SharedCloud>,
    pub cis: Vec<SharedCi>,
}

/// What the engine is told once, at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often a source is read when nothing is in motion.
    pub interval: Duration,
    pub policy: Policy,
    /// Which pools a controller serves; the first that matches wins.
    pub links: Vec<Link>,
    pub pricing: Pricing,
    /// The state directory, for the audit log; without one no call is made.
    pub state_dir: Option<PathBuf>,
    pub actor: Actor,
    /// Whether the past is kept, and where.
    pub history: Keeping,
    /// Where executors' numbers are published to, and read back from.
    pub namespace: Namespace,
    /// How an operation goes on when this process ends.
    pub detach: Detach,
}

/// A rule that ties pools to a CI controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// A pool's name; `*` stands for any text.
    pub pool: String,
    /// An empty label is the pool's own name.
    pub ci: CiLink,
}

/// Who acts, for the audit log and for notes that others read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    pub user: String,
    pub host: String,
}

/// What the front end hears.
#[derive(Clone, Debug)]
pub enum Event {
    /// A source was read, or failed to be.
    Observed(Arc<Observation>),
    Submission {
        id: SubmissionId,
        progress: Progress,
    },
    Console {
        instance: InstanceId,
        result: Result<ConsoleOutput, Failure>,
    },
    Activities {
        pool: PoolKey,
        result: Result<Vec<Activity>, Failure>,
    },
    /// A long operation went on, or waits for something else.
    Operation(Arc<OperationView>),
    /// Every operation that this host knows, and the journals that cannot be read.
    Operations {
        views: Vec<OperationView>,
        errors: Vec<String>,
    },
    /// What is known of a span of time, as it was asked for.
    Past(Arc<Past>),
    /// Something is not as it should be, and the rest goes on.
    Warning(String),
    /// A task of the engine ended in a panic; the rest goes on.
    TaskLost { task: String, why: String },
}

/// The front end draws at most once for any number of queued events, so the
/// bound only has to cover what the doors can say while one frame is drawn.
const N_EVENTS_MAX: usize = 256;

/// Starts every task. They end when the last `Handle` is dropped.
pub fn start(doors: Doors, config: Config, clock: Clock) -> (Handle, mpsc::Receiver<Event>) {
    let (events, events_rx) = mpsc::channel(N_EVENTS_MAX);
    let (prices, asker, quotes) = quotes::Reader::new(&doors, &config.pricing, &clock);
    let (trends, told) = watch::channel(Arc::default());
    let (board, snapshot, every) = board::Board::new(&doors, &config, clock.clone(), quotes, told);
    watched("prices", prices.run(snapshot.clone()), &events);
    let historian = history::Historian::start(&config, &clock, &snapshot, &events, trends);
    // Two readings for each source can wait at once: the one made and the next.
    let (readings, readings_rx) = mpsc::channel(board.n_sources().max(1) * 2);
    watched("board", board.run(readings_rx, events.clone()), &events);
    let pollers = poll::start(&doors, &config, &clock, &readings, &events);
    let tasks = handle::Tasks {
        pollers,
        prices: asker,
        historian,
        every,
    };
    let handle = Handle::new(doors, config, clock, tasks, snapshot, events);
    (handle, events_rx)
}

/// Spawns a task whose panic becomes an event instead of silence.
fn watched(
    name: impl Into<String>,
    task: impl Future<Output = ()> + Send + 'static,
    events: &mpsc::Sender<Event>,
) {
    let (name, events) = (name.into(), events.clone());
    let joined = tokio::spawn(task);
    // Ends with the task that it watches.
    tokio::spawn(async move {
        if let Err(error) = joined.await
            && error.is_panic()
        {
            let why = panic_message(error.into_panic().as_ref());
            tracing::error!(task = name, why, "a task panicked");
            // A front end that is gone needs no news.
            let _ = events.send(Event::TaskLost { task: name, why }).await;
        }
    });
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

/// The joined fleet as last seen; every task may read it at any time.
type Snapshot = watch::Receiver<Arc<Observation>>;
