//! Reads prices: the kept ones at the start, spot prices by the hour, the price
//! list when it is old or somebody asks. Nothing waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    BillFile, Clock, Doors, Snapshot,
    kept_prices::{self, Kept},
};
use crate::{
    cloud::SharedCloud,
    cost::{PriceBook, PriceList},
    fleet::{
        Bill, Failure, FailureKind, Fleet, ListPrice, Market, Observation, PriceOrigin,
        PriceSource, PriceState, ScopeId, Timestamp,
    },
};

/// Spot prices move slowly, and every reading of them is a request of somebody's budget.
const SPOT_MAX_AGE: Duration = Duration::from_hours(1);
/// AWS changes a list price once in years; new types come every month.
const LIST_MAX_AGE: Duration = Duration::from_hours(7 * 24);
/// What failed, or what the price list does not have, is asked for again after this.
const PAUSE: Duration = Duration::from_hours(1);
/// Whoever asked waits no longer for the board to show the prices.
const SHOWN_MAX: Duration = Duration::from_secs(5);
/// Requests that wait; each is answered by the next round.
const N_REQUESTS_MAX: usize = 8;

/// What the engine is told of prices at its start.
#[derive(Clone, Debug, Default)]
pub struct Pricing {
    pub book: PriceBook,
    pub asking: Asking,
    /// Where prices are kept between runs; without it they are read anew.
    pub file: Option<PathBuf>,
    /// Where the answers of Cost Explorer are kept; without it nobody asks it.
    pub bills: Option<BillFile>,
}

impl Pricing {
    /// Returns whether AWS may be asked at all.
    pub fn may_ask(&self) -> bool {
        self.asking != Asking::Never
    }
}

/// Who may make us ask AWS for prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    /// Nobody: what is known is all there is.
    Never,
    /// The operator, by a command.
    #[default]
    WhenTold,
    /// Age, too.
    ByItself,
}

/// How much a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Spot prices that are too old.
    Spot,
    /// What is missing or too old.
    Due,
    /// Everything, however young.
    All,
}

/// The prices in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Quoted {
    pub(super) book: Arc<PriceBook>,
    pub(super) state: PriceState,
}

pub(super) type Quotes = watch::Receiver<Arc<Quoted>>;

/// Asks for prices, and is told when the board has them.
pub(super) struct Request {
    wanted: Wanted,
    reply: oneshot::Sender<()>,
}

/// A clonable way to ask.
#[derive(Clone, Debug)]
pub(super) struct Asker(mpsc::Sender<Request>);

impl Asker {
    /// Returns once the prices were read, or could not be; what failed is in the observation.
    pub(super) async fn ask(&self, wanted: Wanted) {
        let (reply, answer) = oneshot::channel();
        if self.0.send(Request { wanted, reply }).await.is_ok() {
            // A reader that is gone answers by its dropped reply.
            let _ = answer.await;
        }
    }
}

pub(super) struct Reader {
    doors: Doors,
    asking: Asking,
    file: Option<PathBuf>,
    clock: Clock,
    book: PriceBook,
    /// When each type was last asked for, by scope.
    spot_read: BTreeMap<(ScopeId, String), Timestamp>,
    list: BTreeMap<(String, String, String), ListPrice>,
    list_at: Option<Timestamp>,
    list_asked: BTreeMap<(ScopeId, String, String), Timestamp>,
    failures: BTreeMap<(ScopeId, &'static str), Failure>,
    bill_file: Option<BillFile>,
    bills: Vec<Bill>,
    kept_failure: Option<Failure>,
    quoted: watch::Sender<Arc<Quoted>>,
    requests: mpsc::Receiver<Request>,
}

impl Reader {
    pub(super) fn new(doors: &Doors, pricing: &Pricing, clock: &Clock) -> (Self, Asker, Quotes) {
        let (asker, requests) = mpsc::channel(N_REQUESTS_MAX);
        let first = Quoted {
            state: PriceState {
                lists: pricing.book.origins(),
                ..PriceState::default()
            },
            book: Arc::new(pricing.book.clone()),
        };
        let (sender, quotes) = watch::channel(Arc::new(first));
        let reader = Self {
            doors: doors.clone(),
            asking: pricing.asking,
            file: pricing.file.clone(),
            clock: clock.clone(),
            book: pricing.book.clone(),
            spot_read: BTreeMap::new(),
            list: BTreeMap::new(),
            list_at: None,
            list_asked: BTreeMap::new(),
            failures: BTreeMap::new(),
            bill_file: pricing.bills.clone(),
            bills: Vec::new(),
            kept_failure: None,
            quoted: sender,
            requests,
        };
        (reader, Asker(asker), quotes)
    }

