//! What is waiting, and why: the sentences that answer "why is nothing happening?".

use std::time::Duration;

use super::{
    ActivityStatus, Capacity, Fleet, FreezeMark, HookResult, Instance, InstanceId, Lifecycle,
    MachineState, Pool, PoolKey, Process, Timestamp, TrendKind, short_duration,
};

/// One thing that a pool waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub pool: PoolKey,
    pub instance: Option<InstanceId>,
    /// A sentence without its subject: "1 of 6 missing: `InsufficientInstanceCapacity`".
    pub why: String,
    /// When it ends by itself, where that is known; late at the most by one poll interval.
    pub until: Option<Timestamp>,
    /// Whether an operator should look at it.
    pub is_alarming: bool,
}

/// Lists what the pools of a fleet wait for, the alarming first.
pub fn waiting(fleet: &Fleet, now: Timestamp) -> Vec<Waiting> {
    let mut found: Vec<Waiting> = fleet
        .pools
        .values()
        .flat_map(|it| waiting_in(fleet, it, now))
        .collect();
    found.extend(fleet.trends.iter().map(|it| Waiting {
        pool: it.pool.clone(),
        instance: None,
        why: it.why.clone(),
        until: None,
        is_alarming: it.kind == TrendKind::LaunchFailures,
    }));
    found.sort_by(|a, b| {
        b.is_alarming
            .cmp(&a.is_alarming)
            .then_with(|| a.pool.cmp(&b.pool))
    });
    found
}

pub(super) fn waiting_in(fleet: &Fleet, pool: &Pool, now: Timestamp) -> Vec<Waiting> {
    let key = pool.key();
    let roster = fleet.roster(&key);
    let mut found: Vec<Waiting> = roster
        .instances
        .iter()
        .filter_map(|it| waiting_instance(pool, it))
        .collect();
    found.extend(frozen(pool, now));
    if let Some(capacity) = pool.capacity {
        found.extend(missing_capacity(fleet, pool, capacity));
    }
    if let Some(refresh) = pool.refresh.as_ref().filter(|it| !it.status.is_over()) {
        let percent = refresh
            .percent_complete
            .map_or(String::new(), |it| format!(" {it} %"));
        let reason = refresh
            .reason
            .as_ref()
            .map_or(String::new(), |it| format!(": {it}"));
        found.push(Waiting {
            pool: key,
            instance: None,
            why: format!("instance refresh {}{percent}{reason}", refresh.status),
            until: None,
            is_alarming: false,
        });
    }
    found
}

/// Says that a pool is frozen, by whom, and how it ends.
fn frozen(pool: &Pool, now: Timestamp) -> Option<Waiting> {
    let name = &pool.name;
    let (why, until, is_alarming) = match FreezeMark::of(pool)? {
        Err(why) => (
            format!("frozen, and {why}, which this pooldeck cannot read"),
            None,
            true,
        ),
        Ok(it) if it.is_overdue(now) => {
            let late = it.until.map_or(Duration::ZERO, |it| now.since(it));
            // Who ends it is not seen from here; a minute is more than that takes.
            let is_late = Duration::from_mins(1) < late;
            let why = if is_late {
                format!(
                    "frozen by {}, overdue since {}: nothing ends it any more; `thaw {name}` does",
                    it.by,
                    short_duration(late)
                )
            } else {
                format!("frozen by {}, and about to thaw", it.by)
            };
            (why, None, is_late)
        }
        Ok(it) => {
            let ends = match it.until {
                Some(_) => "it thaws by itself".to_owned(),
                None => format!("`thaw {name}` ends it"),
            };
            (format!("frozen by {}: {ends}", it.by), it.until, false)
        }
    };
    Some(Waiting {
        pool: pool.key(),
        instance: None,
        why,
        until,
        is_alarming,
    })
}

fn waiting_instance(pool: &Pool, instance: &Instance) -> Option<Waiting> {
    let lifecycle = instance.lifecycle.as_ref()?;
    let waiting = |why: String, until, is_alarming| {
        Some(Waiting {
            pool: pool.key(),
            instance: Some(instance.id.clone()),
            why,
            until,
            is_alarming,
        })
    };
    if *lifecycle == Lifecycle::TerminatingRetained {
        return waiting(
            "retained after its hook was abandoned; it is billed until it is terminated".into(),
            None,
            true,
        );
    }
    if !lifecycle.is_waiting_on_hook() {
        return None;
    }
    let is_gone = matches!(
        instance.state,
        Some(MachineState::Terminated | MachineState::ShuttingDown)
    );
    if is_gone {
        return waiting(
            format!("{lifecycle}, and EC2 has already terminated it; complete its hook"),
            None,
            true,
        );
    }
    match pool.hook_for(lifecycle) {
        Some(hook) => {
            let result = match hook.default_result {
                HookResult::Continue => "then it goes on",
                HookResult::Abandon => "then it is terminated",
            };
            let timeout = short_duration(hook.heartbeat_timeout);
            waiting(
                format!(
                    "{lifecycle}: hook {} has {timeout} from its last heartbeat, {result}",
                    hook.name
                ),
                Some(instance.lifecycle_since + hook.heartbeat_timeout),
                false,
            )
        }
        None => waiting(
            format!("{lifecycle}: its hook was not read yet"),
            None,
            false,
        ),
    }
}

fn missing_capacity(fleet: &Fleet, pool: &Pool, capacity: Capacity) -> Option<Waiting> {
    let n_there = fleet.roster(&pool.key()).counts.n_there();
    let n_missing = capacity.desired.checked_sub(n_there).filter(|it| 0 < *it)?;
    let (why, is_alarming) = if pool.is_suspended(&Process::Launch) {
        let is_frozen = FreezeMark::of(pool).is_some();
        let by = if is_frozen { " by the freeze" } else { "" };
        (format!("the Launch process is suspended{by}"), true)
    } else {
        last_launch_failure(fleet, pool).map_or(
            ("the group has not launched them yet".to_owned(), false),
            |it| (it, true),
        )
    };
    Some(Waiting {
        pool: pool.key(),
        instance: None,
        why: format!("{n_missing} of {} missing: {why}", capacity.desired),
        until: None,
        is_alarming,
    })
}

/// Returns AWS' reason for the newest launch, if that one failed.
fn last_launch_failure(fleet: &Fleet, pool: &Pool) -> Option<String> {
    let key = pool.key();
    let newest = fleet
        .activities
        .iter()
        .find(|it| it.pool == key && it.description.starts_with("Launching"))?;
    (newest.status == ActivityStatus::Failed).then(|| {
        newest
            .status_message
            .clone()
            .unwrap_or_else(|| newest.description.clone())
    })
}
