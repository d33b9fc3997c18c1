//! Capacity: how many may be out, and that desired moves by what was planned.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pooldeck::{
    fleet::{Call, InstanceId, Lifecycle, PoolKey, Process, Timestamp},
    operation::Spec,
    sim::{Machine, World},
};

use super::{Before, Checks, Verdict, drain_terms, ensure};

/// So many newcomers may even the zones out.
const N_EVENED: usize = 3;

/// What others made of desired, and by how much they changed it.
#[derive(Debug)]
struct Wish {
    at: Timestamp,
    desired: u32,
    change: i64,
}

pub(super) struct Ledger {
    pool: PoolKey,
    desired_before: u32,
    n_launches: usize,
    n_duplicates: usize,
    n_seen: usize,
    n_members: usize,
    /// By how much desired sank with our terminations of each target.
    sunk: BTreeMap<InstanceId, u32>,
    /// What desired was at the start, and as it was last seen.
    start: u32,
    last: u32,
    wishes: Vec<Wish>,
    /// When we changed it, and when we first read what became of that.
    changed_at: Vec<(Timestamp, Option<Timestamp>)>,
    /// Whether a roll went back to what it came from: each member is replaced once more.
    turned_back: bool,
    /// The names by which we made something that is made once.
    tokens: BTreeSet<String>,
    /// Every refresh that was seen, and how many of them were ours.
    refreshes: BTreeSet<String>,
    n_refreshes: u32,
}

impl Ledger {
    pub(super) fn new(world: &World, spec: &Spec) -> Self {
        let start = desired(world, spec.pool());
        Self {
            pool: spec.pool().clone(),
            desired_before: 0,
            n_launches: world.history().launches.len(),
            n_duplicates: world.history().duplicates.len(),
            n_seen: world.history().duplicates.len(),
            n_members: world.members(spec.pool()).count(),
            sunk: BTreeMap::new(),
            start,
            last: start,
            wishes: Vec::new(),
            changed_at: Vec::new(),
            turned_back: false,
            tokens: BTreeSet::new(),
            refreshes: refresh(world, spec.pool()).into_iter().collect(),
            n_refreshes: 0,
        }
    }

    pub(super) fn before(&mut self, world: &World, call: &Call) {
        self.desired_before = desired(world, &self.pool);
        if changes_desired(call) {
            self.changed_at.push((world.now(), None));
        }
    }

    /// The group was read at that time.
    pub(super) fn note_reading(&mut self, at: Timestamp, settle: Duration) {
        for (changed_at, read_at) in &mut self.changed_at {
            if settle <= at.since(*changed_at) {
                read_at.get_or_insert(at);
            }
        }
    }

    /// Returns whether somebody changed it so near to us that neither could know of the other:
    /// before we could read what became of our call, too, be it because we died.
    /// AWS offers no way to change a number only if it is still what was read.
    fn is_race(&self, at: Timestamp, settle: Duration) -> bool {
        let mut ours = self.changed_at.iter();
        ours.any(|(changed_at, read_at)| {
            let is_near = changed_at.since(at).max(at.since(*changed_at)) < settle * 2;
            let is_unread = *changed_at <= at && read_at.is_none_or(|it| at <= it);
            is_near || is_unread
        })
    }

    /// What changed while we called nothing was changed by others.
    pub(super) fn passed(&mut self, world: &World) {
        let now = desired(world, &self.pool);
        if now != self.last {
            let change = i64::from(now) - i64::from(self.last);
            self.wishes.push(Wish {
                at: world.now(),
                desired: now,
                change,
            });
            self.last = now;
        }
        self.refreshes.extend(refresh(world, &self.pool));
    }

