//! What lies before a drain: when it may be over, and what its deadline gives back.

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::{
    fleet::{InstanceId, Timestamp, short_duration},
    operation::{Drain, Spec, outlook_of_plan},
};

impl Draft<'_> {
    /// Says when a drain may be over, and what its deadline or a hook will cut short.
    ///
    /// Returns the instances that are not expected to be empty by the deadline.
    pub(super) fn look_ahead(&mut self) -> BTreeSet<InstanceId> {
        // A roll says it in its own words, and what is forced waits for nothing.
        let (fleet, operation) = (self.fleet, self.plan.operation.clone());
        let Some(spec @ Spec::Drain(drain)) = operation.as_ref().filter(|it| !it.is_forced())
        else {
            return BTreeSet::new();
        };
        let Some(now) = fleet.read_at(&drain.pool.scope) else {
            return BTreeSet::new();
        };
        let outlook = outlook_of_plan(spec, fleet, now);
        let deadline = drain.deadline.map(|it| now + it);
        let is_late =
            |end: &Option<Timestamp>| deadline.is_some_and(|it| end.is_some_and(|end| it < end));
        let late = outlook.targets.iter().filter(|it| is_late(&it.1));
        let late: BTreeSet<InstanceId> = late.map(|it| it.0.clone()).collect();
        let collisions = outlook.collisions.iter().map(ToString::to_string);
        self.plan.warnings.extend(collisions);
        self.take_back(drain, &late);
        let words = match deadline {
            Some(at) if !late.is_empty() => format!(
                "its end is its deadline, {}, in {}: {} of {} instances are given back then",
                at.clock_time(),
                short_duration(at.since(now)),
                late.len(),
                drain.targets.len()
            ),
            Some(at) if outlook.ends_at.is_none() => format!(
                "its end is {}; what is left at its deadline, {}, is given back",
                outlook.eta_words(now),
                at.clock_time()
            ),
            Some(_) | None => format!("its end is {}", outlook.eta_words(now)),
        };
        self.warn(words);
        late
    }

    /// What is given back is not taken off desired.
    fn take_back(&mut self, drain: &Drain, late: &BTreeSet<InstanceId>) {
        let Some(capacity) = self.fleet.pool(&drain.pool).and_then(|it| it.capacity) else {
            return;
        };
        let counts = |it: &&InstanceId| {
            let instance = self.fleet.instances.get(*it);
            !late.contains(*it) && instance.is_some_and(|it| it.counts_towards_desired())
        };
        let n_going = drain.targets.iter().filter(counts).count();
        let n_going = u32::try_from(n_going).unwrap_or(u32::MAX);
        let desired = capacity.desired.saturating_sub(n_going);
        for change in &mut self.plan.changes {
            if change.what == "desired" && drain.decrement {
                change.to = desired.to_string();
            }
        }
        self.plan.changes.retain(|it| it.from != it.to);
    }
}
