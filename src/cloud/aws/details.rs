//! What costs a call for each group: hooks, the instance refresh, the warm pool's machines.
//!
//! A few calls at each reading, the urgent first, so that a region with
//! hundreds of groups never takes the requests that its autoscaler needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_autoscaling::types::LifecycleHook;
use futures_util::{StreamExt, stream};

use super::{
    denials::Subject,
    errors::{explain, refuse},
    groups::{Group, Member, member},
    open::Clients,
    pages::{Page, walk},
    refresh::refresh,
};
use crate::fleet::matches_wildcards;
use crate::{
    cloud::Error,
    fleet::{Hook, HookResult, HookTransition, Lifecycle, PoolName, Refresh, Timestamp},
};

/// Calls at one reading that are not urgent.
const N_CALM_PER_READING: usize = 6;
/// Urgent calls at one reading; the rest waits for the next.
const N_URGENT_PER_READING: usize = 20;
/// Where somebody waits for just these; what is left out is told as not read.
const N_WANTED_PER_READING: usize = 60;
const N_PARALLEL: usize = 8;
const MAX_AGE: Duration = Duration::from_hours(1);
const WARM_MAX_AGE: Duration = Duration::from_mins(1);
/// While a machine waits on a hook that we do not know, the hooks are read this often.
const LACKING_MAX_AGE: Duration = Duration::from_secs(30);
/// The defaults of `PutLifecycleHook`.
const HEARTBEAT_DEFAULT: Duration = Duration::from_hours(1);

/// What was read of one group.
#[derive(Debug, Default)]
pub(super) struct Detail {
    pub(super) hooks: Vec<Hook>,
    pub(super) hooks_read_at: Option<Timestamp>,
    pub(super) refresh: Option<Refresh>,
    pub(super) refresh_read_at: Option<Timestamp>,
    pub(super) warm: Vec<Member>,
    warm_read: Option<(Timestamp, u32)>,
}

#[derive(Debug, Default)]
pub(super) struct Details {
    groups: BTreeMap<PoolName, Detail>,
    /// Groups in which a machine began to wait on a hook since the hooks were read.
    hooks_wanted: BTreeSet<PoolName>,
    /// Groups whose activities speak of an instance refresh.
    refresh_wanted: BTreeSet<PoolName>,
}

/// One call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Hooks(PoolName),
    Refresh(PoolName),
    Warm(PoolName, u32),
}

impl Errand {
    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Hooks(_) => Subject::Hooks,
            Self::Refresh(_) => Subject::Refreshes,
            Self::Warm(..) => Subject::WarmPools,
        }
    }
}

enum Answer {
    Hooks(PoolName, Vec<Hook>),
    Refresh(PoolName, Option<Refresh>),
    Warm(PoolName, u32, Vec<Member>),
}

impl Details {
    pub(super) fn get(&self, name: &PoolName) -> Option<&Detail> {
        self.groups.get(name)
    }

    pub(super) fn want_hooks(&mut self, name: &PoolName) {
        self.hooks_wanted.insert(name.clone());
    }

    pub(super) fn want_refresh(&mut self, name: &PoolName) {
        self.refresh_wanted.insert(name.clone());
    }

    pub(super) fn retain(&mut self, groups: &BTreeMap<PoolName, Group>) {
        self.groups.retain(|name, _| groups.contains_key(name));
        self.hooks_wanted.retain(|name| groups.contains_key(name));
        self.refresh_wanted.retain(|name| groups.contains_key(name));
    }

    /// Decides which calls this reading makes.
    ///
    /// The first reading of all makes the urgent ones only: its rows are awaited.
    pub(super) fn errands(
        &self,
        groups: &BTreeMap<PoolName, Group>,
        wanted: &[String],
        is_first: bool,
        now: Timestamp,
    ) -> Vec<Errand> {
        let (mut urgent, mut calm) = (Vec::new(), Vec::new());
        let is_old = |at: Option<Timestamp>, age| at.is_none_or(|it| age <= now.since(it));
        let nothing = Detail::default();
        for (name, group) in groups {
            let detail = self.groups.get(name).unwrap_or(&nothing);
            let lacks_hook =
                lacks_hook(group, detail) && is_old(detail.hooks_read_at, LACKING_MAX_AGE);
            let is_wanted = wanted.iter().any(|it| matches_wildcards(name.as_str(), it));
            let lacks = |at: Option<Timestamp>| is_wanted && at.is_none();
            if lacks_hook || lacks(detail.hooks_read_at) || self.hooks_wanted.contains(name) {
                urgent.push(Errand::Hooks(name.clone()));
            } else if is_old(detail.hooks_read_at, MAX_AGE) {
                calm.push((detail.hooks_read_at, Errand::Hooks(name.clone())));
            }
            let is_running = detail
                .refresh
                .as_ref()
                .is_some_and(|it| !it.status.is_over());
            if is_running || lacks(detail.refresh_read_at) || self.refresh_wanted.contains(name) {
                urgent.push(Errand::Refresh(name.clone()));
            } else if is_old(detail.refresh_read_at, MAX_AGE) {
                calm.push((detail.refresh_read_at, Errand::Refresh(name.clone())));
            }
            let n_warm = group.pool.warm_pool_size.unwrap_or(0);
            let read = detail.warm_read;
            let had = read.map_or(0, |(_, n)| n);
            if n_warm != had || (n_warm > 0 && is_old(read.map(|(at, _)| at), WARM_MAX_AGE)) {
                calm.push((read.map(|(at, _)| at), Errand::Warm(name.clone(), n_warm)));
            }
        }
        urgent.truncate(if wanted.is_empty() {
            N_URGENT_PER_READING
        } else {
            N_WANTED_PER_READING
        });
        if !is_first {
            calm.sort_by_key(|(read_at, _)| *read_at);
            urgent.extend(calm.into_iter().take(N_CALM_PER_READING).map(|(_, it)| it));
        }
        urgent
    }