    /// Reads prices until the last `Asker` is dropped.
    pub(super) async fn run(mut self, mut snapshot: Snapshot) {
        self.load().await;
        loop {
            let request = tokio::select! {
                request = self.requests.recv() => match request {
                    Some(it) => Some(it),
                    None => return,
                },
                Ok(()) = snapshot.changed(), if self.asking == Asking::ByItself => None,
            };
            let wanted = request.as_ref().map_or(Wanted::Due, |it| it.wanted);
            let observation = snapshot.borrow_and_update().clone();
            let is_changed = self.asking != Asking::Never && self.read(&observation, wanted).await;
            if is_changed {
                self.keep().await;
                self.publish();
            }
            if let Some(request) = request {
                let state = self.state();
                let is_shown = |it: &Arc<Observation>| it.prices == state;
                // A board that hangs keeps nobody waiting.
                let _ = tokio::time::timeout(SHOWN_MAX, snapshot.wait_for(is_shown)).await;
                let _ = request.reply.send(());
            }
        }
    }

    async fn load(&mut self) {
        self.load_bills();
        let Some(file) = self.file.clone() else {
            // What is there from the start is on the board without that.
            if !self.bills.is_empty() || self.kept_failure.is_some() {
                self.publish();
            }
            return;
        };
        match kept_prices::load(&file).await {
            Ok(None) => {}
            Ok(Some(kept)) => self.take_kept(kept),
            Err(why) => {
                tracing::warn!(why, "the kept prices cannot be read");
                self.kept_failure = Some(self.kept_wrong(why));
            }
        }
        self.publish();
    }

    /// What is kept and damaged is read anew, if it can be: it makes nothing that is told wrong.
    fn kept_wrong(&self, why: String) -> Failure {
        failure(FailureKind::Invalid, why, self.clock.now())
    }

    fn load_bills(&mut self) {
        match self.bill_file.as_ref().map(BillFile::bills) {
            Some(Ok(bills)) => self.bills = bills,
            Some(Err(why)) => self.kept_failure = Some(self.kept_wrong(why)),
            None => {}
        }
    }

    /// Asks Cost Explorer of each account and region that nobody has asked of within a day.
    async fn read_bills(&mut self) -> bool {
        let Some(file) = self.bill_file.clone() else {
            return false;
        };
        let now = self.clock.now();
        // Nothing of a month is on the bill before its second day.
        if now.start_of_day() <= now.month().0 {
            return false;
        }
        // One question for all regions of an account.
        let mut accounts: BTreeMap<String, (SharedCloud, Vec<String>)> = BTreeMap::new();
        for cloud in &self.doors.clouds {
            let scope = cloud.scope();
            if let Some(identity) = scope.identity {
                let first = || (cloud.clone(), Vec::new());
                let (_, regions) = accounts.entry(identity.account).or_insert_with(first);
                let region = scope.region.to_string();
                if !regions.contains(&region) {
                    regions.push(region);
                }
            }
        }
        let mut is_changed = false;
        for (account, (cloud, regions)) in accounts {
            let scope = cloud.scope();
            let answer = match file.claim(&account, now) {
                Ok(false) => continue,
                Ok(true) => {
                    let answer = cloud.bill(&regions, now).await;
                    answer.map_err(|it| (it.kind, it.what))
                }
                Err(why) => Err((FailureKind::Unknown, why)),
            };
            let of_file = |why| (FailureKind::Unknown, why);
            let kept = answer.and_then(|bill| file.keep(bill).map_err(of_file));
            let key = (scope.id.clone(), "bill");
            match kept {
                Ok(()) => {
                    self.failures.remove(&key);
                    self.load_bills();
                }
                Err((kind, why)) => {
                    tracing::warn!(scope = %scope.id, why, "the bill was not read");
                    let failure = failure(kind, format!("{}: {why}", scope.id), now);
                    self.failures.insert(key, failure);
                }
            }
            is_changed = true;
        }
        is_changed
    }

