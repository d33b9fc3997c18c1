//! A clonable way to ask the engine. Asking never waits for AWS.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Clock, Config, Doors, Event, Outcome, PastQuery, Snapshot, Submission, SubmissionId, Whose,
    board::Every,
    execute::Execution,
    history::{self, Filled, Historian},
    poll::{Poller, Request},
    quotes::{Asker, Wanted},
    watched,
};
use crate::{
    action::{self, Refusal},
    cloud::{self, SharedCloud},
    fleet::{
        Datum, Failure, FailureKind, Fleet, InstanceId, Lookup, Namespace, Observation, Past,
        PoolKey, Scope, ScopeId, SourceId, Span,
    },
    operation::OperationId,
};

#[derive(Clone, Debug)]
pub struct Handle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) doors: Doors,
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) snapshot: Snapshot,
    pub(super) every: Every,
    pub(super) historian: Historian,
    events: mpsc::Sender<Event>,
    pollers: Vec<Poller>,
    prices: Asker,
    n_submitted: AtomicU64,
    n_in_flight: AtomicUsize,
    /// The operations whose drivers run in this process.
    pub(super) driven: watch::Sender<BTreeSet<OperationId>>,
    /// Set once: every driver stops where that is safe.
    pub(super) stopping: watch::Sender<bool>,
}

/// The tasks that can be asked.
pub(super) struct Tasks {
    pub(super) pollers: Vec<Poller>,
    pub(super) prices: Asker,
    pub(super) historian: Historian,
    pub(super) every: Every,
}

