//! What a reader of AWS sees of the true state: late, incomplete, or not at all.

use std::{collections::VecDeque, sync::Arc};

use super::{dice, faults::CloudFaults, machine::Machine, world::World};
use crate::{
    cloud::{Error, Reading},
    fleet::{
        Activity, ConsoleOutput, Failure, FailureKind, Identity, Instance, InstanceId, Lifecycle,
        Market, Part, Pool, PoolKey, ScopeId, SourceId, Timestamp,
    },
};

/// The newest activities of each group that a reading brings.
const N_ACTIVITIES: usize = 20;
/// `DescribeScalingActivities` answers this many at once.
const N_ACTIVITIES_PAGE: usize = 100;

impl World {
    /// Reads a scope as AWS would answer now.
    pub fn observe(&mut self, scope: &ScopeId) -> Result<Reading, Error> {
        self.check_door(
            &SourceId::Scope(scope.clone()),
            "autoscaling:DescribeAutoScalingGroups",
        )?;
        self.check_door(&SourceId::Scope(scope.clone()), "ec2:DescribeInstances")?;
        let Some(region) = self.regions.get(scope) else {
            return Err(Error::new(
                FailureKind::NotFound,
                format!("{scope} is not in this world"),
            ));
        };
        let mut part = Part {
            scopes: vec![region.scope.clone()],
            read_at: Some(self.now),
            ..Part::default()
        };
        for group in self.groups.values().filter(|it| it.row.scope == *scope) {
            let row = shown(
                &mut self.dice.door,
                &self.faults.cloud,
                self.now,
                &group.past,
                &group.row,
            );
            part.pools.push(row);
            part.activities
                .extend(group.activities.iter().rev().take(N_ACTIVITIES).cloned());
        }
        part.instances = self.observe_instances(scope);
        let mut reading = Reading {
            part,
            missing: Vec::new(),
        };
        self.lose_page(scope, &mut reading);
        Ok(reading)
    }

    fn observe_instances(&mut self, scope: &ScopeId) -> Vec<Arc<Instance>> {
        let Self {
            machines,
            dice,
            faults,
            now,
            ..
        } = self;
        let faults = &faults.cloud;
        let mut rows = Vec::new();
        for machine in machines.values_mut().filter(|it| it.row.scope == *scope) {
            let is_listed = machine.unlisted_until <= *now
                && machine.listed_until.is_none_or(|until| *now < until);
            if !is_listed {
                continue;
            }
            if faults.hides_state_begin {
                note_seen(machine, *now);
            }
            let row = shown(&mut dice.door, faults, *now, &machine.past, &machine.row);
            let row = if dice::happens(&mut dice.door, faults.odd_word) {
                oddly_worded(&row)
            } else {
                row
            };
            rows.push(if *now < machine.hidden_until {
                unknown_to_ec2(&row)
            } else {
                row
            });
        }
        rows
    }

    /// Now and then one page of instances cannot be read: the reader keeps the rows that it had.
    fn lose_page(&mut self, scope: &ScopeId, reading: &mut Reading) {
        let chance = self.faults.cloud.partial_read;
        if chance <= 0.0 {
            self.whole_at.insert(scope.clone(), self.now);
            return;
        }
        let n_rows = reading.part.instances.len();
        let is_lost = dice::happens(&mut self.dice.door, chance);
        if let Some(last) = self.last_rows.get(scope).filter(|_| is_lost) {
            let cut = self.dice.door.usize(..=n_rows);
            let first_lost = reading.part.instances.get(cut).map(|it| it.id.clone());
            reading.part.instances.truncate(cut);
            if let Some(first) = first_lost {
                reading
                    .part
                    .instances
                    .extend(last.iter().filter(|it| first <= it.id).cloned());
            }
            reading.missing.push(Failure {
                kind: FailureKind::Unknown,
                what: "ec2:DescribeInstances: a page could not be read; its rows are older"
                    .to_owned(),
                at: self.now,
                retry_at: None,
            });
            reading.part.read_at = self.whole_at.get(scope).copied();
        } else {
            self.whole_at.insert(scope.clone(), self.now);
        }
        self.last_rows
            .insert(scope.clone(), reading.part.instances.clone());
    }