    fn take_kept(&mut self, kept: Kept) {
        for price in kept.list {
            self.take_list_price(price);
        }
        self.list_at = kept.list_at;
        self.renew_list();
        for (scope, instance_type, at) in kept.spot_read {
            self.spot_read.insert((scope, instance_type), at);
        }
        self.book.add_spot(kept.spot);
    }

    fn take_list_price(&mut self, price: ListPrice) {
        let key = (
            price.region.clone(),
            price.instance_type.clone(),
            price.platform.clone(),
        );
        self.list.insert(key, price);
    }

    fn renew_list(&mut self) {
        if let Some(at) = self.list_at {
            let prices = self.list.values().cloned();
            self.book
                .add_list(PriceList::new(PriceSource::PricingApi, at, prices));
        }
    }

    /// Reads what is wanted of every scope; returns whether anything is different now.
    async fn read(&mut self, observation: &Observation, wanted: Wanted) -> bool {
        let mut is_changed = self.read_bills().await;
        for cloud in self.doors.clouds.clone() {
            let scope = cloud.scope().id;
            let types = self.spot_types(&observation.fleet, &scope, wanted);
            if !types.is_empty() {
                self.read_spot(&cloud, &scope, types).await;
                is_changed = true;
            }
            let listed = self.list_types(&observation.fleet, &scope, wanted);
            if !listed.is_empty() {
                self.read_list(&cloud, &scope, listed, wanted).await;
                is_changed = true;
            }
        }
        is_changed
    }

    fn spot_types(&self, fleet: &Fleet, scope: &ScopeId, wanted: Wanted) -> BTreeSet<String> {
        let now = self.clock.now();
        let spot = fleet.instances.values().filter(|it| {
            it.scope == *scope && it.market == Market::Spot && !it.instance_type.is_empty()
        });
        let types: BTreeSet<&str> = spot.map(|it| it.instance_type.as_str()).collect();
        let is_due = |it: &&str| {
            let read_at = self.spot_read.get(&(scope.clone(), (*it).to_owned()));
            wanted == Wanted::All || read_at.is_none_or(|at| SPOT_MAX_AGE <= now.since(*at))
        };
        // One request answers for all of them, so one that is due brings the others.
        if types.iter().any(is_due) {
            types.into_iter().map(str::to_owned).collect()
        } else {
            BTreeSet::new()
        }
    }

    async fn read_spot(&mut self, cloud: &SharedCloud, scope: &ScopeId, types: BTreeSet<String>) {
        let now = self.clock.now();
        match cloud.spot_prices(&types, now).await {
            Ok(prices) => {
                self.book.add_spot(prices);
                self.failures.remove(&(scope.clone(), "spot"));
            }
            Err(error) => {
                tracing::warn!(%scope, why = error.what, "spot prices were not read");
                let key = (scope.clone(), "spot");
                let failure = failure(error.kind, format!("{scope}: {error}"), now);
                self.failures.insert(key, failure);
            }
        }
        // A failure too: the next try comes with the next hour, or with a command.
        for it in types {
            self.spot_read.insert((scope.clone(), it), now);
        }
    }

