//! What changes the members of a group by itself, without a look at their jobs.

use std::time::Duration;

use super::{FindingKind, Patient, Severity};
use crate::fleet::{
    FreezeMark, Hook, HookTransition, Process, Reluctance, TemplateKind, short_duration,
};

impl Patient<'_> {
    pub(super) fn protection(&mut self) {
        let n_open = self.members().filter(|it| !it.protected).count();
        let n_members = self.members().count();
        let is_new_open = !self.pool.protects_new_instances;
        if n_open == 0 && !is_new_open {
            return;
        }
        let present = format!("{n_open} of {n_members} instances in service are");
        let who = match (n_open, is_new_open) {
            (0, _) => "new instances are".to_owned(),
            (_, true) => format!("new instances and {present}"),
            (_, false) => present,
        };
        let evidence = format!(
            "{who} not protected from scale-in: AWS chooses who goes when desired falls, and does not look at jobs"
        );
        self.find(
            FindingKind::Unprotected,
            Severity::Warning,
            evidence,
            Some("harden POOL"),
        );
        let balances = !self.pool.is_suspended(&Process::AzRebalance);
        if balances && 1 < self.pool.zones.len() {
            let evidence = format!(
                "AZRebalance is on in {} zones: to even them out, AWS ends instances that are not protected",
                self.pool.zones.len()
            );
            self.find(
                FindingKind::AzRebalance,
                Severity::Warning,
                evidence,
                Some("suspend POOL AZRebalance"),
            );
        }
    }

    pub(super) fn upkeep(&mut self) {
        let pool = self.pool.clone();
        if let Some(lifetime) = pool.upkeep.max_lifetime {
            let evidence = format!(
                "a member older than {} is replaced, protected or not, whatever it runs; nothing but a \
                 termination hook makes it wait",
                short_duration(lifetime)
            );
            self.find(FindingKind::MaxLifetime, Severity::Warning, evidence, None);
        }
        if pool.upkeep.rebalances_capacity {
            let evidence = "capacity rebalancing ends a spot instance as soon as AWS would rather have it back, \
                            not only when AWS takes it"
                .to_owned();
            self.find(
                FindingKind::CapacityRebalance,
                Severity::Warning,
                evidence,
                None,
            );
        }
        let by_balancer = pool
            .health_check
            .iter()
            .flat_map(|it| it.split(','))
            .find(|it| matches!(it.trim(), "ELB" | "VPC_LATTICE"));
        if let Some(kind) = by_balancer
            && !pool.is_suspended(&Process::ReplaceUnhealthy)
        {
            let evidence = format!(
                "its health is what {} says: a worker that is slow to answer is ended with its jobs",
                kind.trim()
            );
            self.find(
                FindingKind::BalancerHealth,
                Severity::Danger,
                evidence,
                Some("suspend POOL ReplaceUnhealthy"),
            );
        }
    }

    pub(super) fn template(&mut self) {
        let Some(template) = self.pool.template.clone() else {
            return;
        };
        if template.kind == TemplateKind::LaunchConfiguration {
            let evidence = format!(
                "{} is a launch configuration: it has no versions, and instance refresh cannot roll back to one",
                template.name
            );
            self.find(
                FindingKind::LaunchConfiguration,
                Severity::Advice,
                evidence,
                None,
            );
        }
        if template.version.starts_with('$') {
            let means = template
                .resolved_version
                .as_ref()
                .map_or(String::new(), |it| format!(", today {it}"));
            let evidence = format!(
                "launches go by {}:{}{means}: whoever publishes a version changes the pool, and a refresh cannot be \
                 rolled back",
                template.name, template.version
            );
            self.find(
                FindingKind::FloatingTemplate,
                Severity::Advice,
                evidence,
                None,
            );
        }
    }

    pub(super) fn refresh(&mut self) {
        let refresh = self.pool.refresh.clone();
        let Some(refresh) = refresh.filter(|it| !it.status.is_over()) else {
            return;
        };
        let n_protected = self.members().filter(|it| it.protected).count();
        let waits = refresh.on_protected.is_none_or(|it| it == Reluctance::Wait);
        if 0 < n_protected && waits {
            let evidence = format!(
                "the refresh {} waits for {n_protected} protected instances, and fails after an hour of it",
                refresh.status
            );
            self.find(
                FindingKind::RefreshWaits,
                Severity::Warning,
                evidence,
                Some("refresh cancel POOL"),
            );
        }
        let holds = |it: &Hook| it.transition == HookTransition::Terminating;
        if self.pool.hooks_read_at.is_some() && !self.pool.hooks.iter().any(holds) {
            let evidence = format!(
                "the refresh {} ends busy workers like any others: no termination hook makes it wait",
                refresh.status
            );
            self.find(
                FindingKind::RefreshKills,
                Severity::Danger,
                evidence,
                Some("suspend POOL InstanceRefresh"),
            );
        }
    }

    pub(super) fn suspensions(&mut self) {
        let pool = self.pool.clone();
        let is_suspended = |it: &Process| pool.is_suspended(it);
        if is_suspended(&Process::Terminate) && !is_suspended(&Process::AzRebalance) {
            let evidence = "Terminate is suspended and AZRebalance is not: the group may grow to 10 % above max, \
                            and nothing makes it smaller again"
                .to_owned();
            self.find(
                FindingKind::RebalanceOnly,
                Severity::Warning,
                evidence,
                Some("suspend POOL AZRebalance"),
            );
        }
        for it in pool.suspended.iter().filter(|it| it.is_by_aws()) {
            let fix = format!("resume POOL {}", it.process);
            self.find(
                FindingKind::SuspendedByAws,
                Severity::Warning,
                format!("{} is suspended by AWS itself: {}", it.process, it.reason),
                Some(&fix),
            );
        }
        if let Some(Ok(mark)) = FreezeMark::of(&pool)
            && mark.is_overdue(self.now)
        {
            let late = mark.until.map_or(Duration::ZERO, |it| self.now.since(it));
            let evidence = format!(
                "{} froze it, and nothing ended that {} ago, when its time was over",
                mark.by,
                short_duration(late)
            );
            self.find(
                FindingKind::FreezeOverdue,
                Severity::Warning,
                evidence,
                Some("thaw POOL"),
            );
        }
    }
}