    /// Reads the activities of one group, newest first.
    pub fn activities(&mut self, pool: &PoolKey) -> Result<Vec<Activity>, Error> {
        let operation = "autoscaling:DescribeScalingActivities";
        self.check_door(&SourceId::Scope(pool.scope.clone()), operation)?;
        let group = self.groups.get(pool).ok_or_else(|| {
            Error::new(
                FailureKind::NotFound,
                format!(
                    "{operation}: ValidationError: Group {} not found",
                    pool.name
                ),
            )
        })?;
        let newest = group.activities.iter().rev().take(N_ACTIVITIES_PAGE);
        Ok(newest.map(|it| it.as_ref().clone()).collect())
    }

    /// Proves who we are in a region.
    pub fn identify(&mut self, scope: &ScopeId) -> Result<Identity, Error> {
        self.check_door(&SourceId::Scope(scope.clone()), "sts:GetCallerIdentity")?;
        let Some(region) = self.regions.get(scope) else {
            return Err(Error::new(
                FailureKind::NotFound,
                format!("{scope} is not in this world"),
            ));
        };
        Ok(Identity {
            account: region.account.clone(),
            arn: format!(
                "arn:aws:sts::{}:assumed-role/ci-operator/demo",
                region.account
            ),
            expires_at: self.faults.cloud.credentials_end,
        })
    }

    /// Reads a machine's console output: what EC2 kept of its boot.
    pub fn console_output(&mut self, id: &InstanceId) -> Result<ConsoleOutput, Error> {
        let operation = "ec2:GetConsoleOutput";
        let machine = self.machines.get(id).ok_or_else(|| {
            Error::new(
                FailureKind::NotFound,
                format!(
                    "{operation}: InvalidInstanceID.NotFound: The instance ID '{id}' does not exist"
                ),
            )
        })?;
        let source = SourceId::Scope(machine.row.scope.clone());
        let group = machine.pool().and_then(|it| self.groups.get(it));
        let is_windows = group.is_some_and(|it| it.spec.host.is_windows);
        let (text, at) = super::console::console(machine, is_windows, self.now);
        self.check_door(&source, operation)?;
        Ok(ConsoleOutput {
            instance: id.clone(),
            at,
            text,
        })
    }
}

/// Returns the row, or by chance one that it replaced not long ago.
fn shown<T>(
    rng: &mut fastrand::Rng,
    faults: &CloudFaults,
    now: Timestamp,
    past: &VecDeque<(Timestamp, Arc<T>)>,
    row: &Arc<T>,
) -> Arc<T> {
    let n_outlived = past.partition_point(|(until, _)| faults.stale_for < now.since(*until));
    if n_outlived == past.len() || !dice::happens(rng, faults.stale_read) {
        return row.clone();
    }
    past[rng.usize(n_outlived..past.len())].1.clone()
}

/// AWS adds words; a reader must neither choke on one nor take it for another.
fn oddly_worded(row: &Arc<Instance>) -> Arc<Instance> {
    let mut row = row.as_ref().clone();
    row.lifecycle = row.lifecycle.map(|_| Lifecycle::from("Pending:Teleport"));
    Arc::new(row)
}

/// A group lists its new member before EC2 describes it.
fn unknown_to_ec2(row: &Arc<Instance>) -> Arc<Instance> {
    let mut row = row.as_ref().clone();
    row.state = None;
    row.state_reason = None;
    row.status_checks = None;
    // Only EC2 knows how it was bought.
    row.market = Market::Other("unknown".to_owned());
    row.launched_at = None;
    row.private_address = None;
    row.private_dns = None;
    row.tags.clear();
    Arc::new(row)
}

/// Counts a state from the first reading that showed it, as a reader of AWS has to.
fn note_seen(machine: &mut Machine, now: Timestamp) {
    let Some(lifecycle) = machine.row.lifecycle.clone() else {
        return;
    };
    if machine.seen.as_ref().is_none_or(|it| it.0 != lifecycle) {
        machine.seen = Some((lifecycle, now));
        Arc::make_mut(&mut machine.row).lifecycle_since = now;
    }
}

/// Returns what a pool's row says; used where a caller needs it without a reading.
impl World {
    pub fn pool_row(&self, key: &PoolKey) -> Option<&Arc<Pool>> {
        self.groups.get(key).map(|it| &it.row)
    }
}
