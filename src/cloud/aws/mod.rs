//! AWS itself: one scope (a profile in a region) through the SDK.
//!
//! Opening it asks nobody. It reads as little as it can: what it knows and what
//! did not change is not asked for again.

mod activities;
mod apply;
mod bill;
mod console;
mod denials;
mod details;
mod errors;
mod groups;
mod images;
mod launch;
mod machines;
mod memory;
mod metrics;
mod observe;
mod open;
mod pages;
mod past;
mod pricing;
mod profile;
mod refresh;
mod regions;
mod rows;
mod spend;
mod spot;
mod status;
mod templates;
mod upkeep;
mod walks;
mod watch;
mod words;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

pub use open::{Connection, Credentials, EnvConfigFiles, Patience};
pub use profile::default_region;

use self::{memory::Memory, open::Clients, watch::Watch};
use super::{AskedMetric, Cloud, Error, Measured, Reading};
use crate::fleet::{
    Activity, Bill, Call, ConsoleOutput, Datum, FailureKind, Hook, Identity, Image, ImageId,
    InstanceId, LaunchSource, ListPrice, OwnSpend, PoolKey, PoolName, Receipt, Scope, SourceId,
    Span, SpotPrice, Template, Timestamp,
};

/// Which groups of a scope are pools. The default is every group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Groups that carry this tag, and loose instances that do; AWS filters them.
    pub tag: Option<String>,
    /// Groups of these names; empty is every group.
    pub names: Vec<NamePattern>,
    /// Whoever shows no activities spares the request.
    pub skips_activities: bool,
    /// Whoever shows only what the groups themselves tell spares EC2 the description of their machines.
    pub skips_machines: bool,
    /// Groups whose hooks and refresh are wanted at the first reading, not in their turn; `*` stands for any text.
    pub details_of: Vec<String>,
}

/// A name, in which `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    pub pattern: String,
    /// Where it was written; begins a message.
    pub place: String,
}

/// One scope of AWS.
#[derive(Debug)]
pub struct Aws {
    scope: Scope,
    selection: Selection,
    connection: Connection,
    watch: Watch,
    /// `None` before the first request, and after the credentials were refused:
    /// the next request reads the files anew, so that a new sign-in is seen.
    clients: tokio::sync::Mutex<Option<Arc<Clients>>>,
    /// Held over a whole reading; a second one waits.
    memory: tokio::sync::Mutex<Memory>,
    /// Never held over an `await`.
    notes: Mutex<Notes>,
    spend: spend::Meter,
}

/// What writes and identifications leave for the next reading.
#[derive(Debug, Default)]
struct Notes {
    identity: Option<Identity>,
    /// The account that the rows belong to.
    account: Option<String>,
    /// Set when the credentials turned out to be another account's.
    must_forget: bool,
    has_written: bool,
    tagged: Vec<InstanceId>,
    /// Groups of whose hooks or refresh we wrote; both cost a call and are not read each time.
    hooked: BTreeSet<PoolName>,
    refreshed: BTreeSet<PoolName>,
    /// The names of the launch templates that have a new version.
    versioned: BTreeSet<String>,
}

impl Aws {
    /// Opens the door to a scope, without asking anyone.
    ///
    /// The only error is a profile that no file has.
    pub fn open(scope: Scope, selection: Selection, connection: Connection) -> Result<Self, Error> {
        if connection.credentials.is_none() {
            profile::check(scope.profile.as_deref(), &connection)?;
        }
        Ok(Self {
            scope: Scope {
                identity: None,
                ..scope
            },
            selection,
            connection,
            watch: Watch::default(),
            clients: tokio::sync::Mutex::default(),
            memory: tokio::sync::Mutex::default(),
            notes: Mutex::default(),
            spend: spend::Meter::default(),
        })
    }

    async fn clients(&self) -> Arc<Clients> {
        let mut clients = self.clients.lock().await;
        if let Some(clients) = &*clients {
            return clients.clone();
        }
        let opened = Clients::open(&self.scope, &self.connection, &self.watch).await;
        clients.insert(Arc::new(opened)).clone()
    }

