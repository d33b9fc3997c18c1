//! The jobs that run where an action is going to change something.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

use crate::fleet::{InstanceId, Job, Timestamp};

/// A job that runs on a target of an action.
#[derive(Clone, Debug)]
pub struct JobAtRisk {
    pub name: String,
    pub instance: InstanceId,
    /// By the controller's own estimate, where it has one.
    pub expected_end: Option<Timestamp>,
    /// When that was read.
    pub read_at: Timestamp,
}

impl JobAtRisk {
    pub(super) fn new(job: &Job, instance: &InstanceId, read_at: Timestamp) -> Self {
        Self {
            name: job.name.clone(),
            instance: instance.clone(),
            expected_end: job.expected_end,
            read_at,
        }
    }

    /// Returns how much longer it runs; `None` when nobody tells.
    pub(super) fn left(&self) -> Option<Duration> {
        let end = self.expected_end.filter(|_| !self.is_overdue())?;
        Some(end.since(self.read_at))
    }

    /// Returns whether it runs longer than expected: then nobody tells its end any more.
    fn is_overdue(&self) -> bool {
        self.expected_end.is_some_and(|it| it <= self.read_at)
    }
}

/// It is the same job, whatever its estimate says now.
impl PartialEq for JobAtRisk {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.instance) == (&other.name, &other.instance)
    }
}

impl fmt::Display for JobAtRisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}, ", self.name, self.instance)?;
        match self.expected_end {
            Some(it) if self.is_overdue() => write!(
                f,
                "overdue, it was expected to end at {}: its end is not known",
                it.clock_time()
            ),
            Some(it) => write!(f, "expected to end at {}", it.clock_time()),
            None => f.write_str("its end is not known"),
        }
    }
}

impl Serialize for JobAtRisk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