    pub(super) fn after(&mut self, world: &World, call: &Call) {
        self.last = desired(world, &self.pool);
        let repeated = &world.history().duplicates[self.n_seen..];
        let is_decrement =
            changes_desired(call) && !matches!(call, Call::SetDesiredCapacity { .. });
        if is_decrement && repeated.contains(call) {
            // What the network delivers twice AWS counts twice, and words like anybody's wish.
            self.wishes.push(Wish {
                at: world.now(),
                desired: self.last,
                change: -1,
            });
        }
        self.n_seen = world.history().duplicates.len();
    }
}

fn desired(world: &World, pool: &PoolKey) -> u32 {
    let capacity = world.group(pool).and_then(pooldeck::sim::Group::capacity);
    capacity.map_or(0, |it| it.desired)
}

fn changes_desired(call: &Call) -> bool {
    matches!(
        call,
        Call::SetDesiredCapacity { .. }
            | Call::TerminateInstance {
                decrement: true,
                ..
            }
            | Call::EnterStandby {
                decrement: true,
                ..
            }
    )
}

fn refresh(world: &World, pool: &PoolKey) -> Option<String> {
    let refresh = world.group(pool)?.row.refresh.as_ref();
    refresh.map(|it| it.id.clone())
}

/// 4: desired sinks without a name only while the group may end nobody, and the group may do so
/// again only once it has no more than it wants.
pub(super) fn fewer_names_its_victims(checks: &Checks, before: &Before<'_>) -> Verdict {
    let Before { world, call, .. } = before;
    let now = world.now();
    let wished_at = checks.capacity.wishes.last().map(|it| it.at);
    let key = &checks.capacity.pool;
    let resumed_at = checks.borrowed.changed_by_others(key, Process::Terminate);
    // AWS offers no way to change a number only if it, and what protects from it, is as it was read.
    let last_at = wished_at.max(resumed_at);
    let is_race = last_at.is_some_and(|it| now.since(it) < checks.proof().settle * 2);
    let (pool, wanted) = match call {
        Call::ResumeProcesses { pool, processes } if processes.contains(&Process::Terminate) => {
            let is_counted = |it: &&Machine| {
                use Lifecycle::{InService, Pending, PendingProceed, PendingWait};
                let counted = [InService, Pending, PendingProceed, PendingWait];
                it.is_alive() && it.lifecycle().is_some_and(|it| counted.contains(it))
            };
            let n_counted = world.members(pool).filter(is_counted).count();
            let n_counted = u32::try_from(n_counted).unwrap();
            let is = desired(world, pool);
            let is_judged = matches!(checks.spec, Spec::Roll(_)) && !is_race;
            return ensure(!is_judged || n_counted <= is, 4, || {
                format!("{call}: the group has {n_counted}, wants {is}, and would choose who dies")
            });
        }
        Call::SetDesiredCapacity { pool, desired } => (pool, *desired),
        Call::UpdateBounds {
            pool,
            max: Some(max),
            ..
        } => (pool, *max),
        _ => return Ok(()),
    };
    let is_held = world
        .group(pool)
        .is_some_and(|it| it.row.is_suspended(&Process::Terminate));
    let is = desired(world, pool);
    ensure(is <= wanted || is_race || is_held, 4, || {
        format!("{call} sinks from {is} to {wanted}, and names no victim")
    })
}

/// Returns how many a roll may lack at a time, and how many more than before there may be.
fn roll_terms(spec: &Spec) -> Option<(u32, u32)> {
    match spec {
        Spec::Roll(it) => {
            let batch = it.pools[0].batch.max(it.canary);
            Some((it.max_unavailable, batch))
        }
        Spec::Drain(_) | Spec::Freeze(_) | Spec::Refresh(_) => None,
    }
}

/// 8: while nobody else is there, a roll never has more than its batch too many.
pub(super) fn a_pool_grows_by_no_more_than_a_batch(checks: &Checks, world: &World) -> Verdict {
    let Some((_, batch)) = roll_terms(&checks.spec).filter(|_| checks.is_strict) else {
        return Ok(());
    };
    let (is, start) = (desired(world, &checks.capacity.pool), checks.capacity.start);
    ensure(is <= start + batch, 8, || {
        format!("{is} are wanted, which is more than {start} and a batch of {batch}")
    })
}