    /// Returns the types and platforms whose list price is missing or old.
    fn list_types(
        &self,
        fleet: &Fleet,
        scope: &ScopeId,
        wanted: Wanted,
    ) -> BTreeSet<(String, String)> {
        if wanted == Wanted::Spot {
            return BTreeSet::new();
        }
        let now = self.clock.now();
        let is_old = self.list_at.is_none_or(|at| LIST_MAX_AGE <= now.since(at));
        let machines = fleet.instances.values().filter(|it| it.scope == *scope);
        let kinds: BTreeSet<(&str, &str)> = machines
            .filter(|it| !it.instance_type.is_empty())
            .filter_map(|it| Some((it.instance_type.as_str(), it.platform.as_deref()?)))
            .collect();
        let is_due = |(instance_type, platform): &(&str, &str)| {
            let key = (
                scope.clone(),
                (*instance_type).to_owned(),
                (*platform).to_owned(),
            );
            let asked_at = self.list_asked.get(&key);
            let is_missing = !self
                .list
                .keys()
                .any(|it| it.1 == *instance_type && it.2 == *platform);
            wanted == Wanted::All
                || ((is_old || is_missing) && asked_at.is_none_or(|at| PAUSE <= now.since(*at)))
        };
        let due = kinds.into_iter().filter(is_due);
        due.map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    async fn read_list(
        &mut self,
        cloud: &SharedCloud,
        scope: &ScopeId,
        kinds: BTreeSet<(String, String)>,
        wanted: Wanted,
    ) {
        let now = self.clock.now();
        match cloud.list_prices(&kinds).await {
            Ok(prices) => {
                for price in prices {
                    self.take_list_price(price);
                }
                // A list is as old as its oldest part.
                let at = self
                    .list_at
                    .filter(|it| wanted == Wanted::Due && now.since(*it) < LIST_MAX_AGE);
                self.list_at = Some(at.unwrap_or(now));
                self.renew_list();
                self.failures.remove(&(scope.clone(), "list"));
            }
            Err(error) => {
                tracing::warn!(%scope, why = error.what, "the price list was not read");
                let key = (scope.clone(), "list");
                let failure = failure(error.kind, format!("{scope}: {error}"), now);
                self.failures.insert(key, failure);
            }
        }
        for (instance_type, platform) in kinds {
            let key = (scope.clone(), instance_type, platform);
            self.list_asked.insert(key, now);
        }
    }

    fn state(&self) -> PriceState {
        let n_spot = self.book.spot_prices().count();
        let spot_at = self.spot_read.values().max();
        let failures = self.kept_failure.iter().chain(self.failures.values());
        PriceState {
            lists: self.book.origins(),
            spot: spot_at.filter(|_| n_spot != 0).map(|at| PriceOrigin {
                source: PriceSource::SpotHistory,
                at: *at,
                n_prices: n_spot,
            }),
            bills: self.bills.clone(),
            failures: failures.cloned().collect(),
        }
    }

    fn publish(&self) {
        self.quoted.send_replace(Arc::new(Quoted {
            book: Arc::new(self.book.clone()),
            state: self.state(),
        }));
    }

    /// Keeps what was read for the next run; a disk that is full only costs the next run a reading.
    async fn keep(&mut self) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let spot_read = self.spot_read.iter();
        let kept = Kept {
            list_at: self.list_at,
            list: self.list.values().cloned().collect(),
            spot_read: spot_read
                .map(|((scope, it), at)| (scope.clone(), it.clone(), *at))
                .collect(),
            spot: self.book.spot_prices().collect(),
        };
        match kept_prices::store(&file, &kept).await {
            // Of what was damaged, only spot prices may have been read anew.
            Ok(()) if self.list_at.is_some() => self.kept_failure = None,
            Ok(()) => {}
            Err(why) => tracing::warn!(why, "prices were not kept"),
        }
    }
}

fn failure(kind: FailureKind, what: String, at: Timestamp) -> Failure {
    Failure {
        kind,
        what,
        at,
        retry_at: None,
    }
}
