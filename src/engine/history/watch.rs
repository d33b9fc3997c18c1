//! Looks back now and then for what goes on for a while, and tells it beside every observation.

use std::{sync::Arc, time::Duration};

use tokio::sync::{oneshot, watch};

use super::{Historian, PastQuery, keeper::Ask, read::Whose, store::Store};
use crate::{
    cost::past::{TREND_BOOTS_SPAN, TREND_METRICS, TREND_SPAN, trends},
    fleet::{Observation, Past, PoolKey, Span, Timestamp, Trend},
};

/// How often is looked back; a habit does not change in a minute.
const PAUSE: Duration = Duration::from_mins(10);
/// Steps of five minutes, of a day.
const N_POINTS: usize = 288;

/// What was found when the past was last looked at.
pub(in crate::engine) type Trends = watch::Receiver<Arc<Vec<Trend>>>;

/// One pool is looked at each time, so that nobody waits for all of them.
#[derive(Debug)]
pub(super) struct Watch {
    told: watch::Sender<Arc<Vec<Trend>>>,
    began_at: Option<Timestamp>,
    left: Vec<PoolKey>,
    found: Vec<Trend>,
}

impl Watch {
    pub(super) fn new(told: watch::Sender<Arc<Vec<Trend>>>) -> Self {
        Self {
            told,
            began_at: None,
            left: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Looks at one pool, when it is time; `false` when there is none to look at.
    pub(super) fn look(
        &mut self,
        store: &Store,
        pools: &[PoolKey],
        whose: &Whose,
        now: Timestamp,
    ) -> bool {
        if self.left.is_empty() {
            let is_early = |it: Timestamp| it <= now && now.since(it) < PAUSE;
            if pools.is_empty() || self.began_at.is_some_and(is_early) {
                return false;
            }
            self.began_at = Some(now);
            self.left = pools.to_vec();
        }
        let Some(pool) = self.left.pop() else {
            return false;
        };
        let [habits, boots] = questions(pool, now);
        // What cannot be read says nothing against anybody.
        if let (Ok(habits), Ok(boots)) = (store.past(&habits, whose), store.past(&boots, whose)) {
            self.found.extend(told(habits, boots));
        }
        if self.left.is_empty() {
            let found = in_order(std::mem::take(&mut self.found));
            self.told.send_if_modified(|told| {
                let is_new = **told != found;
                *told = Arc::new(found);
                is_new
            });
        }
        true
    }
}

/// What has to be known of a pool: its habits, and its boots.
fn questions(pool: PoolKey, now: Timestamp) -> [PastQuery; 2] {
    let habits = PastQuery {
        pool: Some(pool),
        metrics: TREND_METRICS.to_vec(),
        span: Span::before(now, TREND_SPAN),
        n_points: N_POINTS,
    };
    let boots = PastQuery {
        metrics: Vec::new(),
        span: Span::before(now, TREND_BOOTS_SPAN),
        n_points: 1,
        ..habits.clone()
    };
    [habits, boots]
}

fn told(habits: Past, boots: Past) -> Vec<Trend> {
    trends(&Past {
        boots: boots.boots,
        ..habits
    })
}

fn in_order(mut trends: Vec<Trend>) -> Vec<Trend> {
    trends.sort_by(|a, b| (&a.pool, a.kind).cmp(&(&b.pool, b.kind)));
    trends
}

impl Store {
    /// Says what the past says against pools; what cannot be read says nothing.
    pub fn trends(&self, pools: &[PoolKey], whose: &Whose, now: Timestamp) -> Vec<Trend> {
        let tails = self.tails(&TREND_METRICS, Span::before(now, TREND_SPAN));
        let tails = tails.ok();
        let found = pools.iter().filter_map(|pool| {
            let [habits, boots] = questions(pool.clone(), now);
            let habits = self.past_beside(&habits, whose, tails.as_ref()).ok()?;
            Some(told(habits, self.past(&boots, whose).ok()?))
        });
        in_order(found.flatten().collect())
    }
}

impl Historian {
    /// Looks at every pool at once, for a command that ends before it is time to look.
    ///
    /// What was observed is told first: it may be on its way still, and the answer shall
    /// not depend on which of the two is faster.
    pub(in crate::engine) async fn look_back(
        &self,
        observation: Arc<Observation>,
        whose: Whose,
        now: Timestamp,
    ) -> Vec<Trend> {
        let pools = observation.fleet.pools.keys().cloned().collect();
        self.tell(Ask::Observed(observation)).await;
        let (reply, answer) = oneshot::channel();
        self.tell(Ask::Trends {
            pools,
            whose,
            now,
            reply,
        })
        .await;
        answer.await.unwrap_or_default()
    }
}