/// 8: a roll closes an instance only while enough others take jobs.
pub(super) fn a_roll_keeps_its_floor(checks: &Checks, before: &Before<'_>) -> Verdict {
    let is_closing = matches!(
        before.call,
        Call::Cordon { .. } | Call::EnterStandby { .. } | Call::TerminateInstance { .. }
    );
    let terms = roll_terms(&checks.spec).filter(|_| checks.is_strict && is_closing);
    let Some((max_unavailable, _)) = terms else {
        return Ok(());
    };
    let world = before.world;
    let named = before.call.to_string();
    // Whom AWS takes, we only see off.
    let mut leaving = world.machines().filter(|it| it.is_leaving());
    if leaving.any(|it| named.contains(it.id().as_str())) {
        return Ok(());
    }
    let takes_jobs = |it: &&Machine| {
        let mut agents = world.agents_on(it.id());
        it.lifecycle() == Some(&Lifecycle::InService)
            && it.is_alive()
            && !named.contains(it.id().as_str())
            && agents.any(|it| it.cordon.is_none())
    };
    let n_open = world.members(&checks.capacity.pool).filter(takes_jobs);
    let n_open = u32::try_from(n_open.count()).unwrap();
    // What the network repeats may lower the group by one more than was asked.
    let n_repeated = world.history().duplicates.len() - checks.capacity.n_duplicates;
    let start = checks.capacity.start;
    ensure(
        start <= n_open + max_unavailable || 0 < n_repeated,
        8,
        || {
            format!(
                "{}: only {n_open} of {start} would take jobs, and {max_unavailable} may be out",
                before.call
            )
        },
    )
}

/// 9: whatever a roll, a freeze or a refresh did to desired, in the end it is as it was, or
/// as somebody else wanted it.
pub(super) fn desired_is_as_it_was(checks: &Checks, world: &World) -> Verdict {
    let ledger = &checks.capacity;
    if drain_terms(&checks.spec).is_some() {
        return Ok(());
    }
    let is = i64::from(desired(world, &ledger.pool));
    let start = i64::from(ledger.start);
    // Whoever said a number gets it, whoever said how many more or fewer gets that; what came
    // too near to a change of ours may be lost.
    let wishes = ledger.wishes.iter().map(|it| i64::from(it.desired));
    let mut wishes: Vec<i64> = wishes.chain([start]).collect();
    let settle = checks.proof().settle;
    let is_race = |it: &&Wish| ledger.is_race(it.at, settle);
    let (racing, firm): (Vec<&Wish>, Vec<&Wish>) = ledger.wishes.iter().partition(is_race);
    let firm = start + firm.iter().map(|it| it.change).sum::<i64>();
    let fewer: i64 = racing.iter().map(|it| it.change.min(0)).sum();
    let more: i64 = racing.iter().map(|it| it.change.max(0)).sum();
    wishes.extend([firm + fewer, firm + more]);
    // Less than its min, as somebody set it meanwhile, no group may want.
    let capacity = world
        .group(&ledger.pool)
        .and_then(pooldeck::sim::Group::capacity);
    let min = capacity.map_or(0, |it| i64::from(it.min));
    let least = wishes.iter().min().copied().unwrap_or(start).max(min);
    let most = wishes.iter().max().copied().unwrap_or(start).max(min);
    ensure((least..=most).contains(&is), 9, || {
        format!(
            "desired was {start}, others made it {:?}, and it stays {is}",
            ledger.wishes
        )
    })
}

