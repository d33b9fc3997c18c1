//! The thread that has the database: it writes what was seen, answers
//! questions, and tidies up when nobody asks.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    HistoryError, Keeping, PastQuery,
    fill::Fill,
    operations::Told,
    price,
    read::Whose,
    sampler::{Sampler, Seen, accounts},
    store::{Opened, Store},
    watch::Watch,
};
use crate::{
    cost::past::OperationCost,
    engine::{Clock, Event},
    fleet::{Chronicle, Observation, Past, PoolKey, Timestamp, Trend},
    operation::Operation,
};

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Ask {
    Observed(Arc<Observation>),
    Fill(Fill),
    /// Every pool that anything is kept of.
    Pools(Whose, oneshot::Sender<Vec<PoolKey>>),
    Past {
        query: PastQuery,
        whose: Whose,
        reply: oneshot::Sender<Past>,
    },
    /// What the past says against these pools.
    Trends {
        pools: Vec<PoolKey>,
        whose: Whose,
        now: Timestamp,
        reply: oneshot::Sender<Vec<Trend>>,
    },
}

/// What the thread works with; it opens the database itself, so that nobody waits for the disk.
pub(super) struct Keeper {
    pub(super) keeping: Keeping,
    pub(super) state_dir: Option<PathBuf>,
    pub(super) holder: String,
    pub(super) interval: Duration,
    pub(super) clock: Clock,
    pub(super) events: tokio::sync::mpsc::Sender<Event>,
    pub(super) trends: tokio::sync::watch::Sender<Arc<Vec<Trend>>>,
}

/// How often what is due is looked for while nobody asks.
const TIDY_PAUSE: Duration = Duration::from_secs(5);

