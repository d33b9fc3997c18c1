//! What the screens know of the past, and what they still have to ask.
//!
//! The screen says what it wants to show; a question is asked when there is no
//! answer to it yet, or an old one. One question of a kind is on its way at a time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{App, Effect};
use crate::{
    engine::PastQuery,
    fleet::{Past, PoolKey, Timestamp},
};

/// What a part of the past is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The curves of a pool.
    Curves(PoolKey),
    /// What the money of a pool, or of all, went to.
    Money(Option<PoolKey>),
    /// What one pool costs, beside others.
    Share(PoolKey),
    /// Which hours of the week a pool worked in.
    Weeks(PoolKey),
    /// How the instances of a pool came up.
    Boots(PoolKey),
    /// What a pool cost since the month began; of all pools together when none is named.
    Month(Option<PoolKey>),
}

/// A question, and the newest answer to it or to one like it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub query: PastQuery,
    /// Whether the answer to `query` is on its way.
    pub is_asked: bool,
    pub past: Option<Arc<Past>>,
    /// When the answer came.
    pub at: Timestamp,
    sent_at: Timestamp,
}

/// What was asked of the past, by what it is for.
#[derive(Clone, Debug, Default)]
pub struct Pasts {
    by_topic: BTreeMap<Topic, Asked>,
}

/// An answer that did not come by then is asked for again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two questions that are the same; long steps change slowly.
const SOONEST: Duration = Duration::from_secs(9);
const LATEST: Duration = Duration::from_mins(5);
/// What was not looked at for longest is forgotten beyond this.
const N_TOPICS_MAX: usize = 500;

impl Pasts {
    pub fn get(&self, topic: &Topic) -> Option<&Asked> {
        self.by_topic.get(topic)
    }

    /// Returns the newest answer.
    pub fn past(&self, topic: &Topic) -> Option<&Past> {
        self.get(topic)?.past.as_deref()
    }

    /// Takes an answer; one that nobody waits for any more is dropped.
    pub(super) fn take(&mut self, past: &Arc<Past>, now: Timestamp) {
        for asked in self.by_topic.values_mut() {
            if asked.is_asked && is_answer(&asked.query, past) {
                asked.is_asked = false;
                asked.past = Some(past.clone());
                asked.at = now;
            }
        }
    }

    /// Returns whether a question has to be asked now, and remembers that it is.
    fn ask(&mut self, topic: Topic, query: PastQuery, now: Timestamp) -> bool {
        let Some(asked) = self.by_topic.get_mut(&topic) else {
            self.forget_oldest();
            let asked = Asked {
                query,
                is_asked: true,
                past: None,
                at: now,
                sent_at: now,
            };
            self.by_topic.insert(topic, asked);
            return true;
        };
        let waited = now.since(asked.sent_at);
        let is_due = if asked.is_asked {
            // A clock that went back must not keep the question from being asked again.
            PATIENCE <= waited || now < asked.sent_at
        } else if asked.query == query {
            (query.step() / 2).clamp(SOONEST, LATEST) <= waited || now < asked.sent_at
        } else {
            true
        };
        if is_due {
            asked.query = query;
            asked.is_asked = true;
            asked.sent_at = now;
        }
        is_due
    }

    fn forget_oldest(&mut self) {
        if self.by_topic.len() < N_TOPICS_MAX {
            return;
        }
        let oldest = self.by_topic.iter().min_by_key(|it| it.1.sent_at);
        if let Some(topic) = oldest.map(|it| it.0.clone()) {
            self.by_topic.remove(&topic);
        }
    }
}

fn is_answer(query: &PastQuery, past: &Past) -> bool {
    let metrics = past.series.iter().map(|it| it.metric);
    query.pool == past.pool && query.span == past.span && metrics.eq(query.metrics.iter().copied())
}

impl App {
    /// Asks for what the screen shows of the past and has not, or has of long ago.
    pub(super) fn ask_past(&mut self) -> Vec<Effect> {
        let now = self.now;
        let mut effects = Vec::new();
        for (topic, query) in self.wanted_past() {
            if self.pasts.ask(topic, query.clone(), now) {
                effects.push(Effect::FetchPast(Box::new(query)));
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Metric, Series, Span};

    const NOW: Timestamp = Timestamp::from_secs(1_772_443_800);
    const TOPIC: Topic = Topic::Money(None);

    fn query(until: Timestamp) -> PastQuery {
        PastQuery {
            pool: None,
            metrics: vec![Metric::UsdPerHour],
            span: Span::before(until, Duration::from_hours(1)),
            n_points: 60,
        }
    }

    fn answer(query: &PastQuery) -> Arc<Past> {
        let series = query.metrics.iter().map(|metric| Series {
            metric: *metric,
            step: query.step(),
            points: Vec::new(),
        });
        Arc::new(Past {
            pool: query.pool.clone(),
            span: query.span,
            series: series.collect(),
            markers: Vec::new(),
            boots: Vec::new(),
            notes: Vec::new(),
            failure: None,
        })
    }

    #[test]
    fn one_question_is_on_its_way_at_a_time() {
        let mut pasts = Pasts::default();
        let (first, second) = (query(NOW), query(NOW + Duration::from_mins(1)));
        assert!(pasts.ask(TOPIC, first.clone(), NOW));
        assert!(!pasts.ask(TOPIC, second.clone(), NOW));
        pasts.take(&answer(&first), NOW);
        assert!(pasts.past(&TOPIC).is_some());
        assert!(pasts.ask(TOPIC, second, NOW));
    }

    #[test]
    fn the_same_is_asked_again_after_a_while_and_a_lost_answer_too() {
        let mut pasts = Pasts::default();
        let asked = query(NOW);
        assert!(pasts.ask(TOPIC, asked.clone(), NOW));
        assert!(pasts.ask(TOPIC, asked.clone(), NOW + PATIENCE));
        pasts.take(&answer(&asked), NOW);
        let later = NOW + PATIENCE + Duration::from_secs(3);
        assert!(!pasts.ask(TOPIC, asked.clone(), later));
        assert!(pasts.ask(TOPIC, asked.clone(), later + Duration::from_secs(30)));
        // The clock went back.
        assert!(pasts.ask(TOPIC, asked, NOW));
    }

    #[test]
    fn an_answer_to_another_question_is_not_taken() {
        let mut pasts = Pasts::default();
        pasts.ask(TOPIC, query(NOW), NOW);
        pasts.take(&answer(&query(NOW + Duration::from_secs(1))), NOW);
        assert!(pasts.past(&TOPIC).is_none());
    }
}