    /// Makes the calls and keeps the answers.
    pub(super) async fn read(
        &mut self,
        clients: &Clients,
        errands: Vec<Errand>,
        now: Timestamp,
    ) -> Vec<(Subject, Error)> {
        let mut errors = Vec::new();
        let mut answers = stream::iter(errands)
            .map(|it| async { (it.subject(), run(clients, it).await) })
            .buffer_unordered(N_PARALLEL);
        while let Some((subject, answer)) = answers.next().await {
            match answer {
                Ok(answer) => self.keep(answer, now),
                Err(error) => errors.push((subject, error)),
            }
        }
        errors
    }

    fn keep(&mut self, answer: Answer, now: Timestamp) {
        match answer {
            Answer::Hooks(name, hooks) => {
                self.hooks_wanted.remove(&name);
                let detail = self.groups.entry(name).or_default();
                detail.hooks = hooks;
                detail.hooks_read_at = Some(now);
            }
            Answer::Refresh(name, refresh) => {
                self.refresh_wanted.remove(&name);
                let detail = self.groups.entry(name).or_default();
                detail.refresh = refresh;
                detail.refresh_read_at = Some(now);
            }
            Answer::Warm(name, size, members) => {
                let detail = self.groups.entry(name).or_default();
                detail.warm = members;
                detail.warm_read = Some((now, size));
            }
        }
    }
}

/// Returns whether a member waits on a hook that was not there when the hooks were read.
fn lacks_hook(group: &Group, detail: &Detail) -> bool {
    let mut waiting = group
        .members
        .iter()
        .filter(|it| it.lifecycle.is_waiting_on_hook());
    waiting.any(|it| match it.lifecycle {
        Lifecycle::PendingWait => !detail.has_hook(HookTransition::Launching),
        Lifecycle::TerminatingWait => !detail.has_hook(HookTransition::Terminating),
        _ => false,
    })
}

impl Detail {
    fn has_hook(&self, transition: HookTransition) -> bool {
        self.hooks.iter().any(|it| it.transition == transition)
    }
}

async fn run(clients: &Clients, errand: Errand) -> Result<Answer, Error> {
    match errand {
        Errand::Hooks(name) => {
            let hooks = hooks(clients, &name).await?;
            Ok(Answer::Hooks(name, hooks))
        }
        Errand::Refresh(name) => {
            // Newest first; only the last one matters.
            let request = clients.scaling.describe_instance_refreshes();
            let request = request
                .auto_scaling_group_name(name.as_str())
                .max_records(1);
            let answer = request.send().await;
            let answer = answer.map_err(|error| explain("read the instance refreshes", &error))?;
            let newest = answer.instance_refreshes().first().and_then(refresh);
            Ok(Answer::Refresh(name, newest))
        }
        Errand::Warm(name, size) => {
            const WHAT: &str = "read the warm pools";
            let walk = walk(WHAT, |token| async {
                let request = clients.scaling.describe_warm_pool();
                let request = request.auto_scaling_group_name(name.as_str());
                let answer = request.set_next_token(token).send().await;
                let answer = answer.map_err(|error| refuse(WHAT, &error))?;
                Ok(Page {
                    rows: answer.instances().iter().filter_map(member).collect(),
                    next: answer.next_token,
                })
            })
            .await;
            match walk.failure {
                Some(error) => Err(error),
                None => Ok(Answer::Warm(name, size, walk.rows)),
            }
        }
    }
}

/// Reads the hooks of one group.
pub(super) async fn hooks(clients: &Clients, name: &PoolName) -> Result<Vec<Hook>, Error> {
    let request = clients.scaling.describe_lifecycle_hooks();
    let request = request.auto_scaling_group_name(name.as_str());
    let answer = request.send().await;
    let answer = answer.map_err(|error| explain("read the lifecycle hooks", &error))?;
    Ok(answer.lifecycle_hooks().iter().filter_map(hook).collect())
}

fn hook(it: &LifecycleHook) -> Option<Hook> {
    let seconds = |it: Option<i32>| {
        let seconds = it.and_then(|it| u64::try_from(it).ok());
        seconds.map(Duration::from_secs)
    };
    let heartbeat_timeout = seconds(it.heartbeat_timeout()).unwrap_or(HEARTBEAT_DEFAULT);
    Some(Hook {
        name: it.lifecycle_hook_name()?.to_owned(),
        transition: match it.lifecycle_transition()? {
            "autoscaling:EC2_INSTANCE_LAUNCHING" => HookTransition::Launching,
            "autoscaling:EC2_INSTANCE_TERMINATING" => HookTransition::Terminating,
            _ => return None,
        },
        heartbeat_timeout,
        // "48 hours or 100 times the heartbeat timeout, whichever is smaller."
        global_timeout: seconds(it.global_timeout())
            .unwrap_or_else(|| (heartbeat_timeout * 100).min(Duration::from_hours(48))),
        default_result: match it.default_result() {
            Some("CONTINUE") => HookResult::Continue,
            _ => HookResult::Abandon,
        },
    })
}
