//! How jobs ended, where a controller only tells it of one job at a time: whoever watched it
//! run asks once it runs no more.

use std::collections::{BTreeMap, VecDeque};

use crate::fleet::{Ended, Executor};

/// So many are asked for in one reading; the others are not known, which nothing depends on.
const N_ASKED_MAX: usize = 8;

/// The jobs that ran at the last reading, and how those before them ended.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By the address of the job, the agent that it ran on.
    running: BTreeMap<String, String>,
    /// Newest first.
    ended: BTreeMap<String, VecDeque<Ended>>,
}

/// A job that is not running any more.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) url: String,
    pub(super) executor: String,
}

impl Watch {
    /// Takes what runs now, and returns what ran before and does not any more.
    pub(super) fn look(&mut self, executors: &[Executor]) -> Vec<Over> {
        let jobs = |it: &Executor| -> Vec<(String, String)> {
            let urls = it.jobs().iter().filter_map(|job| job.url.clone());
            urls.map(|url| (url, it.id.clone())).collect()
        };
        let running: BTreeMap<String, String> = executors.iter().flat_map(jobs).collect();
        let before = std::mem::replace(&mut self.running, running);
        let over = before
            .into_iter()
            .filter(|(url, _)| !self.running.contains_key(url));
        over.take(N_ASKED_MAX)
            .map(|(url, executor)| Over { url, executor })
            .collect()
    }

    pub(super) fn keep(&mut self, executor: String, ended: Ended) {
        let of_agent = self.ended.entry(executor).or_default();
        of_agent.push_front(ended);
        of_agent.truncate(Ended::N_KEPT);
    }

    /// Tells each agent how the last jobs on it ended, and forgets agents that are gone.
    pub(super) fn tell(&mut self, executors: &mut [Executor]) {
        let mut kept = std::mem::take(&mut self.ended);
        for executor in executors {
            if let Some(ended) = kept.remove(&executor.id) {
                executor.ended = ended.iter().copied().collect();
                self.ended.insert(executor.id.clone(), ended);
            }
        }
    }
}
