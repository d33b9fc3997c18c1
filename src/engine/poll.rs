//! One poller per source: one reading in flight, "now" requests coalesce.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::sync::mpsc;

use super::{
    Clock, Config, Doors, Event,
    board::{self, Waiter},
    panic_message, watched,
};
use crate::{
    ci::SharedCi,
    cloud::SharedCloud,
    fleet::{
        ControllerName, Failure, FailureKind, Identity, OwnSpend, Part, Phase, ScopeId, SourceId,
        Timestamp,
    },
};

/// A reading that takes longer than this counts as no answer.
const READING_MAX: Duration = Duration::from_secs(30);
/// The longest pause between two tries, whatever went wrong.
const BACK_OFF_MAX: Duration = Duration::from_mins(2);
/// The shortest pause while instances are in motion.
const INTERVAL_MIN: Duration = Duration::from_secs(2);
/// Who we are is proven again this often: a profile can change its meaning.
const IDENTITY_MAX_AGE: Duration = Duration::from_mins(5);
/// Requests that wait while a reading is made; all are served by the next one.
const N_REQUESTS_MAX: usize = 64;

/// Asks one poller for a reading that begins after the request was made.
pub(super) struct Request {
    pub(super) reply: Option<Waiter>,
}

/// A way to ask the poller of one source.
#[derive(Clone, Debug)]
pub(super) struct Poller {
    pub(super) source: SourceId,
    pub(super) requests: mpsc::Sender<Request>,
}

/// Starts a task for each source; each ends when its `Poller`s are dropped.
pub(super) fn start(
    doors: &Doors,
    config: &Config,
    clock: &Clock,
    board: &mpsc::Sender<board::Reading>,
    events: &mpsc::Sender<Event>,
) -> Vec<Poller> {
    let clouds = doors.clouds.iter().map(|it| Door::Cloud {
        scope: it.scope().id,
        cloud: it.clone(),
        identity: None,
    });
    let cis = doors.cis.iter().map(|it| Door::Ci {
        name: it.name(),
        ci: it.clone(),
    });
    clouds
        .chain(cis)
        .map(|door| {
            let (requests, requests_rx) = mpsc::channel(N_REQUESTS_MAX);
            let source = door.source();
            let task = Task {
                door,
                interval: config.interval,
                n_failures: 0,
                clock: clock.clone(),
                board: board.clone(),
            };
            watched(format!("poll {source}"), task.run(requests_rx), events);
            Poller { source, requests }
        })
        .collect()
}

enum Door {
    Cloud {
        scope: ScopeId,
        cloud: SharedCloud,
        /// Proven, and when.
        identity: Option<(Identity, Timestamp)>,
    },
    Ci {
        name: ControllerName,
        ci: SharedCi,
    },
}

struct Task {
    door: Door,
    interval: Duration,
    n_failures: u32,
    clock: Clock,
    board: mpsc::Sender<board::Reading>,
}

