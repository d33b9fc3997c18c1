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

    /// Returns how likely chance alone makes as many jobs fail, were they like those on `old`.
    fn chance(self, old: Self) -> f64 {
        // The old may have been lucky: one more failed, and one more did not.
        let rate = f64::from(old.n_failed + 1) / f64::from(old.n() + 2);
        // The probability that exactly `it` of them fail, from one to the next.
        let mut exactly = (1.0 - rate).powi(i32::try_from(self.n()).unwrap_or(i32::MAX));
        let mut at_least = 1.0;
        for it in 0..self.n_failed {
            at_least -= exactly;
            exactly *= f64::from(self.n() - it) / f64::from(it + 1) * rate / (1.0 - rate);
        }
        at_least
    }

    fn is_worse_than(self, old: Self) -> bool {
        N_JOBS_MIN <= self.n().min(old.n()) && self.chance(old) <= CHANCE_MAX
    }
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
        assert!(of(4, 6).is_worse_than(of(2, 40)));
        assert!(!of(3, 5).is_worse_than(of(2, 40)), "it may be chance");
        assert!(
            !of(5, 5).is_worse_than(of(20, 40)),
            "they failed before, too"
        );
        assert!(!of(4, 4).is_worse_than(of(0, 400)), "too few to know");
        assert!(!of(9, 9).is_worse_than(of(0, 4)), "too few to compare with");
        assert!(!of(0, 100).is_worse_than(of(40, 40)));
    }

    #[test]
    fn chances_are_those_of_a_binomial() {
        // Half of them fail: two or more of three with 1/2.
        let old = of(9, 18);
        assert!((of(2, 3).chance(old) - 0.5).abs() < 1e-9);
        assert!((of(0, 3).chance(old) - 1.0).abs() < 1e-9);
        assert!((of(3, 3).chance(old) - 0.125).abs() < 1e-9);
    }
}