impl Handle {
    pub(super) fn new(
        doors: Doors,
        config: Config,
        clock: Clock,
        tasks: Tasks,
        snapshot: Snapshot,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                doors,
                config,
                clock,
                snapshot,
                every: tasks.every,
                historian: tasks.historian,
                events,
                pollers: tasks.pollers,
                prices: tasks.prices,
                n_submitted: AtomicU64::new(0),
                n_in_flight: AtomicUsize::new(0),
                driven: watch::Sender::default(),
                stopping: watch::Sender::default(),
            }),
        }
    }

    /// Returns the fleet as last observed.
    pub fn observation(&self) -> Arc<Observation> {
        self.inner.snapshot.borrow().clone()
    }

    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Asks every source for a reading now; requests made while one is under way coalesce.
    pub fn refresh(&self) {
        for poller in &self.inner.pollers {
            // A full queue means that a reading is already owed.
            let _ = poller.requests.try_send(Request { reply: None });
        }
    }

    /// Reads every source afresh, and returns what was seen; failures are in it.
    pub async fn observe(&self) -> Arc<Observation> {
        self.inner.observe(None).await;
        self.observation()
    }

    /// Reads prices, and returns what is seen with them; what failed is in it.
    pub async fn read_prices(&self, wanted: Wanted) -> Arc<Observation> {
        self.inner.prices.ask(wanted).await;
        self.observation()
    }

    /// Publishes the numbers of one scope.
    ///
    /// The audit log has no line of it: it changes nothing that anybody operates,
    /// and comes every minute. A read-only session or scope refuses it all the same.
    pub async fn publish(&self, scope: &ScopeId, namespace: &Namespace, data: &[Datum]) -> Outcome {
        let inner = &self.inner;
        let Some(cloud) = inner.cloud(scope) else {
            return Outcome::Failed(inner.unknown(scope.as_str()));
        };
        if let Err(refusal) = inner.check_writable(&cloud.scope()) {
            return Outcome::Refused(refusal);
        }
        let now = inner.clock.now();
        match cloud.put_metrics(namespace.as_str(), now, data).await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error.into_failure(inner.clock.now(), None)),
        }
    }

    /// Starts an action; what becomes of it arrives as events under the returned id.
    pub fn submit(&self, submission: Submission) -> SubmissionId {
        self.start(submission, false)
    }

    /// Starts an action whose long operation goes on in a process of its own.
    pub fn submit_detached(&self, submission: Submission) -> SubmissionId {
        self.start(submission, true)
    }

    fn start(&self, submission: Submission, is_detached: bool) -> SubmissionId {
        let id = SubmissionId(self.inner.n_submitted.fetch_add(1, Ordering::Relaxed) + 1);
        let in_flight = InFlight::new(&self.inner);
        let execution = Execution {
            inner: self.inner.clone(),
            id,
            submission,
            is_detached,
        };
        // Ends when the action has ended.
        let task = async move {
            execution.run().await;
            drop(in_flight);
        };
        watched(format!("submission {id}"), task, &self.inner.events);
        id
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(super) fn in_flight(&self) -> InFlight {
        InFlight::new(&self.inner)
    }

    /// Returns how many submissions and operations have not ended yet.
    pub fn n_in_flight(&self) -> usize {
        self.inner.n_in_flight.load(Ordering::SeqCst)
    }

    /// Fetches the console output of an instance; it arrives as an event.
    pub fn fetch_console_output(&self, instance: InstanceId) {
        let inner = self.inner.clone();
        // Ends with the answer.
        let task = async move {
            let result = match inner.cloud_of(&instance) {
                Some(cloud) => cloud
                    .console_output(&instance)
                    .await
                    .map_err(|it| it.into_failure(inner.clock.now(), None)),
                None => Err(inner.unknown(instance.as_str())),
            };
            inner.tell(Event::Console { instance, result }).await;
        };
        watched("console output", task, &self.inner.events);
    }

    /// Returns what is known of a span of time.
    pub async fn past(&self, query: PastQuery) -> Arc<Past> {
        let whose = self.whose();
        Arc::new(self.inner.historian.past(query, whose).await)
    }

    /// Returns where we look, and whose it is as far as that was proven.
    pub(super) fn whose(&self) -> Whose {
        let scopes = self.inner.doors.clouds.iter().map(|it| {
            let scope = it.scope();
            (scope.id, scope.identity.map(|it| it.account))
        });
        Whose {
            scopes: scopes.collect(),
        }
    }

    /// Returns what was observed, with what the history says against its pools as of now.
    pub async fn look_back(&self, observation: &Observation) -> Arc<Observation> {
        let (whose, now) = (self.whose(), self.inner.clock.now());
        let observed = Arc::new(observation.clone());
        let trends = self.inner.historian.look_back(observed, whose, now).await;
        let mut observation = observation.clone();
        observation.fleet.trends = Arc::new(trends);
        Arc::new(observation)
    }

    /// Fills a span of time from CloudWatch, of one pool or of all of them; what was seen stays.
    pub async fn backfill(&self, pool: Option<&PoolKey>, span: Span) -> Filled {
        history::fill(&self.inner, pool, span).await
    }

    /// Lists the pools of which anything is kept, the deleted ones too.
    pub async fn past_pools(&self) -> Vec<PoolKey> {
        self.inner.historian.pools(self.whose()).await
    }

    /// Fetches what is known of a span of time; it arrives as an event.
    ///
    /// Where there are gaps, CloudWatch is asked, and what it knows arrives as another.
    pub fn fetch_past(&self, query: PastQuery) {
        let handle = self.clone();
        // Ends with the answer.
        let task = async move {
            let past = handle.past(query.clone()).await;
            handle.inner.tell(Event::Past(past.clone())).await;
            let historian = &handle.inner.historian;
            let pools: Vec<PoolKey> = match &past.pool {
                Some(pool) => vec![pool.clone()],
                None => handle.observation().fleet.pools.keys().cloned().collect(),
            };
            if !historian.should_fill(&past, &pools, handle.inner.clock.now()) {
                return;
            }
            let filled = history::fill(&handle.inner, query.pool.as_ref(), query.span).await;
            for (source, failure) in filled.failures {
                let why = failure.what;
                tracing::warn!(%source, why, "the past is not filled from CloudWatch");
            }
            if 0 < filled.n_values {
                let past = handle.past(query).await;
                handle.inner.tell(Event::Past(past)).await;
            }
        };
        watched("past", task, &self.inner.events);
    }

    /// Looks up the images and template versions that a plan of this action names; `None` when
    /// that is nothing.
    pub async fn with_lookups(&self, action: &action::Action, fleet: &Fleet) -> Option<Fleet> {
        self.inner.with_lookups(action, fleet).await
    }

    /// Fetches the activities of one group; they arrive as an event.
    pub fn fetch_activities(&self, pool: PoolKey) {
        let inner = self.inner.clone();
        // Ends with the answer.
        let task = async move {
            let result = match inner.cloud(&pool.scope) {
                Some(cloud) => cloud
                    .activities(&pool)
                    .await
                    .map_err(|it| it.into_failure(inner.clock.now(), None)),
                None => Err(inner.unknown(pool.scope.as_str())),
            };
            inner.tell(Event::Activities { pool, result }).await;
        };
        watched("activities", task, &self.inner.events);
    }
}