impl Keeper {
    /// Works until everybody who could ask is gone.
    pub(super) fn run(self, asks: &mpsc::Receiver<Ask>) {
        let mut sampler = Sampler::new(self.interval);
        let mut told = Told::default();
        let mut watch = Watch::new(self.trends.clone());
        let (mut pools, mut whose) = (Vec::new(), Whose::default());
        let mut book = Book {
            store: None,
            trouble: None,
            unsaid: None,
            keeper: self,
        };
        // What is told takes a while to tell, and a console that starts needs the processor
        // for its first frame; trouble with a file should be heard at once.
        let is_told = matches!(book.keeper.keeping, Keeping::Memory(_));
        let mut asked = if is_told {
            asks.recv().map_err(Into::into)
        } else {
            Err(mpsc::RecvTimeoutError::Timeout)
        };
        book.open();
        let mut has_more = true;
        loop {
            match asked {
                Ok(Ask::Observed(observation)) => {
                    let mut seen = sampler.take(&observation);
                    pools = observation.fleet.pools.keys().cloned().collect();
                    whose.clone_from(&Whose::of(&observation));
                    if let Some(state_dir) = &book.keeper.state_dir {
                        let accounts = accounts(&observation);
                        let price = |it: &_| book.price(it, &whose);
                        let marks = told.news(state_dir, &accounts, observation.at, price);
                        seen.markers.extend(marks);
                    }
                    book.write(&seen);
                    has_more = true;
                }
                Ok(Ask::Fill(fill)) => book.fill(&fill),
                Ok(Ask::Pools(whose, reply)) => {
                    // Whoever asked may have gone.
                    let _ = reply.send(book.pools(&whose));
                }
                Ok(Ask::Past {
                    query,
                    whose,
                    reply,
                }) => {
                    // Whoever asked may have gone.
                    let _ = reply.send(book.past(&query, &whose));
                }
                Ok(Ask::Trends {
                    pools,
                    whose,
                    now,
                    reply,
                }) => {
                    let store = book.store.as_ref();
                    let trends = store.map(|it| it.trends(&pools, &whose, now));
                    // Whoever asked may have gone.
                    let _ = reply.send(trends.unwrap_or_default());
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    has_more = book.tidy() || book.look_back(&mut watch, &pools, &whose);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            book.say();
            let pause = if has_more { Duration::ZERO } else { TIDY_PAUSE };
            asked = asks.recv_timeout(pause);
        }
        if let Some(store) = &mut book.store {
            // A lease that cannot be given back runs out by itself.
            let _ = store.release();
        }
    }
}

/// The store, and what is wrong with it.
struct Book {
    keeper: Keeper,
    store: Option<Store>,
    /// Said once, until it is over.
    trouble: Option<String>,
    unsaid: Option<String>,
}

impl Book {
    fn open(&mut self) {
        let keeper = &self.keeper;
        let now = keeper.clock.now();
        let opened = match (&keeper.keeping, &keeper.state_dir) {
            (Keeping::Off, _) => return,
            (Keeping::Memory(tale), _) => {
                let store = Store::in_memory().and_then(|mut store| {
                    store.tell(tale.chronicle())?;
                    Ok(store)
                });
                store.map(|store| Opened { store, said: None })
            }
            (Keeping::StateDirectory(_), None) => {
                let why =
                    "no history is kept: no state directory is known; give one with --state-dir";
                self.trouble = Some(why.to_owned());
                return;
            }
            (Keeping::StateDirectory(limits), Some(state_dir)) => {
                Store::open(state_dir, *limits, &keeper.holder, now)
            }
        };
        match opened {
            Ok(opened) => {
                self.store = Some(opened.store);
                self.trouble = None;
                if let Some(said) = opened.said {
                    self.announce(&said);
                }
            }
            Err(error) => self.suffer(&error),
        }
    }

    fn write(&mut self, seen: &Seen) {
        if self.store.is_none() && self.trouble.is_some() && !seen.samples.is_empty() {
            // The disk may be there again, or writable.
            self.open();
        }
        let now = self.keeper.clock.now();
        let Some(store) = &mut self.store else {
            return;
        };
        let mut written = write(store, seen, now);
        if matches!(written, Err(HistoryError::Full { .. })) && store.make_room().unwrap_or(false) {
            written = write(store, seen, now);
        }
        match written {
            Ok(()) if seen.samples.is_empty() => {}
            Ok(()) => self.recover(),
            Err(error) => self.suffer(&error),
        }
    }

    fn past(&mut self, query: &PastQuery, whose: &Whose) -> Past {
        let now = self.keeper.clock.now();
        let answer = self.store.as_ref();
        let answer = answer.map(|it| it.past_as_of(query, whose, now));
        let mut past = match answer {
            Some(Ok(past)) => past,
            Some(Err(error)) => {
                self.suffer(&error);
                let mut unseen = query.unseen();
                unseen.failure = Some(error.to_string());
                unseen
            }
            None => {
                let mut unseen = query.unseen();
                unseen.failure.clone_from(&self.trouble);
                unseen
            }
        };
        let told = past.failure.iter().chain(&self.trouble);
        let told: BTreeSet<String> = told.cloned().collect();
        past.notes.extend(told);
        past
    }

    /// Returns what an operation cost by what is kept; `None` when nothing is.
    fn price(&self, operation: &Operation, whose: &Whose) -> Option<OperationCost> {
        let (store, now) = (self.store.as_ref()?, self.keeper.clock.now());
        let questions = price::questions(operation, now);
        let pasts = questions.iter().map(|it| store.past(it, whose));
        // What cannot be read is said when somebody asks for it.
        let pasts: Vec<Past> = pasts.filter_map(Result::ok).collect();
        Some(price::cost(operation, &pasts, now))
    }

    fn fill(&mut self, fill: &Fill) {
        if let Some(Err(error)) = self.store.as_mut().map(|it| it.fill(fill)) {
            self.suffer(&error);
        }
    }

    fn pools(&mut self, whose: &Whose) -> Vec<PoolKey> {
        match self.store.as_ref().map(|it| it.pools(whose)) {
            Some(Ok(pools)) => pools,
            Some(Err(error)) => {
                self.suffer(&error);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn look_back(&self, watch: &mut Watch, pools: &[PoolKey], whose: &Whose) -> bool {
        let now = self.keeper.clock.now();
        let store = self.store.as_ref();
        store.is_some_and(|it| watch.look(it, pools, whose, now))
    }

    fn tidy(&mut self) -> bool {
        let now = self.keeper.clock.now();
        match self.store.as_mut().map(|it| it.tidy(now)) {
            Some(Ok(has_more)) => has_more,
            Some(Err(error)) => {
                self.suffer(&error);
                false
            }
            None => false,
        }
    }

    /// Takes a failure: what is damaged is begun anew, everything else is said once.
    fn suffer(&mut self, error: &HistoryError) {
        if error.is_damage()
            && let Some(store) = &mut self.store
        {
            let now = self.keeper.clock.now();
            match store.begin_anew(error, now) {
                Ok(said) => {
                    if let Some(said) = said {
                        self.announce(&said);
                    }
                    return;
                }
                Err(other) => return self.complain(&other.to_string()),
            }
        }
        if error.is_not_ours() {
            self.store = None;
            self.keeper.keeping = Keeping::Off;
        }
        self.complain(&error.to_string());
    }

    fn complain(&mut self, what: &str) {
        let is_new = self.trouble.as_deref() != Some(what);
        self.trouble = Some(what.to_owned());
        if is_new {
            self.announce(what);
        }
    }

    fn recover(&mut self) {
        if self.trouble.take().is_some() {
            self.announce("what is seen is kept again");
        }
    }

    fn announce(&mut self, what: &str) {
        tracing::warn!(what, "history");
        self.unsaid = Some(format!("history: {what}"));
    }

    /// Tells the front end; one that is busy is told the next time.
    fn say(&mut self) {
        if let Some(what) = self.unsaid.take()
            && let Err(tokio::sync::mpsc::error::TrySendError::Full(Event::Warning(what))) =
                self.keeper.events.try_send(Event::Warning(what))
        {
            self.unsaid = Some(what);
        }
    }
}

fn write(store: &mut Store, seen: &Seen, now: crate::fleet::Timestamp) -> Result<(), HistoryError> {
    for sample in &seen.samples {
        store.append(sample)?;
    }
    store.mark(&seen.markers)?;
    for (account, boot) in &seen.boots {
        store.note_boots(account, std::slice::from_ref(boot), now)?;
    }
    Ok(())
}

impl Store {
    /// Takes in a past that is told as a whole.
    pub fn tell(&mut self, chronicle: &Chronicle) -> Result<(), HistoryError> {
        for sample in &chronicle.samples {
            self.append(sample)?;
        }
        let account = |pool: Option<&crate::fleet::PoolKey>| {
            let its = |it: &&crate::fleet::Sample| pool.is_some_and(|pool| it.scope == pool.scope);
            let sample = chronicle.samples.iter().find(its);
            sample.map(|it| it.account.clone()).unwrap_or_default()
        };
        let markers = chronicle
            .markers
            .iter()
            .enumerate()
            .map(|(idx, it)| (account(it.pool.as_ref()), format!("told {idx}"), it.clone()));
        self.mark(&markers.collect::<Vec<_>>())?;
        for boot in &chronicle.boots {
            let at = boot.requested_at.unwrap_or_default();
            let account = account(Some(&boot.pool));
            self.note_boots(&account, std::slice::from_ref(boot), at)?;
        }
        Ok(())
    }
}
