//! Whether jobs fail more often on new instances than they did on the old.
//!
//! Only what a controller tells of ended jobs counts. With too few of them on either side
//! nothing is known, and what is not known turns nothing back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ground::{Ground, launched_at};
use crate::{
    fleet::{Instance, PoolKey, Timestamp},
    operation::Happening,
};

/// Fewer ended jobs say nothing.
const N_JOBS_MIN: u32 = 5;
/// So seldom would chance alone make as many jobs fail.
const CHANCE_MAX: f64 = 0.001;

/// How jobs ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    pub n_passed: u32,
    pub n_failed: u32,
}

impl Outcomes {
    pub fn n(self) -> u32 {
        self.n_passed + self.n_failed
    }

    /// Returns how likely chance alone makes as many of these fail, were those that failed
    /// spread over all: Fisher's exact test, which knows how little a few jobs say.
    fn chance(self, old: Self) -> f64 {
        let n_failed = self.n_failed + old.n_failed;
        let ways = |it: u32| ln_ways(self.n(), it) + ln_ways(old.n(), n_failed - it);
        let all = ln_ways(self.n() + old.n(), n_failed);
        let as_many = self.n_failed..=n_failed.min(self.n());
        as_many.map(|it| (ways(it) - all).exp()).sum()
    }

    fn is_worse_than(self, old: Self) -> bool {
        N_JOBS_MIN <= self.n().min(old.n()) && self.chance(old) <= CHANCE_MAX
    }
}

/// The logarithm of how many ways there are to choose `n` of `of`.
fn ln_ways(of: u32, n: u32) -> f64 {
    if of < n {
        return f64::NEG_INFINITY;
    }
    let n = n.min(of - n);
    let steps = (1..=n).map(|it| (f64::from(of - n + it) / f64::from(it)).ln());
    steps.sum()
}

impl std::fmt::Display for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} jobs failed", self.n_failed, self.n())
    }
}

/// Notes how jobs ended on old instances, as long as these are there: each time twice as many.
pub(super) fn baseline(ground: &Ground<'_>) -> Option<Happening> {
    let noted = ground.state.outcomes.unwrap_or_default();
    let outcomes = on_old_members(ground);
    let is_news = N_JOBS_MIN.max(2 * noted.n()) <= outcomes.n();
    is_news.then(|| Happening::Outcomes {
        pool: PoolKey::clone(&ground.plan.pool),
        outcomes,
    })
}

/// Returns how jobs ended on old instances: on those that are there, or as it was noted when more were.
fn on_old(ground: &Ground<'_>) -> Outcomes {
    let noted = ground.state.outcomes.unwrap_or_default();
    let now = on_old_members(ground);
    if noted.n() < now.n() { now } else { noted }
}

fn on_old_members(ground: &Ground<'_>) -> Outcomes {
    ended(ground, |it| (!ground.is_new(it)).then(|| launched_at(it)))
}

/// Returns how jobs ended on new instances, since an operator looked at it last.
pub(super) fn on_new(ground: &Ground<'_>) -> Outcomes {
    let known_until = ground.state.resumed_at.unwrap_or(Timestamp::EPOCH);
    ended(ground, |it| {
        let is_it = ground.is_new(it) && ground.is_on_goal(it);
        is_it.then(|| launched_at(it).max(known_until))
    })
}

/// Says that jobs fail more often on new instances, when they do.
pub(super) fn worse(ground: &Ground<'_>) -> Option<String> {
    let (new, old) = (on_new(ground), on_old(ground));
    new.is_worse_than(old).then(|| compared(new, old))
}

/// Says how jobs fare on new and on old instances, once some have ended.
pub(super) fn so_far(ground: &Ground<'_>) -> Option<String> {
    let new = on_new(ground);
    (0 < new.n()).then(|| compared(new, on_old(ground)))
}

fn compared(new: Outcomes, old: Outcomes) -> String {
    format!("{new} on new instances, {old} on old ones")
}

/// Adds up the jobs that ended on members since the time that `since` gives for each.
fn ended(ground: &Ground<'_>, since: impl Fn(&Instance) -> Option<Timestamp>) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let members: &[Arc<Instance>] = ground.members;
    for member in members {
        let Some(since) = since(member) else { continue };
        let agents = ground.fleet.executors_on(&member.id);
        for ended in agents.flat_map(|it| &it.ended).filter(|it| since < it.at) {
            if ended.passed {
                outcomes.n_passed += 1;
            } else {
                outcomes.n_failed += 1;
            }
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(n_failed: u32, n: u32) -> Outcomes {
        Outcomes {
            n_passed: n - n_failed,
            n_failed,
        }
    }

    #[test]
    fn only_what_chance_does_not_explain_is_worse() {
        assert!(of(5, 5).is_worse_than(of(2, 40)));
        assert!(of(5, 7).is_worse_than(of(2, 40)));
        assert!(!of(3, 5).is_worse_than(of(2, 40)), "it may be chance");
        assert!(!of(4, 9).is_worse_than(of(0, 17)), "it may be chance");
        assert!(
            !of(5, 5).is_worse_than(of(20, 40)),
            "they failed before, too"
        );
        assert!(!of(4, 4).is_worse_than(of(0, 400)), "too few to know");
        assert!(!of(9, 9).is_worse_than(of(0, 4)), "too few to compare with");
        assert!(!of(0, 100).is_worse_than(of(40, 40)));
    }

    #[test]
    fn chances_are_those_of_a_hypergeometric_distribution() {
        // The lady who tastes tea: 3 and 4 of 4, with 4 of 8 in all.
        assert!((of(3, 4).chance(of(1, 4)) - 17.0 / 70.0).abs() < 1e-9);
        assert!((of(4, 4).chance(of(0, 4)) - 1.0 / 70.0).abs() < 1e-9);
        assert!((of(0, 3).chance(of(9, 18)) - 1.0).abs() < 1e-9);
        assert!((of(0, 3).chance(of(0, 18)) - 1.0).abs() < 1e-9);
        let many = of(500, 5_000).chance(of(100, 5_000));
        assert!((0.0..1e-9).contains(&many), "{many}");
    }
}
