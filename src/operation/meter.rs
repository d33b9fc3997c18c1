//! Meters what an operation keeps machines for: those launched ahead of the ones
//! that go, and those that are cordoned and run nothing any more.

use std::collections::{BTreeMap, BTreeSet};

use super::{Happening, Operation, Sight, TargetState};
use crate::fleet::{Call, Extra, InstanceId, PoolKey, Span, Timestamp};

/// The machines that were there for the operation's sake, so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Meter {
    /// Cordoned, and they run nothing.
    held: BTreeMap<PoolKey, BTreeSet<InstanceId>>,
    /// How many there are now, and since when.
    running: BTreeMap<PoolKey, (u32, Timestamp)>,
    over: Vec<Extra>,
}

impl Meter {
    fn hold(&mut self, pool: &PoolKey, id: &InstanceId, is_held: bool) {
        if is_held {
            let held = self.held.entry(pool.clone()).or_default();
            held.insert(id.clone());
        } else if let Some(held) = self.held.get_mut(pool) {
            held.remove(id);
        }
    }

    /// Whoever waits ahead makes up for one that is held: the greater of the two is too many.
    fn count(&mut self, pool: &PoolKey, n_ahead: u32, at: Timestamp) {
        let n_held = self.held.get(pool).map_or(0, BTreeSet::len);
        let n = n_ahead.max(u32::try_from(n_held).unwrap_or(u32::MAX));
        let (n_before, since) = self.running.get(pool).copied().unwrap_or((0, at));
        if n == n_before {
            return;
        }
        self.over.extend(stretch(pool, n_before, since, at));
        self.running.insert(pool.clone(), (n, at));
    }
}

/// A clock that went back pays nothing.
fn stretch(pool: &PoolKey, n_machines: u32, from: Timestamp, until: Timestamp) -> Option<Extra> {
    let extra = Extra {
        pool: pool.clone(),
        span: Span { from, until },
        n_machines,
    };
    (from < until && 0 < n_machines).then_some(extra)
}

impl Operation {
    /// Returns the machines that were there for its sake alone, up to `now`.
    ///
    /// A roll launches some ahead of those that go; and whatever is cordoned and runs no
    /// job is paid for until it is gone. What a group does by itself is not in it.
    pub fn extras(&self, now: Timestamp) -> Vec<Extra> {
        let running = self.meter.running.iter();
        let running = running.filter_map(|(pool, (n, since))| stretch(pool, *n, *since, now));
        self.meter.over.iter().cloned().chain(running).collect()
    }

    /// Counts anew what an event may have changed.
    pub(super) fn measure(&mut self, what: &Happening, at: Timestamp) {
        match what {
            Happening::Saw { instance, .. } => self.measure_target(instance),
            Happening::Applied {
                call: Call::Cordon { .. } | Call::Uncordon { .. },
                ..
            }
            | Happening::Ended { .. } => {
                for id in self.targets().map(|it| it.0.clone()).collect::<Vec<_>>() {
                    self.measure_target(&id);
                }
            }
            Happening::Applied { call, .. } => {
                for id in call.instances() {
                    self.measure_target(id);
                }
            }
            _ => {}
        }
        let pools: Vec<PoolKey> = self.spec.pools().into_iter().cloned().collect();
        for pool in pools {
            let n_ahead = if self.is_over() {
                0
            } else {
                self.pool(&pool).n_ahead()
            };
            self.meter.count(&pool, n_ahead, at);
        }
    }

    fn measure_target(&mut self, id: &InstanceId) {
        let is_held = !self.is_over() && self.target(id).is_some_and(is_held);
        let pool = self.pool_of(id).clone();
        self.meter.hold(&pool, id, is_held);
    }
}