/// 8 and 10: a replacing drain begins with one more only while enough others serve.
pub(super) fn no_more_than_allowed_are_out(checks: &Checks, before: &Before<'_>) -> Verdict {
    let (Call::Cordon { .. }, Some((false, max_unavailable))) =
        (before.call, drain_terms(&checks.spec))
    else {
        return Ok(());
    };
    if !checks.is_strict || checks.spec.is_forced() {
        return Ok(());
    }
    let world = before.world;
    let is_ours = |id: &InstanceId| {
        let mut agents = world.agents_on(id).filter_map(|it| it.cordon.as_ref());
        let is_named = before.call.to_string().contains(id.as_str());
        is_named || agents.any(|it| it.contains(&checks.id.0))
    };
    let serving = world.members(&checks.capacity.pool).filter(|it| {
        it.lifecycle() == Some(&Lifecycle::InService) && it.is_alive() && !is_ours(it.id())
    });
    let n_serving = u32::try_from(serving.count()).unwrap();
    let desired = desired(world, &checks.capacity.pool);
    ensure(desired <= n_serving + max_unavailable, 8, || {
        format!("{n_serving} of {desired} serve, and {max_unavailable} may be out")
    })
}

/// 9, of desired: a target that goes lowers it once.
pub(super) fn each_decrement_counts_once(
    checks: &mut Checks,
    world: &World,
    call: &Call,
) -> Verdict {
    let Call::TerminateInstance { instance, .. } = call else {
        return Ok(());
    };
    let now = desired(world, &checks.capacity.pool);
    let sunk = checks.capacity.sunk.entry(instance.clone()).or_default();
    *sunk += checks.capacity.desired_before.saturating_sub(now);
    let duplicates = world.history().duplicates.iter();
    let n_duplicates = duplicates.filter(|it| *it == call).count();
    let most = 1 + u32::try_from(n_duplicates).unwrap();
    ensure(*sunk <= most, 9, || {
        format!("desired sank by {sunk} for {instance} alone")
    })
}

/// 11: launches come from what was terminated, and from nothing else of ours.
pub(super) fn nothing_more_is_launched(checks: &mut Checks, world: &World, call: &Call) -> Verdict {
    if let (Spec::Roll(roll), Call::LaunchFrom { source, .. }) = (&checks.spec, call) {
        checks.capacity.turned_back |= *source == roll.pools[0].from;
    }
    let desired_now = desired(world, &checks.capacity.pool);
    let n_launched = world.history().launches.len() - checks.capacity.n_launches;
    let is_judged = drain_terms(&checks.spec).is_some();
    ensure(
        !is_judged || desired_now <= checks.capacity.desired_before,
        11,
        || format!("a drain raised desired to {desired_now} ({n_launched} were launched)"),
    )?;
    // Each member once, and a few newcomers that even the zones out.
    let n_times = 1 + usize::from(checks.capacity.turned_back);
    let most = checks.capacity.n_members * n_times + N_EVENED;
    let is_judged = matches!(checks.spec, Spec::Roll(_)) && checks.is_strict;
    ensure(!is_judged || n_launched <= most, 11, || {
        format!("{n_launched} were launched, and {most} are enough")
    })
}

/// 11: what is made once is made once, however often its answer is lost.
pub(super) fn nothing_is_made_twice(checks: &mut Checks, world: &World, call: &Call) -> Verdict {
    let ledger = &mut checks.capacity;
    let token = match call {
        Call::CreateTemplateVersion { token, .. } => token,
        Call::CopyConfiguration { name, .. } => name,
        Call::StartRefresh { pool, .. } => {
            let id = refresh(world, pool);
            let is_new = id.is_some_and(|it| ledger.refreshes.insert(it));
            ledger.n_refreshes += u32::from(is_new);
            let n = ledger.n_refreshes;
            return ensure(n <= 1, 11, || format!("{n} refreshes were started"));
        }
        _ => return Ok(()),
    };
    ledger.tokens.insert(token.clone());
    let tokens = &ledger.tokens;
    ensure(tokens.len() == 1, 11, || {
        format!("one template is made by several names: {tokens:?}")
    })
}
