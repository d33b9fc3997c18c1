//! Lifecycle hooks: whether they hold an instance for as long as its jobs may take.

use std::time::Duration;

use super::{FindingKind, Patient, Severity};
use crate::fleet::{Hook, HookResult, HookTransition, short_duration};

impl Patient<'_> {
    pub(super) fn hooks(&mut self) {
        if self.pool.hooks_read_at.is_none() {
            let evidence = "its lifecycle hooks were not read yet".to_owned();
            self.find(FindingKind::HooksUnread, Severity::Unknown, evidence, None);
            return;
        }
        let pool = self.pool.clone();
        let mut terminating: Vec<&Hook> = pool.hooks.iter().collect();
        terminating.retain(|it| it.transition == HookTransition::Terminating);
        if terminating.is_empty() {
            let evidence = "no hook holds an instance on its way out, so its jobs end with it";
            self.find(
                FindingKind::NoTerminateHook,
                Severity::Danger,
                evidence.to_owned(),
                Some("harden POOL"),
            );
        }
        for hook in &terminating {
            self.terminating_hook(hook);
        }
        let abandons = terminating
            .iter()
            .find(|it| it.default_result == HookResult::Abandon);
        if let Some(hook) = abandons.filter(|_| !pool.upkeep.retains_abandoned) {
            let evidence = format!(
                "hook {} abandons when nobody answers, and the group terminates what is abandoned",
                hook.name
            );
            self.find(
                FindingKind::AbandonTerminates,
                Severity::Warning,
                evidence,
                Some("harden POOL"),
            );
        }
        let launches = |it: &Hook| it.transition == HookTransition::Launching;
        if let Some(size) = pool.warm_pool_size
            && !pool.hooks.iter().any(launches)
        {
            let evidence = format!(
                "a warm pool of {size}, and no launching hook: instances are stopped, and later put into service, \
                 without a word whether their agent is there"
            );
            self.find(
                FindingKind::WarmPoolWithoutHook,
                Severity::Warning,
                evidence,
                Some("harden POOL --launch-hook"),
            );
        }
    }

    fn terminating_hook(&mut self, hook: &Hook) {
        let timeout = short_duration(hook.heartbeat_timeout);
        if hook.default_result == HookResult::Continue {
            let evidence = format!(
                "hook {} goes on after {timeout} without an answer, whatever runs there",
                hook.name
            );
            self.find(
                FindingKind::HookContinues,
                Severity::Danger,
                evidence,
                Some("harden POOL"),
            );
        }
        let Some((job, length)) = self.longest_job() else {
            return;
        };
        if hook.global_timeout < length {
            let longest = hook.global_timeout < Hook::CAP_MAX;
            let evidence = format!(
                "no heartbeat of hook {} reaches beyond {}, and job {job} takes {}",
                hook.name,
                short_duration(hook.global_timeout),
                short_duration(length)
            );
            let fix = longest.then_some("harden POOL --heartbeat 30m");
            self.find(FindingKind::HookTooShort, Severity::Danger, evidence, fix);
        }
    }

    /// The job that takes longest, by its controller's guess or by its age.
    fn longest_job(&self) -> Option<(String, Duration)> {
        let members = &self.fleet.roster(&self.pool.key()).instances;
        let agents = members
            .iter()
            .flat_map(|it| self.fleet.executors_on(&it.id));
        let lengths = agents.flat_map(|it| it.jobs()).filter_map(|it| {
            let started_at = it.started_at?;
            let ends_at = it.expected_end.unwrap_or(self.now).max(self.now);
            Some((it.name.clone(), ends_at.since(started_at)))
        });
        lengths.max_by_key(|it| it.1)
    }
}