impl Task {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut waiters = Vec::new();
        loop {
            // Whoever asked before the reading begins is served by it.
            while let Ok(request) = requests.try_recv() {
                waiters.extend(request.reply);
            }
            let (reading, pause) = self.read(std::mem::take(&mut waiters)).await;
            if self.board.send(reading).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(self.clock.sleep_for(pause)) => {}
                request = requests.recv() => match request {
                    Some(request) => waiters.extend(request.reply),
                    None => return,
                },
            }
        }
    }

    async fn read(&mut self, waiters: Vec<Waiter>) -> (board::Reading, Duration) {
        let began = self.clock.now();
        let answer = self.observe(began).await;
        let (outcome, pause) = match answer {
            Ok((part, missing)) => {
                let is_throttled = |it: &Failure| it.kind == FailureKind::Throttled;
                let pause = if missing.iter().any(is_throttled) {
                    self.back_off()
                } else {
                    self.n_failures = 0;
                    self.pause_after(&part)
                };
                let retry_at = self.clock.now() + pause;
                let missing = missing.into_iter().map(|it| tried_again(it, retry_at));
                (Ok((part, missing.collect())), pause)
            }
            Err(failed) => {
                tracing::warn!(source = %self.door.source(), why = failed.what, "a reading failed");
                // A source that says when to come back is taken at its word.
                let pause = self.back_off().max(failed.retry_in.unwrap_or_default());
                let now = self.clock.now();
                let failure = Failure {
                    kind: failed.kind,
                    what: failed.what,
                    at: now,
                    retry_at: Some(now + pause),
                };
                (Err(failure), pause)
            }
        };
        let reading = board::Reading {
            source: self.door.source(),
            at: began,
            outcome,
            n_requests: self.door.n_requests(),
            own_spend: self.door.own_spend(),
            interval: pause,
            waiters,
        };
        (reading, pause)
    }

    /// Reads the door; an answer that does not come, or a panic on the way, is a failure like any other.
    async fn observe(&mut self, now: Timestamp) -> Result<(Part, Vec<Failure>), Failed> {
        let source = self.door.source();
        let failed = |what| Failed {
            kind: FailureKind::Unknown,
            what,
            retry_in: None,
        };
        // What a panic may leave behind is a door's cache; the next reading replaces it.
        let reading = AssertUnwindSafe(self.door.observe(now)).catch_unwind();
        match tokio::time::timeout(READING_MAX, reading).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => {
                let why = panic_message(panic.as_ref());
                Err(failed(format!(
                    "the reading of {source} broke: {why}; please report this"
                )))
            }
            Err(_) => {
                let seconds = READING_MAX.as_secs();
                Err(failed(format!(
                    "{source} did not answer within {seconds} s"
                )))
            }
        }
    }

    /// Reads twice as often while instances come or go.
    fn pause_after(&self, part: &Part) -> Duration {
        let is_moving = part.instances.iter().any(|it| {
            matches!(
                it.phase(),
                Phase::Pending | Phase::PendingWait | Phase::Terminating | Phase::TerminatingWait
            )
        });
        if is_moving {
            (self.interval / 2).max(INTERVAL_MIN).min(self.interval)
        } else {
            self.interval
        }
    }

    /// Doubles the pause with each failure, and spreads the consoles of one account apart.
    fn back_off(&mut self) -> Duration {
        self.n_failures = (self.n_failures + 1).min(6);
        let doubled = self.interval.saturating_mul(1 << self.n_failures);
        let longest = doubled.min(BACK_OFF_MAX).max(self.interval);
        self.interval
            + longest
                .saturating_sub(self.interval)
                .mul_f64(fastrand::f64())
    }
}

/// Only an operator mends a denial; everything else is read again at the next turn.
fn tried_again(mut failure: Failure, at: Timestamp) -> Failure {
    if failure.kind != FailureKind::Denied {
        failure.retry_at = failure.retry_at.or(Some(at));
    }
    failure
}

struct Failed {
    kind: FailureKind,
    what: String,
    retry_in: Option<Duration>,
}

impl From<crate::cloud::Error> for Failed {
    fn from(error: crate::cloud::Error) -> Self {
        Self {
            kind: error.kind,
            what: error.what,
            retry_in: None,
        }
    }
}

impl From<crate::ci::Error> for Failed {
    fn from(error: crate::ci::Error) -> Self {
        Self {
            kind: error.kind,
            what: error.what,
            retry_in: error.retry_in,
        }
    }
}

impl Door {
    fn source(&self) -> SourceId {
        match self {
            Self::Cloud { scope, .. } => SourceId::Scope(scope.clone()),
            Self::Ci { name, .. } => SourceId::Controller(name.clone()),
        }
    }

    fn own_spend(&self) -> OwnSpend {
        match self {
            Self::Cloud { cloud, .. } => cloud.own_spend(),
            Self::Ci { .. } => OwnSpend::default(),
        }
    }

    fn n_requests(&self) -> u64 {
        match self {
            Self::Cloud { cloud, .. } => cloud.n_requests(),
            Self::Ci { ci, .. } => ci.n_requests(),
        }
    }

    async fn observe(&mut self, now: Timestamp) -> Result<(Part, Vec<Failure>), Failed> {
        match self {
            Self::Cloud {
                cloud, identity, ..
            } => {
                // At once, because each is a journey; neither is believed without the other.
                let (identity, reading) =
                    tokio::join!(identify(cloud, identity, now), cloud.observe(now));
                let (identity, reading) = (identity?, reading?);
                let mut part = reading.part;
                let mut scope = cloud.scope();
                scope.identity = Some(identity);
                part.scopes = vec![scope];
                Ok((part, reading.missing))
            }
            Self::Ci { ci, .. } => {
                let reading = ci.observe(now).await?;
                Ok((reading.part, reading.missing))
            }
        }
    }
}

/// Proves who we are before any row is believed, and again every few minutes.
async fn identify(
    cloud: &SharedCloud,
    known: &mut Option<(Identity, Timestamp)>,
    now: Timestamp,
) -> Result<Identity, Failed> {
    if let Some((identity, at)) = known
        && now.since(*at) < IDENTITY_MAX_AGE
        && identity.expires_at.is_none_or(|it| now < it)
    {
        return Ok(identity.clone());
    }
    *known = None;
    let identity = cloud.identify().await?;
    *known = Some((identity.clone(), now));
    Ok(identity)
}