    /// Notes an answer: refused credentials are dropped, and whoever comes next proves who we are.
    async fn watch_for_refusal<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        match answer {
            Err(error) if error.kind == FailureKind::Credentials => {
                self.close().await;
                Err(error)
            }
            answer => answer.map_err(|error| self.doubt_region(error)),
        }
    }

    /// Adds to a failure that nobody knows the region, when that is so.
    fn doubt_region(&self, mut error: Error) -> Error {
        let place = self.connection.region_place.as_deref();
        if let Some(doubt) = regions::doubt(&self.scope.region, place) {
            error.what = format!("{}; {doubt}", error.what);
        }
        error
    }

    async fn close(&self) {
        *self.clients.lock().await = None;
        self.notes().identity = None;
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_identity(&self, clients: &Clients) -> Result<Identity, Error> {
        let answer = clients.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| errors::explain("prove who we are", &error))?;
        let identity = Identity {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
            expires_at: clients.expiry.get(),
        };
        let mut notes = self.notes();
        let had = notes.account.replace(identity.account.clone());
        if had.is_some_and(|it| it != identity.account) {
            notes.must_forget = true;
        }
        notes.identity = Some(identity.clone());
        Ok(identity)
    }

    /// Refuses a write that belongs to another scope, or to credentials that changed hands.
    async fn check(&self, clients: &Clients, call: &Call) -> Result<(), Error> {
        let refuse = |why: String| {
            let what = format!("cannot make the call {}: {why}", call.operation());
            Err(Error::new(FailureKind::Conflict, what))
        };
        let source = call.source();
        if source != SourceId::Scope(self.scope.id.clone()) {
            return refuse(format!("it belongs to {source}, not to {}", self.scope.id));
        }
        self.check_account(clients).await?.map_or(Ok(()), refuse)
    }

    /// Returns why nothing may be written: the credentials changed hands.
    async fn check_account(&self, clients: &Clients) -> Result<Option<String>, Error> {
        if self.notes().identity.is_none() {
            self.ask_identity(clients).await?;
        }
        let notes = self.notes();
        let account = notes.account.as_deref().unwrap_or_default();
        let why = format!("the credentials are now those of account {account}");
        Ok(notes.must_forget.then_some(why))
    }
}

#[async_trait]
impl Cloud for Aws {
    fn scope(&self) -> Scope {
        Scope {
            identity: self.notes().identity.clone(),
            ..self.scope.clone()
        }
    }

    async fn identify(&self) -> Result<Identity, Error> {
        let clients = self.clients().await;
        let answer = self.ask_identity(&clients).await;
        self.watch_for_refusal(answer).await
    }

    async fn observe(&self, now: Timestamp) -> Result<Reading, Error> {
        let mut memory = self.memory.lock().await;
        let clients = self.clients().await;
        // After a new sign-in the rows may be another account's.
        let is_reopened = {
            let notes = self.notes();
            notes.account.is_some() && notes.identity.is_none()
        };
        if is_reopened {
            let answer = self.ask_identity(&clients).await;
            self.watch_for_refusal(answer).await?;
        }
        {
            let mut notes = self.notes();
            if std::mem::take(&mut notes.must_forget) {
                *memory = Memory::default();
            }
            if std::mem::take(&mut notes.has_written) {
                memory.log.set_due();
            }
            let tagged = std::mem::take(&mut notes.tagged);
            memory.machines.settle(tagged, now);
            for name in std::mem::take(&mut notes.hooked) {
                memory.details.want_hooks(&name);
            }
            for name in std::mem::take(&mut notes.versioned) {
                memory.templates.doubt_pointers(&name);
            }
            for name in std::mem::take(&mut notes.refreshed) {
                memory.details.want_refresh(&name);
            }
        }
        let answer =
            observe::observe(&clients, self.scope(), &self.selection, &mut memory, now).await;
        let is_refused = |it: &Reading| {
            let failures = it.missing.iter();
            failures
                .map(|it| it.kind)
                .any(|it| it == FailureKind::Credentials)
        };
        if answer.as_ref().is_ok_and(is_refused) {
            self.close().await;
        }
        self.watch_for_refusal(answer).await
    }

    async fn activities(&self, pool: &PoolKey) -> Result<Vec<Activity>, Error> {
        let clients = self.clients().await;
        let answer = activities::of_group(&clients, &self.scope.id, pool).await;
        self.watch_for_refusal(answer).await
    }

