//! Somebody else, who does what an operation does not expect: another operator, another
//! tool, an expired session, a clock that is set.

use std::time::Duration;

use fastrand::Rng;
use pooldeck::{
    fleet::{Call, InstanceId, PoolKey, Process},
    operation::TAG,
    sim::{Deed, World},
};

/// How many steps pass between two deeds, on average.
const RARITY: u32 = 60;
/// How long a session stays expired, and a clock wrong.
const EPISODE: Duration = Duration::from_mins(4);

/// What somebody does, by its name in a case.
type Deeds = (&'static str, fn(&mut Meddler, &mut World));

pub(crate) const KINDS: [Deeds; 10] = [
    ("terminates", Meddler::terminate),
    ("unprotects", Meddler::unprotect),
    ("untags", Meddler::untag),
    ("uncordons", Meddler::uncordon),
    ("suspends", Meddler::suspend),
    ("scales", Meddler::scale),
    ("changes-hook", Meddler::change_hook),
    ("stands-by", Meddler::stand_by),
    ("expires", Meddler::expire),
    ("sets-clock", Meddler::set_clock),
];

pub(crate) struct Meddler {
    kinds: Vec<Deeds>,
    pool: PoolKey,
    dice: Rng,
    /// When the credentials are renewed, and the clock is set right.
    ends_at: Option<pooldeck::fleet::Timestamp>,
    skew: i64,
}

impl Meddler {
    pub(crate) fn none() -> Self {
        Self::of(&[], &PoolKey::new("nowhere", "none"), 0)
    }

    pub(crate) fn of(kinds: &[&str], pool: &PoolKey, seed: u64) -> Self {
        let is_wanted = |it: &&Deeds| kinds.contains(&it.0);
        Self {
            kinds: KINDS.iter().filter(is_wanted).copied().collect(),
            pool: pool.clone(),
            dice: Rng::with_seed(seed ^ 0x00ed_d1e5),
            ends_at: None,
            skew: 0,
        }
    }

    pub(crate) fn meddle(&mut self, world: &mut World) {
        if self.ends_at.is_some_and(|it| it <= world.now()) {
            self.end_episode(world);
        }
        if self.kinds.is_empty() || self.dice.u32(..RARITY) != 0 {
            return;
        }
        let kind_idx = self.dice.usize(..self.kinds.len());
        let (_, deed) = self.kinds[kind_idx];
        deed(self, world);
    }

    /// By how much the driver's clock is wrong; `None` where nobody sets it.
    pub(crate) fn skew(&self) -> Option<i64> {
        self.kinds
            .iter()
            .any(|it| it.0 == "sets-clock")
            .then_some(self.skew)
    }

    /// Ends what lasts: the world is itself again.
    pub(crate) fn stop(&mut self, world: &mut World) {
        self.kinds.clear();
        self.end_episode(world);
    }

    fn end_episode(&mut self, world: &mut World) {
        self.ends_at = None;
        let mut faults = world.faults().clone();
        faults.cloud.credentials_end = None;
        world.set_faults(faults);
    }

    fn some_member(&mut self, world: &World) -> Option<InstanceId> {
        let members: Vec<_> = world.members(&self.pool).collect();
        let member_idx = self.dice.usize(..members.len().max(1));
        members.get(member_idx).map(|it| it.id().clone())
    }

    /// Somebody's deed may be refused; that is theirs to mind.
    fn act(world: &mut World, call: Call) {
        let _ = world.meddle(&Deed::Call(call));
    }

    fn terminate(&mut self, world: &mut World) {
        if let Some(instance) = self.some_member(world) {
            let decrement = self.dice.bool();
            let _ = world.meddle(&Deed::TerminateInGroup {
                instance,
                decrement,
            });
        }
    }

    fn unprotect(&mut self, world: &mut World) {
        let pool = self.pool.clone();
        if let Some(id) = self.some_member(world) {
            let instances = vec![id];
            Self::act(
                world,
                Call::SetInstanceProtection {
                    pool,
                    instances,
                    protected: false,
                },
            );
        }
    }

    fn untag(&mut self, world: &mut World) {
        let scope = self.pool.scope.clone();
        if let Some(id) = self.some_member(world) {
            let (instances, key) = (vec![id], TAG.to_owned());
            Self::act(
                world,
                Call::UntagInstances {
                    scope,
                    instances,
                    key,
                },
            );
        }
    }

    fn uncordon(&mut self, world: &mut World) {
        let id = self.some_member(world);
        let agent = id.as_ref().and_then(|it| world.agent_on(it));
        let Some(executor) = agent.map(|it| it.name.clone()) else {
            return;
        };
        let controller = world
            .controllers()
            .next()
            .map(|it| it.name.clone())
            .unwrap();
        Self::act(
            world,
            Call::Uncordon {
                controller,
                executor,
            },
        );
    }

    fn suspend(&mut self, world: &mut World) {
        let (pool, processes) = (self.pool.clone(), vec![Process::AzRebalance]);
        Self::act(
            world,
            if self.dice.bool() {
                Call::SuspendProcesses { pool, processes }
            } else {
                Call::ResumeProcesses { pool, processes }
            },
        );
    }

    fn scale(&mut self, world: &mut World) {
        let (pool, by) = (self.pool.clone(), self.dice.i32(-1..=1));
        let _ = world.meddle(&Deed::ChangeDesired { pool, by });
    }

    fn change_hook(&mut self, world: &mut World) {
        let group = world.group(&self.pool).unwrap();
        let Some(mut hook) = group.row.hooks.first().cloned() else {
            return;
        };
        let secs = self.dice.u64(150..600);
        hook.heartbeat_timeout = Duration::from_secs(secs);
        let pool = self.pool.clone();
        let _ = world.meddle(&Deed::PutHook { pool, hook });
    }

    fn stand_by(&mut self, world: &mut World) {
        let pool = self.pool.clone();
        let _ = world.meddle(&Deed::StandBySome { pool });
    }

    fn expire(&mut self, world: &mut World) {
        let mut faults = world.faults().clone();
        faults.cloud.credentials_end = Some(world.now());
        world.set_faults(faults);
        self.ends_at = Some(world.now() + EPISODE);
    }

    fn set_clock(&mut self, _: &mut World) {
        self.skew = self.dice.i64(-300..=300);
    }
}