impl Inner {
    pub(super) async fn with_lookups(
        &self,
        action: &action::Action,
        fleet: &Fleet,
    ) -> Option<Fleet> {
        let mut fleet = Cow::Borrowed(fleet);
        for (scope, source) in action.sources(&fleet) {
            let lookup = match self.cloud(&scope) {
                Some(cloud) => looked_up(cloud.template(&source).await),
                None => Lookup::Failed(self.unknown(scope.as_str()).what),
            };
            fleet.to_mut().note_source(scope, source, lookup);
        }
        for (scope, image) in action.images(&fleet) {
            let lookup = match self.cloud(&scope) {
                Some(cloud) => looked_up(cloud.image(&image).await),
                None => Lookup::Failed(self.unknown(scope.as_str()).what),
            };
            fleet.to_mut().note_image(scope, image, lookup);
        }
        for key in action.unread_hooks(&fleet) {
            let cloud = self.cloud(&key.scope);
            // The plan says that they are not known.
            if let Some(cloud) = cloud
                && let Ok(hooks) = cloud.hooks(&key).await
            {
                fleet.to_mut().note_hooks(&key, hooks, self.clock.now());
            }
        }
        match fleet {
            Cow::Borrowed(_) => None,
            Cow::Owned(it) => Some(it),
        }
    }

    /// Reads the named sources (or all) afresh, and waits until the board has them.
    pub(super) async fn observe(&self, sources: Option<&[SourceId]>) -> Vec<(SourceId, Failure)> {
        let mut answers = Vec::new();
        for poller in &self.pollers {
            if sources.is_some_and(|it| !it.contains(&poller.source)) {
                continue;
            }
            let (reply, answer) = oneshot::channel();
            let request = Request { reply: Some(reply) };
            // A poller that is gone answers below, by its dropped reply.
            let _ = poller.requests.send(request).await;
            answers.push((&poller.source, answer));
        }
        let mut failures = Vec::new();
        for (source, answer) in answers {
            match answer.await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => failures.push((source.clone(), failure)),
                Err(_) => failures.push((source.clone(), self.unknown(&source.to_string()))),
            }
        }
        failures
    }

    /// Refuses what would write where the session or the configuration allows none.
    pub(super) fn check_writable(&self, scope: &Scope) -> Result<(), Refusal> {
        action::check_writable(&scope.id, Some(scope), self.config.policy.read_only)
    }

    pub(super) fn events(&self) -> &mpsc::Sender<Event> {
        &self.events
    }

    pub(super) fn cloud(&self, scope: &ScopeId) -> Option<&SharedCloud> {
        self.doors.clouds.iter().find(|it| it.scope().id == *scope)
    }

    fn cloud_of(&self, instance: &InstanceId) -> Option<&SharedCloud> {
        let scope = {
            let observation = self.snapshot.borrow();
            observation.fleet.instances.get(instance)?.scope.clone()
        };
        self.cloud(&scope)
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until every driver is to stop.
    pub(super) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        if stopping.wait_for(|it| *it).await.is_err() {
            // Whoever could ask for it is gone, and so is whoever would have it done.
            std::future::pending::<()>().await;
        }
    }

    /// Counts an operation as driven here, until the returned value is dropped.
    pub(super) fn driving(self: &Arc<Self>, id: &OperationId) -> Driving {
        self.driven.send_modify(|it| {
            it.insert(id.clone());
        });
        Driving {
            inner: self.clone(),
            id: id.clone(),
        }
    }

    pub(super) async fn tell(&self, event: Event) {
        // A front end that is gone needs no news.
        let _ = self.events.send(event).await;
    }

    pub(super) fn unknown(&self, what: &str) -> Failure {
        Failure {
            kind: FailureKind::NotFound,
            what: format!("{what} is not known here any more"),
            at: self.clock.now(),
            retry_at: None,
        }
    }
}

/// Counts a submission until it ends, by panic too.
pub(super) struct InFlight(Arc<Inner>);

impl InFlight {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.n_in_flight.fetch_add(1, Ordering::SeqCst);
        Self(inner.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.n_in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An operation that is driven here until this ends, by panic too.
pub(super) struct Driving {
    inner: Arc<Inner>,
    id: OperationId,
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.inner.driven.send_modify(|it| {
            it.remove(&self.id);
        });
    }
}

fn looked_up<T>(answer: Result<Option<T>, cloud::Error>) -> Lookup<T> {
    match answer {
        Ok(Some(found)) => Lookup::Found(found),
        Ok(None) => Lookup::Missing,
        Err(error) => Lookup::Failed(error.what),
    }
}