    async fn console_output(&self, instance: &InstanceId) -> Result<ConsoleOutput, Error> {
        let clients = self.clients().await;
        let answer = console::read(&clients, instance).await;
        self.watch_for_refusal(answer).await
    }

    async fn image(&self, image: &ImageId) -> Result<Option<Image>, Error> {
        let clients = self.clients().await;
        let answer = images::read(&clients, image).await;
        self.watch_for_refusal(answer).await
    }

    async fn template(&self, source: &LaunchSource) -> Result<Option<Template>, Error> {
        let clients = self.clients().await;
        let answer = templates::look_up(&clients, source).await;
        self.watch_for_refusal(answer).await
    }

    async fn hooks(&self, pool: &PoolKey) -> Result<Vec<Hook>, Error> {
        let clients = self.clients().await;
        let answer = details::hooks(&clients, &pool.name).await;
        self.watch_for_refusal(answer).await
    }

    async fn apply(&self, call: &Call) -> Result<Receipt, Error> {
        let clients = self.clients().await;
        let answer = match self.check(&clients, call).await {
            Ok(()) => apply::apply(&clients.writers, call).await,
            Err(error) => Err(error),
        };
        {
            // Noted whatever the answer: the write may have happened.
            let mut notes = self.notes();
            notes.has_written = true;
            match call {
                Call::TagInstances { .. } | Call::UntagInstances { .. } => {
                    notes.tagged.extend_from_slice(call.instances());
                }
                Call::PutHook { pool, .. } | Call::DeleteHook { pool, .. } => {
                    notes.hooked.insert(pool.name.clone());
                }
                Call::StartRefresh { pool, .. }
                | Call::CancelRefresh { pool }
                | Call::RollbackRefresh { pool } => {
                    notes.refreshed.insert(pool.name.clone());
                }
                Call::CreateTemplateVersion { from, .. } => {
                    notes.versioned.insert(from.name.clone());
                }
                _ => {}
            }
        }
        self.watch_for_refusal(answer).await
    }

    async fn put_metrics(
        &self,
        namespace: &str,
        at: Timestamp,
        data: &[Datum],
    ) -> Result<(), Error> {
        let clients = self.clients().await;
        let answer = match self.check_account(&clients).await {
            Ok(None) => {
                self.spend
                    .count_writes(data.len().div_ceil(metrics::N_METRICS_MAX));
                metrics::put(&clients.writers, namespace, at, data).await
            }
            Ok(Some(why)) => Err(Error::new(
                FailureKind::Conflict,
                format!("cannot publish metrics: {why}"),
            )),
            Err(error) => Err(error),
        };
        self.watch_for_refusal(answer).await
    }

    async fn spot_prices(
        &self,
        types: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Vec<SpotPrice>, Error> {
        let clients = self.clients().await;
        let answer = spot::prices(&clients, types, now).await;
        self.watch_for_refusal(answer).await
    }

    async fn list_prices(
        &self,
        wanted: &BTreeSet<(String, String)>,
    ) -> Result<Vec<ListPrice>, Error> {
        let clients = self.clients().await;
        let answer = pricing::prices(&clients, self.scope.region.as_str(), wanted).await;
        self.watch_for_refusal(answer).await
    }

    async fn bill(&self, regions: &[String], now: Timestamp) -> Result<Bill, Error> {
        let clients = self.clients().await;
        let answer = match self.scope().identity {
            Some(it) => bill::read(&clients.writers, &self.spend, &it.account, regions, now).await,
            None => Err(Error::new(
                FailureKind::Unknown,
                "cannot ask Cost Explorer: whose account it is was not proven yet",
            )),
        };
        self.watch_for_refusal(answer).await
    }

    async fn past_metrics(
        &self,
        asked: &[AskedMetric],
        span: Span,
        step: Duration,
    ) -> Result<Vec<Measured>, Error> {
        let clients = self.clients().await;
        let answer = past::read(&clients, &self.spend, asked, span, step).await;
        self.watch_for_refusal(answer).await
    }

    fn own_spend(&self) -> OwnSpend {
        self.spend.read()
    }

    fn n_requests(&self) -> u64 {
        self.watch.n_requests()
    }
}