/// Only what is seen to run nothing is counted: unknown is not idle.
fn is_held(target: &TargetState) -> bool {
    let is_idle = matches!(target.seen, Some(Sight::Idle { .. }));
    is_idle && !target.cordons.is_empty() && target.gone_at.is_none()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        fleet::{Capacity, LaunchSource},
        operation::{
            Change, Drain, Event, OnFailure, OperationId, Owner, PoolRoll, Proof, Roll, Spec,
            Strategy,
        },
    };

    const START: Timestamp = Timestamp::from_secs(1_772_443_800);

    fn at(secs: u64) -> Timestamp {
        START + Duration::from_secs(secs)
    }

    fn pool() -> PoolKey {
        PoolKey::new("prod/us-east-1", "workhorse")
    }

    fn replayed(spec: Spec, rest: Vec<(u64, Happening)>) -> Operation {
        let planned = Happening::Planned {
            version: Event::VERSION,
            id: OperationId("op-1".to_owned()),
            spec,
            owner: Owner::default(),
            reason: None,
            command_line: String::new(),
        };
        let all = std::iter::once((0, planned)).chain(rest);
        let events: Vec<Event> = all
            .map(|(secs, what)| Event { at: at(secs), what })
            .collect();
        Operation::replay(&events).unwrap()
    }

    fn drain() -> Spec {
        Spec::Drain(Drain {
            pool: pool(),
            targets: vec!["i-1".into()],
            decrement: true,
            max_unavailable: 1,
            proof: Proof::default(),
            deadline: None,
            force: false,
        })
    }

    fn roll() -> Spec {
        let source = |name: &str| LaunchSource::Configuration(name.to_owned());
        Spec::Roll(Roll {
            pools: vec![PoolRoll {
                pool: pool(),
                from: source("1"),
                word: None,
                to: Change::Existing(source("2")),
                targets: vec!["i-1".into(), "i-2".into()],
                capacity: Capacity {
                    desired: 2,
                    min: 0,
                    max: 4,
                },
                suspends: Vec::new(),
                batch: 1,
                boot_budget: Duration::from_mins(10),
            }],
            strategy: Strategy::Surge,
            canary: 0,
            max_unavailable: 0,
            max_unavailable_total: None,
            bake: Duration::ZERO,
            checkpoints: Vec::new(),
            checkpoint_delay: Duration::ZERO,
            deadline: None,
            on_failure: OnFailure::Hold,
            proof: Proof::default(),
            is_rollback: false,
        })
    }

    fn applied(call: Call) -> Happening {
        Happening::Applied { call, made: None }
    }

    fn cordon() -> Happening {
        applied(Call::Cordon {
            controller: "jenkins".into(),
            executor: "i-1".to_owned(),
            note: "pooldeck op-1 drains i-1".to_owned(),
        })
    }

    fn saw(sight: Sight) -> Happening {
        Happening::Saw {
            instance: "i-1".into(),
            sight,
            met: Vec::new(),
        }
    }

    fn terminate(decrement: bool) -> Happening {
        applied(Call::TerminateInstance {
            pool: pool(),
            instance: "i-1".into(),
            decrement,
        })
    }

    fn machine_secs(operation: &Operation, now: u64) -> u64 {
        let extras = operation.extras(at(now));
        extras.iter().map(|it| it.machine_time().as_secs()).sum()
    }

    #[test]
    fn a_cordoned_machine_counts_from_its_last_job_until_it_leaves() {
        let busy = Sight::Busy {
            at: at(20),
            jobs: Vec::new(),
            is_closed: true,
        };
        let mut events = vec![
            (10, cordon()),
            (20, saw(busy)),
            (500, saw(Sight::Idle { at: at(500) })),
            (520, saw(Sight::Idle { at: at(520) })),
            (560, terminate(true)),
        ];
        let running = replayed(drain(), events.clone());
        assert_eq!(machine_secs(&running, 510), 10, "as far as it has come");
        assert_eq!(machine_secs(&running, 580), 80);
        events.push((
            590,
            saw(Sight::Leaving {
                at: at(590),
                is_doubted: false,
            }),
        ));
        assert_eq!(machine_secs(&replayed(drain(), events), 9999), 90);
    }

    #[test]
    fn what_is_given_back_works_again_and_what_is_unknown_is_not_idle() {
        let unknown = Sight::Unknown {
            at: at(20),
            why: "403".to_owned(),
        };
        let uncordon = applied(Call::Uncordon {
            controller: "jenkins".into(),
            executor: "i-1".to_owned(),
        });
        let events = vec![
            (10, cordon()),
            (20, saw(unknown)),
            (100, saw(Sight::Idle { at: at(100) })),
            (130, uncordon),
            (140, Happening::Ended { left: Vec::new() }),
        ];
        assert_eq!(machine_secs(&replayed(drain(), events), 9999), 30);
    }

    #[test]
    fn a_machine_ahead_counts_once_until_the_old_one_is_gone() {
        let events = vec![
            (
                100,
                applied(Call::SetDesiredCapacity {
                    pool: pool(),
                    desired: 3,
                }),
            ),
            (400, cordon()),
            // Held, while another stands in for it: that is one machine too many, not two.
            (420, saw(Sight::Idle { at: at(420) })),
            (500, terminate(true)),
            (
                510,
                saw(Sight::Leaving {
                    at: at(510),
                    is_doubted: false,
                }),
            ),
        ];
        let operation = replayed(roll(), events);
        assert_eq!(machine_secs(&operation, 9999), 410);
        assert!(
            operation
                .extras(at(9999))
                .iter()
                .all(|it| it.n_machines == 1)
        );
    }

    #[test]
    fn a_size_that_somebody_else_set_is_not_ours_and_a_clock_that_steps_back_pays_nothing() {
        let raise = |desired| {
            applied(Call::SetDesiredCapacity {
                pool: pool(),
                desired,
            })
        };
        let others = Happening::SawDesired {
            pool: pool(),
            desired: 5,
            by: Some("ada".to_owned()),
            base: None,
        };
        let operation = replayed(roll(), vec![(100, raise(3)), (160, others)]);
        assert_eq!(machine_secs(&operation, 9999), 60);
        let operation = replayed(roll(), vec![(100, raise(4)), (40, raise(2))]);
        assert_eq!(machine_secs(&operation, 9999), 0);
    }
}
